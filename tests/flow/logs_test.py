"""The access log, its formats, its rotation; and the error log."""

import json
import os
import signal
import unittest

from support.flow import FlowTest
from support.waiting import until


class AccessLog(FlowTest):
    def start(self, log, **more):
        self.at = self.origin()
        return self.proxy_to(self.at.url, top=f"[log]\n{log}", **more)

    def line(self, proxy, name="access.log"):
        until(lambda: "\n" in proxy.text(name), f"a line in {name}")
        return proxy.text(name).splitlines()[0]

    def test_json_tells_the_whole_story(self):
        proxy = self.start('access = "access.log"')
        self.fetch(proxy, "/echo?a=b", method="POST", body=b"12345", host="shop.test:81")
        row = proxy.access_log(1)[0]
        told = {k: row[k] for k in ("client", "method", "host", "target", "status", "route", "upstream", "server", "tries", "reason")}
        self.assertEqual(told, {"client": "127.0.0.1", "method": "POST", "host": "shop.test", "target": "/echo?a=b", "status": 200,
                                "route": "all", "upstream": "app", "server": self.at.url, "tries": 1, "reason": ""})
        self.assertRegex(row["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$")
        self.assertGreaterEqual(row["total_s"], 0)
        self.assertGreater(row["bytes_received"], 5)
        self.assertGreater(row["bytes_sent"], 5)

    def test_common_and_combined(self):
        when = r"\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]"
        common = rf'127\.0\.0\.1 - - {when} "GET /bytes/5\?q HTTP/1\.1" 200 \d+'
        proxy = self.start('access = "access.log"\nformat = "common"')
        self.fetch(proxy, "/bytes/5?q")
        self.assertRegex(self.line(proxy), f"^{common}$")
        proxy = self.start('access = "access.log"\nformat = "combined"')
        self.fetch(proxy, "/bytes/5?q", fields=[("Referer", "http://a/"), ("User-Agent", "me/1")])
        self.assertRegex(self.line(proxy), f'^{common} "http://a/" "me/1"$')

    def test_a_template(self):
        proxy = self.start('access = "access.log"\nformat = "{method} {path} {status} {header:X-A} {route}"')
        self.fetch(proxy, "/bytes/5?q", fields=[("X-A", "b")])
        self.assertEqual(self.line(proxy), "GET /bytes/5 200 b all")

    def test_nobody_can_write_lines_of_their_own(self):
        for form in ("json", "common", "combined", "{header:User-Agent}"):
            proxy = self.start(f'access = "access.log"\nformat = "{form}"', serve="workers = 1")
            self.fetch(proxy, "/first", fields=[("User-Agent", 'a"\tb\\')])
            self.fetch(proxy, "/last")
            proxy.stop()
            text = proxy.text("access.log")
            self.assertEqual(text.count("\n"), 2, text)
            self.assertTrue(all(c == "\n" or c >= " " for c in text), text)
            if form == "json":
                self.assertEqual(json.loads(text.splitlines()[0])["target"], "/first")

    def test_to_stdout_and_off(self):
        proxy = self.start('access = "stdout"')
        self.fetch(proxy, "/x")
        self.assertEqual(json.loads(self.line(proxy, "stdout"))["target"], "/x")
        proxy = self.start('access = "off"')
        self.fetch(proxy, "/x")
        proxy.stop()
        self.assertEqual(proxy.text("stdout"), "")

    def test_requests_that_never_were_are_logged_too(self):
        proxy = self.start('access = "access.log"')
        client = self.client(proxy)
        client.send(b"BROKEN\r\n\r\n")
        self.assertEqual(client.response_head().status, 400)
        row = proxy.access_log(1)[0]
        self.assertEqual((row["status"], row["reason"]), (400, "bad_request"))

    def test_a_client_that_left_is_told_apart(self):
        proxy = self.start('access = "access.log"')
        client = self.client(proxy)
        client.ask(path="/gated")
        self.at.await_requests(1)
        client.reset()
        row = proxy.access_log(1)[0]
        self.assertIn(row["reason"], ("reset", "closed", "cancelled"))
        self.at.gate.set()

    def test_sigusr1_opens_the_files_again(self):
        proxy = self.start('access = "access.log"\nerrors = "errors.log"')
        self.fetch(proxy, "/before")
        until(lambda: "/before" in proxy.text("access.log"), "the first line")
        for name in ("access.log", "errors.log"):
            os.rename(proxy.path(name), proxy.path(name + ".1"))
        proxy.process.send_signal(signal.SIGUSR1)
        until(lambda: os.path.exists(proxy.path("access.log")) and os.path.exists(proxy.path("errors.log")), "new files")
        self.fetch(proxy, "/after")
        until(lambda: "/after" in proxy.text("access.log"), "the line in the new file")
        self.assertNotIn("/after", proxy.text("access.log.1"))

    def test_everything_is_on_disk_after_a_stop(self):
        proxy = self.start('access = "access.log"')
        client = self.client(proxy)
        for i in range(200):
            client.ask(path=f"/bytes/{i}")
            client.response()
        proxy.stop()
        self.assertEqual(proxy.text("access.log").count("\n"), 200)


class ErrorLog(FlowTest):
    def test_levels(self):
        quiet = self.proxy_to("http://127.0.0.1:1", top='[log]\nlevel = "error"')
        self.fetch(quiet)
        quiet.stop()
        loud = self.proxy_to("http://127.0.0.1:1", top='[log]\nlevel = "debug"')
        self.fetch(loud)
        loud.stop()
        self.assertGreater(len(loud.log), len(quiet.log))

    def test_a_line_has_a_time_a_level_and_a_message(self):
        proxy = self.proxy_to(self.origin().url, top='[log]\nerrors = "errors.log"')
        proxy.stop()
        rows = [json.loads(line) for line in proxy.text("errors.log").splitlines()]
        self.assertEqual(rows[0]["message"], "ready")
        for row in rows:
            self.assertRegex(row["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$")
            self.assertIn(row["level"], ("info", "notice"))


if __name__ == "__main__":
    unittest.main()
