"""Sessions that stay with one server by a cookie of ours."""

import os
import re
import unittest
import urllib.parse

from support.flow import FlowTest
from support.waiting import until

STICKY = 'sticky = { cookie = "sid" }'
NAMES = (b"one", b"two", b"three")


class Sticky(FlowTest):
    def setUp(self):
        super().setUp()
        self.origins = [self.script(self.named(name)) for name in NAMES]
        self.urls = [one.url for one in self.origins]

    @staticmethod
    def named(name):
        def script(connection):
            while True:
                request = connection.request()
                extra = b"Cache-Control: max-age=60\r\n" if request.path == "/stored" else b""
                connection.send(b"HTTP/1.1 200 OK\r\n" + extra + b"Content-Length: %d\r\n\r\n" % len(name) + name)

        return script

    def ask(self, proxy, cookie=None, path="/x"):
        """The server that answered, and the cookie that is set; None when none is."""
        fields = [("Cookie", cookie)] if cookie else []
        reply = self.fetch(proxy, path, fields=fields)
        self.assertEqual(reply.status, 200)
        given = [value for name, value in reply.fields if name.lower() == "set-cookie"]
        return reply.body, given[0] if given else None

    def begin(self, proxy, wanted=None):
        """A new session, with server `wanted` if that is given: its server and its cookie as the client sends it."""
        for _ in range(10):
            name, given = self.ask(proxy)
            if wanted in (None, name):
                return name, given.split(";")[0]
        self.fail("no session with that server")

    def change(self, proxy, index, state):
        url = urllib.parse.quote(self.urls[index], safe="")
        proxy.control("PATCH", f"/v1/upstreams/app/servers/{url}", {"state": state})

    def test_a_session_stays_and_the_cookie_tells_nothing(self):
        proxy = self.proxy_to(*self.urls, upstream=STICKY)
        _, given = self.ask(proxy)
        self.assertRegex(given, r"^sid=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Lax$")
        for _ in range(3):
            name, cookie = self.begin(proxy)
            for _ in range(6):
                self.assertEqual(self.ask(proxy, "a=1; " + cookie + "; b=2"), (name, None))
        # The servers get the client's own cookies alone.
        cookies = {r.fields.get("cookie") for o in self.origins for r in o.requests}
        self.assertEqual(cookies, {None, "a=1; b=2"})

    def test_new_sessions_are_balanced(self):
        proxy = self.proxy_to(*self.urls, upstream=STICKY)
        self.assertEqual({self.ask(proxy)[0] for _ in range(12)}, set(NAMES))

    def test_a_made_up_cookie_is_replaced(self):
        proxy = self.proxy_to(*self.urls, upstream=STICKY)
        for cookie in ("sid=" + "0" * 32, "sid=http://127.0.0.1:1", "sid=", "sid"):
            name, given = self.ask(proxy, cookie)
            self.assertIn(name, NAMES)
            self.assertRegex(given, "^sid=[0-9a-f]{32};")

    def test_a_session_whose_server_dies_moves_to_another(self):
        proxy = self.proxy_to(*self.urls, upstream=STICKY)
        name, cookie = self.begin(proxy)
        self.origins[NAMES.index(name)].kill()
        other, given = self.ask(proxy, cookie)
        self.assertNotEqual(other, name)
        self.assertEqual(self.ask(proxy, given.split(";")[0]), (other, None))

    def test_a_draining_server_keeps_its_sessions_and_gets_no_new_ones(self):
        proxy = self.proxy_to(*self.urls, upstream=STICKY)
        name, cookie = self.begin(proxy)
        index = NAMES.index(name)
        self.change(proxy, index, "drain")
        self.assertEqual(self.ask(proxy, cookie), (name, None))
        self.assertNotIn(name, {self.ask(proxy)[0] for _ in range(9)})
        self.change(proxy, index, "maint")
        other, given = self.ask(proxy, cookie)
        self.assertNotEqual(other, name)
        self.assertIsNotNone(given)

    def test_sessions_outlive_reloads_and_with_a_key_file_restarts(self):
        key = os.path.join(self.folder(), "sticky.key")
        with open(key, "w") as file:
            file.write("0123456789abcdef0123456789abcdef\n")
        upstream = f'sticky = {{ cookie = "sid", key_file = "{key}", ttl = "1h", same_site = "strict" }}'
        proxy = self.proxy_to(*self.urls, upstream=upstream)
        name, given = self.ask(proxy)
        self.assertIn("; Max-Age=3600; SameSite=Strict", given)
        cookie = given.split(";")[0]
        # Other servers come and go; the order changes.
        proxy.reload(self.config_to(*reversed(self.urls), upstream=upstream))
        self.assertEqual(self.ask(proxy, cookie), (name, None))
        proxy.stop()
        again = self.proxy_to(*self.urls, upstream=upstream)
        self.assertEqual(self.ask(again, cookie), (name, None))
        other = self.proxy_to(*self.urls, upstream=STICKY)
        self.assertIsNotNone(self.ask(other, cookie)[1])

    def test_a_full_server_is_no_reason_to_wait(self):
        limited = self.config_to(*self.urls, upstream=STICKY)
        servers = ", ".join(f'{{ url = "{url}", max_connections = 5 }}' for url in self.urls)
        limited = re.sub(r"servers = .*", f"servers = [{servers}]", limited, count=1)
        proxy = self.proxy(limited)
        name, cookie = self.begin(proxy)
        for _ in range(6):
            self.assertEqual(self.ask(proxy, cookie), (name, None))
        until(lambda: all(row["active"] == 0 for row in proxy.servers("app").values()), "all places are free")

    def test_what_the_cache_stores_is_nobodys_session(self):
        proxy = self.proxy_to(*self.urls, upstream=STICKY, route='cache = "all"', top='[cache.all]\nmemory = "1MiB"\n')
        for _ in range(3):
            self.assertIsNone(self.ask(proxy, path="/stored")[1])
        self.assertIsNotNone(self.ask(proxy, path="/other")[1])

    def test_a_reply_that_binds_is_private(self):
        proxy = self.proxy_to(*self.urls, upstream=STICKY)
        reply = self.fetch(proxy, "/x")
        self.assertIn("private", [v for n, v in reply.fields if n.lower() == "cache-control"])


if __name__ == "__main__":
    unittest.main()
