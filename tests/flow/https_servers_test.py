"""Servers behind https: who they are is proven, or nothing is sent to them."""

import http.server
import os
import ssl
import threading
import unittest

from support.certs import Authority
from support.flow import FlowTest
from support.proxy import BINARY, run_tool
from support.waiting import until


RPX_CHECK = os.path.join(os.path.dirname(BINARY), "rpx-check")


class TlsOrigin:
    """An HTTP/1.1 server over TLS that counts its handshakes, and those that resumed a session."""

    def __init__(self, cert, client_ca=None, newest=None):
        self.handshakes, self.resumed, self.names, self.subjects = 0, 0, [], []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert + ".pem", cert + ".key")
        if newest:
            context.maximum_version = newest
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_ca)
        context.sni_callback = lambda _, name, __: self.names.append(name)
        origin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                self.request.do_handshake()
                origin.handshakes += 1
                origin.resumed += bool(self.request.session_reused)
                origin.subjects.append(self.request.getpeercert())
                super().setup()

            def do_GET(self):
                body = b"x" * 300_000 if self.path == "/large" else b"secret"
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                if self.path == "/close":
                    self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self):
                sock, address = super().get_request()
                return context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), address

            def handle_error(self, *_):
                pass  # handshakes that fail are what half of the tests are about

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, host="127.0.0.1"):
        return f"https://{host}:{self.port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class HttpsServers(FlowTest):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder())
        self.ca.issue("good", "DNS:localhost,DNS:app.test,IP:127.0.0.1")

    def tls_origin(self, cert="good", **more):
        origin = TlsOrigin(self.ca.path(cert), **more)
        self.addCleanup(origin.close)
        return origin

    def trusting(self, rest="", ca=None):
        return f'[upstream.app.tls]\nca = "{ca or self.ca.pem}"\n{rest}\n'

    def refused(self, origin, tls, reason, status="tls_certificate_error"):
        proxy = self.proxy_to(origin.url(), top=tls, upstream='retry = { attempts = 0 }')
        reply = self.fetch(proxy)
        self.assertEqual(reply.status, 502)
        self.assertEqual(reply["Proxy-Status"], f"rpx; error={status}")
        self.assertNotIn(b"secret", reply.body)
        until(lambda: reason in proxy.text("stderr"), reason)

    def test_requests_and_bodies_pass(self):
        origin = self.tls_origin()
        proxy = self.proxy_to(origin.url(), top=self.trusting())
        self.assertEqual(self.fetch(proxy).body, b"secret")
        self.assertEqual(len(self.fetch(proxy, "/large").body), 300_000)
        body = bytes(range(256)) * 2000
        self.assertEqual(self.fetch(proxy, "/", method="POST", body=body).body, body)

    def test_connections_are_kept_and_sessions_resumed(self):
        for newest in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            origin = self.tls_origin(newest=newest)
            proxy = self.proxy_to(origin.url(), top=self.trusting(), serve="workers = 1")
            for _ in range(5):
                self.fetch(proxy)
            self.assertEqual(origin.handshakes, 1)
            self.fetch(proxy, "/close")
            self.fetch(proxy)
            self.assertEqual((origin.handshakes, origin.resumed), (2, 1), newest)

    def test_the_name_of_the_url_is_asked_for_and_verified(self):
        origin = self.tls_origin()
        proxy = self.proxy_to(origin.url("localhost"), top=self.trusting())
        self.assertEqual(self.fetch(proxy).status, 200)
        self.assertEqual(origin.names, ["localhost"])

    def test_another_name_by_configuration(self):
        origin = self.tls_origin()
        proxy = self.proxy_to(origin.url(), top=self.trusting('name = "app.test"'))
        self.assertEqual(self.fetch(proxy).status, 200)
        self.assertEqual(origin.names, ["app.test"])

    def test_a_wrong_name_is_refused(self):
        self.refused(self.tls_origin(), self.trusting('name = "other.test"'), "ostname mismatch")

    def test_an_unknown_authority_is_refused(self):
        self.refused(self.tls_origin(), "", "unable to get local issuer certificate")
        other = Authority(self.folder(), "other")
        self.refused(self.tls_origin(), self.trusting(ca=other.pem), "certificate")

    def test_an_expired_certificate_is_refused(self):
        self.ca.issue("old", "IP:127.0.0.1", days="-1")
        self.refused(self.tls_origin("old"), self.trusting(), "certificate has expired")

    def test_verify_false_takes_anybody(self):
        proxy = self.proxy_to(self.tls_origin().url(), top="[upstream.app.tls]\nverify = false\n")
        self.assertEqual(self.fetch(proxy).body, b"secret")

    def test_a_client_certificate_is_shown(self):
        self.ca.issue("me")
        origin = self.tls_origin(client_ca=self.ca.pem)
        own = f'cert = "{self.ca.path("me.pem")}"\nkey = "{self.ca.path("me.key")}"'
        proxy = self.proxy_to(origin.url(), top=self.trusting(own))
        self.assertEqual(self.fetch(proxy).status, 200)
        self.assertIn((("commonName", "me"),), origin.subjects[0]["subject"])

    def test_a_server_without_tls(self):
        plain = self.script(lambda connection: connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
        proxy = self.proxy_to(plain.url.replace("http:", "https:"), top=self.trusting())
        reply = self.fetch(proxy)
        self.assertEqual((reply.status, reply["Proxy-Status"]), (502, "rpx; error=tls_protocol_error"))
        until(lambda: "wrong version number" in proxy.text("stderr"), "the reason")

    def test_a_handshake_that_hangs_is_given_up(self):
        hanging = self.script(lambda connection: connection.hold())
        proxy = self.proxy_to(hanging.url.replace("http:", "https:"),
                              top='[upstream.app.connect]\ntimeout = "200ms"\n[upstream.app.retry]\nattempts = 0\n')
        self.assertEqual(self.fetch(proxy).status, 504)

    def test_checks_speak_tls(self):
        health = '[upstream.app.health]\ninterval = "100ms"\nrise = 1\nfall = 1\n'
        origin = self.tls_origin()
        good = self.proxy_to(origin.url(), top=health + self.trusting())
        until(lambda: origin.handshakes > 1, "two checks")
        self.assertEqual([row["state"] for row in good.servers("app").values()], ["up"])
        bad = self.proxy_to(origin.url(), top=health)
        until(lambda: [row["state"] for row in bad.servers("app").values()] == ["down"], "down")

    def test_rpx_check_speaks_tls(self):
        origin = self.tls_origin()
        proxy = self.proxy_to(origin.url(), top=self.trusting())
        done = run_tool("probe", "-c", proxy.path("rpx.toml"), origin.url() + "/x", binary=RPX_CHECK)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        done = run_tool("probe", origin.url() + "/x", binary=RPX_CHECK)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("issuer certificate", done.stdout)

    def test_a_reload_takes_up_new_settings_and_new_files(self):
        origin = self.tls_origin()
        proxy = self.proxy_to(origin.url(), top=self.trusting(), serve="workers = 1")
        self.assertEqual(self.fetch(proxy).status, 200)
        proxy.reload()
        self.assertEqual(self.fetch(proxy).status, 200)
        self.assertEqual(origin.handshakes, 1, "the same settings keep the connections")
        os.replace(Authority(self.folder(), "new").pem, self.ca.pem)
        proxy.reload()
        self.assertEqual(self.fetch(proxy).status, 502, "no session of the old days is resumed either")

    def test_what_check_says(self):
        def complaint(tls, url="https://127.0.0.1:1"):
            path = f"{self.folder()}/rpx.toml"
            with open(path, "w", encoding="ascii") as out:
                out.write(self.config_to(url, top=tls))
            return run_tool("check", "-c", path).stderr

        self.assertIn("cert needs key beside it", complaint(f'[upstream.app.tls]\ncert = "{self.ca.pem}"\n'))
        self.assertIn("none.pem", complaint('[upstream.app.tls]\nca = "/none.pem"\n'))
        self.ca.issue("me")
        wrong = f'[upstream.app.tls]\ncert = "{self.ca.path("me.pem")}"\nkey = "{self.ca.path("good.key")}"\n'
        self.assertIn("key", complaint(wrong))
        self.assertIn("path", complaint("", "https://127.0.0.1:1/x"))


if __name__ == "__main__":
    unittest.main()
