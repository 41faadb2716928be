"""Proxies that obtain certificates by [acme], and an authority's directory that says when they are to be renewed."""

import base64
import http.client
import http.server
import json
import os
import re
import socket
import ssl
import threading

from support.certs import Authority
from support.flow import FlowTest
from support.pebble import Pebble
from support.waiting import PATIENCE, until

ROUTE = '[[route]]\nrespond = { status = 200, body = "pong" }\n'


class AcmeServeTest(FlowTest):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder())
        self.store = os.path.join(self.folder(), "acme")

    def pebble(self, **more):
        pebble = Pebble(self.ca, **more)
        self.addCleanup(pebble.close)
        return pebble

    def site(self, plain, secure, directory, hosts='"a.test"', acme="", top="", wait=True):
        config = (f'[[listen]]\nname = "plain"\naddress = "127.0.0.1:{plain}"\nredirect_https = true\n'
                  f'[[listen]]\nname = "web"\naddress = "127.0.0.1:{secure}"\ntls = true\n'
                  f'[acme]\ndirectory = "{directory}"\nca = "{self.ca.pem}"\nhosts = [{hosts}]\nagree_tos = true\n'
                  f'store = "{self.store}"\n{acme}\n{top}\n{ROUTE}')
        return self.proxy(config, wait=wait)

    @staticmethod
    def served(proxy, name="a.test"):
        """The certificate, in DER; None where the handshake is refused."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            with socket.create_connection(proxy.address("web"), timeout=PATIENCE) as raw, \
                    context.wrap_socket(raw, server_hostname=name) as sock:
                return sock.getpeercert(True)
        except ssl.SSLError:
            return None

    def stored(self, name="a.test"):
        with open(os.path.join(self.store, "certificates", f"{name}.pem"), encoding="ascii") as f:
            return ssl.PEM_cert_to_DER_cert(re.search("-----BEGIN CERT.*?END CERTIFICATE-----", f.read(), re.DOTALL).group())

    @staticmethod
    def acme(proxy, name="a.test"):
        return next(n for n in proxy.control("GET", "/v1/acme")[1]["names"] if n["name"] == name)

    def obtained(self, proxy, name="a.test"):
        until(lambda: self.acme(proxy, name)["fingerprint"] or self.acme(proxy, name)["error"], f"a certificate for {name}")
        self.assertIsNone(self.acme(proxy, name)["error"])
        until(lambda: self.served(proxy, name), f"what is served for {name}")
        return self.served(proxy, name)

    def metric(self, proxy, name):
        text = proxy.control("GET", "/metrics")[1]
        return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE).group(1))


class Front:
    """A directory in front of pebble that says when certificates are to be renewed (RFC 9773), which it does not."""

    def __init__(self, authority, pebble, window):
        self.asked = []
        self.orders = []
        front = self
        trust = ssl.create_default_context(cafile=authority.pem)

        class Handler(http.server.BaseHTTPRequestHandler):
            def relay(self):
                if self.path.startswith("/renewal/"):
                    front.asked.append(self.path[9:])
                    body = json.dumps({"suggestedWindow": {"start": window[0], "end": window[1]}}).encode()
                    return self.say(200, [("Retry-After", "3600")], body)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.path == "/order-plz":
                    front.orders.append(json.loads(base64.urlsafe_b64decode(json.loads(body)["payload"] + "==")))
                upstream = http.client.HTTPSConnection("localhost", pebble.port, context=trust, timeout=PATIENCE)
                upstream.request(self.command, self.path, body=body or None,
                                 headers={k: v for k, v in self.headers.items() if k.lower() not in ("connection", "content-length")})
                reply = upstream.getresponse()
                got = reply.read()
                if self.path == "/dir":
                    directory = json.loads(got)
                    directory["renewalInfo"] = f"{front.base}/renewal"
                    got = json.dumps(directory).encode()
                fields = [(k, v) for k, v in reply.getheaders() if k.lower() not in ("content-length", "connection", "transfer-encoding")]
                upstream.close()
                return self.say(reply.status, fields, got)

            def say(self, status, fields, body):
                self.send_response(status)
                for name, value in [*fields, ("Content-Length", str(len(body)))]:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else body)

            do_GET = do_HEAD = do_POST = relay

            def log_message(self, *_):
                pass

        authority.issue("front", "DNS:localhost,IP:127.0.0.1")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.path("front.pem"), authority.path("front.key"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.base = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
