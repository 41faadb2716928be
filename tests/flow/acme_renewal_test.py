"""[acme]: the proxy renews its certificates in time, keeps them when it cannot, and shares them with others."""

import hashlib
import os
import socket
import ssl
import unittest

from support.acme import AcmeServeTest, Front
from support.pebble import INSTALLED
from support.waiting import PATIENCE, until


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
        # Each one once or, where the authority did not like a nonce, again.
        self.assertEqual(list(dict.fromkeys(order.get("replaces") for order in front.orders)), [None, front.asked[0]])

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
        ask = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
        # One that has asked before may be idle for longer than one that has not.
        live.sendall(ask)
        self.assertIn(b"200", live.recv(1000))
        until(lambda: self.served(proxy) != first, "another certificate")
        self.assertEqual(self.served(proxy), self.stored())
        live.sendall(ask)
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
        self.logged(proxy, "the one in use stays")
        self.assertEqual(self.metric(proxy, 'rpx_acme_failures{name="a.test"}'), 1)
        with open(os.path.join(self.store, "state", "a.test"), encoding="utf-8") as f:
            self.assertIn("failures 1", f.read())
        self.assertEqual(proxy.control("POST", "/v1/acme/renew", {"name": "c.test"})[0], 404)

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


if __name__ == "__main__":
    unittest.main()
