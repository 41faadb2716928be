"""A running rpx-serve: started from a text, watched while it runs, and held to a clean end.

The doors used are those that users have: --ready-fd, the control socket, signals, the exit status.
"""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

from support.waiting import PATIENCE, until

BINARY = os.path.join(os.environ.get("RPX_BIN", "build/release/bin"), "rpx-serve")
REPORT = re.compile(r"(?:ERROR|WARNING): (?:Address|Thread|Leak|UndefinedBehavior|Memory)Sanitizer|runtime error:"
                    r"|broken precondition|Assertion .* failed|terminate called")
SANITIZERS = {"ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
              "TSAN_OPTIONS": "halt_on_error=0:second_deadlock_stack=1",
              "UBSAN_OPTIONS": "print_stacktrace=1"}


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("rpx", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.path)


class Events:
    """GET /v1/events as it comes. Close it, or use it in a `with`."""

    def __init__(self, path, kinds=""):
        self.connection = UnixConnection(path)
        self.connection.request("GET", f"/v1/events?kinds={kinds}")
        self.reply = self.connection.getresponse()
        assert self.reply.status == 200, self.reply.status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.reply.close()

    def next(self, **wanted):
        """The next event that has these values."""
        while True:
            line = self.reply.readline().decode()
            if not line:
                raise AssertionError(f"the events ended before one with {wanted}")
            if line.startswith("data: "):
                event = json.loads(line[6:])
                if all(event.get(name) == value for name, value in wanted.items()):
                    return event


def environment(**more):
    return {**os.environ, **SANITIZERS, **more}


