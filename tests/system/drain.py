"""Leaving in order: what has arrived is answered, what has not is told; the exit code says which."""
import fcntl
import re
import signal
import socket
import struct
import termios
import time
import unittest

import msgpack
from rig import (
    PATIENCE_S,
    REQUEST,
    RESPONSE,
    Answer,
    Peer,
    Server,
    call_xml,
    packed,
    post,
    read_to_end,
    wait_until,
)

CANCELLED = -32002
SIOCOUTQ = termios.TIOCOUTQ


def wait_until_arrived(sock):
    """Every byte that was sent lies in the server's kernel, or has been read from there."""
    wait_until(
        lambda: struct.unpack("i", fcntl.ioctl(sock, SIOCOUTQ, b"\0" * 4))[0],
        lambda unsent: unsent == 0,
        "acknowledged",
    )


class DrainTest(unittest.TestCase):
    flags = ()

    def setUp(self):
        self.server = Server(*self.flags)
        self.addCleanup(self.kill)

    def kill(self):
        if self.server.process.poll() is None:
            self.server.process.kill()
            self.server.process.wait()
        self.server.close()

    def signal(self, number=signal.SIGTERM):
        self.server.process.send_signal(number)

    def check_exit(self, code):
        self.assertEqual(self.server.process.wait(PATIENCE_S), code, self.server.errors())
        errors = self.server.errors()
        self.assertNotIn("Sanitizer", errors)
        self.assertNotIn("runtime error", errors)

    def connect(self, data=b""):
        sock = self.server.connect()
        self.addCleanup(sock.close)
        sock.sendall(data)
        return sock

    def wait_for_calls(self, count):
        with Peer(self.server) as peer:
            wait_until(
                lambda: peer.call("system.stats")["calls_in_progress"] - 1,
                lambda n: n == count,
                f"{count} calls",
            )


class Busy(DrainTest):
    def test_every_request_that_had_arrived_is_answered(self):
        """64 connections, half of them of each protocol; inline calls, calls on workers, calls
        that sleep, and large ones, all sent and none read before the signal."""
        per_conn = 40
        methods = [("double", 4), ("demo.sleep", 0.001), ("echo", "x" * 3000), ("demo.nothing",)]
        calls = [methods[i % len(methods)] for i in range(per_conn)]
        http = b"".join(post(call_xml(*call)) for call in calls)
        plain = b"".join(packed(*call, msgid=i) for i, call in enumerate(calls))
        socks = [self.connect(http if i % 2 else plain) for i in range(64)]
        for sock in socks:
            wait_until_arrived(sock)
        start = time.monotonic()
        self.signal()
        for i, sock in enumerate(socks):
            data = read_to_end(sock)
            if i % 2:
                statuses = re.findall(rb"HTTP/1\.1 (\d+) ", data)
                self.assertEqual(statuses, [b"200"] * per_conn)
                self.assertEqual(data.count(b"Connection: close"), 1)
            else:
                unpacker = msgpack.Unpacker()
                unpacker.feed(data)
                replies = list(unpacker)
                self.assertEqual(sorted(reply[1] for reply in replies), list(range(per_conn)))
                self.assertEqual({reply[2] for reply in replies}, {None})
        self.check_exit(0)
        self.assertLess(time.monotonic() - start, 3)

    def test_busy_clients_see_every_answer_or_a_clean_end(self):
        """Clients that go on sending: those requests that were whole before the signal are
        answered, and every answer that comes is whole and in order."""
        socks = [self.connect() for _ in range(64)]
        call = [packed("double", 1), post(call_xml("double", 1))]
        sent, before = [0] * 64, [0] * 64
        for sock in socks:
            sock.setblocking(False)
        for round_ in range(60):
            if round_ == 30:
                for sock in socks:
                    wait_until_arrived(sock)
                before = list(sent)
                self.signal()
            for i, sock in enumerate(socks):
                try:
                    if sent[i] >= 0 and sock.send(call[i % 2]) == len(call[i % 2]):
                        sent[i] += 1
                except OSError:
                    pass
        for i, sock in enumerate(socks):
            sock.settimeout(PATIENCE_S)
            answers = read_to_end(sock).count(b"<int>2</int>" if i % 2 else b"\xc0\x02")
            self.assertGreaterEqual(answers, before[i], i)
            self.assertLessEqual(answers, sent[i], i)
        self.check_exit(0)

    def test_idle_connections_do_not_hold_it_up(self):
        socks = [self.connect() for _ in range(20)]
        kept = self.connect(post(call_xml("double", 1)))
        self.assertIn(b"<int>2</int>", kept.recv(4096))
        self.signal()
        for sock in [*socks, kept]:
            self.assertEqual(read_to_end(sock), b"")
        self.check_exit(0)

    def test_half_a_request_does_not_hold_it_up(self):
        for data in post(call_xml("double", 1))[:60], packed("echo", "x" * 100)[:-5]:
            self.connect(data)
        socks = [self.connect(data) for data in (b"POST", b"\x94\x00")]
        for sock in socks:
            wait_until_arrived(sock)
        self.signal(signal.SIGINT)
        self.check_exit(0)

    def test_a_large_reply_that_is_read_slowly_is_whole(self):
        size = 6_000_000
        sock = self.connect(packed("echo", b"x" * size))
        wait_until_arrived(sock)
        self.signal()
        received = 0
        while chunk := sock.recv(100_000):
            received += len(chunk)
        self.assertGreater(received, size)
        self.check_exit(0)


