"""What requests show of a server: one that fails them is left alone for a while, and tried before it is back."""

import time
import unittest
import urllib.parse

from support.flow import FlowTest
from support.origin import OK
from support.waiting import until

QUICK = '[upstream.app.eject]\nerrors = 3\nfor = "300ms"\n[upstream.app.retry]\nbudget = "100%"\n'


class Moody:
    """A script that answers with the status that the test has set."""

    def __init__(self, status=200):
        self.status = status

    def __call__(self, connection):
        while True:
            connection.request()
            connection.send(b"HTTP/1.1 %d Moody\r\nContent-Length: 2\r\n\r\nok" % self.status)


class Ejection(FlowTest):
    def servers(self, *moods, top=QUICK):
        self.moods = moods
        self.origins = [self.script(mood) for mood in moods]
        self.proxy_up = self.proxy_to(*(one.url for one in self.origins), top=top)
        return self.proxy_up

    def row(self, index):
        return list(self.proxy_up.servers("app").values())[index]

    def state(self, index):
        return self.row(index)["state"]

    def fetch_until(self, index, state, statuses=None):
        def asked():
            reply = self.fetch(self.proxy_up, "/x")
            if statuses is not None:
                statuses.append(reply.status)
            return self.state(index) == state

        until(asked, f"server {index} is {state}")

    def test_a_server_that_fails_is_ejected_tried_and_taken_back(self):
        proxy = self.servers(Moody(503), Moody())
        seen = []
        self.fetch_until(0, "ejected", seen)
        self.assertEqual(set(seen), {200})
        row = self.row(0)
        self.assertEqual(row["why"], "3 failures in a row, the last: status 503")
        self.assertGreater(row["until_s"], 0)
        # Tried again and again, each time later, until it is well.
        until(lambda: self.fetch(proxy, "/x").status == 200 and self.row(0)["ejections"] >= 2, "a trial that fails")
        self.moods[0].status = 200
        self.fetch_until(0, "up")
        before = len(self.origins[0].requests)
        for _ in range(10):
            self.assertEqual(self.fetch(proxy, "/x").status, 200)
        self.assertGreater(len(self.origins[0].requests), before)
        metrics = proxy.control("GET", "/metrics")[1]
        self.assertIn("rpx_server_ejections_total{upstream=\"app\",server=\"%s\"}" % self.origins[0].url, metrics)
        proxy.stop()
        self.assertIn("server is ejected", proxy.log)
        self.assertIn("failed again when tried, the last: status 503", proxy.log)
        self.assertEqual(proxy.log.count("server is back after its ejection"), 1)

    def test_no_more_than_the_share_is_ejected(self):
        proxy = self.servers(Moody(500), Moody(500), Moody(500), top=QUICK.replace("300ms", "1h"))
        for _ in range(30):
            self.fetch(proxy, "/x")
        self.assertEqual(sorted(self.state(i) for i in range(3)), ["ejected", "up", "up"])

    def test_the_only_server_is_never_ejected(self):
        proxy = self.servers(Moody(500))
        for _ in range(10):
            self.assertEqual(self.fetch(proxy, "/x").status, 500)
        self.assertEqual(self.state(0), "up")

    def test_the_share_of_failures_counts(self):
        class Flaky(Moody):
            def __call__(self, connection):
                while True:
                    request = connection.request()
                    bad = request.path.endswith("/bad")
                    connection.send(b"HTTP/1.1 %d Moody\r\nContent-Length: 2\r\n\r\nok" % (500 if bad else 200))

        proxy = self.servers(Flaky(), Flaky(),
                             top='[upstream.app.eject]\nerrors = 0\nfailure_rate = "40%"\nfor = "1h"\n')
        for i in range(200):
            self.fetch(proxy, "/bad" if i % 4 < 2 else "/good")
            if "ejected" in (self.state(0), self.state(1)):
                break
        else:
            self.fail("nobody was ejected")
        row = next(r for r in (self.row(0), self.row(1)) if r["state"] == "ejected")
        self.assertRegex(row["why"], r"^\d+ of \d+ requests failed, the last: status 500$")

    def test_ready_by_hand_and_a_reload_without_the_table_end_it(self):
        proxy = self.servers(Moody(500), Moody(), top=QUICK.replace("300ms", "1h"))
        self.fetch_until(0, "ejected")
        self.moods[0].status = 200
        url = urllib.parse.quote(self.origins[0].url, safe="")
        proxy.control("PATCH", f"/v1/upstreams/app/servers/{url}", {"state": "ready"})
        self.assertEqual(self.state(0), "up")
        self.moods[0].status = 500
        self.fetch_until(0, "ejected")
        # What is known of a server outlives a reload that keeps the table, and not one that drops it.
        proxy.reload(self.config_to(*(o.url for o in self.origins), top=QUICK.replace("300ms", "2h")))
        self.assertEqual(self.state(0), "ejected")
        proxy.reload(self.config_to(*(o.url for o in self.origins)))
        self.assertEqual(self.state(0), "up")

    def test_a_server_far_slower_than_its_peers_is_ejected_and_one_slow_reply_is_not_enough(self):
        class Slow(Moody):
            pause = 0.0

            def __call__(self, connection):
                while True:
                    connection.request()
                    time.sleep(self.pause)
                    connection.send(OK)

        proxy = self.servers(Slow(), Slow(), Slow(),
                             top='[upstream.app.eject]\nerrors = 0\nlatency = 5\nfor = "1h"\n')
        client = self.client(proxy)

        def ask(count):
            for _ in range(count):
                client.ask()
                self.assertEqual(client.response().status, 200)

        ask(90)
        self.moods[1].pause = 0.5
        ask(3)
        self.moods[1].pause = 0.0
        ask(30)
        self.assertEqual([self.state(i) for i in range(3)], ["up"] * 3)
        self.moods[1].pause = 0.08
        until(lambda: ask(3) or self.state(1) == "ejected", "the slow one is ejected")
        self.assertRegex(self.row(1)["why"], r"^its replies take \S+ s, those of its peers \S+ s$")
        self.assertEqual((self.state(0), self.state(2)), ("up", "up"))

    def test_tcp_servers_are_ejected_too(self):
        origin = self.script(Moody())
        dead = self.script(Moody())
        url = dead.url
        dead.kill()
        top = '[upstream.app.eject]\nerrors = 1\nfor = "1h"\n'
        config = self.config_to(origin.url, url, top=top)
        proxy = self.proxy(config)
        self.proxy_up = proxy
        self.fetch_until(1, "ejected")
        self.assertIn("refused", self.row(1)["why"])


if __name__ == "__main__":
    unittest.main()
