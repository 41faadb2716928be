"""The blocklist: who is on it gets nothing, from the moment it is told, and until it is told otherwise."""

import socket
import unittest

from support.flow import FlowTest
from support.waiting import until

TRUSTED = 'trusted_proxies = ["127.0.0.0/8"]\n'


class Blocklist(FlowTest):
    def start(self, text="", blocklist="", listen="", **more):
        self.at = self.origin()
        files = {"list.txt": text} if text is not None else {}
        return self.proxy_to(self.at.url, listen=listen, top=f'[blocklist]\nfiles = ["list.txt"]\n{blocklist}', files=files, **more)

    def from_address(self, proxy, source):
        """A connection from another address of loopback."""
        client = socket.create_connection(proxy.address(), timeout=10, source_address=(source, 0))
        self.addCleanup(client.close)
        return client

    def answer_to(self, proxy, source, fields=""):
        """The first line of the reply; empty when the connection ended without one."""
        client = self.from_address(proxy, source)
        try:
            client.sendall(f"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n{fields}\r\n".encode())
            with client.makefile("rb") as reader:
                return reader.readline().decode().strip()
        except (ConnectionResetError, BrokenPipeError):
            return ""

    def assert_served(self, proxy, source, fields=""):
        self.assertTrue(self.answer_to(proxy, source, fields).startswith("HTTP/1.1 200"))

    def test_the_blocked_are_closed_before_anything_is_read(self):
        proxy = self.start("# bad ones\n127.0.1.0/24 scraper\n")
        self.assertEqual(self.answer_to(proxy, "127.0.1.7"), "")
        self.assert_served(proxy, "127.0.2.7")
        self.assertEqual(len(self.at.requests), 1)
        self.assertEqual(proxy.status()["blocked"], 1)
        code, body = proxy.control("POST", "/v1/blocklist/test", {"ip": "127.0.1.7"})
        self.assertEqual((code, body["blocked"]), (200, True))
        self.assertEqual((body["entry"]["reason"], body["entry"]["hits"]), ("scraper", 1))

    def test_an_edit_counts_at_once_and_is_in_the_file(self):
        proxy = self.start("# ours\n127.0.9.9 old\n")
        for number in range(20):
            address = f"127.0.1.{number + 1}"
            self.assert_served(proxy, address)
            code, body = proxy.control("POST", "/v1/blocklist", {"prefix": address, "force": True, "reason": f"number {number}"})
            self.assertEqual((code, body), (200, {"added": 1, "changed": 0}))
            self.assertEqual(self.answer_to(proxy, address), "")
        lines = proxy.text("list.txt").splitlines()
        self.assertEqual(lines[:3], ["# ours", "127.0.9.9 old", "127.0.1.1/32 number 0"])
        code, body = proxy.control("POST", "/v1/blocklist", {"prefix": "127.0.0.0/8"})
        self.assertEqual(code, 403)
        self.assertIn("this machine", body["detail"])
        code, body = proxy.control("DELETE", "/v1/blocklist", {"prefixes": ["127.0.1.1", "127.0.8.8"]})
        self.assertEqual((code, body), (200, {"deleted": 1, "missing": ["127.0.8.8/32"]}))
        self.assert_served(proxy, "127.0.1.1")
        self.assertNotIn("127.0.1.1/32", proxy.text("list.txt"))
        code, body = proxy.control("GET", "/v1/blocklist?limit=2")
        self.assertEqual([e["prefix"] for e in body["items"]], ["127.0.1.2/32", "127.0.1.3/32"])
        self.assertEqual(body["next"], "2")

    def test_live_connections_of_the_blocked_end(self):
        proxy = self.start()
        idle, other = self.from_address(proxy, "127.0.1.7"), self.from_address(proxy, "127.0.1.8")
        for client in (idle, other):
            client.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            self.assertTrue(client.recv(65536).startswith(b"HTTP/1.1 200"))
        proxy.control("POST", "/v1/blocklist", {"prefix": "127.0.1.7", "force": True})
        until(lambda: idle.recv(65536) == b"", "the end of the connection")
        other.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        self.assertTrue(other.recv(65536).startswith(b"HTTP/1.1 200"))

    def test_a_change_by_hand_is_seen(self):
        proxy = self.start(None)
        self.assert_served(proxy, "127.0.1.7")
        proxy.write("list.txt", "127.0.1.7\n")
        until(lambda: self.answer_to(proxy, "127.0.1.7") == "", "the change to be seen")
        proxy.write("list.txt", "127.0.1.7\nnonsense\n")
        until(lambda: "list.txt:2: no address or prefix" in proxy.text("stderr"), "the mistake to be told")
        self.assertEqual(self.answer_to(proxy, "127.0.1.7"), "", "the old list stays")
        proxy.write("list.txt", "")
        until(lambda: self.answer_to(proxy, "127.0.1.7") != "", "the change to be seen")

    def test_an_entry_ends_by_itself(self):
        proxy = self.start()
        proxy.control("POST", "/v1/blocklist", {"prefix": "127.0.1.7", "force": True, "for": 1})
        self.assertEqual(self.answer_to(proxy, "127.0.1.7"), "")
        until(lambda: self.answer_to(proxy, "127.0.1.7") != "", "the end of the entry")

    def test_a_status_is_answered(self):
        proxy = self.start("127.0.1.7\n", "action = 429")
        self.assertTrue(self.answer_to(proxy, "127.0.1.7").startswith("HTTP/1.1 429"))
        self.assertEqual(self.at.requests, [])

    def test_the_allowed_are_never_blocked(self):
        proxy = self.start("127.0.0.0/8\n", 'allow = ["127.0.2.0/24"]')
        self.assertEqual(self.answer_to(proxy, "127.0.1.7"), "")
        self.assert_served(proxy, "127.0.2.7")

    def test_whom_a_trusted_proxy_speaks_for_is_looked_up_too(self):
        proxy = self.start("192.0.2.0/24\n", listen=TRUSTED)
        client = self.client(proxy)
        for address, status in (("192.0.2.9", 403), ("198.51.100.9", 200), ("192.0.2.9, 198.51.100.9", 200)):
            client.ask(fields=[("X-Forwarded-For", address)])
            self.assertEqual(client.response().status, status, address)
        untrusting = self.start("192.0.2.0/24\n")
        self.assert_served(untrusting, "127.0.0.1", "X-Forwarded-For: 192.0.2.9\r\n")

    def test_a_reload_can_turn_it_on_and_off(self):
        self.at = self.origin()
        proxy = self.proxy(self.config_to(self.at.url), files={"list.txt": "127.0.1.7\n"})
        self.assertEqual(proxy.control("GET", "/v1/blocklist")[0], 409)
        on = self.config_to(self.at.url, top='[blocklist]\nfiles = ["list.txt"]')
        self.assertEqual(proxy.reload(on)[0], 200)
        self.assertEqual(self.answer_to(proxy, "127.0.1.7"), "")
        self.assertEqual(proxy.reload(self.config_to(self.at.url))[0], 200)
        self.assert_served(proxy, "127.0.1.7")

    def test_a_wrong_file_starts_nothing(self):
        proxy = self.start("10.0.0.1\n10.0.0.300\n", expect=2, wait=False)
        until(lambda: proxy.process.poll() is not None, "the end")
        self.logged(proxy, 'list.txt:2: no address or prefix: "10.0.0.300"')

    def test_many_entries(self):
        text = "".join(f"10.{i >> 8}.{i & 255}.0/25\n" for i in range(50_000)) + "127.0.1.7 last\n"
        proxy = self.start(text)
        self.assertEqual(self.answer_to(proxy, "127.0.1.7"), "")
        self.assertEqual(proxy.control("POST", "/v1/blocklist", {"prefix": "127.0.1.8", "force": True})[0], 200)
        self.assertEqual(self.answer_to(proxy, "127.0.1.8"), "")
        self.assertEqual(proxy.text("list.txt"), text + "127.0.1.8/32\n")


if __name__ == "__main__":
    unittest.main()
