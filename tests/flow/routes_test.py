"""Which route a request takes and what the route does to it: rewrite, redirect, respond, headers, pages."""

import json
import unittest

from support.flow import LISTEN, FlowTest
from support.origin import dead_address
from support.wire import Fields


class Match(FlowTest):
    """Routes that answer with their own name, so that the answer tells the choice."""

    def start(self, *routes):
        text = LISTEN
        for name, lines in routes:
            text += f'[[route]]\nname = "{name}"\n{lines}\nrespond = {{ status = 200, body = "{name}" }}\n'
        return self.proxy(text)

    def choice(self, proxy, path="/", **more):
        response = self.fetch(proxy, path, **more)
        return response.body.decode() if response.status == 200 else response.status

    def test_by_path(self):
        proxy = self.start(("exact", 'path = "/a"'), ("prefix", 'path = "/a/*"'), ("longer", 'path = "/a/b/*"'),
                           ("regex", 'path = "~ ^/item/[0-9]+$"'))
        for path, name in (("/a", "exact"), ("/a/x", "prefix"), ("/a/b/c", "longer"), ("/item/12", "regex"), ("/item/x", 404),
                           ("/ab", 404), ("/a/b/../x", "prefix"), ("/%61", "exact")):
            self.assertEqual(self.choice(proxy, path), name, path)

    def test_by_host(self):
        proxy = self.start(("any", ""), ("wild", 'host = ["*.shop.test"]'), ("deep", 'host = ["*.eu.shop.test"]'),
                           ("exact", 'host = ["www.shop.test"]'))
        for host, name in (("www.shop.test", "exact"), ("WWW.SHOP.TEST:8080", "exact"), ("x.shop.test", "wild"),
                           ("x.eu.shop.test", "deep"), ("shop.test", "any"), ("other.test", "any"), ("www.shop.test.", "exact")):
            self.assertEqual(self.choice(proxy, host=host), name, host)

    def test_by_method_and_header(self):
        proxy = self.start(("post", 'methods = ["POST"]'), ("v2", 'methods = ["GET"]\nheader = { "X-Version" = "2" }'),
                           ("any-version", 'methods = ["GET"]\nheader = { "X-Version" = "*" }'), ("get", 'methods = ["GET"]'))
        self.assertEqual(self.choice(proxy, method="POST", body=b""), "post")
        self.assertEqual(self.choice(proxy, fields=[("x-version", "2")]), "v2")
        self.assertEqual(self.choice(proxy, fields=[("X-Version", "3")]), "any-version")
        self.assertEqual(self.choice(proxy), "get")
        response = self.fetch(proxy, method="DELETE")
        self.assertEqual(response.status, 405)
        self.assertEqual(set(response["Allow"].replace(" ", "").split(",")) & {"GET", "POST"}, {"GET", "POST"})

    def test_no_route_is_404(self):
        response = self.fetch(self.start(("a", 'path = "/a"')), "/b")
        self.assertEqual(response.status, 404)
        self.assertNotEqual(response.body, b"")


