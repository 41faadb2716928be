"""What a proxy does all day, in half a minute: what a profile is made of (.ci/profile). Against the build in $RPX_BIN:

    paths.py [--seconds 2]

Plain and TLS, HTTP/1.1 and HTTP/2, kept connections and new ones, small replies and larger ones, uploads, hits of the cache,
compression, limits and access rules, and TCP. Says how many requests of each kind there were; ends with 1 where one went wrong.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

from support.certs import Authority
from support.proxy import BINARY, Proxy

BENCH = os.path.join(os.path.dirname(BINARY), "rpx-bench")
# No sandbox: it would keep a profile from being written.
SERVE = 'workers = 1\nsandbox = false\nmax_connections = 20_000'
CONFIG = """
[log]
access = "access.log"
[limits]
connections_per_client = 0
[[listen]]
name = "plain"
address = "127.0.0.1:0"
[[listen]]
name = "secure"
address = "127.0.0.1:0"
tls = true
protocols = ["h2", "http/1.1"]
[[listen]]
name = "tcp"
address = "127.0.0.1:0"
mode = "tcp"
upstream = "origin"
{certificate}
[upstream.origin]
servers = ["{origin}"]
connect = {{ keepalive = 512 }}
[cache.pages]
memory = "64MiB"
[compress.text]
encodings = ["gzip"]
[rate_limit.all]
rate = "1000000/s"
key = "{{client}}"
[access.local]
rules = [{{ allow = ["127.0.0.0/8"] }}, {{ deny = ["all"] }}]
[[route]]
path = "/cached/*"
upstream = "origin"
cache = "pages"
[[route]]
path = "/text/*"
upstream = "origin"
compress = "text"
[[route]]
path = "/guarded/*"
upstream = "origin"
rate_limit = ["all"]
access = "local"
[[route]]
upstream = "origin"
"""
FRESH = "header=Cache-Control:max-age=600&"
# Name, listener, path, and more for the client; what most users do most of is there more than once.
KINDS = (
    ("small", "plain", "/?size=128", ()),
    ("small again", "plain", "/a/b?size=300", ("-H", "Accept: */*", "-H", "User-Agent: a/1.0", "-H", "Cookie: a=b; c=d")),
    ("10 KB", "plain", "/?size=10KiB", ()),
    ("1 MB", "plain", "/?size=1MiB", ("-c", "8")),
    ("chunks", "plain", "/?size=20KiB&chunks=4", ()),
    ("uploads", "plain", "/?size=10", ("--body-size", "4KiB")),
    ("new connections", "plain", "/?size=128", ("--no-keepalive",)),
    ("hits", "plain", f"/cached/a?{FRESH}size=128", ()),
    ("hits of 10 KB", "plain", f"/cached/b?{FRESH}size=10KiB", ()),
    ("compressed", "plain", "/text/a?type=text/html&size=20KiB", ("-H", "Accept-Encoding: gzip")),
    ("guarded", "plain", "/guarded/?size=128", ()),
    ("TLS", "secure", "/?size=128", ("-k",)),
    ("handshakes", "secure", "/?size=128", ("-k", "--no-keepalive", "-c", "8")),
    ("HTTP/2", "secure", "/?size=128", ("-k", "--http2", "-c", "16", "-m", "32")),
    ("HTTP/2, hits", "secure", f"/cached/b?{FRESH}size=10KiB", ("-k", "--http2", "-c", "16", "-m", "32")),
    ("TCP", "tcp", "/?size=128", ()),
)


def ask(proxy, kind, seconds):
    name, listener, path, more = kind
    host, port = proxy.address(listener)
    url = f"http{'s' if listener == 'secure' else ''}://{host}:{port}{path}"
    connections = () if "-c" in more else ("-c", "64")
    done = subprocess.run([BENCH, "-o", "json", "--no-progress", "-t", "1", "-d", f"{seconds}s", *connections, *more, url],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{name}: {done.stderr}")
    report = json.loads(done.stdout)
    print(f"{name:<16}{report['requests']:>9} requests", flush=True)
    return report["requests"] > 0 and report["replies_by_class"][2] == report["requests"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2, help="for each kind")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rpx-paths-") as folder, \
            subprocess.Popen([BENCH, "origin", "--listen", "127.0.0.1:0"], text=True, stdout=subprocess.PIPE) as origin:
        try:
            certificate = Authority(folder).issue("site", "DNS:localhost,IP:127.0.0.1")
            proxy = Proxy(CONFIG.format(certificate=certificate, origin=origin.stdout.readline().strip()), serve=SERVE)
            try:
                good = all([ask(proxy, kind, options.seconds) for kind in KINDS])
                proxy.stop()
            finally:
                proxy.kill()
        finally:
            origin.terminate()
    sys.exit(0 if good else 1)


main()
