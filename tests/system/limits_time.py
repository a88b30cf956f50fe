"""Limits on time: each wait ends, with the word that its protocol has for it. Nothing here asserts
how quickly, only that nothing ends before its time."""
import concurrent.futures
import socket
import time
import unittest

import msgpack
from rig import (
    LIMIT,
    NOTIFICATION,
    RESPONSE,
    Answer,
    SystemTest,
    call_xml,
    packed,
    post,
    read_to_end,
)

TIMEOUT = -32001
HEAD_MS, BODY_MS, WRITE_MS, IDLE_MS, CALL_MS = 120, 160, 140, 200, 100
LONG_MS = "60000"


class TimeTest(SystemTest):
    def end_of(self, sock, at_least_ms, since):
        data = read_to_end(sock)
        self.assertGreaterEqual(1000 * (time.monotonic() - since), 0.9 * at_least_ms)
        return data

    def trickle(self, sock, data):
        """Sends byte after byte until the server says something or closes."""
        sock.settimeout(0.005)
        for i in range(len(data)):
            try:
                sock.sendall(data[i : i + 1])
                sock.recv(1, socket.MSG_PEEK)
                break
            except socket.timeout:
                continue
            except OSError:
                break
        sock.settimeout(30)


class HeadTest(TimeTest):
    flags = ("--head-timeout", str(HEAD_MS), "--body-timeout", LONG_MS)

    def check_408(self, sock, since, flag="--head-timeout", limit=HEAD_MS):
        answer = Answer(self.end_of(sock, limit, since))
        self.assertEqual((answer.status, answer.code), (408, LIMIT), answer.head)
        self.check_words(answer.words, flag, limit)
        self.assertEqual(answer.header("Connection"), "close")

    def test_half_a_head_ends(self):
        with self.server.connect() as sock:
            since = time.monotonic()
            sock.sendall(b"POST /RPC2 HTTP/1.1\r\nHost: localhost\r\n")
            self.check_408(sock, since)

    def test_a_trickled_head_ends(self):
        with self.server.connect() as sock:
            since = time.monotonic()
            self.trickle(sock, post(b"", "X: " + "x" * 2000))
            self.check_408(sock, since)

    def test_a_head_after_good_calls_ends(self):
        with self.server.connect() as sock:
            sock.sendall(post(call_xml("double", 1)))
            self.assertIn(b"<int>2</int>", sock.recv(4096))
            since = time.monotonic()
            sock.sendall(b"POST /R")
            self.check_408(sock, since)


class BodyTest(HeadTest):
    flags = ("--body-timeout", str(BODY_MS), "--head-timeout", str(HEAD_MS))

    def test_half_a_body_ends(self):
        with self.server.connect() as sock:
            since = time.monotonic()
            sock.sendall(post(b"<methodCall>", length=5000))
            self.check_408(sock, since, "--body-timeout", BODY_MS)

    def test_a_trickled_body_ends(self):
        for headers in (), ("Transfer-Encoding: chunked",):
            with self.server.connect() as sock:
                since = time.monotonic()
                sock.sendall(post(b"", *headers, length=False if headers else 5000))
                self.trickle(sock, (b"7d0\r\n" if headers else b"") + b"<" * 2000)
                self.check_408(sock, since, "--body-timeout", BODY_MS)

    def test_a_packed_message_ends_with_a_fault_once_its_id_is_known(self):
        for begin, has_id in ((b"\x94", False), (packed("echo", "x" * 500, msgid=9)[:-10], True)):
            with self.server.connect() as sock:
                since = time.monotonic()
                sock.sendall(begin)
                data = self.end_of(sock, min(HEAD_MS, BODY_MS), since)
                if has_id:
                    kind, msgid, error, _ = msgpack.unpackb(data)
                    self.assertEqual((kind, msgid, error[0]), (RESPONSE, 9, LIMIT))
                    self.assertRegex(error[1], r"--(head|body)-timeout \d+")
                else:
                    self.assertEqual(data, b"")


class RateTest(TimeTest):
    """An average over ten seconds, so all that takes them is done at once."""

    flags = ("--body-timeout", LONG_MS)
    STEPS, STEP_S = 60, 0.2

    def send_in_steps(self, sock, data):
        """Over twelve seconds, unless there is an answer before."""
        size = len(data) // self.STEPS + 1
        sock.settimeout(self.STEP_S)
        for at in range(0, len(data), size):
            sock.sendall(data[at : at + size])
            try:
                sock.recv(1, socket.MSG_PEEK)
                break
            except socket.timeout:
                continue
        sock.settimeout(30)
        return read_to_end(sock)

    def ask_slowly(self, data):
        with self.server.connect() as sock:
            return self.send_in_steps(sock, data)

    def test_a_body_must_come_at_a_rate_and_then_has_its_time(self):
        def http(size):
            return post(call_xml("echo", "x" * size), "Connection: close")

        def plain(size):
            return packed("echo", "x" * size, msgid=9)

        rows = [http(2000), plain(2000), http(120_000), plain(120_000) + b"\xc1"]
        with concurrent.futures.ThreadPoolExecutor(len(rows)) as pool:
            slow, slow_plain, steady, steady_plain = pool.map(self.ask_slowly, rows)
        answer = Answer(slow)
        self.assertEqual((answer.status, answer.code), (408, LIMIT), answer.head)
        self.check_words(answer.words, "--min-rate", 4096)
        self.assertRegex(answer.words, r"\b1\d\d bytes per second over 10 s")
        kind, msgid, error, _ = msgpack.unpackb(slow_plain)
        self.assertEqual((kind, msgid, error[0]), (RESPONSE, 9, LIMIT))
        self.check_words(error[1], "--min-rate", 4096)
        self.assertEqual(Answer(steady).status, 200)
        self.assertEqual(next(iter(self.unpacked(steady_plain)))[3], "x" * 120_000)

    def unpacked(self, data):
        unpacker = msgpack.Unpacker()
        unpacker.feed(data)
        return unpacker


