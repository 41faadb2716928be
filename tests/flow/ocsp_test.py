"""OCSP: what the authority says of a certificate, asked by rpx-cert and sent along by the proxy."""

import json
import os
import re
import socket
import subprocess
import unittest

from support.certs import Authority, openssl
from support.flow import FlowTest
from support.ocsp import Responder
from support.peers import curl
from support.proxy import BINARY, run_tool
from support.waiting import PATIENCE, until

CERT = os.path.join(os.path.dirname(BINARY), "rpx-cert")


class OcspTest(FlowTest):
    def setUp(self):
        super().setUp()
        self.responder = Responder()
        self.addCleanup(self.responder.close)
        self.at = self.responder.folder = os.path.join(self.folder(), "lab")
        done = run_tool("lab", "-q", "--responder", self.responder.url, self.at, binary=CERT)
        self.assertEqual(done.returncode, 0, done.stderr)
        serial = openssl("x509", "-noout", "-serial", "-in", self.path("good.pem")).strip().split("=")[1]
        with open(self.path("index.txt"), "a", encoding="ascii") as f:
            f.write(f"V\t491231235959Z\t\t{serial}\tunknown\t/CN=lab.test\n")

    def path(self, name):
        return os.path.join(self.at, name)

    def ocsp(self, *arguments, expect=0):
        done = run_tool("ocsp", "--issuer", self.path("ca.pem"), *arguments, binary=CERT)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done

    def site(self, name="good", tls=""):
        with open(self.path("chain.pem"), "w", encoding="ascii") as out:
            for one in (f"{name}.pem", "ca.pem"):
                with open(self.path(one), encoding="ascii") as f:
                    out.write(f.read())
        return self.proxy(f'[[listen]]\naddress = "127.0.0.1:0"\ntls = true\n[tls]\n{tls}\n[[certificate]]\n'
                          f'cert = "{self.path("chain.pem")}"\nkey = "{self.path(name + ".key")}"\n'
                          '[[route]]\nrespond = { status = 204 }\n')

    @staticmethod
    def said(proxy):
        """What openssl s_client is told of the certificate in the handshake."""
        done = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % proxy.address()[1], "-servername", "lab.test",
                               "-status"], input="", capture_output=True, text=True, timeout=PATIENCE, check=False)
        return done.stdout

    @staticmethod
    def state(proxy):
        return proxy.control("GET", "/v1/certificates")[1]["items"][0]["ocsp"]


class Asking(OcspTest):
    def test_good_revoked_and_unknown(self):
        good = json.loads(self.ocsp(self.path("good.pem"), "-o", "json").stdout)[0]
        self.assertEqual((good["status"], good["responder"]), ("good", self.responder.url))
        self.assertLess(good["this_update"], good["next_update"])
        revoked = json.loads(self.ocsp(self.path("good.pem"), self.path("revoked.pem"), "-o", "json", expect=1).stdout)[1]
        self.assertEqual(revoked["status"], "revoked")
        self.assertRegex(revoked["revoked_at"], "^20")
        self.assertEqual(json.loads(self.ocsp(self.path("expiring.pem"), "-o", "json", expect=1).stdout)[0]["status"], "unknown")
        self.ocsp("--out", self.path("answer.der"), self.path("good.pem"))
        self.assertIn("Cert Status: good", openssl("ocsp", "-respin", self.path("answer.der"), "-text", "-noverify"))

    def test_an_answer_that_proves_nothing_is_none(self):
        self.responder.broken = True
        self.assertIn("makes no sense", self.ocsp(self.path("good.pem"), expect=3).stderr)
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            url = "http://127.0.0.1:%d/" % nobody.getsockname()[1]
        self.assertIn("refused", self.ocsp("--url", url, self.path("good.pem"), expect=3).stderr)
        done = run_tool("ocsp", self.path("good.pem"), binary=CERT)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--issuer", done.stderr)

    def test_the_lab_has_what_a_list_and_a_responder_say(self):
        self.assertIn("Cert Status: revoked", openssl("ocsp", "-respin", self.path("revoked.ocsp"), "-text", "-noverify"))
        done = subprocess.run(["openssl", "verify", "-crl_check", "-CRLfile", self.path("revoked.crl"), "-CAfile",
                               self.path("ca.pem"), self.path("revoked.pem")], capture_output=True, text=True, check=False)
        self.assertIn("certificate revoked", done.stderr)


