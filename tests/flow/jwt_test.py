"""Who clients are: signed tokens."""

import base64
import hashlib
import hmac
import json
import time
import unittest

from support.certs import Authority, openssl
from support.flow import FlowTest
from support.origin import dead_address
from support.waiting import until

SECRET = b"s" * 32
OTHER = b"o" * 32


def coded(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


def secret_keys(*secrets):
    return json.dumps({"keys": [{"kty": "oct", "k": coded(secret)} for secret in secrets]})


def token(claims=None, secret=SECRET, **head):
    text = coded({"alg": "HS256", **head}) + "." + coded({"sub": "alice", "exp": time.time() + 600, **(claims or {})})
    return text + "." + coded(hmac.new(secret, text.encode(), hashlib.sha256).digest())


def bearer(text):
    return ("Authorization", f"Bearer {text}")


class RsaKey:
    def __init__(self, folder, kid):
        self.path, self.kid = f"{folder}/{kid}.key", kid
        openssl("genrsa", "-out", self.path, "2048")
        modulus = openssl("rsa", "-in", self.path, "-noout", "-modulus").strip().split("=")[1]
        self.jwk = {"kty": "RSA", "kid": kid, "use": "sig", "n": coded(bytes.fromhex(modulus)), "e": "AQAB"}

    def token(self, kid=None):
        text = coded({"alg": "RS256", "kid": kid or self.kid}) + "." + coded({"sub": "bob", "exp": time.time() + 600})
        with open(self.path + ".text", "w", encoding="ascii") as f:
            f.write(text)
        openssl("dgst", "-sha256", "-sign", self.path, "-out", self.path + ".sig", self.path + ".text")
        with open(self.path + ".sig", "rb") as f:
            return text + "." + coded(f.read())


class Tokens(FlowTest):
    def start(self, jwt="", route="", **rest):
        self.at = self.origin()
        return self.proxy_to(self.at.url, route=f'access = "api"\n{route}', files={"keys.json": secret_keys(SECRET)},
                             top=f'[log]\naccess = "access.log"\n[access.api]\njwt = {{ file = "keys.json"{jwt} }}\n', **rest)

    def test_who_has_no_good_token_gets_401_that_says_why(self):
        proxy = self.start(', realm = "shop", audience = ["shop"]')
        said = 'Bearer realm="shop"'
        for fields in ([], [("Authorization", "Basic eDp5")], [bearer(token()), bearer(token())], [bearer("")]):
            reply = self.fetch(proxy, fields=fields)
            self.assertEqual((reply.status, reply["WWW-Authenticate"]), (401, said), fields)
        for text, why in ((token({"aud": "shop"}, secret=OTHER), "the signature is wrong"), (token({"aud": "till"}), "the token is for another audience"),
                          (token({"aud": "shop", "exp": time.time() - 60}), "the token has expired"), ("nonsense", "the token is malformed"),
                          (token({"aud": "shop"}, alg="none"), "the algorithm of the token is not allowed")):
            reply = self.fetch(proxy, fields=[bearer(text)])
            self.assertEqual((reply.status, reply["WWW-Authenticate"]), (401, f'{said}, error="invalid_token", error_description="{why}"'))
        self.assertEqual(self.at.requests, [])
        for _ in range(2):
            self.assertEqual(self.fetch(proxy, fields=[bearer(token({"aud": "shop"}))]).status, 200)
        self.assertEqual(sorted({(line["user"], line["reason"]) for line in proxy.access_log(11)}), [("", "unauthorized"), ("alice", "")])
        self.assertEqual(proxy.status()["unauthorized"], 9)

    def test_who_lacks_a_scope_gets_403(self):
        proxy = self.start(', claims = { scope = "write" }')
        reply = self.fetch(proxy, fields=[bearer(token({"scope": "read"}))])
        self.assertEqual((reply.status, reply["WWW-Authenticate"].split(", ")[1]), (403, 'error="insufficient_scope"'))
        self.assertEqual(self.fetch(proxy, fields=[bearer(token({"scope": "read write"}))]).status, 200)

    def test_servers_learn_of_the_client_what_the_token_says_and_nothing_it_says_itself(self):
        proxy = self.start(', headers = { "X-User" = "sub", "X-Roles" = "realm.roles", "X-Mail" = "mail" }, forward = false, cookie = "sid"',
                           route='request_headers = { set = { "X-Name" = "{user}" } }')
        forged = [("X-User", "root"), ("x_roles", "admin"), ("X-Mail", "root@x"), ("Connection", "x-user")]
        text = token({"realm": {"roles": ["a", "b"]}})
        for proof in ([bearer(text), ("Cookie", "a=1")], [("Cookie", f"a=1; sid={text}")]):
            seen = json.loads(self.fetch(proxy, fields=[*proof, *forged]).body)["fields"]
            told = {n: v for n, v in seen if n.lower().replace("_", "-") in ("x-user", "x-roles", "x-mail", "x-name")}
            self.assertEqual(told, {"X-User": "alice", "X-Roles": "a, b", "X-Name": "alice"})
            self.assertNotIn("Authorization", [n for n, _ in seen])
            self.assertEqual([v for n, v in seen if n == "Cookie"], ["a=1"])

    def test_a_token_goes_on_to_servers_unless_told_otherwise(self):
        text = token()
        seen = json.loads(self.fetch(self.start(), fields=[bearer(text)]).body)["fields"]
        self.assertIn(["Authorization", f"Bearer {text}"], seen)

    def test_keys_in_a_file_that_changes_count_at_once(self):
        proxy = self.start()
        old, new = token(), token(secret=OTHER)
        self.assertEqual([self.fetch(proxy, fields=[bearer(text)]).status for text in (old, new)], [200, 401])
        proxy.write("keys.json", secret_keys(OTHER))
        until(lambda: self.fetch(proxy, fields=[bearer(new)]).status == 200, "the new keys")
        self.assertEqual(self.fetch(proxy, fields=[bearer(old)]).status, 401)
        proxy.write("keys.json", "nonsense")
        until(lambda: "not JSON" in proxy.text("stderr"), "a complaint in the log")
        self.assertEqual(self.fetch(proxy, fields=[bearer(new)]).status, 200)

    def test_limits_may_count_by_the_name_in_the_token(self):
        proxy = self.proxy_to(
            self.origin().url, route='access = "api"\nrate_limit = ["users"]', files={"keys.json": secret_keys(SECRET)},
            top='[access.api]\njwt = { file = "keys.json" }\n[rate_limit.users]\nrate = "1/m"\nkey = "{user}"\n')
        got = [self.fetch(proxy, fields=[bearer(token({"sub": who}))]).status for who in ("a", "b", "a")]
        self.assertEqual(got, [200, 200, 429])


class FetchedKeys(FlowTest):
    def setUp(self):
        super().setUp()
        self.keys = RsaKey(self.folder(), "1")
        self.answer = lambda: self.reply({"keys": [self.keys.jwk]})
        self.login = self.script(self.serve)

    @staticmethod
    def reply(body):
        data = json.dumps(body).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/jwk-set+json\r\nContent-Length: %d\r\n\r\n%s" % (len(data), data)

    def serve(self, connection):
        while True:
            connection.request()
            connection.send(self.answer())

    def start(self, jwt=""):
        self.at = self.origin()
        return self.proxy_to(self.at.url, route='access = "api"', top=f'[access.api]\njwt = {{ url = "{self.login.url}/keys?v=1"{jwt} }}\n')

    def get(self, proxy, text):
        return self.fetch(proxy, fields=[bearer(text)]).status

    def test_keys_are_fetched_once_and_again_for_a_key_that_is_not_known(self):
        proxy = self.start(', unknown_key = "0s"')
        self.assertEqual([self.get(proxy, self.keys.token()) for _ in range(3)], [200, 200, 200])
        self.assertEqual([(r.method, r.target) for r in self.login.requests], [("GET", "/keys?v=1")])
        self.keys = RsaKey(self.folder(), "2")
        self.assertEqual(self.get(proxy, self.keys.token()), 200)
        self.assertEqual(len(self.login.requests), 2)
        self.assertIn("rpx_key_fetches_total 2", str(proxy.control("GET", "/metrics")))

    def test_made_up_ids_of_keys_do_not_flood_whoever_has_the_keys(self):
        proxy = self.start(', unknown_key = "1h"')
        self.assertEqual(self.get(proxy, self.keys.token()), 200)
        self.assertEqual([self.get(proxy, self.keys.token(kid=f"x{n}")) for n in range(20)], [401] * 20)
        self.assertEqual(len(self.login.requests), 1)

    def test_without_keys_nobody_is_let_on_and_with_old_ones_everybody_is(self):
        self.answer = lambda: b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
        proxy = self.start(', refresh = "1s"')
        self.assertEqual(self.get(proxy, self.keys.token()), 503)
        until(lambda: "status 500" in proxy.text("stderr"), "why, in the log")
        self.answer = lambda: self.reply({"keys": [self.keys.jwk]})
        until(lambda: self.get(proxy, self.keys.token()) == 200, "the keys")
        self.answer = lambda: self.reply({"keys": []})
        until(lambda: (self.get(proxy, self.keys.token()), "no key that verifies" in proxy.text("stderr")) == (200, True), "a vain refresh")
        self.assertEqual(self.get(proxy, self.keys.token()), 200)

    def test_who_waits_for_keys_that_do_not_come_is_told_in_time(self):
        silent = self.script(lambda c: (c.request(), c.hold()))
        sock, dead = dead_address()
        self.addCleanup(sock.close)
        for url in (silent.url, dead):
            proxy = self.proxy_to(self.origin().url, route='access = "api"',
                                  top=f'[access.api]\njwt = {{ url = "{url}/keys", timeout = "300ms" }}\n')
            clients = [self.client(proxy) for _ in range(5)]
            for client in clients:
                client.ask(fields=[bearer(self.keys.token())])
            self.assertEqual([client.response().status for client in clients], [503] * 5)

    def test_secrets_from_a_url_are_nobodys_proof(self):
        self.answer = lambda: self.reply({"keys": [self.keys.jwk, {"kty": "oct", "k": coded(SECRET)}]})
        proxy = self.start()
        self.assertEqual([self.get(proxy, text) for text in (token(), self.keys.token())], [401, 200])

    def test_keys_may_come_from_an_upstream_over_tls(self):
        authority = Authority(self.folder())
        authority.issue("login", "DNS:login.test")
        server = self.proxy(f"""[[listen]]
            address = "127.0.0.1:0"
            tls = true
            [[certificate]]
            cert = "{authority.path('login.pem')}"
            key = "{authority.path('login.key')}"
            [[route]]
            respond = {{ status = 200, body = {json.dumps(json.dumps({"keys": [self.keys.jwk]}))} }}
            """)
        host, port = server.address()
        proxy = self.proxy_to(self.origin().url, route='access = "api"', top=f"""
            [upstream.login]
            servers = ["https://{host}:{port}"]
            tls = {{ ca = "{authority.pem}", name = "login.test" }}
            [access.api]
            jwt = {{ url = "/keys", upstream = "login" }}""")
        self.assertEqual(self.get(proxy, self.keys.token()), 200)


if __name__ == "__main__":
    unittest.main()
