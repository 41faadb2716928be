"""pebble: an authority for tests that speaks ACME. Its Debian package has it, and the name server it asks."""

import json
import os
import shutil
import socket

from support.peers import Peer
from support.ports import free_port
from support.waiting import until

INSTALLED = shutil.which("pebble") and shutil.which("pebble-challtestsrv")
EAB_KEY = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"


class Pebble(Peer):
    """pebble with a name server for which every name is this machine."""

    def __init__(self, authority, eab=False, life=None):
        super().__init__()
        authority.issue("pebble", "DNS:localhost,IP:127.0.0.1")
        self.port, self.http, self.tls = free_port(), free_port(), free_port()
        dns = free_port()
        self.names = Peer()
        self.names.start("pebble-challtestsrv", "-dns01", f"127.0.0.1:{dns}", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
                         "-http01", "", "-https01", "", "-tlsalpn01", "", "-management", f"127.0.0.1:{free_port()}")
        settings = {"listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{free_port()}",
                    "certificate": authority.path("pebble.pem"), "privateKey": authority.path("pebble.key"),
                    "httpPort": self.http, "tlsPort": self.tls, "ocspResponderURL": "", "externalAccountBindingRequired": eab,
                    "externalAccountMACKeys": {"kid-1": EAB_KEY} if eab else {}}
        if life:
            settings["certificateValidityPeriod"] = life
        with open(os.path.join(self.dir, "pebble.json"), "w", encoding="utf-8") as f:
            json.dump({"pebble": settings}, f)
        # It refuses one good nonce of ten: often enough to be met, six in a row (where a client gives up) once in a million.
        self.start("pebble", "-config", "pebble.json", "-dnsserver", f"127.0.0.1:{dns}",
                   env={**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "10"})
        until(self.answers, "pebble")

    def answers(self):
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0

    def close(self):
        self.names.close()
        super().close()

    @property
    def directory(self):
        return f"https://localhost:{self.port}/dir"
