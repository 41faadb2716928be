"""HTTP/2 to servers: shared connections, streams that the server refuses, resets or stalls, by node and frame by frame."""

import threading
import unittest

from support import h2
from support.certs import Authority
from support.flow import FlowTest
from support.h2 import DATA, GOAWAY, HEADERS, RST_STREAM, SETTINGS, answer, frame, number
from support.origin import pattern
from support.peers import NodeH2, curl
from support.waiting import PATIENCE, until

KNOWN = """(s, h) => {
  const path = h[':path'];
  if (path == '/echo') { s.respond({':status': 200}); s.pipe(s); }
  else if (path == '/trailers') { s.respond({':status': 200}, {waitForTrailers: true});
    s.on('wantTrailers', () => s.sendTrailers({'x-sum': '42', 'x-te': String(h.te)})); s.end('body'); }
  else if (path == '/only') s.respond({':status': 200, 'grpc-status': '12'}, {endStream: true});
  else if (path == '/early') { s.additionalHeaders({':status': 103, 'link': '</a>'}); s.respond({':status': 200}); s.end('ok'); }
  else if (path == '/204') s.respond({':status': 204}, {endStream: true});
  else { s.respond({':status': 200, 'content-type': 'application/json'}); s.end(JSON.stringify(h)); }
}"""


class H2ServersTest(FlowTest):
    def to(self, *urls, protocol="h2c", upstream="", **more):
        return self.proxy_to(*urls, upstream=f'protocol = "{protocol}"\n{upstream}', **more)

    def node(self, **more):
        node = NodeH2(KNOWN, **more)
        self.addCleanup(node.close)
        return node

    def server(self, proxy):
        return next(iter(proxy.servers("app").values()))

    def scripted(self, *scripts):
        """The URL of a server that runs a function of its peer for each connection."""
        def opened(script):
            return lambda connection: script(h2.serve(connection))
        return self.script(*[opened(s) for s in scripts]).url


