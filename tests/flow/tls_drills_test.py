"""TLS gone wrong: handshakes that break, and secrets that must not get about."""

import os
import re
import resource
import signal
import socket
import ssl
import unittest

from support.certs import openssl
from support.proxy import Proxy
from support.tls import LISTEN, PING, TlsTest
from support.waiting import PATIENCE, SANITIZED, until


class Broken(TlsTest):
    def test_a_handshake_that_breaks_off_is_logged_with_its_reason(self):
        proxy = self.site()
        with socket.create_connection(proxy.address(), timeout=PATIENCE) as raw:
            raw.sendall(b"\x16\x03\x01\x00\x05junk!")
            self.assertEqual(raw.recv(100)[:2], b"\x15\x03", "an alert")
        # A good ClientHello, and then a record that no key fits.
        context = self.context()
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(into, out, server_hostname="a.test")
        with self.assertRaises(ssl.SSLWantReadError):
            client.do_handshake()
        hello = out.read()
        with socket.create_connection(proxy.address(), timeout=PATIENCE) as raw:
            raw.sendall(hello)
            self.assertTrue(raw.recv(100))
            raw.sendall(b"\x17\x03\x03\x00\x20" + b"\0" * 32)
            while raw.recv(65536):
                pass
        # One that is cut off in the middle of it says nothing but in the counter.
        failed = self.metric(proxy, "rpx_tls_failed_total")
        with socket.create_connection(proxy.address(), timeout=PATIENCE) as raw:
            raw.sendall(hello[:50])
        until(lambda: self.metric(proxy, "rpx_tls_failed_total") == failed + 1, "the count")
        until(lambda: proxy.text("stderr").count("no TLS handshake") >= 2, "two lines")
        for line in re.findall(".*no TLS handshake.*", proxy.text("stderr")):
            self.assertRegex(line, r'client=127\.0\.0\.1 listener=web reason="TLS: ')
        self.assertEqual(self.curl(proxy).stdout, b"pong")

    def test_tls_on_a_plain_port_is_refused_as_what_it_is(self):
        for count, protocols in enumerate(('["http/1.1"]', '["h2c", "http/1.1"]', '["h2c"]')):
            with self.subTest(protocols):
                proxy = self.proxy(f'[[listen]]\nname = "clear"\naddress = "127.0.0.1:0"\nprotocols = {protocols}\n{PING}')
                with socket.create_connection(proxy.address(), timeout=PATIENCE) as raw:
                    # As any client of TLS has it who is answered in plain text.
                    with self.assertRaisesRegex(ssl.SSLError, "WRONG_VERSION_NUMBER"):
                        self.context().wrap_socket(raw, server_hostname="a.test")
                with socket.create_connection(proxy.address(), timeout=PATIENCE) as raw:
                    raw.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
                    self.assertTrue(raw.recv(100).startswith(b"HTTP/1.1 400 "))
                until(lambda: proxy.text("stderr").count("TLS on a port that speaks plain HTTP") == 2, "two lines")
                self.assertRegex(proxy.text("stderr"), r'message="TLS on a port[^"]*" client=127\.0\.0\.1 listener=clear\n')
                self.assertEqual(self.metric(proxy, "rpx_tls_on_plain_total"), 2)
                if count < 2:
                    self.assertEqual(self.fetch(proxy).body, b"pong")


