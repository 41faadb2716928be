"""What goes wrong on purpose, and routes that are taken out of service while the proxy runs."""

import json
import time
import unittest

from support.flow import FlowTest
from support.proxy import run_tool
from support.wire import Closed


class Faults(FlowTest):
    def start(self, fault, more=""):
        return self.proxy_to(self.origin().url, route=f'fault = "flaky"\ncompress = ""\n{more}',
                             top=f'[log]\naccess = "access.log"\n[fault.flaky]\n{fault}\n')

    def outcomes(self, proxy, count=40):
        return [self.fetch(proxy).status for _ in range(count)]

    def test_the_same_seed_hits_the_same_requests(self):
        fault = "abort = { status = 502, percent = 40 }\nseed = 7"
        first, second = self.start(fault), self.start(fault)
        got = self.outcomes(first)
        self.assertEqual(self.outcomes(second), got)
        self.assertEqual({*got}, {200, 502})
        self.assertNotEqual(self.outcomes(self.start(fault.replace("7", "8"))), got)
        body = first.control("GET", "/v1/faults/flaky")[1]
        self.assertEqual((body["requests"], body["hits"], body["routes"]), (40, got.count(502), ["all"]))
        self.assertEqual({line["reason"] for line in first.access_log(40)}, {"", "fault"})

    def test_requests_wait(self):
        begun = time.monotonic()
        self.assertEqual(self.fetch(self.start('delay = { time = "300ms", jitter = "50ms" }')).status, 200)
        self.assertGreater(time.monotonic() - begun, 0.24)

    def test_connections_are_cut_before_a_reply_or_within_one(self):
        client = self.client(self.start("reset = {}"))
        client.ask()
        with self.assertRaises((Closed, OSError)):
            client.response()
        client = self.client(self.start('truncate = { after = "1000B" }'))
        client.ask(path="/bytes/999")
        self.assertEqual(len(client.response().body), 999)
        client.ask(path="/bytes/5000")
        head = client.response_head()
        self.assertEqual(head["Content-Length"], "5000")
        with self.assertRaises((Closed, OSError)):
            client.exactly(5000)

    def test_replies_are_slow(self):
        proxy = self.start('bandwidth = "100KB/s"')
        begun = time.monotonic()
        self.assertEqual(len(self.fetch(proxy, "/bytes/60000").body), 60000)
        self.assertGreater(time.monotonic() - begun, 0.3)

    def test_they_change_while_it_runs_and_a_reload_of_the_same_file_keeps_that(self):
        proxy = self.start("abort = {}")
        self.assertEqual(self.outcomes(proxy, 2), [503, 503])
        done = run_tool("fault", "flaky", "off", "--socket", proxy.path("rpx.sock"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.outcomes(proxy, 2), [200, 200])
        self.assertEqual(proxy.reload()[0], 200)
        self.assertEqual(self.outcomes(proxy, 2), [200, 200])
        done = run_tool("fault", "flaky", "abort.status=429", "delay.time=1ms", "-o", "json", "--socket", proxy.path("rpx.sock"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)[0], proxy.control("GET", "/v1/faults/flaky")[1])
        shown = run_tool("fault", "-o", "plain", "--socket", proxy.path("rpx.sock"))
        self.assertIn("delay 0.001 s, abort 429", shown.stdout, shown.stderr)
        self.assertEqual(self.outcomes(proxy, 2), [429, 429])
        self.assertEqual(proxy.control("GET", "/v1/faults")[1]["items"][0]["abort"], {"status": 429, "percent": 100})

    def test_what_makes_no_sense_is_refused_and_changes_nothing(self):
        proxy = self.start("abort = {}")
        for body in ({"abort": {"status": 200}}, {"abort": 5}, {"delay": {"time": "x"}}, {"odd": 1}, {"reset": {"percent": 101}},
                     {"delay": {"odd": 1}}, {"bandwidth": -1}, {"bandwidth": 1.5}, {"delay": {}}, {"delay": {"percent": 5}},
                     {"truncate": {"percent": 5}}, {"truncate": {"after": 0.5}}, {"abort": {"status": 503.5}}, {"abort": {"status": 600}},
                     {"reset": {"percent": 0.5}}, {"seed": 1.5}, {"abort": {"status": None}}, {"abort": {"status": True}}):
            self.assertEqual(proxy.control("PUT", "/v1/faults/flaky", body)[0], 400, body)
        self.assertEqual(proxy.control("PUT", "/v1/faults/none", {})[0], 404)
        self.assertEqual(self.outcomes(proxy, 1), [503])
        for words in (["flaky", "delay.time=soon"], ["flaky", "nonsense.x"], ["flaky", "abort.status=200"]):
            self.assertNotEqual(run_tool("fault", *words, "--socket", proxy.path("rpx.sock")).returncode, 0, words)


class Maintenance(FlowTest):
    def start(self, more="maintenance = { status = 503, retry_after = \"2m\" }"):
        return self.proxy_to(self.origin().url, route=more)

    def tool(self, proxy, *words):
        return run_tool("maintenance", *words, "--socket", proxy.path("rpx.sock"))

    def test_a_route_is_taken_out_and_back_without_a_reload(self):
        proxy = self.start()
        self.assertEqual(self.tool(proxy, "all").returncode, 1)
        self.assertEqual(self.tool(proxy, "all", "on").returncode, 0)
        reply = self.fetch(proxy)
        self.assertEqual((reply.status, reply["Retry-After"]), (503, "120"))
        self.assertEqual(self.tool(proxy, "all").returncode, 0)
        self.assertEqual(proxy.reload()[0], 200)
        self.assertEqual(self.fetch(proxy).status, 503)
        self.assertEqual(self.tool(proxy, "all", "off").returncode, 0)
        self.assertEqual(self.fetch(proxy).status, 200)
        self.logged(proxy, "maintenance of all")

    def test_the_configuration_has_the_last_word_when_it_changes(self):
        proxy = self.start("maintenance = { enabled = true }")
        self.tool(proxy, "all", "off")
        self.assertEqual(self.fetch(proxy).status, 200)
        proxy.reload(self.config_to(self.origin().url))
        proxy.reload(self.config_to(self.origin().url, route="maintenance = { enabled = true }"))
        self.assertEqual(self.fetch(proxy).status, 503)

    def test_a_route_without_a_table_has_the_usual_page(self):
        proxy = self.start("")
        self.assertEqual(proxy.control("PUT", "/v1/maintenance/all", {"enabled": True}), (200, {
            "route": "all", "enabled": True, "configured": False, "status": 503}))
        self.assertEqual(self.fetch(proxy).status, 503)
        self.assertEqual(len(proxy.control("GET", "/v1/maintenance")[1]["items"]), 1)
        for body, status in (({}, 400), ({"enabled": 1}, 400), ({"odd": True}, 400)):
            self.assertEqual(proxy.control("PUT", "/v1/maintenance/all", body)[0], status)
        self.assertEqual(proxy.control("PUT", "/v1/maintenance/none", {"enabled": True})[0], 404)
        self.assertEqual(self.tool(proxy, "all", "sideways").returncode, 2)


if __name__ == "__main__":
    unittest.main()
