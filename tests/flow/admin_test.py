"""The control API over TCP, and what it shows."""

import http.client
import json
import unittest

from support.flow import FlowTest
from support.proxy import run_tool

TOKEN = "0123456789abcdef0123"


class Admin(FlowTest):
    def start(self, token=TOKEN):
        proxy = self.proxy_to(self.origin().url, top=f'[admin]\naddress = "127.0.0.1:0"\ntoken = "{token}"\n')
        return proxy, proxy.status()["admin"]

    def ask(self, address, method, path, token=None, body=None, host=None):
        connection = http.client.HTTPConnection(address, timeout=20)
        try:
            fields = {"Authorization": f"Bearer {token}"} if token is not None else {}
            if host is not None:
                fields["Host"] = host
            connection.request(method, path, body=json.dumps(body) if body is not None else None, headers=fields)
            reply = connection.getresponse()
            return reply.status, reply.read().decode(errors="replace"), reply
        finally:
            connection.close()

    def test_everybody_may_look_and_only_the_token_changes_anything(self):
        proxy, address = self.start()
        self.assertEqual(self.ask(address, "GET", "/v1/status")[0], 200)
        self.assertIn("rpx_requests_total", self.ask(address, "GET", "/metrics")[1])
        change = ("PUT", "/v1/maintenance/all")
        status, _, reply = self.ask(address, *change, body={"enabled": True})
        self.assertEqual((status, reply.getheader("WWW-Authenticate")), (401, 'Bearer realm="rpx"'))
        for wrong in ("", TOKEN[:-1], TOKEN + "x", TOKEN.upper()):
            self.assertEqual(self.ask(address, *change, token=wrong, body={"enabled": True})[0], 401)
            self.assertEqual(self.ask(address, "GET", "/v1/status", token=wrong)[0], 401)
        self.assertEqual(self.fetch(proxy).status, 200)
        self.assertEqual(self.ask(address, *change, token=TOKEN, body={"enabled": True})[0], 200)
        self.assertEqual(self.fetch(proxy).status, 503)
        self.logged(proxy, "tcp 127.0.0.1")

    def test_without_a_token_nothing_can_be_changed(self):
        _, address = self.start("")
        self.assertEqual(self.ask(address, "POST", "/v1/reload")[0], 403)
        self.assertEqual(self.ask(address, "POST", "/v1/reload", token="")[0], 403)
        self.assertEqual(self.ask(address, "GET", "/v1/status")[0], 200)

    def test_the_token_is_shown_to_nobody_and_a_reload_changes_it(self):
        proxy, address = self.start()
        self.assertNotIn(TOKEN, json.dumps(proxy.control("GET", "/v1/config")[1]))
        done = run_tool("config", "-c", proxy.path("rpx.toml"))
        self.assertNotIn(TOKEN, done.stdout)
        with open(proxy.path("rpx.toml"), encoding="utf-8") as f:
            text = f.read()
        proxy.write("rpx.toml", text.replace(TOKEN, TOKEN[::-1]))
        self.assertEqual(proxy.reload()[0], 200)
        self.assertEqual(self.ask(address, "POST", "/v1/reload", token=TOKEN)[0], 401)
        self.assertEqual(self.ask(address, "POST", "/v1/reload", token=TOKEN[::-1])[0], 200)

    def test_there_is_a_page_for_people(self):
        _, address = self.start()
        status, page, reply = self.ask(address, "GET", "/")
        self.assertEqual((status, reply.getheader("Content-Type")), (200, "text/html; charset=utf-8"))
        self.assertIn("/v1/status", page)

        status, _, reply = self.ask(address, "DELETE", "/", token=TOKEN)
        self.assertEqual((status, reply.getheader("Allow")), (405, "GET, HEAD"))

    def test_another_name_for_it_gets_the_metrics_alone_without_the_token(self):
        _, address = self.start()
        port = address.rpartition(":")[2]
        self.assertEqual(self.ask(address, "GET", "/metrics", host="rpx.monitoring.svc")[0], 200)
        for path in ("/", "/v1/status", "/v1/config"):
            self.assertEqual(self.ask(address, "GET", path, host=f"rebound.test:{port}")[0], 403, path)
            self.assertEqual(self.ask(address, "GET", path, host=f"localhost:{port}")[0], 200, path)
            self.assertEqual(self.ask(address, "GET", path, host=f"rebound.test:{port}", token=TOKEN)[0], 200, path)

    def test_what_is_stored_is_shown_to_the_token_alone(self):
        for token, refused in ((TOKEN, 401), ("", 403)):
            proxy = self.proxy_to(self.origin().url, top=f'[admin]\naddress = "127.0.0.1:0"\ntoken = "{token}"\n[cache.c]\n',
                                  route='cache = "c"')
            address = proxy.status()["admin"]
            for path in ("/v1/cache/c/body?url=http://a/", "/v1/cache/c/snapshot", "/v1/cache/c/%73napshot", "http://127.0.0.1/v1/cache/c/snapshot"):
                for method in ("GET", "HEAD"):
                    self.assertEqual(self.ask(address, method, path)[0], refused, path)
            self.assertEqual(self.ask(address, "GET", "/v1/cache/c")[0], 200)
            if token:
                self.assertEqual(self.ask(address, "GET", "/v1/cache/c/snapshot", token=token)[0], 200)

    def test_a_token_for_nobody_is_warned_of(self):
        done = run_tool("check", "-", stdin=f'[admin]\ntoken = "{TOKEN}"\n[[listen]]\naddress = "127.0.0.1:0"\n[[route]]\nrespond = {{ status = 200 }}\n')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("warning: without address", done.stderr)

    def test_what_is_wrong_is_told(self):
        for line, why in (('address = "9100"', "expected a host and a port"), ('address = "unix:x"', "expected a host and a port"),
                          ('address = "127.0.0.1:0"\ntoken = "short"', "at least 16 characters"),
                          ('address = "127.0.0.1:0"\ntoken = "0123456789 012345"', "letters, digits")):
            done = run_tool("check", "-", stdin=f'[admin]\n{line}\n[[listen]]\naddress = "127.0.0.1:0"\n[[route]]\nrespond = {{ status = 200 }}\n')
            self.assertEqual(done.returncode, 2, line)
            self.assertIn(why, done.stderr)


