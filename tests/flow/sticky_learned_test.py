"""Sessions that are known by a cookie of the servers' own, or by the client's address, and remembered here."""

import time
import unittest
import urllib.parse

from support.client import Client
from support.flow import FlowTest
from support.waiting import until

LEARN = 'sticky = { learn = "JSESSIONID" }'
SOURCE = 'sticky = { source = "ip" }'


class Learned(FlowTest):
    def setUp(self):
        super().setUp()
        self.sessions = 0
        self.origins = [self.script(self.shop(name)) for name in ("one", "two", "three")]
        self.urls = [one.url for one in self.origins]

    def shop(self, name):
        """/login sets a session's cookie; every other path only says who answers."""
        def script(connection):
            while True:
                request = connection.request()
                extra = ""
                if request.path == "/login":
                    self.sessions += 1
                    extra = f'Set-Cookie: other=1; Path=/\r\nSet-Cookie: JSESSIONID="s{self.sessions}-{name}"; HttpOnly\r\n'
                if request.path == "/logout":
                    extra = "Set-Cookie: JSESSIONID=; Max-Age=0\r\n"
                body = name.encode()
                connection.send(f"HTTP/1.1 200 OK\r\n{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body)

        return script

    def ask(self, proxy, path="/x", cookie=None, source=None):
        fields = [("Cookie", cookie)] if cookie else []
        if source:
            fields.append(("X-Forwarded-For", source))
        reply = self.fetch(proxy, path, fields=fields)
        self.assertEqual(reply.status, 200)
        return reply.body.decode(), reply

    def login(self, proxy):
        name, reply = self.ask(proxy, "/login")
        cookie = [v for n, v in reply.fields if n.lower() == "set-cookie" and "JSESSIONID" in v]
        return name, cookie[0].split(";")[0].replace('"', "")

    def change(self, proxy, name, state):
        url = self.urls[("one", "two", "three").index(name)]
        proxy.control("PATCH", f"/v1/upstreams/app/servers/{urllib.parse.quote(url, safe='')}", {"state": state})

    def test_who_shows_the_servers_cookie_goes_to_the_server_that_set_it(self):
        proxy = self.proxy_to(*self.urls, upstream=LEARN)
        sessions = [self.login(proxy) for _ in range(6)]
        self.assertEqual({name for name, _ in sessions}, {"one", "two", "three"})
        for _ in range(4):
            for name, cookie in sessions:
                self.assertEqual(self.ask(proxy, cookie=f"a=b; {cookie}; c=d")[0], name)
        # The cookie is the servers' own and goes to them as it came.
        self.assertIn("a=b; " + sessions[0][1] + "; c=d", {r["Cookie"] for o in self.origins for r in o.requests})
        self.assertEqual(len({self.ask(proxy)[0] for _ in range(9)}), 3, "without a cookie all is as ever")
        self.assertIn('rpx_upstream_sessions{upstream="app"} 6\n', proxy.control("GET", "/metrics")[1])

    def test_a_cookie_nobody_knows_stays_where_it_is_answered_first(self):
        proxy = self.proxy_to(*self.urls, upstream=LEARN)
        name, _ = self.ask(proxy, cookie="JSESSIONID=from-before")
        for _ in range(6):
            self.assertEqual(self.ask(proxy, cookie="JSESSIONID=from-before")[0], name)

    def test_a_cookie_that_is_taken_away_is_no_session(self):
        proxy = self.proxy_to(*self.urls, upstream=LEARN)
        self.ask(proxy, "/logout")
        self.assertIn('rpx_upstream_sessions{upstream="app"} 0\n', proxy.control("GET", "/metrics")[1])

    def test_a_session_whose_server_dies_moves_and_stays_there(self):
        proxy = self.proxy_to(*self.urls, upstream=LEARN)
        name, cookie = self.login(proxy)
        self.origins[("one", "two", "three").index(name)].kill()
        other, _ = self.ask(proxy, cookie=cookie)
        self.assertNotEqual(other, name)
        for _ in range(6):
            self.assertEqual(self.ask(proxy, cookie=cookie)[0], other)

    def test_a_draining_server_keeps_its_sessions_and_gets_no_new_ones(self):
        for upstream in (LEARN, SOURCE):
            proxy = self.proxy_to(*self.urls, upstream=upstream, listen='trusted_proxies = ["127.0.0.1"]')
            name, cookie = self.login(proxy)
            self.change(proxy, name, "drain")
            if upstream == LEARN:
                self.assertEqual(self.ask(proxy, cookie=cookie)[0], name)
            else:
                self.assertEqual(self.ask(proxy)[0], name)
            others = {self.ask(proxy, source=f"198.51.100.{n}")[0] for n in range(9)}
            self.assertNotIn(name, others)

    def test_an_address_stays_with_its_server_and_addresses_are_balanced(self):
        proxy = self.proxy_to(*self.urls, upstream=SOURCE, listen='trusted_proxies = ["127.0.0.1"]')
        first = {n: self.ask(proxy, source=f"198.51.100.{n}")[0] for n in range(12)}
        self.assertEqual(set(first.values()), {"one", "two", "three"})
        for _ in range(3):
            for n, name in first.items():
                self.assertEqual(self.ask(proxy, source=f"198.51.100.{n}")[0], name)

    def test_what_was_learned_outlives_reloads_and_restarts(self):
        folder = self.folder()
        for upstream in (LEARN, SOURCE):
            extra = {"upstream": upstream, "listen": 'trusted_proxies = ["127.0.0.1"]'}
            proxy = self.proxy_to(*self.urls, folder=folder, **extra)
            name, cookie = self.login(proxy)
            source = None if upstream == LEARN else "198.51.100.77"
            given = cookie if upstream == LEARN else None
            if source:
                name, _ = self.ask(proxy, source=source)
            # Other servers come and go; the order changes.
            proxy.reload(self.config_to(*reversed(self.urls), **extra))
            self.assertEqual(self.ask(proxy, cookie=given, source=source)[0], name)
            proxy.stop()
            again = self.proxy_to(*self.urls, folder=folder, **extra)
            for _ in range(6):
                self.assertEqual(self.ask(again, cookie=given, source=source)[0], name)
            again.stop()

    def test_what_was_learned_is_kept_while_the_process_runs_too(self):
        folder = self.folder()
        proxy = self.proxy_to(*self.urls, folder=folder, upstream=LEARN)
        name, cookie = self.login(proxy)
        until(lambda: "app " in proxy.text("rpx.sock.state.sessions"), "the session in the file")
        self.assertNotIn(cookie, proxy.text("rpx.sock.state.sessions"))
        proxy.process.kill()
        proxy.process.wait()
        proxy.code = -9
        again = self.proxy_to(*self.urls, folder=folder, upstream=LEARN)
        for _ in range(6):
            self.assertEqual(self.ask(again, cookie=cookie)[0], name)

    def test_no_more_sessions_are_remembered_than_that(self):
        proxy = self.proxy_to(*self.urls, upstream='sticky = { learn = "JSESSIONID", entries = 32 }')
        with Client(proxy.address()) as client:
            for n in range(300):
                client.ask(fields=[("Cookie", f"JSESSIONID={n}")])
                self.assertEqual(client.response().status, 200)
        text = proxy.control("GET", "/metrics")[1]
        kept = int(text.split('rpx_upstream_sessions{upstream="app"} ')[1].split("\n")[0])
        self.assertTrue(16 <= kept <= 32, kept)

    def test_a_session_is_forgotten_when_it_is_idle_for_too_long(self):
        proxy = self.proxy_to(*self.urls, upstream='sticky = { learn = "JSESSIONID", idle = "50ms" }')
        _, cookie = self.login(proxy)
        seen = set()

        def elsewhere():
            time.sleep(0.1)
            seen.add(self.ask(proxy, cookie=cookie)[0])
            return len(seen) > 1

        until(elsewhere, "the session to be balanced anew")


if __name__ == "__main__":
    unittest.main()
