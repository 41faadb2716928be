"""rpx-check against real servers and a running proxy."""

import json
import os
import subprocess
import threading
import unittest

from support.flow import FlowTest
from support.proxy import BINARY, run_tool
from support.waiting import until

CHECK = os.path.join(os.path.dirname(BINARY), "rpx-check")


class CheckTool(FlowTest):
    def check(self, *arguments):
        return run_tool(*arguments, binary=CHECK, cwd=self.folder())

    def two(self):
        self.origins = [self.origin(f"o{i}") for i in range(2)]
        proxy = self.proxy_to(*(o.url for o in self.origins))
        self.socket = ("--socket", proxy.path("rpx.sock"))
        return proxy

    def test_probe_tells_good_from_bad(self):
        origin = self.origin()
        good = self.check("probe", "-o", "json", origin.url + "/bytes/3")
        self.assertEqual(good.returncode, 0, good.stderr)
        row = json.loads(good.stdout)[0]
        self.assertEqual((row["healthy"], row["why"], row["check"]), (True, "status 200", "GET /bytes/3"))
        self.assertGreater(row["total_ms"], 0)
        bad = self.check("probe", "-o", "json", "--tcp", "http://127.0.0.1:1", origin.url)
        self.assertEqual(bad.returncode, 1)
        self.assertEqual([r["healthy"] for r in json.loads(bad.stdout)], [False, True])
        self.assertEqual(self.check("probe", "ftp://x").returncode, 2)
        self.assertEqual(self.check("probe").returncode, 2)

    def test_config_checks_each_server_as_the_file_says(self):
        origin = self.origin()
        folder = self.folder()
        path = os.path.join(folder, "rpx.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'[[listen]]\naddress = ":0"\n[[route]]\nupstream = "a"\n[upstream.a]\nservers = ["{origin.url}"]\n'
                       '[upstream.a.health]\npath = "/bytes/2"\nstatus = ["204"]\n')
        done = self.check("config", "-c", path, "-o", "json")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(json.loads(done.stdout)[0]["why"], "status 200")
        same = self.check("probe", "-c", path, "-o", "json", origin.url)
        self.assertEqual(json.loads(same.stdout)[0]["check"], "GET /bytes/2")

    def test_servers_are_added_and_removed_at_run_time(self):
        proxy = self.two()
        third = self.origin("o2")
        done = self.check("add", "--weight", "3", "--max-connections", "9", third.url, *self.socket)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        row = proxy.servers("app")[third.url]
        self.assertEqual((row["weight"], row["source"], row["state"]), (3, "control", "up"))
        self.assertEqual({self.fetch(proxy, "/x")["X-Origin"] for _ in range(15)}, {"o0", "o1", "o2"})
        again = self.check("add", third.url, *self.socket)
        self.assertEqual((again.returncode, "already" in again.stderr), (2, True), again.stderr)
        self.assertEqual(self.check("add", "--persist", "http://127.0.0.1:1", *self.socket).returncode, 2)
        self.assertEqual(self.check("add", "ftp://x", *self.socket).returncode, 2)
        # What follows the // is enough, and --wait lets it finish.
        answer = []
        asking = threading.Thread(target=lambda: answer.append(self.fetch(proxy, "/gated").status))
        for origin in self.origins[:2]:
            self.assertEqual(self.check("maint", origin.url, *self.socket).returncode, 0)
        asking.start()
        third.await_requests(1)
        until(lambda: any(r.path == "/gated" for r in third.requests), "the request at the third")
        for origin in self.origins[:2]:
            self.assertEqual(self.check("ready", origin.url, *self.socket).returncode, 0)
        late = self.check("remove", "--wait", "--timeout", "200ms", third.url, *self.socket)
        self.assertEqual(late.returncode, 4, late.stderr)
        third.gate.set()
        asking.join()
        self.assertEqual(answer, [200])
        self.assertEqual(self.check("remove", "--wait", third.url[7:], *self.socket).returncode, 0)
        self.assertNotIn(third.url, proxy.servers("app"))
        self.assertEqual(self.check("remove", third.url, *self.socket).returncode, 2)
        self.assertEqual(self.check("remove", self.origins[0].url, *self.socket).returncode, 0)
        last = self.check("remove", self.origins[1].url, *self.socket)
        self.assertEqual((last.returncode, "--force" in last.stderr), (5, True), last.stderr)
        self.assertEqual(self.check("remove", "--force", self.origins[1].url, *self.socket).returncode, 0)
        self.assertEqual(self.fetch(proxy, "/x").status, 503)

    def test_a_server_joins_the_upstream_that_is_named_and_its_file(self):
        folder = self.folder()
        first, second, third = (self.origin(str(i)) for i in range(3))
        path = os.path.join(folder, "servers.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write(first.url + "\n")
        proxy = self.proxy_to(second.url, top=f'[upstream.other]\nservers_file = "{path}"\n')
        socket = ("--socket", proxy.path("rpx.sock"))
        done = self.check("add", third.url, *socket)
        self.assertEqual(done.returncode, 2)
        self.assertIn("app, other", done.stderr)
        self.assertEqual(self.check("add", "--upstream", "other", "--persist", "--backup", third.url, *socket).returncode, 0)
        with open(path, encoding="utf-8") as file:
            self.assertIn(f"{third.url} backup", file.read())
        self.assertEqual(self.check("remove", "--upstream", "other", "--persist", third.url, *socket).returncode, 0)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), first.url + "\n")

    def test_drain_waits_for_what_goes_on_and_ready_brings_back(self):
        proxy = self.two()
        url = self.origins[0].url
        replies = []
        threads = [threading.Thread(target=lambda: replies.append(self.fetch(proxy, "/gated").status)) for _ in range(2)]
        for thread in threads:
            thread.start()
        until(lambda: any(r.path == "/gated" for r in self.origins[0].requests), "a request in progress")
        late = self.check("drain", "--wait", "--timeout", "200ms", url, *self.socket)
        self.assertEqual(late.returncode, 4, late.stderr)
        for origin in self.origins:
            origin.gate.set()
        done = self.check("drain", "--wait", "--timeout", "10s", url, *self.socket)
        self.assertEqual(done.returncode, 0, done.stderr)
        for thread in threads:
            thread.join()
        self.assertEqual(replies, [200, 200])
        self.assertEqual(proxy.servers("app")[url]["state"], "drain")
        self.assertEqual(self.check("ready", url.removeprefix("http://"), *self.socket).returncode, 0)
        self.assertEqual(proxy.servers("app")[url]["state"], "up")

    def test_the_last_server_is_refused_with_5_and_forced(self):
        self.two()
        first, second = (o.url for o in self.origins)
        self.assertEqual(self.check("maint", "--for", "20m", first, *self.socket).returncode, 0)
        refused = self.check("maint", second, *self.socket)
        self.assertEqual(refused.returncode, 5)
        self.assertIn("pass --force", refused.stderr)
        self.assertEqual(self.check("maint", "--force", second, *self.socket).returncode, 0)

    def test_as_a_plugin_of_a_monitoring_system(self):
        proxy = self.two()
        first, second = self.urls = [o.url for o in self.origins]
        status = lambda: self.check("status", "--nagios", *self.socket)
        done = status()
        self.assertEqual((done.returncode, done.stdout),
                         (0, f"OK - 2 of 2 servers are up | 'app {first}'=0;;;0 'app {second}'=0;;;0\n"))
        self.check("drain", first, *self.socket)
        done = status()
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stdout.startswith(f"WARNING - 1 of 2 servers are up; {first} drain | "), done.stdout)
        self.check("drain", "--force", second, *self.socket)
        done = status()
        self.assertEqual((done.returncode, done.stdout.split(" - ")[0]), (2, "CRITICAL"))
        self.assertEqual(self.check("status", "--nagios", "--upstream", "none", *self.socket).returncode, 3)
        proxy.stop()
        done = status()
        self.assertEqual((done.returncode, done.stdout.split(" - ")[0]), (2, "CRITICAL"))
        good = self.check("probe", "--nagios", first + "/bytes/1")
        self.assertEqual(good.returncode, 0)
        self.assertRegex(good.stdout, r"^OK - 1 of 1 servers are healthy \| 'http://[^']*'=0\.\d{6}s;;;0\n$")
        bad = self.check("probe", "--nagios", first + "/bytes/1", "http://127.0.0.1:1/")
        self.assertEqual(bad.returncode, 2)
        self.assertRegex(bad.stdout, r"^CRITICAL - 1 of 2 servers are healthy; http://127\.0\.0\.1:1: .*refused")
        self.assertEqual(self.check("probe", "--nagios", "ftp://x").returncode, 3)

    def moody(self, status):
        def answer(connection):
            while connection.request():
                connection.send(b"HTTP/1.1 " + status[0] + b"\r\nContent-Length: 0\r\n\r\n")

        return self.script(answer)

    def test_watch_tells_what_is_and_then_what_happens_over_restarts_of_the_proxy(self):
        proxy = self.two()
        url = self.origins[0].url
        watch = subprocess.Popen([CHECK, "watch", *self.socket], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(watch.stderr.close)
        self.addCleanup(watch.stdout.close)
        self.addCleanup(watch.wait)
        self.addCleanup(watch.kill)
        now = [json.loads(watch.stdout.readline()) for _ in range(2)]
        self.assertEqual([(row["kind"], row["state"]) for row in now], [("now", "up")] * 2)
        self.check("drain", url, *self.socket)
        event = json.loads(watch.stdout.readline())
        self.assertEqual((event["kind"], event["server"], event["state"]), ("server", url, "drain"))
        proxy.stop()
        self.assertIn("has gone", watch.stderr.readline())
        self.proxy_to(url, folder=proxy.dir)
        self.assertIn("is back", watch.stderr.readline())
        self.assertEqual(json.loads(watch.stdout.readline())["state"], "drain")  # what was said of it outlives a restart
        self.assertEqual(self.check("watch", "--timeout", "200ms", "-q", *self.socket).returncode, 0)
        self.assertEqual(self.check("watch", "--upstream", "none", *self.socket).returncode, 2)
        self.assertEqual(self.check("watch", "--socket", "/nowhere/rpx.sock").returncode, 3)

    def test_why_is_a_time_line_and_probes_that_differ_from_the_proxy_are_told(self):
        status = [b"200 OK"]
        url = self.moody(status).url
        check = '[upstream.app.health]\npath = "/x"\ninterval = "100ms"\nrise = 1\nfall = 1\n'
        proxy = self.proxy_to(url, top=check)
        socket = ("--socket", proxy.path("rpx.sock"))
        until(lambda: (proxy.servers("app")[url]["health"] or {}).get("checks"), "the first check")
        status[0] = b"503 Ill"
        until(lambda: proxy.servers("app")[url]["state"] == "down", "the server to be down")
        why = self.check("why", "-o", "json", url, *socket)
        self.assertEqual(why.returncode, 1, why.stderr)
        self.assertIn("is down: status 503", why.stderr)
        lines = json.loads(why.stdout)
        self.assertIn(("change", "unhealthy"), [(line["what"], line["state"]) for line in lines])
        self.assertTrue(any(line["what"] == "check" and line["total_ms"] > 0 for line in lines))
        self.assertEqual(lines, sorted(lines, key=lambda line: line["time"]))
        differs = self.check("probe", "--tcp", url, *socket)
        self.assertEqual(differs.returncode, 0)
        self.assertIn("the proxy says down: status 503", differs.stderr)
        self.assertEqual(self.check("why", "http://nobody:1", *socket).returncode, 2)

    def test_probes_are_made_again_at_an_interval(self):
        origin = self.origin()
        rounds = self.check("probe", "--interval", "100ms", "--timeout", "350ms", origin.url + "/bytes/1")
        self.assertEqual(rounds.returncode, 0, rounds.stderr)
        lines = [json.loads(line) for line in rounds.stdout.splitlines()]
        self.assertGreaterEqual(len(lines), 2)
        self.assertTrue(all(line["healthy"] and line["time"] for line in lines))
        self.assertEqual(self.check("probe", "--interval", "1ms", origin.url).returncode, 2)

    def test_weight_status_and_wait(self):
        proxy = self.two()
        url = self.origins[0].url
        self.assertEqual(self.check("weight", "--set", "9", url, *self.socket).returncode, 0)
        self.assertEqual(proxy.servers("app")[url]["weight"], 9)
        self.assertEqual(self.check("weight", "--set", "0", url, *self.socket).returncode, 2)
        self.assertEqual(self.check("ready", "http://nobody:1", *self.socket).returncode, 2)
        shown = self.check("status", "-o", "json", *self.socket)
        self.assertEqual((shown.returncode, [r["state"] for r in json.loads(shown.stdout)]), (0, ["up", "up"]))
        self.assertEqual(self.check("wait", "--count", "2", *self.socket).returncode, 0)
        self.assertEqual(self.check("wait", "--for", "unhealthy", "--timeout", "200ms", *self.socket).returncode, 4)
        self.assertEqual(self.check("wait", "--timeout", "5s", self.origins[1].url + "/bytes/1").returncode, 0)
        self.assertEqual(self.check("status", "--socket", "/nowhere/rpx.sock").returncode, 3)


if __name__ == "__main__":
    unittest.main()
