"""Software that rpx did not write: curl as a client, nginx and node as origins."""

import os
import re
import shutil
import subprocess
import tempfile

from support.waiting import PATIENCE, until


def curl(*arguments, stdin=None):
    """The finished `curl`; its output as bytes."""
    return subprocess.run(["curl", "--silent", "--show-error", "--max-time", str(int(PATIENCE)), *arguments], input=stdin,
                          capture_output=True, timeout=PATIENCE + 10, check=False)


class Peer:
    """A program in a folder of its own that listens on a Unix socket or prints its address."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="rpx-peer-")
        self.process = None

    def start(self, *command, **more):
        # A file rather than a pipe: nobody reads it while the peer runs.
        with open(os.path.join(self.dir, "log"), "wb") as log:
            self.process = subprocess.Popen(command, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **more)

    def said(self):
        with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(PATIENCE)
        shutil.rmtree(self.dir, ignore_errors=True)


NGINX = """
daemon off; worker_processes 1; pid nginx.pid; error_log stderr warn;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  types {{ text/plain txt; }}
  server {{
    listen unix:{dir}/nginx.sock;
    root {dir}/files;
    {server}
  }}
}}
"""


class Nginx(Peer):
    """nginx over the files of `self.dir`/files, on a Unix socket (it cannot let the kernel pick a port)."""

    def __init__(self, server="", files=None):
        super().__init__()
        os.makedirs(os.path.join(self.dir, "files"))
        os.chmod(self.dir, 0o755)
        for name, data in (files or {}).items():
            with open(os.path.join(self.dir, "files", name), "wb") as f:
                f.write(data)
        with open(os.path.join(self.dir, "nginx.conf"), "w", encoding="utf-8") as f:
            f.write(NGINX.format(dir=self.dir, server=server))
        self.url = f"unix:{self.dir}/nginx.sock"
        self.start(shutil.which("nginx", path="/usr/sbin:/usr/bin:" + os.environ["PATH"]), "-p", self.dir, "-c", "nginx.conf",
                   "-e", "stderr")
        until(lambda: os.path.exists(os.path.join(self.dir, "nginx.sock")) or self.process.poll() is not None, "nginx")
        assert self.process.poll() is None, self.said()


class Node(Peer):
    """A node HTTP server around `handler`, the text of a function (request, response)."""

    def __init__(self, handler):
        super().__init__()
        with open(os.path.join(self.dir, "server.js"), "w", encoding="utf-8") as f:
            f.write(f"const server = require('http').createServer({handler});\n"
                    "server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}.`));\n")
        self.start("node", "server.js")
        found = until(lambda: re.search(r"port (\d+)\.", self.said()) or self.process.poll() is not None, "node's port")
        assert self.process.poll() is None, self.said()
        self.url = f"http://127.0.0.1:{found.group(1)}"


class NodeH2(Peer):
    """A node server of HTTP/2: in the clear, or over TLS with `tls` (paths of certificate and key), where it takes HTTP/1.1
    as well. `handler` is the text of a function (stream, headers), `more` is run with the `server`. With `by` = "https" it
    speaks HTTP/1.1 alone."""

    def __init__(self, handler, tls=None, options="", by="http2", more=""):
        super().__init__()
        made = f"createServer({{{options}}})"
        if tls:
            cert, key = tls
            made = (f"create{'' if by == 'https' else 'Secure'}Server({{allowHTTP1: true, cert: fs.readFileSync('{cert}'), key: fs.readFileSync('{key}'),"
                    f" {options}}})")
        with open(os.path.join(self.dir, "server.js"), "w", encoding="utf-8") as f:
            f.write(f"const fs = require('fs'); const server = require('{by}').{made};\nlet connections = 0;\n"
                    "server.on('session', () => console.log(`connection ${++connections}.`));\n"
                    # With a listener for requests node would send trailers of its own beside those of the stream.
                    + ("server.on('request', (q, r) => { if (q.httpVersion[0] == '1') r.end('by HTTP/1'); });\n" if tls else "") +
                    f"{more}\nconst handle = {handler};\nserver.on('stream', (s, h) => {{ s.on('error', () => {{}}); handle(s, h); }});\n"
                    "server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}.`));\n")
        self.start("node", "server.js")
        found = until(lambda: re.search(r"port (\d+)\.", self.said()) or self.process.poll() is not None, "node's port")
        assert self.process.poll() is None, self.said()
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{found.group(1)}"

    def connections(self):
        return len(re.findall(r"connection \d+\.", self.said()))
