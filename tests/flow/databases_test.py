"""Real databases behind a listener that passes bytes on: their own clients notice nothing."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

from support.flow import FlowTest
from support.peers import Peer
from support.ports import free_port
from support.waiting import PATIENCE, until

LISTEN = '[[listen]]\nname = "db"\naddress = "127.0.0.1:0"\nmode = "tcp"\nupstream = "db"\n'


def takes_connections(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


class Databases(FlowTest):
    def passing(self, *ports, top=""):
        urls = ", ".join(f'"tcp://127.0.0.1:{port}"' for port in ports)
        proxy = self.proxy(f"{LISTEN}[upstream.db]\nservers = [{urls}]\nhealth = {{ tcp = true, interval = \"100ms\", "
                           f"rise = 1, fall = 1 }}\n{top}\n")
        return proxy, proxy.address()[1]

    def run_client(self, *command, stdin="", **more):
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=PATIENCE, check=False, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout


@unittest.skipUnless(shutil.which("redis-server") and shutil.which("redis-cli"), "needs redis")
class Redis(Databases):
    def redis(self):
        port = free_port()
        peer = Peer()
        self.addCleanup(peer.close)
        peer.start("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                   "--dir", peer.dir)
        until(lambda: takes_connections(port) or peer.process.poll() is not None, "redis to listen")
        self.assertIsNone(peer.process.poll(), peer.said())
        return peer, port

    def ask(self, port, *words, **more):
        return self.run_client("redis-cli", "-p", str(port), *words, **more).rstrip("\n")

    def test_commands_pipelines_large_values_and_subscriptions_pass(self):
        _, behind = self.redis()
        _, port = self.passing(behind)
        self.assertEqual(self.ask(port, "SET", "word", "hello"), "OK")
        self.assertEqual(self.ask(port, "GET", "word"), "hello")
        large = "x" * 3_000_000
        self.assertEqual(self.ask(port, "-x", "SET", "large", stdin=large), "OK")
        self.assertEqual(self.ask(port, "GET", "large"), large)
        # A thousand commands on one connection, none of which waits for the one before.
        commands = "".join(f"*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n" for _ in range(1000))
        self.assertIn("replies: 1000", self.ask(port, "--pipe", stdin=commands))
        self.assertEqual(self.ask(port, "GET", "n"), "1000")
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
            sock.sendall(b"SUBSCRIBE news\r\n")
            self.assertIn(b"subscribe", sock.recv(1000))
            self.assertEqual(self.ask(port, "PUBLISH", "news", "now"), "1")
            self.assertIn(b"now", sock.recv(1000))

    def test_when_the_server_is_killed_new_connections_go_to_the_other(self):
        (first, one), (_, two) = self.redis(), self.redis()
        proxy, port = self.passing(one, two, top='balance = "first"')
        self.assertEqual(self.ask(port, "SET", "where", "one"), "OK")
        failed, done = [], threading.Event()

        def load():
            while not done.is_set():
                answer = subprocess.run(["redis-cli", "-p", str(port), "PING"], capture_output=True, text=True,
                                        timeout=PATIENCE, check=False)
                if answer.stdout != "PONG\n":
                    failed.append(answer.stdout + answer.stderr)

        threads = [threading.Thread(target=load) for _ in range(2)]
        for thread in threads:
            thread.start()
        first.process.kill()
        until(lambda: proxy.servers("db")[f"tcp://127.0.0.1:{one}"]["state"] == "down", "the dead one to be down")
        done.set()
        for thread in threads:
            thread.join(PATIENCE)
        # Those that were connected when it died; whoever came later did not notice.
        self.assertLessEqual(len(failed), len(threads), failed)
        self.assertEqual(self.ask(port, "GET", "where"), "", "the other one answers")


@unittest.skipUnless(shutil.which("postgres") and shutil.which("initdb") and shutil.which("psql") and os.geteuid() == 0,
                     "needs PostgreSQL, and root to become another user")
class Postgres(Databases):
    def test_queries_copies_and_errors_pass(self):
        user = pwd.getpwnam("nobody")
        folder = tempfile.mkdtemp(prefix="rpx-pg-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        os.chown(folder, user.pw_uid, user.pw_gid)
        become = {"user": "nobody", "group": user.pw_gid, "extra_groups": [], "cwd": folder}
        self.run_client("initdb", "-D", folder + "/data", "-U", "test", "--auth=trust", "--no-sync", **become)
        behind = free_port()
        peer = Peer()
        self.addCleanup(peer.close)
        with open(os.path.join(peer.dir, "log"), "wb") as log:
            peer.process = subprocess.Popen(["postgres", "-D", folder + "/data", "-p", str(behind), "-k", folder, "-F",
                                             "-h", "127.0.0.1"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **become)
        until(lambda: "ready to accept connections" in peer.said() or peer.process.poll() is not None, "postgres")
        self.assertIsNone(peer.process.poll(), peer.said())
        _, port = self.passing(behind)

        def psql(text, stdin=""):
            return self.run_client("psql", "-h", "127.0.0.1", "-p", str(port), "-U", "test", "-d", "postgres", "-qAtX",
                                   "-v", "ON_ERROR_STOP=1", "-c", text, stdin=stdin)

        self.assertEqual(psql("select 6 * 7"), "42\n")
        psql("create table t (n int, word text)")
        psql("copy t from stdin", "".join(f"{n}\tword {n}\n" for n in range(20000)))
        self.assertEqual(psql("select count(*), sum(n) from t"), "20000|199990000\n")
        self.assertEqual(len(psql("select repeat(word, 100) from t").splitlines()), 20000)
        # Errors of the server arrive as they are.
        done = subprocess.run(["psql", "-h", "127.0.0.1", "-p", str(port), "-U", "test", "-d", "postgres", "-qAtX", "-c",
                               "set statement_timeout = 100", "-c", "select pg_sleep(60)"], capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        self.assertIn("canceling statement", done.stderr)


if __name__ == "__main__":
    unittest.main()
