"""What a loop leaves to the workers: reading, running and answering what takes long, even for a method
that runs inline, so that it holds up nobody else. With the only worker busy, it waits; the rest is
answered at once."""
import unittest

import msgpack
from rig import (
    BUSY,
    NOTIFICATION,
    RESPONSE,
    Answer,
    SystemTest,
    call_xml,
    packed,
    post,
    read_to_end,
    reset_on_close,
    wait_until,
)

KIB = 1024


class BusyTest(SystemTest):
    """A server whose only worker is busy."""

    flags = ("--workers", "1")

    def setUp(self):
        self.wait_for_waits(0, "free")  # the one of the test before may still be ending
        self.waiter = reset_on_close(self.server.connect())
        self.addCleanup(self.waiter.close)
        self.waiter.sendall(packed("demo.wait", 0))
        self.wait_for_waits(1, "busy")

    def wait_for_waits(self, count, what):
        with self.peer() as peer:
            wait_until(lambda: peer.call("demo.waits"), lambda waits: waits == count, what)

    def in_post(self, message, *headers):
        return post(message, "Content-Type: application/msgpack", *headers)


class TurnsTest(BusyTest):
    def check_waits(self, data):
        """It is for a worker, and runs when there is one; others are answered meanwhile."""
        with self.server.connect() as sock, self.peer() as peer:
            sock.sendall(data)
            self.wait_for_stats(lambda s: s["queue_length"] == 1, "queued")
            self.assertEqual(peer.call("double", 21), 42)
            self.waiter.close()
            self.assertTrue(sock.recv(1))

    def check_runs(self, data):
        with self.server.connect() as sock:
            sock.sendall(data)
            self.assertTrue(sock.recv(1))
        self.assertEqual(self.stats()["queue_length"], 0)

    def test_many_values(self):
        self.check_waits(packed("echo", [1] * 5000))

    def test_many_values_in_maps(self):
        self.check_waits(packed("echo", [{"a": 1, "b": 2}] * 1000))

    def test_many_bytes(self):
        self.check_waits(packed("echo", b"x" * 300 * KIB))

    def test_many_values_in_a_post(self):
        self.check_waits(self.in_post(packed("echo", [1] * 5000)))

    def test_many_bytes_in_a_post(self):
        self.check_waits(self.in_post(packed("echo", b"x" * 100 * KIB)))

    def test_much_xml(self):
        self.check_waits(post(call_xml("echo", [1] * 2000)))

    def test_less_of_each_is_run_at_once(self):
        for data in (
            packed("echo", [1] * 4000),
            packed("echo", b"x" * 200 * KIB),
            self.in_post(packed("echo", [1] * 4000)),
            self.in_post(packed("echo", b"x" * 60 * KIB)),
            post(call_xml("echo", "x" * 15 * KIB)),
        ):
            self.check_runs(data)

    def test_a_notification_too(self):
        with self.server.connect() as sock:
            sock.sendall(msgpack.packb([NOTIFICATION, "echo", [[1] * 5000]]) + packed("double", 4))
            self.assertEqual(msgpack.unpackb(sock.recv(100)), [RESPONSE, 1, None, 8])
            self.wait_for_stats(lambda s: s["queue_length"] == 1, "queued")
            self.waiter.close()


class FullQueueTest(BusyTest):
    """What cannot be left to the workers, for their queue is full."""

    flags = ("--workers", "1", "--worker-queue", "1")

    def setUp(self):
        super().setUp()
        self.waiter.sendall(packed("demo.wait", 0))
        self.wait_for_stats(lambda s: s["queue_length"] == 1, "full")

    def ask_in_post(self, message, *headers):
        with self.server.connect() as sock:
            sock.sendall(self.in_post(message, "Connection: close", *headers))
            return Answer(read_to_end(sock))

    def test_what_was_not_read_is_refused_by_its_msgid(self):
        answer = self.ask_in_post(packed("echo", b"x" * 100 * KIB, msgid=77))
        self.assertEqual(answer.status, 503)
        _, msgid, error, _ = msgpack.unpackb(answer.body)
        self.assertEqual((msgid, error[0]), (77, BUSY))

    def test_an_answer_that_should_be_compressed_is_given_as_it_is(self):
        before = self.stats()["calls"]
        answer = self.ask_in_post(packed("echo", b"x" * 60 * KIB), "Accept-Encoding: gzip")
        self.assertEqual((answer.status, answer.header("Content-Encoding")), (200, None))
        self.assertEqual(msgpack.unpackb(answer.body)[3], b"x" * 60 * KIB)
        after = self.stats()["calls"]
        self.assertEqual((after["refused"], after["fault"]), (before["refused"], before["fault"]))


if __name__ == "__main__":
    unittest.main()
