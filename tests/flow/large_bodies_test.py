"""Bodies far larger than any buffer stream through: memory stays small and a slow reader slows the sender."""

import hashlib
import threading
import unittest

from support.flow import FlowTest
from support.origin import pattern
from support.waiting import PATIENCE, SANITIZED, until

MIB = 1 << 20
SIZE = (60 if SANITIZED else 100) * MIB
BLOCK = pattern(MIB)
WHOLE = hashlib.sha256(BLOCK * (SIZE // MIB)).hexdigest()


class Large(FlowTest):
    def assert_little(self, proxy, before):
        if not SANITIZED:  # a sanitizer keeps freed memory for a while
            self.assertLess(proxy.memory()[1] - before, 24 * MIB, "the body was held, not streamed")

    def sender(self, framing):
        self.sent = 0

        def script(connection):
            connection.request()
            connection.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n")
            for _ in range(SIZE // MIB):
                connection.send(b"%x\r\n%s\r\n" % (MIB, BLOCK) if b"chunked" in framing else BLOCK)
                self.sent += MIB
            connection.send(b"0\r\n\r\n" if b"chunked" in framing else b"")

        return self.script(script)

    def download(self, framing):
        proxy = self.proxy_to(self.sender(framing).url, serve="workers = 1")
        before = proxy.memory()[1]
        client = self.client(proxy)
        client.ask()
        response = client.response_head()
        seen = hashlib.sha256()
        if b"Length" in framing:
            for _ in range(SIZE // MIB):
                seen.update(client.exactly(MIB))
        else:
            client.chunked(seen.update)
        self.assertEqual((response.status, seen.hexdigest()), (200, WHOLE))
        self.assert_little(proxy, before)

    def test_a_download_with_a_length(self):
        self.download(b"Content-Length: %d\r\n" % SIZE)

    def test_a_download_in_chunks(self):
        self.download(b"Transfer-Encoding: chunked\r\n")

    def test_an_upload(self):
        seen = hashlib.sha256()

        def script(connection):
            connection.request_head()
            for _ in range(SIZE // MIB):
                seen.update(connection.exactly(MIB))
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        proxy = self.proxy_to(self.script(script).url, route="body_bytes = 0", serve="workers = 1")
        before = proxy.memory()[1]
        client = self.client(proxy)
        client.ask("PUT", "/", [("Content-Length", str(SIZE))])
        for _ in range(SIZE // MIB):
            client.send(BLOCK)
        self.assertEqual(client.response().status, 200)
        self.assertEqual(seen.hexdigest(), WHOLE)
        self.assert_little(proxy, before)

    def test_a_reader_that_stalls_stalls_the_origin(self):
        origin = self.sender(b"Content-Length: %d\r\n" % SIZE)
        proxy = self.proxy_to(origin.url, top=f'[limits]\nwrite_timeout = "{PATIENCE * 3:g}s"')
        client = self.client(proxy, receive_buffer=65536)
        client.ask()
        client.response_head()
        # The kernel's buffers on both sides take a few MiB; once they are full nothing more may flow.
        stand = [-1]

        def still():
            stand.append(self.sent)
            return len(stand) > 20 and len(set(stand[-20:])) == 1

        until(still, "the origin to be held back")
        self.assertLess(self.sent, SIZE // 2)
        seen = hashlib.sha256(client.buffer)
        left = SIZE - len(client.buffer)
        client.buffer = b""
        while left:
            data = client.exactly(min(MIB, left))
            seen.update(data)
            left -= len(data)
        self.assertEqual(seen.hexdigest(), WHOLE)

    def test_an_origin_that_stalls_stalls_the_client(self):
        go = threading.Event()

        def script(connection):
            connection.request_head()
            go.wait(PATIENCE * 2)
            connection.exactly(SIZE)
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        top = f'[limits]\nbody_bytes = 0\nbody_timeout = "{PATIENCE * 3:g}s"\nmin_body_rate = "0"'
        proxy = self.proxy_to(self.script(script).url, top=top)
        client = self.client(proxy)
        client.ask("PUT", "/", [("Content-Length", str(SIZE))])
        sent = [0]

        def upload():
            for _ in range(SIZE // MIB):
                client.send(BLOCK)
                sent[0] += MIB

        thread = threading.Thread(target=upload)
        thread.start()
        stand = [-1]

        def still():
            stand.append(sent[0])
            return sent[0] and len(stand) > 20 and len(set(stand[-20:])) == 1

        until(still, "the client to be held back")
        held_at = sent[0]
        go.set()
        thread.join(PATIENCE * 2)
        self.assertEqual(client.response().status, 200)
        self.assertLess(held_at, SIZE // 2)


if __name__ == "__main__":
    unittest.main()
