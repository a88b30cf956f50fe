"""Memory as peers share it: bytes count when they have come, what waits for room is served in the
end, small calls never wait for large ones, and who holds much and does not move gives way."""
import concurrent.futures
import gzip
import socket
import unittest

import msgpack
from rig import (
    MIB,
    PATIENCE_S,
    RESPONSE,
    SANITIZED,
    Answer,
    SystemTest,
    around,
    packed,
    post,
    read_to_end,
    reset_on_close,
)

KIB = 1024
LIST = {"methodName": "system.listMethods", "params": []}


def long_answer(count, msgid=1):
    """A call whose reply is some 450 bytes for each of 47 in the request."""
    return packed("system.multicall", [LIST] * count, msgid=msgid)


class RoomTest(SystemTest):
    checks_results = False  # which takes memory of its own

    def small_calls(self):
        """One for the loop and one for a worker, in each protocol."""
        with self.peer() as peer, self.proxy() as proxy:
            self.assertEqual((peer.call("double", 2), proxy.double(2)), (4, 4))
            self.assertEqual((peer.call("demo.sleep", 0.0), proxy.demo.sleep(0.0)), (0.0, 0.0))

    def quiet(self):
        """A connection that reads little and will be reset."""
        sock = reset_on_close(self.server.connect())
        sock.setblocking(False)
        return sock

    def send_some(self, sock, data):
        """What the server and the kernels take without waiting."""
        try:
            return sock.send(data)
        except OSError:
            return 0


class SmallCallsTest(RoomTest):
    flags = ("--max-buffered", "8M", "--workers", "2")

    def test_small_calls_go_on_while_uploads_hold_all_they_may(self):
        socks = [reset_on_close(self.server.connect()) for _ in range(12)]
        for sock in socks:  # more than there is room for
            sock.setblocking(False)
            self.send_some(sock, post(b"<" * (700 * KIB), length=800 * KIB))
        self.wait_for_stats(lambda s: s["paused_max_buffered"] > 0, "waiting")
        for _ in range(20):
            self.small_calls()
        for sock in socks:
            sock.close()


class UploadsTest(RoomTest):
    """Each needs a good part of --max-buffered, and there are many more than have room at once:
    all wait for their turn, and none is refused."""

    flags = ("--max-buffered", "8M", "--workers", "4")
    clients, rounds = 24, 2

    def upload(self, request):
        answer = self.ask(request)
        self.assertEqual(answer.status, 200, answer.words)

    def check_all(self, upload):
        with concurrent.futures.ThreadPoolExecutor(self.clients) as pool:
            futures = [pool.submit(upload) for _ in range(self.clients * self.rounds)]
            for future in futures:
                future.result(PATIENCE_S)
        stats = self.stats()
        self.assertEqual(stats["refused_max_buffered"], 0, stats)
        self.assertEqual(stats["calls"]["refused"], 0, stats)
        if not SANITIZED:
            self.assertLess(self.status("VmHWM"), (8 + 64) * MIB)

    def test_xml_text(self):
        body = around(b"<value>" + b"x" * (400 * KIB) + b"</value>")
        self.check_all(lambda: self.upload(post(body)))

    def test_xml_values(self):
        body = around(b"<value><array><data>" + b"<value/>" * 40_000 + b"</data></array></value>")
        self.check_all(lambda: self.upload(post(body)))

    def test_xml_in_chunks(self):
        body = around(b"<value>" + b"x" * (400 * KIB) + b"</value>")
        pieces = b"".join(
            b"%x\r\n%b\r\n" % (len(piece), piece)
            for piece in (body[i : i + 50_000] for i in range(0, len(body), 50_000))
        )
        request = post(pieces + b"0\r\n\r\n", "Transfer-Encoding: chunked", length=False)
        self.check_all(lambda: self.upload(request))

    def test_xml_in_gzip(self):
        """Small on the wire, and known to be large when it is begun."""
        body = gzip.compress(around(b"<value>" + b"x" * (400 * KIB) + b"</value>"))
        request = post(body, "Content-Encoding: gzip")
        self.check_all(lambda: self.upload(request))

    def test_messagepack(self):
        def upload():
            with self.peer() as peer:
                self.assertEqual(peer.call("echo", ["x" * (600 * KIB)]), ["x" * (600 * KIB)])
                self.assertEqual(len(peer.call("echo", [1] * 10_000)), 10_000)

        self.check_all(upload)


class FloodTest(RoomTest):
    def flood(self, sock, calls, entries):
        """Small calls with larger answers, which nobody reads; returns what was not sent."""
        sock.setblocking(False)
        data = b"".join(long_answer(entries, i) for i in range(calls))
        return data[self.send_some(sock, data) :]


