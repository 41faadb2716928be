"""Access rules and rate limits of routes, as clients meet them."""

import time
import unittest

from support.flow import FlowTest
from support.waiting import until

TRUSTED = 'trusted_proxies = ["127.0.0.0/8"]\n'
BEHIND = "X-Forwarded-For"


class Access(FlowTest):
    def start(self, rules, route='access = "office"', **more):
        self.at = self.origin()
        return self.proxy_to(self.at.url, listen=TRUSTED, top=f"[log]\naccess = \"access.log\"\n[access.office]\n{rules}", route=route,
                             **more)

    def status(self, proxy, client, **more):
        return self.fetch(proxy, fields=[(BEHIND, client)], **more).status

    def test_addresses_decide_and_a_refusal_reaches_no_server(self):
        proxy = self.start('rules = [{ allow = ["10.0.0.0/8"] }, { deny = ["all"] }]')
        self.assertEqual(self.status(proxy, "10.1.2.3"), 200)
        self.assertEqual(self.status(proxy, "192.0.2.1"), 403)
        self.assertEqual(len(self.at.requests), 1)
        self.assertEqual(sorted(line["reason"] for line in proxy.access_log(2)), ["", "denied"])
        self.assertEqual(proxy.status()["denied"], 1)

    def test_methods_get_405_with_allow(self):
        proxy = self.start('methods = ["GET", "HEAD"]')
        reply = self.fetch(proxy, method="DELETE")
        self.assertEqual((reply.status, reply["Allow"]), (405, "GET, HEAD"))
        self.assertEqual(self.fetch(proxy).status, 200)

    def test_a_path_cannot_be_walked_around(self):
        proxy = self.start('rules = [{ deny = ["all"], path = "/admin/*" }, { allow = ["all"] }]')
        for path in ("/admin", "/admin/x", "//admin/x", "/./admin/", "/x/../admin/y", "/%61dmin/x", "/admin%2Fx", "/admin;a=b/x",
                     "/admin%5Cx", "/admin%2fx", "/admin/%2e%2e/admin/x", "/x/%2E%2E/admin/x", "/x%2f..%2fadmin/x", "/admin%252Fx", "/%2561dmin/x",
                     "/admin%00", "/admin%00/x", "/admin\\x", "/\\admin/x", "/admin%c0%afx", "/%c1%a1dmin/x", "/x/..;/admin/x", "/;a/admin/x",
                     "/admin;/x", "/admin/;x", "/admin%3Bx", "/admin?x", "http://origin.test/admin/x", "http://ORIGIN.test./admin/x",
                     "http://origin.test//admin"):
            self.assertIn(self.fetch(proxy, path).status, (400, 403), path)
        self.assertEqual(self.fetch(proxy, "/administrator").status, 200)
        self.assertTrue(all(r.path == "/administrator" for r in self.at.requests), self.at.requests)

    def test_a_connection_lives_on_after_a_refusal(self):
        proxy = self.start('rules = [{ deny = ["192.0.2.0/24"] }, { allow = ["all"] }]')
        client = self.client(proxy)
        for address, status in (("192.0.2.9", 403), ("10.0.0.1", 200), ("192.0.2.9", 403)):
            client.ask(fields=[(BEHIND, address)])
            self.assertEqual(client.response().status, status)

    def test_a_reload_changes_the_rules(self):
        proxy = self.start('rules = [{ deny = ["all"] }]')
        self.assertEqual(self.fetch(proxy).status, 403)
        config = self.config_to(self.at.url, listen=TRUSTED, route='access = "office"',
                                top='[access.office]\nrules = [{ allow = ["all"] }]')
        self.assertEqual(proxy.reload(config)[0], 200)
        self.assertEqual(self.fetch(proxy).status, 200)


class Maintenance(FlowTest):
    def config(self, enabled):
        return self.config_to(self.at.url, listen=TRUSTED, route=f"""maintenance = {{ enabled = {enabled}, page = "back.html",
            retry_after = "90s", allow = ["10.0.0.0/8"] }}""".replace("\n", " "))

    def test_a_route_under_work_says_so_except_to_those_who_work_on_it(self):
        self.at = self.origin()
        proxy = self.proxy(self.config("true"), files={"back.html": "<p>back soon</p>"})
        reply = self.fetch(proxy)
        self.assertEqual((reply.status, reply["Retry-After"], reply["Content-Type"], reply.body),
                         (503, "90", "text/html; charset=utf-8", b"<p>back soon</p>"))
        self.assertEqual(self.fetch(proxy, fields=[(BEHIND, "10.0.0.7")]).status, 200)
        self.assertEqual(len(self.at.requests), 1)
        self.assertEqual(proxy.reload(self.config("false"))[0], 200)
        self.assertEqual(self.fetch(proxy).status, 200)

    def test_a_page_that_is_not_there_is_told_at_the_start(self):
        self.at = self.origin()
        proxy = self.proxy(self.config("false"))
        status, body = proxy.reload(self.config("true"))
        self.assertEqual(status, 422)
        self.assertIn("back.html", str(body))


