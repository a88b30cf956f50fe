"""Python's msgpack against Duet, over raw sockets."""
import os
import random
import socket
import tempfile
import threading
import unittest
import xmlrpc.client

import msgpack
import values
from duet_server import (
    NOTIFICATION,
    REQUEST,
    RESPONSE,
    DuetTest,
    Peer,
    RpcError,
    Server,
    receive_exactly,
    reset_on_close,
)

DOUBLE_7 = msgpack.packb([REQUEST, 1, "double", [7]])


class Calls(DuetTest):
    def test_the_bytes_of_a_double_are_those_of_the_book(self):
        with self.peer() as peer:
            peer.sock.sendall(bytes.fromhex("940001a6646f75626c6591cb4035000000000000"))
            expected = bytes.fromhex("940101c0cb4045000000000000")
            self.assertEqual(receive_exactly(peer.sock, len(expected)), expected)

    def test_an_error_is_code_and_message(self):
        with self.peer() as peer:
            self.assert_rpc_error(-32601, peer, "no_such_method")
            self.assert_rpc_error(-32602, peer, "double")
            self.assertEqual(self.assert_rpc_error(42, peer, "demo.fail", 42, "why 🐟"), "why 🐟")

    def test_errors_are_the_same_in_both_protocols(self):
        rows = [
            ("no_such_method", []),
            ("double", []),
            ("double", [1, 2]),
            ("double", ["seven"]),
            ("double", [[1]]),
            ("double", [True]),
            ("double", [None]),
            ("double", [2**62]),
            ("demo.sleep", ["long"]),
            ("demo.fail", [7, "seven"]),
            ("system.methodHelp", ["no.such.method"]),
        ]
        with self.peer() as peer, self.proxy() as proxy:
            for method, params in rows:
                with self.assertRaises(RpcError) as error:
                    peer.call(method, *params)
                with self.assertRaises(xmlrpc.client.Fault) as fault:
                    getattr(proxy, method)(*params)
                self.assertEqual(
                    (error.exception.code, error.exception.message),
                    (fault.exception.faultCode, fault.exception.faultString),
                )

    def test_a_notification_gets_no_reply(self):
        with self.peer() as peer:
            peer.send(
                [NOTIFICATION, "double", [1]],
                [NOTIFICATION, "no_such_method", []],
                [NOTIFICATION, "double", ["seven"]],
                [NOTIFICATION, "demo.nothing", []],
                [REQUEST, 5, "double", [2]],
            )
            self.assertEqual(peer.receive(), [RESPONSE, 5, None, 4])
            peer.sock.shutdown(socket.SHUT_WR)
            self.assertIsNone(peer.receive())

    def test_introspection_is_that_of_xml_rpc(self):
        with self.peer() as peer, self.proxy() as proxy:
            self.assertEqual(peer.call("system.listMethods"), proxy.system.listMethods())
            for method in peer.call("system.listMethods"):
                for about in "system.methodHelp", "system.methodSignature":
                    self.assertEqual(
                        peer.call(about, method), getattr(proxy, about)(method), (about, method)
                    )