class WriteTest(TimeTest):
    flags = ("--write-timeout", str(WRITE_MS))

    def test_who_stops_reading_is_closed(self):
        for data in packed("echo", b"x" * 8_000_000), post(call_xml("echo", "x" * 8_000_000)):
            with self.server.connect() as sock:
                since = time.monotonic()
                sock.sendall(data)
                # It closes with bytes unsent; what the kernels hold can still be read.
                self.wait_for_stats(lambda s: s["connections_open"] == 1, "closed")
                self.assertGreaterEqual(1000 * (time.monotonic() - since), 0.9 * WRITE_MS)
                self.assertLess(len(read_to_end(sock)), 8_000_000)


class IdleTest(TimeTest):
    flags = ("--idle-timeout", str(IDLE_MS))

    def test_an_idle_connection_ends_without_a_word(self):
        for begin in b"", post(call_xml("double", 1)), packed("double", 1):
            with self.server.connect() as sock:
                sock.sendall(begin)
                if begin:
                    sock.recv(4096)
                since = time.monotonic()
                self.assertEqual(self.end_of(sock, IDLE_MS, since), b"")

    def test_a_call_in_progress_is_not_idle(self):
        with self.peer() as peer, self.proxy() as proxy:
            seconds = 3 * IDLE_MS / 1000
            self.assertEqual(peer.call("demo.sleep", seconds), seconds)
            self.assertEqual(proxy.demo.sleep(seconds), seconds)

    def test_many_good_calls_keep_it_alive(self):
        with self.peer() as peer:
            for _ in range(10):
                peer.call("demo.sleep", IDLE_MS / 2000)


class CallTest(TimeTest):
    flags = ("--call-timeout", str(CALL_MS), "--workers", "2")

    def test_the_caller_gets_its_fault_at_the_deadline(self):
        for answer in (self.over_http(), self.over_msgpack()):
            code, words = answer
            self.assertEqual(code, TIMEOUT)
            self.assertRegex(words, rf"demo\.sleep.*\b{CALL_MS} ms")

    def over_http(self):
        with self.server.connect() as sock:
            since = time.monotonic()
            sock.sendall(post(call_xml("demo.sleep", 600.0), "Connection: close"))
            answer = Answer(self.end_of(sock, CALL_MS, since))
        self.assertEqual(answer.status, 200)
        return answer.code, answer.words

    def over_msgpack(self):
        with self.server.connect() as sock:
            since = time.monotonic()
            sock.sendall(packed("demo.sleep", 600.0, msgid=5))
            kind, msgid, error, result = msgpack.unpackb(sock.recv(4096))
            self.assertGreaterEqual(1000 * (time.monotonic() - since), 0.9 * CALL_MS)
            self.assertEqual((kind, msgid, result), (RESPONSE, 5, None))
            return error

    def test_one_that_waited_its_time_away_in_the_queue_gets_it_too(self):
        count = 20
        with self.server.connect() as sock:
            sock.sendall(b"".join(packed("demo.sleep", 600.0, msgid=i) for i in range(count)))
            unpacker = msgpack.Unpacker()
            codes = {}
            while len(codes) < count:
                unpacker.feed(sock.recv(1 << 16))
                for _, msgid, error, _ in unpacker:
                    codes[msgid] = error[0]
            self.assertEqual(set(codes.values()), {TIMEOUT})

    def test_it_is_counted_and_its_late_result_too(self):
        self.over_http()
        stats = self.wait_for_stats(lambda s: s["late_results"] >= 1, "a late result")
        self.assertGreaterEqual(stats["calls"]["timed_out"], 1)
        self.assertEqual(
            stats["calls"]["timed_out"], stats["methods"]["demo.sleep"]["timed_out"]
        )
        self.check_sums(stats)

    def test_a_notification_past_its_time_is_silent(self):
        with self.server.connect() as sock:
            sock.sendall(msgpack.packb([NOTIFICATION, "demo.sleep", [600.0]]) + packed("double", 4))
            self.assertEqual(msgpack.unpackb(sock.recv(4096))[3], 8)
        self.wait_for_stats(lambda s: s["calls_in_progress"] == 1, "over")

    def test_quick_calls_are_in_time(self):
        with self.peer() as peer:
            self.assertEqual(peer.call("demo.sleep", 0.001), 0.001)


class NoCallTimeoutTest(TimeTest):
    def test_by_default_a_call_has_no_time_limit(self):
        with self.peer() as peer:
            self.assertEqual(peer.call("demo.sleep", 0.3), 0.3)


if __name__ == "__main__":
    unittest.main()
