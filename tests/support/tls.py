"""What tests of TLS with clients share: a proxy with a certificate, and ways to ask it."""

import re
import socket
import ssl

from support.certs import Authority
from support.flow import FlowTest
from support.peers import curl
from support.waiting import PATIENCE

LISTEN = '[[listen]]\nname = "web"\naddress = "127.0.0.1:0"\ntls = true\n'
PING = '[[route]]\nrespond = { status = 200, body = "pong", headers = { "X-Scheme" = "{scheme}" } }\n'


class TlsTest(FlowTest):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder())
        self.cert = self.ca.issue("site", "DNS:a.test,DNS:*.w.test,DNS:localhost,IP:127.0.0.1")

    def site(self, rest=PING, certs=None, tls="", listen="", **more):
        return self.proxy(f"{LISTEN}{listen}\n[tls]\n{tls}\n{self.cert if certs is None else certs}\n{rest}", **more)

    def curl(self, proxy, *arguments, host="a.test", path="/", scheme="https"):
        port = proxy.address()[1]
        return curl("--cacert", self.ca.pem, "--resolve", f"{host}:{port}:127.0.0.1", *arguments,
                    f"{scheme}://{host}:{port}{path}")

    def context(self, **more):
        context = ssl.create_default_context(cafile=self.ca.pem)
        for name, value in more.items():
            setattr(context, name, value)
        return context

    def connect(self, proxy, context=None, name="a.test", session=None):
        raw = socket.create_connection(proxy.address(), timeout=PATIENCE)
        self.addCleanup(raw.close)
        sock = (context or self.context()).wrap_socket(raw, server_hostname=name, session=session)
        self.addCleanup(sock.close)
        return sock

    def common_name(self, proxy, name):
        context = self.context(check_hostname=False)
        return dict(pair[0] for pair in self.connect(proxy, context, name).getpeercert()["subject"])["commonName"]

    @staticmethod
    def ping(sock):
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        got = b""
        while b"pong" not in got:
            more = sock.recv(65536)
            assert more, got
            got += more
        return got

    def metric(self, proxy, name):
        text = proxy.control("GET", "/metrics")[1]
        return float(re.search(rf"^{name} (\S+)$", text, re.MULTILINE).group(1))
