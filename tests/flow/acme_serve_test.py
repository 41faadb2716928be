"""[acme]: the proxy obtains its certificates by itself, from pebble."""

import hashlib
import os
import socket
import ssl
import unittest

from support.acme import AcmeServeTest
from support.pebble import EAB_KEY, INSTALLED
from support.ports import free_port
from support.proxy import BINARY, run_tool
from support.waiting import PATIENCE, until


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
        self.logged(proxy, "certificate obtained")
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

    def test_a_name_that_is_not_ours_is_told_and_tried_again_later(self):
        pebble = self.pebble()
        proxy = self.site(free_port(), 0, pebble.directory, top=self.ca.issue("site", "DNS:other.test"))
        until(lambda: self.acme(proxy)["state"] == "failing", "the failure")
        self.assertIn("could not be proven", self.acme(proxy)["error"])
        self.assertIsNone(self.served(proxy), "not with the certificate of another name")
        self.assertIsNotNone(self.served(proxy, "other.test"))
        until(lambda: "there is no certificate for a.test" in proxy.text("stderr"), "the reason")
        self.assertIn("a.test failing", run_tool("status", "-o", "table", cwd=proxy.dir).stdout)


if __name__ == "__main__":
    unittest.main()
