"""The manual and the completions name the verbs and options that a tool has: all of them, and no others.

    documented_options.py ROOT TOOL_BINARY
"""

import os
import re
import subprocess
import sys


def declared(binary):
    """{verb: set of options}; "*" is what every verb takes."""
    dump = subprocess.run([binary, "--dump-options"], capture_output=True, text=True, check=True, timeout=60).stdout
    options = {"*": set()}
    for line in dump.splitlines():
        kind, *rest = line.split()
        if kind == "verb":
            options[rest[0]] = set()
        elif kind == "option":
            verb, long_name, short_name = rest[:3]
            options[verb].add(long_name)
            if short_name != "-":
                options[verb].add(short_name)
    return options


def in_manual(text):
    """The same of a page: options of every verb stand before the first .Ss, those of a verb in its .Ss."""
    body = text[text.index(".Sh DESCRIPTION"):text.index(".Sh SIGNALS")]
    parts = re.split(r"^\.Ss (\S+)$", body, flags=re.MULTILINE)
    options = {}
    for verb, part in zip(["*", *parts[1::2]], parts[::2]):
        options[verb] = set()
        for item in re.findall(r"^\.It (Fl .*)$", part, re.MULTILINE):
            options[verb].update("-" + name for name in re.findall(r"Fl (\S+)", item))
    return options


def in_bash(text):
    options = {"*": set(re.search(r'common="([^"]*)"', text).group(1).split())}
    for verb in re.search(r'verbs="([^"]*)"', text).group(1).split():
        found = re.search(rf'^    {verb}\) options="([^"]*)" ;;$', text, re.MULTILINE)
        options[verb] = set(found.group(1).split()) if found else set()
    return options


def in_zsh(text):
    def array(name):
        return re.search(rf"^  {name}=\(\n(.*?)^  \)$", text, re.MULTILINE | re.DOTALL)

    def names(block):
        found = set()
        for line in block.splitlines():
            spec = line.strip().split("[")[0]
            found.update(re.findall(r"(?:^|[',{*)])(--?[A-Za-z][a-z-]*)", re.sub(r"\([^)]*\)", "", spec)))
        return found

    options = {"*": names(array("common").group(1))}
    for verb in re.findall(r"^    '(\w+):", array("verbs").group(1), re.MULTILINE):
        found = array(f"{verb}_options")
        options[verb] = names(found.group(1)) if found else set()
    return options


def in_fish(text):
    options = {"*": set()}
    for verb in re.search(r"set -l verbs (.*)", text).group(1).split():
        options[verb] = set()
    for line in text.splitlines():
        names = {"--" + n for n in re.findall(r" -l (\S+)", line)} | {"-" + n for n in re.findall(r" -s (\S+)", line)}
        if not line.startswith("complete") or not names:
            continue
        verb = re.search(r"seen_subcommand_from (\w+)'", line)
        options["run" if '"$runs"' in line else verb.group(1) if verb else "*"].update(names)
    return options


def differences(want, have):
    for verb in want.keys() - have.keys():
        yield f"does not have the verb {verb}"
    for verb in have.keys() - want.keys():
        yield f"has a verb {verb}, which there is not"
    for verb in want.keys() & have.keys():
        where = "of every verb" if verb == "*" else f"of {verb}"
        yield from (f"does not have the option {name} {where}" for name in sorted(want[verb] - have[verb]))
        yield from (f"has an option {name} {where}, which there is not" for name in sorted(have[verb] - want[verb]))


def main(root, binary):
    tool = os.path.basename(binary)
    want = declared(binary)
    problems = []
    for path, read in ((f"man/{tool}.1", in_manual), (f"completions/bash/{tool}", in_bash),
                       (f"completions/zsh/_{tool}", in_zsh), (f"completions/fish/{tool}.fish", in_fish)):
        with open(os.path.join(root, path), encoding="utf-8") as f:
            problems += [f"{path}:1: {found}" for found in differences(want, read(f.read()))]
    print("\n".join(problems))
    sys.exit(1 if problems else 0)


main(*sys.argv[1:])
