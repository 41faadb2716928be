"""Which servers an upstream has: names and services in DNS, files that change, what operators add and remove, and what
of that outlives a reload and a restart."""

import os
import unittest
import urllib.parse

from support.dns import DnsServer
from support.flow import FlowTest
from support.origin import OK
from support.waiting import until


class MembersBase(FlowTest):
    def dns(self, zone, **more):
        server = DnsServer(zone, **more)
        self.addCleanup(server.close)
        return server

    def urls(self, proxy, upstream="app"):
        return sorted(proxy.servers(upstream))

    def who(self, proxy, count=12):
        return {self.fetch(proxy, "/x")["X-Origin"] for _ in range(count)}

    def path(self, url="", upstream="app", query=""):
        return f"/v1/upstreams/{upstream}/servers{'/' if url else ''}{urllib.parse.quote(url, safe='')}{query}"


class Dns(MembersBase):
    def on_one_port(self, *addresses):
        """Origins at the same port of several loopback addresses, named by their address."""
        first = self.origin(addresses[0], address=(addresses[0], 0))
        return [first] + [self.origin(a, address=(a, first.port)) for a in addresses[1:]]

    def test_every_address_of_a_name_is_a_server(self):
        origins = self.on_one_port("127.0.0.1", "127.0.0.2", "127.0.0.3")
        port = origins[0].port
        dns = self.dns({("app.test", "A"): ["127.0.0.1", "127.0.0.2"]})
        proxy = self.proxy_to(f'{{ url = "http://app.test:{port}", resolve = "30s", weight = 3 }}',
                              top=f'[resolver]\nservers = ["{dns.address}"]', upstream='host = "server"')
        self.assertEqual(self.urls(proxy), [f"http://127.0.0.1:{port}", f"http://127.0.0.2:{port}"])
        self.assertEqual(self.who(proxy), {"127.0.0.1", "127.0.0.2"})
        row = proxy.servers("app")[f"http://127.0.0.1:{port}"]
        self.assertEqual((row["source"], row["weight"]), ("dns", 3))
        self.assertEqual(origins[0].requests[0]["Host"], f"app.test:{port}")
        # Counted on over the change, by those who stay.
        dns.zone[("app.test", "A")] = ["127.0.0.2", "127.0.0.3"]
        until(lambda: self.urls(proxy) == [f"http://127.0.0.2:{port}", f"http://127.0.0.3:{port}"], "the new servers")
        self.assertGreaterEqual(proxy.servers("app")[f"http://127.0.0.2:{port}"]["requests"], 6)
        self.assertEqual(self.who(proxy), {"127.0.0.2", "127.0.0.3"})

    def test_the_old_set_stays_when_the_answer_is_empty_or_late(self):
        origins = self.on_one_port("127.0.0.1", "127.0.0.2")
        port = origins[0].port
        dns = self.dns({("app.test", "A"): ["127.0.0.1", "127.0.0.2"]})
        proxy = self.proxy_to(f'{{ url = "http://app.test:{port}", resolve = "30s" }}',
                              top=f'[resolver]\nservers = ["{dns.address}"]\ntimeout = "100ms"\ntries = 1')
        self.assertEqual(len(self.urls(proxy)), 2)
        dns.zone[("app.test", "A")] = []
        asked = len(dns.questions)
        until(lambda: len(dns.questions) > asked + 2, "asked again")
        self.assertEqual(self.who(proxy), {"127.0.0.1", "127.0.0.2"})
        dns.mute = True
        until(lambda: "Timeout" in proxy.text("stderr"), "a question without an answer")
        self.assertEqual(self.who(proxy), {"127.0.0.1", "127.0.0.2"})

    def test_a_name_that_nobody_knows_yet_becomes_servers_when_it_is_known(self):
        origin, = self.on_one_port("127.0.0.2")
        dns = self.dns({})
        name = f"http://late.test:{origin.port}"
        proxy = self.proxy_to(f'{{ url = "{name}", resolve = "30s" }}',
                              top=f'[resolver]\nservers = ["{dns.address}"]')
        self.assertEqual(self.urls(proxy), [name])
        self.assertIn(self.fetch(proxy, "/x").status, (502, 503))
        dns.zone[("late.test", "A")] = ["127.0.0.2"]
        until(lambda: self.urls(proxy) == [f"http://127.0.0.2:{origin.port}"], "its address")
        self.assertEqual(self.fetch(proxy, "/x").status, 200)

    def test_a_service_says_ports_weights_and_priorities(self):
        origins = [self.origin(str(i)) for i in range(3)]
        dns = self.dns({("_http._tcp.app.test", "SRV"): [(1, 30, origins[0].port, "a.test"), (1, 10, origins[1].port, "B.test"),
                                                        (2, 10, origins[2].port, "a.test")],
                        ("a.test", "A"): ["127.0.0.1"], ("b.test", "A"): ["127.0.0.1"]})
        proxy = self.proxy_to('{ url = "http://app.test", srv = "_http._tcp.app.test" }', serve="workers = 1",
                              top=f'[resolver]\nservers = ["{dns.address}"]', upstream='host = "server"')
        rows = proxy.servers("app")
        first = rows[f"http://a.test:{origins[0].port}"]
        self.assertEqual((first["weight"], first["priority"], first["source"]), (30, 1, "dns"))
        for _ in range(8):
            self.assertEqual(self.fetch(proxy, "/x").status, 200)
        self.assertEqual([len(o.requests) for o in origins], [6, 2, 0])
        self.assertEqual(origins[0].requests[0]["Host"], "app.test")
        origins[0].kill()
        origins[1].kill()
        self.assertEqual(self.who(proxy), {"2"})
        dns.zone[("_http._tcp.app.test", "SRV")] = [(1, 1, origins[2].port, "a.test")]
        until(lambda: len(self.urls(proxy)) == 1, "one server")
        self.assertEqual(self.fetch(proxy, "/x").status, 200)


