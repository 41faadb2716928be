"""Manual page and completions of a program offer exactly the verbs and options that the program has.

    options.py ROOT BIN [TOOL…]

The program tells them itself (rpx-NAME --dump-options), one fact a line:
    verb NAME | option VERB|* LONG SHORT|- VALUE|- [choices…] | operand VERB VALUE
A verb of two words has a "_" between them there.
"""

import os
import re
import shutil
import subprocess
import sys

from support import lint

LONG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")


def dumped(program):
    done = subprocess.run([program, "--dump-options"], capture_output=True, text=True, timeout=60, check=True)
    verbs, options = set(), set()
    for line in done.stdout.splitlines():
        words = line.split()
        if words[0] == "verb":
            verbs.add(words[1].replace("_", " "))
        elif words[0] == "option":
            options.add(words[2])
    if not verbs or not options:
        raise SystemExit(f"{program} --dump-options told nothing")
    return verbs, options


def as_shown(root, path):
    """The text of `path` as its reader sees it."""
    if path.startswith("man/"):
        done = subprocess.run(["mandoc", "-T", "ascii", path], cwd=root, capture_output=True, text=True, timeout=60, check=True)
        return re.sub(".\b", "", done.stdout)
    return lint.read(root, path)


def options_in(path, text):
    if path.endswith(".fish"):
        lines = [line for line in text.splitlines() if line.startswith("complete ")]
        return {"--" + name for line in lines for name in re.findall(r" -l '?([a-z][a-z0-9-]*)", line)}
    return set(LONG.findall(text))


def compare(path, text, verbs, options, extra):
    """What `text` lacks, and what it offers in excess."""
    said = options_in(path, text)
    for option in sorted(options - said):
        yield f"{path}:1: {option} is missing"
    for option in sorted(said - options - extra):
        yield f"{path}:1: there is no {option}"
    for verb in sorted(verbs):
        if not re.search(rf"(?<![\w-]){re.escape(verb)}(?![\w-])", text):
            yield f"{path}:1: the verb {verb} is missing"


def main(root, folder, *tools):
    problems = []
    for tool in tools:
        verbs, options = dumped(os.path.join(folder, tool))
        always = frozenset({"--help", "--version"})
        files = [f"man/{tool}.1", f"completions/bash/{tool}", f"completions/zsh/_{tool}", f"completions/fish/{tool}.fish"]
        for path in files:
            if not os.path.exists(os.path.join(root, path)):
                problems.append(f"{path}:1: does not exist")
                continue
            text = as_shown(root, path)
            problems += compare(path, text, verbs, options, always)
            shell = path.split("/")[1] if path.startswith("completions") else None
            if shell:
                if not shutil.which(shell):
                    problems.append(f"{path}:1: {shell} is not installed, so its syntax was not checked")
                    continue
                done = subprocess.run([shell, "-n", path], cwd=root, capture_output=True, text=True, timeout=60, check=False)
                problems += [f"{path}:1: {line}" for line in done.stderr.splitlines()]
    lint.finish(problems, len(tools))


main(*sys.argv[1:])
