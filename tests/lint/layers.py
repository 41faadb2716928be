"""Holds the order of the folders of common/: a folder includes only folders below it.

    layers.py ROOT
"""

import os
import re
import sys

from support import lint

# Folder → the folders directly below it; what those may include is allowed too.
DIRECTLY_BELOW = {
    "base": [],
    "rt": ["base"],
    "net": ["rt"],
    "tls": ["net"],
    "pki": ["tls"],
    "http": ["net"],
    "codec": ["http"],
    "cache": ["http"],
    "balance": ["base"],
    "policy": ["http"],
    "upstream": ["net", "tls", "http", "balance"],
    "proxy": ["upstream", "policy", "codec", "cache", "pki"],
    "config": ["proxy"],
    "control": ["config"],
    "load": ["control"],
    "cli": ["base"],
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)


def below(folder):
    seen = {folder}
    todo = [folder]
    while todo:
        for lower in DIRECTLY_BELOW[todo.pop()]:
            if lower not in seen:
                seen.add(lower)
                todo.append(lower)
    return seen


def problems_of(root, path):
    text = lint.without_comments(lint.read(root, path), keep_strings=True)
    top, folder = path.split(os.sep)[:2]
    allowed = below(folder) if top == "common" and folder in DIRECTLY_BELOW else None
    if top == "common" and allowed is None and os.sep in path[len("common/"):]:
        yield f"{path}:1: folder {folder} has no row in the table of layers (tests/lint/layers.py)"
        return
    for found in INCLUDE.finditer(text):
        where = f"{path}:{lint.line_of(text, found.start())}"
        bracket, name = found.groups()
        target = name.split("/")[0]
        if bracket == "<":
            if target in DIRECTLY_BELOW and os.path.exists(os.path.join(root, "common", name)):
                yield f'{where}: our own header is included as "{name}", not in angle brackets'
            continue
        if name.startswith("."):
            yield f'{where}: "{name}" is relative; headers are named from common/'
        elif target in DIRECTLY_BELOW:
            if not os.path.exists(os.path.join(root, "common", name)):
                yield f'{where}: "{name}" does not exist'
            elif allowed is not None and target not in allowed:
                yield f'{where}: {folder} may not include "{name}": {target} is not below {folder}'
        elif top == "common":
            yield f'{where}: "{name}" is no header of common/'


def main(root):
    paths = lint.files(root, "common", "tools", suffixes=(".h", ".cc"))
    problems = [p for path in paths for p in problems_of(root, path)]
    lint.finish(problems, len(paths))


main(sys.argv[1])
