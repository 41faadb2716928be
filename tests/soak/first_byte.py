"""How much later does the first piece of a reply come when it is compressed on the way?

    first_byte.py --rounds 300      by hand, on a machine that does nothing else, against the build in $RPX_BIN

A server sends the head and 2 KB, and the rest 30 ms later. Measured is the time from the request to the last byte of the
first piece: all 2 KB as they are, or the piece of the coded stream that was flushed for them; codings take turns. Ends with
1 where a coding is a millisecond later than none. No part of ctest: its figures are those of the machine.
"""

import argparse
import collections
import statistics
import sys
import time
import zlib

from support import wire
from support.client import Client
from support.origin import ScriptedOrigin
from support.proxy import Proxy

CODINGS = ("identity", "gzip", "br", "zstd")
FIRST = b"".join(b"<li>entry %d of the list</li>\n" % i for i in range(70))
PAUSE = 0.03
LIMIT_MS = 1.0
CONFIG = """
[[listen]]
address = "127.0.0.1:0"

[compress.text]
types = ["text/*"]

[[route]]
upstream = "{origin}"
compress = "text"
"""


def script(connection):
    while True:
        connection.request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
                        + wire.chunk(FIRST))
        time.sleep(PAUSE)
        connection.send(wire.chunk(b"the rest of the list\n") + b"0\r\n\r\n")


def milliseconds(client, coding):
    """From the request to the end of what came before the server's pause was over."""
    pieces = []
    begin = time.perf_counter()
    client.send(f"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {coding}\r\n\r\n".encode())
    _, fields = wire.parse_head(client.head())
    client.chunked(lambda data: pieces.append(((time.perf_counter() - begin) * 1000, data)))
    assert fields.get("Content-Encoding") == (None if coding == "identity" else coding), fields
    early = [(at, data) for at, data in pieces if at < PAUSE * 1000]
    if coding == "gzip":
        shown = zlib.decompressobj(31).decompress(b"".join(data for _, data in early))
        assert shown == FIRST, f"{len(shown)} of {len(FIRST)} bytes can be shown before the rest comes"
    return early[-1][0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    options = parser.parse_args()
    taken = collections.defaultdict(list)
    origin = ScriptedOrigin(script)
    proxy = Proxy(CONFIG.format(origin=origin.url), serve="workers = 1")
    with Client(proxy.url) as client:
        for _ in range(options.rounds):
            for coding in CODINGS:
                taken[coding].append(milliseconds(client, coding))
    proxy.stop()
    proxy.kill()
    origin.close()
    plain = statistics.median(taken["identity"])
    for coding, values in taken.items():
        ranks = statistics.quantiles(values, n=100)
        print(f"{coding:<9} median {ranks[49]:7.3f} ms  p90 {ranks[89]:7.3f}  p99 {ranks[98]:7.3f}  later by {ranks[49] - plain:+.3f}")
    sys.exit(1 if any(statistics.median(values) > plain + LIMIT_MS for values in taken.values()) else 0)


if __name__ == "__main__":
    main()
