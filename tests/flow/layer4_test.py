"""Listeners with mode = "tcp": bytes go through as they are, balanced and failed over; names read from a ClientHello."""

import hashlib
import re
import socket
import ssl
import struct
import threading
import time
import unittest

from support.certs import Authority
from support.client import Client
from support.flow import FlowTest, servers
from support.origin import dead_address, pattern
from support.peers import curl
from support.waiting import until

LISTEN = '[[listen]]\nname = "db"\naddress = "127.0.0.1:0"\nmode = "tcp"\n'


def echo_lines(name):
    def serve(connection):
        while True:
            connection.send(name + b" " + connection.until(b"\n"))
    return serve


class Layer4(FlowTest):
    def tcp(self, *urls, listen="", upstream="", top="", **more):
        return self.proxy(f'{LISTEN}upstream = "app"\n{listen}\n[upstream.app]\nservers = '
                          f'{servers(*[url.replace("http:", "tcp:") for url in urls])}\n{upstream}\n{top}\n', **more)

    def say(self, client, line=b"hello\n"):
        client.send(line)
        return client.until(b"\n")


class Passing(Layer4):
    def test_bytes_go_both_ways_and_are_balanced_by_connection(self):
        origins = [self.script(echo_lines(b"%d" % i)) for i in range(2)]
        proxy = self.tcp(*[o.url for o in origins], serve="workers = 1")
        clients = [self.client(proxy) for _ in range(4)]
        self.assertEqual(sorted(self.say(c) for c in clients), [b"0 hello\n"] * 2 + [b"1 hello\n"] * 2)
        self.assertEqual(self.say(clients[0], b"again\n")[1:], b" again\n")

    def test_the_server_may_speak_first(self):
        proxy = self.tcp(self.script(lambda c: (c.send(b"220 ready\n"), c.until(b"\n"))).url)
        self.assertEqual(self.client(proxy).until(b"\n"), b"220 ready\n")

    def test_large_streams_arrive_whole_both_ways_at_once(self):
        data = pattern(12_000_000)
        seen = []

        def serve(connection):
            sender = threading.Thread(target=connection.send, args=(data,), daemon=True)
            sender.start()
            while connection.more():
                pass
            seen.append(hashlib.sha256(connection.buffer).digest())
            sender.join()

        proxy = self.tcp(self.script(serve).url)
        client = self.client(proxy)
        sender = threading.Thread(target=lambda: (client.send(data), client.sock.shutdown(socket.SHUT_WR)), daemon=True)
        sender.start()
        self.assertEqual(hashlib.sha256(client.rest()).digest(), hashlib.sha256(data).digest())
        sender.join()
        until(lambda: seen, "the server to have read everything")
        self.assertEqual(seen[0], hashlib.sha256(data).digest())

    def test_each_side_may_end_before_the_other(self):
        def serve(connection):
            while connection.more():
                pass
            connection.send(b"got %d" % len(connection.buffer))
        client = self.client(self.tcp(self.script(serve).url))
        client.send(b"x" * 1000)
        client.sock.shutdown(socket.SHUT_WR)
        self.assertEqual(client.rest(), b"got 1000")

    def test_a_silent_connection_is_closed(self):
        client = self.client(self.tcp(self.script(echo_lines(b"0")).url, listen='idle = "300ms"'))
        self.say(client)
        begun = time.monotonic()
        self.assertEqual(client.rest(), b"")
        self.assertGreater(time.monotonic() - begun, 0.2)

    def test_a_reset_is_passed_on(self):
        proxy = self.tcp(self.script(lambda c: (c.until(b"\n"), c.reset())).url)
        client = self.client(proxy)
        client.send(b"x\n")
        with self.assertRaises(ConnectionResetError):
            while client.sock.recv(100):
                pass

    def test_it_is_logged_counted_and_shown_while_it_lives(self):
        proxy = self.tcp(self.script(echo_lines(b"0")).url, top='[log]\naccess = "access.log"')
        client = self.client(proxy)
        self.say(client)
        [row] = [c for c in proxy.control("GET", "/v1/connections")[1]["items"] if c["listener"] == "db"]
        self.assertEqual((row["state"], row["server"][:6]), ("tunnel", "tcp://"), row)
        status = proxy.status()
        self.assertEqual((status["tcp_connections"], status["connections"]), (1, 1))
        self.assertEqual(status["listeners"][0]["mode"], "tcp")
        client.close()
        [line] = proxy.access_log(1)
        self.assertEqual((line["protocol"], line["upstream"], line["bytes_received"], line["bytes_sent"]), ("TCP", "app", 6, 8))


