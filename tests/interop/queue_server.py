"""examples/queue: calls that are answered when somebody else has something for them, or never."""
import signal
import socket
import subprocess
import sys
import threading
import unittest
import xmlrpc.client

import msgpack
from duet_server import PATIENCE_S, Peer, RpcError, Server, reset_on_close

CANCELLED = -32002

# A process that waits in queue.get, and says when it has asked. Nobody tells the server if it dies.
WAITER = """
import socket, sys
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
sock.sendall(b"\\x94\\0\\7\\xa9queue.get\\x90")
print("asked", flush=True)
sock.recv(1)
"""


class Queue(unittest.TestCase):
    flags = ()
    is_in_order = True  # calls of one connection are begun as they came

    def setUp(self):
        self.server = Server(*self.flags, program="queue_server")
        self.peer = Peer(self.server)

    def tearDown(self):
        self.peer.sock.close()
        if self.server.process.poll() is None:
            self.server.stop()

    def wait_for(self, **wanted):
        """Until the queue looks like that: asked again and again, for as long as a test may take."""
        for _ in range(PATIENCE_S * 1000):
            if self.peer.call("queue.count").items() >= wanted.items():
                return
        self.fail(f"{self.peer.call('queue.count')} instead of {wanted}")

    def get_by_xmlrpc(self, results):
        with xmlrpc.client.ServerProxy(self.server.url(), allow_none=True) as proxy:
            results.append(proxy.queue.get())

    def getter(self):
        """A MessagePack-RPC client that has asked for a job."""
        sock = self.server.connect()
        self.addCleanup(sock.close)
        sock.sendall(msgpack.packb([0, 7, "queue.get", []]))
        return sock

    def read(self, sock):
        unpacker = msgpack.Unpacker()
        while True:
            data = sock.recv(65536)
            self.assertTrue(data, "the connection ended")
            unpacker.feed(data)
            for message in unpacker:
                return message

    def test_what_is_there_is_taken_at_once(self):
        self.peer.call("queue.put", "a")
        self.peer.call("queue.put", "b")
        self.assertEqual(self.peer.call("queue.get"), "a")
        self.assertEqual(self.peer.call("queue.get"), "b")

    def test_who_waits_gets_what_comes_in_both_protocols(self):
        results = []
        waiter = threading.Thread(target=self.get_by_xmlrpc, args=(results,))
        waiter.start()
        self.wait_for(waiting=1)
        sock = self.getter()
        self.wait_for(waiting=2)
        self.peer.call("queue.put", "first")
        self.peer.call("queue.put", "second")
        waiter.join()
        self.assertEqual(results, ["first"])
        self.assertEqual(self.read(sock), [1, 7, None, "second"])

    def test_a_killed_client_loses_no_job(self):
        host, port = self.server.host_port()
        with subprocess.Popen(
            [sys.executable, "-c", WAITER, host, str(port)], stdout=subprocess.PIPE, text=True
        ) as process:
            self.assertEqual(process.stdout.readline(), "asked\n")
            self.wait_for(waiting=1)
            process.send_signal(signal.SIGKILL)
        self.wait_for(waiting=0)
        self.peer.call("queue.put", "kept")
        self.assertEqual(self.peer.call("queue.get"), "kept")

    def test_so_does_one_that_resets_its_connection(self):
        sock = self.getter()
        self.wait_for(waiting=1)
        reset_on_close(sock)
        sock.close()
        self.wait_for(waiting=0)

    def test_one_that_half_closes_over_http_is_cancelled_and_told_nothing(self):
        sock = self.server.connect()
        body = b"<methodCall><methodName>queue.get</methodName></methodCall>"
        sock.sendall(
            b"POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n"
            % len(body)
            + body
        )
        self.wait_for(waiting=1)
        sock.shutdown(socket.SHUT_WR)
        self.assertEqual(sock.recv(1), b"")
        sock.close()
        self.wait_for(waiting=0)

    def test_entries_of_a_multicall_wait_for_each_other(self):
        results = []

        def ask():
            with xmlrpc.client.ServerProxy(self.server.url(), allow_none=True) as proxy:
                calls = xmlrpc.client.MultiCall(proxy)
                calls.queue.get()
                calls.queue.count()
                calls.queue.get()
                results.extend(calls())

        waiter = threading.Thread(target=ask)
        waiter.start()
        self.wait_for(waiting=2)
        self.peer.call("queue.put", "one")
        self.peer.call("queue.put", "two")
        waiter.join()
        self.assertEqual(results, ["one", {"jobs": 0, "waiting": 1}, "two"])

    def test_a_multicall_whose_client_leaves_gives_back_all_its_entries(self):
        sock = self.server.connect()
        entry = {"methodName": "queue.get", "params": []}
        sock.sendall(msgpack.packb([0, 7, "system.multicall", [[entry] * 10]]))
        self.wait_for(waiting=10)
        reset_on_close(sock)
        sock.close()
        self.wait_for(waiting=0)

    def test_a_drain_does_not_wait_for_who_waits(self):
        socks = [self.getter() for _ in range(3)]
        self.wait_for(waiting=3)
        self.server.process.terminate()
        for sock in socks:
            _, _, error, _ = self.read(sock)
            self.assertEqual(error[0], CANCELLED)
            self.assertIn("queue.get: cancelled: the server shuts down", error[1])
        self.server.check_end()

    def test_thousands_may_wait_on_one_connection(self):
        sock = self.server.connect()
        for i in range(1000):
            sock.sendall(msgpack.packb([0, i, "queue.get", []]))
        self.wait_for(waiting=1000)
        with self.assertRaises(RpcError) as caught:
            self.peer.call("queue.get")
        self.assertEqual(caught.exception.args[0][0], -32005)
        for i in range(1000):
            self.peer.call("queue.put", str(i))
        unpacker, got = msgpack.Unpacker(), []
        while len(got) < 1000:
            unpacker.feed(sock.recv(65536))
            got.extend(unpacker)
        if not self.is_in_order:
            got.sort(key=lambda reply: reply[1])
            values = sorted(int(reply[3]) for reply in got)
            got = [[*reply[:3], str(value)] for reply, value in zip(got, values)]
        self.assertEqual(got, [[1, i, None, str(i)] for i in range(1000)])
        sock.close()


class QueueOfFewInFlight(Queue):
    flags = ("--max-in-flight", "1", "--loops", "1")


class QueueWithoutWorkers(Queue):
    flags = ("--workers", "0", "--loops", "1")


class QueueOnWorkers(Queue):
    flags = ("--no-inline", "--workers", "2")
    is_in_order = False


if __name__ == "__main__":
    unittest.main()
