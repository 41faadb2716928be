"""The circuit breaker of a server: what opens it, what it is like while open, and how it closes."""

import threading
import time
import unittest
import urllib.parse

from support.flow import FlowTest
from support.origin import OK
from support.waiting import PATIENCE, until

TABLE = '[upstream.app.breaker]\nrequests = 5\nfor = "300ms"\ntrials = 2\n'


class Moody:
    """Answers with the status, and after the pause, that the test has set."""

    def __init__(self):
        self.status = 200
        self.pause = 0.0

    def __call__(self, connection):
        while True:
            connection.request()
            if self.pause:
                time.sleep(self.pause)
            connection.send(b"HTTP/1.1 %d Moody\r\nContent-Length: 2\r\n\r\nok" % self.status)


class Breaker(FlowTest):
    def begin(self, count=1, table=TABLE, upstream="retry = { attempts = 0 }", **more):
        self.moods = [Moody() for _ in range(count)]
        self.origins = [self.script(mood) for mood in self.moods]
        self.proxy_up = self.proxy_to(*(one.url for one in self.origins), upstream=upstream, top=table, **more)
        return self.proxy_up

    def row(self, index=0):
        return self.proxy_up.servers("app")[self.origins[index].url]

    def state(self, index=0):
        return self.row(index)["state"]

    def open_first(self):
        self.moods[0].status = 500
        until(lambda: self.fetch(self.proxy_up).status and self.state() == "open", "the circuit is open")

    def test_an_open_circuit_fails_requests_at_once_without_asking_the_server(self):
        proxy = self.begin(table=TABLE.replace("300ms", "1h"))
        with proxy.events("ejection") as events:
            self.open_first()
            event = events.next(state="open")
        self.assertEqual(event["server"], self.origins[0].url)
        self.assertRegex(self.row()["why"], r"^\d+ of \d+ requests failed or were late, the last: status 500$")
        self.assertGreater(self.row()["until_s"], 0)
        before = len(self.origins[0].requests)
        for _ in range(5):
            self.assertEqual(self.fetch(proxy).status, 503)
        self.assertEqual(len(self.origins[0].requests), before)
        metrics = proxy.control("GET", "/metrics")[1]
        labels = '{upstream="app",server="%s"} 1\n' % self.origins[0].url
        self.assertIn("rpx_server_circuit_open" + labels, metrics)
        self.assertIn("rpx_server_circuit_opened_total" + labels, metrics)

    def test_trials_close_it_again_and_one_that_fails_opens_it_anew(self):
        proxy = self.begin()
        self.open_first()
        until(lambda: self.fetch(proxy).status == 500 and self.row()["circuit_opened"] >= 2, "a trial that fails")
        self.moods[0].status = 200
        until(lambda: self.fetch(proxy).status == 200 and self.state() == "up", "the circuit is closed")
        for _ in range(10):
            self.assertEqual(self.fetch(proxy).status, 200)
        proxy.stop()
        self.assertIn("failed again when tried: status 500", proxy.log)
        self.assertIn("circuit to the server is closed", proxy.log)

    def test_others_take_over_while_it_is_open(self):
        proxy = self.begin(count=2, table=TABLE.replace("300ms", "1h"))
        self.moods[0].status = 500
        until(lambda: self.fetch(proxy).status and self.state(0) == "open", "the first circuit is open")
        for _ in range(10):
            self.assertEqual(self.fetch(proxy).status, 200)
        self.assertEqual(self.state(1), "up")

    def test_unlike_an_ejection_it_minds_no_share_of_servers(self):
        proxy = self.begin(count=2, table=TABLE.replace("300ms", "1h") + '[upstream.app.eject]\nerrors = 3\n')
        for mood in self.moods:
            mood.status = 500
        until(lambda: self.fetch(proxy).status and self.state(0) == self.state(1) == "open", "both are open")
        self.assertEqual(self.fetch(proxy).status, 503)

    def test_fewer_failures_than_the_share_change_nothing(self):
        class Every(Moody):
            def __call__(self, connection):
                while True:
                    request = connection.request()
                    bad = b"500 Bad" if request.path == "/bad" else b"200 OK"
                    connection.send(b"HTTP/1.1 " + bad + b"\r\nContent-Length: 2\r\n\r\nok")

        origin = self.script(Every())
        proxy = self.proxy_to(origin.url, top=TABLE)
        for n in range(60):
            self.fetch(proxy, "/bad" if n % 3 == 2 else "/good")
        self.assertEqual(proxy.servers("app")[origin.url]["state"], "up")

    def test_late_replies_count_too(self):
        proxy = self.begin(table=TABLE + 'slow = "40ms"\n')
        self.moods[0].pause = 0.1
        until(lambda: self.fetch(proxy).status and self.state() == "open", "the circuit is open")
        self.assertRegex(self.row()["why"], "the last: a reply after ")
        self.moods[0].pause = 0.0
        until(lambda: self.fetch(proxy).status == 200 and self.state() == "up", "the circuit is closed")

    def test_too_many_requests_at_once_open_it_before_any_of_them_has_failed(self):
        proxy = self.begin(table=TABLE.replace("300ms", "1h") + "pending = 3\nfailure_rate = \"0%\"\n")
        self.moods[0].pause = 0.5
        statuses = []
        threads = [threading.Thread(target=lambda: statuses.append(self.fetch(proxy).status)) for _ in range(8)]
        for thread in threads:
            thread.start()
        until(lambda: self.state() == "open", "the circuit is open")
        for thread in threads:
            thread.join(PATIENCE)
        self.assertRegex(self.row()["why"], r"^\d+ requests at once$")
        # Who was at it already got an answer.
        self.assertGreaterEqual(statuses.count(200), 4)
        self.assertEqual(set(statuses) - {200, 503}, set())

    def test_ready_by_hand_and_a_reload_without_the_table_close_it(self):
        proxy = self.begin(table=TABLE.replace("300ms", "1h"))
        self.open_first()
        url = urllib.parse.quote(self.origins[0].url, safe="")
        proxy.control("PATCH", f"/v1/upstreams/app/servers/{url}", {"state": "ready"})
        self.assertEqual(self.state(), "up")
        self.open_first()
        proxy.reload(self.config_to(self.origins[0].url, top=TABLE.replace("300ms", "2h")))
        self.assertEqual(self.state(), "open")
        proxy.reload(self.config_to(self.origins[0].url))
        self.assertEqual(self.state(), "up")

    def test_held_requests_wait_for_the_circuit_to_close(self):
        proxy = self.begin(upstream='hold = "10s"\nretry = { attempts = 0 }')
        self.open_first()
        self.moods[0].status = 200
        self.assertEqual(self.fetch(proxy).status, 200)