class Encodings(DuetTest):
    # One loop answers connections as their bytes arrive: once a later call is answered, what was
    # sent before it has been read.
    flags = ("--loops", "1")

    def sync(self):
        if not hasattr(self, "_sync"):
            self._sync = self.peer()
            self.addCleanup(self._sync.sock.close)
        self._sync.call("double", 0)

    def test_a_msgid_may_come_in_any_integer_encoding(self):
        rows = [
            ("07", 7),
            ("cc07", 7),
            ("cd0007", 7),
            ("ce00000007", 7),
            ("cf0000000000000007", 7),
            ("d007", 7),
            ("d3000000007fffffff", 2**31 - 1),
            ("ceffffffff", 2**32 - 1),
            ("00", 0),
        ]
        with self.peer() as peer:
            for encoded, msgid in rows:
                peer.sock.sendall(
                    b"\x94\x00" + bytes.fromhex(encoded) + msgpack.packb("double") + b"\x91\x07"
                )
                self.assertEqual(peer.receive(), [RESPONSE, msgid, None, 14], encoded)

    def test_a_msgid_that_is_none_is_refused(self):
        for msgid in -1, 2**32, "1", None, 1.0, [1]:
            with self.peer() as peer:
                peer.send([REQUEST, msgid, "double", [7]])
                peer.sock.shutdown(socket.SHUT_WR)
                self.assertIsNone(peer.receive(), msgid)

    def test_one_msgid_may_be_in_flight_twice(self):
        with self.peer() as peer:
            peer.send([REQUEST, 1, "double", [1]], [REQUEST, 1, "double", [2]])
            results = sorted(peer.receive()[3] for _ in range(2))
            self.assertEqual(results, [2, 4])

    def test_a_wrong_shape_with_a_msgid_is_answered(self):
        for message in [0, 7, "double"], [0, 7], [0, 7, "double", [1], 5], [0, 7, 8, [1]]:
            with self.peer() as peer:
                self.assertEqual(peer.call("double", 1), 2)
                peer.send(message)
                peer.sock.shutdown(socket.SHUT_WR)
                reply = peer.receive()
                self.assertEqual(reply[:2], [RESPONSE, 7], message)
                self.assertEqual((reply[2][0], reply[3]), (-32600, None), message)

    def test_a_response_nobody_asked_for_is_ignored(self):
        with self.peer() as peer:
            peer.send([RESPONSE, 9, None, "surprise"], [REQUEST, 1, "double", [1]])
            self.assertEqual(peer.receive(), [RESPONSE, 1, None, 2])

    def test_the_method_may_be_bytes_and_the_arguments_nil(self):
        with self.peer() as peer:
            peer.send([REQUEST, 1, b"double", [3]], [REQUEST, 2, "demo.nothing", None])
            replies = sorted(peer.receive() for _ in range(2))
            self.assertEqual(replies, [[RESPONSE, 1, None, 6], [RESPONSE, 2, None, None]])

    def test_str_and_bin_stay_what_they_are(self):
        with self.peer() as peer:
            for size in 0, 31, 32, 255, 256, 65535, 65536:
                self.assertEqual(peer.call("echo", "s" * size), "s" * size)
                self.assertEqual(peer.call("echo", b"b" * size), b"b" * size)

    def test_a_peer_of_the_old_format_is_sent_no_new_types(self):
        old = msgpack.Packer(use_bin_type=False)
        with self.peer() as peer:
            peer.sock.sendall(old.pack([REQUEST, 1, "echo", ["x" * 40]]))
            expected = old.pack([RESPONSE, 1, None, "x" * 40])
            self.assertEqual(receive_exactly(peer.sock, len(expected)), expected)

    def test_every_request_may_be_cut_at_every_byte(self):
        requests = [
            DOUBLE_7,
            msgpack.packb([REQUEST, 2**32 - 1, "echo", [{"a": [1.5, "ü" * 20, b"\0" * 40, None]}]]),
            msgpack.packb([NOTIFICATION, "echo", ["x"]]) + DOUBLE_7,
        ]
        for request in requests:
            with self.peer() as peer:
                peer.sock.sendall(request)
                expected = peer.receive()
            for cut in range(1, len(request)):
                with self.peer() as peer:
                    peer.sock.sendall(request[:cut])
                    self.sync()
                    peer.sock.sendall(request[cut:])
                    self.assertEqual(peer.receive(), expected, cut)


class Echo(DuetTest):
    def assert_echoes(self, peer, value):
        answer = peer.call("echo", value)
        self.assertTrue(values.same(answer, value), f"sent {value!r}\n got {answer!r}")

    def test_every_type_comes_back(self):
        rows = [None, True, False, b"", bytes(range(256)), "\x00\x1b", [], {}, 2**64 - 1]
        rows += [msgpack.ExtType(5, b"abc"), msgpack.ExtType(127, b""), msgpack.Timestamp(1, 5)]
        rows += [float("inf"), float("-inf"), {1: 2, None: [], b"k": {True: 0.5}}, [[[]]] * 100]
        with self.peer() as peer:
            for value in rows + values.INTS + values.DOUBLES + values.STRINGS:
                self.assert_echoes(peer, value)

    def test_300_random_values_come_back(self):
        rng = random.Random(300)
        with self.peer() as peer:
            for _ in range(300):
                self.assert_echoes(peer, values.random_value(rng))


