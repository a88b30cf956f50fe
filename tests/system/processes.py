"""Methods that start processes while clients come and go: the server lives, its clients are told
what they are told without processes, and nothing of it is kept alive by a child."""
import os
import signal
import socket
import threading
import unittest

import msgpack
from rig import PATIENCE_S, SANITIZED, Peer, Server, packed, read_to_end

CHURNED = 100 if SANITIZED else 300  # connections that come and go during a storm
ENDS = {"system": 3 << 8, "popen": "hello\n", "spawn": 0, "fork.exec": 0}


class ForkingServer(Server):
    def __init__(self, *flags):
        program = os.path.join(os.environ["DUET_TESTS"], "forking_server")
        super().__init__(*flags, program=program)


class ProcessesTest(unittest.TestCase):
    flags = ("--loops", "1", "--workers", "3")

    def setUp(self):
        self.server = ForkingServer(*self.flags)

    def tearDown(self):
        if self.server.process.returncode is None:
            with Peer(self.server) as peer:
                self.assertEqual(peer.call("echo", 7), 7)
            self.server.stop()

    def churn(self, i):
        """One client that comes, calls and leaves: in order, in the middle of a call, by a reset,
        or closed by the server since what it says is nothing."""
        with self.server.connect() as sock:
            if i % 4 == 0:
                sock.sendall(packed("echo", i))
                self.assertEqual(msgpack.unpackb(sock.recv(100))[3], i)
            elif i % 4 == 1:
                sock.sendall(packed("echo", "x" * 1000)[:500])
            elif i % 4 == 2:
                sock.sendall(packed("echo", i))
                linger = b"\1\0\0\0\0\0\0\0"
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            else:
                sock.sendall(b"\xc1\xc1\xc1\xc1")
                self.assertEqual(read_to_end(sock), b"")

    def storm(self, *calls):
        """While clients come and go, some others go on making these calls."""
        wrong, over = [], threading.Event()

        def call_on(method, params, expected):
            try:
                with Peer(self.server) as peer:
                    while not over.is_set():
                        got = peer.call(method, *params)
                        if got != expected:
                            wrong.append((method, got))
            except (AssertionError, OSError) as error:
                wrong.append((method, error))

        threads = [threading.Thread(target=call_on, args=call) for call in calls]
        for thread in threads:
            thread.start()
        try:
            for i in range(CHURNED):
                self.churn(i)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self.assertEqual(wrong, [])

    def test_storms(self):
        for method, expected in ENDS.items():
            with self.subTest(method=method):
                self.storm((method, (), expected), (method, (), expected))

    def test_a_storm_of_children_that_do_not_exec(self):
        self.storm(("fork", (20,), 0), ("fork.inline", (5,), 0), ("system", (), 3 << 8))

    def test_a_child_that_lives_on_keeps_no_connection_and_no_port(self):
        idle = [self.server.connect() for _ in range(8)]
        for sock in idle:
            sock.sendall(packed("echo", 1))
            sock.recv(100)
        with Peer(self.server) as peer:
            child = peer.call("fork.lasting", 60_000)
            self.addCleanup(os.kill, child, signal.SIGKILL)
            for sock in idle:  # the server ends them, for this is not MessagePack
                sock.sendall(b"\xc1")
                self.assertEqual(read_to_end(sock), b"")
                sock.close()
            self.assertEqual(peer.call("echo", 2), 2)
        self.server.stop()
        os.kill(child, 0)  # it is still there
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(self.server.host_port(), PATIENCE_S)
        host, port = self.server.host_port()
        with socket.socket() as successor:
            successor.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            successor.bind((host, port))
            successor.listen()

    def test_exec_closes_every_file_of_ours(self):
        socks = [self.server.connect() for _ in range(10)]
        with Peer(self.server) as peer:
            files = peer.call("fds").split()
        fds = {int(os.path.basename(file)) for file in files}
        self.assertLessEqual(fds, {0, 1, 2, 3})  # the last one is for looking at the folder
        for sock in socks:
            sock.close()


if __name__ == "__main__":
    unittest.main()
