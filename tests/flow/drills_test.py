"""What befalls servers while requests come without end: clients see none of it, as long as what they ask is idempotent."""

import os
import signal
import socket
import subprocess
import threading
import time
import unittest

from support.client import Client
from support.dns import DnsServer
from support.flow import FlowTest
from support.origin import OK
from support.peers import Nginx, Node
from support.proxy import BINARY, environment
from support.waiting import PATIENCE, SANITIZED, until

CHECK = os.path.join(os.path.dirname(BINARY), "rpx-check")
CLIENTS = 4
# Sanitizers slow everything but the clock.
SOON = "5s" if SANITIZED else "500ms"
BODY = b"2345678"


class Load:
    """Clients that ask one after the other without a pause; every reply but the right one is an error they have seen."""

    def __init__(self, address, path="/bytes/7"):
        self.address, self.path = address, path
        self.done = [0] * CLIENTS
        self.errors = []
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.ask, args=(n,)) for n in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.more(20)
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join(PATIENCE * 2)

    def ask(self, number):
        client = Client(self.address)
        while not self.ending.is_set():
            try:
                client.ask(path=self.path)
                reply = client.response()
                if reply.status != 200:
                    self.errors.append(reply.status)
                closes = reply["Connection"] == "close"
            except Exception as error:  # pylint: disable=broad-except  # it is what a client would have seen
                self.errors.append(repr(error))
                closes = True
            self.done[number] += 1
            if closes:
                client.close()
                client = Client(self.address)
        client.close()

    def more(self, count):
        """Lets every client ask `count` times more."""
        wanted = [done + count for done in self.done]
        until(lambda: all(now >= then for now, then in zip(self.done, wanted)), f"{count} more requests of each client",
              PATIENCE * 2)


