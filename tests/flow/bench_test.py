"""rpx-bench against servers whose behaviour is known: what it measures, what it counts, and how it ends."""

import gzip
import json
import os
import signal
import subprocess
import unittest

from support.bench import ANSWER, BENCH, BenchTest, LISTEN, delayed
from support.origin import OK
from support.proxy import environment
from support.waiting import PATIENCE, SANITIZED, until


class Bench(BenchTest):
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

    def test_an_origin_tells_how_long_its_delays_took(self):
        with subprocess.Popen([BENCH, "origin", "--delays", "-o", "json"], stdout=subprocess.PIPE, text=True, env=environment()) as origin:
            url = origin.stdout.readline().strip()
            self.bench("-n", "20", "-c", "2", "-t", "1", url + "/?delay=20ms")
            self.bench("-n", "7", "-c", "1", "-t", "1", url + "/")
            origin.terminate()
            told, = json.loads(origin.communicate(timeout=PATIENCE)[0])
        self.assertEqual((origin.returncode, told["delayed"]), (0, 20))
        self.assertGreaterEqual(told["p50_ms"], 20 * 0.999)
        self.assertLessEqual(told["p50_ms"], told["max_ms"])

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


if __name__ == "__main__":
    unittest.main()
