"""What befalls servers while 2,000 requests come a second. By hand, against the build in $RPX_BIN:

    drills.py                       all drills, a line for each
    drills.py kill roll --rate 500  some of them

Three nginx servers behind rpx-serve, rpx-bench as the clients: a rate that does not fall when replies are late. Prints what
clients saw, and ends with 1 where that was anything but a right reply. No part of ctest: tests/flow/drills_test.py holds the
same with a few clients.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from support.dns import DnsServer
from support.proxy import BINARY, Proxy
from support.waiting import until

TOOLS = os.path.dirname(BINARY)
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:" + os.environ["PATH"])
BODY = "2345678"
CONFIG = """
pid nginx.pid; error_log error.log warn; worker_processes 1;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server {{ listen {host}:{port}; location / {{ return {status} "{body}"; }} }}
}}
"""


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Server:
    """An nginx that can be ended in any way and started again at its address."""

    def __init__(self, host="127.0.0.1", port=None):
        self.dir = tempfile.mkdtemp(prefix="rpx-drill-")
        self.host, self.port = host, port or free_port()
        self.url = f"http://{self.host}:{self.port}"
        self.write(200)
        self.start()

    def write(self, status):
        with open(os.path.join(self.dir, "nginx.conf"), "w", encoding="utf-8") as file:
            file.write(CONFIG.format(host=self.host, port=self.port, status=status, body=BODY))

    def start(self):
        subprocess.run([NGINX, "-p", self.dir, "-c", "nginx.conf", "-e", "error.log"], check=True)
        until(lambda: self.processes(), "nginx")

    def processes(self):
        """The master and its worker; nothing when it does not run."""
        try:
            with open(os.path.join(self.dir, "nginx.pid"), encoding="ascii") as file:
                master = file.read().strip()
        except FileNotFoundError:
            return []
        if not master or not os.path.exists(f"/proc/{master}"):
            return []
        children = subprocess.run(["pgrep", "-P", master], capture_output=True, text=True, check=False).stdout.split()
        return [int(pid) for pid in (master, *children)] if children else []

    def signal(self, number):
        for pid in self.processes():
            os.kill(pid, number)

    def kill(self):
        pids = self.processes()
        self.signal(signal.SIGKILL)
        until(lambda: not any(os.path.exists(f"/proc/{pid}") and not is_dead(pid) for pid in pids), "it is dead")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.dir, "nginx.pid"))

    def answer(self, status):
        self.write(status)
        os.kill(self.processes()[0], signal.SIGHUP)

    def close(self):
        self.signal(signal.SIGCONT)
        self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


def is_dead(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(") ", 1)[1].startswith("Z")
    return True


class Impostor:
    """Takes a dead server's place, and does `script(socket)` with each connection once a request has come."""

    def __init__(self, server, script):
        self.script = script
        self.connections = 0
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((server.host, server.port))
        self.listener.listen(512)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        with sock, contextlib.suppress(OSError):
            self.script(sock)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()


def closes(_sock):
    pass


def resets_in_head(sock):
    sock.recv(65536)
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
    reset(sock)


def trickles(sock):
    while sock.recv(65536):
        for byte in f"HTTP/1.1 200 OK\r\nContent-Length: {len(BODY)}\r\n\r\n{BODY}".encode():
            sock.sendall(bytes([byte]))
            time.sleep(0.004)


def never_ends(sock):
    sock.recv(65536)
    sock.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    sock.recv(65536)


