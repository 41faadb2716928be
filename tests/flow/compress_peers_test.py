"""Compression with software that others wrote: a headless browser in front; node and python behind, which read coded requests
or do not."""

import gzip
import http.server
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import unittest
import zlib

from support.flow import FlowTest
from support.origin import pattern
from support.peers import Node, curl
from support.waiting import until

CHROMIUM = shutil.which("chromium")
JSON = ("-H", "Content-Type: application/json")
CODED = '[compress.up]\nrequests = { encoding = "gzip", min_size = "1KiB" }\n'

# The first reads what is coded and says so; the second answers 415 to whatever is.
NODE_READS = """(q, s) => {
  const zlib = require('zlib'), coded = q.headers['content-encoding'] || 'none', parts = [];
  q.on('data', d => parts.push(d)).on('end', () => {
    const sent = Buffer.concat(parts), body = coded == 'gzip' ? zlib.gunzipSync(sent) : sent;
    s.setHeader('Accept-Encoding', 'gzip');
    s.end(`${coded} ${sent.length < body.length ? 'shorter' : 'as long'} ${require('crypto').createHash('sha1').update(body).digest('hex')}`);
  });
}"""
NODE_REFUSES = """(q, s) => {
  let bytes = 0;
  q.on('data', d => bytes += d.length).on('end', () => {
    s.statusCode = q.headers['content-encoding'] ? 415 : 200;
    s.end(`${q.headers['content-encoding'] || 'none'} ${bytes}`);
  });
}"""


class PythonOrigin(http.server.ThreadingHTTPServer):
    """Python's own server: takes bodies with a length, coded ones where `reads`, and answers 415 to them where not."""

    daemon_threads = True

    def __init__(self, reads):
        self.reads, self.seen = reads, []
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        coding = self.headers.get("Content-Encoding")
        self.server.seen.append((coding, body))
        refused = coding is not None and not self.server.reads
        self.send_response(415 if refused else 200)
        self.send_header("Content-Length", "0")
        if self.server.reads:
            self.send_header("Accept-Encoding", "gzip")
        self.end_headers()

    def log_message(self, *_):
        pass


class Requests(FlowTest):
    def post(self, proxy, body):
        done = curl("--data-binary", "@-", "-w", " %{http_code}", *JSON, proxy.url, stdin=body)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode().strip()

    def node(self, handler):
        peer = Node(handler)
        self.addCleanup(peer.close)
        return peer

    def python(self, reads):
        origin = PythonOrigin(reads)
        self.addCleanup(origin.server_close)
        self.addCleanup(origin.shutdown)
        return origin

    def test_node_reads_what_was_coded_for_it(self):
        proxy = self.proxy_to(self.node(NODE_READS).url, top=CODED, route='compress = "up"')
        for size in (5_000, 700_000):
            self.post(proxy, pattern(size))
            self.assertRegex(self.post(proxy, pattern(size)), r"^gzip shorter [0-9a-f]{40} 200$")

    def test_node_is_found_out_to_read_gzip_by_its_own_word(self):
        proxy = self.proxy_to(self.node(NODE_READS).url, serve="workers = 1")
        self.assertRegex(self.post(proxy, pattern(20_000)), "^none as long ")
        self.assertRegex(self.post(proxy, pattern(20_000)), "^gzip shorter ")

    def test_node_that_refuses_gets_it_plain_and_the_client_never_knows(self):
        proxy = self.proxy_to(self.node(NODE_REFUSES).url, top=CODED, route='compress = "up"')
        for _ in range(3):
            self.assertEqual(self.post(proxy, pattern(20_000)), "none 20000 200")

    def test_python_reads_what_was_coded_for_it(self):
        origin = self.python(reads=True)
        proxy = self.proxy_to(origin.url, top=CODED, route='compress = "up"')
        self.assertEqual(self.post(proxy, pattern(20_000)), "200")
        coding, body = origin.seen[-1]
        self.assertEqual((coding, gzip.decompress(body)), ("gzip", pattern(20_000)))

    def test_python_that_refuses_is_asked_once_and_then_plain(self):
        origin = self.python(reads=False)
        proxy = self.proxy_to(origin.url, serve="workers = 1", top=CODED, route='compress = "up"')
        for _ in range(3):
            self.assertEqual(self.post(proxy, pattern(20_000)), "200")
        self.assertEqual([coding for coding, _ in origin.seen], ["gzip", None, None, None])
        self.assertEqual({body for coding, body in origin.seen if coding is None}, {pattern(20_000)})

    def test_what_node_coded_itself_is_not_coded_again(self):
        node = self.node("(q, s) => { s.setHeader('Content-Type', 'text/plain'); s.setHeader('Content-Encoding', 'gzip');"
                         " s.end(require('zlib').gzipSync('x'.repeat(50000))); }")
        proxy = self.proxy_to(node.url)
        response = self.fetch(proxy, fields=[("Accept-Encoding", "br, gzip")])
        self.assertEqual(response["Content-Encoding"], "gzip")
        self.assertEqual(gzip.decompress(response.body), b"x" * 50000)