class File(MembersBase):
    def start(self, text, **more):
        return self.proxy_to(files={"servers.txt": text}, upstream='servers_file = "servers.txt"', **more)

    def test_a_file_is_followed_and_a_bad_one_changes_nothing(self):
        first, second = self.origin("1"), self.origin("2")
        proxy = self.start(f"# mine\n{first.url} weight=2\n")
        self.assertEqual(self.urls(proxy), [first.url])
        self.assertEqual(proxy.servers("app")[first.url]["source"], "file")
        proxy.write("servers.txt", f"{first.url} weight=2\n\n{second.url} backup # spare\n")
        until(lambda: len(self.urls(proxy)) == 2, "two servers")
        self.assertTrue(proxy.servers("app")[second.url]["backup"])
        for text, why in ((f"{second.url} wieght=1\n", "servers.txt:1: unknown word"), ("# none\n", "no server is in it"),
                          (f"{second.url}\n{second.url}\n", "servers.txt:2:")):
            proxy.write("servers.txt", text)
            until(lambda: why in proxy.text("stderr"), why)  # pylint: disable=cell-var-from-loop
            self.assertEqual(len(self.urls(proxy)), 2)
        os.unlink(proxy.path("servers.txt"))
        until(lambda: proxy.text("stderr").count("no server is in it") == 2, "the file is gone")
        self.assertEqual(len(self.urls(proxy)), 2)
        proxy.write("servers.txt", f"{second.url}\n")
        until(lambda: self.urls(proxy) == [second.url], "a good file")
        self.assertEqual(self.who(proxy), {"2"})

    def test_servers_are_written_into_it_and_out_of_it(self):
        first, second = self.origin("1"), self.origin("2")
        proxy = self.start(f"# mine\n{first.url} weight=2\n")
        status, row = proxy.control("POST", self.path(query="?persist=true"), {"url": second.url, "weight": 5})
        self.assertEqual((status, row["weight"], row["source"]), (201, 5, "file"))
        self.assertEqual(proxy.text("servers.txt"), f"# mine\n{first.url} weight=2\n{second.url} weight=5\n")
        self.assertEqual(self.who(proxy), {"1", "2"})
        status, _ = proxy.control("DELETE", self.path(first.url, query="?persist=true"))
        self.assertEqual(status, 200)
        self.assertEqual(proxy.text("servers.txt"), f"# mine\n{second.url} weight=5\n")
        status, problem = proxy.control("DELETE", self.path(second.url, query="?persist=true&force=true"))
        self.assertEqual(status, 409)
        self.assertIn("no server left in it", problem["detail"])


