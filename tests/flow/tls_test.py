"""TLS with clients: real handshakes by openssl, curl and python, with certificates made on the spot."""

import hashlib
import os
import re
import signal
import socket
import ssl
import subprocess
import unittest

from support import h2, wire
from support.certs import Authority
from support.peers import curl
from support.proxy import run_tool
from support.tls import LISTEN, PING, TlsTest
from support.waiting import PATIENCE, until


class Handshakes(TlsTest):
    def test_curl_with_both_versions(self):
        proxy = self.site()
        for arguments in (["--tls-max", "1.2"], ["--tlsv1.3"]):
            done = self.curl(proxy, "-i", *arguments)
            self.assertIn(b"pong", done.stdout, done.stderr)
            self.assertIn(b"x-scheme: https", done.stdout)
        self.assertTrue(proxy.ready["url"].startswith("https://127.0.0.1:"), proxy.ready)
        self.assertEqual(self.metric(proxy, "rpx_tls_handshakes_total"), 2)

    def test_old_versions_are_refused(self):
        proxy = self.site(tls='min_version = "1.3"')
        self.assertNotEqual(self.curl(proxy, "--tls-max", "1.2").returncode, 0)
        self.assertEqual(self.curl(proxy).stdout, b"pong")
        self.assertGreaterEqual(self.metric(proxy, "rpx_tls_failed_total"), 1)
        modern = self.site(tls='ciphers = "modern"')
        self.assertNotEqual(self.curl(modern, "--tls-max", "1.2").returncode, 0)

    def test_the_certificate_follows_the_name(self):
        proxy = self.site(certs=self.cert + self.ca.issue("b", "DNS:b.test", key="rsa"))
        for name, expected in (("a.test", "site"), ("x.w.test", "site"), ("b.test", "b"), ("B.TEST", "b"), ("other.test", "site"),
                               ("x.y.w.test", "site")):
            with self.subTest(name):
                self.assertEqual(self.common_name(proxy, name), expected)

    def test_two_kinds_of_keys_serve_one_name(self):
        proxy = self.site(certs=self.cert + self.ca.issue("old", "DNS:a.test", key="rsa"))
        for cipher, expected in (("ECDHE-ECDSA-AES128-GCM-SHA256", "site"), ("ECDHE-RSA-AES128-GCM-SHA256", "old")):
            context = self.context(maximum_version=ssl.TLSVersion.TLSv1_2)
            context.set_ciphers(cipher)
            subject = self.connect(proxy, context).getpeercert()["subject"]
            self.assertEqual(dict(pair[0] for pair in subject)["commonName"], expected)

    def test_sessions_resume_and_only_under_their_own_certificate(self):
        proxy = self.site(certs=self.cert + self.ca.issue("b", "DNS:b.test"), serve="workers = 2")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version):
                context = self.context(maximum_version=version)
                first = self.connect(proxy, context)
                self.ping(first)
                self.assertFalse(first.session_reused)
                for _ in range(4):
                    again = self.connect(proxy, context, session=first.session)
                    self.ping(again)
                    self.assertTrue(again.session_reused)
                self.assertFalse(self.connect(proxy, context, name="b.test", session=first.session).session_reused)
        self.assertEqual(self.metric(proxy, "rpx_tls_resumed_total"), 8)

    def test_resumption_can_be_off(self):
        proxy = self.site(tls="session_tickets = false")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.context(maximum_version=version)
            first = self.connect(proxy, context)
            self.ping(first)
            self.assertFalse(self.connect(proxy, context, session=first.session).session_reused)

    def test_openssl_reconnects_with_its_session(self):
        proxy = self.site()
        done = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % proxy.address()[1], "-reconnect", "-tls1_2",
                               "-CAfile", self.ca.pem, "-verify_return_error"], input="", capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        self.assertEqual(done.stdout.count("Reused, TLSv1.2"), 5, done.stdout)

    def test_alpn(self):
        proxy = self.site()
        context = self.context()
        context.set_alpn_protocols(["h2", "http/1.1"])
        self.assertEqual(self.connect(proxy, context).selected_alpn_protocol(), "h2")
        context.set_alpn_protocols(["http/1.1"])
        self.assertEqual(self.connect(proxy, context).selected_alpn_protocol(), "http/1.1")
        context.set_alpn_protocols(["h3"])
        with self.assertRaises(ssl.SSLError):
            self.connect(proxy, context)

    def test_a_slow_handshake_is_cut(self):
        proxy = self.site(f'{PING}[limits]\ntls_handshake = "200ms"\n')
        for first_bytes in (b"", b"\x16\x03\x01\x02\x00\x01"):
            client = self.client(proxy)
            client.sock.sendall(first_bytes)
            self.assertEqual(client.sock.recv(100), b"", "the end")
        until(lambda: "did not end in time" in proxy.text("stderr"), "the reason in the log")

    def test_what_is_no_tls_harms_nobody(self):
        proxy = self.site()
        live = self.connect(proxy)
        plain = self.fetch(proxy, "/x", method="DELETE")
        self.assertEqual(plain.status, 400)
        self.assertIn(b"https://", plain.body)
        peer = h2.connect(proxy.address())
        self.addCleanup(peer.close)
        self.assertEqual(peer.frame()[0], h2.SETTINGS)
        kind, _, _, told = peer.frame()
        self.assertEqual((kind, told[:8]), (h2.GOAWAY, h2.number(0) + h2.number(12)), "INADEQUATE_SECURITY")
        self.assertIn(b"https://", told)
        self.assertIsNone(peer.frame())
        for junk in (b"\x16\x03\x01\x00\x05junk!", b"\0" * 1000, os.urandom(5000)):
            client = self.client(proxy)
            client.sock.sendall(junk)
            client.sock.shutdown(socket.SHUT_WR)
            try:
                while client.sock.recv(65536):
                    pass
            except ConnectionResetError:
                pass
        self.ping(live)
        until(lambda: "plain HTTP on a TLS port" in proxy.text("stderr"), "the reason in the log")


