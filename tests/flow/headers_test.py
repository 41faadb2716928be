"""Which header fields travel: hop-by-hop ones end here, the rest arrives, the client is named behind us."""

import json
import unittest

from support.flow import FlowTest
from support.wire import Fields


class HeaderTest(FlowTest):
    def seen(self, proxy, fields=(), path="/headers", **more):
        """The header fields as they reached the origin."""
        response = self.fetch(proxy, path, fields=fields, **more)
        self.assertEqual(response.status, 200, response)
        return Fields(tuple(pair) for pair in json.loads(response.body)["fields"])


class HopByHop(HeaderTest):
    def test_ends_here_on_the_way_to_the_origin(self):
        proxy = self.proxy_to(self.origin().url)
        client = self.client(proxy)
        client.ask(path="/h", fields=[("Connection", "X-Private, keep-alive"), ("X-Private", "1"), ("Keep-Alive", "timeout=5"),
                                      ("Proxy-Connection", "keep-alive"), ("Proxy-Authorization", "Basic eDp5"),
                                      ("TE", "gzip"), ("X-Public", "2"), ("HTTP2-Settings", "AAMAAABk")])
        seen = Fields(tuple(p) for p in json.loads(client.response().body)["fields"])
        for name in ("X-Private", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "TE", "HTTP2-Settings", "Upgrade"):
            self.assertIsNone(seen.get(name), name)
        self.assertEqual(seen.get("X-Public"), "2")

    def test_ends_here_on_the_way_to_the_client(self):
        def script(connection):
            connection.request()
            connection.send(b"HTTP/1.1 200 OK\r\nConnection: X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\n"
                            b"Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nX-Public: 2\r\nContent-Length: 0\r\n\r\n")

        response = self.fetch(self.proxy_to(self.script(script).url))
        for name in ("X-Private", "Keep-Alive", "Proxy-Authenticate", "Upgrade"):
            self.assertIsNone(response[name], name)
        self.assertEqual(response["X-Public"], "2")

    def test_connection_cannot_name_away_what_the_message_needs(self):
        seen = self.seen(self.proxy_to(self.origin().url),
                         [("Connection", "host, authorization, x-forwarded-for, cookie"), ("Authorization", "Bearer t"), ("Cookie", "a=b")])
        self.assertEqual((seen.get("Host"), seen.get("Authorization"), seen.get("Cookie")), ("origin.test", "Bearer t", "a=b"))
        self.assertEqual(seen.get("X-Forwarded-For"), "127.0.0.1")

    def test_end_to_end_fields_keep_order_case_and_repetition(self):
        sent = [("X-A", "1"), ("x-B", "2"), ("X-A", "3"), ("Accept", "*/*"), ("Cookie", "a=1"), ("X-Empty", "")]
        seen = self.seen(self.proxy_to(self.origin().url), sent)
        ours = {n.lower() for n, _ in sent}
        self.assertEqual([p for p in seen if p[0].lower() in ours], sent)

    def test_several_set_cookie_lines_stay_several(self):
        def script(connection):
            connection.request()
            connection.send(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n")

        response = self.fetch(self.proxy_to(self.script(script).url))
        self.assertEqual(response.fields.all("Set-Cookie"), ["a=1", "b=2"])

    def test_bytes_over_127_in_a_value_pass(self):
        response = self.fetch(self.proxy_to(self.origin().url), fields=[("X-Name", "caf\u00e9")])
        self.assertIn(["X-Name", "caf\u00e9"], json.loads(response.body)["fields"])


class Forwarded(HeaderTest):
    def test_the_client_is_named(self):
        seen = self.seen(self.proxy_to(self.origin().url))
        self.assertEqual(seen.all("X-Forwarded-For"), ["127.0.0.1"])
        self.assertEqual(seen.all("X-Forwarded-Proto"), ["http"])
        self.assertEqual(seen.all("X-Forwarded-Host"), ["origin.test"])
        self.assertEqual(len(seen.all("Forwarded")), 1)
        self.assertIn("for=127.0.0.1", seen.get("Forwarded"))
        self.assertIn("proto=http", seen.get("Forwarded"))

    def test_what_a_stranger_claims_is_not_passed_on(self):
        lies = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.test"),
                ("Forwarded", "for=6.6.6.6;proto=https")]
        seen = self.seen(self.proxy_to(self.origin().url), lies)
        for name in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"):
            self.assertNotRegex(seen.get(name), "6.6.6.6|https|evil", name)

    def test_what_a_trusted_proxy_says_is_extended(self):
        proxy = self.proxy_to(self.origin().url, listen='trusted_proxies = ["127.0.0.0/8"]')
        seen = self.seen(proxy, [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https")])
        self.assertEqual(seen.get("X-Forwarded-For"), "203.0.113.9, 127.0.0.1")
        self.assertEqual(seen.get("X-Forwarded-Proto"), "https")

    def test_the_client_in_the_log_is_the_first_that_is_not_trusted(self):
        top = '[log]\naccess = "access.log"'
        proxy = self.proxy_to(self.origin().url, listen='trusted_proxies = ["127.0.0.0/8", "10.0.0.0/8"]', top=top, serve="workers = 1")
        self.fetch(proxy, fields=[("X-Forwarded-For", "6.6.6.6, 198.51.100.7, 10.1.2.3")])
        self.fetch(proxy, fields=[("Forwarded", 'for="[2001:db8::7]:4711"')])
        self.fetch(proxy, fields=[("X-Forwarded-For", "198.51.100.7, not-an-address, 10.1.2.3")])
        self.assertEqual([line["client"] for line in proxy.access_log(3)], ["198.51.100.7", "2001:db8::7", "10.1.2.3"])


class Host(HeaderTest):
    def test_is_preserved_unless_told_otherwise(self):
        origin = self.origin()
        self.assertEqual(self.seen(self.proxy_to(origin.url), host="shop.test:8080").get("Host"), "shop.test:8080")
        server = self.proxy_to(origin.url, upstream='host = "server"')
        self.assertEqual(self.seen(server).get("Host"), origin.url[len("http://"):])
        self.assertEqual(self.seen(self.proxy_to(origin.url, upstream='host = "fixed.test"')).get("Host"), "fixed.test")

    def test_an_absolute_target_wins_over_the_host_field(self):
        origin = self.origin()
        client = self.client(self.proxy_to(origin.url))
        client.send(b"GET http://absolute.test/x?y HTTP/1.1\r\nHost: other.test\r\n\r\n")
        self.assertEqual(client.response().status, 200)
        self.assertEqual((origin.requests[0].target, origin.requests[0]["Host"]), ("/x?y", "absolute.test"))

    def test_the_path_reaches_the_origin_in_canonical_form(self):
        origin = self.origin()
        proxy = self.proxy_to(origin.url)
        for sent, arrived in (("/a/../b", "/b"), ("/%7Euser", "/~user"), ("/a%2fb", "/a%2Fb"), ("/a/./b/", "/a/b/"),
                              ("/a//b", "/a//b"), ("/x?q=/../%7e", "/x?q=/../%7e")):
            self.fetch(proxy, sent)
            self.assertEqual(origin.requests[-1].target, arrived)


class Ours(HeaderTest):
    def test_via_and_server_are_sent_when_asked_for_only(self):
        origin = self.origin()
        plain = self.fetch(self.proxy_to(origin.url))
        self.assertIsNone(plain["Via"])
        self.assertIsNone(plain["Server"])
        proxy = self.proxy_to(origin.url, serve='via = true\nserver_name = "gate"')
        response = self.fetch(proxy)
        self.assertEqual(response["Server"], "gate")
        self.assertRegex(response["Via"], r"^1\.1 \S+")
        self.assertRegex(self.seen(proxy).get("Via"), r"^1\.1 \S+")

    def test_date_is_added_where_the_origin_sent_none(self):
        self.assertRegex(self.fetch(self.proxy_to(self.origin().url))["Date"], r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$")


if __name__ == "__main__":
    unittest.main()
