"""Each lint test finds the fault it is there for: a small tree with that fault makes it fail, one without passes.

    selftest.py ROOT
"""

import os
import subprocess
import sys
import tempfile
import unittest

ROOT = sys.argv.pop(1)
HEAD = "// Owns what this example needs to own; called by anyone who looks, on any thread at all.\n#pragma once\n"
CMAKE = "target_sources(rpx PRIVATE a.cc)\n"


def run(script, files):
    with tempfile.TemporaryDirectory(prefix="rpx-lint-") as tree:
        for path, text in files.items():
            target = os.path.join(tree, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "w", encoding="utf-8") as f:
                f.write(text)
        done = subprocess.run([sys.executable, os.path.join(ROOT, "tests/lint", script), tree], capture_output=True,
                              text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr


def lines(count):
    return "".join(f"  x({i});\n" for i in range(count))


class Lint(unittest.TestCase):
    def expect(self, script, files, *said):
        code, text = run(script, files)
        self.assertEqual(code, 1 if said else 0, text)
        for words in said:
            self.assertIn(words, text)

    def test_layers(self):
        tree = {"common/base/a.h": HEAD, "common/http/b.h": HEAD + '#include "base/a.h"\n'}
        self.expect("layers.py", tree)
        tree["common/base/a.cc"] = '// "http/b.h"\n#include "http/b.h"\n'
        self.expect("layers.py", tree, "common/base/a.cc:2: base may not include \"http/b.h\"")
        self.expect("layers.py", {"common/base/a.cc": '#include "base/none.h"\n'}, "does not exist")
        self.expect("layers.py", {"common/base/a.cc": '#include "../x.h"\n'}, "is relative")
        self.expect("layers.py", {"common/other/a.cc": "\n"}, "no row in the table")

    def test_sizes(self):
        self.expect("sizes.py", {"common/base/a.cc": "namespace rpx {\nint f() {\n" + lines(58) + "}\n}\n"})
        self.expect("sizes.py", {"common/base/a.cc": "namespace rpx {\nint f() {\n" + lines(59) + "}\n}\n"},
                    "common/base/a.cc:2: int f has 61 lines")
        self.expect("sizes.py", {"common/base/a.h": "class A {\n  A(int b) : b_{b}, c_(1) {\n" + lines(60) + "  }\n};\n"},
                    "common/base/a.h:2: A has 62 lines")
        self.expect("sizes.py", {"common/base/a.cc": "Task<Result<void>>\nS::f(int a) const {\n" + lines(60) + "}\n"},
                    "S::f has 63 lines")
        self.expect("sizes.py", {"common/base/a.cc": "const int kTable[] = {\n" + lines(200) + "};\n"})
        self.expect("sizes.py", {"common/base/a.cc": "int x;\n" * 401}, "common/base/a.cc:401: the file has 401 lines")

    def test_headers(self):
        self.expect("headers.py", {"common/base/a.h": HEAD})
        self.expect("headers.py", {"common/base/a.h": "#pragma once\n"}, "opens without a comment")
        self.expect("headers.py", {"common/base/a.h": "// Things.\n#pragma once\n"}, "too short")

    def test_words(self):
        self.expect("words.py", {"common/base/a.cc": "// Reads the path /home, not more.\n"})
        self.expect("words.py", {"common/base/a.cc": "// TO" "DO: more\n"}, "common/base/a.cc:1:")
        self.expect("words.py", {"README.md": "see /ho" "me/me/rpx\n"}, "a path of one machine")
        self.expect("words.py", {"common/base/a.cc": "auto s = std::format(\"\");\n"}, "use fmt")
        self.expect("words.py", {"README.md": "trailing \n"}, "blank at the end")

    def test_sources(self):
        self.expect("sources.py", {"common/base/a.cc": "", "common/base/CMakeLists.txt": CMAKE})
        self.expect("sources.py", {"common/base/a.cc": "", "common/base/b.cc": "", "common/base/CMakeLists.txt": CMAKE},
                    "common/base/b.cc:1: no CMakeLists.txt lists")
        self.expect("sources.py", {"common/rt/b.cc": "", "common/base/CMakeLists.txt": CMAKE}, "a.cc does not exist")

    def test_an_empty_tree_is_an_error(self):
        for script in ("layers.py", "sizes.py", "headers.py", "words.py", "sources.py"):
            self.assertEqual(run(script, {})[0], 2, script)


unittest.main()
