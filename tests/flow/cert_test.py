"""rpx-cert with a running proxy: what is served, what should be, and getting the one to be the other."""

import json
import os
import unittest

from support.flow import FlowTest
from support.peers import curl
from support.proxy import BINARY, run_tool
from support.waiting import PATIENCE

CERT = os.path.join(os.path.dirname(BINARY), "rpx-cert")


class CertTool(FlowTest):
    def setUp(self):
        super().setUp()
        self.at = self.folder()
        self.cert("ca", "init", "-q")

    def cert(self, *arguments, expect=0):
        done = run_tool(*arguments, binary=CERT, cwd=self.at)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done.stdout

    def rows(self, *arguments, expect=0):
        return json.loads(self.cert(*arguments, "-o", "json", expect=expect))

    def issue(self, *names, stem="site", more=()):
        self.cert("ca", "issue", "-q", "--force", "--out", stem, *more, *names)

    def site(self, host="a.test", listen=""):
        proxy = self.proxy(f'[[listen]]\naddress = "127.0.0.1:0"\ntls = true\n{listen}\n[tls]\nwatch = false\n'
                           f'[[certificate]]\ncert = "{self.at}/site.pem"\nkey = "{self.at}/site.key"\n'
                           f'[[route]]\nhost = ["{host}"]\nrespond = {{ status = 204 }}\n')
        self.asked = ("-c", proxy.path("rpx.toml"), "--socket", proxy.path("rpx.sock"))
        return proxy

    def findings(self, expect=1):
        return [row["finding"] for row in self.rows("check", "--ca", "ca/ca.pem", *self.asked, expect=expect)]

    def test_what_is_served_can_be_looked_at(self):
        self.issue("a.test", "*.w.test")
        proxy = self.site()
        at = "%s:%d" % proxy.address()
        seen = self.rows("inspect", "--name", "x.w.test", at)[0]
        stored = self.rows("inspect", "site.pem")[0]
        self.assertEqual((seen["names"], seen["issuer"]), ("a.test *.w.test", "CN=rpx development CA"))
        self.assertEqual(seen["fingerprint"], stored["fingerprint"])
        self.assertEqual(self.rows("check", "--ca", "ca/ca.pem", "--name", "a.test", at)[0]["good"], True)
        self.assertIn("it is not for b.test",
                      [r["finding"] for r in self.rows("check", "--ca", "ca/ca.pem", "--name", "b.test", at, expect=1)])

    def test_a_configuration_is_judged_whole(self):
        self.issue("a.test")
        self.site()
        self.assertEqual(self.findings(expect=0), [None])
        listed = self.rows("list", *self.asked)[0]
        self.assertEqual((listed["names"], listed["key"], listed["days_left"]), ("a.test", "EC P-256", 89))
        self.issue("a.test", more=("--for", "5d"))
        soon, other = self.findings()
        self.assertRegex(soon, "^it has 4 days left")
        self.assertRegex(other, "serves another certificate for a.test .*reload")

    def test_reload_makes_what_is_served_what_is_stored(self):
        self.issue("a.test")
        self.site()
        self.issue("a.test", more=("--kind", "rsa"))
        self.assertEqual(len(self.findings()), 1)
        self.cert("reload", *self.asked)
        self.assertEqual(self.findings(expect=0), [None])

    def test_a_host_without_a_certificate_is_told(self):
        self.issue("other.test")
        self.site(host="a.test")
        self.assertEqual(self.findings(), [None, "no certificate is for this host of a route"])

    def test_a_broken_certificate_is_told_by_check_list_and_reload(self):
        self.issue("a.test")
        self.site()
        with open(os.path.join(self.at, "site.key"), "w", encoding="utf-8") as f:
            f.write("nonsense")
        self.assertRegex(self.findings()[0], "site.key: no private key that can be read")
        self.assertRegex(self.rows("list", *self.asked)[0]["problem"], "site.key")
        self.cert("reload", *self.asked, expect=1)

    def test_clients_trust_what_env_says(self):
        self.issue("a.test", "127.0.0.1")
        proxy = self.site(host="127.0.0.1")
        done = run_tool("-c", 'eval "$("$0" ca issue --env again.test)"; curl -sS -o /dev/null -w "%{http_code}" "$1"', CERT,
                        "https://127.0.0.1:%d/" % proxy.address()[1], binary="sh", cwd=self.at)
        self.assertEqual((done.returncode, done.stdout), (0, "204"), done.stderr)

    def test_clients_trust_what_they_are_told_to_and_nothing_else_changes(self):
        self.issue("127.0.0.1")
        proxy = self.site(host="127.0.0.1")
        url = "https://127.0.0.1:%d/" % proxy.address()[1]
        self.assertIn("--bundle", run_tool("ca", "trust", binary=CERT, cwd=self.at).stderr)
        self.cert("ca", "trust", expect=2)
        self.assertEqual(self.cert("ca", "trust", "--bundle", "b.pem"), "b.pem\n")
        self.assertIn("already", self.cert("ca", "trust", "--bundle", "b.pem"))
        self.assertEqual(curl("--cacert", os.path.join(self.at, "b.pem"), url).returncode, 0)
        made = self.cert("ca", "trust", "--into", "folder").splitlines()
        self.assertRegex(made[1], r"^folder/[0-9a-f]{8}\.0$")
        self.assertEqual(curl("--capath", os.path.join(self.at, "folder"), url).returncode, 0)
        self.assertIn("already", self.cert("ca", "trust", "--into", "folder"))
        self.cert("ca", "trust", "--remove", "--into", "folder")
        self.assertEqual(os.listdir(os.path.join(self.at, "folder")), [])
        self.cert("ca", "trust", "--remove", "--bundle", "b.pem")
        self.assertNotEqual(curl("--cacert", os.path.join(self.at, "b.pem"), url).returncode, 0)

    def test_a_whole_system_trusts_and_ceases_to(self):
        if not os.path.exists("/usr/sbin/update-ca-certificates"):
            self.skipTest("no update-ca-certificates here")
        self.issue("127.0.0.1")
        proxy = self.site(host="127.0.0.1")
        # In a view of the file system of its own, where nobody is trusted yet, and which goes with the test.
        for copy in ("share", "certs", "hooks"):
            os.mkdir(os.path.join(self.at, copy))
        script = """
            set -e
            mount --bind share /usr/local/share
            mount --bind certs /etc/ssl/certs
            touch list certs/ca-certificates.crt && mount --bind list /etc/ca-certificates.conf
            if [ -d /etc/ca-certificates/update.d ]; then mount --bind hooks /etc/ca-certificates/update.d; fi
            "$1" ca init -q other && mkdir share/ca-certificates && cp other/ca.pem share/ca-certificates/other.crt
            ask() { curl -sS -o /dev/null "$2" && echo trusted || echo strange; }
            ask "$@"
            "$1" ca trust --system
            ask "$@"
            "$1" ca trust --system --remove
            ask "$@"
            "$1" ca trust --system --remove
        """
        apart = ["--mount"] if os.geteuid() == 0 else ["--map-root-user", "--mount"]
        if run_tool(*apart, "true", binary="unshare").returncode != 0:
            self.skipTest("no view of the file system of one's own here")
        done = run_tool(*apart, "sh", "-c", script, "sh", CERT, "https://127.0.0.1:%d/" % proxy.address()[1], binary="unshare",
                        cwd=self.at, timeout=PATIENCE * 2)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^strange\n(/usr/local/share/ca-certificates/rpx-[0-9a-f]{16}\.crt)\ntrusted\n\1\n"
                         r"strange\nthe system does not have it\n$")
        self.assertEqual(os.listdir(os.path.join(self.at, "share", "ca-certificates")), ["other.crt"])

    def test_nobody_there_is_an_exit_status_of_its_own(self):
        self.cert("inspect", "127.0.0.1:1", expect=3)
        self.cert("reload", "--socket", os.path.join(self.at, "none.sock"), expect=3)


if __name__ == "__main__":
    unittest.main()
