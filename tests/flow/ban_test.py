"""Clients that get too many replies of a kind are blocked for a while."""

import json
import os
import unittest

from support.flow import FlowTest
from support.proxy import BINARY, run_tool
from support.waiting import until

TOOL = os.path.join(os.path.dirname(os.path.realpath(BINARY)), "rpx-block")
TRUSTED = 'trusted_proxies = ["127.0.0.0/8"]\n'
RULE = '[[ban]]\nwhen = { status = [404, 401], count = 3, within = "1m" }\nfor = "1h"\n'


class Bans(FlowTest):
    def start(self, rule=RULE, listen=TRUSTED, **more):
        self.at = self.origin()
        return self.proxy_to(self.at.url, listen=listen, top=rule, **more)

    def status(self, proxy, client, path="/"):
        return self.fetch(proxy, path, fields=[("X-Forwarded-For", client)]).status

    def entries(self, proxy):
        return proxy.control("GET", "/v1/blocklist")[1]["items"]

    def ban(self, proxy, client):
        for _ in range(3):
            self.assertEqual(self.status(proxy, client, "/status/404"), 404)
        until(lambda: self.status(proxy, client) == 403, "the ban")

    def test_the_third_404_bans_its_client_and_nobody_else(self):
        proxy = self.start()
        self.assertEqual(self.entries(proxy), [])
        self.assertEqual([self.status(proxy, "192.0.2.1", "/status/404") for _ in range(2)], [404] * 2)
        self.assertEqual(self.status(proxy, "192.0.2.1", "/status/500"), 500)
        self.assertEqual(self.status(proxy, "192.0.2.1"), 200)
        self.assertEqual(self.status(proxy, "192.0.2.1", "/status/401"), 401)
        until(lambda: self.status(proxy, "192.0.2.1") == 403, "the ban")
        self.assertEqual(self.status(proxy, "192.0.2.2"), 200)
        entry, = self.entries(proxy)
        self.assertEqual((entry["prefix"], entry["source"]), ("192.0.2.1/32", "ban"))
        self.assertIn("ban: 3 replies of 404, 401 within 1m", entry["reason"])
        self.assertEqual(proxy.status()["banned"], 1)
        self.logged(proxy, "message=banned")

    def test_a_ban_can_be_taken_back_and_the_next_one_is_longer(self):
        proxy = self.start()
        ends = []
        for _ in range(2):
            self.ban(proxy, "192.0.2.1")
            ends.append(self.entries(proxy)[0]["until"])
            self.assertEqual(proxy.control("DELETE", "/v1/blocklist", {"prefix": "192.0.2.1"})[0], 200)
            until(lambda: self.status(proxy, "192.0.2.1") == 200, "the pardon")
        self.assertGreater(ends[1][11:13], ends[0][11:13] if ends[0][:10] == ends[1][:10] else "")

    def test_with_a_blocklist_bans_are_in_its_file_and_outlive_the_process(self):
        top = RULE + '[blocklist]\nfiles = ["blocks.txt"]\nallow = ["192.0.2.99"]\n'
        proxy = self.start(top, files={"blocks.txt": "# kept\n"})
        self.ban(proxy, "192.0.2.1")
        text = proxy.text("blocks.txt")
        self.assertRegex(text, r"# kept\n192\.0\.2\.1/32 until=\S+ ban: 3 replies")
        for _ in range(5):
            self.assertEqual(self.status(proxy, "192.0.2.99", "/status/404"), 404)
        again = self.start(top, files={"blocks.txt": text})
        self.assertEqual(self.status(again, "192.0.2.1"), 403)
        self.assertEqual(self.entries(again)[0]["source"], "ban")

    def test_bans_are_in_the_journal_and_are_undone_apart_from_edits(self):
        proxy = self.start(RULE + '[blocklist]\nfiles = ["blocks.txt"]\n', files={"blocks.txt": ""})

        def block(*words):
            done = run_tool(*words, "--socket", "rpx.sock", "-c", "rpx.toml", cwd=proxy.dir, binary=TOOL)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout

        block("add", "198.51.100.7", "--reason", "by hand")
        self.ban(proxy, "192.0.2.1")
        rows = json.loads(block("log", "-o", "json"))
        self.assertEqual([(row["by"], row["what"]) for row in rows][1], ("[[ban]]", "+192.0.2.1/32"))
        block("undo")
        self.assertEqual([entry["prefix"] for entry in self.entries(proxy)], ["192.0.2.1/32"])
        block("undo", "--bans")
        until(lambda: self.status(proxy, "192.0.2.1") == 200, "the pardon")
        self.assertEqual(self.entries(proxy), [])
        block("undo", "--bans")
        self.assertEqual(self.entries(proxy), [])

    def test_this_machine_and_trusted_proxies_are_not_banned_unless_asked(self):
        proxy = self.start()
        for _ in range(6):
            self.assertEqual(self.fetch(proxy, "/status/404").status, 404)
        self.assertEqual(self.fetch(proxy).status, 200)
        anyone = self.start(RULE + "anyone = true\n", listen="")
        with self.client(anyone) as client:
            for _ in range(3):
                client.ask(path="/status/404")
                self.assertEqual(client.response().status, 404)
            self.assertTrue(client.at_end(), "its connection is cut")

    def test_what_is_wrong_is_told(self):
        proxy = self.start("")
        status, body = proxy.reload(self.config_to(self.at.url, top="[[ban]]\n"))
        self.assertEqual(status, 422)
        self.assertIn("a ban needs to know what is too much", json.dumps(body))


if __name__ == "__main__":
    unittest.main()
