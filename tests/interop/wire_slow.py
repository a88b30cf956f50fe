"""Peers that are slow, many, or greedy: each is bounded, and the others do not notice."""
import os
import resource
import socket
import time
import unittest

import msgpack
from duet_server import PATIENCE_S, REQUEST, RESPONSE, read_to_end, reset_on_close
from wire import ANSWER, PACKED, WireTest, request

HEAD_MS, BODY_MS, WRITE_MS, IDLE_MS = 150, 200, 250, 300


def flag(name, ms):
    return f"--{name}-timeout", str(ms)


class SlowTest(WireTest):
    def trickle(self, data):
        """Sends byte after byte until the server closes: what it said, and after how many ms."""
        with self.server.connect() as sock:
            start = time.monotonic()
            sock.settimeout(0.01)
            answer = b""
            for i in range(len(data)):
                try:
                    sock.sendall(data[i : i + 1])
                    if not (chunk := sock.recv(65536)):
                        break
                    answer += chunk
                except socket.timeout:
                    continue
                except OSError:
                    break
            return answer, 1000 * (time.monotonic() - start)

    def cpu_s(self):
        with open(f"/proc/{self.server.process.pid}/stat") as stat:
            user, system = stat.read().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


class Trickles(SlowTest):
    flags = flag("head", HEAD_MS) + flag("body", BODY_MS) + flag("idle", 60_000)

    def test_a_slow_head_ends_at_its_time(self):
        answer, ms = self.trickle(request("X-Fill: " + "x" * 1000))
        self.assertIn(b"HTTP/1.1 408 ", answer)
        self.assertGreaterEqual(ms, 0.9 * HEAD_MS)

    def test_a_slow_body_ends_at_its_time(self):
        head, body = request(body=b"<" * 1000).split(b"\r\n\r\n", 1)
        with self.server.connect() as sock:
            start = time.monotonic()
            sock.sendall(head + b"\r\n\r\n" + body[:10])
            self.assertIn(b"HTTP/1.1 408 ", read_to_end(sock))
            self.assertGreaterEqual(time.monotonic() - start, 0.9 * BODY_MS / 1000)

    def test_a_slow_message_ends_at_its_time(self):
        _, ms = self.trickle(msgpack.packb([REQUEST, 1, "echo", ["x" * 1000]]))
        self.assertGreaterEqual(ms, 0.9 * min(HEAD_MS, BODY_MS))


class Readers(SlowTest):
    flags = flag("write", WRITE_MS)

    def test_who_does_not_read_is_dropped_and_holds_nobody_up(self):
        data = msgpack.packb([REQUEST, 1, "echo", [b"x" * 1_000_000]])
        with self.server.connect() as sock, self.peer() as other:
            sock.settimeout(PATIENCE_S)
            with self.assertRaises(OSError):  # in the end it is closed with bytes unread
                for _ in range(1000):
                    sock.sendall(data)
                    self.assertEqual(other.call("double", 7), 14)

    def test_who_reads_slowly_gets_everything(self):
        size = 3_000_000
        data = msgpack.packb([REQUEST, 1, "echo", [b"x" * size]])
        with self.server.connect() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100_000)
            sock.sendall(data)
            received = 0
            while received < size:
                time.sleep(0.005)
                received += len(sock.recv(50_000))


class Idle(SlowTest):
    flags = flag("idle", IDLE_MS)

    def test_an_idle_connection_ends_at_its_time(self):
        for begin in b"", request(), PACKED:
            with self.server.connect() as sock:
                sock.sendall(begin)
                start = time.monotonic()
                read_to_end(sock)
                self.assertGreaterEqual(time.monotonic() - start, 0.9 * IDLE_MS / 1000)

    def test_a_call_in_progress_is_not_idle(self):
        with self.peer() as peer:
            self.assertEqual(peer.call("demo.sleep", 3 * IDLE_MS / 1000), 3 * IDLE_MS / 1000)


class Many(SlowTest):
    def open_fds(self):
        return len(os.listdir(f"/proc/{self.server.process.pid}/fd"))

    def test_2000_idle_connections_cost_nothing(self):
        count = 2000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < 2 * count:
            self.skipTest(f"NOT TESTED: a limit of {hard} files")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * count), hard))
        connections = [self.server.connect() for _ in range(count)]
        try:
            with self.peer() as peer:
                peer.call("double", 1)
                before = self.cpu_s()
                for i in range(1000):
                    self.assertEqual(peer.call("double", i), 2 * i)
                self.assertLess(self.cpu_s() - before, 1)
            connections[-1].sendall(PACKED)
            self.assertEqual(msgpack.unpackb(connections[-1].recv(100)), [RESPONSE, 1, None, 14])
        finally:
            for sock in connections:
                sock.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def test_without_file_descriptors_it_closes_and_does_not_spin(self):
        pid = self.server.process.pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        with self.peer() as peer:
            while peer.call("system.stats")["connections_open"] > 1:
                pass  # those of earlier tests still have their files
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (self.open_fds() + 3, limits[1]))
            socks = [self.server.connect() for _ in range(20)]
            before = self.cpu_s()
            self.assertEqual(peer.call("demo.sleep", 0.5), 0.5)
            self.assertLess(self.cpu_s() - before, 0.25)
            served = 0
            for sock in socks:  # whoever is not served knows
                try:
                    sock.sendall(PACKED)
                    served += sock.recv(100) != b""
                except ConnectionError:
                    pass
                sock.close()
            self.assertIn(served, (1, 2, 3))  # one may have had to give its file for the next
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
            with self.server.connect() as sock:
                sock.sendall(PACKED)
                self.assertEqual(msgpack.unpackb(sock.recv(100)), [RESPONSE, 1, None, 14])


class Flood(SlowTest):
    # With one loop the flood and the others meet.
    flags = ("--loops", "1", "--workers", "2")

    def test_one_connection_that_floods_leaves_room_for_others(self):
        calls = b"".join(msgpack.packb([REQUEST, i, "double", [i]]) for i in range(20_000))
        flood, sent = memoryview(calls), 0
        with self.server.connect() as sock, self.peer() as peer, self.proxy() as proxy:
            sock.setblocking(False)
            for i in range(50):
                try:
                    while True:
                        sent += sock.send(flood[sent % len(flood) :])  # and never reads
                except BlockingIOError:
                    pass
                self.assertEqual(peer.call("double", i), 2 * i)
                self.assertEqual(proxy.double(i), 2 * i)

    def test_calls_that_wait_for_workers_do_not_hold_up_inline_ones(self):
        sleeps = b"".join(msgpack.packb([REQUEST, i, "demo.sleep", [600.0]]) for i in range(500))
        with reset_on_close(self.server.connect()) as sock:
            sock.sendall(sleeps)
            self.assertIn(ANSWER, self.exchange(request()))


if __name__ == "__main__":
    unittest.main()
