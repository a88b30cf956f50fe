"""A notification to a thousand sessions of which ten never read: each of those holds its part of
the budget and no more, and nobody else is held up."""
import os
import selectors
import tempfile
import unittest

import msgpack
from rig import MIB, NOTIFICATION, REQUEST, RESPONSE, SANITIZED, Peer, Server, read_to_end

CLIENTS = 200 if SANITIZED else 1000
SLOW = 10
TEXT = "x" * 16000
ROUNDS = 60
PART = MIB // 4
FLAGS = ("--max-buffered", "32M", "--max-buffered-per-connection", str(PART))
KERNEL = MIB // 2  # what a unix socket takes before its reader does


class Readers:
    """Clients that read all that comes; what each has got so far."""

    def __init__(self, peers):
        self.got = {peer.sock: 0 for peer in peers}
        self.unpackers = {peer.sock: msgpack.Unpacker(max_buffer_size=0) for peer in peers}
        self.selector = selectors.DefaultSelector()
        for peer in peers:
            self.selector.register(peer.sock, selectors.EVENT_READ)

    def read_until(self, count):
        """Reads until each has got so many notifications, numbered in a row."""
        missing = sum(got < count for got in self.got.values())
        while missing:
            for key, _ in self.selector.select():
                sock = key.fileobj
                self.unpackers[sock].feed(sock.recv(1 << 20))
                for kind, _, (number, _) in self.unpackers[sock]:
                    assert (kind, number) == (NOTIFICATION, self.got[sock]), number
                    self.got[sock] += 1
                    missing -= self.got[sock] == count


class Broadcast(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        listen = "unix:" + os.path.join(self.folder.name, "socket")
        self.server = Server(*FLAGS, listen=(listen,), program="interop_server")
        self.peers = []

    def tearDown(self):
        for peer in self.peers:
            peer.sock.close()
        self.server.stop()

    def connect(self, count, policy=None):
        peers = [Peer(self.server) for _ in range(count)]
        self.peers += peers
        for peer in peers:
            if policy is not None:
                self.assertIsNone(peer.call("demo.slow_reader", policy))
            else:
                self.assertEqual(peer.call("double", 1), 2)
        return peers

    def rss(self):
        with open(f"/proc/{self.server.process.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def tell_all(self, teller, readers):
        """More than a slow one may hold. The teller has its answer each time, whoever reads."""
        for number in range(ROUNDS):
            self.assertEqual(teller.call("demo.tell_others", "news", number, TEXT) >= CLIENTS - SLOW, True)
            readers.read_until(number + 1)

    def exercise(self, policy):
        slow = self.connect(SLOW, policy)
        readers = Readers(self.connect(CLIENTS - SLOW))
        (teller,) = self.connect(1)
        before = self.rss()
        self.tell_all(teller, readers)
        if not SANITIZED:
            self.assertLess(self.rss() - before, 2 * SLOW * PART)
        return slow, teller

    def test_slow_readers_are_closed(self):
        slow, teller = self.exercise(0)
        for peer in slow:
            self.assertLess(len(read_to_end(peer.sock)), PART + KERNEL)
        self.assertEqual(teller.call("system.stats")["dropped_notifications"], 0)

    def test_slow_readers_lose_the_oldest(self):
        slow, teller = self.exercise(1)
        dropped = teller.call("system.stats")["dropped_notifications"]
        numbers = []
        for peer in slow:
            got = []
            while not got or got[-1] < ROUNDS - 1:  # the newest is there
                kind, method, (number, text) = peer.receive()
                self.assertEqual((kind, method, text), (NOTIFICATION, "news", TEXT))
                got.append(number)
            self.assertEqual(got, sorted(got))
            self.assertEqual(peer.call("double", 21), 42)
            numbers += got
        self.assertEqual(len(numbers) + dropped, SLOW * ROUNDS)
        self.assertGreater(dropped, 0)


if __name__ == "__main__":
    unittest.main()
