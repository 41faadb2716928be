"""Are limits exact? By hand, against the build in $RPX_BIN:

    limits.py                           2 workers, 64 clients, for each of some rates
    limits.py --seconds 20 --rate 500   one of them

All clients share one count and ask as fast as they can. Prints how many requests were let on, and ends with 1 where that is
more than 2 % off from what the limit says. The burst bridges the moments in which the machine does something else: without
one, what is not asked for at once is lost, which is no fault of the limit. No part of ctest: it measures.
"""

import argparse
import json
import os
import subprocess
import sys

from support.proxy import BINARY, Proxy

CONFIG = """
[[listen]]
name = "web"
address = "127.0.0.1:0"
[rate_limit.all]
rate = "{rate}/s"
burst = {burst}
key = "{{host}}"
[[route]]
rate_limit = ["all"]
respond = {{ status = 200 }}
"""


def measure(rate, options):
    burst = max(1, round(rate * options.burst))
    proxy = Proxy(CONFIG.format(rate=rate, burst=burst), serve=f"workers = {options.workers}")
    try:
        done = subprocess.run([os.path.join(os.path.dirname(BINARY), "rpx-bench"), "-o", "json", "--no-progress", "-t", "1",
                               "-c", str(options.clients), "-d", f"{options.seconds}s", proxy.url],
                              capture_output=True, text=True, check=False)
        report = json.loads(done.stdout)
    finally:
        proxy.kill()
    admitted, wanted = report["replies_by_class"][2], rate * report["seconds"] + burst
    error = admitted / wanted - 1
    good = abs(error) <= options.within
    print(f"{rate:>6}/s, burst {burst:>5}: {report['requests']:>7} asked, {admitted:>6} let on, {wanted:9.1f} by the limit, "
          f"off by {error:+.2%}{'' if good else '  OUTSIDE'}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, nargs="*", default=[50, 500, 5000], help="requests a second")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--burst", type=float, default=0.2, help="as a share of the rate")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--within", type=float, default=0.02)
    options = parser.parse_args()
    if not all([measure(rate, options) for rate in options.rate]):
        sys.exit(1)


main()