class Drills(FlowTest):
    def servers_of_processes(self, count=3):
        self.nodes = []
        for n in range(count):
            node = Node(f"(request, response) => response.end('{BODY.decode()}')")
            self.addCleanup(node.close)
            self.nodes.append(node)
        return [node.url for node in self.nodes]

    def begin(self, *urls, upstream="", retry="attempts = 3", **more):
        return self.proxy_to(*urls, upstream=f"retry = {{ {retry} }}\n{upstream}",
                             route=f'timeout = {{ response = "{SOON}" }}', **more)

    def hold_load(self, proxy, drill, after=30):
        """No client may see an error from before the drill until well after it."""
        with Load(proxy.address()) as load:
            drill()
            load.more(after)
        self.assertEqual(load.errors, [])
        return sum(load.done)

    def misbehaving(self, script):
        """A server that is one of three, and whose script goes wrong in the middle of the test."""
        self.ill = threading.Event()

        def serve(connection):
            while not self.ill.is_set():
                connection.request()
                if self.ill.is_set():
                    break
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n" + BODY)
            script(connection)

        bad = self.script(serve)
        return bad, [bad.url, self.origin().url, self.origin().url]

    def drill_of(self, script, count=8, upstream='eject = { errors = 5, for = "100ms" }'):
        """With a `count` of 0 it lasts until the server is taken out."""
        bad, urls = self.misbehaving(script)
        proxy = self.begin(*urls, upstream=upstream)

        def drill():
            self.ill.set()
            seen = len(bad.connections)
            if count == 0:
                until(lambda: proxy.servers("app")[bad.url]["state"] == "ejected", "the server to be taken out")
            until(lambda: len(bad.connections) >= seen + count, "the server to have done it a few times")

        self.hold_load(proxy, drill)
        return proxy, bad

    def test_kill_9_of_a_server(self):
        proxy = self.begin(*self.servers_of_processes())
        self.hold_load(proxy, self.nodes[0].process.kill)
        self.assertGreater(proxy.servers("app")[self.nodes[0].url]["failures"], 0)

    def test_a_server_that_is_stopped_and_goes_on_later(self):
        proxy = self.begin(*self.servers_of_processes(), upstream='eject = { errors = 2, for = "1h" }')
        stopped = self.nodes[0]
        self.addCleanup(lambda: stopped.process.send_signal(signal.SIGCONT))

        def drill():
            stopped.process.send_signal(signal.SIGSTOP)
            until(lambda: proxy.servers("app")[stopped.url]["state"] != "up", "it is taken out")
            stopped.process.send_signal(signal.SIGCONT)

        self.hold_load(proxy, drill)

    def test_a_server_that_is_stopped_behind_a_hedge_costs_no_timeout_at_all(self):
        proxy = self.begin(*self.servers_of_processes(), retry='budget = "100%"', upstream='hedge = { after = "20ms" }\n'
                           'eject = { errors = 0, latency = 4, for = "1h" }')
        stopped = self.nodes[0]
        self.addCleanup(lambda: stopped.process.send_signal(signal.SIGCONT))
        self.hold_load(proxy, lambda: stopped.process.send_signal(signal.SIGSTOP))
        self.assertGreater(proxy.status()["hedges_won"], 0)

    def test_connections_that_are_refused(self):
        origins = [self.origin(str(n)) for n in range(3)]
        proxy = self.begin(*(one.url for one in origins))
        self.hold_load(proxy, origins[0].kill)

    def test_a_server_that_accepts_and_closes(self):
        self.drill_of(lambda connection: None)

    def test_a_reset_in_the_middle_of_a_head(self):
        def reset(connection):
            connection.request_head()
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Le")
            connection.reset()

        self.drill_of(reset)

    def test_a_head_that_comes_a_byte_at_a_time(self):
        def trickle(connection):
            connection.request_head()
            for byte in OK:
                connection.send(bytes([byte]))
                time.sleep(0.004)

        self.drill_of(trickle, count=4)

    def test_a_head_that_never_ends(self):
        def stuck(connection):
            connection.request_head()
            connection.send(b"HTTP/1.1 200 OK\r\nX: ")
            connection.hold()

        # Connections that are kept may be the ones it is found out on: how many are made is no measure.
        self.drill_of(stuck, count=0, upstream='eject = { errors = 3, for = "1h" }')

    def test_a_burst_of_5xx(self):
        def unavailable(connection):
            while True:
                connection.request()
                connection.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")

        bad, urls = self.misbehaving(unavailable)
        proxy = self.begin(*urls, upstream='eject = { errors = 5, for = "1h" }')

        def drill():
            self.ill.set()
            until(lambda: proxy.servers("app")[bad.url]["state"] == "ejected", "it is ejected")

        self.hold_load(proxy, drill)

    def test_a_name_that_moves_to_another_address(self):
        first = self.origin("127.0.0.1", address=("127.0.0.1", 0))
        second = self.origin("127.0.0.2", address=("127.0.0.2", first.port))
        dns = DnsServer({("app.test", "A"): ["127.0.0.1"]})
        self.addCleanup(dns.close)
        proxy = self.begin(f'{{ url = "http://app.test:{first.port}", resolve = "200ms" }}',
                           top=f'[resolver]\nservers = ["{dns.address}"]')

        def drill():
            dns.zone[("app.test", "A")] = ["127.0.0.2"]
            until(lambda: list(proxy.servers("app")) == [second.url], "the new address is known")
            first.kill()

        self.hold_load(proxy, drill)
        self.assertGreater(len(second.requests), 20)

    def test_all_servers_down_and_back(self):
        origins = [self.origin(str(n)) for n in range(2)]
        proxy = self.begin(*(one.url for one in origins), upstream='hold = "30s"')

        def drill():
            for one in origins:
                one.kill()
            time.sleep(0.5)  # nobody answers: what comes now waits
            for one in origins:
                self.origin("back", address=("127.0.0.1", one.port))

        self.hold_load(proxy, drill)

    def test_reloads_and_servers_that_come_and_go(self):
        origins = [self.origin(str(n)) for n in range(3)]
        proxy = self.begin(origins[0].url, origins[1].url)

        def drill():
            for _ in range(5):
                self.assertEqual(proxy.reload()[0], 200)
                self.assertEqual(proxy.control("POST", "/v1/upstreams/app/servers", {"url": origins[2].url})[0], 201)
                name = origins[2].url.replace("/", "%2F")
                self.assertEqual(proxy.control("DELETE", f"/v1/upstreams/app/servers/{name}")[0], 200)

        self.hold_load(proxy, drill)

    def test_a_rolling_restart_of_three_nginx_servers(self):
        servers = []
        for _ in range(3):
            nginx = Nginx(server=f'location / {{ return 200 "{BODY.decode()}"; }}')
            self.addCleanup(nginx.close)
            servers.append(nginx)
        proxy = self.begin(*(one.url for one in servers), top='[upstream.app.health]\npath = "/"\ninterval = "100ms"\n'
                           'timeout = "10s"\nrise = 1\nfall = 2\n')
        restarted = []

        def restart(nginx):
            nginx.process.terminate()
            nginx.process.wait(PATIENCE)
            try:
                os.unlink(nginx.url[5:])
            except FileNotFoundError:
                pass
            nginx.start("nginx", "-p", nginx.dir, "-c", "nginx.conf", "-e", "stderr",
                        env={**os.environ, "PATH": "/usr/sbin:/usr/bin:" + os.environ["PATH"]})
            until(lambda: os.path.exists(nginx.url[5:]), "nginx is back")
            restarted.append(nginx.url)

        # The command of each server tells us, and waits until we have done it: the processes are ours.
        door = os.path.join(self.folder(), "door")
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(door)
        listener.listen(1)
        listener.settimeout(PATIENCE * 2)
        command = ["python3", "-c", "import os, socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
                   "s.sendall(os.environ['RPX_SERVER'].encode()); s.shutdown(socket.SHUT_WR); sys.exit(not s.recv(9))", door]

        def drill():
            roll = subprocess.Popen([CHECK, "roll", "--socket", proxy.path("rpx.sock"), "--timeout", "30s", "--upstream",
                                     "app", "--", *command], stdout=subprocess.DEVNULL, env=environment())
            for _ in servers:
                asked, _ = listener.accept()
                with asked:
                    asked.settimeout(PATIENCE)
                    url = asked.recv(1000).decode()
                    restart(next(one for one in servers if one.url == url))
                    asked.sendall(b"done")
            self.assertEqual(roll.wait(PATIENCE * 2), 0)

        self.hold_load(proxy, drill)
        self.assertEqual(sorted(restarted), sorted(one.url for one in servers))


if __name__ == "__main__":
    unittest.main()
