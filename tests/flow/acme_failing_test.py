"""[acme]: authorities that are down, silent or not to be found, and a store that cannot be used."""

import socket
import unittest

from support.acme import AcmeServeTest
from support.dns import DnsServer
from support.ports import free_port
from support.waiting import until


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

    def test_a_name_server_that_never_answers_does_not_hold_up_the_end(self):
        names = DnsServer()
        self.addCleanup(names.close)
        names.mute = True
        proxy = self.site(0, 0, "https://acme.test/dir", top=f'[resolver]\nservers = ["{names.address}"]\ntimeout = "1h"')
        until(lambda: ("acme.test", "A") in names.questions, "the question")
        self.assertEqual(self.acme(proxy)["state"], "obtaining")
        proxy.stop()

    def test_a_directory_whose_name_is_unknown_is_told(self):
        names = DnsServer()
        self.addCleanup(names.close)
        proxy = self.site(0, 0, "https://acme.test/dir", top=f'[resolver]\nservers = ["{names.address}"]')
        until(lambda: self.acme(proxy)["state"] == "failing", "the failure")
        self.assertIn("not found", self.acme(proxy)["error"])

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
