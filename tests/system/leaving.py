"""Clients that leave: a lone FIN says "no more requests" and cancels nothing, a reset or a hang-up
cancels what waits for an answer, and a notification is nobody's to cancel."""
import os
import socket
import tempfile
import unittest
import xmlrpc.client

import msgpack
from rig import (
    NOTIFICATION,
    RESPONSE,
    Answer,
    SystemTest,
    call_xml,
    packed,
    post,
    read_to_end,
    reset_on_close,
)

WORKERS = 2
LONG = 600.0  # of demo.sleep, which returns early when nobody waits for it any more


def notification(method, *params):
    return msgpack.packb([NOTIFICATION, method, params])


def multicall():
    return "system.multicall", [{"methodName": "double", "params": [i]} for i in range(5)]


class LeavingTest(SystemTest):
    flags = ("--workers", str(WORKERS), "--loops", "1")

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.listen = ("tcp://127.0.0.1:0", "unix:" + os.path.join(folder.name, "socket"))
        super().setUpClass()

    def each_listener(self):
        for i, name in enumerate(("tcp", "unix")):
            with self.subTest(name):
                yield i

    def sleeps(self):
        return self.stats()["methods"].get("demo.sleep", dict.fromkeys(self.names, 0))

    names = ("ok", "dropped", "run_us")

    def wait_at_rest(self):
        self.wait_for_stats(
            lambda s: (s["calls_in_progress"], s["connections_open"], s["workers_active"])
            == (1, 1, 0),
            "at rest",
        )

    def hold_workers(self):
        """A connection whose calls hold all workers, until it is closed."""
        sock = reset_on_close(self.server.connect())
        sock.sendall(packed("demo.sleep", LONG) * WORKERS)
        self.wait_for_stats(lambda s: s["workers_active"] == WORKERS, "busy")
        return sock


class FinTest(LeavingTest):
    def test_a_call_that_runs_runs_to_its_end(self):
        for i in self.each_listener():
            for data in packed("demo.sleep", 0.1), post(call_xml("demo.sleep", 0.1), version="1.0"):
                self.assertEqual(self.slept(self.exchange(data, i)), 0.1)

    def slept(self, data):
        if not data.startswith(b"HTTP"):
            return msgpack.unpackb(data)[3]
        (seconds,), _ = xmlrpc.client.loads(Answer(data).body)
        return seconds

    def test_calls_that_wait_for_a_worker_are_run(self):
        for i in self.each_listener():
            with self.hold_workers() as busy, self.server.connect(i) as sock:
                sock.sendall(packed("demo.sleep", 0.01, msgid=1) + packed("demo.sleep", 0.02, msgid=2))
                sock.shutdown(socket.SHUT_WR)
                self.wait_for_stats(lambda s: s["queue_length"] == 2, "queued")
                busy.close()
                unpacker = msgpack.Unpacker()
                unpacker.feed(read_to_end(sock))
                self.assertEqual(
                    sorted(unpacker), [[RESPONSE, 1, None, 0.01], [RESPONSE, 2, None, 0.02]]
                )

    def test_a_multicall_is_answered_whole(self):
        for i in self.each_listener():
            for _ in range(30):
                for data in packed(*multicall()), post(call_xml(*multicall()), version="1.0"):
                    answer = self.exchange(data, i)
                    self.assertNotIn(b"cancelled", answer)
                    self.assertTrue(b"<int>8</int>" in answer or b"\x91\x08" in answer, answer)


