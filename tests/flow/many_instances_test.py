"""A hundred proxies at once on one machine know nothing of each other."""

import unittest

from support.flow import LISTEN, FlowTest
from support.waiting import SANITIZED

COUNT = 20 if SANITIZED else 100


class ManyInstances(FlowTest):
    def test_each_answers_for_itself(self):
        text = '{}[[route]]\nrespond = {{ status = 200, body = "{}" }}\n'
        started = [self.proxy(text.format(LISTEN, i), serve="workers = 1", wait=False) for i in range(COUNT)]
        for proxy in started:
            proxy.await_ready()
        self.assertEqual(len({proxy.address() for proxy in started}), COUNT)
        for i, proxy in enumerate(started):
            self.assertEqual(self.fetch(proxy).body, str(i).encode())
            self.assertEqual(proxy.status()["pid"], proxy.process.pid)
        for proxy in started:
            proxy.process.terminate()
        for proxy in started:
            proxy.stop(None)


if __name__ == "__main__":
    unittest.main()