class Deadline(DrainTest):
    flags = ("--drain-ms", "150")

    def test_what_still_runs_is_cancelled_and_the_exit_code_is_1(self):
        http = self.connect(post(call_xml("demo.sleep", 600.0)))
        plain = self.connect(packed("demo.sleep", 600.0, msgid=8) * 5)
        self.wait_for_calls(6)
        start = time.monotonic()
        self.signal()
        answer = Answer(read_to_end(http))
        self.assertEqual(answer.code, CANCELLED)
        self.assertIn("--drain-ms 150", answer.words)
        unpacker = msgpack.Unpacker()
        unpacker.feed(read_to_end(plain))
        replies = list(unpacker)
        self.assertEqual([(r[0], r[1], r[2][0]) for r in replies], [(RESPONSE, 8, CANCELLED)] * 5)
        self.check_exit(1)
        self.assertGreaterEqual(time.monotonic() - start, 0.15)

    def test_calls_that_end_in_time_are_answered_and_the_exit_code_is_0(self):
        sock = self.connect(packed("demo.sleep", 0.05))
        self.wait_for_calls(1)
        self.signal()
        self.assertEqual(msgpack.unpackb(read_to_end(sock))[2:], [None, 0.05])
        self.check_exit(0)

    def test_who_does_not_read_ends_with_the_deadline(self):
        sock = self.connect(packed("echo", b"x" * 12_000_000))
        wait_until_arrived(sock)
        self.signal()
        self.assertIn(self.server.process.wait(PATIENCE_S), (0, 1))


class NoDrain(DrainTest):
    flags = ("--drain-ms", "0")

    def test_with_no_time_at_all_it_ends_at_once(self):
        sock = self.connect(packed("demo.sleep", 600.0))
        self.wait_for_calls(1)
        self.signal()
        self.assertEqual(msgpack.unpackb(read_to_end(sock))[2][0], CANCELLED)
        self.check_exit(1)


class SecondSignal(DrainTest):
    flags = ("--drain-ms", "60000")

    def test_a_second_signal_ends_at_once(self):
        for first, second in ((signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)):
            self.connect(packed("demo.sleep", 600.0))
            self.wait_for_calls(1)
            idle = self.connect()
            self.signal(first)
            self.assertEqual(read_to_end(idle), b"")  # it has seen the first one
            self.signal(second)
            self.assertEqual(self.server.process.wait(PATIENCE_S), -second)
            self.kill()
            self.setUp()


class Delay(DrainTest):
    flags = ("--drain-delay-ms", "400")

    def healthz(self):
        with self.server.connect() as sock:
            sock.sendall(post(b"", "Connection: close", verb="GET", target="/healthz"))
            return Answer(read_to_end(sock)).status

    def test_it_goes_on_serving_but_its_health_check_says_no(self):
        self.assertEqual(self.healthz(), 200)
        start = time.monotonic()
        self.signal()
        wait_until(self.healthz, lambda status: status == 503, "503")
        with Peer(self.server) as peer:  # new connections and calls are still welcome
            self.assertEqual(peer.call("double", 21), 42)
        with self.server.connect() as sock:
            sock.sendall(post(call_xml("double", 21), "Connection: close"))
            self.assertIn(b"<int>42</int>", read_to_end(sock))
        self.check_exit(0)
        self.assertGreaterEqual(time.monotonic() - start, 0.36)


class NoDelay(Delay):
    flags = ()

    def test_it_goes_on_serving_but_its_health_check_says_no(self):
        """Without a delay there is nothing to ask: connections are not accepted any more."""
        self.assertEqual(self.healthz(), 200)
        self.signal()
        self.check_exit(0)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(self.server.host_port())


if __name__ == "__main__":
    unittest.main()