class NotificationTest(LeavingTest):
    """Of demo.sleep, seen by the time it ran: one that was cancelled would have ended early."""

    seconds = 0.1

    def check_runs(self, count, leave, hold=False):
        """The sender of `count` notifications leaves, while they run or wait for a worker."""
        for i in self.each_listener():
            self.wait_at_rest()
            before = self.sleeps()
            busy = self.hold_workers() if hold else None
            sock = self.server.connect(i)
            sock.sendall(notification("demo.sleep", self.seconds) * count)
            self.wait_for_stats(lambda s: s["calls_in_progress"] > count, "all there")
            leave(sock)
            if hold:
                self.wait_for_stats(lambda s: s["connections_open"] <= 3, "gone")
                busy.close()
            self.wait_at_rest()
            after = self.sleeps()
            self.assertEqual(after["ok"] - before["ok"], count)
            held = WORKERS if hold else 0
            self.assertEqual(after["dropped"] - before["dropped"], held)
            self.assertGreaterEqual(after["run_us"] - before["run_us"], 1e6 * count * self.seconds)

    def reset(self, sock):
        reset_on_close(sock).close()

    def half_close(self, sock):
        sock.shutdown(socket.SHUT_WR)
        self.assertEqual(read_to_end(sock), b"")
        sock.close()

    def test_those_that_run_go_on(self):
        for leave in socket.socket.close, self.reset, self.half_close:
            self.check_runs(WORKERS, leave)

    def test_those_that_wait_are_run(self):
        for leave in socket.socket.close, self.reset:
            self.check_runs(5, leave, hold=True)

    def test_a_posted_one_too(self):
        body = notification("demo.sleep", self.seconds)
        before = self.sleeps()
        sock = self.server.connect()
        sock.sendall(post(body, "Content-Type: application/msgpack"))
        self.wait_for_stats(lambda s: s["calls_in_progress"] > 1, "there")
        self.reset(sock)
        self.wait_at_rest()
        self.assertEqual(self.sleeps()["ok"] - before["ok"], 1)

    def test_the_calls_beside_them_are_dropped(self):
        with self.hold_workers() as busy:
            before = self.sleeps()
            sock = self.server.connect()
            both = notification("demo.sleep", 0.01) + packed("demo.sleep", LONG)
            sock.sendall(both * 3)
            self.wait_for_stats(lambda s: s["queue_length"] == 6, "queued")
            self.reset(sock)
            self.wait_for_stats(lambda s: s["calls"]["dropped"] >= 3, "dropped")
            busy.close()
        self.wait_at_rest()
        after = self.sleeps()
        self.assertEqual(after["ok"] - before["ok"], 3)
        self.assertEqual(after["dropped"] - before["dropped"], 3 + WORKERS)

    def test_a_drain_does_not_wait_for_them_beyond_its_deadline(self):
        sock = self.server.connect()
        sock.sendall(notification("demo.sleep", LONG) * 5)
        self.wait_for_stats(lambda s: s["calls_in_progress"] == 6, "there")
        sock.close()
        self.server.process.terminate()
        self.assertEqual(self.server.process.wait(60), 1)
        self.server.close()
        type(self).setUpClass()


class UnreadTest(LeavingTest):
    flags = (*LeavingTest.flags, "--max-in-flight", "5")

    def test_notifications_that_were_not_read_yet_are_run(self):
        """And an answer that was not read makes the end a reset, on TCP too."""
        count = 200
        for i in self.each_listener():
            with self.hold_workers():
                before = self.sleeps()
                sock = self.server.connect(i)
                sock.sendall(packed("double", 21))
                self.assertTrue(sock.recv(1))
                sock.sendall(notification("demo.sleep", 0.0) * count + packed("demo.sleep", 0.0))
                self.wait_for_stats(lambda s: s["paused_max_in_flight"] > 0, "paused")
                sock.close()
            self.wait_at_rest()
            after = self.sleeps()
            self.assertEqual(after["ok"] - before["ok"], count)
            self.assertEqual(after["dropped"] - before["dropped"], 1 + WORKERS)


class GoneTest(LeavingTest):
    """A reset, and a unix socket's hang-up: nobody waits any more, though calls in flight keep the
    connection from being read."""

    def test_what_runs_is_told_and_what_waits_is_dropped(self):
        http = post(call_xml("demo.sleep", LONG))
        for i in self.each_listener():
            for data in packed("demo.sleep", LONG) * 5, http, http * 3:
                before = self.stats()["calls"]["dropped"]
                sock = self.server.connect(i)
                sock.sendall(data)
                self.wait_for_stats(lambda s: s["calls_in_progress"] > 1, "in progress")
                reset_on_close(sock).close()
                self.wait_at_rest()  # the workers have come back from LONG
                self.assertGreater(self.stats()["calls"]["dropped"], before)

    def test_a_fin_does_not_keep_the_loop_busy(self):
        with reset_on_close(self.server.connect()) as sock:
            sock.sendall(post(call_xml("demo.sleep", LONG)) * 2)
            sock.shutdown(socket.SHUT_WR)
            self.wait_for_stats(lambda s: s["calls_in_progress"] > 1, "in progress")
            with self.peer() as peer:
                before = self.cpu_s()
                peer.call("demo.sleep", 0.3)
                self.assertLess(self.cpu_s() - before, 0.2)
        self.wait_at_rest()


if __name__ == "__main__":
    unittest.main()
