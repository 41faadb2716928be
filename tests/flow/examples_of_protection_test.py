"""The files of examples/ that keep somebody out, as they are."""

import base64
import hashlib
import hmac
import json
import os
import time
import unittest

from support.examples import EXAMPLES, ExampleTest


class Examples(ExampleTest):
    def test_protected_login(self):
        proxy = self.start("protected-login/rpx.toml", SERVER=self.origin().url, OFFICE="192.0.2.0/24")
        tries = [self.fetch(proxy, "/login", method="POST", body=b"user=a").status for _ in range(7)]
        self.assertEqual(tries, [200] * 5 + [429] * 2)
        self.assertEqual(self.fetch(proxy, "/bytes/3").status, 200)
        self.assertEqual(self.fetch(proxy, "/admin/x").status, 403)
        self.assertEqual(self.fetch(proxy, "/api/x", method="DELETE").status, 405)
        self.assertEqual(self.fetch(proxy, "/api/x", fields=[("X-Api-Key", "k")])["RateLimit"], '"api";r=199;t=1')
        self.assertEqual(self.fetch(proxy, "/figures/").status, 401)
        seen = self.fetch(proxy, "/figures/", fields=[("Authorization", "Basic ZGVtbzpkZW1v")]).body
        self.assertIn(b'["X-User", "demo"]', seen)

    def test_behind_a_cdn(self):
        proxy = self.start("behind-a-cdn/rpx.toml", SERVER=self.origin().url, CDN="127.0.0.1/32", ORIGIN_SECRET="s3cret")
        secret = ("X-Origin-Secret", "s3cret")
        self.assertEqual(self.fetch(proxy).status, 403)
        reply = self.fetch(proxy, fields=[secret, ("X-Forwarded-For", "192.0.2.7")])
        self.assertEqual((reply.status, reply["CDN-Cache-Control"]), (200, "max-age=60"))
        self.assertNotIn(b"s3cret", reply.body)
        self.assertEqual(proxy.control("POST", "/v1/blocklist", {"prefix": "192.0.2.7"})[0], 200)
        got = [self.fetch(proxy, fields=[secret, ("X-Forwarded-For", client)]).status for client in ("192.0.2.7", "192.0.2.8")]
        self.assertEqual(got, [403, 200])

    def test_api_keys(self):
        proxy = self.start("api-keys/rpx.toml", SERVER=self.origin().url, KEY_ACME="k1", KEY_GLOBEX="k2")
        for key, method, status in ((None, "GET", 403), ("k3", "GET", 403), ("k1", "POST", 200), ("k2", "GET", 200), ("k2", "POST", 403)):
            reply = self.fetch(proxy, "/partners/x", method=method, fields=[("X-Api-Key", key)] if key else [])
            self.assertEqual(reply.status, status, (key, method))
            self.assertNotIn(b"X-Api-Key", reply.body)
        with open(os.path.join(EXAMPLES, "api-keys", "keys.json"), encoding="utf-8") as f:
            key, = json.load(f)["keys"]

        def coded(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

        def token(scope):
            text = coded(b'{"alg":"HS256","kid":"try"}') + "." + coded(json.dumps(
                {"sub": "alice", "aud": "api", "scope": scope, "exp": time.time() + 600}).encode())
            secret = base64.urlsafe_b64decode(key["k"] + "=")
            return ("Authorization", f"Bearer {text}." + coded(hmac.new(secret, text.encode(), hashlib.sha256).digest()))

        self.assertEqual(self.fetch(proxy, "/users/x").status, 401)
        self.assertIn(b'["X-User", "alice"]', self.fetch(proxy, "/users/x", fields=[token("read")]).body)
        got = [self.fetch(proxy, "/users/x", method="POST", fields=[token(scope)]).status for scope in ("read", "read write")]
        self.assertEqual(got, [403, 200])


if __name__ == "__main__":
    unittest.main()