class Top(FlowTest):
    def test_it_prints_a_look_a_line_when_stdout_is_no_terminal(self):
        proxy = self.proxy_to(self.origin().url)
        self.fetch(proxy)
        done = run_tool("top", "-n", "2", "--interval", "50ms", "-o", "ndjson", "--socket", proxy.path("rpx.sock"))
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(rows), 2)
        self.assertIn("requests_per_s", rows[0])
        shown = run_tool("top", "-n", "1", "--interval", "50ms", "-o", "table", "--socket", proxy.path("rpx.sock")).stdout
        self.assertIn("requests/s", shown)
        self.assertIn("SERVER", shown)

    def test_without_a_proxy_it_says_so(self):
        self.assertEqual(run_tool("top", "--socket", f"{self.folder()}/none.sock").returncode, 3)


class Leaks(FlowTest):
    def leaks(self, proxy, path="/"):
        done = run_tool("explain", "--leaks", f"http://shop.test{path}", "-o", "json", "--socket", proxy.path("rpx.sock"))
        found = json.loads(done.stdout)["leaks"]
        self.assertEqual(done.returncode, 1 if found else 0, done.stderr)
        return {(leak["where"], leak["why"].split(",")[0]) for leak in found}

    def answer(self, connection):
        place = f"127.0.0.1:{self.at.port}"
        while True:
            request = connection.request()
            fields = {"/bare": "Server: Apache/2.4\r\nX-Powered-By: PHP\r\nServer-Timing: db;dur=53\r\nETag: \"2c39f-5a-5e3f2a1b\"\r\n"
                               f"X-Where: {place}\r\nX-Net: 10.1.2.3\r\nX-Net6: at:fd12:3456::7.\r\nX-Out: 2001:db8::fd12\r\nSet-Cookie: JSESSIONID=a1.node7; Path=/\r\n",
                      "/page": "", "/error": ""}.get(request.path, "")
            status = "500 Oops" if request.path == "/error" else "200 OK"
            body = {"/page": f"see http://{place}/x", "/error": "Traceback (most recent call last):\n boom"}.get(request.path, "fine").encode()
            connection.send(f"HTTP/1.1 {status}\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def test_what_gets_through_is_told_and_what_is_hidden_is_not(self):
        self.at = self.script(self.answer)
        proxy = self.proxy_to(self.at.url, top='[[route]]\nname = "bare"\npath = "/bare"\nupstream = "app"\nhide_origin = false\n')
        self.assertEqual(self.leaks(proxy, "/bare"), {
            ("header Server", "it tells what the server is made of"), ("header X-Powered-By", "it tells what the server is made of"),
            ("header Server-Timing", "it tells what the server is made of"),
            ("header ETag", "an entity tag made of a file's inode"), ("header X-Where", "it names a server"),
            ("header X-Net", "it has an address of a private network"), ("header X-Net6", "it has an address of a private network"),
            ("header Set-Cookie", "a session whose id ends in the name of a machine")})
        self.assertEqual(self.leaks(proxy, "/fine"), set())
        self.assertEqual(self.leaks(proxy, "/page"), {("body", "it names a server")})
        self.assertEqual(self.leaks(proxy, "/error"), {("body", "a stack trace of Python")})

    def test_our_own_errors_tell_nothing(self):
        self.at = self.script(lambda connection: connection.close())
        self.assertEqual(self.leaks(self.proxy_to(self.at.url)), set())

    def test_one_url_is_asked_for(self):
        for words in ([], ["GET", "http://a.test/"], ["ftp://a.test/"]):
            proxy = self.proxy_to(self.origin().url)
            done = run_tool("explain", "--leaks", *words, "--socket", proxy.path("rpx.sock"))
            self.assertEqual(done.returncode, 2, words)


if __name__ == "__main__":
    unittest.main()
