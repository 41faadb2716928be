"""How requests spread over the servers of an upstream."""

import collections
import unittest

from support.flow import FlowTest


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