class Trouble(Layer4):
    def test_another_server_is_tried_when_one_refuses(self):
        held, dead = dead_address()
        self.addCleanup(held.close)
        proxy = self.tcp(dead, self.script(echo_lines(b"1")).url, upstream="retry = { budget = \"100%\" }")
        for _ in range(6):
            with Client(proxy.address()) as client:
                self.assertEqual(self.say(client), b"1 hello\n")

    def test_without_a_server_the_connection_ends_and_the_log_says_why(self):
        held, dead = dead_address()
        self.addCleanup(held.close)
        proxy = self.tcp(dead, top='[log]\naccess = "access.log"')
        self.assertEqual(self.client(proxy).rest(), b"")
        until(lambda: "connection was not passed on" in proxy.text("stderr"), "the line in the log")
        self.assertEqual(proxy.access_log(1)[0]["reason"], "connect_refused")

    def test_max_connections_of_a_server_queue_the_next(self):
        origin = self.script(echo_lines(b"0"))
        server = '{ url = "%s", max_connections = 1 }' % origin.url
        proxy = self.tcp(server, serve="workers = 1")
        first, second = self.client(proxy), self.client(proxy)
        self.say(first)
        second.send(b"me\n")
        time.sleep(0.1)
        self.assertEqual(len(origin.connections), 1)
        first.close()
        self.assertEqual(second.until(b"\n"), b"0 me\n")

    def test_a_blocked_client_is_closed(self):
        proxy = self.tcp(self.script(echo_lines(b"0")).url, top='[blocklist]\nfiles = ["b.txt"]', files={"b.txt": "127.0.0.1\n"})
        client = self.client(proxy)
        try:
            client.send(b"x\n")
            self.assertEqual(client.rest(), b"")
        except OSError:
            pass

    def test_checks_take_a_server_out(self):
        origins = [self.script(echo_lines(b"%d" % i)) for i in range(2)]
        proxy = self.tcp(*[o.url for o in origins],
                         upstream='health = { tcp = true, interval = "100ms", rise = 1, fall = 1 }')
        origins[0].kill()
        until(lambda: [s["state"] for s in proxy.servers("app").values()].count("down") == 1, "the dead server to be down")
        for _ in range(4):
            with Client(proxy.address()) as client:
                self.assertEqual(self.say(client), b"1 hello\n")

    def test_connections_live_through_a_reload_and_end_with_a_stop(self):
        proxy = self.tcp(self.script(echo_lines(b"0")).url, serve='workers = 1\ngrace = "200ms"')
        client = self.client(proxy)
        self.say(client)
        self.assertEqual(proxy.reload()[0], 200)
        self.assertEqual(self.say(client), b"0 hello\n")
        proxy.stop(expect=4)
        self.assertFalse(client.more())


class ByName(Layer4):
    def by_name(self, names, *upstreams, **more):
        tables = "".join(f'[upstream.{n}]\nservers = ["{o.url.replace("http:", "tcp:")}"]\n' for n, o in upstreams)
        return self.proxy(f"{LISTEN}sni = {{ {names} }}\n{tables}", **more)

    def test_a_tls_client_reaches_the_server_of_its_name_undecrypted(self):
        authority = Authority(self.folder())

        def secure(name):
            authority.issue(name, f"DNS:{name}")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(authority.path(f"{name}.pem"), authority.path(f"{name}.key"))

            def serve(connection):
                with context.wrap_socket(connection.sock, server_side=True) as inside:
                    inside.sendall(name.encode() + b" " + inside.recv(100))
            return self.script(serve)

        proxy = self.by_name('"a.test" = "one", "*.w.test" = "two", "*" = "rest"', ("one", secure("a.test")),
                             ("two", secure("b.w.test")), ("rest", self.script(echo_lines(b"rest"))))
        trusting = ssl.create_default_context(cafile=authority.pem)
        for name in ("a.test", "b.w.test"):
            with trusting.wrap_socket(self.client(proxy).sock, server_hostname=name) as inside:
                inside.sendall(b"hi")
                self.assertEqual(inside.recv(100), name.encode() + b" hi")
        self.assertEqual(self.say(self.client(proxy)), b"rest hello\n")

    def test_a_name_that_nobody_has_is_closed(self):
        proxy = self.by_name('"a.test" = "one"', ("one", self.script(echo_lines(b"one"))))
        self.assertNotEqual(curl(f"https://127.0.0.1:{proxy.address()[1]}/").returncode, 0)
        client = self.client(proxy)
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        self.assertFalse(client.more())

    def test_a_client_that_sends_no_hello_is_closed_in_time(self):
        proxy = self.proxy(f'[limits]\ntls_handshake = "200ms"\n{LISTEN}sni = {{ "*" = "tcp://127.0.0.1:1" }}\n')
        client = self.client(proxy)
        client.send(b"\x16\x03\x01\x02")
        self.assertEqual(client.rest(), b"")


