"""Runs clang-tidy with the root's .clang-tidy over every file of common/ and tools/ that is built.

    tidy.py ROOT BUILD_DIR CLANG_TIDY [FILTER]

The files of a folder are read as one, so that the headers they share are parsed once: names in the anonymous
namespaces of a folder must therefore differ, which is kinder to readers as well. Precompiled headers are taken out of the commands: clang-tidy cannot read those of another build.
"""

import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

from support import lint

FILES_AT_ONCE = 40
PRECOMPILED = re.compile(r"cmake_pch|-fno-pch-timestamp|-include-pch|-fpch-instantiate-templates|-Winvalid-pch")


def plain(command):
    """The compiler's arguments without launcher and precompiled header, as a list."""
    words = shlex.split(command)
    while not re.search(r"clang\+\+(-\d+)?$", words[0]):
        words.pop(0)
    kept = []
    i = 0
    while i < len(words):
        # -Xclang A [-Xclang B] come in pairs; drop a pair whose value speaks of precompiled headers.
        if words[i] == "-Xclang" and i + 1 < len(words):
            value = words[i + 1]
            if PRECOMPILED.search(value) or value == "-include":
                i += 2
                continue
        elif words[i] == "-mllvm":  # how code is generated, which is none of its business
            i += 2
            continue
        elif PRECOMPILED.search(words[i]):
            i += 1
            continue
        kept.append(words[i])
        i += 1
    return [w for w in kept if not w.startswith(("-flto", "-fprofile", "-Werror"))]


def database(build, root, pattern):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        rows = json.load(f)
    chosen = []
    for row in {row["file"]: row for row in rows}.values():  # a file of several tools is read once
        path = os.path.relpath(os.path.realpath(row["file"]), os.path.realpath(root))
        if path.startswith(("common/", "tools/")) and path.endswith(".cc") and re.search(pattern, path):
            chosen.append({"directory": row["directory"], "file": row["file"], "arguments": plain(row["command"])})
    return chosen


def batches(rows, folder):
    """One file to check for each FILES_AT_ONCE files of a source folder, written into `folder`; their commands."""
    by_folder = {}
    for row in sorted(rows, key=lambda row: row["file"]):
        by_folder.setdefault(os.path.dirname(row["file"]), []).append(row)
    out = []
    sizes = {}
    for same in by_folder.values():
        parts = -(-len(same) // FILES_AT_ONCE)
        for part in range(parts):
            files = [row["file"] for row in same[part::parts]]
            path = os.path.join(folder, f"batch{len(out)}.cc")
            with open(path, "w", encoding="utf-8") as f:
                f.writelines(f'#include "{file}"\n' for file in files)
            arguments = [path if word == same[part]["file"] else word for word in same[part]["arguments"]]
            out.append({"directory": same[0]["directory"], "file": path, "arguments": arguments})
            sizes[path] = len(files)
    return sorted(out, key=lambda row: -sizes[row["file"]])


def check(clang_tidy, root, folder, path):
    done = subprocess.run([clang_tidy, "--quiet", "-p", folder, f"--config-file={root}/.clang-tidy",
                           "--checks=-bugprone-suspicious-include", path],
                          capture_output=True, text=True, timeout=2400, check=False)
    if done.returncode < 0:
        return f"{path}:1: {clang_tidy} ended with signal {-done.returncode}\n"
    return done.stdout + ("" if done.returncode == 0 else done.stderr)


def main(root, build, clang_tidy, pattern="."):
    os.nice(19)  # the tests beside it are the ones that mind the time
    rows = database(build, root, pattern)
    problems = []
    with tempfile.TemporaryDirectory(prefix="rpx-tidy-") as folder:
        todo = batches(rows, folder)
        with open(os.path.join(folder, "compile_commands.json"), "w", encoding="utf-8") as f:
            json.dump(todo, f)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for text in pool.map(lambda row: check(clang_tidy, root, folder, row["file"]), todo):
                text = text.replace(os.path.realpath(root) + "/", "")
                if text.strip():
                    problems.append(text.rstrip())
    seen = set()
    unique = []
    for block in problems:  # a finding in a header comes once for each file that includes it
        for part in re.split(r"\n(?=[^\s:]+:\d+:\d+: (?:warning|error):)", block):
            if part not in seen:
                seen.add(part)
                unique.append(part)
    lint.finish([p for p in unique if re.search(r":\d+:\d+: (?:warning|error):|signal", p)], len(rows))


main(*sys.argv[1:])
