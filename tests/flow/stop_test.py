"""The end: what runs is finished, what comes new is not taken, and a second signal makes it short."""

import os
import signal
import unittest

from support.client import Client
from support.flow import FlowTest
from support.proxy import run_tool
from support.waiting import PATIENCE, until
from support.wire import Closed


def refuses(address):
    try:
        with Client(address) as client:
            client.ask()
            return client.at_end()
    except OSError:
        return True


class Stop(FlowTest):
    def busy(self, serve="workers = 2", **more):
        origin = self.origin()
        proxy = self.proxy_to(origin.url, serve=serve, **more)
        client = self.client(proxy)
        client.ask(path="/gated")
        origin.await_requests(1)
        return origin, proxy, client

    def test_a_request_in_progress_is_finished(self):
        for how in (signal.SIGTERM, signal.SIGINT, "command", "call"):
            with self.subTest(how=str(how)):
                origin, proxy, client = self.busy()
                if how == "command":
                    self.assertEqual(run_tool("stop", "--no-wait", "-c", "rpx.toml", cwd=proxy.dir).returncode, 0)
                elif how == "call":
                    self.assertIn(proxy.control("POST", "/v1/stop", {"grace": 30})[0], (200, 202, 204))
                else:
                    proxy.process.send_signal(how)
                until(lambda: refuses(proxy.address()), "new connections to be refused")
                origin.gate.set()
                response = client.response()
                self.assertEqual((response.status, response["Connection"]), (200, "close"))
                self.assertTrue(client.at_end())
                self.assertEqual(proxy.stop(None), 0)

    def test_the_command_waits_for_the_end(self):
        proxy = self.proxy_to(self.origin().url)
        self.assertEqual(run_tool("stop", "-c", "rpx.toml", cwd=proxy.dir).returncode, 0)
        proxy.stop(None)
        origin, proxy, client = self.busy()
        done = run_tool("stop", "--timeout", "200ms", "-c", "rpx.toml", cwd=proxy.dir)
        self.assertEqual(done.returncode, 4, done.stderr)
        origin.gate.set()
        self.assertEqual(client.response().status, 200)
        proxy.stop(None)

    def test_idle_connections_do_not_hold_it_up(self):
        proxy = self.proxy_to(self.origin().url, serve='grace = "1h"')
        client = self.client(proxy)
        client.ask()
        client.response()
        proxy.stop()
        self.assertTrue(client.at_end())

    def test_when_grace_is_over_the_rest_is_cut_and_the_status_says_so(self):
        _, proxy, client = self.busy('grace = "300ms"', expect=4)
        proxy.process.send_signal(signal.SIGTERM)
        with self.assertRaises((Closed, OSError)):
            client.response()
        proxy.stop(None, expect=4)

    def test_a_second_signal_cuts_at_once(self):
        _, proxy, client = self.busy('grace = "1h"', expect=4)
        proxy.process.send_signal(signal.SIGTERM)
        until(lambda: refuses(proxy.address()), "new connections to be refused")
        proxy.process.send_signal(signal.SIGTERM)
        proxy.process.wait(PATIENCE)
        self.assertNotEqual(client.rest()[:15], b"HTTP/1.1 200 OK")

    def test_a_socket_file_and_the_control_socket_are_gone_afterwards(self):
        proxy = self.proxy_to(self.origin().url)
        self.assertTrue(os.path.exists(proxy.path("rpx.sock")))
        proxy.stop()
        self.assertFalse(os.path.exists(proxy.path("rpx.sock")))


if __name__ == "__main__":
    unittest.main()
