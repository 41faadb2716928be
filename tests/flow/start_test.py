"""Starting from scripts and supervisors: ready when it says so, sockets handed over, a command run beside it."""

import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import unittest

from support.flow import LISTEN, FlowTest
from support.proxy import BINARY, environment, run_tool
from support.waiting import PATIENCE, until

PONG = f'{LISTEN}[[route]]\nrespond = {{ status = 200, body = "pong" }}\n'


class Ready(FlowTest):
    def test_ready_fd_says_where_and_who(self):
        proxy = self.proxy(PONG)
        self.assertEqual(proxy.ready["pid"], proxy.process.pid)
        self.assertEqual([row["name"] for row in proxy.ready["listeners"]], ["web"])
        self.assertGreater(proxy.address()[1], 0)
        self.assertEqual(proxy.ready["control"], os.path.realpath(proxy.path("rpx.sock")))
        self.assertEqual(self.fetch(proxy).body, b"pong")

    def test_ready_file_holds_the_same(self):
        proxy = self.proxy(PONG, arguments=["--ready-file", "ready.json"])
        self.assertEqual(json.loads(proxy.text("ready.json")), proxy.ready)

    def test_a_service_manager_is_notified(self):
        path = os.path.join(self.folder(), "notify")
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.bind(path)
        manager.settimeout(PATIENCE)
        proxy = self.proxy(PONG, env={"NOTIFY_SOCKET": path})
        self.assertIn(b"READY=1", manager.recv(4096))
        proxy.process.send_signal(signal.SIGTERM)
        said = manager.recv(4096)
        while b"STOPPING=1" not in said:
            said = manager.recv(4096)

    def test_what_only_the_start_needed_is_given_back(self):
        proxy = self.proxy(PONG)

        def resident():
            with open(f"/proc/{proxy.process.pid}/status", encoding="ascii") as f:
                return int(re.search(r"RssFile:\s+(\d+) kB", f.read()).group(1)) * 1024

        # The line comes a moment before.
        until(lambda: resident() < proxy.memory()[1] * 0.75, "the code of the start to leave")
        self.assertEqual(self.fetch(proxy).body, b"pong")

    def test_stdout_stays_empty(self):
        proxy = self.proxy(PONG)
        proxy.stop()
        self.assertEqual(proxy.text("stdout"), "")


class Handed(FlowTest):
    def listening(self):
        sock = socket.socket()
        self.addCleanup(sock.close)
        sock.bind(("127.0.0.1", 0))
        sock.listen(128)
        return sock

    def test_a_listener_by_number(self):
        sock = self.listening()
        text = PONG.replace("127.0.0.1:0", f"fd:{sock.fileno()}")
        proxy = self.proxy(text, pass_fds=[sock.fileno()])
        self.assertEqual(self.fetch(sock.getsockname()).body, b"pong")
        self.assertEqual(proxy.address(), sock.getsockname())

    def test_connections_made_before_the_start_are_served(self):
        sock = self.listening()
        early = self.client(sock.getsockname())
        early.ask()
        self.proxy(PONG.replace("127.0.0.1:0", f"fd:{sock.fileno()}"), pass_fds=[sock.fileno()])
        self.assertEqual(early.response().body, b"pong")

    def activated(self, sock, address):
        """What systemd does: the socket is number 3 and called "web", and the environment says for whom."""
        folder = self.folder()
        with open(os.path.join(folder, "rpx.toml"), "w", encoding="utf-8") as f:
            f.write('[serve]\ncontrol = "rpx.sock"\n' + PONG.replace("127.0.0.1:0", address))
        starter = ("import os,sys; os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='web');"
                   f"os.execv({BINARY!r}, ['rpx-serve', 'run', '-c', 'rpx.toml'])")
        process = subprocess.Popen([sys.executable, "-c", f"import os; os.dup2({sock.fileno()}, 3); {starter}"], cwd=folder,
                                   pass_fds=[sock.fileno()], stderr=subprocess.PIPE, env=environment(), text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_socket_activation_by_number_and_by_name(self):
        for address in ("fd:3", "fd:web"):
            with self.subTest(address=address):
                sock = self.listening()
                process = self.activated(sock, address)
                self.assertEqual(self.fetch(sock.getsockname()).body, b"pong")
                process.terminate()
                self.assertEqual(process.wait(PATIENCE), 0)

    def test_a_name_that_no_socket_has_is_refused(self):
        process = self.activated(self.listening(), "fd:admin")
        self.assertNotEqual(process.wait(PATIENCE), 0)
        self.assertIn("fd:admin: no inherited socket has that name", process.stderr.read())

    def test_what_is_no_listening_socket_is_refused(self):
        read_end, write_end = os.pipe()
        self.addCleanup(os.close, read_end)
        self.addCleanup(os.close, write_end)
        folder = self.folder()
        with open(os.path.join(folder, "rpx.toml"), "w", encoding="utf-8") as f:
            f.write('[serve]\ncontrol = "rpx.sock"\n' + PONG.replace("127.0.0.1:0", f"fd:{read_end}"))
        done = run_tool("run", "-c", "rpx.toml", cwd=folder, pass_fds=[read_end])
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"fd:{read_end}", done.stderr)