class Limits(FlowTest):
    def start(self, limit, route='rate_limit = ["api"]', more=""):
        self.at = self.origin()
        return self.proxy_to(self.at.url, listen=TRUSTED, route=route,
                             top=f"[log]\naccess = \"access.log\"\n[rate_limit.api]\n{limit}\n{more}")

    def reasons(self, proxy, count):
        """Of the first `count` lines of the log, sorted: each worker writes its own."""
        return sorted(line["reason"] for line in proxy.access_log(count))

    def burst(self, proxy, count, fields=()):
        return [self.fetch(proxy, fields=fields).status for _ in range(count)]

    def test_what_is_over_the_burst_is_429_with_when_to_come_again(self):
        proxy = self.start('rate = "1/m"\nburst = 3')
        first = self.fetch(proxy)
        self.assertEqual((first.status, first["RateLimit"], first["RateLimit-Policy"]), (200, '"api";r=2;t=60', '"api";q=3;w=180'))
        self.assertEqual(self.burst(proxy, 2), [200, 200])
        over = self.fetch(proxy)
        self.assertEqual((over.status, over["RateLimit"][:9]), (429, '"api";r=0'))
        self.assertTrue(55 <= int(over["Retry-After"]) <= 60, over["Retry-After"])
        self.assertEqual(len(self.at.requests), 3)
        self.assertEqual(self.reasons(proxy, 4), ["", "", "", "limited"])
        self.assertEqual(proxy.status()["limited"], 1)

    def test_clients_and_their_networks_are_counted_apart(self):
        proxy = self.start('rate = "1/m"')
        for address, status in (("10.0.0.1", 200), ("10.0.0.2", 200), ("10.0.0.1", 429), ("2001:db8::1", 200),
                                ("2001:db8::ffff", 429), ("2001:db8:0:1::1", 200)):
            self.assertEqual(self.burst(proxy, 1, [(BEHIND, address)]), [status], address)

    def test_a_key_of_ones_own(self):
        proxy = self.start('rate = "1/m"\nkey = "{header:X-Api-Key}"\nstatus = 503')
        self.assertEqual(self.burst(proxy, 2, [("X-Api-Key", "a")]), [200, 503])
        self.assertEqual(self.burst(proxy, 2, [("X-Api-Key", "b")]), [200, 503])

    def test_a_network_as_the_key(self):
        proxy = self.start('rate = "1/m"\nkey = "{client/24}"')
        for address, status in (("10.0.0.1", 200), ("10.0.0.2", 429), ("10.0.1.1", 200)):
            self.assertEqual(self.burst(proxy, 1, [(BEHIND, address)]), [status], address)

    def test_every_limit_of_a_route_holds(self):
        proxy = self.start('rate = "1/m"\nburst = 2', route='rate_limit = ["api", "all"]',
                           more='[rate_limit.all]\nrate = "1/m"\nburst = 3\nkey = "{host}"')
        self.assertEqual(self.burst(proxy, 3, [(BEHIND, "10.0.0.1")]), [200, 200, 429])
        self.assertEqual(self.burst(proxy, 2, [(BEHIND, "10.0.0.2")]), [200, 429])

    def test_a_delay_spreads_the_burst(self):
        proxy = self.start('rate = "5/s"\nburst = 3\ndelay = true')
        clients = [self.client(proxy) for _ in range(4)]
        begun = time.monotonic()
        for client in clients:
            client.ask()
        replies = [client.response().status for client in clients]
        self.assertEqual(sorted(replies), [200] * 3 + [429])
        self.assertGreater(time.monotonic() - begun, 0.35)

    def test_a_dry_run_refuses_nothing(self):
        proxy = self.start('rate = "1/m"\ndry_run = true')
        self.assertEqual(self.burst(proxy, 3), [200, 200, 200])
        self.assertEqual(self.reasons(proxy, 3), ["", "would_be_limited", "would_be_limited"])
        self.assertEqual(proxy.status()["limited"], 2)

    def test_counts_hold_over_a_reload(self):
        proxy = self.start('rate = "1/m"')
        self.assertEqual(self.burst(proxy, 1), [200])
        changed = self.config_to(self.at.url, listen=TRUSTED, route='rate_limit = ["api"]', top='[rate_limit.api]\nrate = "2/m"')
        self.assertEqual(proxy.reload(changed)[0], 200)
        self.assertEqual(self.burst(proxy, 1), [429])

    def test_workers_count_together(self):
        proxy = self.start('rate = "1/h"\nburst = 10')
        statuses = self.burst(proxy, 30)
        self.assertEqual((statuses.count(200), statuses.count(429)), (10, 20))
        until(lambda: proxy.status()["limited"] == 20, "the count of refusals")


if __name__ == "__main__":
    unittest.main()
