"""Traffic of all kinds while origins die, come back and stall and the configuration is swapped every second.

    soak.py --minutes 10        by hand, against the build in $RPX_BIN
    soak.py --seconds 10        what ctest runs

Holds: no GET fails that another try could have saved (one origin is healthy all the time), tunnels live through
everything, and neither memory nor descriptors grow.
"""

import argparse
import collections
import random
import signal
import sys
import threading
import time

from support import wire
from support.client import Client
from support.origin import Origin, pattern
from support.proxy import Proxy
from support.waiting import SANITIZED, until

SERVE = 'workers = 2\ngrace = "10s"'
CONFIG = """
[log]
access = "access.log"
level  = "error"

[[listen]]
name = "web"
address = "127.0.0.1:0"

[limits]
connections_per_client = 0

[upstream.app]
servers = [{servers}]
connect = {{ timeout = "2s", idle = "2s" }}
retry   = {{ attempts = 3, budget = "100%" }}

[upstream.steady]
servers = ["{steady}"]

[[route]]
name     = "app"
upstream = "app"
timeout  = {{ response = "{patience}" }}
response_headers = {{ set = {{ "X-Generation" = "{generation}" }} }}

[[route]]
path     = "/steady/*"
strip_prefix = "/steady"
upstream = "steady"
"""


class Mortal(Origin):
    """An origin that can die, be born again on its port, and stall before it answers."""

    def __init__(self, *args, **more):
        self.stalled = threading.Event()
        super().__init__(*args, **more)

    def reply(self, connection, *args, **more):
        if self.stalled.is_set():
            connection.hold()
            raise wire.Closed()
        super().reply(connection, *args, **more)

    def note(self, request):
        pass  # a soak has too many to keep


