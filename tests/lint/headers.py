"""Each header opens with a comment that says what it owns, who calls it, on which thread.

    headers.py ROOT
"""

import sys

from support import lint


def problem(text):
    lines = text.split("\n")
    comment = 0
    while comment < len(lines) and lines[comment].startswith("//"):
        comment += 1
    if comment == 0:
        return "opens without a comment on what it is for"
    if sum(len(line) for line in lines[:comment]) < 40:
        return "opens with a comment too short to say what it owns, who calls it and on which thread"
    if comment > 12:
        return f"opens with {comment} lines of comment; 12 is the most"
    if lines[comment:comment + 1] != ["#pragma once"]:
        return "has no #pragma once right after its opening comment"
    return None


def main(root):
    paths = lint.files(root, "common", "tools", suffixes=(".h",))
    problems = []
    for path in paths:
        if path.endswith("precompiled.h"):
            continue
        found = problem(lint.read(root, path))
        if found:
            problems.append(f"{path}:1: {found}")
    lint.finish(problems, len(paths))


main(sys.argv[1])
