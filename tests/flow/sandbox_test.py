"""Once it runs a proxy has given up what it has no use for, in every thread; and reloads go on as before."""

import os
import subprocess
import sys
import unittest

from support.flow import FlowTest
from support.proxy import BINARY


def status_of(pid):
    """(NoNewPrivs, Seccomp) of each thread."""
    out = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="ascii") as file:
            fields = dict(line.rstrip("\n").split(":", 1) for line in file)
        out.append((int(fields["NoNewPrivs"]), int(fields["Seccomp"])))
    return out


@unittest.skipIf(os.environ.get("RPX_SANITIZE"), "sanitizers look at the process from outside")
class Sandbox(FlowTest):
    def test_every_thread_has_given_up_privileges_and_calls(self):
        gate = self.proxy_to(self.origin().url)
        threads = status_of(gate.process.pid)
        self.assertGreater(len(threads), 3)
        self.assertEqual(set(threads), {(1, 2)})
        with open(f"/proc/{gate.process.pid}/limits", encoding="ascii") as file:
            core = next(line for line in file if line.startswith("Max core"))
        self.assertEqual(core.split()[4:6], ["1", "1"])
        self.assertEqual(self.fetch(gate, "/bytes/10").status, 200)

    def test_one_key_turns_it_off(self):
        gate = self.proxy_to(self.origin().url, serve="workers = 1\nsandbox = false")
        self.assertEqual(set(status_of(gate.process.pid)), {(0, 0)})

    def test_logs_move_within_the_folders_that_are_known_and_nowhere_else(self):
        at = self.origin()
        log = '[log]\naccess = "{}"\n'
        other = self.folder()
        gate = self.proxy_to(at.url, top=log.format("logs.txt"))
        os.mkdir(gate.path("new"))
        code, body = gate.reload(self.config_to(at.url, top=log.format("new/access.log")))
        self.assertEqual(code, 200, body)
        self.fetch(gate, "/bytes/1")
        self.assertEqual(gate.access_log(1, "new/access.log")[0]["target"], "/bytes/1")
        code, body = gate.reload(self.config_to(at.url, top=log.format(f"{other}/access.log")))
        self.assertEqual(code, 422)
        self.assertIn("sandbox = false", body["detail"])
        self.assertEqual(os.listdir(other), [])
        self.assertEqual(self.fetch(gate, "/bytes/1").status, 200)

    def test_files_in_new_places_are_read_by_a_reload(self):
        at = self.origin()
        other = self.folder()
        with open(os.path.join(other, "page.html"), "w", encoding="utf-8") as file:
            file.write("gone fishing")
        gate = self.proxy_to(at.url)
        page = f'maintenance = {{ enabled = true, page = "{other}/page.html" }}'
        code, body = gate.reload(self.config_to(at.url, route=page))
        self.assertEqual(code, 200, body)
        self.assertEqual(self.fetch(gate).body, b"gone fishing")

    def test_a_command_beside_it_keeps_its_rights(self):
        folder = self.folder()
        look = "import sys; print([l for l in open('/proc/self/status') if l.startswith(('NoNewPrivs', 'Seccomp:'))]); open('made', 'w')"
        done = subprocess.run([BINARY, "--to", self.origin().url, "--exec", sys.executable, "-c", look], cwd=folder,
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("NoNewPrivs:\\t0", done.stdout)
        self.assertTrue(os.path.exists(os.path.join(folder, "made")))


if __name__ == "__main__":
    unittest.main()
