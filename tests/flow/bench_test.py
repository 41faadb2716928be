"""rpx-bench against servers whose behaviour is known: what it measures, what it counts, and how it ends."""

import gzip
import json
import os
import pty
import re
import signal
import subprocess
import time
import unittest
from xml.etree import ElementTree

from support.certs import Authority
from support.flow import FlowTest
from support.origin import OK
from support.proxy import BINARY, environment, run_tool
from support.waiting import PATIENCE, SANITIZED, until

BENCH = os.path.join(os.path.dirname(BINARY), "rpx-bench")
ANSWER = '[[route]]\nrespond = { status = 200, body = "hello\\n" }\n'
LISTEN = '[[listen]]\naddress = "127.0.0.1:0"\n'


def delayed(seconds, stall_at=None, stall=0.0):
    """A script that answers each request after the same time; the request at `stall_at` after `stall` seconds."""

    def serve(connection):
        count = 0
        while True:
            connection.request()
            count += 1
            time.sleep(stall if count == stall_at else seconds)
            connection.send(OK)

    return serve


def read_terminal(descriptor):
    """What came; nothing once nobody has the other end."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


class Bench(FlowTest):
    def bench(self, *arguments, expect=0):
        done = run_tool(*arguments, "-o", "json", binary=BENCH, cwd=self.folder(), timeout=PATIENCE * 2)
        self.assertEqual(done.returncode, expect, done.stderr)
        return json.loads(done.stdout)

    def test_every_request_asked_for_is_made_and_answered(self):
        origin = self.origin()
        run = self.bench("-n", "200", "-c", "8", "-t", "2", "--check", "length=10", origin.url + "/bytes/10")
        self.assertEqual((run["schema"], run["requests"], run["errors"]), ("rpx-bench/1", 200, 0))
        self.assertEqual(len(origin.requests), 200)
        self.assertEqual(run["replies_by_class"][2], 200)
        self.assertEqual(sum(count for _, count in run["latency"]["histogram_ns"]), 200)
        self.assertLessEqual(run["connect"]["count"], 8)

    def test_known_delays_are_measured_as_they_are(self):
        origin = self.script(delayed(0.05))
        run = self.bench("-n", "40", "-c", "2", origin.url)
        for name in ("min_ms", "p50_ms"):
            self.assertGreaterEqual(run["latency"][name], 50)
        self.assertLess(run["latency"]["p50_ms"], 500 if SANITIZED else 60)

    def test_client_and_origin_that_stay_awake_measure_as_those_that_sleep(self):
        origin = self.built_in_origin("--awake")
        run = self.bench("--awake", "-n", "20", "-c", "2", "-t", "1", origin + "/?delay=20ms")
        self.assertEqual((run["requests"], run["errors"]), (20, 0))
        self.assertGreaterEqual(run["latency"]["min_ms"], 20)
        self.assertLess(run["latency"]["min_ms"], 500)

    def test_a_stall_shows_in_the_open_loop_and_hides_in_the_closed_one(self):
        stall = 0.6
        closed = self.bench("-c", "1", "-d", "2s", self.script(delayed(0.0, 20, stall)).url)
        opened = self.bench("-c", "1", "-d", "2s", "--rate", "100", self.script(delayed(0.0, 20, stall)).url)
        # One request of many waited, as somebody sees it who waited with it ...
        self.assertLess(closed["latency"]["p90_ms"], 300)
        self.assertGreaterEqual(closed["latency"]["max_ms"], stall * 1000)
        self.assertLess(opened["raw_latency"]["p90_ms"], 300)
        # ... and a quarter of all those who came meanwhile.
        self.assertGreater(opened["latency"]["p90_ms"], stall * 1000 * 0.3)
        self.assertGreaterEqual(opened["latency"]["max_ms"], stall * 1000)

    def test_a_rate_is_kept_constant_and_by_chance(self):
        proxy = self.proxy(LISTEN + ANSWER)
        for kind in ("constant", "poisson"):
            run = self.bench("-c", "20", "-t", "2", "-d", "2s", "--rate", "300", "--arrivals", kind, proxy.url)
            self.assertEqual(run["loop"], "open")
            self.assertLess(abs(run["requests"] + run["unsent"] - 600), 30 if kind == "constant" else 150)

    def test_what_could_not_be_sent_is_told_and_counted(self):
        run = self.bench("-c", "1", "-d", "1s", "--rate", "200", self.script(delayed(0.1)).url)
        self.assertGreater(run["unsent"], 50)
        self.assertTrue(any("were due and not sent" in text for text in run["warnings"]))
        self.assertGreater(run["latency"]["max_ms"], 300)

    def test_pipelines_new_connections_and_unix_sockets(self):
        proxy = self.proxy(LISTEN + '[[listen]]\naddress = "unix:web.sock"\n' + ANSWER)
        run = self.bench("-n", "300", "-c", "3", "--pipeline", "10", "--check", "length=6", proxy.url)
        self.assertEqual((run["requests"], run["errors"], run["connect"]["count"]), (300, 0, 3))
        run = self.bench("-n", "50", "-c", "5", "--no-keepalive", proxy.url)
        self.assertEqual((run["requests"], run["errors"], run["connect"]["count"]), (50, 0, 50))
        run = self.bench("-n", "50", "-c", "2", "unix:" + proxy.path("web.sock"))
        self.assertEqual((run["requests"], run["errors"]), (50, 0))
        run = self.bench("-n", "50", "-c", "2", "--unix", proxy.path("web.sock"), "http://any.test/")
        self.assertEqual((run["requests"], run["errors"]), (50, 0))

    def test_tls_is_verified_and_its_sessions_are_resumed(self):
        authority = Authority(self.folder())
        listen = '[[listen]]\naddress = "127.0.0.1:0"\ntls = true\n'
        proxy = self.proxy(listen + authority.issue("site", "IP:127.0.0.1") + ANSWER)
        url = proxy.url.replace("http:", "https:")
        run = self.bench("-n", "20", "-c", "1", "--no-keepalive", "--ca", authority.pem, url)
        self.assertEqual((run["requests"], run["errors"]), (20, 0))
        self.assertEqual(run["tls_resumed"], 19, "all but the first, each by the ticket of the one before")
        run = self.bench("-n", "20", "-c", "1", "--no-keepalive", "--no-resume", "-k", url)
        self.assertEqual((run["requests"], run["tls_resumed"]), (20, 0))
        refused = run_tool("-n", "1", url, binary=BENCH)
        self.assertEqual(refused.returncode, 3)
        self.assertEqual(len(refused.stderr.splitlines()), 1)

    def test_http2_with_many_streams_by_alpn_and_by_prior_knowledge(self):
        authority = Authority(self.folder())
        tls = '[[listen]]\nname = "tls"\naddress = "127.0.0.1:0"\ntls = true\n'
        clear = '[[listen]]\nname = "clear"\naddress = "127.0.0.1:0"\nprotocols = ["h2c", "http/1.1"]\n'
        origin = self.origin()
        proxy = self.proxy(tls + clear + authority.issue("site", "IP:127.0.0.1")
                           + f'[[route]]\nupstream = "{origin.url}"\nresponse_headers = {{ set = {{ "X-A" = "b" }} }}\n')
        urls = {name: "{}://127.0.0.1:{}".format(scheme, proxy.address(name)[1]) for name, scheme in (("tls", "https"), ("clear", "http"))}
        for name, protocol in (("tls", "h2"), ("clear", "h2c")):
            run = self.bench("-n", "300", "-c", "3", "-m", "20", "--check", "length=1000", "--check", "header:x-a=b",
                             "--ca", authority.pem, urls[name] + "/bytes/1000")
            self.assertEqual((run["protocol"], run["requests"], run["errors"], run["connect"]["count"]), (protocol, 300, 0, 3))
        body = os.path.join(self.folder(), "body")
        with open(body, "w", encoding="ascii") as file:
            file.write("x" * 200000)
        run = self.bench("-n", "4", "-c", "1", "-m", "2", "--body-file", body, urls["clear"] + "/up/{{seq}}")
        self.assertEqual((run["requests"], run["errors"]), (4, 0))
        self.assertEqual(sorted((r.method, r.path, len(r.body)) for r in origin.requests if r.path.startswith("/up/")),
                         [("POST", f"/up/{i}", 200000) for i in range(1, 5)])
        run = self.bench("-n", "10", "--http2", "--check", "length=1", urls["clear"] + "/bytes/2")
        self.assertEqual(run["errors_by_kind"]["length"]["count"], 10)
        alone = self.built_in_origin()
        run = self.bench("-n", "2", "--http2", "-c", "1", alone, expect=3)
        self.assertEqual(run["requests"], 0)

    def test_templates_feeds_and_cookies_reach_the_server(self):
        origin = self.origin()
        folder = self.folder()
        feed = os.path.join(folder, "users.csv")
        with open(feed, "w", encoding="utf-8") as file:
            file.write("id,name\n1,ann\n2,bob\n")
        self.bench("-n", "4", "-c", "1", "--feed", feed, "-H", "X-Name: {{feed.name}}", "-b", "n={{seq}}",
                   origin.url + "/u/{{feed.id}}")
        seen = [(r.method, r.path, r["X-Name"], r.body) for r in origin.requests]
        self.assertEqual(seen[:2], [("POST", "/u/1", "ann", b"n=1"), ("POST", "/u/2", "bob", b"n=2")])
        self.assertEqual(len(seen), 4)

        self.bench("-n", "1", "--body-size", "3KiB", "--compress", "gzip", origin.url + "/g")
        self.bench("-n", "1", "--form", "a=1", "--form", "f=@" + feed, origin.url + "/f")
        coded, form = origin.requests[-2:]
        self.assertEqual((coded["Content-Encoding"], len(gzip.decompress(coded.body))), ("gzip", 3072))
        self.assertIn("multipart/form-data; boundary=", form["Content-Type"])
        self.assertIn(b'name="f"; filename="users.csv"', form.body)

        def with_cookie(connection):
            while True:
                connection.request()
                connection.send(b"HTTP/1.1 200 OK\r\nSet-Cookie: s=1; Path=/\r\nContent-Length: 0\r\n\r\n")

        jar = self.script(with_cookie)
        self.bench("-n", "3", "-c", "1", "--cookies", jar.url)
        self.assertEqual([r["Cookie"] for r in jar.requests], [None, "s=1", "s=1"])

        jar = self.script(with_cookie)
        clear = self.proxy_to(jar.url, listen='protocols = ["h2c", "http/1.1"]')
        self.bench("-n", "3", "-c", "1", "-m", "1", "--cookies", clear.url)
        self.assertEqual([r["Cookie"] for r in jar.requests], [None, "s=1", "s=1"])

    def test_failures_are_counted_by_kind_with_examples(self):
        def odd(connection):
            for reply in (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", OK, b"HTTP/1.1 200 OK\r\nContent-Le"):
                connection.request()
                connection.send(reply)

        run = self.bench("-n", "9", "-c", "1", "--check", "length=2", self.script(odd).url + "/x")
        kinds = {kind: row["count"] for kind, row in run["errors_by_kind"].items()}
        self.assertEqual(kinds, {"status": 3, "closed": 3})
        self.assertIn("status 500 (127.0.0.1:", run["errors_by_kind"]["status"]["examples"][0])
        self.assertIn("GET /x", run["errors_by_kind"]["closed"]["examples"][0])
        late = self.script(lambda connection: connection.hold())
        run = self.bench("-n", "2", "-c", "1", "--timeout", "200ms", late.url, expect=3)
        self.assertEqual(run["errors_by_kind"]["timeout"]["count"], 2)

    def test_a_kept_connection_that_the_server_closes_is_no_error(self):
        def one_at_a_time(connection):
            connection.request()
            connection.send(OK)

        run = self.bench("-n", "10", "-c", "1", self.script(one_at_a_time).url)
        self.assertEqual((run["requests"], run["errors"], run["connect"]["count"]), (10, 0, 10))

    def test_conditions_decide_the_exit_status(self):
        origin = self.origin()
        holds = run_tool("-n", "20", "--assert", "errors<1%", "--assert", "p99<30s", "-q", origin.url, binary=BENCH)
        self.assertEqual((holds.returncode, holds.stdout), (0, ""), holds.stderr)
        fails = run_tool("-n", "20", "--assert", "requests>=20", "--assert", "p50<1us", "-q", origin.url, binary=BENCH)
        self.assertEqual(fails.returncode, 1)
        self.assertRegex(fails.stderr, r"^rpx-bench: failed: p50<1us: \S+\n$")

    def test_an_interrupt_shows_what_there_is(self):
        proxy = self.proxy(LISTEN + ANSWER)
        process = subprocess.Popen([BENCH, "-d", "1h", "-c", "2", "-o", "json", proxy.url], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=environment())
        self.addCleanup(process.kill)
        until(lambda: proxy.status()["requests"] > 10, "requests on their way")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 130, err)
        run = json.loads(out)
        self.assertEqual(run["interrupted"], "SIGINT")
        self.assertGreater(run["requests"], 10)

    def test_another_server_is_compared_in_turns(self):
        fast, slow = self.built_in_origin(), self.built_in_origin()
        worse = run_tool("-d", "6s", "-c", "4", "--compare", slow + "/?delay=60ms", fast + "/?delay=8ms", "-o", "json",
                         binary=BENCH, timeout=PATIENCE * 2)
        self.assertEqual(worse.returncode, 1, worse.stderr)
        found = json.loads(worse.stdout)
        self.assertEqual((found["verdict"], found["figures"][0]["figure"]), ("worse", "rps"))
        self.assertLess(found["figures"][0]["change"], -0.3)
        better = run_tool("-d", "6s", "-c", "4", "--compare", fast + "/?delay=8ms", slow + "/?delay=60ms", "-o", "json",
                          binary=BENCH, timeout=PATIENCE * 2)
        self.assertEqual(better.returncode, 0, better.stderr)
        self.assertEqual(json.loads(better.stdout)["figures"][0]["verdict"], "better")

    def test_a_baseline_catches_what_became_slower(self):
        origin = self.built_in_origin()
        path = os.path.join(self.folder(), "before.json")
        self.bench("-d", "6s", "-c", "4", "--save", path, origin + "/?delay=8ms")
        slower = run_tool("-d", "6s", "-c", "4", "-q", "--baseline", path, "--max-regress", "20%", origin + "/?delay=40ms",
                          binary=BENCH, timeout=PATIENCE * 2)
        self.assertEqual(slower.returncode, 1, slower.stderr)
        self.assertIn("worse", slower.stderr)

    def test_the_highest_rate_that_holds_is_found(self):
        # One connection and 8 ms a reply cannot do more than 125 a second.
        origin = self.built_in_origin()
        done = run_tool("--find-max", "p50<200ms", "-d", "1s", "-c", "1", "--rate", "20", "-o", "json",
                        origin + "/?delay=8ms", binary=BENCH, timeout=PATIENCE * 3)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        self.assertTrue(20 <= found["highest_rate"] <= 130, found["highest_rate"])
        self.assertFalse(all(step["holds"] for step in found["steps"]))
        never = run_tool("--find-max", "p50<1us", "-d", "200ms", "--rate", "4", "-q", origin, binary=BENCH)
        self.assertEqual(never.returncode, 1, never.stderr)

    def test_a_terminal_shows_the_run_on_a_screen_of_its_own(self):
        proxy = self.proxy(LISTEN + ANSWER)
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        done = subprocess.Popen([BENCH, "--screen", "-d", "1500ms", "-c", "2", proxy.url], stdout=subprocess.PIPE, stderr=theirs,
                                stdin=subprocess.DEVNULL)
        os.close(theirs)
        seen = b""
        while chunk := read_terminal(ours):
            seen += chunk
        out, _ = done.communicate(timeout=20)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"requests", out)
        self.assertTrue(seen.startswith(b"\x1b[?1049h"), seen[:80])
        self.assertTrue(seen.endswith(b"\x1b[?1049l"), seen[-80:])
        for text in ("http/1.1, 2 connections", "of 2s", "p99.9", "2xx"):
            self.assertIn(text, seen.decode())
        self.assertLess(max(len(line) for line in re.sub(r"\x1b\[[?0-9]*[a-zA-Z]", "", seen.decode()).split("\r\n")), 81)

    def test_a_screen_needs_a_terminal(self):
        done = run_tool("--screen", "-d", "1s", "http://127.0.0.1:1/", binary=BENCH)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no terminal", done.stderr)

    def test_reports_for_people_and_for_ci(self):
        proxy = self.proxy(LISTEN + ANSWER)
        folder = self.folder()
        page, cases = os.path.join(folder, "out.html"), os.path.join(folder, "out.xml")
        run = self.bench("-d", "1s", "--assert", "p99<1us", "--report", page, "--junit", cases, "--pid",
                         str(proxy.process.pid), proxy.url, expect=1)
        self.assertGreater(run["server_cpu_us"], 0)
        slow = self.proxy_to(self.built_in_origin())
        run = self.bench("-n", "10", "-c", "1", "--proxy", slow.path("rpx.sock"), slow.url + "/?delay=30ms")
        self.assertGreaterEqual(run["proxy_ms"], 30)
        self.assertLessEqual(run["proxy_ms"], run["latency"]["mean_ms"])
        self.assertGreaterEqual(run["origin_ms"], 29)
        self.assertLessEqual(run["origin_ms"], run["proxy_ms"] + 1)
        with open(page, encoding="utf-8") as file:
            self.assertIn("<svg", file.read())
        suite = ElementTree.parse(cases).getroot()[0]
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("1", "1"))

    def test_a_log_is_replayed_at_its_times(self):
        origin = self.origin()
        path = os.path.join(self.folder(), "access.log")
        with open(path, "w", encoding="utf-8") as file:
            for second in range(4):
                file.write(f'1.2.3.4 - - [10/Oct/2026:13:55:0{second} +0000] "GET /r/{second}?a HTTP/1.1" 200 5\n')
        run = self.bench("--replay", path, "--speed", "2", "-t", "2", origin.url)
        self.assertEqual((run["requests"], run["errors"], run["loop"]), (4, 0, "open"))
        self.assertEqual(sorted(r.target for r in origin.requests), [f"/r/{i}?a" for i in range(4)])
        self.assertGreaterEqual(run["seconds"], 1.5)

    def drill(self, kind, url, *arguments, expect=(0,)):
        done = run_tool("drill", kind, "-c", "10", "-o", "json", *arguments, url, binary=BENCH, timeout=PATIENCE * 2)
        self.assertIn(done.returncode, expect, done.stdout + done.stderr)
        return json.loads(done.stdout)[0]

    def test_drills_misbehave_and_see_whether_others_are_served(self):
        limits = '[limits]\nconnections_per_client = 0\nheader_timeout = "1s"\nbody_timeout = "200ms"\nh2_resets = "50/s"\n'
        listen = '[[listen]]\naddress = "127.0.0.1:0"\nprotocols = ["h2c", "http/1.1"]\n'
        proxy = self.proxy(listen + limits + f'[[route]]\nupstream = "{self.built_in_origin()}"\n')
        for kind in ("slowloris", "slow-body", "rapid-reset"):
            with self.subTest(kind):
                found = self.drill(kind, proxy.url + "/", "-d", "4s")
                self.assertGreater(found["cut"], 0)
                self.assertEqual(found["asked"], found["served"])
        for kind in ("slow-read", "idle", "reset"):
            with self.subTest(kind):
                # Tens of thousands of connections a second may use up the descriptors of a machine, which the drill then says.
                expect = (0, 1) if kind == "reset" else (0,)
                found = self.drill(kind, proxy.url + "/?size=1MB", "-d", "1s", expect=expect)
                self.assertGreater(found["opened"], 0)
        # A server that serves one connection at a time is held by the first that says nothing.
        gate = self.script(lambda connection: connection.hold())
        stuck = self.drill("idle", gate.url, "-d", "1s", "--timeout", "300ms", expect=(1,))
        self.assertEqual(stuck["served"], 0)

    def test_saved_results_are_merged(self):
        origin = self.origin()
        folder = self.folder()
        paths = [os.path.join(folder, name) for name in ("a.json", "b.json")]
        for path in paths:
            self.bench("-n", "10", "--save", path, origin.url)
        merged = self.bench("merge", *paths)
        self.assertEqual((merged["requests"], merged["latency"]["count"]), (20, 20))

    def built_in_origin(self, *arguments):
        process = subprocess.Popen([BENCH, "origin", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=environment())

        def end():
            process.terminate()
            _, err = process.communicate(timeout=PATIENCE)
            self.assertEqual(process.returncode, 0, err)

        self.addCleanup(end)
        return process.stdout.readline().strip()

    def test_the_built_in_origin_answers_as_the_url_says(self):
        url = self.built_in_origin("-t", "2")
        run = self.bench("-n", "500", "-c", "10", "--check", "length=1000", "--check", "status=201",
                         url + "/a?size=1000&status=201")
        self.assertEqual((run["requests"], run["errors"]), (500, 0))
        run = self.bench("-n", "100", "-c", "2", "--pipeline", "5", "--check", "length=100000", url + "/?size=100KB&chunks=7&trailers")
        self.assertEqual((run["requests"], run["errors"]), (100, 0))
        run = self.bench("-n", "10", "-c", "2", "-b", "x" * 100000, url + "/?delay=30ms")
        self.assertEqual(run["errors"], 0)
        self.assertGreaterEqual(run["latency"]["min_ms"], 30)
        for error, kind in (("close", "closed"), ("truncate", "closed"), ("garbage", "protocol"), ("reset", "reset")):
            run = self.bench("-n", "5", "-c", "1", url + "/?error=" + error, expect=3)
            self.assertEqual(run["errors_by_kind"][kind]["count"], 5, error)
        some = self.bench("-n", "200", "-c", "4", "-X", "POST", url + "/?error=close&error_rate=20%25")
        self.assertTrue(10 <= some["errors"] <= 80, some["errors"])


if __name__ == "__main__":
    unittest.main()
