"""Each C++ file is as clang-format would write it.

    format.py ROOT CLANG_FORMAT
"""

import re
import subprocess
import sys

from support import lint

WARNING = re.compile(r"^(.*?):(\d+):\d+: (?:error|warning): ", re.MULTILINE)


def main(root, clang_format):
    paths = lint.files(root, "common", "tools", "tests", suffixes=(".h", ".cc"))
    done = subprocess.run([clang_format, "--dry-run", "-Werror", *paths], cwd=root, capture_output=True, text=True,
                          timeout=240, check=False)
    lines = {}
    for path, line in WARNING.findall(done.stderr):
        lines.setdefault(path, line)
    problems = [f"{path}:{line}: not formatted; run {clang_format.rsplit('/')[-1]} -i {path}"
                for path, line in sorted(lines.items())]
    if done.returncode and not problems:
        problems = [done.stderr]
    lint.finish(problems, len(paths))


main(*sys.argv[1:])
