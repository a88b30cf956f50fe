"""examples/chat with clients of Python's msgpack: who is told, who is asked, who calls back while
it is asked, and who is killed before it answers."""
import os
import signal
import subprocess
import sys
import time
import unittest

from duet_server import NOTIFICATION, PATIENCE_S, REQUEST, RESPONSE, Peer, RpcError, Server

# A client that joins, is asked, and never answers: it says so on its stdout.
MUTE = """
import msgpack, socket, sys
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
unpacker = msgpack.Unpacker()
sock.sendall(msgpack.packb([0, 1, "chat.join", ["mute"]]))
while data := sock.recv(4096):
    unpacker.feed(data)
    for message in unpacker:
        print(message[0], flush=True)
"""


class Chat(unittest.TestCase):
    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.flags, program="chat_server")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def setUp(self):
        with Peer(self.server) as peer:  # those of the test before are gone
            self.wait_for_names(peer, [])

    def wait_for_names(self, peer, names):
        end = time.monotonic() + PATIENCE_S
        while (found := peer.call("chat.who")) != names:
            self.assertLess(time.monotonic(), end, found)

    def join(self, name):
        peer = Peer(self.server)
        self.addCleanup(peer.sock.close)
        self.assertIsNone(peer.call("chat.join", name))
        return peer

    def test_what_is_said_is_heard_by_the_others(self):
        ann, bob, eve = (self.join(name) for name in ("ann", "bob", "eve"))
        self.assertEqual(sorted(ann.call("chat.who")), ["ann", "bob", "eve"])
        self.assertEqual(ann.call("chat.say", "hello"), 2)
        for peer in bob, eve:
            self.assertEqual(peer.receive(), [NOTIFICATION, "chat.said", ["ann", "hello"]])
        with self.assertRaises(RpcError) as caught:
            ann.call("chat.join", "another")
        self.assertEqual(caught.exception.message, "you are ann already")

    def test_who_is_asked_may_ask_back_first(self):
        ann, bob = self.join("ann"), self.join("bob")
        ann.send([REQUEST, 9, "chat.invite", ["bob", "tea"]])
        kind, msgid, method, params = bob.receive()
        self.assertEqual((kind, method, params), (REQUEST, "chat.accept", ["ann", "tea"]))
        self.assertEqual(sorted(bob.call("chat.who")), ["ann", "bob"])  # needs a worker
        bob.send([RESPONSE, msgid, None, {"when": 5}])
        self.assertEqual(ann.receive(), [RESPONSE, 9, None, {"when": 5}])

    def test_errors_of_a_client_are_passed_on(self):
        ann, bob = self.join("ann"), self.join("bob")
        for error, told in (
            ([7, "busy"], [7, "busy"]),
            ("no", [-32500, "no"]),
            ({"code": 3, "message": "x", "data": []}, [3, "x"]),
            (5, [5, "fault"]),
        ):
            ann.send([REQUEST, 9, "chat.invite", ["bob", "tea"]])
            msgid = bob.receive()[1]
            bob.send([RESPONSE, msgid, error, None])
            self.assertEqual(ann.receive(), [RESPONSE, 9, told, None])

    def test_answers_that_nobody_asked_for_are_ignored(self):
        ann, bob = self.join("ann"), self.join("bob")
        bob.send([RESPONSE, 1, None, 1], [RESPONSE, 2**32 - 1, "x", 2])
        ann.send([REQUEST, 9, "chat.invite", ["bob", "tea"]])
        msgid = bob.receive()[1]
        bob.send(*[[RESPONSE, msgid + i, None, i] for i in (1, 0, 0)])  # a wrong one, and one twice
        self.assertEqual(ann.receive(), [RESPONSE, 9, None, 0])
        self.assertEqual(bob.call("system.stats")["unasked_replies"], 4)

    def test_a_client_may_be_killed_before_it_answers(self):
        ann = self.join("ann")
        host, port = self.server.host_port()
        mute = subprocess.Popen(
            [sys.executable, "-B", "-c", MUTE, host, str(port)], stdout=subprocess.PIPE, text=True
        )
        with mute:
            self.assertEqual(mute.stdout.readline().strip(), str(RESPONSE))  # it has joined
            ann.send([REQUEST, 9, "chat.invite", ["mute", "tea"]])
            self.assertEqual(mute.stdout.readline().strip(), str(REQUEST))
            os.kill(mute.pid, signal.SIGKILL)
        self.assertEqual(ann.receive(), [RESPONSE, 9, [-32603, "the session is closed"], None])
        self.wait_for_names(ann, ["ann"])

    def tearDown(self):
        with Peer(self.server) as peer:
            self.assertEqual(peer.call("system.methodExist", "chat.say"), True)


class OneWorker(Chat):
    flags = ("--workers", "1", "--loops", "1")


class OneInFlight(Chat):
    flags = ("--workers", "1", "--max-in-flight", "1", "--no-inline")


if __name__ == "__main__":
    unittest.main()
