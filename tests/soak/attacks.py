"""Who is served beside an attack? By hand, against the build in $RPX_BIN:

    attacks.py                              all of them, a line for each
    attacks.py heads bodies --connections 500

slowhttptest (heads, bodies, readers), the drills of rpx-bench (idle connections, floods of connections that are reset, and of
streams that are) and heads of HTTP/2 that never end, from the address of the good client, which asks with a new connection for
each request: what a limit for each client would keep off is let through here. Prints how many of its requests were answered,
how late, and how much memory the proxy took; ends with 1 where fewer than 99.9 % were answered or one in a hundred took longer
than 100 ms. No part of ctest: it measures.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

import support
from support.proxy import BINARY, Proxy

BENCH = os.path.join(os.path.dirname(BINARY), "rpx-bench")
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(support.__file__)))
CONFIG = """
[[listen]]
name = "web"
address = "127.0.0.1:0"
protocols = ["http/1.1", "h2c"]
[limits]
connections_per_client = 0
[[route]]
path = "/attacked"
upstream = "{attacked}"
[[route]]
upstream = "{origin}"
"""


def slow(*options):
    return lambda url, o: ["slowhttptest", *options, "-c", str(o.connections), "-r", str(max(50, o.connections // 5)), "-l",
                           str(o.seconds), "-v", "0", "-u", url + "/attacked?size=1000000"]


def drill(kind, share=10):
    return lambda url, o: [BENCH, "drill", kind, url + "/attacked", "-c", str(o.connections // share), "-d", f"{o.seconds}s"]


def continuations(url, o):
    return ["env", f"PYTHONPATH={TESTS}", sys.executable, "-m", "support.continuations", url.rsplit(":", 1)[1], str(o.connections // 10), str(o.seconds)]


ATTACKS = {"heads": slow("-H", "-i", "2"), "bodies": slow("-B", "-i", "2", "-s", "100000"),
           "readers": slow("-X", "-w", "10", "-y", "20", "-n", "2", "-z", "8"),
           "connections": drill("idle", 1), "resets": drill("reset"), "rapid-resets": drill("rapid-reset"),
           "continuations": continuations}


class Origin:
    """A server while a `with` lasts; the attacked one has trouble of its own."""

    def __enter__(self):
        self.process = subprocess.Popen([BENCH, "origin", "--listen", "127.0.0.1:0"], text=True, stdout=subprocess.PIPE)
        return re.search(r"http://\S+", self.process.stdout.readline()).group(0).rstrip("/")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def run(name, options):
    with Origin() as attacked, Origin() as origin:
        proxy = Proxy(CONFIG.format(attacked=attacked, origin=origin), serve=f"workers = 2\nmax_connections = {options.most}")
        try:
            before = proxy.memory()[1]
            with tempfile.TemporaryDirectory() as folder, \
                    subprocess.Popen(ATTACKS[name](proxy.url, options), cwd=folder, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL) as attack:
                done = subprocess.run([BENCH, "-o", "json", "--no-progress", "--no-keepalive", "-t", "1", "-c", "50", "--rate", "100",
                                       "-d", f"{options.seconds}s", proxy.url + "/?size=1000"], capture_output=True, text=True,
                                      check=False)
                ended = attack.wait(options.seconds + 60)
            status, memory = proxy.status(), proxy.memory()[1]
        finally:
            proxy.kill()
    if ended != 0:
        raise SystemExit(f"{name}: the attacker ended with {ended}; nothing was attacked")
    report = json.loads(done.stdout)
    asked = report["requests"] + report["unfinished"]
    share, p99 = report["replies_by_class"][2] / asked, report["latency"]["p99_ms"]
    good = share >= 0.999 and p99 < 100
    print(f"{name:>13}: {asked} asked, {share:.3%} answered, p99 {p99:.1f} ms; {status['connections_accepted']} connections, "
          f"{status['connections_shed']} shed, {status['connections_refused']} refused; memory {before >> 20} to {memory >> 20} MiB"
          f"{'' if good else '  OUTSIDE'}", flush=True)
    if not good:
        print(json.dumps(report["errors_by_kind"]))
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("attacks", nargs="*", help=" ".join(ATTACKS))
    parser.add_argument("--connections", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--most", type=int, default=50_000, help="max_connections of the proxy")
    options = parser.parse_args()
    if not all([run(name, options) for name in options.attacks or ATTACKS]):
        sys.exit(1)


main()
