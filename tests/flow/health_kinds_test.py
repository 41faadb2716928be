"""Checks that are more than a request: TLS handshakes, the health protocol of gRPC; and being ready after the first
round of them."""

import os
import re
import ssl
import threading
import time
import unittest

from support.certs import Authority
from support.flow import FlowTest
from support.peers import Peer
from support.proxy import BINARY, run_tool
from support.waiting import until

RPX_CHECK = os.path.join(os.path.dirname(BINARY), "rpx-check")
FAST = 'interval = "100ms"\ntimeout = "2s"\nrise = 1\nfall = 1\n'

# A server that speaks HTTP/2 and answers grpc.health.v1 with what the name of the service says; /set?STATUS changes
# what the server as a whole says.
SERVICE = """
const fs = require('fs'), http2 = require('http2');
const [cert, key] = process.argv.slice(1);
let whole = 1;
const frame = p => { const b = Buffer.alloc(5 + p.length); b.writeUInt32BE(p.length, 1); Buffer.from(p).copy(b, 5); return b; };
const answer = (s, h) => {
  const parts = []; s.on('error', () => {});
  if (h[':path'].startsWith('/set')) { whole = Number(h[':path'].split('?')[1]); s.respond({':status': 200}); return s.end('ok'); }
  if (h[':path'] != '/grpc.health.v1.Health/Check' || h[':method'] != 'POST' || h['te'] != 'trailers' ||
      h['content-type'] != 'application/grpc') { s.respond({':status': 404}); return s.end(); }
  s.on('data', d => parts.push(d)); s.on('end', () => {
    const body = Buffer.concat(parts), name = body.length > 7 ? body.subarray(7).toString() : '';
    if (name == 'none') return s.respond({':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5',
                                          'grpc-message': 'unknown service'}, {endStream: true});
    if (name == 'slow') return;
    s.respond({':status': 200, 'content-type': 'application/grpc'}, {waitForTrailers: true});
    s.on('wantTrailers', () => s.sendTrailers({'grpc-status': '0'}));
    s.end(frame(name == 'ill' ? [8, 2] : whole ? [8, whole] : []));
  });
};
const server = cert ? http2.createSecureServer({cert: fs.readFileSync(cert), key: fs.readFileSync(key)})
                    : http2.createServer();
server.on('stream', answer);
server.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port + '.'));
"""


class Kinds(FlowTest):
    def service(self, *arguments):
        peer = Peer()
        self.addCleanup(peer.close)
        peer.start("node", "-e", SERVICE, *arguments)
        return until(lambda: re.search(r"port (\d+)\.", peer.said()), "the service's port").group(1)

    def row(self, proxy):
        return next(iter(proxy.servers("app").values()))

    def await_last(self, proxy, pattern, state):
        def told():
            row = self.row(proxy)
            return row["state"] == state and re.search(pattern, (row["health"] or {}).get("last") or "")

        until(told, f"{state}: {pattern}")

    def probe(self, *arguments):
        patience = () if "--timeout" in arguments else ("--timeout", "5s")
        done = run_tool("probe", *arguments, "-o", "plain", *patience, binary=RPX_CHECK)
        return done.returncode, done.stdout + done.stderr


