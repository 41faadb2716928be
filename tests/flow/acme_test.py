"""rpx-cert acme against pebble, an authority for tests, and against a server that misbehaves."""

import http.server
import json
import os
import ssl
import threading
import unittest

from support.certs import Authority, openssl
from support.flow import FlowTest
from support.pebble import EAB_KEY, INSTALLED, Pebble
from support.ports import free_port
from support.proxy import BINARY, run_tool
from support.waiting import until

CERT = os.path.join(os.path.dirname(BINARY), "rpx-cert")


class AcmeTest(FlowTest):
    def setUp(self):
        super().setUp()
        self.at = self.folder()
        self.ca = Authority(self.folder())

    def acme(self, verb, *arguments, expect=0):
        done = run_tool("acme", verb, "--server-ca", self.ca.pem, "--agree-tos", "--timeout", "60s", *arguments, binary=CERT,
                        timeout=70, cwd=self.at)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done

    def text(self, name):
        with open(os.path.join(self.at, name), encoding="ascii") as f:
            return f.read()


@unittest.skipUnless(INSTALLED, "pebble is not installed")
class WithPebble(AcmeTest):
    def pebble(self, eab=False):
        pebble = Pebble(self.ca, eab)
        self.addCleanup(pebble.close)
        self.server = ("--directory", pebble.directory)
        return pebble

    def check_pair(self, stem, name):
        shown = openssl("x509", "-noout", "-ext", "subjectAltName", "-in", os.path.join(self.at, f"{stem}.pem"))
        self.assertIn(f"DNS:{name}", shown)
        self.assertEqual(openssl("x509", "-noout", "-pubkey", "-in", os.path.join(self.at, f"{stem}.pem")),
                         openssl("pkey", "-pubout", "-in", os.path.join(self.at, f"{stem}.key")))
        self.assertEqual(os.stat(os.path.join(self.at, f"{stem}.key")).st_mode & 0o777, 0o600)
        self.assertGreaterEqual(self.text(f"{stem}.pem").count("BEGIN CERTIFICATE"), 2, "the chain is with it")

    def test_a_certificate_lives_and_is_revoked_by_http(self):
        listen = ("--listen", f"127.0.0.1:{self.pebble().http}")
        self.acme("issue", *self.server, *listen, "--email", "ops@a.test", "--out", "site", "a.test", "b.test")
        self.check_pair("site", "b.test")
        first = self.text("site.pem")
        account = self.text("acme-account.key")
        self.acme("issue", *self.server, *listen, "--out", "site", "a.test", expect=2)
        self.acme("renew", *self.server, *listen, "--within", "1h", "site.pem")
        self.assertEqual(self.text("site.pem"), first, "it is not time yet")
        self.acme("renew", *self.server, *listen, "--force", "site.pem")
        self.assertNotEqual(self.text("site.pem"), first)
        self.check_pair("site", "a.test")
        self.assertEqual(self.text("acme-account.key"), account)
        self.acme("revoke", *self.server, *listen, "--reason", "superseded", "site.pem")
        again = self.acme("revoke", *self.server, *listen, "site.pem", expect=3)
        self.assertRegex(again.stderr, "(?i)already.*revoked")

    def test_a_name_is_proven_by_tls(self):
        listen = ("--challenge", "tls-alpn-01", "--listen", f"127.0.0.1:{self.pebble().tls}")
        self.acme("issue", *self.server, *listen, "--kind", "rsa", "a.test")
        self.check_pair("a.test", "a.test")

    def test_the_running_proxy_answers(self):
        pebble = self.pebble()
        site = self.ca.issue("site", "DNS:other.test")
        proxy = self.proxy(f'[[listen]]\naddress = "127.0.0.1:{pebble.http}"\nredirect_https = true\n'
                           f'[[listen]]\naddress = "127.0.0.1:{pebble.tls}"\ntls = true\n{site}[[route]]\nrespond = {{ status = 204 }}\n')
        control = ("--socket", proxy.path("rpx.sock"), "--proxy")
        for challenge in ("http-01", "tls-alpn-01"):
            self.acme("issue", *self.server, *control, "--challenge", challenge, "--out", challenge, f"{challenge}.test")
            self.check_pair(challenge, f"{challenge}.test")
        self.assertEqual(proxy.control("GET", "/v1/acme")[1]["challenges"], [])
        self.acme("issue", *self.server, "--proxy", "--socket", os.path.join(self.at, "none.sock"), "c.test", expect=3)
        self.acme("issue", *self.server, "--proxy", "--listen", ":80", "c.test", expect=2)

    def test_an_external_account_is_bound(self):
        listen = ("--listen", f"127.0.0.1:{self.pebble(eab=True).http}")
        refused = self.acme("issue", *self.server, *listen, "a.test", expect=2)
        self.assertIn("--eab-kid", refused.stderr)
        with open(os.path.join(self.at, "eab"), "w", encoding="ascii") as f:
            f.write(EAB_KEY + "\n")
        self.acme("issue", *self.server, *listen, "--eab-kid", "kid-1", "--eab-key-file", "eab", "a.test")
        self.check_pair("a.test", "a.test")

    def test_what_is_not_proven_is_told(self):
        pebble = self.pebble()
        refused = self.acme("issue", *self.server, "--listen", f"127.0.0.1:{free_port()}", "a.test", expect=2)
        self.assertIn("a.test could not be proven to be ours", refused.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.at, "a.test.pem")))
        self.assertIsNone(pebble.process.poll())

    def test_a_running_proxy_serves_what_was_renewed(self):
        pebble = self.pebble()
        listen = ("--listen", f"127.0.0.1:{pebble.http}")
        self.acme("issue", *self.server, *listen, "--out", "site", "a.test")
        proxy = self.proxy(f'[[listen]]\naddress = "127.0.0.1:0"\ntls = true\n[[certificate]]\ncert = "{self.at}/site.pem"\n'
                           f'key = "{self.at}/site.key"\n[[route]]\nrespond = {{ status = 204 }}\n')

        def served():
            return ssl.get_server_certificate(proxy.address()).strip()

        first = served()
        self.assertIn(first, self.text("site.pem"))
        self.acme("renew", *self.server, *listen, "--force", "site.pem")
        until(lambda: served() != first and served() in self.text("site.pem"), "the renewed certificate")


