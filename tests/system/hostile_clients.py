"""Clients that vanish, stall or never read: 200 gone in the middle of a call, 200 reset in the middle
of a body, 300 stalled in the head, and some that send as long as they may and read nothing."""
import select
import socket
import struct
import time
import unittest

import msgpack
from hostile import HostileTest
from rig import (
    MIB,
    REQUEST,
    SANITIZED,
    call_xml,
    packed,
    post,
    read_to_end,
    receive_exactly,
)

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends a reset


class Clients(HostileTest):
    def connect(self, data=b""):
        sock = self.server.connect()
        self.addCleanup(sock.close)
        sock.sendall(data)
        return sock

    def reset(self, sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        sock.close()

    def at_rest(self):
        return self.wait_for_stats(
            lambda s: s["connections_open"] == 1 and s["calls_in_progress"] == 1, "at rest"
        )

    def test_200_clients_are_gone_in_the_middle_of_their_calls(self):
        before = self.at_rest()["calls"]
        busy = self.connect(packed("demo.sleep", 30.0) * 100)
        self.wait_for_stats(lambda s: s["workers_waiting"] == 0, "all busy")
        calls = packed("demo.sleep", 0.0), post(call_xml("demo.sleep", 0.0))
        socks = [self.connect(calls[i % 2]) for i in range(200)]
        self.wait_for_stats(lambda s: s["calls_in_progress"] == 301, "all in progress")
        for i, sock in enumerate(socks):
            if i % 4 < 2:
                self.reset(sock)
            else:
                sock.close()
        self.reset(busy)
        after = self.at_rest()
        # Who only closes may still wait for an answer: its call is run.
        self.assertGreaterEqual(after["calls"]["dropped"] - before["dropped"], 200)
        self.assertGreaterEqual(after["calls"]["ok"] - before["ok"], 100)
        self.check_sums(after)

    def test_200_are_reset_in_the_middle_of_their_bodies(self):
        """Each has sent 1 MiB of 16: together more than --max-buffered, so some are refused."""
        size = MIB // 4 if SANITIZED else MIB
        length = 16 * MIB - 1000
        http = post(b"<" * size, length=length)
        plain = b"\x94\x00\x01\xa4echo\x91\xc6" + length.to_bytes(4, "big") + b"x" * size
        socks = []
        for i in range(200):
            sock = self.server.connect()
            sock.setblocking(False)
            socks.append((sock, memoryview(plain if i % 2 else http)))
        self.pump(socks)
        for sock, _ in socks:
            self.reset(sock)
        stats = self.at_rest()
        self.assertLess(stats["buffered_bytes"], MIB)

    def pump(self, pending):
        """Sends what each has to send, as far as the server takes it."""
        left = {sock: data for sock, data in pending}
        while left:
            _, ready, _ = select.select([], list(left), [], 2)
            if not ready:
                return  # those that are left are not read any more
            for sock in ready:
                try:
                    left[sock] = left[sock][sock.send(left[sock][: 1 << 18]) :]
                except BlockingIOError:
                    continue
                except OSError:
                    left[sock] = b""  # refused: the server has closed it
                if not left[sock]:
                    del left[sock]

    def test_300_stall_in_the_head_and_nobody_waits_for_them(self):
        begins = b"P", b"POST /RPC2 HTTP/1.1\r\nX: " + b"x" * 15_000, b"\x94", b"\x94\x00\x01\xd9"
        socks = [self.connect(begins[i % len(begins)]) for i in range(300)]
        self.wait_for_stats(lambda s: s["connections_open"] >= 301, "all there")
        with self.peer() as peer, self.proxy() as proxy:
            for i in range(100):
                self.assertEqual((peer.call("double", i), proxy.double(i)), (2 * i, 2 * i))
        for sock in socks:
            sock.close()
        self.at_rest()

    def test_who_never_reads_is_not_read_for_long(self):
        """One that would send 2 GB of echo: what it gets rid of is what the kernels hold and the
        out-buffer mark, not more."""
        for body in (b"x" * 1000, b"x" * 60_000, b"x" * 1_000_000):
            call = packed("echo", body) * max(1, 200_000 // len(body))
            self.check_greedy(call, 2 << 30)
        self.check_greedy(post(call_xml("echo", "x" * 60_000)) * 3, 2 << 30)

    def check_greedy(self, call, want):
        before = self.stats()["paused_out_mark"]
        sent = 0
        with self.server.connect() as sock:
            sock.setblocking(False)
            view = memoryview(call)
            while sent < want:
                try:
                    sent += sock.send(view[sent % len(call) :])
                except BlockingIOError:
                    if not select.select([], [sock], [], 0.5)[1]:
                        break
            self.assertLess(sent, 64 * MIB)
            self.assertGreater(self.stats()["paused_out_mark"], before)
            with self.peer() as peer:
                self.assertEqual(peer.call("double", 21), 42)
        self.at_rest()

    def test_64_that_never_read_share_what_there_is(self):
        """Each asks for 16 MiB of echo, in both protocols: most are refused, and nothing more is
        held than --max-buffered allows."""
        size = (2 if SANITIZED else 15) * MIB
        http, plain = post(call_xml("echo", "x" * size)), packed("echo", b"x" * size)
        socks = []
        for i in range(64):
            sock = self.server.connect()
            sock.setblocking(False)
            socks.append((sock, memoryview(plain if i % 2 else http)))
        self.pump(socks)
        stats = self.stats()
        self.assertLess(stats["buffered_bytes"], 132 * MIB)
        with self.peer() as peer, self.proxy() as proxy:
            self.assertEqual((peer.call("double", 21), proxy.double(21)), (42, 42))
        for sock, _ in socks:
            sock.close()
        self.at_rest()

    def test_who_reads_slowly_gets_all_of_it(self):
        size = 3_000_000
        sock = self.connect(packed("echo", b"x" * size) * 3)
        received = 0
        while received < 3 * size:
            chunk = sock.recv(50_000)
            self.assertTrue(chunk)
            received += len(chunk)

    def test_connections_that_come_and_go_without_a_word(self):
        for _ in range(1000):
            self.server.connect().close()
        for _ in range(300):
            self.reset(self.server.connect())
        self.at_rest()

    def test_half_closed_clients_still_get_their_answers(self):
        for data, answer in (
            (packed("double", 21), b"\x94\x01\x01\xc0\x2a"),
            (post(call_xml("double", 21)), b"<int>42</int>"),
        ):
            sock = self.connect(data)
            sock.shutdown(socket.SHUT_WR)
            self.assertIn(answer, read_to_end(sock))

    def test_a_flood_of_small_calls_on_many_connections_is_answered(self):
        count, per_conn = 50, 400
        data = b"".join(packed("double", 1, msgid=i) for i in range(per_conn))
        socks = [self.connect(data) for _ in range(count)]
        for sock in socks:
            unpacker = msgpack.Unpacker()
            ids = []
            while len(ids) < per_conn:
                unpacker.feed(sock.recv(1 << 16))
                ids += [reply[1] for reply in unpacker]
            self.assertEqual(ids, list(range(per_conn)))

    def test_1_mib_in_small_pieces_is_cheap(self):
        body = packed("echo", b"x" * MIB)
        step = 64
        sock = self.connect()
        before, start = self.cpu_s(), time.monotonic()
        for i in range(0, len(body), step):
            sock.sendall(body[i : i + step])
        receive_exactly(sock, len(body) - len(b"\x00\xa4echo\x91") + len(b"\x01\xc0"))
        print(
            f"1 MiB in pieces of {step}: {time.monotonic() - start:.2f} s, "
            f"{self.cpu_s() - before:.2f} s of CPU",
            flush=True,
        )
        self.assertLess(self.cpu_s() - before, 5)


if __name__ == "__main__":
    unittest.main()