class Stapling(OcspTest):
    def test_handshakes_carry_what_the_authority_says(self):
        proxy = self.site()
        until(lambda: "OCSP Response Status: successful" in self.said(proxy), "a staple")
        self.assertIn("Cert Status: good", self.said(proxy))
        state = self.state(proxy)
        self.assertEqual((state["state"], state["stapled"]), ("good", True))
        self.assertRegex(proxy.control("GET", "/metrics")[1], r'rpx_certificate_staple_until_seconds\{fingerprint="\w+"\} 1\d{9}')
        asked = self.responder.asked
        self.assertEqual(proxy.reload()[0], 200)
        until(lambda: "Cert Status: good" in self.said(proxy), "a staple after the reload")
        self.assertEqual(self.responder.asked, asked, "what is known is not asked for again")

    def test_without_an_answer_the_certificate_is_served_all_the_same(self):
        self.responder.broken = True
        proxy = self.site()
        until(lambda: self.state(proxy), "what came of it")
        self.assertEqual((self.state(proxy)["state"], self.state(proxy)["stapled"]), ("failing", False))
        self.assertIn("no response sent", self.said(proxy))
        self.logged(proxy, "no OCSP response was fetched")

    def must_staple(self, responder=True):
        """A site with a certificate that is not to be served without what its authority says (RFC 7633)."""
        at = self.path("must")
        with open(at + ".ext", "w", encoding="ascii") as f:
            f.write("subjectAltName = DNS:lab.test\ntlsfeature = status_request\n"
                    + (f"authorityInfoAccess = OCSP;URI:{self.responder.url}\n" if responder else ""))
        request = openssl("req", *Authority.new_key("ec"), "-keyout", at + ".key", "-subj", "/CN=lab.test")
        openssl("x509", "-req", "-CA", self.path("ca.pem"), "-CAkey", self.path("ca.key"), "-days", "9", "-extfile", at + ".ext",
                "-out", at + ".pem", stdin=request)
        serial = openssl("x509", "-noout", "-serial", "-in", at + ".pem").strip().split("=")[1]
        with open(self.path("index.txt"), "a", encoding="ascii") as f:
            f.write(f"V\t491231235959Z\t\t{serial}\tunknown\t/CN=must\n")
        return self.site("must")

    def ask(self, proxy):
        """A client that insists, as browsers do with such certificates."""
        port = proxy.address()[1]
        return curl("--cert-status", "--cacert", self.path("ca.pem"), "--resolve", f"lab.test:{port}:127.0.0.1",
                    f"https://lab.test:{port}/")

    @staticmethod
    def unstapled(proxy):
        return re.search(r"^rpx_certificates_unstapled (\d+)$", proxy.control("GET", "/metrics")[1], re.MULTILINE).group(1)

    def test_one_that_must_not_be_served_without_is_served_with(self):
        proxy = self.must_staple()
        until(lambda: self.ask(proxy).returncode == 0, "a client that insists is content")
        self.assertEqual(self.unstapled(proxy), "0")

    def test_one_that_must_not_be_served_without_is_told_loudly_while_there_is_none(self):
        self.responder.broken = True
        proxy = self.must_staple()
        until(lambda: "there is none: clients will refuse it" in proxy.text("stderr"), "the log says so")
        self.assertRegex(proxy.text("stderr"), r"level=error .*clients will refuse it.* name=lab\.test reason=.*makes no sense")
        self.assertEqual((self.unstapled(proxy), self.ask(proxy).returncode), ("1", 91))
        # Nobody can be asked at all.
        proxy = self.must_staple(responder=False)
        until(lambda: "and names no responder" in proxy.text("stderr"), "the log says so")
        self.assertEqual(self.unstapled(proxy), "1")
        self.assertEqual(self.unstapled(self.site()), "0", "others may do without")

    def test_one_that_is_revoked_is_told_loudly_and_not_sent(self):
        proxy = self.site("revoked")
        until(lambda: self.state(proxy), "what came of it")
        self.assertEqual(self.state(proxy)["state"], "revoked")
        self.assertIn("no response sent", self.said(proxy))
        self.logged(proxy, "a certificate is not good any more")

    def test_it_can_be_off(self):
        proxy = self.site(tls="ocsp_stapling = false")
        self.assertIn("no response sent", self.said(proxy))
        self.assertEqual((self.state(proxy), self.responder.asked), (None, 0))


if __name__ == "__main__":
    unittest.main()