class Misbehaving(AcmeTest):
    """A directory that is scripted, reply by reply."""

    def server(self, *replies):
        self.ca.issue("bad", "DNS:localhost,IP:127.0.0.1")
        self.asked = []
        left = list(replies)

        class Handler(http.server.BaseHTTPRequestHandler):
            def reply(handler):  # pylint: disable=no-self-argument
                self.asked.append((handler.command, handler.path))
                status, fields, body = left.pop(0) if left else (500, {}, "")
                handler.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **fields}.items():
                    handler.send_header(name, value)
                handler.end_headers()
                handler.wfile.write(b"" if handler.command == "HEAD" else body.encode())

            do_GET = do_HEAD = do_POST = reply

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca.path("bad.pem"), self.ca.path("bad.key"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        base = f"https://localhost:{server.server_port}"
        self.directory = json.dumps({k: f"{base}/{k}" for k in ("newNonce", "newAccount", "newOrder", "revokeCert")})
        left[:] = [(s, f, self.directory if b == "DIRECTORY" else b) for s, f, b in left]
        return ("--directory", f"{base}/dir", "--listen", "127.0.0.1:0")

    def test_a_reply_that_is_no_json_is_told(self):
        done = self.acme("issue", *self.server((200, {}, "{nonsense")), "a.test", expect=3)
        self.assertIn("JSON that makes no sense", done.stderr)

    def test_what_is_no_directory_is_told(self):
        done = self.acme("issue", *self.server((200, {}, "{}")), "a.test", expect=3)
        self.assertIn("this is no ACME directory", done.stderr)

    def test_a_server_that_fails_is_asked_again(self):
        server = self.server((500, {}, ""), (503, {"Retry-After": "1"}, ""), (200, {}, "[]"))
        self.acme("issue", *server, "a.test", expect=3)
        self.assertEqual(self.asked, [("GET", "/dir")] * 3)

    def test_a_limit_that_lasts_longer_than_we_is_told_at_once(self):
        limited = json.dumps({"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many of you"})
        server = self.server((200, {}, "DIRECTORY"), (200, {"Replay-Nonce": "one"}, ""), (429, {"Retry-After": "3600"}, limited))
        done = self.acme("issue", *server, "a.test", expect=3)
        self.assertIn("too many of you (rateLimited)", done.stderr)
        self.assertEqual(self.asked, [("GET", "/dir"), ("HEAD", "/newNonce"), ("POST", "/newAccount")])

    def test_a_bad_nonce_is_replaced_but_not_for_ever(self):
        bad = json.dumps({"type": "urn:ietf:params:acme:error:badNonce", "detail": "stale"})
        replies = [(400, {"Replay-Nonce": f"n{i}"}, bad) for i in range(20)]
        done = self.acme("issue", *self.server((200, {}, "DIRECTORY"), (200, {"Replay-Nonce": "one"}, ""), *replies), "a.test",
                         expect=3)
        self.assertIn("stale (badNonce)", done.stderr)
        self.assertEqual(len([path for _, path in self.asked if path == "/newAccount"]), 6)

    def test_a_directory_that_we_do_not_trust_is_not_asked(self):
        server = self.server()
        done = run_tool("acme", "issue", "--agree-tos", *server, "a.test", binary=CERT, cwd=self.at)
        self.assertIn("certificate is refused", done.stderr)
        self.assertEqual(self.asked, [])


if __name__ == "__main__":
    unittest.main()
