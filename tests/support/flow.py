"""The base of every flow test: proxies and origins that end with the test, and logs when it fails."""

import shutil
import sys
import tempfile
import unittest

from support.client import Client, fetch
from support.origin import Origin, ScriptedOrigin
from support.proxy import Proxy
from support.waiting import until

LONG = 20000
LISTEN = '[[listen]]\nname = "web"\naddress = "127.0.0.1:0"\n'


def servers(*urls):
    return "[" + ", ".join(u if u.startswith("{") else f'"{u}"' for u in urls) + "]"


class FlowTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.proxies = []

    def assertEqual(self, first, second, msg=None):
        """As ever; but for what is long no smallest difference is looked for, which can take minutes."""
        if first != second and len(repr(first)) + len(repr(second)) > LONG:
            self.fail(f"{msg or 'not the same'}: {repr(first)[:500]}… and {repr(second)[:500]}…")
        super().assertEqual(first, second, msg)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            for proxy in self.proxies:
                print(f"--- rpx-serve, {self.id()}:\n{proxy.log[-6000:]}", file=sys.stderr)

    def folder(self):
        path = tempfile.mkdtemp(prefix="rpx-")
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def origin(self, name="origin", **place):
        """A well-behaved origin."""
        origin = Origin(name, **place)
        self.addCleanup(origin.close)
        return origin

    def script(self, *scripts, **place):
        """An origin that runs a function a connection."""
        origin = ScriptedOrigin(*scripts, **place)
        self.addCleanup(origin.close)
        return origin

    def proxy(self, config, expect=0, **more):
        """A proxy that is stopped, and its end checked, when the test ends."""
        proxy = Proxy(config, **more)
        self.proxies.append(proxy)
        self.addCleanup(proxy.kill)
        self.addCleanup(lambda: proxy.stop(expect=expect))
        return proxy

    def proxy_to(self, *urls, listen="", route="", upstream="", top="", **more):
        """A proxy with one listener and one route to an upstream "app" of `urls`; the rest are lines for each table."""
        return self.proxy(self.config_to(*urls, listen=listen, route=route, upstream=upstream, top=top), **more)

    def config_to(self, *urls, listen="", route="", upstream="", top=""):
        return (f'{LISTEN}{listen}\n\n[upstream.app]\nservers = {servers(*urls)}\n{upstream}\n\n{top}\n\n'
                f'[[route]]\nname = "all"\nupstream = "app"\n{route}\n')

    def client(self, target, **more):
        """A raw connection to a proxy (or URL), closed when the test ends."""
        client = Client(target.address() if isinstance(target, Proxy) else target, **more)
        self.addCleanup(client.close)
        return client

    def logged(self, proxy, text):
        """Waits for `text` in the log of a proxy: it is written by a thread of its own."""
        until(lambda: text in proxy.text("stderr"), f"{text!r} in the log")

    def fetch(self, target, path="/", **more):
        return fetch(target.address() if isinstance(target, Proxy) else target, path, **more)