class Traffic(TlsTest):
    def test_large_bodies_both_ways(self):
        origin = self.origin()
        proxy = self.site(f'[[route]]\nupstream = "{origin.url}"\nbody_bytes = 0\n', serve="workers = 1")
        size = 12_000_000
        got = self.curl(proxy, path=f"/bytes/{size}").stdout
        self.assertEqual(len(got), size)
        echoed = curl("--cacert", self.ca.pem, "--data-binary", "@-", "-H", "Expect:", "--limit-rate", "40M",
                      f"https://localhost:{proxy.address()[1]}/echo", stdin=got).stdout
        self.assertEqual(hashlib.sha256(echoed).hexdigest(), hashlib.sha256(got).hexdigest())

    def test_a_slow_reader_gets_every_byte(self):
        origin = self.origin()
        proxy = self.site(f'[[route]]\nupstream = "{origin.url}"\n')
        sock = self.connect(proxy)
        sock.sendall(b"GET /bytes/3000000 HTTP/1.1\r\nHost: a.test\r\n\r\n")
        got = bytearray()
        while len(got) < 3_000_000 or got.find(b"\r\n\r\n") + 4 + 3_000_000 > len(got):
            got += sock.recv(1000 if len(got) < 200_000 else 100_000)
        self.assertEqual(len(got), got.find(b"\r\n\r\n") + 4 + 3_000_000)

    def test_pipelined_requests_in_one_record(self):
        proxy = self.site()
        sock = self.connect(proxy)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n" * 20)
        got = b""
        while got.count(b"pong") < 20:
            got += sock.recv(65536)

    def test_the_end_is_announced(self):
        proxy = self.site()
        sock = self.connect(proxy, self.context(suppress_ragged_eofs=False))
        sock.sendall(b"GET / HTTP/1.0\r\nHost: a.test\r\n\r\n")
        got = b""
        while more := sock.recv(65536):  # raises without a close_notify
            got += more
        self.assertTrue(got.endswith(b"pong"))

    def test_servers_are_told_of_https(self):
        origin = self.origin()
        proxy = self.site(f'[[route]]\nupstream = "{origin.url}"\n[log]\naccess = "./access.log"\nformat = "{{scheme}} {{status}}"\n')
        self.curl(proxy, path="/bytes/1")
        request = origin.requests[0]
        self.assertEqual(request["X-Forwarded-Proto"], "https")
        self.assertIn("proto=https", request["Forwarded"])
        until(lambda: proxy.text("access.log") == "https 200\n", "the line of the log")

    def test_websocket_bytes_pass(self):
        origin = self.origin()
        proxy = self.site(f'[[route]]\nupstream = "{origin.url}"\n')
        sock = wire.Socket(self.connect(proxy))
        sock.sock.sendall(b"GET /upgrade HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        self.assertIn(b"101", sock.head())
        sock.sock.sendall(b"x" * 100_000 + b"\n")
        self.assertEqual(len(sock.exactly(100_006)), 100_006)


class Operation(TlsTest):
    def test_redirect_https(self):
        proxy = self.proxy(f'[[listen]]\naddress = "127.0.0.1:0"\nredirect_https = true\n{PING}')
        reply = self.fetch(proxy, "/a/b?c=d", fields=[("Host", "a.test:8080")])
        self.assertEqual((reply.status, reply["Location"]), (308, "https://a.test/a/b?c=d"))

    def test_a_reload_swaps_the_certificate_and_cuts_nothing(self):
        proxy = self.site()
        live = self.connect(proxy)
        self.ping(live)
        before = ssl.DER_cert_to_PEM_cert(live.getpeercert(True))
        session = live.session
        self.ca.issue("site", "DNS:a.test")
        proxy.process.send_signal(signal.SIGHUP)
        until(lambda: proxy.status()["generation"] == 2, "the reload")
        after = self.connect(proxy, session=None)
        self.assertNotEqual(ssl.DER_cert_to_PEM_cert(after.getpeercert(True)), before)
        self.ping(live)
        self.ping(after)
        context = self.context()
        first = self.connect(proxy, context)
        self.ping(first)
        self.assertEqual(proxy.reload()[0], 200)
        self.assertTrue(self.connect(proxy, context, session=first.session).session_reused, "tickets outlive a reload")
        self.assertIsNotNone(session)

    def test_the_port_of_https_is_told_where_it_is_another(self):
        proxy = self.proxy(f'[[listen]]\naddress = "127.0.0.1:0"\nredirect_https = true\nhttps_port = 8443\n{PING}')
        reply = self.fetch(proxy, "/a", fields=[("Host", "a.test:8080")])
        self.assertEqual((reply.status, reply["Location"]), (308, "https://a.test:8443/a"))

    def served(self, proxy):
        return self.connect(proxy, self.context()).getpeercert(True)

    def stored(self):
        with open(self.ca.path("site.pem"), encoding="ascii") as f:
            return ssl.PEM_cert_to_DER_cert(f.read())

    def certificate(self, proxy):
        return proxy.control("GET", "/v1/certificates")[1]["items"][0]

    def test_files_that_change_are_served_and_nothing_is_cut(self):
        proxy = self.site()
        live = self.connect(proxy)
        self.ping(live)
        first = self.certificate(proxy)
        self.assertEqual((first["served"], first["problem"], first["listeners"]), (True, None, ["web"]))
        self.assertEqual(first["fingerprint"], hashlib.sha256(self.stored()).hexdigest())
        self.ca.issue("site", "DNS:a.test")
        until(lambda: self.served(proxy) == self.stored(), "the new certificate")
        self.ping(live)
        self.assertEqual(self.certificate(proxy)["names"], ["a.test"])
        self.assertEqual(proxy.status()["generation"], 1)
        self.assertGreaterEqual(self.metric(proxy, "rpx_certificate_reloads_total"), 1)

    def test_files_that_break_leave_what_they_held_in_use(self):
        proxy = self.site()
        before = self.stored()
        with open(self.ca.path("site.key"), "w", encoding="ascii") as f:
            f.write("nonsense")
        until(lambda: self.certificate(proxy)["problem"], "the problem")
        self.assertEqual(self.served(proxy), before)
        self.assertTrue(self.certificate(proxy)["served"])
        self.assertEqual(self.metric(proxy, "rpx_certificates_unusable"), 1)
        self.assertEqual(proxy.reload()[0], 200)
        self.assertEqual(self.served(proxy), before, "a reload of the configuration keeps it as well")
        self.ca.issue("site", "DNS:a.test")
        until(lambda: self.served(proxy) == self.stored(), "the good one")
        self.assertIsNone(self.certificate(proxy)["problem"])

    def test_handshakes_at_once_are_bounded(self):
        proxy = self.site(tls="max_handshakes = 1")
        silent = socket.create_connection(proxy.address(), timeout=PATIENCE)
        self.addCleanup(silent.close)

        def refused():
            with socket.create_connection(proxy.address(), timeout=PATIENCE) as sock, self.assertRaises(OSError):
                self.context().wrap_socket(sock, server_hostname="a.test")
            return self.metric(proxy, "rpx_connections_refused_total") > 0

        # The silent one may not have been accepted yet when the first of these comes; then that is served.
        until(lambda: proxy.status()["connections"] >= 1, "the silent connection")
        self.assertTrue(refused())
        silent.close()
        until(lambda: self.curl(proxy).stdout == b"pong", "a place")

    def test_a_broken_certificate_disables_its_names_alone(self):
        self.ca.issue("other", "DNS:other.test")
        broken = self.ca.issue("broken", "DNS:broken.test")
        os.replace(self.ca.path("other.key"), self.ca.path("broken.key"))
        missing = f'[[certificate]]\ncert = "{self.ca.path("none.pem")}"\nkey = "{self.ca.path("none.key")}"\n'
        proxy = self.site(certs=broken + missing + self.cert)
        self.assertEqual(self.curl(proxy).stdout, b"pong")
        with self.assertRaises(ssl.SSLError):
            self.connect(proxy, name="broken.test")
        self.assertEqual(self.metric(proxy, "rpx_certificates_unusable"), 2)
        self.logged(proxy, "the key does not belong to the certificate")
        check = run_tool("check", cwd=proxy.dir)
        self.assertEqual(check.returncode, 0, check.stderr)
        self.assertIn("none.pem", check.stderr)
        self.assertEqual(run_tool("check", "--strict", cwd=proxy.dir).returncode, 2)

    def test_an_idle_connection_is_closed_by_a_stop(self):
        proxy = self.site()
        self.ping(self.connect(proxy))
        self.connect(proxy)
        proxy.stop()


class ClientCertificates(TlsTest):
    def setUp(self):
        super().setUp()
        self.people = Authority(self.folder(), "people")
        self.people.issue("alice", subject="/O=Example/CN=alice")
        Authority(self.folder(), "strangers")

    def served(self, verify):
        rest = ('[[route]]\nrespond = { status = 200, body = "pong", headers = { '
                '"X-Subject" = "{client_cert_subject}", "X-Print" = "{client_cert_fingerprint}" } }\n')
        return self.site(rest, tls=f'client_ca = "{self.people.pem}"\nclient_verify = "{verify}"')

    def identity(self, authority, name):
        return "--cert", authority.path(f"{name}.pem"), "--key", authority.path(f"{name}.key")

    def test_required(self):
        proxy = self.served("required")
        for version in ("1.2", "1.3"):
            self.assertNotEqual(self.curl(proxy, "--tls-max", version).returncode, 0)
            shown = self.curl(proxy, "-i", "--tls-max", version, *self.identity(self.people, "alice")).stdout.decode()
            self.assertIn("x-subject: CN=alice,O=Example", shown)
            self.assertRegex(shown, r"x-print: [0-9a-f]{64}\r")
        self.ca.issue("mallory")
        self.assertNotEqual(self.curl(proxy, *self.identity(self.ca, "mallory")).returncode, 0)
        until(lambda: "peer did not return a certificate" in proxy.text("stderr"), "the reason in the log")

    def test_optional(self):
        proxy = self.served("optional")
        nobody = self.curl(proxy, "-i").stdout
        self.assertIn(b"pong", nobody)
        self.assertNotIn(b"X-Subject", nobody)
        self.assertIn(b"CN=alice", self.curl(proxy, "-i", *self.identity(self.people, "alice")).stdout)

    def test_a_resumed_session_knows_its_client(self):
        proxy = self.served("required")
        context = self.context()
        context.load_cert_chain(self.people.path("alice.pem"), self.people.path("alice.key"))
        first = self.connect(proxy, context)
        self.ping(first)
        again = self.connect(proxy, context, session=first.session)
        self.assertIn(b"CN=alice", self.ping(again))
        self.assertTrue(again.session_reused)


if __name__ == "__main__":
    unittest.main()