class Pipelining(DuetTest):
    COUNT = 20_000

    def test_20000_pipelined_calls_are_all_answered(self):
        for method in "double", "demo.sleep":
            with self.peer() as peer:
                sender = threading.Thread(target=self.send_calls, args=(peer, method))
                sender.start()
                replies = [peer.receive() for _ in range(self.COUNT)]
                sender.join()
            self.assertEqual(sorted(reply[1] for reply in replies), list(range(self.COUNT)))
            for _, msgid, error, result in replies:
                self.assertIsNone(error)
                self.assertEqual(result, 2 * msgid if method == "double" else 0.0)

    def send_calls(self, peer, method):
        for first in range(0, self.COUNT, 500):
            ids = range(first, first + 500)
            peer.send(*([REQUEST, i, method, [i if method == "double" else 0.0]] for i in ids))

    def test_a_slow_call_holds_nothing_back(self):
        with self.peer() as peer:
            reset_on_close(peer.sock)
            peer.send([REQUEST, 1, "demo.sleep", [600.0]])
            for i in range(2, 100):
                peer.send([REQUEST, i, "double", [i]])
                self.assertEqual(peer.receive(), [RESPONSE, i, None, 2 * i])

    def test_a_later_call_may_be_answered_first(self):
        with self.peer() as peer:
            peer.send([REQUEST, 1, "demo.sleep", [0.5]], [REQUEST, 2, "double", [1]])
            self.assertEqual(peer.receive(), [RESPONSE, 2, None, 2])
            self.assertEqual(peer.receive(), [RESPONSE, 1, None, 0.5])


class Leaving(DuetTest):
    def test_clients_that_vanish_before_the_reply_harm_nobody(self):
        for i in range(200):
            peer = self.peer()
            peer.send([REQUEST, 1, "demo.sleep", [600.0]], [REQUEST, 2, "double", [1]])
            if i % 2:
                reset_on_close(peer.sock)
            peer.sock.close()
        with self.peer() as peer:  # a worker is free again: the sleepers were cancelled
            self.assertEqual(peer.call("demo.sleep", 0.0), 0.0)

    def test_who_ends_sending_still_gets_the_answers(self):
        with self.peer() as peer:
            peer.send([REQUEST, 1, "double", [7]], [REQUEST, 2, "echo", ["x" * 100_000]])
            peer.sock.shutdown(socket.SHUT_WR)
            replies = sorted((peer.receive(), peer.receive()), key=lambda reply: reply[1])
            self.assertEqual([reply[3] for reply in replies], [14, "x" * 100_000])
            self.assertIsNone(peer.receive())


class Listeners(unittest.TestCase):
    def test_unix_sockets_and_ipv6_speak_both_protocols(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "socket")
            server = Server(listen=(f"unix:{path}", "tcp://127.0.0.1:0", "tcp://[::1]:0"))
            try:
                self.assertEqual(server.addresses[0], f"unix:{path}")
                for i in range(3):
                    with Peer(server, i) as peer:
                        self.assertEqual(peer.call("double", 7), 14)
                    self.assertIn(b"<int>14</int>", self.post_double_7(server, i))
            finally:
                server.stop()
            self.assertFalse(os.path.exists(path), "the socket file is removed")

    def post_double_7(self, server, i):
        body = xmlrpc.client.dumps((7,), "double").encode()
        head = f"POST /RPC2 HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with server.connect(i) as sock:
            sock.sendall(head + body)
            return b"".join(iter(lambda: sock.recv(65536), b""))


if __name__ == "__main__":
    unittest.main()
