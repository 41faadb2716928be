"""A reload swaps the whole configuration and disturbs nobody; one that is wrong changes nothing."""

import asyncio
import signal
import threading
import unittest

import websockets

from support.client import Client
from support.flow import LISTEN, FlowTest
from support.proxy import run_tool
from support.waiting import PATIENCE, until


def respond(body):
    return f'{LISTEN}[[route]]\nrespond = {{ status = 200, body = "{body}" }}\n'


class Reload(FlowTest):
    def test_by_every_door(self):
        proxy = self.proxy(respond("one"))
        self.assertEqual(self.fetch(proxy).body, b"one")
        proxy.reload(respond("two"))
        self.assertEqual(self.fetch(proxy).body, b"two")
        proxy.write_config(respond("three"))
        proxy.process.send_signal(signal.SIGHUP)
        until(lambda: self.fetch(proxy).body == b"three", "the reload by SIGHUP")
        proxy.write_config(respond("four"))
        done = run_tool("reload", "-c", "rpx.toml", cwd=proxy.dir)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.fetch(proxy).body, b"four")
        self.assertEqual(proxy.status()["generation"], 4)

    def test_a_wrong_file_is_refused_with_its_line_and_the_old_one_stays(self):
        proxy = self.proxy(respond("one"))
        wrong = respond("two") + 'adress = "x"\n'
        status, problem = proxy.reload(wrong)
        self.assertEqual(status, 422 if status == 422 else 400, problem)
        line = proxy.text("rpx.toml").splitlines().index('adress = "x"') + 1
        self.assertEqual(problem["line"], line, problem)
        self.assertIn("adress", problem["detail"])
        done = run_tool("reload", "-c", "rpx.toml", cwd=proxy.dir)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"rpx.toml:{line}:", done.stderr)
        proxy.process.send_signal(signal.SIGHUP)
        until(lambda: f"rpx.toml:{line}" in proxy.text("stderr"), "the refusal in the log")
        self.assertEqual(self.fetch(proxy).body, b"one")
        self.assertEqual(proxy.status()["generation"], 1)

    def test_an_exchange_keeps_the_site_it_started_with(self):
        origin = self.origin()
        proxy = self.proxy_to(origin.url, route='response_headers = { set = { "X-Site" = "old" } }')
        client = self.client(proxy)
        client.ask(path="/gated")
        origin.await_requests(1)
        proxy.reload(self.config_to(origin.url, route='response_headers = { set = { "X-Site" = "new" } }'))
        origin.gate.set()
        self.assertEqual(client.response()["X-Site"], "old")
        client.ask(path="/bytes/1")
        self.assertEqual(client.response()["X-Site"], "new", "the connection lives on with the new site")

    def test_an_unchanged_upstream_keeps_its_connections_and_counts(self):
        origin = self.origin()
        proxy = self.proxy_to(origin.url, serve="workers = 1")
        self.fetch(proxy)
        proxy.reload(self.config_to(origin.url, route='response_headers = { set = { "X-New" = "1" } }'))
        self.assertEqual(self.fetch(proxy)["X-New"], "1")
        self.assertEqual(len(origin.connections), 1)
        self.assertEqual(proxy.servers("app")[origin.url]["requests"], 2)

    def test_listeners_come_and_go(self):
        origin = self.origin()
        one = f'[[listen]]\nname = "a"\naddress = "unix:a.sock"\n[[route]]\nupstream = "{origin.url}"\n'
        two = one + '[[listen]]\nname = "b"\naddress = "unix:b.sock"\n'
        proxy = self.proxy(one)
        status, body = proxy.reload(two)
        self.assertEqual(status, 200, body)
        self.assertEqual(self.fetch(proxy.path("b.sock")).status, 200)
        proxy.reload(one)
        with self.assertRaises(OSError):
            Client(proxy.path("b.sock"))
        self.assertEqual(self.fetch(proxy.path("a.sock")).status, 200)

    def test_under_load_no_request_fails(self):
        origins = [self.origin(f"o{i}") for i in range(2)]
        configs = [self.config_to(o.url, route=f'response_headers = {{ set = {{ "X-Now" = "{o.name}" }} }}') for o in origins]
        proxy = self.proxy(configs[0])
        address = proxy.address()
        failures, done, count = [], threading.Event(), [0]

        def load(keep):
            client = None
            while not done.is_set():
                try:
                    client = client or Client(address)
                    client.ask(path="/bytes/100")
                    response = client.response()
                    if response.status != 200 or len(response.body) != 100 or response["X-Now"] != response["X-Origin"]:
                        failures.append(repr(response))
                    count[0] += 1
                    if not keep:
                        client.close()
                        client = None
                except Exception as error:  # pylint: disable=broad-except
                    failures.append(repr(error))
                    client = None

        threads = [threading.Thread(target=load, args=(i % 2 == 0,)) for i in range(6)]
        for thread in threads:
            thread.start()
        for i in range(30):
            status, body = proxy.reload(configs[(i + 1) % 2])
            self.assertEqual(status, 200, body)
            before = count[0]
            until(lambda: count[0] > before + 5 or failures, "requests between two reloads")
        done.set()
        for thread in threads:
            thread.join(PATIENCE)
        self.assertEqual(failures[:3], [])
        self.assertEqual(proxy.status()["generation"], 31)

    def test_a_websocket_survives(self):
        async def scenario():
            async def echo(socket):
                async for message in socket:
                    await socket.send(message)

            async with websockets.serve(echo, "127.0.0.1", 0) as server:
                url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
                proxy = self.proxy_to(url)
                async with websockets.connect(proxy.url.replace("http", "ws"), open_timeout=PATIENCE) as socket:
                    for i in range(3):
                        await socket.send(f"before {i}")
                        self.assertEqual(await socket.recv(), f"before {i}")
                        await asyncio.to_thread(proxy.reload, respond(f"no upstream left {i}"))
                    await socket.send("after")
                    self.assertEqual(await socket.recv(), "after")

        asyncio.run(asyncio.wait_for(scenario(), PATIENCE * 2))


if __name__ == "__main__":
    unittest.main()
