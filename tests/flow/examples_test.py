"""Every example is accepted, starts, and does what it says."""

import asyncio
import configparser
import gzip
import os
import re
import shutil
import socket
import subprocess
import sys
import unittest

import websockets

from support.certs import Authority
from support.client import fetch
from support.examples import EXAMPLES, ExampleTest
from support.origin import dead_address
from support.peers import curl
from support.pebble import INSTALLED, Pebble
from support.proxy import BINARY, run_tool
from support.waiting import PATIENCE, until

CERT = os.path.join(os.path.dirname(BINARY), "rpx-cert")


class Examples(ExampleTest):
    def test_all_are_accepted_as_they_are(self):
        found = 0
        for folder, _, leaves in os.walk(EXAMPLES):
            for leaf in leaves:
                if leaf.endswith(".toml") and leaf != "live.toml":  # which is a part of blue-green/rpx.toml
                    found += 1
                    done = run_tool("check", "-c", os.path.join(folder, leaf))
                    self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreaterEqual(found, 6)

    def test_smallest(self):
        proxy = self.start("smallest.toml", SERVER=self.origin().url)
        self.assertEqual(len(self.fetch(proxy, "/bytes/7").body), 7)

    def test_static_site(self):
        proxy = self.start("static-site/rpx.toml", SERVER=self.origin().url)
        page = self.fetch(proxy, "/bytes/7")
        self.assertEqual((page.status, page["X-Content-Type-Options"]), (200, "nosniff"))
        self.assertEqual(self.fetch(proxy, "/blog/x")["Location"], "https://blog.example.com/blog/x")
        self.assertEqual(self.fetch(proxy, "/healthz").body, b"ok\n")
        self.assertEqual(self.fetch(proxy, "/", method="POST", body=b"").status, 405)
        self.assertIn(b"no such page", self.fetch(proxy, "/status/404").body)
        sock, dead = dead_address()
        self.addCleanup(sock.close)
        down = self.fetch(self.start("static-site/rpx.toml", SERVER=dead))
        self.assertEqual(down.status, 502)
        self.assertIn(b"Back in a moment", down.body)

    def test_disk_cache(self):
        origin = self.origin()
        origin.answer_file = lambda connection, request: origin.reply(
            connection, b"of the mirror", fields=[("Cache-Control", "max-age=600")], request=request)
        cache = os.path.join(self.folder(), "cache")
        proxy = self.start("disk-cache/rpx.toml", SERVER=origin.url, CACHE=cache)
        self.assertEqual(self.fetch(proxy, "/file").body, b"of the mirror")
        proxy.stop()
        again = self.start("disk-cache/rpx.toml", SERVER=origin.url, CACHE=cache)
        answer = self.fetch(again, "/file")
        self.assertEqual(answer.body, b"of the mirror")
        self.assertIn("hit", answer["Cache-Status"])
        self.assertEqual(len(origin.requests), 1)

    def test_static_site_while_its_server_is_down(self):
        origin = self.origin()
        origin.answer_page = lambda connection, request: origin.reply(
            connection, b"page", fields=[("Cache-Control", "max-age=0"), ("ETag", '"1"')], request=request)
        proxy = self.start("static-site/rpx.toml", SERVER=origin.url)
        self.assertEqual(self.fetch(proxy, "/page").body, b"page")
        origin.kill()
        page = self.fetch(proxy, "/page")
        self.assertEqual((page.status, page.body), (200, b"page"))
        self.assertIn("detail=stale-if-error", page["Cache-Status"])

    def test_cached_api(self):
        origin = self.origin()
        origin.answer_item = lambda connection, request: origin.reply(
            connection, b"item", fields=[("Surrogate-Key", "items item-42")], request=request)
        proxy = self.start("cached-api/rpx.toml", SERVER=origin.url)

        def status(**more):
            return self.fetch(proxy, "/item/42", **more)["Cache-Status"]

        self.assertIn("stored", status())
        self.assertIn("hit", status())
        self.assertIn("fwd=bypass", status(fields=[("Authorization", "Bearer x")]))
        self.assertIn("fwd=bypass", status(fields=[("Cookie", "session_id=1")]))
        purged = self.fetch(proxy, "/", method="PURGE", fields=[("Surrogate-Key", "item-42")])
        self.assertIn(b'"entries":1,', purged.body)
        self.assertIn("stored", status())
        for _ in range(2):
            self.assertEqual(self.fetch(proxy, "/status/404").status, 404)
        self.assertEqual(len([r for r in origin.requests if r.path == "/status/404"]), 1)

    def test_stale_on_error(self):
        origin = self.origin()
        origin.answer_page = lambda connection, request: origin.reply(
            connection, b"page", fields=[("Cache-Control", "max-age=0"), ("ETag", '"1"')], request=request)
        proxy = self.start("stale-on-error/rpx.toml", SERVER=origin.url)
        self.assertEqual(self.fetch(proxy, "/page").body, b"page")
        self.assertEqual(self.fetch(proxy, "/page").body, b"page")
        origin.kill()
        page = self.fetch(proxy, "/page")
        self.assertEqual((page.status, page.body), (200, b"page"))
        down = self.fetch(proxy, "/never")
        self.assertEqual((down.status, b"Back in a moment" in down.body), (502, True))

    def test_compression(self):
        origin = self.origin()
        page = b"<p>the same words again and again</p>" * 100
        seen = []

        def upload(connection, request):
            seen.append((request["Content-Encoding"], request.body))
            origin.reply(connection, gzip.compress(page), fields=[("Content-Encoding", "gzip")], request=request)

        origin.answer_page = lambda connection, request: origin.reply(
            connection, page, fields=[("Content-Type", "text/html")], request=request)
        origin.answer_upload = upload
        proxy = self.start("compression/rpx.toml", SERVER=origin.url)
        for coding in ("zstd", "br", "gzip"):
            reply = self.fetch(proxy, "/page", fields=[("Accept-Encoding", coding)])
            self.assertEqual(reply["Content-Encoding"], coding)
            self.assertLess(len(reply.body), len(page) // 10)
        taken = self.fetch(proxy, "/upload/1", method="POST", fields=[("Content-Type", "text/plain")], body=page)
        self.assertEqual((taken["Content-Encoding"], taken.body), (None, page))
        self.assertEqual((seen[0][0], gzip.decompress(seen[0][1])), ("gzip", page))

    def test_api_two_services(self):
        sock, dead = dead_address()
        self.addCleanup(sock.close)
        users, orders = self.origin("users"), self.origin("orders")
        proxy = self.start("api-two-services/rpx.toml", USERS_1=dead, USERS_2=users.url, ORDERS=orders.url)
        for _ in range(4):
            self.assertEqual(self.fetch(proxy, "/users/42?full")["X-Origin"], "users")
        self.assertEqual(users.requests[-1].target, "/42?full")
        self.assertGreater(len(users.requests[-1]["X-Request-Id"]), 8)
        self.assertEqual(self.fetch(proxy, "/orders/echo", method="POST", body=b"x" * 2_000_000).status, 200)
        self.assertEqual(self.fetch(proxy, "/users/echo", method="POST", body=b"x" * 2_000_000).status, 413)
        self.assertEqual(self.fetch(proxy, "/orders/1", method="DELETE").status, 405)
        self.assertEqual(self.fetch(proxy, "/other").status, 404)

    def test_websocket_chat(self):
        server = subprocess.Popen([sys.executable, os.path.join(EXAMPLES, "websocket-chat", "chat.py"), "0"],
                                  stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        proxy = self.start("websocket-chat/rpx.toml", SERVER=server.stdout.readline().strip())
        self.assertIn(b"new WebSocket", self.fetch(proxy).body)
        url = proxy.url.replace("http", "ws") + "/chat"

        async def talk():
            async with websockets.connect(url, open_timeout=PATIENCE) as one, websockets.connect(url, open_timeout=PATIENCE) as two:
                await one.send("hello")
                self.assertEqual((await one.recv(), await two.recv()), ("hello", "hello"))

        asyncio.run(asyncio.wait_for(talk(), PATIENCE))

    def run_script(self, proxy, script, *arguments):
        env = {**os.environ, "PATH": os.path.dirname(os.path.abspath(BINARY)) + ":" + os.environ["PATH"],
               "CONTROL": proxy.path("rpx.sock"), "PATIENCE": "3s"}
        # A copy of a file has not its mode.
        return subprocess.run(["sh", proxy.path(script), *arguments], env=env, cwd=proxy.dir, capture_output=True, text=True,
                              timeout=PATIENCE * 2, check=False)

    def test_blue_green(self):
        blue, green = self.origin("blue"), self.origin("green")
        proxy = self.start("blue-green/rpx.toml", BLUE=blue.url, GREEN=green.url)
        until(lambda: self.fetch(proxy, "/x")["X-Origin"] == "blue", "blue is live")
        self.assertEqual(self.fetch(proxy, "/x", fields=[("X-Version", "green")])["X-Origin"], "green")
        for name in ("green", "blue"):
            done = self.run_script(proxy, "switch.sh", name)
            self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (0, f"{name} is live"), done.stderr)
            self.assertEqual({self.fetch(proxy, "/x")["X-Origin"] for _ in range(5)}, {name})
        self.assertEqual(self.run_script(proxy, "switch.sh", "red").returncode, 2)
        green.kill()
        until(lambda: list(proxy.servers("green").values())[0]["state"] == "down", "green is down")
        refused = self.run_script(proxy, "switch.sh", "green")
        self.assertEqual(refused.returncode, 4, refused.stderr)
        self.assertEqual(self.fetch(proxy, "/x")["X-Origin"], "blue")

    def test_canary(self):
        ill = []

        def canary(connection):
            while True:
                connection.request()
                status = b"500 Ill" if ill else b"200 OK"
                connection.send(b"HTTP/1.1 " + status + b"\r\nX-Origin: canary\r\nContent-Length: 0\r\n\r\n")

        stable, new, shadow = self.origin("stable"), self.script(canary), self.origin("shadow")
        proxy = self.start("canary/rpx.toml", STABLE_1=stable.url, STABLE_2=stable.url.replace("127.0.0.1", "localhost"),
                           CANARY=new.url, SHADOW=shadow.url)
        by_hand = [("X-Canary", "always")]
        self.assertEqual(self.fetch(proxy, "/x", fields=by_hand)["X-Origin"], "canary")
        # One client has one of the two, always.
        self.assertEqual(len({self.fetch(proxy, "/x")["X-Origin"] for _ in range(30)}), 1)
        until(lambda: self.fetch(proxy, "/x").status == 200 and shadow.requests, "copies for the shadow")
        ill.append(True)
        for _ in range(40):
            reply = self.fetch(proxy, "/x", fields=by_hand)
            self.assertEqual((reply.status, reply["X-Origin"]), (200, "stable"))
        self.assertEqual(proxy.servers("canary")[new.url]["state"], "open")

    def test_rolling_deploy(self):
        apps = [self.origin(str(n)) for n in range(3)]
        proxy = self.start("rolling-deploy/rpx.toml", **{f"APP_{n + 1}": one.url for n, one in enumerate(apps)})
        done = self.run_script(proxy, "deploy.sh", "sh", "-c", 'echo "$1" >> done', "sh", "{}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(proxy.text("done").split(), [one.url[7:] for one in apps])
        self.assertEqual([row["state"] for row in proxy.servers("app").values()], ["up"] * 3)
        self.assertEqual(self.run_script(proxy, "deploy.sh", "false").returncode, 1)
        self.assertEqual(self.run_script(proxy, "deploy.sh").returncode, 2)

    def test_database(self):
        sock, dead = dead_address()
        self.addCleanup(sock.close)
        standby = self.script(lambda c: c.send(b"standby " + c.until(b"\n")))
        proxy = self.start("database/rpx.toml", PRIMARY=dead.replace("http", "tcp"), STANDBY=standby.url.replace("http", "tcp"),
                           LISTEN_TLS="127.0.0.1:0")
        for name in ("db", "by-name"):
            client = self.client(proxy.address(name))
            client.send(b"select\n")
            self.assertEqual(client.until(b"\n"), b"standby select\n")

    @unittest.skipUnless(INSTALLED, "pebble is not installed")
    def test_acme(self):
        ca = Authority(self.folder())
        pebble = Pebble(ca)
        self.addCleanup(pebble.close)
        proxy = self.start("acme/rpx.toml", SERVER=self.origin().url, LISTEN=f"127.0.0.1:{pebble.http}", LISTEN_TLS="127.0.0.1:0",
                           DIRECTORY=pebble.directory, DIRECTORY_CA=ca.pem, HOST="a.test")
        port = proxy.address("web")[1]

        def ask(name):
            return curl("--insecure", "-i", "--resolve", f"{name}:{port}:127.0.0.1", f"https://{name}:{port}/bytes/7")

        for name in ("a.test", "www.a.test"):
            until(lambda n=name: ask(n).returncode == 0, f"a certificate for {name}")
            self.assertIn(b"strict-transport-security", ask(name).stdout.lower())
        self.assertEqual(self.fetch(proxy.address("plain"), "/x", fields=[("Host", "a.test")])["Location"], "https://a.test/x")

    def test_mutual_tls(self):
        folder = self.folder()
        for arguments in (("init",), ("issue", "localhost"), ("issue", "--client", "alice"), ("issue", "--client", "bob")):
            self.assertEqual(run_tool("ca", *arguments, binary=CERT, cwd=folder).returncode, 0)
        proxy = self.start("mutual-tls/rpx.toml", files=folder, SERVER=self.origin().url, CLIENT_CA="ca/ca.pem")
        url = f"https://localhost:{proxy.address()[1]}"

        def ask(path, *identity):
            shown = [w for n in identity for w in ("--cert", f"{folder}/{n}.pem", "--key", f"{folder}/{n}.key")]
            return curl("--cacert", f"{folder}/ca/ca.pem", "-w", "%{http_code}", *shown, url + path).stdout

        self.assertEqual(ask("/healthz"), b"ok\n200")
        self.assertTrue(ask("/").endswith(b"403"))
        self.assertTrue(ask("/", "bob").endswith(b"403"))
        seen = ask("/headers", "alice")
        self.assertTrue(seen.endswith(b"200"))
        self.assertIn(b"CN=alice", seen)

    def test_dev_ca(self):
        folder = self.folder()
        for leaf in ("dev.sh", "rpx.toml"):
            shutil.copy(os.path.join(EXAMPLES, "dev-ca", leaf), folder)
        port = self.origin().url.rsplit(":", 1)[1]
        env = {**os.environ, "PATH": os.path.dirname(BINARY) + ":" + os.environ["PATH"], "LISTEN": "127.0.0.1:0"}
        done = subprocess.run([os.path.join(folder, "dev.sh"), port, "sh", "-c", 'curl --silent --show-error "$RPX_URL/bytes/7"'],
                              env=env, cwd=folder, capture_output=True, text=True, timeout=PATIENCE * 2, check=False)
        self.assertEqual((done.returncode, len(done.stdout)), (0, 7), done.stderr)

    def test_load_tests(self):
        folder = self.folder()
        path = os.path.join(EXAMPLES, "load-tests")
        env = {**os.environ, "PATH": os.path.dirname(BINARY) + ":" + os.environ["PATH"], "DURATION": "1s", "RATE": "50",
               "LIMIT": "20s"}
        done = subprocess.run([os.path.join(path, "smoke.sh"), os.path.join(path, "rpx.toml"), folder], env=env, cwd=folder,
                              capture_output=True, text=True, timeout=PATIENCE * 2, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(sorted(os.listdir(folder)), ["junit.xml", "report.html", "result.json"])
        env["LIMIT"] = "1us"
        done = subprocess.run([os.path.join(path, "smoke.sh"), os.path.join(path, "rpx.toml"), folder], env=env, cwd=folder,
                              capture_output=True, text=True, timeout=PATIENCE * 2, check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        origin = self.origin()
        done = subprocess.run([os.path.join(path, "compare-proxies.sh"), origin.url, origin.url], env=env, cwd=folder,
                              capture_output=True, text=True, timeout=PATIENCE * 2, check=False)
        self.assertIn("99% confidence", done.stdout, done.stderr)

    def test_unix_sockets(self):
        origin = self.origin(unix=os.path.join(self.folder(), "app.sock"))
        proxy = self.start("unix-sockets/rpx.toml", APP=origin.url[5:])
        self.assertEqual(len(fetch(proxy.path("front.sock"), "/bytes/7").body), 7)
        self.assertEqual(origin.requests[0]["Host"], "app.internal")

    def test_systemd(self):
        units = {}
        for name in ("rpx.service", "rpx.socket"):
            units[name] = configparser.ConfigParser(interpolation=None)
            units[name].optionxform = str
            units[name].read(os.path.join(EXAMPLES, "systemd", name))
        service = units["rpx.service"]["Service"]
        self.assertEqual(service["Type"], "notify")
        for key in ("ExecStart", "ExecStartPre"):
            command = service[key].split()
            help_text = run_tool(command[1], "--help").stdout
            for option in re.findall(r" (--?[a-z-]+)", service[key]):
                self.assertIn(option, help_text, key)
        sock = socket.socket()
        self.addCleanup(sock.close)
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        folder, origin = self.folder(), self.origin()
        with open(os.path.join(EXAMPLES, "systemd", "rpx.toml"), encoding="utf-8") as f:
            text = f.read()
        with open(os.path.join(folder, "rpx.toml"), "w", encoding="utf-8") as f:
            f.write(text)
        starter = (f"import os; os.dup2({sock.fileno()}, 3); os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', "
                   "LISTEN_FDNAMES='web'); os.execvp('rpx-serve', ['rpx-serve', 'run', '-c', 'rpx.toml'])")
        env = {**os.environ, "PATH": os.environ["RPX_BIN"] + ":" + os.environ["PATH"], "RUNTIME_DIRECTORY": folder,
               "LOGS_DIRECTORY": folder, "SERVER": origin.url}
        process = subprocess.Popen([sys.executable, "-c", starter], cwd=folder, pass_fds=[sock.fileno()], env=env,
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(len(fetch(sock.getsockname(), "/bytes/7").body), 7)
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 0)


if __name__ == "__main__":
    unittest.main()