class PartTest(FloodTest):
    """One connection may hold its part only; its further calls wait, and others go on."""

    part = 256 * KIB
    flags = ("--max-buffered", "16M", "--max-buffered-per-connection", str(part), "--workers", "2")
    calls, entries = 300, 100

    def test_one_that_does_not_read_holds_its_part_and_gets_the_rest_when_it_reads(self):
        with self.server.connect() as sock:
            rest = self.flood(sock, self.calls, self.entries)
            self.wait_for_stats(lambda s: 0 < s["buffered_bytes"] < MIB, "no more than its part")
            for _ in range(20):
                self.small_calls()
            with self.peer() as peer:
                self.assertEqual(len(peer.call("system.multicall", [LIST] * 1000)), 1000)

            sock.settimeout(PATIENCE_S)
            sent = concurrent.futures.ThreadPoolExecutor(1).submit(sock.sendall, rest)
            unpacker, ids = msgpack.Unpacker(max_buffer_size=0), set()
            while len(ids) < self.calls:
                unpacker.feed(sock.recv(1 << 20))
                for kind, msgid, error, _ in unpacker:
                    self.assertEqual((kind, error), (RESPONSE, None))
                    ids.add(msgid)
            sent.result()
        stats = self.stats()
        self.assertEqual((stats["refused_max_buffered"], stats["calls"]["refused"]), (0, 0))

    def test_one_request_and_its_reply_may_be_larger(self):
        with self.peer() as peer, self.proxy() as proxy:
            self.assertEqual(peer.call("echo", b"x" * MIB), b"x" * MIB)
            self.assertEqual(proxy.echo("x" * MIB), "x" * MIB)


class GivingWayTest(FloodTest):
    """When they all together hold everything, those that stall are closed."""

    flags = ("--max-buffered", "16M", "--workers", "2")

    def test_who_does_not_read_gives_way_to_who_does(self):
        socks = [self.quiet() for _ in range(14)]
        for sock in socks:
            self.flood(sock, 60, 1000)
        for _ in range(5):
            with self.peer() as peer:
                self.assertEqual(len(peer.call("system.multicall", [LIST] * 1000)), 1000)
                self.assertEqual(peer.call("echo", b"x" * MIB), b"x" * MIB)
            with self.proxy() as proxy:
                self.assertEqual(proxy.echo("x" * 100_000), "x" * 100_000)
        for sock in socks:
            sock.close()
        self.wait_for_stats(lambda s: s["buffered_bytes"] < MIB, "given back")

    def test_a_stalled_upload_is_told(self):
        """It has sent most of what there is room for; the next one waits a second for it."""
        with self.server.connect() as stalled:
            stalled.sendall(post(b"<" * (9 * MIB), length=10 * MIB))
            self.wait_for_stats(lambda s: s["buffered_bytes"] >= 9 * MIB, "held")
            body = around(b"<value>" + b"x" * MIB + b"</value>")
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                asked = [pool.submit(self.ask, post(body)) for _ in range(4)]
                answer = Answer(read_to_end(stalled))
                self.assertEqual([future.result().status for future in asked], [200] * 4)
        self.assertEqual(answer.status, 503)
        self.check_words(answer.words, "--max-buffered", 16 * MIB)
        self.assertIsNotNone(answer.header("Retry-After"))


class WaitingCallsTest(RoomTest):
    """Small calls that wait for a worker hold memory, too: what it takes to remember them."""

    flags = (
        *("--max-buffered", "8M", "--workers", "1"),
        *("--worker-queue", "1000000", "--max-in-flight", "1000000"),
    )

    def test_calls_that_wait_are_counted_and_bounded(self):
        socks = [self.quiet() for _ in range(12)]
        data = b"".join(packed("demo.sleep", 600.0, msgid=i) for i in range(5000))
        for sock in socks:
            self.send_some(sock, data)
        self.wait_for_stats(lambda s: s["paused_max_buffered"] > 0, "full")
        with self.peer() as peer, self.proxy() as proxy:  # what the loop runs by itself goes on
            self.assertEqual((peer.call("double", 2), proxy.double(2)), (4, 4))
        stats = self.stats()
        self.assertLess(stats["queue_length"], 5000)
        self.assertGreater(stats["buffered_bytes"], 5 * MIB)
        self.assertLess(stats["buffered_bytes"], 9 * MIB)
        if not SANITIZED:
            self.assertLess(self.status("VmRSS"), (8 + 64) * MIB)
        for sock in socks:
            sock.close()
        self.wait_for_stats(lambda s: s["calls_in_progress"] == 1, "dropped")
        self.small_calls()


if __name__ == "__main__":
    unittest.main()
