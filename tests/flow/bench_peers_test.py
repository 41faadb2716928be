"""rpx-bench over TLS and HTTP/2, its own origin, and its screen."""

import os
import pty
import re
import subprocess
import unittest

from support.bench import ANSWER, BENCH, BenchTest, LISTEN
from support.certs import Authority
from support.proxy import run_tool


def read_terminal(descriptor):
    """What came; nothing once nobody has the other end."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


class Peers(BenchTest):
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

    def test_requests_over_http2_are_spread_over_several_servers_by_weight(self):
        origins = [self.origin(), self.origin()]
        authority = Authority(self.folder())
        tls = self.proxy('[[listen]]\naddress = "127.0.0.1:0"\ntls = true\n' + authority.issue("site", "IP:127.0.0.1")
                         + f'[[route]]\nupstream = "{origins[0].url}"\n')
        clear = self.proxy_to(origins[1].url, listen='protocols = ["h2c", "http/1.1"]')
        urls = [tls.url.replace("http:", "https:") + "/bytes/10", clear.url + "/bytes/10"]
        run = self.bench("-n", "400", "-c", "3", "-m", "10", "--weights", "3,1", "--ca", authority.pem, "--check", "length=10",
                         *urls)
        self.assertEqual((run["protocol"], run["requests"], run["errors"]), ("h2, h2c", 400, 0))
        self.assertEqual(run["connect"]["count"], 6, "each connection is one to each of them")
        seen = [len(origin.requests) for origin in origins]
        self.assertEqual(sum(seen), 400)
        self.assertTrue(230 <= seen[0] <= 360, seen)
        # One of them has gone: what was meant for it fails, and the other one is asked all the same.
        gone = self.built_in_origin()  # speaks no HTTP/2
        run = self.bench("-n", "40", "-c", "1", "-m", "4", clear.url + "/bytes/10", gone)
        self.assertEqual(run["requests"] + run["errors"], 40)
        self.assertGreater(run["requests"], 5)
        self.assertGreater(run["errors"], 5)

    def test_a_rate_over_one_connection_of_many_streams_waits_for_no_reply(self):
        proxy = self.proxy_to(self.built_in_origin(), listen='protocols = ["h2c", "http/1.1"]')
        run = self.bench("-c", "1", "-m", "100", "-d", "2s", "--rate", "50", proxy.url + "/?delay=300ms")
        self.assertEqual((run["unsent"], run["errors"]), (0, 0))
        # A stream is opened when it is due, whatever the others do: else half of a reply's time came on top of it.
        self.assertLess(run["latency"]["p50_ms"] - run["raw_latency"]["p50_ms"], 100)

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


if __name__ == "__main__":
    unittest.main()
