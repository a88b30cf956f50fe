"""Limits on connections: the newest is told in its own protocol that it is one too many, and when
file descriptors run out it is closed, without spinning."""
import resource
import socket
import subprocess
import unittest

import msgpack
from rig import (
    BUSY,
    PATIENCE_S,
    RESPONSE,
    Answer,
    SystemTest,
    call_xml,
    packed,
    post,
    read_to_end,
    wait_until,
)
from duet_server import program_path  # the rig knows where it is


class ConnectionsTest(SystemTest):
    def fill(self, count):
        """So many connections that are open: each has been answered."""
        socks = []
        for _ in range(count):
            sock = self.server.connect()
            sock.sendall(packed("double", 7))
            self.assertTrue(sock.recv(100))
            socks.append(sock)
        return socks

    def check_refused(self, flag, limit):
        with self.server.connect() as sock:
            sock.sendall(post(call_xml("double", 1)))
            answer = Answer(read_to_end(sock))
        self.assertEqual((answer.status, answer.code), (503, BUSY))
        self.check_flag(answer.words, flag, limit)
        self.assertEqual(answer.header("Connection"), "close")
        self.assertIsNotNone(answer.header("Retry-After"))

        with self.server.connect() as sock:
            sock.sendall(packed("double", 1, msgid=3))
            kind, msgid, error, _ = msgpack.unpackb(read_to_end(sock))
        self.assertEqual((kind, msgid, error[0]), (RESPONSE, 3, BUSY))
        self.check_flag(error[1], flag, limit)

        with self.server.connect() as sock:
            sock.sendall(post(b"", verb="GET", target="/", length=False))
            answer = Answer(read_to_end(sock))
        self.assertEqual(answer.status, 503)
        self.check_flag(answer.body.decode(), flag, limit)

    def check_health(self):
        """It is asked for as a load balancer does, and answered whatever is open."""
        for verb, body in ("GET", b"ok\n"), ("HEAD", b""):
            with self.server.connect() as sock:
                sock.sendall(post(b"", verb=verb, target="/healthz", length=False))
                answer = Answer(read_to_end(sock))
            self.assertEqual((answer.status, answer.body), (200, body))
        with self.server.connect() as sock:
            sock.sendall(post(b"", target="/healthz"))
            self.assertEqual(Answer(read_to_end(sock)).status, 503)

    def check_flag(self, words, flag, limit):
        self.assertRegex(words, rf"{flag} (is )?{limit}\b")

    def close_and_wait(self, socks):
        for sock in socks:
            sock.close()

        def is_served():
            """Too many that are too many are closed without a word."""
            with self.server.connect() as sock:
                try:
                    sock.sendall(packed("double", 1))
                    return sock.recv(4096) == b"\x94\x01\x01\xc0\x02"
                except ConnectionError:
                    return False

        wait_until(is_served, bool, "served again")


class MaxConnectionsTest(ConnectionsTest):
    limit = 5
    flags = ("--max-connections", "5", "--loops", "1")

    def test_the_newest_is_refused_with_a_word(self):
        before = self.stats()["refused_max_connections"]
        socks = self.fill(self.limit)
        self.check_refused("--max-connections", self.limit)
        self.check_health()
        for sock in socks:  # those that are there go on
            sock.sendall(packed("double", 21))
            self.assertEqual(msgpack.unpackb(sock.recv(100))[3], 42)
        self.close_and_wait(socks)
        stats = self.stats()
        self.assertGreaterEqual(stats["refused_max_connections"], before + 3)
        self.check_sums(stats)

    def test_many_that_are_too_many_and_say_nothing_hold_nothing(self):
        socks = self.fill(self.limit)
        silent = [self.server.connect() for _ in range(200)]
        wait_until(self.open_fds, lambda fds: fds < 64 + 30, "bounded")
        self.check_health()
        self.check_refused("--max-connections", self.limit)
        for sock in silent:
            sock.close()
        self.close_and_wait(socks)


class MaxPerAddressTest(ConnectionsTest):
    limit = 4
    flags = ("--max-per-address", "4")
    listen = ("tcp://127.0.0.1:0", "tcp://127.0.0.2:0")

    def test_one_address_is_refused_and_another_is_served(self):
        socks = self.fill(self.limit)
        self.check_refused("--max-per-address", self.limit)
        self.check_health()
        with socket.socket() as other:
            other.bind(("127.0.0.9", 0))
            other.connect(self.server.host_port())
            other.sendall(packed("double", 21))
            self.assertEqual(msgpack.unpackb(other.recv(100))[3], 42)
        self.close_and_wait(socks)
        self.assertGreaterEqual(self.stats()["refused_max_per_address"], 3)