class Hedge(FlowTest):
    def silent_then_answer(self, connection):
        """The first connection to it gets no answer."""
        connection.request()
        if connection.number == 0:
            connection.hold()
        connection.send(OK)

    def hedged(self, *urls, hedge='after = "30ms"', upstream='balance = "first"', **more):
        return self.proxy_to(*urls, upstream=upstream, top=f"[upstream.app.hedge]\n{hedge}\n", **more)

    def counts(self, proxy):
        return proxy.status()["hedges"], proxy.status()["hedges_won"]

    def test_a_silent_server_costs_a_read_no_more_than_the_delay(self):
        silent, good = self.script(lambda c: (c.request(), c.hold())), self.origin("good")
        proxy = self.hedged(silent.url, good.url)
        for n in range(3):
            reply = self.fetch(proxy, "/bytes/7")
            self.assertEqual((reply.status, reply["X-Origin"], len(reply.body)), (200, "good", 7))
            self.assertEqual(self.counts(proxy), (n + 1, n + 1))
        # The one that was overtaken is not left with work that nobody wants.
        until(lambda: proxy.servers("app")[silent.url]["active"] == 0, "the slow tries are given up")
        self.assertEqual(proxy.servers("app")[good.url]["requests"], 3)

    def test_a_quick_server_is_asked_alone(self):
        first, second = self.origin("first"), self.origin("second")
        proxy = self.hedged(first.url, second.url, hedge='after = "10s"')
        for _ in range(10):
            self.assertEqual(self.fetch(proxy, "/bytes/1")["X-Origin"], "first")
        self.assertEqual((self.counts(proxy), second.requests), ((0, 0), []))

    def test_the_first_server_may_still_win(self):
        gate = threading.Event()

        def late(connection):
            connection.request()
            gate.wait(PATIENCE)
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst")

        def later(connection):
            connection.request()
            gate.set()
            connection.hold()

        proxy = self.hedged(self.script(late).url, self.script(later).url)
        self.assertEqual(self.fetch(proxy).body, b"first")
        self.assertEqual(self.counts(proxy), (1, 0))

    def test_what_changes_something_is_never_asked_twice(self):
        def slow(connection):
            request = connection.request()
            time.sleep(0.2)
            connection.send(OK)
            return request

        first, second = self.script(slow), self.origin("second")
        proxy = self.hedged(first.url, second.url)
        for method in ("POST", "PUT", "DELETE"):
            self.assertEqual(self.fetch(proxy, method=method, body=b"x").status, 200)
        self.assertEqual((self.counts(proxy), second.requests), ((0, 0), []))

    def test_when_the_first_fails_meanwhile_the_second_is_waited_for(self):
        gone = threading.Event()

        def reset(connection):
            connection.request()
            gone.wait(PATIENCE)
            connection.reset()

        def late(connection):
            connection.request()
            gone.set()
            time.sleep(0.1)
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond")

        proxy = self.hedged(self.script(reset).url, self.script(late).url, upstream='balance = "first"\n')
        self.assertEqual(self.fetch(proxy).body, b"second")
        self.assertEqual(self.counts(proxy), (1, 1))

    def test_when_both_fail_a_third_is_tried(self):
        gone = threading.Event()

        def reset(connection):
            connection.request()
            gone.wait(PATIENCE)
            connection.reset()

        def reset_too(connection):
            connection.request()
            gone.set()
            connection.reset()

        third = self.origin("third")
        proxy = self.hedged(self.script(reset).url, self.script(reset_too).url, third.url)
        self.assertEqual(self.fetch(proxy, "/bytes/1")["X-Origin"], "third")

    def test_a_second_servers_error_does_not_overtake_the_first(self):
        answered = threading.Event()

        def late(connection):
            connection.request()
            answered.wait(PATIENCE)
            connection.send(OK)

        def busy(connection):
            connection.request()
            connection.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
            answered.set()

        proxy = self.hedged(self.script(late).url, self.script(busy).url)
        self.assertEqual(self.fetch(proxy).status, 200)
        self.assertEqual(self.counts(proxy), (1, 0))

    def test_hedges_come_out_of_the_budget_of_retries(self):
        def slow(connection):
            while True:
                connection.request()
                time.sleep(0.02)
                connection.send(OK)

        first, second = self.script(slow), self.script(slow)
        proxy = self.hedged(first.url, second.url, hedge='after = "1ms"', serve="workers = 1",
                            upstream='balance = "first"\nretry = { budget = "0%" }')
        client = self.client(proxy)
        begun = time.monotonic()
        for _ in range(60):
            client.ask()
            self.assertEqual(client.response().status, 200)
        # Ten a second are always free.
        seconds = time.monotonic() - begun
        self.assertLessEqual(self.counts(proxy)[0], 10 * (int(seconds) + 2))

    def test_a_percentile_waits_until_it_is_known(self):
        def moody(connection):
            while True:
                request = connection.request()
                if request.path == "/slow":
                    connection.hold()
                connection.send(OK)

        first, second = self.script(moody), self.origin("second")
        proxy = self.hedged(first.url, second.url, hedge='after = "20ms"\npercentile = 90', serve="workers = 1")
        client = self.client(proxy)
        for _ in range(150):
            client.ask()
            client.response()
        self.assertEqual(self.fetch(proxy, "/slow")["X-Origin"], "second")

    def test_a_client_that_goes_away_ends_both(self):
        silent = [self.script(lambda c: (c.request(), c.hold())) for _ in range(2)]
        proxy = self.hedged(*(one.url for one in silent))
        client = self.client(proxy)
        client.ask()
        silent[1].await_requests(1)
        client.reset()
        until(lambda: all(row["active"] == 0 for row in proxy.servers("app").values()), "both tries are given up")


if __name__ == "__main__":
    unittest.main()
