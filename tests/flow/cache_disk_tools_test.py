"""rpx-cache and disk stores: checksums compared, snapshots written and read, and what is told of the disk."""

import json
import os
import unittest

from support.disk_cache import SITE, DiskTest, body_of
from support.proxy import run_tool

TOOL = os.path.join(os.environ.get("RPX_BIN", "build/release/bin"), "rpx-cache")


class Tools(DiskTest):
    def tool(self, *arguments, code=0, cwd=None):
        done = run_tool(*arguments, cwd=cwd or self.where, binary=os.path.realpath(TOOL))
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def filled(self, count=5, **more):
        proxy = self.start(**more)
        for i in range(count):
            self.ask(proxy, f"/page/{i}")
        self.await_written(proxy, count)
        return proxy

    def damage(self, name=None):
        name = name or next(n for n in os.listdir(f"{self.where}/disk") if n.endswith(".segment"))
        with open(f"{self.where}/disk/{name}", "r+b") as f:
            f.seek(-5, os.SEEK_END)
            byte = f.read(1)
            f.seek(-5, os.SEEK_END)
            f.write(bytes([byte[0] ^ 1]))

    def test_verify(self):
        proxy = self.filled()
        config = ("-c", "rpx.toml", "-o", "json")
        running = json.loads(self.tool("verify", *config, cwd=proxy.dir).stdout)[0]
        self.assertEqual((running["cache"], running["objects"], running["in_use"], running["damaged"]), ("static", 5, True, 0))
        proxy.stop()
        stopped = json.loads(self.tool("verify", *config, cwd=proxy.dir).stdout)[0]
        self.assertEqual((stopped["objects"], stopped["in_use"], stopped["damaged"]), (5, False, 0))
        self.damage()
        missing = self.tool("verify", f"{self.where}/none", code=2)
        self.assertIn("No such file or directory; name the folder of a disk store", missing.stderr)
        done = self.tool("verify", f"{self.where}/disk", code=1)
        self.assertIn("/page/4: its checksum is wrong", done.stderr)
        self.tool("verify", "--quick", f"{self.where}/disk")
        self.tool("verify", "--cache", "other", "-c", "rpx.toml", cwd=proxy.dir, code=2)
        for name in os.listdir(f"{self.where}/disk"):
            if name.endswith(".segment"):
                with open(f"{self.where}/disk/{name}", "r+b") as f:
                    header = bytearray(f.read(32))
                    header[8] = 200
                    header[24:28] = crc32c(header[:24]).to_bytes(4, "little")
                    f.seek(0)
                    f.write(header)
        self.assertIn("another version", self.tool("verify", f"{self.where}/disk", code=5).stderr)

    def test_a_snapshot_goes_from_one_proxy_to_another(self):
        first = self.filled()
        self.assertEqual(self.tool("export", f"{self.where}/warm", cwd=first.dir).stdout, "5 objects\n")
        self.tool("verify", f"{self.where}/warm")
        first.stop()
        self.tool("export", "--folder", "disk", "cold")
        self.tool("verify", "cold")
        other = self.proxy(self.config().replace("disk =", "# disk ="))
        self.assertIn("5 objects stored, 0 not", self.tool("import", f"{self.where}/warm", cwd=other.dir).stdout)
        asked = self.asked()
        for i in range(5):
            self.assertEqual(self.ask(other, f"/page/{i}").body, body_of(f"/page/{i}"))
        self.assertEqual(self.asked(), asked)
        # It is there already, and not older.
        self.assertIn("0 objects stored, 5 not", self.tool("import", f"{self.where}/warm", cwd=other.dir).stdout)
        other.stop()
        self.assertIn("5 objects stored", self.tool("import", "--folder", "third", "cold").stdout)
        self.assertEqual(json.loads(self.tool("verify", "third", "-o", "json").stdout)[0]["objects"], 5)

    def test_snapshots_that_are_not_whole_are_refused(self):
        proxy = self.filled(2)
        self.tool("export", f"{self.where}/whole", cwd=proxy.dir)
        with open(f"{self.where}/whole", "rb") as f:
            whole = f.read()
        for name, text in (("cut", whole[:-1]), ("short", whole[:100]), ("empty", b""), ("other", b"#!/bin/sh" * 20),
                           ("flipped", whole[:200] + bytes([whole[200] ^ 4]) + whole[201:])):
            with open(f"{self.where}/{name}", "wb") as f:
                f.write(text)
            self.tool("verify", f"{self.where}/{name}", code=1)
            self.tool("import", f"{self.where}/{name}", cwd=proxy.dir, code=5)
        self.tool("import", f"{self.where}/missing", cwd=proxy.dir, code=2)
        # A folder that is in use is not written.
        self.assertIn("another process uses it", self.tool("import", "--folder", "disk", "whole", code=5).stderr)

    def test_what_is_told_of_it(self):
        first = self.filled(3)
        first.stop()
        second = self.start()
        self.ask(second, "/page/0")
        self.ask(second, "/page/new")
        self.await_written(second, 1)
        rows = {r["url"].split("/page/")[1]: r for r in json.loads(self.tool("ls", "-o", "json", cwd=second.dir).stdout)}
        self.assertEqual({name: row["where"] for name, row in rows.items()},
                         {"0": "both", "1": "disk", "2": "disk", "new": "both"})
        stats = json.loads(self.tool("stats", "-o", "json", cwd=second.dir).stdout)[0]
        self.assertEqual((stats["disk_entries"], stats["disk_writes"], stats["disk_errors"]), (4, 1, 0))
        url = f"{SITE}/page/1"
        self.assertEqual(self.tool("show", url, "--body", cwd=second.dir).stdout.encode(), body_of("/page/1"))
        self.assertIn("now: hit", self.tool("explain", url, cwd=second.dir).stdout)


def crc32c(data):
    """As the disk store has it (Castagnoli's polynomial)."""
    sum_ = 0xFFFFFFFF
    for byte in data:
        sum_ ^= byte
        for _ in range(8):
            sum_ = (sum_ >> 1) ^ (0x82F63B78 if sum_ & 1 else 0)
    return sum_ ^ 0xFFFFFFFF


if __name__ == "__main__":
    unittest.main()