class FewDescriptorsTest(ConnectionsTest):
    """A hard limit of so many, under which the default --max-connections is a promise too many."""

    hard = 40

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        resource.prlimit(cls.server.process.pid, resource.RLIMIT_NOFILE, (cls.hard, cls.hard))

    def test_without_descriptors_those_too_many_are_closed_and_it_does_not_spin(self):
        with self.peer() as peer:
            peer.call("double", 1)
            before = peer.call("system.stats")
            socks = [self.server.connect() for _ in range(2 * self.hard)]
            answers, closed = 0, []
            for sock in socks:  # each is served, or knows that it is not
                try:
                    sock.sendall(packed("double", 21))
                    data = sock.recv(100)
                except ConnectionError:
                    data = b""
                answers += data == b"\x94\x01\x01\xc0\x2a"
                if not data:
                    closed.append(sock)
            self.assertEqual(answers + len(closed), len(socks))
            self.assertGreater(answers, self.hard / 2)
            stats = peer.call("system.stats")
            self.assertEqual(stats["refused_max_fds"] - before["refused_max_fds"], len(closed))
            self.assertGreaterEqual(self.open_fds(), self.hard - 2)

            cpu = self.cpu_s()
            self.assertEqual(peer.call("demo.sleep", 1.0), 1.0)
            self.assertLess(self.cpu_s() - cpu, 0.2)
            self.check_sums(stats)
        self.close_and_wait(socks)


class TooFewDescriptorsTest(unittest.TestCase):
    def test_a_server_that_cannot_open_its_loops_names_the_limit(self):
        limit = 16

        def allow_few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

        command = [program_path("interop_server"), "--listen", "tcp://127.0.0.1:0", "--loops", "20"]
        ended = subprocess.run(
            command, preexec_fn=allow_few, capture_output=True, text=True, timeout=PATIENCE_S
        )
        self.assertEqual(ended.returncode, 2)
        self.assertRegex(ended.stderr, rf"cannot open 20 loops: RLIMIT_NOFILE is {limit} files .*--loops")


class SoftLimitTest(SystemTest):
    def test_the_soft_limit_is_raised_to_the_hard_one(self):
        with self.peer() as peer:  # it runs
            peer.call("double", 1)
        soft, hard = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)
        self.assertEqual(soft, hard)

    @classmethod
    def setUpClass(cls):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
        try:
            super().setUpClass()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class TenThousandTest(SystemTest):
    """10,000 idle connections, and the server as quick as without them."""

    count = 10_000

    def test_10000_idle_connections_cost_little(self):
        need = self.count + 500
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < need:
            self.skipTest(f"NOT TESTED: a hard limit of {hard} file descriptors, {need} are needed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, need), hard))
        socks = []
        try:
            host, port = self.server.host_port()
            for i in range(self.count - 4):
                sock = socket.socket()
                # One source address has some 28,000 ports, many of them waiting to be free again.
                sock.bind((f"127.0.1.{1 + i % 8}", 0))
                sock.connect((host, port))
                socks.append(sock)
            stats = self.wait_for_stats(
                lambda s: s["connections_open"] >= len(socks), "all open"
            )
            self.assertEqual(stats["refused_max_connections"], 0)
            resident = self.status("VmRSS")
            with self.peer() as peer, self.proxy() as proxy:
                before = self.cpu_s()
                for i in range(200):
                    self.assertEqual((peer.call("double", i), proxy.double(i)), (2 * i, 2 * i))
                self.assertLess(self.cpu_s() - before, 1)
            for sock in socks[:: len(socks) // 20]:  # they are alive
                sock.sendall(packed("double", 21))
                self.assertEqual(msgpack.unpackb(sock.recv(100))[3], 42)
            print(f"{len(socks)} idle connections: {resident >> 20} MiB resident", flush=True)
        finally:
            for sock in socks:
                sock.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        self.wait_for_stats(lambda s: s["connections_open"] < 5, "closed")


if __name__ == "__main__":
    unittest.main()