class Act(FlowTest):
    def start(self, lines, upstream=True, files=None):
        self.at = self.origin()
        route = f'upstream = "{self.at.url}"\n' if upstream else ""
        return self.proxy(f'{LISTEN}[[route]]\n{lines}\n{route}', files=files)

    def test_strip_prefix(self):
        proxy = self.start('path = "/v1/*"\nstrip_prefix = "/v1"')
        for path, target in (("/v1/users?x=1", "/users?x=1"), ("/v1/", "/")):
            self.fetch(proxy, path)
            self.assertEqual(self.at.requests[-1].target, target)

    def test_rewrite(self):
        proxy = self.start('rewrite = { from = "^/old/(.*)$", to = "/new/$1" }')
        for path, target in (("/old/a/b?q=/old/", "/new/a/b?q=/old/"), ("/other", "/other")):
            self.fetch(proxy, path)
            self.assertEqual(self.at.requests[-1].target, target)

    def test_redirect(self):
        proxy = self.start('path = "/old/*"\nredirect = { to = "https://example.com{path}", status = 301 }', upstream=False)
        response = self.fetch(proxy, "/old/page?x=1")
        self.assertEqual((response.status, response["Location"]), (301, "https://example.com/old/page?x=1"))

    def test_a_redirect_cannot_be_split_by_the_path(self):
        proxy = self.start('redirect = { to = "https://{host}{path}" }', upstream=False)
        response = self.fetch(proxy, "/a%0d%0aSet-Cookie:%20x=y")
        self.assertIn(response.status, (308, 400))
        self.assertIsNone(response["Set-Cookie"])

    def test_respond(self):
        proxy = self.start('respond = { status = 203, body = "pong\\n", headers = { "Content-Type" = "text/x-pong" } }', upstream=False)
        response = self.fetch(proxy)
        self.assertEqual((response.status, response.body, response["Content-Type"]), (203, b"pong\n", "text/x-pong"))
        head = self.fetch(proxy, method="HEAD")
        self.assertEqual((head.status, head.body, head["Content-Length"]), (203, b"", "5"))

    def test_request_headers(self):
        proxy = self.start('request_headers = { set = { "X-Id" = "{request_id}", "X-Who" = "{client}" }, '
                           'add = { "X-Tag" = "b" }, remove = ["X-Secret"] }')
        seen = Fields(tuple(p) for p in json.loads(
            self.fetch(proxy, fields=[("X-Secret", "1"), ("X-Who", "liar"), ("X-Tag", "a")]).body)["fields"])
        self.assertEqual((seen.all("X-Secret"), seen.all("X-Who"), seen.all("X-Tag")), ([], ["127.0.0.1"], ["a", "b"]))
        self.assertGreater(len(seen.get("X-Id")), 8)

    def test_response_headers(self):
        proxy = self.start('response_headers = { set = { "Strict-Transport-Security" = "max-age=1" }, remove = ["X-Origin"] }')
        response = self.fetch(proxy, "/bytes/1")
        self.assertEqual((response["Strict-Transport-Security"], response["X-Origin"]), ("max-age=1", None))

    def test_error_pages(self):
        sock, dead = dead_address()
        self.addCleanup(sock.close)
        proxy = self.proxy(f'{LISTEN}[[route]]\nupstream = "{dead}"\nerrors = {{ "502" = "pages/502.html" }}\n',
                           files={"pages/502.html": "<h1>Back soon</h1>\n"})
        response = self.fetch(proxy)
        self.assertEqual((response.status, response.body), (502, b"<h1>Back soon</h1>\n"))
        self.assertTrue(response["Content-Type"].startswith("text/html"))

    def test_error_pages_stand_in_for_those_of_the_origin_while_it_is_hidden(self):
        page, files = 'errors = { "404" = "404.html", "5xx" = "oops.html" }', {"404.html": "not here", "oops.html": "oops"}
        hidden = self.start(page, files=files)
        for status, body in ((404, b"not here"), (500, b"oops"), (200, b""), (403, b"")):
            response = self.fetch(hidden, f"/status/{status}")
            self.assertEqual((response.status, response.body), (status, body))
        shown = self.start(page + "\nhide_origin = false", files=files)
        self.assertEqual(self.fetch(shown, "/status/404").body, b"")

    def test_a_body_without_a_reader_does_not_disturb_the_next_request(self):
        client = self.client(self.start('respond = { status = 200, body = "x" }', upstream=False))
        for _ in range(3):
            client.ask("POST", "/", body=b"GET /evil HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(client.response().body, b"x")


class HideOrigin(FlowTest):
    def origin_that_tells(self):
        def script(connection):
            while True:
                request = connection.request()
                own = connection.origin.url[len("http://"):]
                connection.send(f"HTTP/1.1 302 Found\r\nServer: Secret/1.0\r\nX-Powered-By: PHP/5\r\n"
                                f"Location: http://{own}/login\r\nSet-Cookie: a=b; Domain={own.split(':')[0]}; Path=/\r\n"
                                f"X-Host: {request['Host']}\r\nContent-Length: 0\r\n\r\n".encode())

        return self.script(script)

    def test_by_default_nothing_tells_of_the_origin(self):
        origin = self.origin_that_tells()
        response = self.fetch(self.proxy_to(origin.url), host="shop.test")
        self.assertEqual((response["Server"], response["X-Powered-By"]), (None, None))
        self.assertEqual(response["Location"], "http://shop.test/login")
        self.assertNotIn("127.0.0.1", response["Set-Cookie"])

    def test_off_everything_passes(self):
        origin = self.origin_that_tells()
        response = self.fetch(self.proxy_to(origin.url, route="hide_origin = false"), host="shop.test")
        self.assertEqual((response["Server"], response["Location"]), ("Secret/1.0", f"{origin.url}/login"))

    def test_a_location_elsewhere_stays(self):
        def script(connection):
            connection.request()
            connection.send(b"HTTP/1.1 302 Found\r\nLocation: https://other.test/x\r\nContent-Length: 0\r\n\r\n")

        self.assertEqual(self.fetch(self.proxy_to(self.script(script).url))["Location"], "https://other.test/x")


class Split(FlowTest):
    """A canary: some of the clients, always the same ones."""

    def config(self, split):
        tables = "".join(f'[upstream.{o.name}]\nservers = ["{o.url}"]\n' for o in self.origins)
        return (f'[log]\naccess = "access.log"\n{LISTEN}trusted_proxies = ["127.0.0.1"]\n{tables}'
                f'[[route]]\nname = "all"\nsplit = {split}\n')

    def ask(self, proxy, client):
        return self.fetch(proxy, fields=[("X-Forwarded-For", client)])["X-Origin"]

    def test_clients_are_shared_out_by_weight_and_stay(self):
        self.origins = [self.origin("app"), self.origin("canary")]
        proxy = self.proxy(self.config("{ app = 3, canary = 1 }"))
        clients = [f"10.0.{i}.{i * 7 % 250}" for i in range(200)]
        first = [self.ask(proxy, client) for client in clients]
        self.assertTrue(25 <= first.count("canary") <= 75, first.count("canary"))
        self.assertEqual([self.ask(proxy, client) for client in clients[:40]], first[:40])
        shown = {line["client"]: line["upstream"] for line in proxy.access_log(200)}
        self.assertEqual([shown[client] for client in clients], first)
        self.assertEqual(proxy.reload(self.config("{ app = 0, canary = 1 }"))[0], 200)
        self.assertEqual({self.ask(proxy, client) for client in clients[:20]}, {"canary"})

    def test_a_name_that_is_no_upstream_is_told(self):
        self.origins = [self.origin("app")]
        proxy = self.proxy(self.config("{ app = 1 }"))
        status, body = proxy.reload(self.config("{ app = 1, ap = 1 }"))
        self.assertEqual(status, 422)
        self.assertIn('there is no upstream \\"ap\\"; did you mean \\"app\\"?', json.dumps(body))


if __name__ == "__main__":
    unittest.main()