class Grpc(Kinds):
    def test_a_server_is_up_while_it_says_that_it_is_serving(self):
        port = self.service()
        proxy = self.proxy_to(f"http://127.0.0.1:{port}", upstream='protocol = "h2c"',
                              top=f"[upstream.app.health]\ngrpc = true\n{FAST}")
        self.await_last(proxy, "^serving$", "up")
        for status, why in ((2, "^not serving"), (0, "^unknown"), (3, "^an unknown service")):
            self.fetch(proxy, f"/set?{status}")
            self.await_last(proxy, why, "down")
        self.fetch(proxy, "/set?1")
        self.await_last(proxy, "^serving$", "up")
        proxy.stop()
        self.assertIn("check=grpc", proxy.log)
        self.assertIn('first_bytes="HTTP/2 200', proxy.log)

    def test_a_service_is_asked_about_by_name(self):
        port = self.service()
        for service, why in (("ill", "^not serving"), ("none", "^grpc status 5: unknown service")):
            proxy = self.proxy_to(f"http://127.0.0.1:{port}",
                                  top=f'[upstream.app.health]\ngrpc = true\nservice = "{service}"\n{FAST}')
            self.await_last(proxy, why, "down")

    def test_it_works_over_tls_and_by_hand(self):
        authority = Authority(self.folder())
        authority.issue("grpc", "IP:127.0.0.1")
        path = authority.path("grpc")
        port = self.service(path + ".pem", path + ".key")
        proxy = self.proxy_to(f"https://127.0.0.1:{port}", upstream=f'tls = {{ ca = "{authority.pem}" }}',
                              top=f"[upstream.app.health]\ngrpc = true\n{FAST}")
        self.await_last(proxy, "^serving$", "up")
        plain = self.service()
        self.assertEqual(self.probe("--grpc", f"http://127.0.0.1:{plain}")[0], 0)
        code, said = self.probe("--grpc", "--service", "ill", f"http://127.0.0.1:{plain}")
        self.assertEqual((code, "not serving" in said), (1, True), said)

    def test_a_server_that_does_not_speak_it_is_down_and_why_is_told(self):
        origin = self.script(lambda connection: connection.send(b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n"))
        code, said = self.probe("--grpc", origin.url)
        self.assertEqual(code, 1, said)
        port = self.service()
        code, said = self.probe("--grpc", "--service", "slow", f"http://127.0.0.1:{port}", "--timeout", "300ms")
        self.assertEqual(code, 1, said)

    def test_the_ways_to_check_exclude_each_other(self):
        for more in (("--tcp", "--grpc"), ("--tls", "--grpc"), ("--service", "x")):
            self.assertEqual(self.probe(*more, "http://127.0.0.1:1")[0], 2, more)


class Tls(Kinds):
    def shaking(self, authority, name="tls", san="IP:127.0.0.1"):
        """A server that shakes hands and never says a word of HTTP."""
        authority.issue(name, san)
        path = authority.path(name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path + ".pem", path + ".key")

        def serve(connection):
            try:
                with context.wrap_socket(connection.sock, server_side=True) as inside:
                    inside.recv(1)
            except ssl.SSLError:
                pass

        return self.script(serve)

    def test_a_handshake_with_a_good_certificate_is_enough(self):
        authority = Authority(self.folder())
        origin = self.shaking(authority)
        for scheme in ("https", "http"):
            proxy = self.proxy_to(origin.url.replace("http", scheme, 1), upstream=f'tls = {{ ca = "{authority.pem}" }}',
                                  top=f"[upstream.app.health]\ntls = true\n{FAST}")
            self.await_last(proxy, "^shook hands$", "up")

    def test_a_certificate_that_nobody_vouches_for_is_not(self):
        origin = self.shaking(Authority(self.folder()))
        proxy = self.proxy_to(origin.url.replace("http", "https", 1), top=f"[upstream.app.health]\ntls = true\n{FAST}")
        self.await_last(proxy, "certificate", "down")

    def test_neither_is_a_server_without_tls(self):
        proxy = self.proxy_to(self.origin().url, top=f"[upstream.app.health]\ntls = true\n{FAST}")
        until(lambda: self.row(proxy)["state"] == "down", "the server is down")

    def test_by_hand(self):
        authority = Authority(self.folder())
        origin = self.shaking(authority)
        self.assertEqual(self.probe("--tls", origin.url.replace("http", "https", 1))[0], 1, "an unknown authority")


class WaitReady(FlowTest):
    def test_ready_comes_after_the_first_round_of_checks(self):
        def late(connection):
            connection.request()
            time.sleep(0.3)
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        def ill(connection):
            connection.request()
            connection.send(b"HTTP/1.1 500 Ill\r\nContent-Length: 0\r\n\r\n")

        checks = '[upstream.app.health]\ninterval = "100ms"\ntimeout = "10s"\nrise = 1\nfall = 2\ninitial = "down"\n'
        good, bad = self.script(late), self.script(ill)
        proxy = self.proxy_to(good.url, bad.url, top=checks, serve='workers = 1\nwait_ready = "15s"')
        rows = proxy.servers("app")
        self.assertEqual((rows[good.url]["state"], rows[bad.url]["state"]), ("up", "down"))
        self.assertGreaterEqual(rows[good.url]["health"]["checks"], 1)

    def test_it_waits_no_longer_than_that(self):
        silent = self.script(lambda c: (c.request(), c.hold()))
        checks = '[upstream.app.health]\ninterval = "100ms"\ntimeout = "1h"\n'
        proxy = self.proxy_to(silent.url, top=checks, serve='workers = 1\nwait_ready = "200ms"')
        proxy.stop()
        self.assertIn("ready before active checks have found out about every server", proxy.log)

    def test_a_signal_ends_the_wait(self):
        silent = self.script(lambda c: (c.request(), c.hold()))
        checks = '[upstream.app.health]\ninterval = "100ms"\ntimeout = "1h"\n'
        proxy = self.proxy(self.config_to(silent.url, top=checks), serve='workers = 1\nwait_ready = "1h"', wait=False)
        silent.await_requests(1)
        threading.Thread(target=proxy.await_ready, daemon=True).start()
        proxy.stop()


if __name__ == "__main__":
    unittest.main()
