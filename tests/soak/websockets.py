"""Many WebSockets live through the drain of a server and many reloads. By hand, against the build in $RPX_BIN:

    websockets.py                          5,000 of them, 100 reloads
    websockets.py --count 500 --reloads 10

Prints how many were lost and what memory the proxy had; ends with 1 when one was lost. No part of ctest, which has
tests/flow/many_websockets_test.py.
"""

import argparse
import resource
import sys
import time

from support.many_websockets import Crowd
from support.proxy import Proxy


def config(urls, number):
    servers = ", ".join(f'"{url}"' for url in urls)
    return (f'[[listen]]\nname = "web"\naddress = "127.0.0.1:0"\n\n[limits]\nconnections_per_client = 0\n\n'
            f'[upstream.app]\nservers = [{servers}]\n\n[[route]]\nupstream = "app"\n'
            f'response_headers = {{ set = {{ "X-Reload" = "{number}" }} }}\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--reloads", type=int, default=100)
    options = parser.parse_args()
    # Both ends are here: two descriptors for each, and the proxy, which inherits the limit, has as many.
    wanted = options.count * 2 + 200
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if wanted > most:
        sys.exit(f"{options.count} WebSockets take {wanted} descriptors, and {most} is the limit (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    crowd = Crowd(3)
    urls = [place.url for place in crowd.places]
    proxy = Proxy(config(urls, 0))
    lost = 0

    def report(what, gone):
        nonlocal lost
        lost = max(lost, gone)
        print(f"{what:<32}{gone:>5} lost, {proxy.memory()[0] / 2**20:7.1f} MiB", flush=True)

    try:
        print(f"{'before any connection':<32}            {proxy.memory()[0] / 2**20:7.1f} MiB")
        begun = time.monotonic()
        crowd.connect(options.count, *proxy.address())
        report(f"{options.count} open in {time.monotonic() - begun:.1f} s", crowd.lost())
        path = "/v1/upstreams/app/servers/" + urls[0].replace("/", "%2F")
        if proxy.control("PATCH", path, {"state": "drain"})[0] != 200:
            sys.exit("the server cannot be drained")
        report(f"a server with {crowd.places[0].count} drains", crowd.lost())
        for number in range(1, options.reloads + 1):
            if proxy.reload(config(urls, number))[0] != 200:
                sys.exit("a reload failed")
            if number % max(1, options.reloads // 5) == 0:
                report(f"after {number} reloads", crowd.lost(b"round %d" % number))
        crowd.close_clients()
        end = time.monotonic() + 20
        while proxy.status()["connections"] != 0 and time.monotonic() < end:
            time.sleep(0.1)
        print(f"{'all closed':<32}            {proxy.memory()[0] / 2**20:7.1f} MiB")
    finally:
        proxy.stop()
        crowd.close()
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
