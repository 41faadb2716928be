"""Certificates of a test, made with the openssl command: a little authority, and what it signs."""

import os
import subprocess


def openssl(*arguments, stdin=None):
    """The finished `openssl`, which has to end well; its output as text."""
    done = subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Authority:
    """A CA in `folder`: ca.pem, and NAME.pem with NAME.key for each certificate it issues."""

    def __init__(self, folder, name="ca"):
        self.folder = folder
        self.name = name
        self.pem = os.path.join(folder, f"{name}.pem")
        openssl("req", "-x509", *self.new_key("ec"), "-keyout", self.path(f"{name}.key"), "-out", self.pem, "-days", "30",
                "-subj", f"/CN={name}")

    def path(self, name):
        return os.path.join(self.folder, name)

    @staticmethod
    def new_key(kind):
        return ["-nodes", *(["-newkey", "rsa:2048"] if kind == "rsa" else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])]

    def issue(self, name, san="", key="ec", subject=None, days="30"):
        """NAME.pem and NAME.key; `san` as in "DNS:a.test,IP:127.0.0.1"."""
        request = openssl("req", *self.new_key(key), "-keyout", self.path(f"{name}.key"), "-subj", subject or f"/CN={name}",
                          *(["-addext", f"subjectAltName={san}"] if san else []))
        openssl("x509", "-req", "-CA", self.pem, "-CAkey", self.path(f"{self.name}.key"), "-days", days, "-copy_extensions",
                "copy", "-out", self.path(f"{name}.pem"), stdin=request)
        return f'[[certificate]]\ncert = "{self.path(name)}.pem"\nkey = "{self.path(name)}.key"\n'
