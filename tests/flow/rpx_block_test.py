"""rpx-block and a running proxy: what it says holds at once, and is the same as on the file alone."""

import os
import socket
import subprocess
import unittest

from support.flow import FlowTest
from support.proxy import run_tool

TOOL = os.path.join(os.environ.get("RPX_BIN", "build/release/bin"), "rpx-block")


class RpxBlock(FlowTest):
    def start(self, listen=""):
        return self.proxy_to(self.origin().url, listen=listen, top='[blocklist]\nfiles = ["list.txt"]')

    def tool(self, proxy, *arguments, **more):
        return run_tool(*arguments, cwd=proxy.dir, binary=os.path.realpath(TOOL), **more)

    def is_served(self, proxy, source):
        try:
            with socket.create_connection(proxy.address(), timeout=10, source_address=(source, 0)) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
                return client.recv(100).startswith(b"HTTP/1.1 200")
        except ConnectionResetError:
            return False

    def test_what_it_blocks_is_blocked_when_it_returns(self):
        proxy = self.start()
        self.assertTrue(self.is_served(proxy, "127.0.1.7"))
        done = self.tool(proxy, "add", "127.0.1.7", "--force", "--for", "1h", "--reason", 'says "hello"')
        self.assertEqual((done.returncode, done.stderr), (0, "rpx-block: 1 added, 0 changed\n"))
        self.assertFalse(self.is_served(proxy, "127.0.1.7"))
        self.assertEqual(self.tool(proxy, "test", "127.0.1.7").returncode, 1)
        row = self.tool(proxy, "ls").stdout.split("\t")
        self.assertEqual((row[0], row[2], row[4]), ("127.0.1.7/32", "1", 'says "hello"\n'))
        done = self.tool(proxy, "del", "127.0.1.7")
        self.assertEqual((done.returncode, done.stderr), (0, "rpx-block: 1 deleted\n"))
        self.assertTrue(self.is_served(proxy, "127.0.1.7"))
        self.assertEqual(self.tool(proxy, "test", "127.0.1.7").returncode, 0)

    def test_with_the_proxy_and_without_the_file_is_the_same(self):
        proxy = self.start()
        steps = [("add", "192.0.2.0/24", "--reason", "a"), ("add", "192.0.2.0/24", "2001:db8::/32"), ("del", "192.0.2.0/24"),
                 ("import", "feed.txt", "--reason", "feed")]
        proxy.write("feed.txt", "".join(f"198.51.{i >> 8}.{i & 255}\n" for i in range(3000)))
        for step in steps:
            online = self.tool(proxy, *step)
            offline = self.tool(proxy, *step, "--file", "other.txt")
            self.assertEqual((online.returncode, online.stderr), (0, offline.stderr), step)
            self.assertEqual(proxy.text("list.txt"), proxy.text("other.txt"), step)
        self.assertEqual(len(self.tool(proxy, "ls").stdout.splitlines()), 3001)
        self.assertEqual(self.tool(proxy, "export", "--offline").stdout, self.tool(proxy, "export").stdout)

    def test_edits_are_watched_logged_and_undone(self):
        proxy = self.start()
        with proxy.events("blocklist") as events:
            self.tool(proxy, "add", "127.0.1.7", "--force")
            self.assertFalse(self.is_served(proxy, "127.0.1.7"))
            self.assertEqual(events.next(action="add")["prefix"], "127.0.1.7/32")
            self.assertEqual(self.tool(proxy, "undo").returncode, 0)
            self.assertTrue(self.is_served(proxy, "127.0.1.7"))
            self.assertEqual(events.next(action="del")["prefix"], "127.0.1.7/32")
        self.assertIn("nothing to undo", self.tool(proxy, "undo").stderr)
        self.assertEqual(len(self.tool(proxy, "log").stdout.splitlines()), 2)

    def test_edits_made_at_once_are_all_kept(self):
        folder = self.folder()
        one = lambda n: subprocess.Popen([os.path.realpath(TOOL), "add", "--file", "list.txt", f"192.0.2.{n}", "-q"], cwd=folder)
        self.assertEqual([process.wait() for process in [one(n) for n in range(12)]], [0] * 12)
        with open(os.path.join(folder, "list.txt"), encoding="utf-8") as file:
            self.assertEqual(len(file.readlines()), 12)

    def test_trusted_proxies_and_servers_are_not_locked_out(self):
        proxy = self.start(listen='trusted_proxies = ["10.0.0.0/8"]')
        for prefix, whose in (("10.1.2.3", "a trusted proxy"), ("0.0.0.0/0", "loopback"), ("192.0.2.9", "your own address")):
            done = self.tool(proxy, "add", prefix, env={"SSH_CONNECTION": "192.0.2.9 1 192.0.2.1 22"})
            self.assertEqual(done.returncode, 5)
            self.assertIn(whose, done.stderr)
        self.assertEqual(proxy.text("list.txt"), "")

    def test_without_a_proxy_it_says_so(self):
        proxy = self.start()
        proxy.stop()
        done = self.tool(proxy, "add", "192.0.2.1")
        self.assertEqual(done.returncode, 3)
        self.assertEqual(self.tool(proxy, "add", "192.0.2.1", "--offline").returncode, 0)
        self.assertEqual(proxy.text("list.txt"), "192.0.2.1/32\n")


if __name__ == "__main__":
    unittest.main()
