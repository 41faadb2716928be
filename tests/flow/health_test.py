"""Servers that fall ill, are found out, recover, and are taken out by hand: clients notice nothing."""

import threading
import unittest
import urllib.parse

from support.flow import FlowTest
from support.waiting import until

FAST = '[upstream.app.health]\npath = "/healthz"\ninterval = "100ms"\ntimeout = "300ms"\nrise = 1\nfall = 2\n'


class Patient:
    """A script that is well or not as the test says; /healthz tells."""

    def __init__(self):
        self.ill = False
        self.probes = 0

    def __call__(self, connection):
        while True:
            request = connection.request()
            if request.path == "/healthz":
                self.probes += 1
            status = b"500 Ill" if self.ill else b"200 OK"
            body = b"ill" if self.ill else b"ok"
            connection.send(b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


class HealthBase(FlowTest):
    def row(self, proxy, index=0, upstream="app"):
        return list(proxy.servers(upstream).values())[index]

    def state(self, proxy, index=0, upstream="app"):
        return self.row(proxy, index, upstream)["state"]

    def await_state(self, proxy, state, index=0):
        until(lambda: self.state(proxy, index) == state, f"server {index} {state}")

    def change(self, proxy, url, body, upstream="app"):
        return proxy.control("PATCH", f"/v1/upstreams/{upstream}/servers/{urllib.parse.quote(url, safe='')}", body)

    def two(self, top=FAST, **more):
        self.patients = [Patient(), Patient()]
        self.origins = [self.script(p) for p in self.patients]
        return self.proxy_to(*(o.url for o in self.origins), top=top, **more)

    def count_served(self, index):
        return sum(1 for r in self.origins[index].requests if r.path != "/healthz")


class Health(HealthBase):
    def test_an_ill_server_gets_nothing_until_it_is_well(self):
        proxy = self.two()
        self.patients[0].ill = True
        self.await_state(proxy, "down")
        before = self.count_served(0)
        for _ in range(20):
            self.assertEqual(self.fetch(proxy, "/x").status, 200)
        self.assertEqual(self.count_served(0), before)
        self.patients[0].ill = False
        self.await_state(proxy, "up")
        for _ in range(20):
            self.fetch(proxy, "/x")
        self.assertGreater(self.count_served(0), before)
        proxy.stop()
        self.assertEqual(proxy.log.count("server is healthy"), 1)
        self.assertIn('reason="status 500"', proxy.log)
        self.assertIn('first_bytes="HTTP/1.1 500 Ill ill"', proxy.log)
        self.assertEqual(proxy.log.count("server is unhealthy"), 1)

    def test_when_all_are_ill_all_are_tried(self):
        proxy = self.two()
        for patient in self.patients:
            patient.ill = True
        self.await_state(proxy, "down", 0)
        self.await_state(proxy, "down", 1)
        self.assertEqual(self.fetch(proxy, "/x").status, 500)

    def test_a_server_of_two_upstreams_is_probed_once(self):
        patient = Patient()
        origin = self.script(patient)
        again = FAST.replace("app", "other")
        config = self.config_to(origin.url, top=FAST + f'[upstream.other]\nservers = ["{origin.url}"]\n' + again)
        proxy = self.proxy(config)
        until(lambda: patient.probes >= 5, "probes")
        checks = [self.row(proxy, 0, name)["health"]["checks"] for name in ("app", "other")]
        self.assertLessEqual(abs(checks[0] - checks[1]), 2)
        self.assertLessEqual(abs(patient.probes - checks[0]), 3)
        patient.ill = True
        until(lambda: self.state(proxy, 0, "other") == "down", "the other upstream knows")
        proxy.stop()
        self.assertIn('upstream="app other"', proxy.log)
        self.assertEqual(proxy.log.count("server is unhealthy"), 1)

    def test_reload_keeps_what_is_known_and_ends_what_is_not_asked_for(self):
        proxy = self.two()
        self.patients[0].ill = True
        self.await_state(proxy, "down")
        config = self.config_to(*(o.url for o in self.origins), top=FAST, route="timeout = { response = \"5s\" }")
        proxy.reload(config)
        self.assertEqual(self.state(proxy), "down")
        proxy.reload(self.config_to(*(o.url for o in self.origins)))
        self.await_state(proxy, "up")
        until(lambda: self.row(proxy)["health"] is None, "no check left")
        probes = self.patients[0].probes
        for _ in range(10):
            self.fetch(proxy, "/x")
        self.assertLessEqual(self.patients[0].probes, probes + 1)

    def test_down_until_proven_otherwise(self):
        gate = threading.Event()
        good = Patient()

        def late(connection):
            gate.wait(20)
            good(connection)

        origins = [self.script(late), self.script(good)]
        self.addCleanup(gate.set)
        proxy = self.proxy_to(*(o.url for o in origins), top=FAST.replace("300ms", "10s") + 'initial = "down"\n')
        self.await_state(proxy, "up", 1)
        self.assertEqual(self.state(proxy, 0), "down")
        for _ in range(6):
            self.assertEqual(self.fetch(proxy, "/x").status, 200)
        gate.set()
        self.await_state(proxy, "up", 0)

    def test_a_tcp_check_sees_a_server_die(self):
        origin, other = self.script(Patient()), self.script(Patient())
        proxy = self.proxy_to(origin.url, other.url,
                              top='[upstream.app.health]\ntcp = true\ninterval = "100ms"\nfall = 2\n')
        until(lambda: self.row(proxy)["health"]["last"] == "connected", "a check")
        origin.kill()
        self.await_state(proxy, "down")
        self.assertIn("refused", self.row(proxy)["why"])

    def test_nobody_notices_a_server_that_dies_under_load(self):
        proxy = self.two()
        bad = []
        done = threading.Event()

        def load():
            while not done.is_set():
                reply = self.fetch(proxy, "/x")
                if reply.status != 200:
                    bad.append(reply.status)

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            until(lambda: self.count_served(0) > 20, "load")
            self.origins[0].kill()
            self.await_state(proxy, "down")
            after = self.count_served(1)
            until(lambda: self.count_served(1) > after + 20, "load elsewhere")
        finally:
            done.set()
            for thread in threads:
                thread.join()
        self.assertEqual(bad, [])

    def test_metrics_tell(self):
        proxy = self.two()
        self.patients[0].ill = True
        self.await_state(proxy, "down")
        text = proxy.control("GET", "/metrics")[1]
        text = text if isinstance(text, str) else text.decode()
        self.assertIn(f'rpx_server_healthy{{upstream="app",server="{self.origins[0].url}"}} 0', text)
        self.assertIn(f'rpx_server_healthy{{upstream="app",server="{self.origins[1].url}"}} 1', text)


class Operators(HealthBase):
    def one_by_one(self):
        return self.two(top="")

    def test_a_drained_server_finishes_and_gets_nothing_new(self):
        proxy = self.one_by_one()
        url = self.origins[0].url
        status, server = self.change(proxy, url, {"state": "drain"})
        self.assertEqual((status, server["state"]), (200, "drain"))
        before = self.count_served(0)
        for _ in range(10):
            self.assertEqual(self.fetch(proxy, "/x").status, 200)
        self.assertEqual(self.count_served(0), before)
        proxy.reload(self.config_to(f'{{ url = "{url}", weight = 5 }}', self.origins[1].url))
        self.assertEqual(self.state(proxy), "drain")
        self.change(proxy, url, {"state": "ready"})
        self.assertEqual(self.state(proxy), "up")

    def test_the_last_one_is_not_taken_out_unless_forced(self):
        proxy = self.one_by_one()
        first, second = (o.url for o in self.origins)
        self.assertEqual(self.change(proxy, first, {"state": "maint"})[0], 200)
        status, problem = self.change(proxy, second, {"state": "maint"})
        self.assertEqual(status, 409)
        self.assertIn("last server", problem["detail"])
        self.assertEqual(self.fetch(proxy, "/x").status, 200)
        self.assertEqual(self.change(proxy, second, {"state": "maint", "force": True})[0], 200)
        self.assertEqual(self.fetch(proxy, "/x").status, 503)

    def test_maintenance_ends_by_itself(self):
        proxy = self.one_by_one()
        self.change(proxy, self.origins[0].url, {"state": "maint", "for": 0.3})
        self.assertEqual(self.state(proxy), "maint")
        self.await_state(proxy, "up")

    def test_weights_change_at_once_and_outlive_a_reload(self):
        proxy = self.two(top="", serve="workers = 1")
        self.change(proxy, self.origins[0].url, {"weight": 3})
        for _ in range(40):
            self.fetch(proxy, "/x")
        self.assertEqual(self.count_served(0), 30)
        proxy.reload()
        self.assertEqual(self.row(proxy)["weight"], 3)

    def test_bad_changes_are_refused(self):
        proxy = self.one_by_one()
        url = self.origins[0].url
        for body in ({}, {"state": "gone"}, {"weight": 0}, {"weight": 1.5}, {"x": 1}, {"weight": 1, "for": 5}):
            self.assertEqual(self.change(proxy, url, body)[0], 400, body)
        self.assertEqual(self.change(proxy, "http://nobody:1", {"state": "drain"})[0], 404)
        self.assertEqual(self.change(proxy, url, {"state": "drain"}, upstream="none")[0], 404)


if __name__ == "__main__":
    unittest.main()
