"""Limits on what is under way: those that pause a connection show in the counters and lose nothing,
those that refuse say so in the caller's protocol."""
import re
import select
import socket
import threading
import unittest

import msgpack
from rig import (
    BUSY,
    LIMIT,
    MIB,
    PATIENCE_S,
    REQUEST,
    RESPONSE,
    SystemTest,
    around,
    call_xml,
    packed,
    post,
    read_to_end,
    receive_exactly,
    reset_on_close,
    wait_until,
)

KIB = 1024


class Sleepers:
    """Calls of demo.sleep that hold workers, until they are let go by a reset."""

    def __init__(self, test, count):
        self.sock = reset_on_close(test.server.connect())
        self.add(count)

    def add(self, count):
        self.sock.sendall(packed("demo.sleep", 600.0) * count)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


def send_in_background(sock, data):
    """Sends what the server will not read for a while; returns the thread, to be joined."""

    def send():
        try:
            sock.sendall(data)
        except OSError:
            pass

    thread = threading.Thread(target=send)
    thread.start()
    return thread


class FlowTest(SystemTest):
    def check_paused(self, counter, calls, count):
        """All of these are answered, whatever pauses it took; and there were some."""
        with self.server.connect() as sock:
            before = self.stats()[counter]
            thread = send_in_background(sock, calls)
            unpacker = msgpack.Unpacker(max_buffer_size=0)
            ids = set()
            while len(ids) < count:
                chunk = sock.recv(1 << 18)
                self.assertTrue(chunk, "the server closed the connection")
                unpacker.feed(chunk)
                for kind, msgid, error, _ in unpacker:
                    self.assertEqual((kind, error), (RESPONSE, None))
                    ids.add(msgid)
            thread.join()
        stats = self.stats()
        self.assertGreater(stats[counter], before)
        self.check_sums(stats)


class InFlightTest(FlowTest):
    # One worker and several turns of the loop: the limit is reached however fast it runs.
    flags = ("--max-in-flight", "3", "--workers", "1")
    calls = 300

    def test_more_calls_in_flight_wait_unread(self):
        data = b"".join(packed("demo.sleep", 0.0, msgid=i) for i in range(self.calls))
        self.check_paused("paused_max_in_flight", data, self.calls)

    def test_a_paused_connection_is_read_on_when_a_call_ends(self):
        with self.server.connect() as sock:
            sock.sendall(b"".join(packed("demo.sleep", 0.05, msgid=i) for i in range(9)))
            unpacker = msgpack.Unpacker()
            seen = []
            while len(seen) < 9:
                unpacker.feed(sock.recv(4096))
                seen += [reply[1] for reply in unpacker]
            self.assertEqual(sorted(seen), list(range(9)))

    def test_http_has_one_call_in_flight_and_answers_in_order(self):
        times = [0.005, 0.003, 0.002, 0.001]
        data = b"".join(post(call_xml("demo.sleep", s)) for s in times)
        with self.server.connect() as sock:
            sock.sendall(data + post(call_xml("double", 1), "Connection: close"))
            answers = read_to_end(sock).split(b"HTTP/1.1 200 OK")[1:]
        slept = [float(re.search(rb"<double>(.*)</double>", answer)[1]) for answer in answers[:-1]]
        self.assertEqual(slept, times)


class DefaultInFlightTest(FlowTest):
    flags = ("--workers", "1")

    def test_1024_calls_are_in_flight_and_the_rest_waits(self):
        count = 1400
        with reset_on_close(self.server.connect()) as sock:
            sleep = packed("demo.sleep", 600.0, msgid=0)
            sock.sendall(sleep + b"".join(packed("demo.sleep", 0.0, msgid=i) for i in range(1, count)))
            stats = self.wait_for_stats(lambda s: s["paused_max_in_flight"] > 0, "paused")
            self.assertLessEqual(stats["calls_in_progress"], 1024 + 1)
            self.assertGreaterEqual(stats["calls_in_progress"], 1000)


class InFlightBytesTest(FlowTest):
    flags = ("--max-in-flight-bytes", "50K", "--no-inline", "--workers", "1")
    counter = "paused_max_in_flight_bytes"
    size, count = 20 * KIB, 200

    def test_more_request_bytes_in_flight_wait_unread(self):
        data = b"".join(packed("echo", b"x" * self.size, msgid=i) for i in range(self.count))
        self.check_paused(self.counter, data, self.count)

    def test_one_message_larger_than_the_limit_is_still_served(self):
        with self.peer() as peer, self.proxy() as proxy:
            self.assertEqual(peer.call("echo", b"x" * 300_000), b"x" * 300_000)
            self.assertEqual(proxy.echo("x" * 300_000), "x" * 300_000)


