"""[acme]: the proxy obtains its certificates by itself, from pebble, and renews them."""

import base64
import hashlib
import http.client
import http.server
import json
import os
import re
import socket
import ssl
import threading
import unittest

from support.certs import Authority
from support.flow import FlowTest
from support.pebble import EAB_KEY, INSTALLED, Pebble, free_port
from support.proxy import BINARY, run_tool
from support.waiting import PATIENCE, until

ROUTE = '[[route]]\nrespond = { status = 200, body = "pong" }\n'


class AcmeServeTest(FlowTest):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder())
        self.store = os.path.join(self.folder(), "acme")

    def pebble(self, **more):
        pebble = Pebble(self.ca, **more)
        self.addCleanup(pebble.close)
        return pebble

    def site(self, plain, secure, directory, hosts='"a.test"', acme="", top="", wait=True):
        config = (f'[[listen]]\nname = "plain"\naddress = "127.0.0.1:{plain}"\nredirect_https = true\n'
                  f'[[listen]]\nname = "web"\naddress = "127.0.0.1:{secure}"\ntls = true\n'
                  f'[acme]\ndirectory = "{directory}"\nca = "{self.ca.pem}"\nhosts = [{hosts}]\nagree_tos = true\n'
                  f'store = "{self.store}"\n{acme}\n{top}\n{ROUTE}')
        return self.proxy(config, wait=wait)

    @staticmethod
    def served(proxy, name="a.test"):
        """The certificate, in DER; None where the handshake is refused."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            with socket.create_connection(proxy.address("web"), timeout=PATIENCE) as raw, \
                    context.wrap_socket(raw, server_hostname=name) as sock:
                return sock.getpeercert(True)
        except ssl.SSLError:
            return None

    def stored(self, name="a.test"):
        with open(os.path.join(self.store, "certificates", f"{name}.pem"), encoding="ascii") as f:
            return ssl.PEM_cert_to_DER_cert(re.search("-----BEGIN CERT.*?END CERTIFICATE-----", f.read(), re.DOTALL).group())

    @staticmethod
    def acme(proxy, name="a.test"):
        return next(n for n in proxy.control("GET", "/v1/acme")[1]["names"] if n["name"] == name)

    def obtained(self, proxy, name="a.test"):
        until(lambda: self.acme(proxy, name)["fingerprint"] or self.acme(proxy, name)["error"], f"a certificate for {name}")
        self.assertIsNone(self.acme(proxy, name)["error"])
        until(lambda: self.served(proxy, name), f"what is served for {name}")
        return self.served(proxy, name)

    def metric(self, proxy, name):
        text = proxy.control("GET", "/metrics")[1]
        return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE).group(1))


@unittest.skipUnless(INSTALLED, "pebble is not installed")
class Obtaining(AcmeServeTest):
    def test_by_http_and_over_a_restart(self):
        pebble = self.pebble()
        proxy = self.site(pebble.http, 0, pebble.directory, '"a.test", "B.test"', 'email = "ops@a.test"')
        with proxy.events("certificate") as events:
            first = self.obtained(proxy)
            self.obtained(proxy, "b.test")
            self.assertIn(events.next(action="obtained")["name"], ("a.test", "b.test"))
        self.assertEqual(first, self.stored())
        until(lambda: self.acme(proxy)["state"] == "valid", "its state")
        view = self.acme(proxy)
        self.assertEqual((view["failures"], view["error"]), (0, None))
        self.assertEqual(view["fingerprint"], hashlib.sha256(first).hexdigest())
        self.assertLess(view["renew"], view["not_after"])
        self.assertEqual(proxy.control("GET", "/v1/acme")[1]["challenges"], [], "none stays open")
        self.assertGreater(self.metric(proxy, 'rpx_acme_not_after_seconds{name="a.test"}'), 1e9)
        self.assertEqual(self.metric(proxy, 'rpx_acme_attempts_total{result="obtained"}'), 2)
        self.assertIn("a.test valid, until 20", run_tool("status", "-o", "table", cwd=proxy.dir).stdout)
        self.assertIn("certificate obtained", proxy.text("stderr"))
        for leaf in ("account.key", "certificates/a.test.pem", "state/a.test"):
            self.assertEqual(os.stat(os.path.join(self.store, leaf)).st_mode & 0o777, 0o600, leaf)
        self.assertEqual(self.fetch(proxy.address("plain"), "/x").status, 308)
        self.assertEqual(self.fetch(proxy.address("plain"), "/.well-known/acme-challenge/other").body, b"pong",
                         "what is not ours is for the routes")
        listed = run_tool("list", "-o", "plain", "-c", "rpx.toml", binary=os.path.join(os.path.dirname(BINARY), "rpx-cert"),
                          cwd=proxy.dir)
        self.assertIn("a.test.pem\ta.test\t", listed.stdout, listed.stderr)
        listed = run_tool("check", cwd=proxy.dir)
        self.assertEqual((listed.returncode, listed.stderr), (0, ""))
        proxy.stop()
        pebble.close()
        again = self.site(free_port(), 0, pebble.directory, '"a.test", "B.test"')
        self.assertEqual(self.served(again), first)
        until(lambda: self.acme(again)["state"] == "valid", "its state")
        self.assertEqual(self.metric(again, 'rpx_acme_attempts_total{result="failed"}'), 0)

    def test_by_tls_where_clients_must_show_certificates(self):
        pebble = self.pebble()
        proxy = self.site(0, pebble.tls, pebble.directory, acme='challenge = "tls-alpn-01"\nkind = "rsa"',
                          top=f'[tls]\nclient_ca = "{self.ca.pem}"\nclient_verify = "required"')
        until(lambda: self.acme(proxy)["state"] == "valid", f"a certificate: {proxy.text('stderr')}")
        self.assertTrue(self.stored())
        # Who is no authority learns nothing.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["acme-tls/1"])
        with socket.create_connection(proxy.address("web"), timeout=PATIENCE) as raw, self.assertRaises(OSError):
            context.wrap_socket(raw, server_hostname="a.test")

    def test_an_external_account(self):
        pebble = self.pebble(eab=True)
        with open(os.path.join(self.ca.folder, "eab"), "w", encoding="ascii") as f:
            f.write(EAB_KEY + "\n")
        proxy = self.site(pebble.http, 0, pebble.directory, acme=f'eab_kid = "kid-1"\neab_key_file = "{self.ca.folder}/eab"')
        self.obtained(proxy)

    def test_it_is_renewed_when_it_is_time_and_nothing_is_cut(self):
        pebble = self.pebble(life=9)
        proxy = self.site(pebble.http, 0, pebble.directory)
        first = self.obtained(proxy)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        raw = socket.create_connection(proxy.address("web"), timeout=PATIENCE)
        self.addCleanup(raw.close)
        live = context.wrap_socket(raw, server_hostname="a.test")
        self.addCleanup(live.close)
        until(lambda: self.served(proxy) != first, "another certificate")
        self.assertEqual(self.served(proxy), self.stored())
        live.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        self.assertIn(b"200", live.recv(1000))

    def test_a_renewal_that_fails_leaves_the_old_one(self):
        pebble = self.pebble()
        proxy = self.site(pebble.http, 0, pebble.directory)
        first = self.obtained(proxy)
        until(lambda: self.acme(proxy)["state"] == "valid", "its state")
        pebble.close()
        self.assertEqual(proxy.control("POST", "/v1/acme/renew", {"name": "a.test"}), (202, {"names": ["a.test"]}))
        until(lambda: self.acme(proxy)["state"] == "failing", "the failure")
        view = self.acme(proxy)
        self.assertEqual((self.served(proxy), self.stored()), (first, first))
        self.assertEqual(view["fingerprint"], hashlib.sha256(first).hexdigest())
        self.assertGreater(view["next"], view["last_attempt"])
        self.assertIn("the one in use stays", proxy.text("stderr"))
        self.assertEqual(self.metric(proxy, 'rpx_acme_failures{name="a.test"}'), 1)
        with open(os.path.join(self.store, "state", "a.test"), encoding="utf-8") as f:
            self.assertIn("failures 1", f.read())
        self.assertEqual(proxy.control("POST", "/v1/acme/renew", {"name": "c.test"})[0], 404)

    def test_a_name_that_is_not_ours_is_told_and_tried_again_later(self):
        pebble = self.pebble()
        proxy = self.site(free_port(), 0, pebble.directory, top=self.ca.issue("site", "DNS:other.test"))
        until(lambda: self.acme(proxy)["state"] == "failing", "the failure")
        self.assertIn("could not be proven", self.acme(proxy)["error"])
        self.assertIsNone(self.served(proxy), "not with the certificate of another name")
        self.assertIsNotNone(self.served(proxy, "other.test"))
        until(lambda: "there is no certificate for a.test" in proxy.text("stderr"), "the reason")
        self.assertIn("a.test failing", run_tool("status", "-o", "table", cwd=proxy.dir).stdout)

    def test_a_reload_adds_and_takes_away_names(self):
        pebble = self.pebble()
        proxy = self.site(pebble.http, 0, pebble.directory)
        first = self.obtained(proxy)
        text = proxy.text("rpx.toml")
        proxy.write("rpx.toml", text.replace('hosts = ["a.test"]', 'hosts = ["b.test", "a.test"]'))
        self.assertEqual(proxy.reload()[0], 200)
        self.obtained(proxy, "b.test")
        self.assertEqual(self.served(proxy), first, "it is not obtained again")
        proxy.write("rpx.toml", text.replace('hosts = ["a.test"]', 'hosts = ["b.test"]'))
        self.assertEqual(proxy.reload()[0], 200)
        self.assertEqual([n["name"] for n in proxy.control("GET", "/v1/acme")[1]["names"]], ["b.test"])


    def test_proxies_that_share_a_store_take_turns_and_answer_for_each_other(self):
        pebble = self.pebble()
        # The authority reaches the first one alone, whichever of them asks it.
        first = self.site(pebble.http, 0, pebble.directory, '"a.test", "b.test"')
        second = self.site(0, 0, pebble.directory, '"a.test", "b.test"')
        for name in ("a.test", "b.test"):
            until(lambda n=name: self.served(first, n) and self.served(first, n) == self.served(second, n), f"one for {name}")
            self.assertEqual(self.served(first, name), self.stored(name))
        until(lambda: all(self.acme(p)["state"] == "valid" for p in (first, second)), "both are done")
        obtained = [self.metric(p, 'rpx_acme_attempts_total{result="obtained"}') for p in (first, second)]
        self.assertEqual(sum(obtained), 2, "each name was obtained once")
        self.assertEqual(os.listdir(os.path.join(self.store, "challenges")), [])


class Front:
    """A directory in front of pebble that says when certificates are to be renewed (RFC 9773), which it does not."""

    def __init__(self, authority, pebble, window):
        self.asked = []
        self.orders = []
        front = self
        trust = ssl.create_default_context(cafile=authority.pem)

        class Handler(http.server.BaseHTTPRequestHandler):
            def relay(self):
                if self.path.startswith("/renewal/"):
                    front.asked.append(self.path[9:])
                    body = json.dumps({"suggestedWindow": {"start": window[0], "end": window[1]}}).encode()
                    return self.say(200, [("Retry-After", "3600")], body)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.path == "/order-plz":
                    front.orders.append(json.loads(base64.urlsafe_b64decode(json.loads(body)["payload"] + "==")))
                upstream = http.client.HTTPSConnection("localhost", pebble.port, context=trust, timeout=PATIENCE)
                upstream.request(self.command, self.path, body=body or None,
                                 headers={k: v for k, v in self.headers.items() if k.lower() not in ("connection", "content-length")})
                reply = upstream.getresponse()
                got = reply.read()
                if self.path == "/dir":
                    directory = json.loads(got)
                    directory["renewalInfo"] = f"{front.base}/renewal"
                    got = json.dumps(directory).encode()
                fields = [(k, v) for k, v in reply.getheaders() if k.lower() not in ("content-length", "connection", "transfer-encoding")]
                upstream.close()
                return self.say(reply.status, fields, got)

            def say(self, status, fields, body):
                self.send_response(status)
                for name, value in [*fields, ("Content-Length", str(len(body)))]:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else body)

            do_GET = do_HEAD = do_POST = relay

            def log_message(self, *_):
                pass

        authority.issue("front", "DNS:localhost,IP:127.0.0.1")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.path("front.pem"), authority.path("front.key"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.base = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@unittest.skipUnless(INSTALLED, "pebble is not installed")
class Renewal(AcmeServeTest):
    def test_the_authority_says_when(self):
        pebble = self.pebble()
        front = Front(self.ca, pebble, ("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"))
        self.addCleanup(front.close)
        proxy = self.site(pebble.http, 0, f"{front.base}/dir")
        first = self.obtained(proxy)
        until(lambda: self.acme(proxy)["state"] == "valid", "its state")
        self.assertTrue(front.asked)
        self.assertRegex(self.acme(proxy)["renew"], "^2020-01-01T")
        self.assertGreater(self.acme(proxy)["next"], "2026", "an authority in a hurry does not make us renew again and again")
        proxy.stop()
        # As it is an hour later.
        path = os.path.join(self.store, "state", "a.test")
        with open(path, encoding="utf-8") as f:
            kept = [line for line in f if not line.startswith(("next", "tried"))]
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(kept)
        again = self.site(pebble.http, 0, f"{front.base}/dir")
        until(lambda: self.served(again) not in (None, first), "another certificate")
        self.assertEqual([order.get("replaces") for order in front.orders], [None, front.asked[0]])


class Failing(AcmeServeTest):
    def test_a_directory_that_is_down_keeps_nobody_from_starting(self):
        proxy = self.site(0, 0, f"https://localhost:{free_port()}/dir", top=self.ca.issue("site", "DNS:other.test"))
        until(lambda: self.acme(proxy)["state"] == "failing", "the failure")
        view = self.acme(proxy)
        self.assertIn("refused", view["error"])
        self.assertIsNone(view["not_after"])
        self.assertIsNone(self.served(proxy))
        self.assertIsNotNone(self.served(proxy, "other.test"))
        proxy.stop()
        again = self.site(0, 0, f"https://localhost:{free_port()}/dir", top=self.ca.issue("site", "DNS:other.test"))
        until(lambda: self.acme(again)["failures"], "what is remembered")
        self.assertEqual(self.acme(again)["last_attempt"], view["last_attempt"], "a restart is no reason to try again at once")

    def test_a_store_that_cannot_be_written_is_told_and_nobody_is_asked(self):
        with open(self.store, "w", encoding="ascii") as f:
            f.write("in the way")
        proxy = self.site(0, 0, f"https://localhost:{free_port()}/dir")
        until(lambda: self.acme(proxy)["state"] == "failing", "the failure")
        self.assertIn(self.store, self.acme(proxy)["error"])
        self.assertNotIn("refused", self.acme(proxy)["error"])

    def test_an_authority_that_never_answers_does_not_hold_up_the_end(self):
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        proxy = self.site(0, 0, f"https://localhost:{silent.getsockname()[1]}/dir")
        until(lambda: self.acme(proxy)["state"] == "obtaining", "the attempt")
        proxy.stop()

    def test_challenges_of_others_are_answered_as_well(self):
        proxy = self.site(0, 0, f"https://localhost:{free_port()}/dir")
        path = "/v1/acme/challenges/token-1"
        good = {"type": "http-01", "name": "c.test", "key_authorization": "token-1.thumbprint"}
        self.assertEqual(proxy.control("PUT", path, good)[0], 200)
        self.assertEqual(proxy.control("PUT", path, {"key_authorization": "another"})[0], 400)
        reply = self.fetch(proxy.address("plain"), "/.well-known/acme-challenge/token-1")
        self.assertEqual((reply.status, reply.body), (200, b"token-1.thumbprint"))
        self.assertEqual(proxy.control("GET", "/v1/acme")[1]["challenges"],
                         [{"token": "token-1", "type": "http-01", "name": "c.test"}])
        self.assertEqual([proxy.control("DELETE", path)[0] for _ in range(2)], [200, 404])
        self.assertEqual(self.fetch(proxy.address("plain"), "/.well-known/acme-challenge/token-1").body, b"pong")


if __name__ == "__main__":
    unittest.main()
