"""Who listens to events hears of everything that changes, at the moment it does."""

import unittest

from support.flow import FlowTest
from support.waiting import until

CHECKED = '[upstream.app.health]\npath = "/healthz"\ninterval = "100ms"\nrise = 1\nfall = 1\n'


class Moody:
    """A script that is well or not as the test says."""

    def __init__(self):
        self.ill = False

    def __call__(self, connection):
        while connection.request():
            connection.send(b"HTTP/1.1 " + (b"503 Ill" if self.ill else b"200 OK") + b"\r\nContent-Length: 0\r\n\r\n")


class EventStream(FlowTest):
    def test_a_server_that_falls_and_rises_is_told_with_the_reason(self):
        moody = Moody()
        at = self.script(moody)
        gate = self.proxy_to(at.url, top=CHECKED)
        until(lambda: (gate.servers("app")[at.url]["health"] or {}).get("checks"), "the first check")
        with gate.events("server") as events:
            moody.ill = True
            event = events.next(server=at.url, state="unhealthy")
            self.assertEqual((event["kind"], event["upstream"]), ("server", "app"))
            self.assertIn("503", event["why"])
            moody.ill = False
            events.next(server=at.url, state="healthy")
        code, history = gate.control("GET", f"/v1/upstreams/app/servers/{at.url.replace('/', '%2F')}/history")
        self.assertEqual(code, 200)
        self.assertEqual([one["state"] for one in history["changes"]], ["unhealthy", "healthy"])
        self.assertTrue(all(one["address"] for one in history["checks"]))
        self.assertEqual({200, 503}, {one["status"] for one in history["checks"]})

    def test_an_operator_is_heard(self):
        at = self.origin()
        gate = self.proxy_to(at.url)
        with gate.events() as events:
            name = at.url.replace("/", "%2F")
            gate.control("PATCH", f"/v1/upstreams/app/servers/{name}", {"state": "drain", "for": 20, "force": True})
            self.assertEqual(events.next(state="drain")["why"], "an operator said so, for 20s")
            gate.control("PATCH", f"/v1/upstreams/app/servers/{name}", {"weight": 7})
            self.assertIn("7", events.next(state="weight")["why"])

    def test_reloads_and_refused_ones_are_told(self):
        at = self.origin()
        gate = self.proxy_to(at.url)
        with gate.events("reload,config_error") as events:
            gate.reload(self.config_to(at.url, route='response_headers = { remove = ["X"] }'))
            self.assertEqual(events.next(kind="reload")["generation"], 2)
            self.assertEqual(gate.reload("[[listen]]\nadress = 1\n")[0], 422)
            event = events.next(kind="config_error")
            self.assertIn("adress", event["message"])
            self.assertTrue(event["file"].endswith("rpx.toml") and event["line"])

    def test_edits_of_the_blocklist_are_told(self):
        at = self.origin()
        gate = self.proxy_to(at.url, top='[blocklist]\nfiles = ["list.txt"]\n', files={"list.txt": ""})
        with gate.events("blocklist") as events:
            gate.control("POST", "/v1/blocklist", {"prefix": "192.0.2.7", "reason": "scraper"})
            self.assertEqual(events.next(action="add")["prefix"], "192.0.2.7/32")
            gate.control("DELETE", "/v1/blocklist", {"prefixes": ["192.0.2.7", "192.0.2.8"]})
            self.assertEqual(events.next()["prefix"], "192.0.2.7/32")
            gate.control("POST", "/v1/blocklist", {"prefixes": [f"10.0.0.{n}" for n in range(60)]})
            self.assertEqual(events.next()["added"], 60)
            gate.write("list.txt", "192.0.2.9\n")
            self.assertEqual(events.next(action="read")["entries"], 1)

    def test_requests_are_told_to_whom_asks_for_them_and_with_no_log_at_all(self):
        at = self.origin()
        gate = self.proxy_to(at.url)
        with gate.events("access") as events:
            self.fetch(gate, "/bytes/10")
            event = events.next()
            self.assertEqual((event["kind"], event["target"], event["status"]), ("access", "/bytes/10", 200))

    def test_a_listener_does_not_hold_up_the_end(self):
        at = self.origin()
        gate = self.proxy_to(at.url)
        with gate.events() as events:
            gate.stop()
            with self.assertRaises(AssertionError):
                events.next(kind="none")


if __name__ == "__main__":
    unittest.main()