class RunTime(MembersBase):
    def test_servers_come_and_go_and_live_over_reload_and_restart(self):
        first, second, third = (self.origin(str(i)) for i in range(3))
        folder = self.folder()
        config = self.config_to(first.url, second.url)
        proxy = self.proxy(config, folder=folder)
        status, row = proxy.control("POST", self.path(), {"url": third.url, "weight": 2, "max_connections": 7})
        self.assertEqual((status, row["source"], row["state"]), (201, "control", "up"))
        self.assertEqual(self.who(proxy), {"0", "1", "2"})
        self.assertEqual(proxy.control("DELETE", self.path(first.url))[0], 200)
        proxy.control("PATCH", self.path(second.url), {"state": "drain"})
        proxy.control("PATCH", self.path(third.url), {"weight": 9})
        self.assertEqual(self.who(proxy), {"2"})
        self.assertEqual(proxy.reload()[1]["changes"], [])
        self.assertEqual(self.who(proxy), {"2"})
        proxy.stop()
        again = self.proxy(config, folder=folder)
        self.logged(again, "servers are as they were left")
        rows = again.servers("app")
        self.assertEqual({u: (r["state"], r["weight"]) for u, r in rows.items()},
                         {second.url: ("drain", 1), third.url: ("up", 9)})
        self.assertEqual(self.who(again), {"2"})
        # As it was in the beginning: nothing is left to be kept.
        again.control("POST", self.path(), {"url": first.url})
        again.control("PATCH", self.path(second.url), {"state": "ready"})
        again.control("DELETE", self.path(third.url))
        self.assertEqual(self.urls(again), sorted([first.url, second.url]))
        self.assertFalse(os.path.exists(again.path("rpx.sock.state")))

    def test_what_cannot_be_is_refused_with_the_reason(self):
        first, second = self.origin("1"), self.origin("2")
        proxy = self.proxy_to(first.url)
        for body in ({}, {"url": "nowhere"}, {"url": second.url, "weight": 0}, {"url": second.url, "colour": 1},
                     {"url": 5}, {"url": second.url, "backup": 1}):
            self.assertEqual(proxy.control("POST", self.path(), body)[0], 400, body)
        self.assertEqual(proxy.control("POST", self.path(upstream="none"), {"url": second.url})[0], 404)
        self.assertEqual(proxy.control("POST", self.path(query="?persist=maybe"), {"url": second.url})[0], 400)
        for query, body, why in (("", {"url": first.url}, "already"), ("", {"url": "tcp://127.0.0.1:1"}, "http"),
                                 ("?persist=true", {"url": second.url}, "no servers_file")):
            status, problem = proxy.control("POST", self.path(query=query), body)
            self.assertEqual(status, 409)
            self.assertIn(why, problem["detail"])
        self.assertEqual(proxy.control("DELETE", self.path(second.url))[0], 404)
        status, problem = proxy.control("DELETE", self.path(first.url))
        self.assertEqual(status, 409)
        self.assertIn("last server", problem["detail"])
        status, problem = proxy.control("DELETE", self.path(first.url, query="?persist=true&force=true"))
        self.assertEqual(status, 409)
        self.assertIn("in the configuration", problem["detail"])
        self.assertEqual(proxy.control("DELETE", self.path(first.url, query="?force=true"))[0], 200)
        self.assertEqual(self.fetch(proxy, "/x").status, 503)
        self.assertEqual(proxy.control("POST", self.path(), {"url": second.url})[0], 201)
        self.assertEqual(self.who(proxy), {"2"})

    def test_a_removed_server_finishes_what_it_has(self):
        first, second = self.origin("1"), self.origin("2")
        proxy = self.proxy_to(f'{{ url = "{first.url}", priority = 0 }}', f'{{ url = "{second.url}", priority = 1 }}')
        client = self.client(proxy)
        client.ask(path="/gated")
        first.await_requests(1)
        self.assertEqual(proxy.control("DELETE", self.path(first.url))[0], 200)
        self.assertEqual(self.who(proxy), {"2"})
        first.gate.set()
        self.assertEqual(client.response().status, 200)

    def test_a_line_that_nobody_understands_is_told_and_left_out(self):
        origin = self.origin("1")
        folder = self.folder()
        with open(os.path.join(folder, "kept"), "w", encoding="utf-8") as file:
            file.write(f"drian app {origin.url}\nmaint app {origin.url}\nremoved none http://1.2.3.4:5\n")
        proxy = self.proxy(self.config_to(origin.url), serve='workers = 1\nstate = "./kept"', folder=folder)
        self.assertEqual(proxy.servers("app")[origin.url]["state"], "maint")
        self.logged(proxy, "kept:1")

    def test_places_count_on_when_the_options_of_a_server_change(self):
        def hold(connection):
            connection.request()
            connection.hold()
            connection.send(OK)

        origin = self.script(hold)
        row = '{ url = "%s", max_connections = %d }'
        proxy = self.proxy_to(row % (origin.url, 2), upstream='connect = { queue = "1h" }', serve="workers = 1")
        clients = [self.client(proxy) for _ in range(3)]
        for client in clients[:2]:
            client.ask(path="/x")
        origin.await_requests(2)
        proxy.reload(self.config_to(row % (origin.url, 1), upstream='connect = { queue = "1h" }'))
        clients[2].ask(path="/x")
        until(lambda: [c["state"] for c in proxy.control("GET", "/v1/connections")[1]["items"]].count("waiting") == 3,
              "the third waits")
        self.assertEqual(proxy.servers("app")[origin.url]["active"], 2)
        self.assertEqual(len(origin.requests), 2)
        origin.release()
        for client in clients:
            self.assertEqual(client.response().status, 200)


if __name__ == "__main__":
    unittest.main()