class Proxy:
    """`rpx-serve run` in a folder of its own. `config` is TOML without [serve]; `serve` are lines for that table; `under`
    is a command that becomes it."""

    def __init__(self, config, serve="workers = 2", arguments=(), env=None, files=None, pass_fds=(), wait=True, folder=None,
                 under=(), dies=True):
        self.own_folder = folder is None
        self.dir = folder or tempfile.mkdtemp(prefix="rpx-")
        self.serve = serve
        self.log = ""
        self.ready = None
        self.code = None
        for name, text in (files or {}).items():
            self.write(name, text)
        self.write_config(config)
        read_end, write_end = os.pipe()
        with open(self.path("stdout"), "wb") as out, open(self.path("stderr"), "wb") as err:
            self.process = subprocess.Popen(
                [*under, BINARY, "run", "-c", "rpx.toml", "--ready-fd", str(write_end),
                 *(["--die-with-parent"] if dies else []), *arguments],
                cwd=self.dir, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment(**(env or {})),
                pass_fds=(write_end, *pass_fds))
        os.close(write_end)
        self.ready_pipe = read_end
        if wait:
            try:
                self.await_ready()
            except BaseException:
                self.kill()
                raise

    # ── files ──

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name) + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(self.path(name) + ".new", self.path(name))

    def write_config(self, config):
        self.write("rpx.toml", f'[serve]\ncontrol = "rpx.sock"\n{self.serve}\n\n{config}')

    def text(self, name):
        """What a file of the folder holds now: "stderr", "stdout", "access.log"…"""
        try:
            with open(self.path(name), encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def access_log(self, count, name="access.log"):
        """At least `count` lines of a JSON access log, as dictionaries."""
        until(lambda: self.text(name).count("\n") >= count, f"{count} lines in {name}: {self.text(name)!r}")
        return [json.loads(line) for line in self.text(name).splitlines()]

    # ── life ──

    def await_ready(self):
        with os.fdopen(self.ready_pipe, "rb") as f:
            os.set_blocking(f.fileno(), False)
            got = b""

            def line():
                nonlocal got
                try:
                    got += os.read(f.fileno(), 65536)
                except BlockingIOError:
                    pass
                return b"\n" in got or self.process.poll() is not None

            until(line, "the line on --ready-fd")
        if b"\n" not in got:
            raise AssertionError(f"rpx-serve ended with {self.process.wait()} before it was ready:\n{self.text('stderr')}")
        self.ready = json.loads(got)

    def stop(self, signal_number=signal.SIGTERM, expect=0):
        """Ends the process (when it still runs) and checks how it ended. Returns the exit status."""
        if self.code is None:
            if self.process.poll() is None and signal_number:
                self.process.send_signal(signal_number)
            try:
                self.code = self.process.wait(PATIENCE * 2)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGABRT)
                self.code = self.process.wait(PATIENCE)
                raise AssertionError(f"rpx-serve did not end within {PATIENCE * 2:g} s") from None
            finally:
                self.log = self.text("stderr")
            report = REPORT.search(self.log)
            if report:
                raise AssertionError(f"{report.group()} in the log:\n{self.log[report.start():][:12000]}")
            if self.code != expect:
                raise AssertionError(f"rpx-serve ended with {self.code}, not {expect}:\n{self.log[-4000:]}")
        return self.code

    def kill(self):
        """The end whatever happened: no process and no folder stay."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        self.log = self.log or self.text("stderr")
        if self.own_folder:
            shutil.rmtree(self.dir, ignore_errors=True)

    # ── what it says ──

    def address(self, name=None):
        """(host, port), or the path of a Unix socket, of a listener; the first when not named."""
        rows = [r for r in self.ready["listeners"] if name in (None, r["name"])]
        text = rows[0]["address"]
        if text.startswith("unix:"):
            return text[5:]
        host, port = text.rsplit(":", 1)
        host = host.strip("[]")
        return ({"0.0.0.0": "127.0.0.1", "::": "127.0.0.1", "": "127.0.0.1"}.get(host, host), int(port))

    @property
    def url(self):
        host, port = self.address()
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def control(self, method, path, body=None):
        """(status, decoded body) of a call on the control socket."""
        connection = UnixConnection(self.path("rpx.sock"))
        try:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, path, body=json.dumps(body) if body is not None else None, headers=headers)
            reply = connection.getresponse()
            text = reply.read().decode()
            is_json = "json" in (reply.getheader("Content-Type") or "")
            return reply.status, json.loads(text) if is_json and text else text
        finally:
            connection.close()

    def events(self, kinds=""):
        """An open stream of events; iterating gives each as a dictionary, as it comes."""
        return Events(self.path("rpx.sock"), kinds)

    def status(self):
        code, body = self.control("GET", "/v1/status")
        assert code == 200, body
        return body

    def servers(self, upstream):
        """{url: server row} of an upstream."""
        code, body = self.control("GET", f"/v1/upstreams/{upstream}")
        assert code == 200, body
        return {row["url"]: row for row in body["servers"]}

    def reload(self, config=None):
        """Swaps in `config` (or reads the file again); (status, body) of the call."""
        if config is not None:
            self.write_config(config)
        return self.control("POST", "/v1/reload")

    # ── what it costs ──

    def memory(self):
        """Resident bytes of its own (code comes and goes), and the most that there ever were, with code."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            fields = dict(line.split(":", 1) for line in f)
        return tuple(int(fields[n].split()[0]) * 1024 for n in ("RssAnon", "VmHWM"))

    def descriptors(self, kind=""):
        """How many descriptors it has: those of one kind, or all but pipes, which are kept for large bodies."""
        folder, count = f"/proc/{self.process.pid}/fd", 0
        for name in os.listdir(folder):
            try:
                found = os.readlink(os.path.join(folder, name)).split(":")[0]
            except OSError:
                continue  # closed meanwhile
            count += found == kind if kind else found != "pipe"
        return count


def run_tool(*arguments, stdin="", timeout=PATIENCE, env=None, cwd=None, binary=BINARY, **more):
    """A finished rpx-serve (or other tool): .returncode, .stdout, .stderr as text."""
    done = subprocess.run([binary, *arguments], input=stdin, capture_output=True, text=True, timeout=timeout,
                          env=environment(**(env or {})), cwd=cwd, check=False, **more)
    report = REPORT.search(done.stderr)
    if report:
        raise AssertionError(f"{report.group()} from {arguments}:\n{done.stderr[report.start():][:12000]}")
    return done