class Exec(FlowTest):
    def run_exec(self, *command, **more):
        folder = self.folder()
        with open(os.path.join(folder, "rpx.toml"), "w", encoding="utf-8") as f:
            f.write('[serve]\ncontrol = "rpx.sock"\n' + PONG)
        return run_tool("run", "-c", "rpx.toml", "--exec", *command, cwd=folder, **more)

    def test_the_command_finds_the_proxy_in_its_environment(self):
        done = self.run_exec("sh", "-c", 'curl --silent --fail "$RPX_URL"; curl --silent --unix-socket "$RPX_CONTROL" http://rpx/v1/status')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith("pong{"), done.stdout)

    def test_its_status_is_ours(self):
        self.assertEqual(self.run_exec("sh", "-c", "exit 7").returncode, 7)
        self.assertEqual(self.run_exec("sh", "-c", "kill -TERM $$").returncode, 128 + signal.SIGTERM)

    def test_a_command_that_cannot_be_run(self):
        done = self.run_exec("/no/such/program")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/no/such/program", done.stderr)

    def test_a_signal_to_us_reaches_the_command(self):
        folder = self.folder()
        with open(os.path.join(folder, "rpx.toml"), "w", encoding="utf-8") as f:
            f.write('[serve]\ncontrol = "rpx.sock"\n' + PONG)
        command = "trap 'echo told > told; exit 0' TERM; echo up > up; while :; do read -r _ < fifo; done"
        os.mkfifo(os.path.join(folder, "fifo"))
        process = subprocess.Popen([BINARY, "run", "-c", "rpx.toml", "--exec", "sh", "-c", command], cwd=folder,
                                   stderr=subprocess.DEVNULL, env=environment())
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        until(lambda: os.path.exists(os.path.join(folder, "up")), "the command to run")
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 0)
        self.assertTrue(os.path.exists(os.path.join(folder, "told")))


class Parent(FlowTest):
    def test_die_with_parent(self):
        folder = self.folder()
        with open(os.path.join(folder, "rpx.toml"), "w", encoding="utf-8") as f:
            f.write('[serve]\ncontrol = "rpx.sock"\n' + PONG)
        script = (f"import subprocess,time; p = subprocess.Popen([{BINARY!r}, 'run', '-c', 'rpx.toml', '--die-with-parent',"
                  " '--ready-file', 'ready.json']); print(p.pid, flush=True); p.wait()")
        # Orphans come to us rather than to init, so that the end can be waited for.
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
        parent = subprocess.Popen([sys.executable, "-c", script], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  env=environment())
        child = int(parent.stdout.readline())
        until(lambda: os.path.exists(os.path.join(folder, "ready.json")), "the proxy to be ready")
        parent.kill()
        parent.wait()
        parent.stdout.close()
        until(lambda: os.waitpid(child, os.WNOHANG)[0] == child, "the proxy to end with its parent")


class WithoutFile(FlowTest):
    def test_to_and_listen_need_no_file(self):
        origin = self.origin()
        read_end, write_end = os.pipe()
        process = subprocess.Popen([BINARY, "run", "--to", origin.url, "--listen", "127.0.0.1:0", "--ready-fd", str(write_end)],
                                   cwd=self.folder(), pass_fds=[write_end], stderr=subprocess.DEVNULL, env=environment())
        os.close(write_end)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        with os.fdopen(read_end) as f:
            ready = json.loads(f.readline())
        host, port = ready["listeners"][0]["address"].rsplit(":", 1)
        self.assertEqual(self.fetch((host, int(port)), "/bytes/3").body, b"0000000\n"[:3])
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 0)

    def test_demo_once_shows_itself_and_ends(self):
        done = run_tool("demo", "--once", cwd=self.folder())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotEqual(done.stdout.strip(), "")


if __name__ == "__main__":
    unittest.main()
