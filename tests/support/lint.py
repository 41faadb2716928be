"""What the lint tests share: the files of a tree, and one way to say what is wrong with them."""

import os
import sys

SKIPPED_FOLDERS = {".git", "build", "__pycache__"}


def files(root, *folders, suffixes=()):
    """Paths below `root`/`folders` (relative to `root`, sorted) whose name ends in one of `suffixes`; all when none."""
    found = []
    for folder in folders or ("",):
        top = os.path.join(root, folder)
        if os.path.isfile(top):
            found.append(folder)
        for path, names, leaves in os.walk(top):
            names[:] = [n for n in names if n not in SKIPPED_FOLDERS]
            for leaf in leaves:
                relative = os.path.relpath(os.path.join(path, leaf), root)
                if not suffixes or leaf.endswith(tuple(suffixes)):
                    found.append(relative)
    return sorted(set(found))


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def finish(problems, looked_at):
    """Prints the problems and ends the process: 0 when there is none, 1 otherwise, 2 when nothing was looked at."""
    if not looked_at:
        print("looked at no file: this test is run on the wrong folder")
        sys.exit(2)
    for problem in problems:
        print(problem)
    print(f"{looked_at} files, {len(problems)} problems")
    sys.exit(1 if problems else 0)


def without_comments(text, keep_strings=False):
    """C++ text with comments, and unless kept the insides of literals, blanked out; offsets and lines stay."""
    out = []
    i, n = 0, len(text)

    def blank(a, b):
        out.append("".join(c if c == "\n" else " " for c in text[a:b]))

    while i < n:
        two = text[i:i + 2]
        if two == "//":
            end = text.find("\n", i)
            end = n if end < 0 else end
            blank(i, end)
            i = end
        elif two == "/*":
            end = text.find("*/", i + 2)
            end = n if end < 0 else end + 2
            blank(i, end)
            i = end
        elif text[i] == '"' and i and text[i - 1] == "R" and (i < 2 or not (text[i - 2].isalnum() or text[i - 2] == "_")):
            delimiter = text[i + 1:text.index("(", i)]
            end = text.find(")" + delimiter + '"', i)
            end = n if end < 0 else end + len(delimiter) + 2
            if keep_strings:
                out.append(text[i:end])
            else:
                out.append('"')
                blank(i + 1, end - 1)
                out.append('"')
            i = end
        elif text[i] == '"' or (text[i] == "'" and not (i and text[i - 1].isalnum())):
            quote, end = text[i], i + 1
            while end < n and text[end] != quote and text[end] != "\n":
                end += 2 if text[end] == "\\" else 1
            end = min(end + 1, n)
            if keep_strings:
                out.append(text[i:end])
            else:
                out.append(quote)
                blank(i + 1, end - 1)
                out.append(quote if end - i > 1 else "")
            i = end
        else:
            out.append(text[i])
            i += 1
    return "".join(out)
