"""A headless browser loads a page with many images over HTTP/2."""

import shutil
import subprocess
import tempfile
import unittest
import zlib

from support.certs import Authority
from support.flow import FlowTest
from support.waiting import PATIENCE

CHROMIUM = shutil.which("chromium")
IMAGES = 100


def png(red):
    """A picture of one dot."""
    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\2\0\0\0") + chunk(b"IDAT", zlib.compress(bytes([0, red, 0, 0])))
            + chunk(b"IEND", b""))


PAGE = """<!doctype html><title>wait</title><script>
const images = [...Array(%d).keys()].map(n => { const i = new Image(); i.src = '/image/' + n; return i.decode().then(() => 1, () => 0); });
Promise.all(images).then(all => {
  const over = performance.getEntriesByType('resource').filter(r => r.name.includes('/image/') && r.nextHopProtocol == 'h2').length;
  document.title = 'loaded ' + all.reduce((a, b) => a + b) + ' of them ' + over + ' over h2'; });
</script>""" % IMAGES


@unittest.skipUnless(CHROMIUM, "there is no chromium")
class Browser(FlowTest):
    def test_a_page_with_a_hundred_images_comes_over_one_connection(self):
        def script(connection):
            while True:
                path = connection.request().path
                kind, body = ("text/html", PAGE.encode()) if path == "/" else ("image/png", png(int(path.split("/")[-1]) % 256)) \
                    if path.startswith("/image/") else ("text/plain", b"")
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind.encode(), len(body)) + body)

        ca = Authority(self.folder())
        cert = ca.issue("site", "DNS:localhost,IP:127.0.0.1")
        proxy = self.proxy_to(self.script(script).url, listen="tls = true\n", top=cert + '\n[log]\naccess = "access.log"\n',
                              serve="workers = 1")
        with tempfile.TemporaryDirectory(prefix="rpx-browser-") as profile:
            done = subprocess.run(
                [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                 "--disable-background-networking", "--ignore-certificate-errors", f"--user-data-dir={profile}",
                 "--virtual-time-budget=100000", "--dump-dom", "https:" + proxy.url[5:] + "/"],
                capture_output=True, text=True, timeout=PATIENCE * 3, check=False)
        self.assertIn(f"loaded {IMAGES} of them {IMAGES} over h2", done.stdout, done.stderr[-2000:])
        lines = [line for line in proxy.access_log(IMAGES + 1) if line["target"] == "/" or line["target"].startswith("/image/")]
        self.assertEqual({line["protocol"] for line in lines}, {"HTTP/2.0"})
        self.assertEqual({line["status"] for line in lines}, {200})


if __name__ == "__main__":
    unittest.main()
