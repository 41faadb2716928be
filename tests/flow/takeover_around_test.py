"""rpx-serve upgrade: what the new process finds, and the process beside the proxy that starts it."""

import json
import os
import pwd
import resource
import signal
import socket
import subprocess
import sys
import unittest

from support.client import fetch
from support.proxy import BINARY, UnixConnection, environment, run_tool
from support.upgraded import Started, children_of, is_alive
from support.waiting import PATIENCE, until


class Around(Started):
    def test_the_admin_address_goes_with_it_under_the_name_it_was_bound_by(self):
        def config(host):
            return self.config_to(origin.url, top=f'[admin]\naddress = "{host}:0"\n')

        origin = self.origin()
        proxy = self.start(config("127.0.0.1"))
        admin = proxy.status()["admin"]
        proxy.upgrade()
        self.assertEqual(proxy.status()["admin"], admin)
        # One that is to be bound after a restart is not the one that is bound now.
        self.assertEqual(proxy.reload(config("127.0.0.2"))[0], 200)
        self.assertEqual(proxy.status()["admin"], admin)
        proxy.upgrade()
        self.assertTrue(proxy.status()["admin"].startswith("127.0.0.2:"), proxy.status()["admin"])
        host, port = proxy.status()["admin"].split(":")
        self.assertEqual(json.loads(fetch((host, int(port)), "/v1/status", host=host).body)["pid"], proxy.pids[-1])

    @unittest.skipUnless(os.geteuid() == 0, "only root may become another user")
    def test_a_proxy_that_has_given_up_its_rights_is_followed_by_one_that_has_them_to_give_up(self):
        origin, nobody = self.origin(), pwd.getpwnam("nobody").pw_uid
        proxy = self.start(self.config_to(origin.url), serve='workers = 2\nuser = "nobody"', folder=self.folder())
        # It may read the file, but neither give a name to a socket here nor end a process of root.
        os.chmod(proxy.dir, 0o755)
        for _ in range(2):
            before = proxy.pids[-1]
            proxy.upgrade()
            self.assertEqual(proxy.status()["pid"], proxy.pids[-1])
            self.assertEqual([os.stat(f"/proc/{pid}").st_uid for pid in (proxy.pids[-1], proxy.launcher())], [nobody, 0])
            until(lambda pid=before: not is_alive(pid), "the process before to end")
        self.assertFalse(os.path.exists(proxy.path("rpx.sock.new")))
        # One that cannot give them up: its end comes before it serves.
        proxy.serve = 'workers = 2\nuser = "no-such-user"'
        proxy.write_config(self.config_to(origin.url))
        proxy.upgrade(expect=5)
        self.assertEqual(self.fetch(proxy).status, 200)

    def test_a_control_socket_elsewhere_and_a_listener_that_is_gone(self):
        config = self.config_to(self.origin().url)
        proxy = self.start(config + '[[listen]]\nname = "unix"\naddress = "unix:web.sock"\n')
        proxy.write("rpx.toml", f'[serve]\ncontrol = "other.sock"\n{config}')
        proxy.upgrade()
        self.assertEqual(proxy.process.wait(PATIENCE), 0)
        # The new process takes away what was left to it once it serves, while the one before ends.
        until(lambda: [name for name in os.listdir(proxy.dir) if ".sock" in name] == ["other.sock"], "one socket to be left")
        connection = UnixConnection(proxy.path("other.sock"))
        connection.request("GET", "/v1/status")
        self.assertEqual(json.loads(connection.getresponse().read())["pid"], proxy.pids[-1])
        connection.close()

    def test_a_ready_file_that_cannot_be_written_is_told_in_the_log(self):
        folder = self.folder()
        proxy = self.start(self.config_to(self.origin().url), arguments=["--ready-file", f"{folder}/ready.json"])
        os.unlink(f"{folder}/ready.json")
        os.rmdir(folder)
        proxy.upgrade()
        until(lambda: "the ready file cannot be written" in proxy.text("stderr"), "the line in the log")
        self.assertEqual(proxy.process.wait(PATIENCE), 0)
        self.assertEqual(proxy.status()["pid"], proxy.pids[-1])

    def test_a_launcher_without_descriptors_says_so_and_keeps_none(self):
        proxy = self.start(self.config_to(self.origin().url), serve="workers = 16")
        launcher = proxy.launcher()
        before = len(os.listdir(f"/proc/{launcher}/fd"))
        most = resource.prlimit(launcher, resource.RLIMIT_NOFILE)
        resource.prlimit(launcher, resource.RLIMIT_NOFILE, (before + 4, most[1]))
        self.assertIn("may not have as many descriptors as there are listening sockets", proxy.upgrade(expect=5).stderr)
        self.assertEqual(len(os.listdir(f"/proc/{launcher}/fd")), before)
        resource.prlimit(launcher, resource.RLIMIT_NOFILE, most)
        proxy.upgrade()
        self.assertEqual([self.fetch(proxy).status for _ in range(40)], [200] * 40)

    def test_the_new_program_has_the_limit_that_the_first_was_started_with(self):
        folder = self.folder()
        os.symlink(os.path.abspath(BINARY), f"{folder}/program")
        proxy = self.start(self.config_to(self.origin().url), folder=folder,
                           under=["sh", "-c", 'ulimit -Sn 300; exec ./program "$@"'])
        soft, hard = resource.prlimit(proxy.launcher(), resource.RLIMIT_NOFILE)
        self.assertEqual(soft, hard)
        # A new version, which tells what it finds.
        proxy.write("next", f'#!/bin/sh\nulimit -Sn > limit\nexec {os.path.abspath(BINARY)} "$@"\n')
        os.chmod(proxy.path("next"), 0o755)
        os.replace(proxy.path("next"), proxy.path("program"))
        proxy.upgrade()
        self.assertEqual(proxy.text("limit"), "300\n")

    def activated(self, config, pid):
        """A proxy that was started as a service manager does, with two sockets that are meant for `pid`."""
        listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        for one in listening:
            self.addCleanup(one.close)
        first, second = (one.fileno() for one in listening)
        starter = (f"import os, sys; a, b = os.dup2({first}, 93), os.dup2({second}, 94); os.dup2(a, 3); os.dup2(b, 4); "
                   f"os.environ.update(LISTEN_PID=str({pid}), LISTEN_FDS='2'); "
                   "os.closerange(5, 20); os.closerange(90, 100); "
                   "os.execvp(sys.argv[1], sys.argv[1:])")
        with open(os.path.join(self.at, "rpx.toml"), "w", encoding="utf-8") as f:
            f.write(config)
        process = subprocess.Popen([sys.executable, "-c", starter, BINARY, "run", "-c", "rpx.toml"], cwd=self.at,
                                   pass_fds=[first, second], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, env=environment())
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        self.assertIn(b'"ready"', process.stdout.readline())
        return process, [one.getsockname() for one in listening]

    CONFIG = ('[serve]\ncontrol = "rpx.sock"\n\n[[listen]]\naddress = "{}"\n\n'
              '[[route]]\nrespond = {{ status = 200, body = "pong" }}\n')

    def test_sockets_of_a_service_manager_are_there_for_the_new_one(self):
        self.at = self.folder()
        process, (first, second) = self.activated(self.CONFIG.format("fd:3"), "os.getpid()")
        self.assertEqual(fetch(first, "/").body, b"pong")
        self.upgrade_to("fd:3")
        self.assertEqual(process.wait(PATIENCE), 0)
        # That nobody has listened on so far.
        self.upgrade_to("fd:4")
        self.assertEqual(fetch(second, "/").body, b"pong")

    def upgrade_to(self, address):
        with open(os.path.join(self.at, "rpx.toml"), "w", encoding="utf-8") as f:
            f.write(self.CONFIG.format(address))
        done = run_tool("upgrade", "--socket", f"{self.at}/rpx.sock", "-o", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        new = json.loads(done.stdout)["pid"]
        self.addCleanup(until, lambda: not is_alive(new), "the end of the new one")
        self.addCleanup(lambda: is_alive(new) and os.kill(new, signal.SIGTERM))

    def test_sockets_that_are_meant_for_another_process_are_not_kept_by_the_launcher(self):
        self.at = self.folder()
        process, _ = self.activated(self.CONFIG.format("127.0.0.1:0"), "1")
        launcher = children_of(process.pid)[0]
        self.assertEqual([name for name in os.listdir(f"/proc/{launcher}/fd") if name in ("3", "4")], [])
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 0)


if __name__ == "__main__":
    unittest.main()