class DefaultInFlightBytesTest(FlowTest):
    # Room for so many: by default an eighth of --max-buffered stops one connection before.
    flags = ("--workers", "1", "--max-buffered", "1G")

    def test_32_mib_are_in_flight_and_the_rest_waits(self):
        with Sleepers(self, 1), self.server.connect() as sock:
            data = b"".join(packed("demo.sleep", b"x" * 8 * MIB, msgid=i) for i in range(6))
            thread = send_in_background(sock, data)
            stats = self.wait_for_stats(lambda s: s["paused_max_in_flight_bytes"] > 0, "paused")
            self.assertEqual(stats["calls_in_progress"], 6)  # 4 of them, the sleeper and this one
            self.assertLess(stats["buffered_bytes"], 128 * MIB)  # with the replies to come
            sock.shutdown(socket.SHUT_RDWR)
            thread.join()


class OutMarkTest(FlowTest):
    flags = ("--out-mark", "10K")
    size, count = 60 * KIB, 300

    def test_replies_that_nobody_reads_pause_the_connection(self):
        data = b"".join(packed("echo", b"x" * self.size, msgid=i) for i in range(self.count))
        with self.server.connect() as sock:
            thread = send_in_background(sock, data)
            self.wait_for_stats(lambda s: s["paused_out_mark"] > 0, "paused")
            got = receive_exactly(sock, self.count * self.size)  # and reading it goes on
            self.assertEqual(len(got), self.count * self.size)
            thread.join()


class DefaultOutMarkTest(OutMarkTest):
    flags = ()


class WorkerQueueTest(FlowTest):
    flags = ("--worker-queue", "2", "--workers", "1")
    limit, workers = 2, 1

    def check_refusal(self, words):
        self.check_words(words, "--worker-queue", self.limit, self.limit)

    def test_a_full_queue_refuses_at_once_in_the_callers_protocol(self):
        with Sleepers(self, self.workers) as sleepers:
            self.wait_for_stats(
                lambda s: s["queue_length"] == 0 and s["workers_active"] == self.workers, "busy"
            )
            sleepers.add(self.limit)
            self.wait_for_stats(lambda s: s["queue_length"] == self.limit, "full")
            refused = self.ask(post(call_xml("demo.sleep", 600.0)))
            self.assertEqual((refused.status, refused.code), (503, BUSY))
            self.check_refusal(refused.words)
            self.assertIsNotNone(refused.header("Retry-After"))
            ((_, msgid, error, _),) = self.replies(packed("demo.sleep", 0.0, msgid=77))
            self.assertEqual((msgid, error[0]), (77, BUSY))
            self.check_refusal(error[1])
            self.assertEqual(self.ask(post(call_xml("double", 21))).status, 200)
            stats = self.stats()
            self.assertEqual(stats["calls"]["refused"], 2)
            self.assertEqual(stats["methods"]["demo.sleep"]["refused"], 2)


class FreeWorkersTest(FlowTest):
    """What a free worker will take at once does not wait."""

    flags = ("--worker-queue", "3", "--workers", "2")
    fit = 3 + 2

    def batch(self, count, seconds):
        return b"".join(packed("demo.sleep", seconds, msgid=i) for i in range(count))

    def errors(self, sock, count):
        """The codes of so many replies; None for results."""
        unpacker = msgpack.Unpacker()
        codes = []
        while len(codes) < count:
            chunk = sock.recv(1 << 16)
            self.assertTrue(chunk, "the server closed the connection")
            unpacker.feed(chunk)
            codes += [error and error[0] for _, _, error, _ in unpacker]
        return codes

    def test_a_batch_of_8_is_refused_down_to_what_waits_and_runs(self):
        with reset_on_close(self.server.connect()) as sock:
            sock.sendall(self.batch(8, 600.0))
            self.assertEqual(self.errors(sock, 3), [BUSY] * 3)
            stats = self.wait_for_stats(lambda s: s["queue_length"] == 3, "taken")
            self.assertEqual(stats["calls_in_progress"], self.fit + 1)
        self.wait_for_stats(lambda s: s["workers_active"] == 0, "free")

    def test_a_batch_that_fits_is_never_refused(self):
        with self.server.connect() as sock:
            for _ in range(100):
                sock.sendall(self.batch(self.fit, 0.0))
                self.assertEqual(self.errors(sock, self.fit), [None] * self.fit)


