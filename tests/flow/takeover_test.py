"""rpx-serve upgrade: a new process takes over listeners while clients come and go, and nobody notices."""

import json
import os
import signal
import threading
import unittest

from support.client import fetch
from support.flow import FlowTest
from support.proxy import REPORT, Proxy, run_tool
from support.waiting import PATIENCE, until


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(") ", 1)[1][0] != "Z"
    except FileNotFoundError:
        return False


class Upgraded(Proxy):
    """A proxy that does not end with its parent, and may be followed by others; all of them end with it."""

    def __init__(self, config, **more):
        self.pids = [0]
        super().__init__(config, dies=False, **more)
        self.pids = [self.process.pid]

    def upgrade(self, expect=0):
        done = run_tool("upgrade", "--socket", self.path("rpx.sock"), "-o", "json", timeout=PATIENCE * 2)
        assert done.returncode == expect, (done.returncode, done.stderr, self.text("stderr"))
        if expect == 0:
            self.pids.append(json.loads(done.stdout)["pid"])
        return done

    def end(self):
        for pid in self.pids[1:]:
            if is_alive(pid):
                os.kill(pid, signal.SIGTERM)
        until(lambda: not any(is_alive(pid) for pid in self.pids[1:]), "the last process to end")
        self.log = self.text("stderr")
        assert not REPORT.search(self.log), self.log
        self.stop()

    def kill(self):
        for pid in self.pids[1:]:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        super().kill()


class TakeOver(FlowTest):
    def start(self, config, **more):
        proxy = Upgraded(config, **more)
        self.proxies.append(proxy)
        self.addCleanup(proxy.kill)
        self.addCleanup(proxy.end)
        return proxy

    def test_no_request_is_lost_while_processes_follow_one_another(self):
        proxy = self.start(self.config_to(self.origin().url))
        over, failures, done = threading.Event(), [], []

        def ask():
            while not over.is_set():
                try:
                    reply = fetch(proxy.address(), "/bytes/2000")
                    if reply.status != 200 or len(reply.body) != 2000:
                        failures.append(reply.status)
                    done.append(1)
                except Exception as error:  # whatever it is, it is a request that was lost
                    failures.append(repr(error))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(3):
                before, asked = proxy.status()["pid"], len(done)
                until(lambda n=asked: len(done) > n + 20, "some requests")
                proxy.upgrade()
                self.assertEqual(proxy.status()["pid"], proxy.pids[-1])
                self.assertNotEqual(proxy.pids[-1], before)
                until(lambda pid=before: not is_alive(pid), "the process before to end")
                asked = len(done)
                until(lambda n=asked: len(done) > n + 20, "some requests of the new one")
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(proxy.process.wait(PATIENCE), 0)

    def test_a_request_in_progress_is_finished_by_the_process_that_began_it(self):
        origin = self.origin()
        proxy = self.start(self.config_to(origin.url))
        client = self.client(proxy)
        client.ask(path="/gated")
        until(lambda: len(origin.requests) == 1, "the request at the origin")
        proxy.upgrade()
        self.assertTrue(is_alive(proxy.pids[0]))
        self.assertEqual(self.fetch(proxy).status, 200)
        origin.gate.set()
        self.assertEqual(client.response().body, b"through the gate")
        self.assertEqual(proxy.process.wait(PATIENCE), 0)
        self.assertEqual(self.fetch(proxy).status, 200)

    def test_a_new_process_that_cannot_serve_leaves_the_one_before_as_it_is(self):
        proxy = self.start(self.config_to(self.origin().url))
        proxy.write("rpx.toml", "nonsense = 1\n")
        done = proxy.upgrade(expect=5)
        self.assertIn('unknown key "nonsense"', done.stderr)
        # A port that is taken is found by the new process itself.
        other = self.origin()
        proxy.write_config(self.config_to(other.url, top=f'[[listen]]\naddress = "{other.url[7:]}"\n'))
        self.assertIn("has ended before it served", proxy.upgrade(expect=5).stderr)
        self.assertEqual(proxy.status()["pid"], proxy.pids[0])
        self.assertEqual(self.fetch(proxy).status, 200)

    def test_files_of_sockets_and_the_ready_file_are_the_new_ones(self):
        config = self.config_to(self.origin().url, top='[[listen]]\nname = "unix"\naddress = "unix:web.sock"\n')
        proxy = self.start(config, arguments=["--ready-file", "ready.json"])
        for _ in range(2):
            before = proxy.pids[-1]
            proxy.upgrade()
            until(lambda pid=before: not is_alive(pid), "the process before to end")
            self.assertEqual(json.loads(proxy.text("ready.json"))["pid"], proxy.pids[-1])
            self.assertEqual(fetch(proxy.path("web.sock"), "/").status, 200)
            self.assertEqual(proxy.status()["pid"], proxy.pids[-1])

    def test_the_file_may_have_more_workers_and_listeners_by_then(self):
        origin = self.origin()
        proxy = self.start(self.config_to(origin.url), serve="workers = 1")
        for workers in (3, 1, 2):
            proxy.serve = f"workers = {workers}"
            proxy.write_config(self.config_to(origin.url, top='[[listen]]\nname = "more"\naddress = "127.0.0.1:0"\n'))
            proxy.upgrade()
            self.assertEqual(proxy.status()["workers"], workers)
            self.assertEqual(len(proxy.status()["listeners"]), 2)
            self.assertEqual([self.fetch(proxy).status for _ in range(20)], [200] * 20)

    def test_who_ends_with_its_parent_is_not_followed(self):
        proxy = self.proxy_to(self.origin().url)
        status, problem = proxy.control("POST", "/v1/upgrade")
        self.assertEqual(status, 409)
        self.assertIn("ends with its parent", problem["detail"])


if __name__ == "__main__":
    unittest.main()
