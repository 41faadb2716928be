"""rpx between software that others wrote: curl in front; nginx and node behind."""

import json
import os
import subprocess
import unittest

from support.flow import FlowTest
from support.origin import pattern
from support.peers import Nginx, Node, curl
from support.waiting import until


def written_by(process):
    """Bytes that a process has written so far."""
    with open(f"/proc/{process.pid}/io", encoding="ascii") as f:
        return int(dict(line.split(": ") for line in f)["wchar"])


class Peers(FlowTest):
    def nginx(self, **more):
        peer = Nginx(**more)
        self.addCleanup(peer.close)
        return peer

    def node(self, handler):
        peer = Node(handler)
        self.addCleanup(peer.close)
        return peer


class BehindIsNginx(Peers):
    def test_files_ranges_and_conditions(self):
        data = pattern(200_000)
        proxy = self.proxy_to(self.nginx(files={"a.txt": data}).url)
        url = proxy.url + "/a.txt"
        self.assertEqual(curl(url).stdout, data)
        self.assertEqual(curl("-r", "100-199", url).stdout, data[100:200])
        etag = self.fetch(proxy, "/a.txt")["ETag"]
        self.assertEqual(self.fetch(proxy, "/a.txt", fields=[("If-None-Match", etag)]).status, 304)
        self.assertEqual(curl("-I", "-o", os.devnull, "-w", "%{http_code} %{size_download}", url).stdout, b"200 0")
        self.assertEqual(self.fetch(proxy, "/none").status, 404)

    def test_transfers_that_never_have_to_wait_leave_room_for_others(self):
        nginx = self.nginx(files={"a.txt": b"x"})
        with open(os.path.join(nginx.dir, "files", "huge"), "wb") as f:
            f.truncate(1 << 40)
        proxy = self.proxy_to(nginx.url, serve="workers = 1")
        for _ in range(2):
            busy = subprocess.Popen(["curl", "--silent", "-o", os.devnull, proxy.url + "/huge"])
            self.addCleanup(busy.wait)
            self.addCleanup(busy.kill)
            until(lambda process=busy: written_by(process) > 100_000_000, "a transfer to be at full speed")
        for _ in range(20):
            self.assertEqual(self.fetch(proxy, "/a.txt").body, b"x")

    def test_its_headers_tell_nothing_of_it(self):
        response = self.fetch(self.proxy_to(self.nginx(files={"a.txt": b"x"}).url), "/a.txt")
        self.assertIsNone(response["Server"])

    def test_a_hundred_requests_over_one_curl(self):
        proxy = self.proxy_to(self.nginx(files={"a.txt": b"x"}).url)
        done = curl("-w", "%{http_code} %{num_connects}\n", "-o", os.devnull, f"{proxy.url}/a.txt?[1-100]")
        self.assertEqual(done.stdout.count(b"200 "), 100)
        self.assertEqual(done.stdout.count(b" 1\n"), 1, "one connection carried them all")


class BehindIsNode(Peers):
    def test_json_chunked_and_keep_alive(self):
        node = self.node("(q, s) => { s.write('{\"url\":'); s.end(JSON.stringify(q.url) + '}'); }")
        proxy = self.proxy_to(node.url)
        for i in range(3):
            self.assertEqual(json.loads(curl(f"{proxy.url}/x?{i}").stdout), {"url": f"/x?{i}"})

    def test_uploads_of_both_framings(self):
        node = self.node("(q, s) => { let n = 0; q.on('data', d => n += d.length); q.on('end', () => s.end(String(n))); }")
        proxy = self.proxy_to(node.url)
        data = pattern(3_000_000)
        self.assertEqual(curl("--data-binary", "@-", proxy.url, stdin=data).stdout, b"3000000")
        self.assertEqual(curl("-T", "-", proxy.url, stdin=data).stdout, b"3000000")
        self.assertEqual(curl("-H", "Expect: 100-continue", "--data-binary", "@-", proxy.url, stdin=data).stdout, b"3000000")

    def test_early_hints_of_node(self):
        node = self.node("(q, s) => { s.writeEarlyHints ? s.writeEarlyHints({link: '</a>; rel=preload'}, () => s.end('x'))"
                         " : (s.writeProcessing(), s.end('x')); }")
        client = self.client(self.proxy_to(node.url))
        client.ask()
        interim = []
        self.assertEqual(client.response(interim=interim).body, b"x")
        self.assertIn([r.status for r in interim], ([103], [102]))


class InFrontIsCurl(Peers):
    def test_unix_socket(self):
        origin = self.origin()
        proxy = self.proxy(f'[[listen]]\naddress = "unix:in.sock"\n[[route]]\nupstream = "{origin.url}"\n')
        self.assertEqual(curl("--unix-socket", proxy.address(), "http://a.test/bytes/10").stdout, pattern(10))

    def test_haproxy_protocol_of_curl(self):
        origin = self.origin()
        proxy = self.proxy_to(origin.url, listen='proxy_protocol = ["127.0.0.1"]')
        self.assertEqual(curl("--haproxy-protocol", proxy.url + "/bytes/4").stdout, pattern(4))

    def test_http_1_0(self):
        proxy = self.proxy_to(self.origin().url)
        self.assertEqual(curl("--http1.0", proxy.url + "/chunked/30000").stdout, pattern(30000))

    def test_the_control_api_as_its_manual_shows_it(self):
        proxy = self.proxy_to(self.origin().url)
        done = curl("--unix-socket", proxy.path("rpx.sock"), "http://rpx/v1/status")
        self.assertEqual(json.loads(done.stdout)["pid"], proxy.process.pid)


if __name__ == "__main__":
    unittest.main()
