"""What the README and the examples' texts say can be done: their command lines exist, their TOML is accepted, their paths are there.

    readme.py ROOT BIN
"""

import os
import re
import subprocess
import sys
import tempfile

from support import lint

COMMAND = re.compile(r"(?:^    |`)(?:\S*/)?(rpx-serve)((?: [^`\n#]*)?)", re.MULTILINE)
PATH = re.compile(r"`((?:common|tools|tests|examples|man|completions|cmake|\.ci|proxy|policy|http|upstream|balance)/[\w./*-]*)`")
TOML = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def facts(program):
    """(verbs, long and short options) that the program says it has."""
    done = subprocess.run([program, "--dump-options"], capture_output=True, text=True, timeout=60, check=True)
    rows = [line.split() for line in done.stdout.splitlines()]
    verbs = {row[1] for row in rows if row[0] == "verb"}
    options = {word for row in rows if row[0] == "option" for word in row[2:4]} | {"--help", "--version"}
    return verbs, options


def command_problems(text, verbs, options):
    for found in COMMAND.finditer(text):
        words = found.group(2).split()
        if "--exec" in words:
            words = words[:words.index("--exec") + 1]
        for word in words:
            if word.startswith("-") and word != "-" and word not in options:
                yield lint.line_of(text, found.start()), f"there is no option {word}"
        if words and re.fullmatch("[a-z]+", words[0]) and words[0] not in verbs:
            yield lint.line_of(text, found.start()), f"there is no verb {words[0]}"


def toml_problems(program, text):
    for found in TOML.finditer(text):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([program, "check", "-c", "-"], input=found.group(1), cwd=folder, capture_output=True,
                                  text=True, timeout=60, check=False)
        if done.returncode != 0 or "warning" in done.stderr:
            yield lint.line_of(text, found.start()), f"the configuration is not accepted:\n{done.stderr}"


def path_problems(root, text):
    for found in PATH.finditer(text):
        path = found.group(1)
        places = [os.path.join(root, path), os.path.join(root, "common", path)]
        places += [place + ending for place in places for ending in (".cc", ".h")]
        if "*" not in path and not any(os.path.exists(place) for place in places):
            yield lint.line_of(text, found.start()), f"{path} does not exist"


def main(root, folder):
    program = os.path.join(folder, "rpx-serve")
    verbs, options = facts(program)
    problems = []
    paths = ["README.md", *lint.files(root, "examples", suffixes=(".md",))]
    for path in paths:
        text = lint.read(root, path)
        found = [*command_problems(text, verbs, options), *toml_problems(program, text), *path_problems(root, text)]
        problems += [f"{path}:{line}: {what}" for line, what in sorted(found)]
    lint.finish(problems, len(paths))


main(*sys.argv[1:])
