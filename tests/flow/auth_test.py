"""Who clients are: passwords, and servers that are asked."""

import base64
import json
import unittest

from support.flow import FlowTest
from support.origin import dead_address
from support.waiting import until

# Both are "wonderland", hashed as cheaply as it goes.
ALICE = "alice:$2b$04$abcdefghijklmnopqrstuujZkTwHUiJ9XdZPwKfcfDo7dMp5DjlTu\n"
CAROL = "carol:$y$j75$saltsaltsaltsalt$O9AKlg5zfBweM8p1SfgMnboT.RWgZ/1bQgDhJ4KhXp3\n"
LOG = '[log]\naccess = "access.log"\n'


def login(user, password="wonderland"):
    return ("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())


class BasicAuth(FlowTest):
    def start(self, more="", route="", **rest):
        self.at = self.origin()
        return self.proxy_to(self.at.url, top=f'{LOG}[access.users]\nbasic_auth = {{ file = "users"{more} }}\n{rest.pop("top", "")}',
                             route=f'access = "users"\n{route}', files={"users": ALICE}, **rest)

    def test_who_does_not_log_in_gets_401_and_no_server_is_asked(self):
        proxy = self.start(', realm = "the shop"')
        for fields in ([], [login("alice", "wrong")], [login("eve")], [("Authorization", "Basic !")], [("Authorization", "Bearer x")],
                       [login("alice"), login("alice")]):
            reply = self.fetch(proxy, fields=fields)
            self.assertEqual((reply.status, reply["WWW-Authenticate"]), (401, 'Basic realm="the shop", charset="UTF-8"'), fields)
        self.assertEqual(self.at.requests, [])
        self.assertEqual(self.fetch(proxy, fields=[login("alice")]).status, 200)
        lines = proxy.access_log(7)
        self.assertEqual(sorted(line["user"] for line in lines), [""] * 6 + ["alice"])
        self.assertEqual(sorted(line["reason"] for line in lines), [""] + ["unauthorized"] * 6)
        self.assertEqual(proxy.status()["unauthorized"], 6)

    def test_the_name_goes_to_servers_and_the_password_only_where_it_may(self):
        rules = 'request_headers = { set = { "X-User" = "{user}" } }'
        seen = json.loads(self.fetch(self.start(route=rules), fields=[login("alice"), ("X-User", "root")]).body)["fields"]
        self.assertEqual([v for n, v in seen if n == "X-User"], ["alice"])
        self.assertEqual([n for n, _ in seen].count("Authorization"), 1)
        hidden = json.loads(self.fetch(self.start(", forward = false", route=rules), fields=[login("alice")]).body)["fields"]
        self.assertEqual([v for n, v in hidden if n == "X-User"], ["alice"])
        self.assertNotIn("Authorization", [n for n, _ in hidden])

    def test_a_file_that_changes_counts_at_once(self):
        proxy = self.start()
        self.assertEqual(self.fetch(proxy, fields=[login("alice")]).status, 200)
        proxy.write("users", CAROL)
        until(lambda: self.fetch(proxy, fields=[login("carol")]).status == 200, "the new file")
        self.assertEqual(self.fetch(proxy, fields=[login("alice")]).status, 401)
        proxy.write("users", "nonsense")
        until(lambda: "line 1: expected name:hash" in proxy.text("stderr"), "a complaint in the log")
        self.assertEqual(self.fetch(proxy, fields=[login("carol")]).status, 200)
        config = self.config_to(self.at.url, top='[access.users]\nbasic_auth = { file = "users" }', route='access = "users"')
        self.assertEqual(proxy.reload(config)[0], 422)

    def test_many_at_once_are_all_told_apart(self):
        proxy = self.start()
        clients = [self.client(proxy) for _ in range(40)]
        for n, client in enumerate(clients):
            client.ask(fields=[login("alice", "wonderland" if n % 2 else f"guess {n}")])
        self.assertEqual([client.response().status for client in clients], [401, 200] * 20)

    def test_a_client_that_leaves_while_its_password_is_hashed_harms_nobody(self):
        self.at = self.origin()
        slow = "alice:$6$rounds=200000$saltsalt$" + "x" * 86 + "\n"
        proxy = self.proxy_to(self.at.url, top='[access.users]\nbasic_auth = { file = "users" }', route='access = "users"',
                              files={"users": slow})
        for _ in range(20):
            client = self.client(proxy)
            client.ask(fields=[login("alice", "a guess")])
            client.close()
        self.assertEqual(self.fetch(proxy, fields=[login("alice")]).status, 401)

    def test_limits_come_before_passwords_and_may_count_names(self):
        proxy = self.start(route='rate_limit = ["guesses", "users"]',
                           top='[rate_limit.guesses]\nrate = "1/m"\nburst = 4\n[rate_limit.users]\nrate = "1/m"\nkey = "{user}"\n')
        got = [self.fetch(proxy, fields=[login(*who)]).status
               for who in (("alice", "x"), ("alice", "y"), ("alice",), ("alice",), ("alice",))]
        self.assertEqual(got, [401, 401, 200, 429, 429])


class ForwardAuth(FlowTest):
    def start(self, answer, more="", route="", **rest):
        self.at = self.origin("app")
        self.guard = self.script(lambda c: self.judge(c, answer))
        return self.proxy_to(self.at.url, route=f'access = "sso"\n{route}',
                             top=f'{LOG}[access.sso]\nforward_auth = {{ url = "{self.guard.url}/verify?app=1"{more} }}', **rest)

    @staticmethod
    def judge(connection, answer):
        while True:
            connection.send(answer(connection.request()))

    def test_2xx_lets_the_request_on_with_what_the_answer_says_of_the_client(self):
        def answer(request):
            return b"HTTP/1.1 200 OK\r\nRemote-User: alice\r\nRemote-Groups: a\r\nRemote-Groups: b\r\nSecret: x\r\nContent-Length: 2\r\n\r\nok"

        proxy = self.start(answer, ', response_headers = ["Remote-User", "Remote-Groups", "Remote-Email"], user = "Remote-User"')
        client = self.client(proxy)
        for _ in range(3):
            client.ask("POST", "/shop/./x?y=1", body=b"body", fields=[
                ("Cookie", "sid=1"), ("Remote-User", "root"), ("remote_email", "root@x"), ("Connection", "remote-user"),
                ("X-Forwarded-Uri", "/public"), ("Content-Type", "text/plain")])
            reply = json.loads(client.response().body)
            claims = [(n, v) for n, v in reply["fields"] if n.lower().startswith("remote") or n == "Secret"]
            self.assertEqual(claims, [("Remote-User", "alice"), ("Remote-Groups", "a"), ("Remote-Groups", "b")])
            self.assertEqual(reply["body"], "body")
        asked = self.guard.requests[0]
        self.assertEqual((asked.method, asked.target), ("GET", "/verify?app=1"))
        self.assertEqual([v for n, v in asked.fields if n.lower() == "x-forwarded-uri"], ["/shop/x?y=1"], asked.raw_head)
        self.assertEqual((asked["X-Forwarded-Method"], asked["Cookie"], asked["X-Forwarded-Host"], asked["X-Forwarded-For"]),
                         ("POST", "sid=1", "origin.test", "127.0.0.1"))
        self.assertEqual((asked["Content-Type"], asked["Content-Length"]), (None, None))
        self.assertEqual(len(self.guard.connections), 1, "the connection to it is kept")
        self.assertEqual({line["user"] for line in proxy.access_log(3)}, {"alice"})

    def test_any_other_answer_is_the_clients(self):
        def answer(request):
            if request["Cookie"]:
                return b"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n\r\nno\n"
            return b"HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\nSet-Cookie: a=b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"

        proxy = self.start(answer)
        client = self.client(proxy)
        client.ask()
        first = client.response()
        self.assertEqual((first.status, first["Location"], first["Set-Cookie"], first.body), (302, "https://login.example/", "a=b", b"hi"))
        client.ask(fields=[("Cookie", "x=y")])
        second = client.response()
        self.assertEqual((second.status, second["Content-Type"], second.body), (403, "text/plain", b"no\n"))
        self.assertEqual(self.at.requests, [])
        self.assertEqual({line["reason"] for line in proxy.access_log(2)}, {"unauthorized"})

    def test_only_the_fields_it_is_to_see(self):
        proxy = self.start(lambda request: b"HTTP/1.1 204 No Content\r\n\r\n", ', request_headers = ["Cookie"]')
        self.assertEqual(self.fetch(proxy, fields=[("Cookie", "a=b"), ("Authorization", "Basic eDp5"), ("X-Any", "1")]).status, 200)
        asked = self.guard.requests[0]
        self.assertEqual((asked["Cookie"], asked["Authorization"], asked["X-Any"]), ("a=b", None, None))

    def test_nobody_is_let_on_when_it_does_not_answer(self):
        self.at = self.origin()
        sock, dead = dead_address()
        self.addCleanup(sock.close)
        proxy = self.proxy_to(self.at.url, route='access = "sso"', top=f'[access.sso]\nforward_auth = {{ url = "{dead}/" }}')
        self.assertEqual(self.fetch(proxy).status, 502)
        silent = self.script(lambda c: (c.request(), c.hold()))
        late = self.proxy_to(self.at.url, route='access = "sso"',
                             top=f'[access.sso]\nforward_auth = {{ url = "{silent.url}/", timeout = "200ms" }}')
        self.assertEqual(self.fetch(late).status, 504)
        self.assertEqual(self.at.requests, [])

    def test_an_upstream_may_be_asked_and_both_ways_may_be_wanted(self):
        guard = self.script(lambda c: self.judge(c, lambda request: b"HTTP/1.1 204 No Content\r\n\r\n"))
        self.at = self.origin()
        proxy = self.proxy_to(self.at.url, route='access = "both"', files={"users": ALICE}, top=f"""
            [upstream.guard]
            servers = ["{guard.url}"]
            [access.both]
            basic_auth = {{ file = "users" }}
            forward_auth = {{ url = "/verify", upstream = "guard" }}""")
        self.assertEqual(self.fetch(proxy).status, 401)
        self.assertEqual(guard.requests, [])
        self.assertEqual(self.fetch(proxy, fields=[login("alice")]).status, 200)
        self.assertEqual(guard.requests[0].target, "/verify")


if __name__ == "__main__":
    unittest.main()