class Soak:
    def __init__(self, seconds, seed):
        self.seconds = seconds
        self.random = random.Random(seed)
        self.done = threading.Event()
        self.counts = collections.Counter()
        self.failures = []
        self.origins = [Mortal(f"o{i}") for i in range(3)]
        self.ports = [o.port for o in self.origins]
        self.steady = Origin("steady")
        self.generation = 1
        self.proxy = Proxy(self.config(), serve=SERVE)

    def config(self):
        servers = ", ".join(f'"http://127.0.0.1:{port}"' for port in self.ports)
        patience = "4s" if SANITIZED else "1s"
        return CONFIG.format(servers=servers, patience=patience, steady=self.steady.url, generation=self.generation)

    def fail(self, what):
        self.counts["failed"] += 1
        if len(self.failures) < 20:
            self.failures.append(what)

    # ── traffic ──

    def one_get(self, client, chance):
        path = chance.choice(["/bytes/0", "/bytes/100", "/bytes/5000", "/bytes/300000", "/echo", "/chunked/20000"])
        client.ask("GET", path)
        begun = False
        try:
            response = client.response_head()
            begun = True
            client.read_body(response)
        except (wire.Closed, OSError):
            if not begun:
                self.fail(f"GET {path}: closed without an answer")
            self.counts["cut in the middle"] += 1  # the origin died while it answered: nobody can save that
            return False
        self.counts["GET"] += 1
        if response.status != 200:
            self.fail(f"GET {path}: {response.status} {response['Proxy-Status']}")
        elif path.startswith(("/bytes", "/chunked")) and response.body != pattern(int(path.split("/")[2])):
            self.fail(f"GET {path}: the body is not what the origin sent")
        return response["Connection"] != "close"

    def gets(self, number):
        chance = random.Random(number)
        client = None
        while not self.done.is_set():
            client = client or Client(self.proxy.address())
            if not self.one_get(client, chance) or chance.random() < 0.05:
                client.close()
                client = None
        if client:
            client.close()

    def posts(self, number):
        """POSTs may fail while origins die, but an answer that came must be the right one."""
        chance = random.Random(number)
        while not self.done.is_set():
            data = pattern(chance.choice([0, 10, 10_000, 1_000_000]))
            try:
                with Client(self.proxy.address()) as client:
                    client.ask("POST", "/echo", body=data)
                    response = client.response()
            except (wire.Closed, OSError):
                self.counts["POST cut"] += 1
                continue
            self.counts[f"POST {response.status}"] += 1
            if response.status == 200 and response.body != data:
                self.fail("POST: the body that came back is another")

    def leavers(self, number):
        """Clients that go away in the middle of something."""
        chance = random.Random(number)
        while not self.done.is_set():
            client = Client(self.proxy.address())
            try:
                client.ask(*chance.choice([("GET", "/bytes/3000000"), ("POST", "/echo", [("Content-Length", "5000")])]))
                if chance.random() < 0.5:
                    client.more()
            except (OSError, wire.Closed):
                pass
            client.reset() if chance.random() < 0.5 else client.close()
            self.counts["left"] += 1
            self.done.wait(0.02)

    def tunnel(self, number):
        """One upgraded connection for the whole soak."""
        client = Client(self.proxy.address())
        client.ask("GET", "/steady/upgrade", [("Connection", "Upgrade"), ("Upgrade", "lines")])
        if client.response_head().status != 101:
            self.fail("the tunnel was refused")
        i = 0
        while not self.done.wait(0.05):
            client.send(b"%d-%d\n" % (number, i))
            if client.until(b"\n") != b"echo %d-%d\n" % (number, i):
                self.fail("the tunnel gave back something else")
            i += 1
            self.counts["tunnel lines"] += 1
        client.close()

    # ── trouble ──

    def trouble(self):
        """One origin at a time dies or stalls; the others are well, so that every GET can be saved."""
        while not self.done.is_set():
            i = self.random.randrange(3)
            if self.random.random() < 0.6:
                self.origins[i].kill()
                self.done.wait(self.random.uniform(0.05, 0.6))
                self.origins[i] = Mortal(f"o{i}", address=("127.0.0.1", self.ports[i]))
                self.counts["deaths"] += 1
            else:
                self.origins[i].stalled.set()
                self.done.wait(self.random.uniform(0.05, 1.5))
                self.origins[i].stalled.clear()
                self.origins[i].release()
                self.origins[i].released = threading.Event()
                self.counts["stalls"] += 1
            self.done.wait(self.random.uniform(0.05, 0.5))

    def reloads(self):
        while not self.done.wait(1):
            self.generation += 1
            status, body = self.proxy.reload(self.config())
            self.counts["reloads"] += 1
            if status != 200:
                self.fail(f"reload: {status} {body}")
            self.proxy.process.send_signal(signal.SIGUSR1)

    # ── the verdict ──

    def thread(self, work, *args):
        def guarded():
            try:
                work(*args)
            except Exception as error:  # pylint: disable=broad-except  # a thread must not die unseen
                self.fail(f"{work.__name__}: {error!r}")

        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        return thread

    def run(self):
        idle = self.proxy.descriptors()
        threads = [self.thread(self.gets, i) for i in range(8)] + [self.thread(self.posts, i) for i in range(2)]
        threads += [self.thread(self.leavers, 0), self.thread(self.trouble), self.thread(self.reloads)]
        threads += [self.thread(self.tunnel, i) for i in range(3)]
        end = time.monotonic() + self.seconds
        self.done.wait(self.seconds * 0.3)
        warm = self.proxy.memory()[0]
        while time.monotonic() < end and self.proxy.process.poll() is None:
            self.done.wait(min(10, max(0.1, end - time.monotonic())))
            print(f"{dict(self.counts)} rss {self.proxy.memory()[0] >> 10} KiB, {self.proxy.descriptors()} descriptors", flush=True)
        self.done.set()
        for thread in threads:
            thread.join(30)
        hot = self.proxy.memory()[0]
        until(lambda: self.proxy.status()["connections"] == 0, "all client connections to be over")
        until(lambda: self.proxy.descriptors() <= idle, f"descriptors to come back to {idle}")
        # Each of the two workers keeps up to 16 pipes for the next large body.
        if self.proxy.descriptors("pipe") > 2 * 16 * 2:
            self.fail(f"{self.proxy.descriptors('pipe')} ends of pipes are left")
        if not SANITIZED and hot > warm * 1.1 + (6 << 20):
            self.fail(f"memory grew from {warm >> 10} to {hot >> 10} KiB")
        self.proxy.stop()
        if min(self.counts["GET"], self.counts["deaths"], self.counts["reloads"], self.counts["tunnel lines"]) == 0:
            self.fail(f"not much of a soak: {dict(self.counts)}")

    def close(self):
        self.done.set()
        self.proxy.kill()
        for origin in [*self.origins, self.steady]:
            origin.kill()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    soak = Soak(options.minutes * 60 or options.seconds, options.seed)
    try:
        soak.run()
    finally:
        soak.close()
    if soak.failures:
        print("\n".join(soak.failures), f"\n{soak.counts['failed']} failures of {soak.counts['GET']} GETs", soak.proxy.log[-4000:])
        sys.exit(1)


main()