class TerminateOrPass(Layer4):
    """One port: some names go on unread, the others are served here."""

    def setUp(self):
        super().setUp()
        self.authority = Authority(self.folder())
        self.trusting = ssl.create_default_context(cafile=self.authority.pem)

    def secure(self, name):
        self.authority.issue(name, f"DNS:{name}")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.authority.path(f"{name}.pem"), self.authority.path(f"{name}.key"))

        def serve(connection):
            with context.wrap_socket(connection.sock, server_side=True) as inside:
                inside.sendall(name.encode() + b" " + inside.recv(100))

        return self.script(serve)

    def start(self, *origins, listen="", **more):
        names = ", ".join(f'"{name}" = "u{n}"' for n, (name, _) in enumerate(origins))
        upstreams = "".join(f'[upstream.u{n}]\nservers = ["{origin.url.replace("http:", "tcp:")}"]\n'
                            for n, (_, origin) in enumerate(origins))
        certificate = self.authority.issue("own", "DNS:own.test")
        return self.proxy('[[listen]]\nname = "web"\naddress = "127.0.0.1:0"\ntls = true\n'
                          f'pass = {{ {names} }}\n{listen}\n{upstreams}\n{certificate}\n'
                          '[[route]]\nrespond = { status = 200, body = "ours" }\n', **more)

    def talk(self, proxy, name, line=b"GET / HTTP/1.1\r\nHost: own.test\r\nConnection: close\r\n\r\n"):
        with self.trusting.wrap_socket(self.client(proxy).sock, server_hostname=name) as inside:
            inside.sendall(line)
            got = b""
            while more := inside.recv(1000):
                got += more
            return got

    def test_names_that_are_passed_reach_their_servers_undecrypted_and_others_are_served_here(self):
        proxy = self.start(("db.test", self.secure("db.test")), ("*.w.test", self.secure("x.w.test")),
                           listen='idle = "1m"')
        self.assertEqual(self.talk(proxy, "db.test", b"hi"), b"db.test hi")
        self.assertEqual(self.talk(proxy, "x.w.test", b"hi"), b"x.w.test hi")
        self.assertTrue(self.talk(proxy, "own.test").endswith(b"ours"))
        text = proxy.control("GET", "/metrics")[1]
        self.assertIn("rpx_tcp_connections_total 2\n", text)
        self.assertIn("rpx_tls_handshakes_total 1\n", text)
        sent = int(re.search(r'rpx_listener_passed_sent_bytes_total\{listener="web"\} (\d+)', text).group(1))
        self.assertGreater(sent, 500)

    def test_what_is_no_tls_is_answered_as_ever(self):
        proxy = self.start(("db.test", self.secure("db.test")))
        client = self.client(proxy)
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertEqual(client.response().status, 400)

    def test_a_reload_changes_where_a_name_goes(self):
        first, second = self.secure("db.test"), self.script(lambda c: c.send(b"not tls"))
        proxy = self.start(("db.test", first))
        self.assertEqual(self.talk(proxy, "db.test", b"hi"), b"db.test hi")
        config = proxy.text("rpx.toml").split("\n\n", 1)[1]
        proxy.reload(config.replace(first.url[7:], second.url[7:]))
        with self.assertRaises(ssl.SSLError):
            self.talk(proxy, "db.test", b"hi")

    def test_a_client_that_closes_or_is_silent_leaves_nothing_behind(self):
        proxy = self.proxy('[limits]\ntls_handshake = "200ms"\n' +
                           self.start(("db.test", self.secure("db.test"))).text("rpx.toml").split("\n\n", 1)[1])
        self.client(proxy).close()
        client = self.client(proxy)
        client.send(b"\x16\x03\x01\x02")
        self.assertEqual(client.rest(), b"")
        until(lambda: proxy.status()["connections"] == 0, "no connection left")