class DeadCallsTest(FlowTest):
    """Calls whose clients have gone hold no places."""

    flags = ("--worker-queue", "8", "--workers", "1")

    def test_they_leave_the_queue_to_the_living(self):
        with Sleepers(self, 1) as sleepers, self.peer() as peer, self.server.connect() as living:
            wait_until(
                lambda: peer.call("system.stats"),
                lambda s: s["workers_active"] == 1 and s["queue_length"] == 0,
                "busy",
            )
            living.sendall(packed("demo.sleep", 0.0))
            rounds, calls = 200, 7  # several times around the ring
            for i in range(1, rounds + 1):
                sock = reset_on_close(self.server.connect())
                sock.sendall(packed("demo.sleep", 0.0) * calls)
                wait_until(
                    lambda: peer.call("system.stats")["queue_length"],
                    lambda length: length == 1 + calls,
                    "full",
                )
                sock.close()
                stats = wait_until(
                    lambda: peer.call("system.stats"),
                    lambda s: s["calls"]["dropped"] == i * calls,
                    "dropped",
                )
                self.assertEqual(stats["queue_length"], 1)
            sleepers.sock.close()
            self.assertEqual(msgpack.unpackb(living.recv(4096))[2], None)
        stats = self.stats()
        self.assertEqual(stats["calls"]["refused"], 0)
        self.assertEqual(stats["late_results"], 1)  # the sleeper's
        self.check_sums(stats)


class DefaultWorkerQueueTest(FlowTest):
    flags = ("--workers", "1")

    def test_4096_calls_wait_and_the_rest_is_refused(self):
        socks = [reset_on_close(self.server.connect()) for _ in range(5)]
        try:
            for sock in socks:  # 1,024 in flight on each
                sock.sendall(b"".join(packed("demo.sleep", 600.0, msgid=i) for i in range(1024)))
            refused, _, _ = select.select(socks, [], [], PATIENCE_S)
            unpacker = msgpack.Unpacker()
            unpacker.feed(refused[0].recv(1 << 16))
            kind, _, error, _ = next(unpacker)
            self.assertEqual((kind, error[0]), (RESPONSE, BUSY))
            self.check_words(error[1], "--worker-queue", 4096, 4096)
        finally:
            for sock in socks:
                sock.close()


class BufferedTest(FlowTest):
    """What waits for room is the affair of room.py: here is what never can have any, and is
    told not to try again."""

    flags = ("--max-buffered", "2M", "--workers", "2")
    limit = 2 * MIB

    def test_trees_and_replies_over_it_are_refused_and_small_ones_go_on(self):
        tree = around(b"<value><array><data>" + b"<value/>" * 80_000 + b"</data></array></value>")
        reply = call_xml("echo", "]]>" * 200_000)
        for body in tree, reply:
            answer = self.ask(post(body))
            self.assertEqual(answer.code, LIMIT, answer.words)
            self.check_words(answer.words, "--max-buffered", self.limit)
            self.assertIsNone(answer.header("Retry-After"))
        items = msgpack.packb([REQUEST, 5, "echo", [[None] * 200_000]])
        ((_, msgid, error, _),) = self.replies(items)
        self.assertEqual((msgid, error[0]), (5, LIMIT))
        self.check_words(error[1], "--max-buffered", self.limit)
        with self.peer() as peer, self.proxy() as proxy:
            self.assertEqual((peer.call("double", 2), proxy.double(2)), (4, 4))
        self.wait_for_stats(lambda s: s["buffered_bytes"] < 100_000, "given back")

    def test_a_message_longer_than_all_of_it_is_refused_before_it_has_come(self):
        length, begun = 3 * MIB, 100 * KIB
        answer = self.ask(post(b"<" * begun, length=length))
        self.assertEqual((answer.status, answer.code), (413, LIMIT))
        self.check_words(answer.words, "--max-buffered", self.limit)
        head = b"\x94\x00\x07\xa4echo\x91\xc6" + length.to_bytes(4, "big")
        ((_, msgid, error, _),) = self.replies(head + b"x" * begun)
        self.assertEqual((msgid, error[0]), (7, LIMIT))
        self.check_words(error[1], "--max-buffered", self.limit)


class AnnouncedTest(FlowTest):
    flags = ("--max-buffered", "8M", "--workers", "2")

    def test_a_length_that_is_announced_takes_no_memory(self):
        """14 bytes each, for a megabyte each: all together they hold next to nothing."""
        head = b"\x94\x00\x01\xa4echo\x91\xc6" + (MIB - 300).to_bytes(4, "big")
        http = post(b"<", length=MIB)
        socks = [self.server.connect() for _ in range(200)]
        try:
            for i, sock in enumerate(socks):
                sock.sendall(head if i % 2 else http)
            stats = self.wait_for_stats(
                lambda s: s["bytes_in"] >= 100 * len(head + http), "there"
            )
            self.assertLess(stats["buffered_bytes"], MIB)
            with self.peer() as peer:
                self.assertEqual(peer.call("demo.sleep", 0.0), 0.0)
                self.assertEqual(peer.call("echo", b"x" * MIB), b"x" * MIB)
        finally:
            for sock in socks:
                sock.close()


if __name__ == "__main__":
    unittest.main()
