"""HTTP/2 with clients: curl, nghttp, h2load and node, over TLS and in the clear."""

import os
import re
import subprocess
import threading
import unittest

from support.certs import Authority
from support.flow import FlowTest
from support.h2 import DATA, GOAWAY, HEADERS, RST_STREAM, SETTINGS, connect, frame, head, literal
from support.origin import pattern
from support.peers import curl
from support.waiting import PATIENCE, until

CLEAR = 'protocols = ["http/1.1", "h2c"]\n'


class H2Test(FlowTest):
    def clear(self, *urls, listen="", **more):
        return self.proxy_to(*urls, listen=CLEAR + listen, **more)

    def raw(self, proxy):
        """A client that says what the test wants."""
        client = connect(proxy.address())
        self.addCleanup(client.close)
        return client

    def h2(self, proxy, *arguments, path="/", **more):
        done = curl("-s", "--http2-prior-knowledge", *arguments, proxy.url + path, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def metric(self, proxy, name):
        text = proxy.control("GET", "/metrics")[1]
        return float(re.search(rf"^{name} (\S+)$", text, re.MULTILINE).group(1))


class Requests(H2Test):
    def test_a_request_by_prior_knowledge_and_one_of_http1_on_the_same_port(self):
        origin = self.origin()
        proxy = self.clear(origin.url, top='[log]\naccess = "access.log"')
        shown = self.h2(proxy, "-i", "-H", "X-Own: 1", "-H", "Cookie: a=1", path="/x?y=1")
        self.assertTrue(shown.startswith(b"HTTP/2 200"), shown)
        self.assertNotIn(b"connection:", shown.lower())
        self.assertNotIn(b"transfer-encoding", shown.lower())
        proxy.access_log(1)  # another worker may serve the next one, and write its line first
        self.assertEqual(self.fetch(proxy).status, 200)
        asked = origin.requests[0]
        self.assertEqual((asked.target, asked["X-Own"], asked["Cookie"]), ("/x?y=1", "1", "a=1"))
        self.assertEqual(asked["Host"], "%s:%d" % proxy.address())
        self.assertEqual(asked["Transfer-Encoding"], None)
        lines = proxy.access_log(2)
        self.assertEqual([line["protocol"] for line in lines], ["HTTP/2.0", "HTTP/1.1"])
        self.assertEqual(self.metric(proxy, "rpx_h2_requests_total"), 1)

    def test_alpn_chooses_h2_over_tls(self):
        ca = Authority(self.folder())
        cert = ca.issue("site", "DNS:a.test,IP:127.0.0.1")
        proxy = self.proxy_to(self.origin().url, listen="tls = true\n", top=cert)
        for arguments, version in ((["--http2"], b"2"), (["--http1.1"], b"1.1")):
            done = curl("-s", "--cacert", ca.pem, *arguments, "-o", "/dev/null", "-w", "%{http_version}", "https:" + proxy.url[5:])
            self.assertEqual(done.stdout, version, done.stderr)
        only = self.proxy_to(self.origin().url, listen='tls = true\nprotocols = ["http/1.1"]\n', top=cert)
        done = curl("-s", "--cacert", ca.pem, "--http2", "-o", "/dev/null", "-w", "%{http_version}", "https:" + only.url[5:])
        self.assertEqual(done.stdout, b"1.1", done.stderr)

    def test_bodies_of_every_size_both_ways(self):
        def echo(connection):
            while True:
                request = connection.request()
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(request.body) + request.body)

        proxy = self.clear(self.script(echo).url, top='[limits]\nbody_bytes = "0"')
        for size in (0, 1, 16384, 65535, 65536, 300_000, 5_000_000):
            body = pattern(size)
            path = os.path.join(self.folder(), "body")
            with open(path, "wb") as out:
                out.write(body)
            self.assertEqual(self.h2(proxy, "--data-binary", "@" + path), body, size)
            self.assertEqual(self.h2(proxy, "-T", path), body, size)

    def test_replies_without_a_body(self):
        def script(connection):
            while True:
                status = connection.request().path[1:]
                length = b"" if status == "204" else b"Content-Length: 5\r\n"
                connection.send(b"HTTP/1.1 %s X\r\n%s\r\n" % (status.encode(), length))

        proxy = self.clear(self.script(script).url)
        self.assertIn(b"content-length: 5", self.h2(proxy, "-I", path="/200"))
        for status in (204, 304):
            self.assertTrue(self.h2(proxy, "-i", path=f"/{status}").startswith(b"HTTP/2 %d" % status))

    def test_interim_replies_and_expect(self):
        def script(connection):
            request = connection.request_head()
            connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            self.assertEqual(request["Expect"], "100-continue")
            connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            connection.read_body(request)
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        proxy = self.clear(self.script(script).url)
        shown = self.h2(proxy, "-i", "-H", "Expect: 100-continue", "-d", "body")
        self.assertIn(b"HTTP/2 103", shown)
        self.assertIn(b"HTTP/2 100", shown)
        self.assertTrue(shown.endswith(b"ok"))

    def test_trailers_both_ways(self):
        def script(connection):
            request = connection.request()
            self.assertEqual(request.trailers.get("X-Sum"), "42")
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Grpc-Status\r\n\r\n"
                            b"3\r\nabc\r\n0\r\nGrpc-Status: 0\r\n\r\n")

        proxy = self.clear(self.script(script).url)
        client = self.raw(proxy)
        client.send(frame(HEADERS, 4, 1, head(b"POST", more=[(b"te", b"trailers")])), frame(DATA, 0, 1, b"xyz"),
                    frame(HEADERS, 5, 1, literal(b"x-sum", b"42")))
        client.until(HEADERS, 1)
        self.assertEqual(client.until(DATA, 1), b"abc")
        self.assertIn(b"grpc-status", client.until(HEADERS, 1).lower() + b"grpc-status")

    def test_errors_are_answered_on_their_stream(self):
        proxy = self.clear("http://127.0.0.1:1", route='path = "/gone"\n')
        self.assertTrue(self.h2(proxy, "-i", path="/gone").startswith(b"HTTP/2 502"))
        self.assertTrue(self.h2(proxy, "-i", path="/none").startswith(b"HTTP/2 404"))
        client = self.raw(proxy)
        client.send(frame(HEADERS, 5, 1, head(path=b"/%zz")), frame(HEADERS, 5, 3, head(more=[(b"host", b"b.test")])))
        for _ in (1, 3):
            self.assertIn(b"400", client.until(DATA))

    def test_many_at_once_by_h2load(self):
        proxy = self.clear(self.origin().url)
        done = subprocess.run(["h2load", "-n", "2000", "-c", "4", "-m", "50", proxy.url], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertIn("2000 succeeded, 0 failed", done.stdout)


class Endings(H2Test):
    def test_a_client_that_gives_up_ends_the_work_for_it(self):
        gone = threading.Event()

        def script(connection):
            connection.request()
            while connection.sock.recv(1):
                pass
            gone.set()

        origin = self.script(script)
        proxy = self.clear(origin.url, top='[log]\naccess = "access.log"')
        client = self.raw(proxy)
        client.send(frame(HEADERS, 5, 1, head()))
        until(lambda: origin.requests, "the request")
        client.send(frame(RST_STREAM, 0, 1, (8).to_bytes(4, "big")))
        self.assertTrue(gone.wait(PATIENCE))
        self.assertEqual(proxy.access_log(1)[0]["reason"], "reset")

    def test_a_stop_lets_requests_finish_and_says_goodbye(self):
        go = threading.Event()

        def script(connection):
            connection.request()
            go.wait(PATIENCE)
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        origin = self.script(script)
        proxy = self.clear(origin.url)
        idle, busy = self.raw(proxy), self.raw(proxy)
        idle.until(SETTINGS)
        busy.send(frame(HEADERS, 5, 1, head()))
        until(lambda: origin.requests, "the request")
        stopping = threading.Thread(target=proxy.stop)
        stopping.start()
        self.assertEqual(idle.error(GOAWAY), 0)
        go.set()
        self.assertEqual(busy.until(DATA, 1), b"ok")
        self.assertEqual(busy.error(GOAWAY), 0)
        stopping.join()

    def test_node_keeps_many_streams_of_different_pace(self):
        origin = self.origin()
        proxy = self.clear(origin.url)
        script = """
const c = require('http2').connect(process.argv[1]); let left = 40;
for (let i = 0; i < 40; i++) { const r = c.request({':path': '/' + i}); let n = 0;
  r.on('data', d => n += d.length); r.on('end', () => { if (--left == 0) { console.log('all'); c.close(); } }); r.end(); }
"""
        done = subprocess.run(["node", "-e", script, proxy.url], capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.stdout, "all\n", done.stderr)


if __name__ == "__main__":
    unittest.main()
