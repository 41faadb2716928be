"""Where clients come in: TCP over v4 and v6, Unix sockets, the PROXY protocol, several listeners at once."""

import json
import os
import socket
import stat
import struct
import unittest

from support.flow import FlowTest
from support.proxy import run_tool
from support.wire import Fields

V2 = b"\r\n\r\n\0\r\nQUIT\n"


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


class Addresses(FlowTest):
    def forwarded_for(self, target):
        return Fields(tuple(p) for p in json.loads(self.fetch(target).body)["fields"]).get("X-Forwarded-For")

    def listening(self, address, **more):
        origin = self.origin()
        return self.proxy(f'[[listen]]\naddress = "{address}"\n[[route]]\nupstream = "{origin.url}"\n', **more)

    @unittest.skipUnless(has_ipv6(), "this machine has no IPv6")
    def test_ipv6_on_both_sides(self):
        origin = self.origin(ipv6=True)
        proxy = self.proxy(f'[[listen]]\naddress = "[::1]:0"\n[[route]]\nupstream = "{origin.url}"\n')
        self.assertEqual(self.forwarded_for(proxy), "::1")
        self.assertIn('for="[::1]"', origin.requests[0]["Forwarded"])

    @unittest.skipUnless(has_ipv6(), "this machine has no IPv6")
    def test_a_port_alone_is_all_addresses_of_both_families(self):
        proxy = self.listening(":0")
        port = proxy.address()[1]
        self.assertEqual(self.forwarded_for(("127.0.0.1", port)), "127.0.0.1")
        self.assertEqual(self.forwarded_for(("::1", port)), "::1")

    def test_a_unix_socket_on_both_sides(self):
        folder = self.folder()
        origin = self.origin(unix=os.path.join(folder, "origin.sock"))
        proxy = self.proxy(f'[[listen]]\naddress = "unix:front.sock"\n[[route]]\nupstream = "{origin.url}"\n')
        path = proxy.address()
        self.assertEqual(path, proxy.path("front.sock"), "relative to the file, reported whole")
        self.assertTrue(stat.S_ISSOCK(os.stat(path).st_mode))
        self.assertEqual(self.forwarded_for(path), "unix")
        proxy.stop()
        self.assertFalse(os.path.exists(path), "the socket file goes when the proxy goes")

    def test_a_socket_file_left_by_a_dead_process_is_replaced_one_in_use_is_not(self):
        first = self.listening("unix:front.sock")
        second = run_tool("run", "-c", "rpx.toml", cwd=first.dir)
        self.assertNotEqual(second.returncode, 0)
        self.assertIn("front.sock", second.stderr)
        self.assertEqual(self.fetch(first).status, 200, "the first one still serves")
        first.process.kill()
        first.process.wait()
        first.code = -9
        third = self.listening("unix:front.sock", folder=first.dir)
        self.assertEqual(self.fetch(third).status, 200)

    def test_several_listeners_share_the_routes(self):
        origin = self.origin()
        proxy = self.proxy('[[listen]]\nname = "a"\naddress = "127.0.0.1:0"\n[[listen]]\nname = "b"\naddress = "unix:b.sock"\n'
                           f'[[listen]]\nname = "c"\naddress = "127.0.0.1:0"\n[[route]]\nupstream = "{origin.url}"\n')
        self.assertEqual([row["name"] for row in proxy.ready["listeners"]], ["a", "b", "c"])
        for name in "abc":
            self.assertEqual(self.fetch(proxy.address(name)).status, 200)

    def test_an_address_in_use_is_named_and_nothing_starts(self):
        taken = socket.socket()
        self.addCleanup(taken.close)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        folder = self.folder()
        with open(os.path.join(folder, "rpx.toml"), "w", encoding="utf-8") as f:
            f.write(f'[serve]\ncontrol = "rpx.sock"\n[[listen]]\naddress = "{address}"\n[[route]]\nrespond = {{ status = 204 }}\n')
        done = run_tool("run", cwd=folder)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(address, done.stderr)
        self.assertIn("in use", done.stderr)


class ProxyProtocol(FlowTest):
    def setUp(self):
        super().setUp()
        self.at = self.origin()
        top = '[log]\naccess = "access.log"'
        self.gate = self.proxy_to(self.at.url, listen='proxy_protocol = ["127.0.0.0/8"]', top=top)

    def open_with(self, header, then=b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"):
        client = self.client(self.gate)
        client.send(header + then)
        return client

    def v2(self, command=0x21, family=0x11, addresses=socket.inet_aton("203.0.113.9") + socket.inet_aton("10.0.0.1")
           + struct.pack("!HH", 4711, 80)):
        return V2 + bytes([command, family]) + struct.pack("!H", len(addresses)) + addresses

    def test_the_client_it_names_is_the_client(self):
        for header in (b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 80\r\n", self.v2(),
                       self.v2(addresses=socket.inet_aton("203.0.113.9") * 2 + b"\0\0\0\0" + b"\x04\x00\x03abc")):
            self.open_with(header).response()
            self.assertEqual(self.at.requests[-1]["X-Forwarded-For"], "203.0.113.9")
        self.assertEqual([line["client"] for line in self.gate.access_log(3)], ["203.0.113.9"] * 3)

    def test_ipv6(self):
        source = socket.inet_pton(socket.AF_INET6, "2001:db8::9")
        for header in (b"PROXY TCP6 2001:db8::9 ::1 4711 80\r\n", self.v2(family=0x21, addresses=source * 2 + b"\0\1\0\2")):
            self.open_with(header).response()
            self.assertEqual(self.at.requests[-1]["X-Forwarded-For"], "2001:db8::9")

    def test_local_and_unknown_keep_the_peer(self):
        for header in (b"PROXY UNKNOWN\r\n", self.v2(command=0x20, family=0, addresses=b"")):
            self.open_with(header).response()
            self.assertEqual(self.at.requests[-1]["X-Forwarded-For"], "127.0.0.1")

    def test_it_may_come_in_pieces(self):
        for header in (b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 80\r\n", self.v2()):
            client = self.client(self.gate)
            for byte in header + b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n":
                client.send(bytes([byte]))
            self.assertEqual(client.response().status, 200)

    def test_without_it_or_with_a_broken_one_nobody_gets_in(self):
        for header in (b"", b"PROXY TCP4 203.0.113.9\r\n", b"PROXY TCP4 203.0.113.999 10.0.0.1 1 2\r\n", V2 + b"\x31\x11\0\0",
                       self.v2()[:-4] + b"", b"proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n", b"PROXY " + b"x" * 200):
            client = self.open_with(header)
            try:
                client.half_close()
            except OSError:
                pass  # closed already
            got = client.rest()
            self.assertTrue(got == b"" or got.startswith(b"HTTP/1.1 400"), (header, got))
        self.assertEqual(self.at.requests, [])

    def test_from_a_peer_that_is_not_on_the_list_it_is_a_bad_request(self):
        strict = self.proxy_to(self.at.url, listen='proxy_protocol = ["10.0.0.0/8"]')
        client = self.client(strict)
        client.send(b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 80\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        self.assertEqual(client.response_head().status, 400)
        self.assertEqual(self.fetch(strict).status, 200, "and without one it is served")


if __name__ == "__main__":
    unittest.main()