class Limits(Layer4):
    def test_a_listener_has_so_many_connections_and_refuses_more(self):
        proxy = self.tcp(self.script(echo_lines(b"0")).url, listen="max_connections = 2")
        kept = [self.client(proxy) for _ in range(2)]
        for client in kept:
            self.say(client)
        self.assertEqual(self.client(proxy).rest(), b"")
        kept.pop().close()
        until(lambda: 'rpx_listener_connections{listener="db"} 1\n' in proxy.control("GET", "/metrics")[1], "room")
        self.assertEqual(self.say(self.client(proxy)), b"0 hello\n")
        text = proxy.control("GET", "/metrics")[1]
        self.assertIn('rpx_listener_accepted_total{listener="db"} 3\n', text)
        self.assertIn('rpx_listener_refused_total{listener="db"} 1\n', text)

    def test_who_speaks_http_is_told(self):
        proxy = self.proxy_to(self.origin().url, listen="max_connections = 1")
        first = self.client(proxy)
        first.ask(path="/bytes/1")
        self.assertEqual(first.response().status, 200)
        second = self.client(proxy)
        response = second.response()
        self.assertEqual((response.status, response["Retry-After"]), (503, "1"))
        first.ask(path="/bytes/1")
        self.assertEqual(first.response().status, 200, "who is in is not disturbed")

    def test_bytes_are_counted_by_listener_and_server(self):
        origin = self.script(echo_lines(b"0"))
        proxy = self.tcp(origin.url)
        with Client(proxy.address()) as client:
            self.say(client)
        until(lambda: proxy.status()["connections"] == 0, "the end of the connection")
        text = proxy.control("GET", "/metrics")[1]
        url = origin.url.replace("http:", "tcp:")
        for line in ('rpx_listener_passed_received_bytes_total{listener="db"} 6',
                     'rpx_listener_passed_sent_bytes_total{listener="db"} 8',
                     f'rpx_server_passed_sent_bytes_total{{upstream="app",server="{url}"}} 6',
                     f'rpx_server_passed_received_bytes_total{{upstream="app",server="{url}"}} 8'):
            self.assertIn(line + "\n", text)


class ProxyHeader(Layer4):
    def header_of(self, connection):
        head = connection.exactly(16)
        connection.head_seen = head
        return head, connection.exactly(struct.unpack(">H", head[14:16])[0])

    def test_version_1_and_2_tell_who_the_client_is(self):
        seen = []
        one = self.script(lambda c: seen.append(c.until(b"\r\n")))
        client = self.client(self.tcp(one.url, upstream="proxy_protocol = 1"))
        client.rest()
        self.assertEqual(seen[0].split()[:3], [b"PROXY", b"TCP4", b"127.0.0.1"])
        self.assertEqual(int(seen[0].split()[4]), client.sock.getsockname()[1])

        two = self.script(lambda c: seen.append(self.header_of(c)))
        client = self.client(self.tcp(two.url, upstream="proxy_protocol = 2"))
        client.rest()
        head, addresses = seen[1]
        self.assertEqual(head[:14], b"\r\n\r\n\0\r\nQUIT\n\x21\x11")
        self.assertEqual(addresses[:4], socket.inet_aton("127.0.0.1"))
        self.assertEqual(struct.unpack(">H", addresses[8:10])[0], client.sock.getsockname()[1])

    def test_http_servers_get_it_too_on_a_connection_for_each_request(self):
        seen = []

        def serve(connection):
            seen.append(connection.until(b"\r\n"))
            connection.request()
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        origin = self.script(serve)
        proxy = self.proxy_to(origin.url, upstream="proxy_protocol = 1")
        client = self.client(proxy)
        for _ in range(2):
            client.ask()
            self.assertEqual(client.response().body, b"ok")
        port = b"%d" % client.sock.getsockname()[1]
        self.assertEqual([(line.split()[2], line.split()[4]) for line in seen], [(b"127.0.0.1", port)] * 2)

    def test_what_comes_in_by_it_goes_out_by_it(self):
        seen = []
        origin = self.script(lambda c: seen.append(c.until(b"\r\n")))
        proxy = self.tcp(origin.url, listen='proxy_protocol = ["127.0.0.1"]', upstream="proxy_protocol = 1")
        client = self.client(proxy)
        client.send(b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 80\r\n")
        client.rest()
        self.assertEqual(seen[0].split()[2], b"203.0.113.9")


if __name__ == "__main__":
    unittest.main()