class Drill:
    """Servers, a proxy before them, and clients that ask at a rate."""

    def __init__(self, options):
        self.options = options
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def own(self, what):
        self.stack.callback(what.close)
        return what

    def servers(self, count=3):
        return [self.own(Server()) for _ in range(count)]

    def proxy(self, servers, upstream="", top=""):
        rows = ", ".join(one if isinstance(one, str) else f'"{one.url}"' for one in servers)
        config = (f'[[listen]]\nname = "web"\naddress = "127.0.0.1:0"\n\n[limits]\nconnections_per_client = 0\n\n'
                  f'[upstream.app]\nservers = [{rows}]\nretry = {{ attempts = 3 }}\n{upstream}\n\n{top}\n\n'
                  '[[route]]\nupstream = "app"\ntimeout = { response = "500ms" }\n')
        self.at = Proxy(config)
        self.stack.callback(self.at.stop)
        return self.at

    def run(self, drill, after=2.0):
        """What clients saw, from well before `drill()` until well after it."""
        at = self.at.address()
        command = [os.path.join(TOOLS, "rpx-bench"), "-o", "json", "--no-progress", "--rate", str(self.options.rate), "-c",
                   str(self.options.connections), "-t", "1", "-d", "60s", "--check", "status=200", "--check",
                   f"length={len(BODY)}", f"http://{at[0]}:{at[1]}/"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            time.sleep(self.options.before)
            drill()
            time.sleep(after)
        finally:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        if not out:
            sys.exit(err or f"rpx-bench ended with {process.returncode}")
        return json.loads(out)


def swap(script, upstream='eject = { errors = 5, for = "1s" }'):
    """A drill in which one of three servers is replaced by one that misbehaves."""

    def run(drill):
        servers = drill.servers()
        drill.proxy(servers, upstream=upstream)

        def act():
            servers[0].kill()
            one = drill.own(Impostor(servers[0], script))
            until(lambda: one.connections >= 3, "it was asked")

        return drill.run(act, after=3.0)

    return run


def kill(drill):
    servers = drill.servers()
    drill.proxy(servers)
    return drill.run(servers[0].kill)


def stop(drill):
    servers = drill.servers()
    proxy = drill.proxy(servers, upstream='eject = { errors = 2, for = "1h" }')

    def act():
        servers[0].signal(signal.SIGSTOP)
        until(lambda: proxy.servers("app")[servers[0].url]["state"] != "up", "it is taken out")
        time.sleep(1)
        servers[0].signal(signal.SIGCONT)

    return drill.run(act)


def refused(drill):
    servers = drill.servers()
    drill.proxy(servers)

    def act():
        servers[0].kill()
        time.sleep(2)
        servers[0].start()

    return drill.run(act)


def burst_of_5xx(drill):
    servers = drill.servers()
    proxy = drill.proxy(servers, upstream='eject = { errors = 5, for = "1s" }')

    def act():
        servers[0].answer(503)
        until(lambda: proxy.servers("app")[servers[0].url]["state"] == "ejected", "it is ejected")
        time.sleep(1)
        servers[0].answer(200)

    return drill.run(act)


def dns(drill):
    first = drill.own(Server())
    second = drill.own(Server("127.0.0.2", first.port))
    names = drill.own(DnsServer({("app.test", "A"): ["127.0.0.1"]}))
    proxy = drill.proxy([f'{{ url = "http://app.test:{first.port}", resolve = "200ms" }}'],
                        top=f'[resolver]\nservers = ["{names.address}"]')

    def act():
        names.zone[("app.test", "A")] = ["127.0.0.2"]
        until(lambda: list(proxy.servers("app")) == [second.url], "the new address is known")
        first.kill()

    return drill.run(act)


def all_down(drill):
    servers = drill.servers()
    drill.proxy(servers, upstream='hold = "10s"\nconnect = { max_pending = 10000 }')

    def act():
        for one in servers:
            one.kill()
        time.sleep(0.5)
        for one in servers:
            one.start()

    return drill.run(act)


def reloads(drill):
    servers = drill.servers()
    proxy = drill.proxy(servers[:2])

    def act():
        name = servers[2].url.replace("/", "%2F")
        for _ in range(10):
            assert proxy.reload()[0] == 200
            assert proxy.control("POST", "/v1/upstreams/app/servers", {"url": servers[2].url})[0] == 201
            time.sleep(0.1)
            assert proxy.control("DELETE", f"/v1/upstreams/app/servers/{name}")[0] == 200

    return drill.run(act)


def roll(drill):
    """Each server in turn: drained, stopped, started again, probed, and back."""
    servers = drill.servers()
    proxy = drill.proxy(servers, top='[upstream.app.health]\npath = "/"\ninterval = "200ms"\nrise = 1\nfall = 2\n')
    folders = " ".join(f"{one.host}:{one.port}) d={one.dir};;" for one in servers)
    script = (f'case $1 in {folders} esac; {NGINX} -p $d -c nginx.conf -e error.log -s stop; '
              f'while [ -e $d/nginx.pid ]; do sleep 0.05; done; {NGINX} -p $d -c nginx.conf -e error.log')

    def act():
        before = [one.processes()[0] for one in servers]
        subprocess.run([os.path.join(TOOLS, "rpx-check"), "roll", "--socket", proxy.path("rpx.sock"), "--timeout", "20s",
                        "--upstream", "app", "--", "sh", "-c", script, "restart", "{}"], check=True, stdout=subprocess.DEVNULL)
        assert all(one.processes()[0] != pid for one, pid in zip(servers, before))

    return drill.run(act)


DRILLS = {
    "kill": ("kill -9 of a server", kill),
    "stop": ("SIGSTOP, SIGCONT later", stop),
    "refused": ("connections are refused for 2 s", refused),
    "close": ("accepts and closes", swap(closes)),
    "reset": ("a reset in mid-head", swap(resets_in_head)),
    "slow": ("a head by single bytes", swap(trickles)),
    "stuck": ("a head without an end", swap(never_ends)),
    "5xx": ("a burst of 503", burst_of_5xx),
    "dns": ("its name moves, the old address dies", dns),
    "down": ("all servers down and back", all_down),
    "reload": ("ten reloads, a server added and removed", reloads),
    "roll": ("rolling restart by rpx-check roll", roll),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("drills", nargs="*", metavar="DRILL", help=", ".join(DRILLS))
    parser.add_argument("--rate", type=int, default=2000, help="requests a second")
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--before", type=float, default=1.0, help="seconds of load before anything happens")
    options = parser.parse_args()
    unknown = [name for name in options.drills if name not in DRILLS]
    if unknown:
        parser.error(f"there is no {unknown[0]}; there are {', '.join(DRILLS)}")
    failed = False
    for name in options.drills or DRILLS:
        what, run = DRILLS[name]
        with Drill(options) as drill:
            seen = run(drill)
        failed = failed or seen["errors"] != 0
        kinds = ", ".join(f"{kind} {one['count']}" for kind, one in seen["errors_by_kind"].items() if one["count"])
        print(f"{what:<42}{seen['requests']:>7} requests {seen['rps']:>6.0f}/s {seen['errors']:>5} errors  "
              f"p50 {seen['latency']['p50_ms']:.2f} ms, max {seen['latency']['max_ms']:.0f} ms{'  ' + kinds if kinds else ''}",
              flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
