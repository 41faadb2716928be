"""Nothing unfinished, no path of somebody's machine, no library call that this toolchain lacks.

    words.py ROOT
"""

import re
import sys

from support import lint

EVERYWHERE = [
    (re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b"), "unfinished work is finished or left out, not marked"),
    (re.compile(r"\b[Nn]ot (?:yet )?imple" r"mented\b"), "what does not exist is not offered"),
    (re.compile(r"(?<![\w.$}/])/(?:wo" r"rk|ho" r"me|ro" r"ot|Us" r"ers)/(?!\*)"), "a path of one machine"),
    (re.compile(r"\.\./sha" r"red\b"), "a path outside of the project"),
    (re.compile(r"[ \t]+$", re.MULTILINE), "blank at the end of the line"),
    (re.compile(r"^(?:<<<<<<<|>>>>>>>)", re.MULTILINE), "a merge that was not finished"),
]
CODE_ONLY = [
    (re.compile(r"\bstd::(?:format|print|println)\b"), "libstdc++ 12 has no std::format: use fmt"),
    (re.compile(r"#\s*include\s*<(?:format|print|generator)>"), "libstdc++ 12 has no such header"),
    (re.compile(r"^using namespace (?!std::chrono|std::(?:\w+_)?literals)", re.MULTILINE), "names are spelled out or taken one by one"),
    (re.compile(r"\b(?:this_thread::sleep\w+|usleep|nanosleep)\b"), "nothing here waits by sleeping"),
]
TEXT = (".session", ".h", ".cc", ".py", ".md", ".txt", ".cmake", ".toml", ".json", ".service", ".socket", ".sh", ".1", ".5", ".7")


def main(root):
    paths = [p for p in lint.files(root) if p.endswith(TEXT) or p.startswith((".ci", "completions", "man"))]
    problems = []
    for path in paths:
        if path.startswith("tests/fuzz/") and "corpus" in path:
            continue
        try:
            text = lint.read(root, path)
        except UnicodeDecodeError:
            problems.append(f"{path}:1: not UTF-8")
            continue
        rules = EVERYWHERE + (CODE_ONLY if path.endswith((".h", ".cc")) and not path.startswith("tests/") else [])
        for pattern, why in rules:
            for found in pattern.finditer(text):
                problems.append(f"{path}:{lint.line_of(text, found.start())}: \"{found.group().strip()}\": {why}")
        if text and not text.endswith("\n"):
            problems.append(f"{path}:{lint.line_of(text, len(text))}: the last line has no end")
    lint.finish(sorted(problems), len(paths))


main(sys.argv[1])
