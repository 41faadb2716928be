"""A small DNS server on loopback whose answers the test decides."""

import socket
import struct
import threading

TYPES = {1: "A", 28: "AAAA", 33: "SRV"}


def encode_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


class DnsServer:
    """`zone` maps (name, "A"|"AAAA"|"SRV") to a list of values: texts of addresses, or (priority, weight, port, host).
    What it has no entry for does not exist; `mute` has it say nothing at all, `ttl` is that of every record."""

    def __init__(self, zone=None, ttl=1):
        self.zone = zone or {}
        self.ttl = ttl
        self.mute = False
        self.questions = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            if not query:
                return
            answer = self.answer(query)
            if not self.mute:
                self.socket.sendto(answer, peer)

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += query[at] + 1
        name, kind = ".".join(labels).lower(), TYPES.get(struct.unpack(">H", query[at + 1:at + 3])[0], "?")
        self.questions.append((name, kind))
        values = self.zone.get((name, kind), [])
        known = any(entry[0] == name for entry in self.zone)
        records = b"".join(self.record(kind, value) for value in values)
        flags = 0x8180 if known else 0x8183  # NOERROR, or NXDOMAIN
        return (query[:2] + struct.pack(">HHHHH", flags, 1, len(values), 0, 0) + query[12:at + 5] + records)

    def record(self, kind, value):
        if kind == "A":
            data, code = socket.inet_aton(value), 1
        elif kind == "AAAA":
            data, code = socket.inet_pton(socket.AF_INET6, value), 28
        else:
            priority, weight, port, host = value
            data, code = struct.pack(">HHH", priority, weight, port) + encode_name(host), 33
        return b"\xc0\x0c" + struct.pack(">HHIH", code, 1, self.ttl, len(data)) + data

    def close(self):
        # A closed socket does not wake its reader; a packet does.
        host, port = self.socket.getsockname()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (host, port))
        self.thread.join()
        self.socket.close()
