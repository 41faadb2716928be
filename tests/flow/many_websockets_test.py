"""WebSockets live on while the configuration is read again, and while servers are taken out of service."""

import unittest

from support.flow import FlowTest
from support.many_websockets import Crowd
from support.waiting import until

COUNT = 200


class ManyWebSockets(FlowTest):
    def test_they_live_through_reloads_and_the_drain_of_a_server(self):
        crowd = Crowd(3)
        self.addCleanup(crowd.close)
        urls = [place.url for place in crowd.places]

        def config(number):
            return self.config_to(*urls, top="[limits]\nconnections_per_client = 0\n",
                                  route=f'response_headers = {{ set = {{ "X-Reload" = "{number}" }} }}\n')

        proxy = self.proxy(config(0))
        crowd.connect(COUNT, *proxy.address())
        self.assertEqual(crowd.lost(), 0)
        self.assertEqual(sum(place.count for place in crowd.places), COUNT)
        path = "/v1/upstreams/app/servers/" + urls[0].replace("/", "%2F")
        self.assertEqual(proxy.control("PATCH", path, {"state": "drain"})[0], 200)
        kept = crowd.places[0].count
        self.assertGreater(kept, 0)
        for number in range(10):
            self.assertEqual(proxy.reload(config(number + 1))[0], 200)
            self.assertEqual(crowd.lost(b"after reload %d" % number), 0)
        # One more goes elsewhere; those that it has stay with a server that is drained.
        crowd.connect(20, *proxy.address())
        self.assertEqual(crowd.lost(), 0)
        self.assertEqual(crowd.places[0].count, kept)
        crowd.close_clients()
        until(lambda: proxy.status()["connections"] == 0, "all connections ended")


if __name__ == "__main__":
    unittest.main()
