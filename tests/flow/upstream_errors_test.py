"""What a client is told, and the log says, when a server fails us: 502, 503, 504, each with its reason."""

import unittest

from support.flow import FlowTest
from support.origin import dead_address

LOG = '[log]\naccess = "access.log"'
NO_RETRY = "retry = { attempts = 0 }"


def saying(raw):
    def script(connection):
        connection.request()
        connection.send(raw)
        connection.half_close()
        connection.rest()

    return script


class UpstreamErrors(FlowTest):
    def expect(self, proxy, status, reason, proxy_status):
        response = self.fetch(proxy)
        self.assertEqual(response.status, status, response)
        self.assertIn(f"error={proxy_status}", response["Proxy-Status"] or "")
        self.assertNotIn("127.0.0.1", str(response.fields) + response.body.decode(), "the origin is not the client's to know")
        line = proxy.access_log(1)[-1]
        self.assertEqual((line["status"], line["reason"]), (status, reason))

    def test_connection_refused(self):
        sock, dead = dead_address()
        self.addCleanup(sock.close)
        self.expect(self.proxy_to(dead, top=LOG), 502, "connect_refused", "connection_refused")

    def test_no_socket_file(self):
        proxy = self.proxy_to("unix:/nowhere/at/all.sock", top=LOG)
        self.assertEqual(self.fetch(proxy).status, 502)

    def test_closed_without_an_answer(self):
        self.expect(self.proxy_to(self.script(saying(b"")).url, top=LOG, upstream=NO_RETRY), 502, "closed",
                    "connection_terminated")

    def test_reset_without_an_answer(self):
        def script(connection):
            connection.request_head()
            connection.reset()

        self.expect(self.proxy_to(self.script(script).url, top=LOG, upstream=NO_RETRY), 502, "reset", "connection_terminated")

    def test_closed_in_the_middle_of_the_head(self):
        proxy = self.proxy_to(self.script(saying(b"HTTP/1.1 200 OK\r\nContent-Le")).url, upstream=NO_RETRY)
        self.assertEqual(self.fetch(proxy).status, 502)

    def test_no_answer_in_time(self):
        def script(connection):
            connection.request()
            connection.hold()

        proxy = self.proxy_to(self.script(script).url, top=LOG, upstream=NO_RETRY, route='timeout = { response = "200ms" }')
        self.expect(proxy, 504, "response_timeout", "http_response_timeout")

    def test_an_answer_that_stops_in_the_middle_is_cut_after_idle(self):
        def script(connection):
            connection.request()
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
            connection.hold()

        proxy = self.proxy_to(self.script(script).url, top=LOG, route='timeout = { idle = "200ms" }')
        client = self.client(proxy)
        client.ask()
        self.assertEqual(client.response_head()["Content-Length"], "100")
        self.assertEqual(client.rest(), b"some")
        self.assertNotEqual(proxy.access_log(1)[0]["reason"], "")

    def test_an_answer_that_is_no_http(self):
        for raw in (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 20 OK\r\n\r\n", b"HTTP/2 200\r\n\r\n", b"HTTP/1.1 200 OK\nX: y\n\n",
                    b"HTTP/1.1 200 OK\r\nX : y\r\n\r\n", b"HTTP/1.1 200 OK\r\n folded: y\r\n\r\n",
                    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"):
            with self.subTest(raw=raw):
                proxy = self.proxy_to(self.script(saying(raw)).url, top=LOG, upstream=NO_RETRY)
                self.expect(proxy, 502, "bad_response", "http_protocol_error")
                proxy.stop()

    def test_a_head_that_is_too_large(self):
        raw = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 1000) for i in range(50)) + b"\r\n"
        proxy = self.proxy_to(self.script(saying(raw)).url, top=LOG, upstream=NO_RETRY)
        self.expect(proxy, 502, "response_too_large", "http_response_header_section_size")

    def test_a_broken_chunk_breaks_the_answer(self):
        for raw in (b"zz\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloX\r\n0\r\n\r\n", b"5\nhello\n0\n\n", b"fffffffffffffffff\r\n",
                    b"-5\r\nhello\r\n0\r\n\r\n", b"5 \r\nhello\r\n"):
            with self.subTest(raw=raw):
                head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                client = self.client(self.proxy_to(self.script(saying(head + raw)).url, upstream=NO_RETRY))
                client.ask()
                response = client.response_head()
                self.assertFalse(response.status == 200 and client.rest().endswith(b"0\r\n\r\n"), "it looks whole")


class Resolution(FlowTest):
    def test_a_name_without_address_takes_down_its_server_not_the_process(self):
        good = self.origin("good")
        config = self.config_to("http://no-such-host.invalid:80", top=LOG + '\n[upstream.good]\nservers = ["' + good.url + '"]\n'
                                '[[route]]\npath = "/good/*"\nupstream = "good"')
        proxy = self.proxy(config)
        response = self.fetch(proxy, "/other")
        self.assertEqual(response.status, 503)
        self.assertIn("error=dns_error", response["Proxy-Status"])
        self.assertEqual(self.fetch(proxy, "/good/x").status, 200)
        row = proxy.servers("app")["http://no-such-host.invalid:80"]
        self.assertEqual(row["state"], "down")
        self.assertIn("resolve", row["why"])

    def test_beside_a_server_that_has_one_nobody_notices(self):
        good = self.origin("good")
        proxy = self.proxy_to("http://no-such-host.invalid:80", good.url)
        for _ in range(6):
            self.assertEqual(self.fetch(proxy, "/bytes/1").status, 200)

    def test_names_of_the_hosts_file_resolve(self):
        origin = self.origin()
        proxy = self.proxy_to(origin.url.replace("127.0.0.1", "localhost"))
        self.assertEqual(self.fetch(proxy).status, 200)


if __name__ == "__main__":
    unittest.main()