class Requests(H2ServersTest):
    def test_a_request_in_http2_says_what_it_said_in_http1(self):
        node = self.node()
        proxy = self.to(node.url)
        got = self.fetch(proxy, "/x?y=1", fields=[("X-Own", "1"), ("Connection", "close"), ("Cookie", "a=1; b=2")])
        asked = got.body.decode()
        for said in ('":method":"GET"', '":path":"/x?y=1"', '":authority":"origin.test"', '":scheme":"http"', '"x-own":"1"',
                     '"cookie":"a=1; b=2"'):
            self.assertIn(said, asked)
        for left_out in ("connection", '"host"', "transfer-encoding", '"te"'):
            self.assertNotIn(left_out, asked)
        self.assertEqual(got["content-type"], "application/json")

    def test_bodies_both_ways_trailers_interim_and_bodiless_replies(self):
        proxy = self.to(self.node().url, listen='protocols = ["http/1.1", "h2c"]\n', top='[limits]\nbody_bytes = "0"')
        for size in (0, 1, 65535, 65536, 3_000_000):
            self.assertEqual(self.fetch(proxy, "/echo", method="POST", body=pattern(size)).body, pattern(size), size)
        for version in ("--http1.1", "--http2-prior-knowledge"):
            shown = curl("-i", version, "-H", "TE: trailers", proxy.url + "/trailers").stdout
            self.assertIn(b"x-sum: 42", shown, version)
            self.assertIn(b"x-te: trailers", shown)
            self.assertIn(b" 103", curl("-i", version, proxy.url + "/early").stdout)
            self.assertIn(b"grpc-status: 12", curl("-i", version, proxy.url + "/only").stdout)
            self.assertIn(b" 204", curl("-i", version, proxy.url + "/204").stdout)
            self.assertIn(b" 200", curl("-I", version, proxy.url + "/").stdout)

    def test_requests_share_a_connection(self):
        node = self.node()
        proxy = self.to(node.url, serve="workers = 1")
        threads = [threading.Thread(target=lambda: [self.fetch(proxy) for _ in range(10)]) for _ in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        self.assertEqual(node.connections(), 1)
        until(lambda: self.server(proxy)["idle"] == 1, "the connection to be idle")

    def test_over_tls_the_server_agrees_or_not(self):
        ca = Authority(self.folder())
        ca.issue("server", "DNS:localhost,IP:127.0.0.1")
        tls = f'tls = {{ ca = "{ca.pem}" }}\n'
        node = self.node(tls=(ca.path("server.pem"), ca.path("server.key")))
        for protocol, seen in (("h2", b":scheme"), ("auto", b":scheme"), ("http/1.1", b"by HTTP/1")):
            proxy = self.to(node.url, protocol=protocol, upstream=tls)
            self.assertIn(seen, self.fetch(proxy).body)
            self.assertIn(seen, self.fetch(proxy).body)
        old = NodeH2(KNOWN, tls=(ca.path("server.pem"), ca.path("server.key")), by="https")
        self.addCleanup(old.close)
        proxy = self.to(old.url, protocol="auto", upstream=tls)
        self.assertEqual([self.fetch(proxy).body for _ in range(2)], [b"by HTTP/1"] * 2)
        proxy = self.to(old.url, protocol="h2", upstream=tls)
        self.assertEqual(self.fetch(proxy).status, 502)

    def test_auto_in_the_clear_is_http1(self):
        origin = self.origin()
        self.assertEqual(self.fetch(self.to(origin.url, protocol="auto")).status, 200)

    def test_a_server_of_http1_is_told_apart(self):
        def old(connection):
            connection.until(b"SM\r\n\r\n")
            connection.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        proxy = self.to(self.script(old).url, top='[log]\naccess = "access.log"')
        self.assertEqual(self.fetch(proxy).status, 502)
        self.assertEqual(proxy.access_log(1)[0]["reason"], "bad_response")

    def test_checks_speak_it_too(self):
        def stay(peer):
            while (got := peer.frame()) is not None:
                if got[0] == HEADERS:
                    peer.send(answer(got[2], status=b"500"))

        good = self.node()
        proxy = self.to(good.url, self.scripted(stay), upstream='health = { interval = "50ms", fall = 1 }')
        until(lambda: [s["health"]["healthy"] for s in proxy.servers("app").values()] == [True, False], "one to be well and one not")
        self.assertEqual({self.fetch(proxy).status for _ in range(4)}, {200})

    def test_a_reload_changes_the_protocol(self):
        node, origin = self.node(), self.origin()
        proxy = self.to(node.url)
        self.assertEqual(self.fetch(proxy).status, 200)
        proxy.reload(self.config_to(origin.url))
        self.assertEqual(self.fetch(proxy).status, 200)
        proxy.reload(self.config_to(node.url, upstream='protocol = "h2c"'))
        self.assertEqual(self.fetch(proxy).status, 200)


class Refusals(H2ServersTest):
    def test_what_a_goaway_leaves_out_is_sent_again(self):
        def leaving(peer):
            stream = peer.next(HEADERS)[2]
            peer.send(frame(GOAWAY, 0, 0, number(0) + number(0)))
            while peer.frame() is not None:
                pass
            self.assertEqual(stream, 1)

        def staying(peer):
            stream = peer.next(HEADERS)[2]
            self.assertEqual(peer.until(DATA, stream), b"once")
            peer.send(answer(stream))
            peer.next(GOAWAY)

        proxy = self.to(self.scripted(leaving, staying), serve="workers = 1", upstream="retry = { attempts = 1 }")
        # The first connection is kept from another request, so that a POST over it is one over a kept connection.
        self.assertEqual(self.fetch(proxy, "/", method="POST", body=b"once").status, 502)
        self.assertEqual(self.fetch(proxy, "/", method="POST", body=b"once").status, 200)

    def test_a_refused_stream_of_a_kept_connection_goes_to_a_new_one(self):
        def refusing(peer):
            peer.send(answer(peer.next(HEADERS)[2]))
            stream = peer.next(HEADERS)[2]
            peer.send(frame(RST_STREAM, 0, stream, number(h2.REFUSED)))
            while peer.frame() is not None:
                pass

        def taking(peer):
            stream = peer.next(HEADERS)[2]
            self.assertEqual(peer.until(DATA, stream), b"once")
            peer.send(answer(stream, b"second"))
            while peer.frame() is not None:
                pass

        proxy = self.to(self.scripted(refusing, taking), serve="workers = 1")
        self.assertEqual(self.fetch(proxy).body, b"ok")
        self.assertEqual(self.fetch(proxy, "/", method="POST", body=b"once").body, b"second")

    def test_a_reset_stream_costs_one_request_and_not_the_connection(self):
        def resetting(peer):
            peer.send(frame(RST_STREAM, 0, peer.next(HEADERS)[2], number(2)))
            peer.send(answer(peer.next(HEADERS)[2], b"next"))
            while peer.frame() is not None:
                pass

        proxy = self.to(self.scripted(resetting), serve="workers = 1", top='[log]\naccess = "access.log"')
        self.assertEqual(self.fetch(proxy, "/", method="POST", body=b"x").status, 502)
        self.assertEqual(self.fetch(proxy).body, b"next")
        self.assertEqual(proxy.access_log(2)[0]["reason"], "reset")

    def test_more_streams_than_the_server_takes_get_more_connections(self):
        go = threading.Event()
        opened = []
        seen = []

        def slow(connection):
            peer = h2.serve(connection, h2.setting(3, 2))
            opened.append(peer)
            streams = []
            while (got := peer.frame()) is not None:
                if got[0] != HEADERS:
                    continue
                streams.append(got[2])
                seen.append(got[2])
                self.assertLessEqual(len(streams), 2)
                if len(streams) == 2 or go.is_set():
                    go.wait(PATIENCE)
                    peer.send(*[answer(s) for s in streams])
                    streams = []

        origin = self.script(slow)
        proxy = self.to(origin.url, serve="workers = 1")
        first = [threading.Thread(target=lambda: self.fetch(proxy)) for _ in range(2)]
        for one in first:
            one.start()
        until(lambda: self.server(proxy)["active"] == 2, "two requests")
        others = [threading.Thread(target=lambda: self.fetch(proxy)) for _ in range(4)]
        for one in others:
            one.start()
        # A request that came later would find room at the first connection, and leave the third with one stream.
        until(lambda: len(seen) == 6, "all requests to be at the server")
        go.set()
        for one in first + others:
            one.join()
        self.assertEqual(len(opened), 3)

    def test_a_connection_that_breaks_cuts_the_reply_that_had_begun(self):
        def breaking(peer):
            peer.send(frame(HEADERS, 4, peer.next(HEADERS)[2], h2.reply()), frame(DATA, 0, 1, b"some"))
            peer.close()

        proxy = self.to(self.scripted(breaking))
        client = self.client(proxy)
        client.ask()
        response = client.response_head()
        self.assertEqual(response.status, 200)
        with self.assertRaises(Exception):
            client.read_body(response)

    def test_nonsense_is_a_bad_reply(self):
        def upper(peer):
            peer.send(frame(HEADERS, 4, peer.next(HEADERS)[2], h2.reply(more=[(b"X-Upper", b"1")])))
            while peer.frame() is not None:
                pass

        def without_status(peer):
            peer.send(frame(HEADERS, 5, peer.next(HEADERS)[2], h2.literal(b"x", b"y")))
            while peer.frame() is not None:
                pass

        def bad_frame(peer):
            peer.next(HEADERS)
            peer.send(frame(SETTINGS, 0, 5))
            while peer.frame() is not None:
                pass

        for script in (upper, without_status, bad_frame):
            proxy = self.to(self.scripted(script), top='[log]\naccess = "access.log"')
            self.assertEqual(self.fetch(proxy).status, 502)
            self.assertEqual(proxy.access_log(1)[0]["reason"], "bad_response", script)


class Flow(H2ServersTest):
    def test_a_late_reply_is_cancelled(self):
        codes = []

        def silent(peer):
            codes.append(peer.error(RST_STREAM, peer.next(HEADERS)[2]))

        proxy = self.to(self.scripted(silent), route='timeout = { response = "200ms" }', upstream="retry = { attempts = 0 }")
        self.assertEqual(self.fetch(proxy).status, 504)
        until(lambda: codes == [8], "the stream to be cancelled")

    def test_a_client_that_goes_away_cancels_its_stream(self):
        codes = []

        def silent(peer):
            codes.append(peer.error(RST_STREAM, peer.next(HEADERS)[2]))

        origin = self.scripted(silent)
        proxy = self.to(origin)
        client = self.client(proxy)
        client.ask()
        until(lambda: self.server(proxy)["active"] == 1, "the request")
        client.reset()
        until(lambda: codes == [8], "the stream to be cancelled")

    def test_an_upload_waits_for_the_servers_window(self):
        got = []

        def narrow(peer):
            stream = peer.next(HEADERS)[2]
            while sum(got) < 65535:
                got.append(len(peer.until(DATA, stream)))
            # The window is shut: the answer to a ping comes, and nothing else.
            peer.send(frame(h2.PING, 0, 0, bytes(8)))
            while (kind := peer.frame()[0]) != h2.PING:
                self.assertEqual(kind, SETTINGS)
            peer.send(frame(h2.WINDOW_UPDATE, 0, stream, number(1_000_000)),
                      frame(h2.WINDOW_UPDATE, 0, 0, number(1_000_000)))
            while sum(got) < 500_000:
                got.append(len(peer.until(DATA, stream)))
            peer.send(answer(stream))
            while peer.frame() is not None:
                pass

        proxy = self.to(self.scripted(narrow))
        self.assertEqual(self.fetch(proxy, "/", method="POST", body=bytes(500_000)).status, 200)
        self.assertEqual(sum(got), 500_000)

    def test_a_slow_client_holds_up_its_server_but_not_the_others(self):
        node = NodeH2("""(s, h) => { s.respond({':status': 200}); if (h[':path'] == '/large') { let sent = 0;
            const more = () => { while (sent < 1000) { sent++; if (!s.write(Buffer.alloc(100000))) return s.once('drain', more); }
              s.end(); }; more(); } else s.end('quick'); }""")
        self.addCleanup(node.close)
        proxy = self.to(node.url, serve="workers = 1")
        slow = [self.client(proxy, receive_buffer=4096) for _ in range(5)]
        for one in slow:
            one.ask(path="/large")
            self.assertEqual(one.response_head().status, 200)
        before = proxy.memory()
        for _ in range(20):
            self.assertEqual(self.fetch(proxy).body, b"quick")
        self.assertEqual(node.connections(), 1)
        self.assertLess(proxy.memory()[0] - before[0], 30 << 20)

    def test_a_reply_that_overtakes_its_request(self):
        def early(peer):
            stream = peer.next(HEADERS)[2]
            peer.send(answer(stream, b"enough", status=b"413"), frame(RST_STREAM, 0, stream, number(0)))
            peer.send(answer(peer.next(HEADERS)[2]))
            while peer.frame() is not None:
                pass

        proxy = self.to(self.scripted(early), serve="workers = 1", top='[limits]\nbody_bytes = "0"')
        done = curl("-s", "-o", "-", "-w", "%{http_code}", "--data-binary", "@-", proxy.url + "/", stdin=bytes(5_000_000))
        self.assertEqual(done.stdout, b"enough413")
        self.assertEqual(self.fetch(proxy).body, b"ok")


if __name__ == "__main__":
    unittest.main()
