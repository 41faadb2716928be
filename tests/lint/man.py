"""Each manual page is clean for mandoc, and each program has one.

    man.py ROOT MANDOC
"""

import os
import subprocess
import sys

from support import lint


def main(root, mandoc):
    pages = lint.files(root, "man", suffixes=(".1", ".5", ".7"))
    problems = []
    for page in pages:
        done = subprocess.run([mandoc, "-T", "lint", "-W", "warning", page], cwd=root, capture_output=True, text=True,
                              timeout=60, check=False)
        problems += (done.stdout + done.stderr).splitlines()
    for tool in sorted(os.listdir(os.path.join(root, "tools"))):
        if tool.startswith("rpx-") and f"man/{tool}.1" not in pages:
            problems.append(f"man/{tool}.1:1: {tool} has no manual page")
    lint.finish(problems, len(pages))


main(*sys.argv[1:])