PAGE = """<!doctype html><title>codings</title><pre id=out>waiting</pre><script>
(async () => {
  const lines = [];
  for (const name of ['script.js', 'data.json', 'picture.svg', 'dense.bin']) {
    const reply = await fetch('/f/' + name), text = new Uint8Array(await reply.arrayBuffer());
    let sum = 0;
    for (const byte of text) sum = (sum * 31 + byte) >>> 0;
    lines.push([name, reply.headers.get('content-encoding') || 'none', text.length, sum].join(' '));
  }
  document.getElementById('out').textContent = lines.join('|') + '|done';
})();
</script>"""
TYPES = {"": "text/html; charset=utf-8", "script.js": "text/javascript", "data.json": "application/json",
         "picture.svg": "image/svg+xml", "dense.bin": "application/octet-stream"}


def checksum(data):
    total = 0
    for byte in data:
        total = (total * 31 + byte) & 0xFFFFFFFF
    return total


@unittest.skipUnless(CHROMIUM, "chromium is not installed")
class Browser(FlowTest):
    def test_it_reads_every_kind_as_the_server_wrote_it(self):
        files = {"": PAGE.encode() + b"<!-- " + pattern(20_000).replace(b"-", b"+") + b" -->", "script.js": pattern(30_000),
                 "data.json": json.dumps(list(range(9000))).encode(), "picture.svg": pattern(40_000),
                 "dense.bin": zlib.compress(os.urandom(20_000))}
        at = self.origin()

        def answer(connection, request):
            name = request.path.split("/")[2]
            at.reply(connection, files.get(name, b""), status="200 OK" if name in files else "404 Not Found",
                     fields=[("Content-Type", TYPES.get(name, "text/plain"))], request=request)

        at.answer_f = answer
        for coding in ("zstd", "br", "gzip"):
            proxy = self.proxy_to(at.url, top=f'[compress.one]\nencodings = ["{coding}"]\n', route='compress = "one"')
            dom = self.browse(proxy.url + '/f/')
            shown = re.search(r"<pre id=\"out\">(.*?)</pre>", dom, re.S).group(1)
            wanted = [f"{name} {coding if name != 'dense.bin' else 'none'} {len(files[name])} {checksum(files[name])}"
                      for name in list(files)[1:]]
            self.assertEqual(shown.split("|"), [*wanted, "done"])
            self.assertIn(pattern(20_000).replace(b"-", b"+").decode("latin-1")[:200].split("<")[0], dom)

    def browse(self, url):
        with tempfile.TemporaryDirectory(prefix="rpx-browser-", ignore_cleanup_errors=True) as home:
            done = subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                                   f"--user-data-dir={home}", "--virtual-time-budget=5000", "--dump-dom", url],
                                  capture_output=True, text=True, errors="replace", timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        return done.stdout


if __name__ == "__main__":
    unittest.main()
