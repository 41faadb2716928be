"""Holds files to 400 lines and functions to 60, so that each fits a head and a screen.

    sizes.py ROOT
"""

import re
import sys

from support import lint

MAX_FILE = 400
MAX_FUNCTION = 60

# Path → why it may be longer than MAX_FILE lines.
LONG_FILES = {}

# What may stand between the ")" of a function and its "{".
TAIL = re.compile(r"\)\s*(?:(?:const|noexcept|override|final|mutable|volatile|&&?|requires\b[^{;]*|->\s*[^{};]+"
                  r"|noexcept\s*\([^{}]*\))\s*)*$")
CONSTRUCTOR = re.compile(r"\)\s*(?:noexcept\s*)?:\s*[\w:]+\s*[({]")
SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b[^;()]*$|\b(class|struct|union)\b[^;{}]*:[^;{}]*$")


def opener(text, start, brace):
    """What the "{" at `brace` opens: scope, function or other; `start` is where its statement began."""
    statement = text[start:brace].strip()
    if CONSTRUCTOR.search(statement):
        # Members initialised with braces come before the body: the body's "{" follows ")" or "}".
        return "function" if statement.endswith((")", "}")) else "other"
    if TAIL.search(statement) and not re.match(r"(?:if|for|while|switch|else|catch|do)\b", statement):
        return "function"
    if SCOPE.search(statement) and "=" not in statement.split("<")[0]:
        return "scope"
    return "other"


def functions(text):
    """Yields (first line, last line, text of the head) of each function that is no lambda."""
    text = lint.without_comments(text)
    text = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.MULTILINE)
    stack = []  # (kind, offset of the statement)
    start = 0
    for i, c in enumerate(text):
        if c == "{":
            kind = "other"
            if all(k == "scope" for k, _, _ in stack):
                kind = opener(text, start, i)
            stack.append((kind, start, i))
            if kind in ("scope", "function"):
                start = i + 1
        elif c == "}":
            if not stack:
                return
            kind, begun, _ = stack.pop()
            if kind == "function":
                head = begun + len(text[begun:i]) - len(text[begun:i].lstrip())
                yield lint.line_of(text, head), lint.line_of(text, i), " ".join(text[head:].split("(")[0].split())
            if kind in ("scope", "function"):
                start = i + 1
        elif c == ";" and all(k != "other" for k, _, _ in stack):
            start = i + 1


def main(root):
    problems = []
    paths = lint.files(root, "common", "tools", "tests", suffixes=(".h", ".cc", ".py"))
    for path in paths:
        text = lint.read(root, path)
        lines = text.count("\n")
        if lines > MAX_FILE and path not in LONG_FILES:
            problems.append(f"{path}:{MAX_FILE + 1}: the file has {lines} lines; {MAX_FILE} is the most")
        if path in LONG_FILES and lines <= MAX_FILE:
            problems.append(f"{path}:1: no longer over {MAX_FILE} lines; take it off the list in tests/lint/sizes.py")
        if path.endswith(".py") or path.startswith("tests"):
            continue  # test cases are tables more often than not
        for first, last, name in functions(text):
            if last - first + 1 > MAX_FUNCTION:
                problems.append(f"{path}:{first}: {name} has {last - first + 1} lines; {MAX_FUNCTION} is the most")
    lint.finish(problems, len(paths))


if __name__ == "__main__":
    main(sys.argv[1])
