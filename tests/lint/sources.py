"""Each .cc file is listed in the CMakeLists.txt beside it, and each listed one exists.

    sources.py ROOT
"""

import os
import re
import sys

from support import lint

SOURCE = re.compile(r"(?<![\w/${}.])([\w/.-]+\.cc)\b")


def listed(root, folder):
    """Names of .cc files that the CMakeLists.txt of `folder` or of one above it names, relative to `root`."""
    names = set()
    at = folder
    while True:
        path = os.path.join(at, "CMakeLists.txt")
        if os.path.exists(os.path.join(root, path)):
            text = re.sub(r"#[^\n]*", "", lint.read(root, path))
            names |= {os.path.normpath(os.path.join(at, n)) for n in SOURCE.findall(text)}
        if not at:
            return names
        at = os.path.dirname(at)


def main(root):
    paths = lint.files(root, "common", "tools", "tests", suffixes=(".cc",))
    problems = [f"{p}:1: no CMakeLists.txt lists this file, so nothing builds it"
                for p in paths if p not in listed(root, os.path.dirname(p))]
    lists = lint.files(root, "common", "tools", "tests", suffixes=("CMakeLists.txt",))
    for path in lists:
        text = re.sub(r"#[^\n]*", "", lint.read(root, path))
        for found in SOURCE.finditer(text):
            target = os.path.join(os.path.dirname(path), found.group(1))
            if not os.path.exists(os.path.join(root, target)):
                problems.append(f"{path}:{lint.line_of(text, found.start())}: {found.group(1)} does not exist")
    lint.finish(problems, len(paths))


main(sys.argv[1])