class Secrets(TlsTest):
    def test_secrets_are_written_down_only_where_a_file_is_named(self):
        proxy = self.site(arguments=("--keylog", "keys.log"))
        for version in ("1.2", "1.3"):
            self.assertEqual(self.curl(proxy, "--tls-max", version).stdout, b"pong")
        until(lambda: proxy.text("keys.log").count("\n") >= 6, "the secrets")
        for label in ("CLIENT_RANDOM ", "SERVER_TRAFFIC_SECRET_0 "):
            self.assertIn(label, proxy.text("keys.log"))
        self.assertEqual(os.stat(proxy.path("keys.log")).st_mode & 0o777, 0o600)
        self.logged(proxy, "SECRETS")
        lines = proxy.text("keys.log").count("\n")
        self.assertEqual(proxy.reload()[0], 200)
        self.curl(proxy)
        until(lambda: proxy.text("keys.log").count("\n") > lines, "more, after a reload")
        self.assertEqual(self.curl(self.site()).stdout, b"pong")

    def test_files_of_keys_leave_no_text_in_memory_and_no_core_is_written(self):
        proxy = self.site(certs=self.cert + self.ca.issue("old", "DNS:b.test", key="rsa"), serve="workers = 1")
        for name in ("a.test", "b.test"):
            self.ping(self.connect(proxy, name=name))
        secrets = {}
        for name in ("site", "old"):
            with open(self.ca.path(f"{name}.key"), "rb") as f:
                secrets[name] = f.read().split(b"\n")[1][20:]
        with open(f"/proc/{proxy.process.pid}/limits", encoding="ascii") as f:
            limit = re.search(r"Max core file size\s+(\S+)", f.read()).group(1)
        with open(f"/proc/{proxy.process.pid}/maps", encoding="ascii") as f:
            places = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) rw.p", f.read(), re.MULTILINE)
        if any(int(end, 16) - int(begin, 16) > 1 << 30 for begin, end in places):
            self.skipTest("a sanitizer keeps what was freed")
        self.assertEqual(limit, "1")
        with open(f"/proc/{proxy.process.pid}/mem", "rb", buffering=0) as memory:
            for begin, end in places:
                memory.seek(int(begin, 16))
                held = memory.read(int(end, 16) - int(begin, 16))
                self.assertEqual([name for name, secret in secrets.items() if secret in held], [], begin)

    def numbers(self, name):
        """What a private key is, as numbers: the secret parts of it, as bytes from the most significant on."""
        text = openssl("pkey", "-in", self.ca.path(f"{name}.key"), "-noout", "-text")
        parts = re.findall(r"^(priv|privateExponent|prime1|prime2|exponent1|exponent2|coefficient):\n((?: +[0-9a-f:]+\n)+)",
                           text, re.MULTILINE)
        return {f"{name} {part}": bytes.fromhex(re.sub(r"[ :\n]", "", digits)).lstrip(b"\0") for part, digits in parts}

    def test_a_core_has_no_private_key(self):
        with open("/proc/sys/kernel/core_pattern", encoding="ascii") as f:
            pattern = f.read().strip()
        most = resource.getrlimit(resource.RLIMIT_CORE)[1]
        if "/" in pattern or pattern.startswith("|") or most != resource.RLIM_INFINITY:
            self.skipTest("the kernel puts no core into the folder")
        if SANITIZED:
            self.skipTest("a sanitizer has memory of its own")
        before = resource.getrlimit(resource.RLIMIT_CORE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_CORE, before)
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))
        proxy = Proxy(f"{LISTEN}\n{self.cert}{self.ca.issue('old', 'DNS:b.test', key='rsa')}\n{PING}",
                      serve="workers = 1\nsandbox = false")
        self.addCleanup(proxy.kill)
        for name in ("a.test", "b.test"):
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                self.ping(self.connect(proxy, self.context(maximum_version=version), name=name))
        self.assertEqual(proxy.reload()[0], 200)
        self.ping(self.connect(proxy, name="b.test"))
        secrets = {**self.numbers("site"), **self.numbers("old")}
        self.assertEqual(len(secrets), 7)
        proxy.process.send_signal(signal.SIGABRT)
        proxy.process.wait(PATIENCE)
        cores = [name for name in os.listdir(proxy.path("")) if name.startswith("core")]
        self.assertEqual(len(cores), 1, "a core")
        with open(proxy.path(cores[0]), "rb") as f:
            core = f.read()
        self.assertGreater(len(core), 1_000_000)
        self.assertIn(b"a.test", core, "other memory is in it")
        # OpenSSL has numbers with their least significant part first.
        found = [name for name, secret in secrets.items() if secret in core or secret[::-1] in core]
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
