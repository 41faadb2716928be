"""Proxies with a disk store, and an origin whose bodies follow from their URLs."""

import random

from support.client import Client
from support.flow import FlowTest
from support.waiting import until

SITE = "http://origin.test"


def body_of(path):
    """What the origin answers: the size and each byte follow from the URL, so that a wrong one shows."""
    seed = random.Random(path)
    size = seed.choice((10, 700, 5_000, 60_000, 300_000))
    unit = f"{path}:{seed.getrandbits(64):x}\n".encode()
    return (unit * (size // len(unit) + 1))[:size]


class DiskTest(FlowTest):
    disk = 'size = "64MiB"'
    cache = ""

    def setUp(self):
        super().setUp()
        self.where = self.folder()
        self.fields = [("Cache-Control", "max-age=1000"), ("ETag", '"v1"')]
        self.at = self.origin()
        self.at.answer_page = self.page

    def page(self, connection, request):
        if request["If-None-Match"] == '"v1"':
            self.at.reply(connection, status="304 Not Modified", fields=self.fields, request=request)
        else:
            self.at.reply(connection, body_of(request.target), fields=self.fields, request=request)

    def config(self, disk=None):
        return (f'[[listen]]\naddress = "127.0.0.1:0"\n[cache.static]\n'
                f'disk = {{ path = "{self.where}/disk", {disk or self.disk} }}\n{self.cache}\n'
                f'[[route]]\nname = "all"\nupstream = "{self.at.url}"\ncache = "static"\n')

    def start(self, expect=0, disk=None, **more):
        return self.proxy(self.config(disk), expect=expect, **more)

    def ask(self, proxy, path, fields=(), method="GET"):
        client = Client(proxy.address())
        try:
            client.ask(method, path, fields)
            return client.response(method)
        finally:
            client.close()

    def asked(self):
        return len(self.at.requests)

    def metric(self, proxy, name):
        text = proxy.control("GET", "/metrics")[1]
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(f'rpx_cache_disk_{name}{{'))

    def await_written(self, proxy, count):
        until(lambda: self.metric(proxy, "writes_total") >= count, f"{count} objects on the disk")

    def only_if_cached(self, proxy, path):
        """Whether it is stored; asks the origin for nothing."""
        return self.ask(proxy, path, [("Cache-Control", "only-if-cached")]).status == 200
