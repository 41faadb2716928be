"""Each shell script passes shellcheck and can be run.

    shell.py ROOT SHELLCHECK
"""

import os
import subprocess
import sys

from support import lint


def is_shell(root, path):
    with open(os.path.join(root, path), "rb") as f:
        first = f.readline()
    return first.startswith(b"#!") and (b"/sh" in first or b"bash" in first)


def main(root, shellcheck):
    paths = [p for p in lint.files(root) if not p.startswith("completions") and is_shell(root, p)]
    if not paths:
        lint.finish([], 0)
    problems = [f"{p}:1: not executable" for p in paths if not os.access(os.path.join(root, p), os.X_OK)]
    done = subprocess.run([shellcheck, "-f", "gcc", *paths], cwd=root, capture_output=True, text=True, timeout=120,
                          check=False)
    problems += (done.stdout + done.stderr).splitlines()
    lint.finish(problems, len(paths))


main(*sys.argv[1:])
