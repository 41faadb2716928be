"""Runs a golden command-line session: what was typed, what was said, how it ended.

    golden.py SESSION [--update]

In a session two blanks and "$ " start a command ("> " continues it), the indented lines below are what it says on
stdout and stderr together, and "[N]" is its exit status when that is not 0. A line that ends in " (re)" is a regular
expression; "..." stands for any number of lines. Everything else is prose. A session runs in one shell in a
folder of its own, and finds this repository in $RPX_ROOT. With --update the file is written anew with what was really said.
"""

import difflib
import os
import re
import subprocess
import sys
import tempfile

from support.proxy import REPORT, SANITIZERS
from support.waiting import PATIENCE

MARK = "--golden--"
ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))


def parse(text):
    """[(prose lines, command lines, expected lines)]; the last has no command."""
    steps, prose, command, expected = [], [], [], []
    for line in text.splitlines():
        if line.startswith("  $ "):
            if command:
                steps.append((prose, command, expected))
                prose, command, expected = [], [], []
            command.append(line[4:])
        elif line.startswith("  > ") and command and not expected:
            command.append(line[4:])
        elif line.startswith("  ") and command:
            expected.append(line[2:])
        else:
            if command:
                steps.append((prose, command, expected))
                prose, command, expected = [], [], []
            prose.append(line)
    steps.append((prose, command, expected))
    return steps


def run(steps):
    """What each command said, as lines with the status last when it is not 0."""
    script = "".join("\n".join(command) + f"\nprintf '\\n{MARK}%s\\n' \"$?\"\n" for _, command, _ in steps if command)
    with tempfile.TemporaryDirectory(prefix="rpx-cli-") as folder:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RPX_", "XDG_")) and k not in ("NO_COLOR", "TERM")}
        env = {**kept, **SANITIZERS, "PATH": f"{os.environ['RPX_BIN']}:{kept['PATH']}", "HOME": folder, "LC_ALL": "C.UTF-8",
               "XDG_RUNTIME_DIR": folder, "RPX_ROOT": ROOT}
        done = subprocess.run(["sh", "-s"], input=script, cwd=folder, env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=PATIENCE * 6, check=False)
    said = []
    for piece in re.split(rf"\n{MARK}(\d+)\n", done.stdout.replace(os.path.realpath(folder), "DIR")):
        said.append(piece)
    if REPORT.search(done.stdout):
        raise SystemExit(done.stdout)
    result = []
    for text, status in zip(said[::2], said[1::2]):
        lines = text.splitlines()
        result.append(lines + ([f"[{status}]"] if status != "0" else []))
    return result


def agrees(expected, said):
    if not expected:
        return not said
    if expected[0] == "...":
        return any(agrees(expected[1:], said[i:]) for i in range(len(said) + 1))
    if not said:
        return False
    one = expected[0]
    same = re.fullmatch(one[:-5], said[0]) if one.endswith(" (re)") else one == said[0]
    return bool(same) and agrees(expected[1:], said[1:])


def render(steps, said):
    out = []
    results = iter(said)
    for prose, command, expected in steps:
        out += prose
        if command:
            real = next(results, ["<the shell ended before this command>"])
            out += ["  $ " + command[0], *("  > " + line for line in command[1:])]
            out += ["  " + line for line in (expected if agrees(expected, real) else real)]
    return "\n".join(out) + "\n"


def main(path, *options):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    steps = parse(text)
    real = render(steps, run(steps))
    if "--update" in options:
        with open(path, "w", encoding="utf-8") as f:
            f.write(real)
        return
    if not any(command for _, command, _ in steps):
        raise SystemExit("no command in this session")
    if real != text:
        diff = list(difflib.unified_diff(text.splitlines(True), real.splitlines(True), path, "what was said"))
        sys.stdout.writelines(diff[:100] + (["(and more)\n"] if len(diff) > 100 else []))
        raise SystemExit(1)


main(*sys.argv[1:])
