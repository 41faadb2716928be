"""How requests spread over the servers of an upstream."""

import collections
import unittest

from support.flow import FlowTest
from support.waiting import until


class Balance(FlowTest):
    def start(self, count, extras=(), **more):
        self.origins = [self.origin(f"o{i}") for i in range(count)]
        rows = [f'{{ url = "{o.url}"{extras[i] if i < len(extras) else ""} }}' for i, o in enumerate(self.origins)]
        return self.proxy_to(*rows, **{"serve": "workers = 1", **more})

    def spread(self, proxy, count, path="/bytes/1"):
        return collections.Counter(self.fetch(proxy, path)["X-Origin"] for _ in range(count))

    def test_round_robin_gives_each_its_turn(self):
        self.assertEqual(self.spread(self.start(3), 30), {"o0": 10, "o1": 10, "o2": 10})

    def test_round_robin_minds_weights(self):
        self.assertEqual(self.spread(self.start(2, [", weight = 3"]), 40), {"o0": 30, "o1": 10})

    def test_turns_are_smooth_not_in_bursts(self):
        proxy = self.start(2, [", weight = 4"])
        order = "".join(self.fetch(proxy, "/bytes/1")["X-Origin"][1] for _ in range(20))
        self.assertNotIn("11", order)
        self.assertNotIn("00000", order)

    def test_least_connections_goes_where_little_is_going_on(self):
        proxy = self.start(2, upstream='balance = "least_connections"')
        busy = [self.client(proxy) for _ in range(4)]
        for client in busy:
            client.ask(path="/gated")
        until(lambda: sum(len(o.requests) for o in self.origins) == 4, "four requests held")
        self.assertEqual([len(o.requests) for o in self.origins], [2, 2])
        self.origins[0].gate.set()
        until(lambda: proxy.servers("app")[self.origins[0].url]["active"] == 0, "o0 to be idle")
        self.assertEqual(set(self.spread(proxy, 10)), {"o0"})
        self.origins[1].gate.set()

    def test_random_two_uses_all(self):
        seen = self.spread(self.start(3, upstream='balance = "random_two"'), 60)
        self.assertEqual(set(seen), {"o0", "o1", "o2"})

    def test_ip_hash_sticks_to_the_client(self):
        proxy = self.start(4, upstream='balance = "ip_hash"', listen='trusted_proxies = ["127.0.0.0/8"]')
        homes = set()
        for i in range(24):
            seen = {self.fetch(proxy, "/bytes/1", fields=[("X-Forwarded-For", f"198.51.{i}.7")])["X-Origin"] for _ in range(3)}
            self.assertEqual(len(seen), 1)
            homes |= seen
        self.assertGreater(len(homes), 1, "all clients have the same home")

    def test_a_backup_is_used_when_nobody_else_can(self):
        proxy = self.start(2, ["", ", backup = true"])
        self.assertEqual(self.spread(proxy, 10), {"o0": 10})
        self.origins[0].kill()
        self.assertEqual(self.spread(proxy, 10), {"o1": 10})

    def test_workers_share_the_load(self):
        proxy = self.start(3, serve="workers = 2")
        seen = self.spread(proxy, 120)
        self.assertEqual(set(seen), {"o0", "o1", "o2"})
        self.assertGreater(min(seen.values()), 20)


if __name__ == "__main__":
    unittest.main()
