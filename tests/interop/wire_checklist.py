"""What a server of both protocols must live through, and answer: one line, one test.

The other files of this folder are about particular clients, values (wire_values), options
(wire_options) and HTTP (wire_http); here are streams, connections and their ends.
"""
import http.client
import os
import socket
import struct
import tempfile
import unittest
import xmlrpc.client

import msgpack
from duet_server import (
    NOTIFICATION,
    PATIENCE_S,
    REQUEST,
    RESPONSE,
    Peer,
    Server,
    read_to_end,
    receive_exactly,
)
from wire import ANSWER, CALL, PACKED, WireTest, request

FOREVER = 600.0  # of demo.sleep, which ends early when nobody waits for it any more


def reset(sock):
    """Closes so that the other side sees a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Numbers(WireTest):
    """1: double over both protocols, to the last bit."""

    def test_doubles_are_doubled_exactly_in_both_protocols(self):
        rows = [21, 21.0, 0.15000000000000002, 61728394.563396295, 5e-324, -0.0, 2**31, -(2**62)]
        with self.peer() as peer, self.proxy() as proxy:
            for x in rows:
                for doubled in peer.call("double", x), proxy.double(x):
                    self.assertIs(type(doubled), type(x))
                    self.assertEqual(repr(doubled), repr(2 * x))


class Streams(WireTest):
    """4: what no well-meaning client sends on MessagePack's stream."""

    def test_a_message_of_the_wrong_shape_is_told_so(self):
        for message in [0, 7, "double"], [0, 7], [0, 7, "double", [1], 5], [0, 7, 8, [1]], [3, 7, 1]:
            data = PACKED + msgpack.packb(message) + msgpack.packb([REQUEST, 9, "double", [1]])
            replies = {reply[1]: reply for reply in self.replies(data)}
            self.assertEqual(replies[1], [RESPONSE, 1, None, 14])
            self.assertEqual((replies[7][2][0], replies[7][3]), (-32600, None), message)

    def test_params_that_are_no_array_are_told_so(self):
        for params in {"a": 1}, "text", 7:
            (reply,) = self.replies(msgpack.packb([REQUEST, 7, "double", params]))
            self.assertEqual((reply[0], reply[1], reply[3]), (RESPONSE, 7, None))
            self.assertIn(reply[2][0], (-32600, -32602), params)

    def test_what_cannot_be_answered_ends_the_stream_after_the_answers_before_it(self):
        rows = {
            "a string msgid": msgpack.packb([REQUEST, "1", "double", [7]]),
            "no msgid": msgpack.packb([REQUEST]),
            "an empty array": b"\x90",
            "a kind that is none": msgpack.packb(["x", 1, "double", []]),
            "the byte that is never used": b"\xc1",
            "2^32-1 items": b"\xdd\xff\xff\xff\xff",
            "a million arrays": b"\x91" * 1_000_000,
            "a million arrays of 32 bits": b"\xdd\0\0\0\1" * 1_000_000,
        }
        for name, bad in rows.items():
            with self.subTest(name):
                self.assertEqual(self.replies(PACKED + bad), [[RESPONSE, 1, None, 14]])

    def test_lies_inside_a_call_are_told_to_its_caller(self):
        call = b"\x94\x00\x07\xa4echo"
        rows = {
            "2^32-1 arguments": b"\xdd\xff\xff\xff\xff",
            "2^32-1 items": b"\x91\xdd\xff\xff\xff\xff",
            "2^32-1 pairs": b"\x91\xdf\xff\xff\xff\xff",
            "2^32-1 bytes": b"\x91\xc6\xff\xff\xff\xff",
            "2^32-1 letters": b"\x91\xdb\xff\xff\xff\xff",
            "a million arrays": b"\x91" * 1_000_000,
            "a million maps": b"\x91" + b"\x81\x01" * 1_000_000,
            "the byte that is never used": b"\x91\xc1",
        }
        for name, params in rows.items():
            with self.subTest(name):
                (reply,) = self.replies(call + params)
                self.assertEqual((reply[0], reply[1], reply[3]), (RESPONSE, 7, None))
                self.assertIn(reply[2][0], (-32000, -32700), reply)

    def test_800000_nested_arrays_of_xml_are_a_fault(self):
        deep = b"<value><array><data>" * 800_000  # as many as --max-message lets in
        body = CALL.split(b"<value>")[0] + deep
        connection = http.client.HTTPConnection(*self.server.host_port(), timeout=PATIENCE_S)
        for _ in range(2):
            connection.request("POST", "/RPC2", body)
            with self.assertRaises(xmlrpc.client.Fault) as caught:
                xmlrpc.client.loads(connection.getresponse().read())
            self.assertEqual(caught.exception.faultCode, -32000)
            self.assertIn("--max-depth", caught.exception.faultString)
        connection.close()

    def test_replies_to_nothing_are_ignored(self):
        nothing = [[RESPONSE, 9, None, "surprise"], [RESPONSE, 1, [1, "x"], None]] * 1000
        data = b"".join(map(msgpack.packb, nothing)) + PACKED
        self.assertEqual(self.replies(data), [[RESPONSE, 1, None, 14]])

    def test_1000_pipelined_calls_are_answered_in_the_order_they_end(self):
        waiting = 4
        with Peer(self.workers) as peer, Peer(self.workers) as other:
            peer.send(*([REQUEST, i, "demo.wait", [i]] for i in range(waiting)))
            peer.send(*([REQUEST, i, "double", [i]] for i in range(waiting, 1000)))
            order = [peer.receive()[1] for _ in range(waiting, 1000)]
            self.assertEqual(sorted(order), list(range(waiting, 1000)))
            for i in reversed(range(waiting)):
                other.call("demo.go", i)
                self.assertEqual(peer.receive(), [RESPONSE, i, None, i])

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.workers = Server("--workers", "8")

    @classmethod
    def tearDownClass(cls):
        cls.workers.stop()
        super().tearDownClass()


class EveryCut(WireTest):
    """4: a request may arrive in any two pieces, and byte by byte."""

    # One loop answers connections as their bytes arrive: once a later call is answered, what was
    # sent before it has been read.
    flags = ("--loops", "1")

    def check_every_cut(self, data, answers):
        with self.peer() as other:
            for cut in range(1, len(data)):
                with self.server.connect() as sock:
                    sock.sendall(data[:cut])
                    other.call("double", 0)
                    sock.sendall(data[cut:])
                    self.assertEqual(receive_exactly(sock, len(answers)), answers, cut)
            with self.server.connect() as sock:
                for i in range(len(data)):
                    sock.sendall(data[i : i + 1])
                    other.call("double", 0)
                self.assertEqual(receive_exactly(sock, len(answers)), answers)

    def test_http_with_a_length_may_be_cut_anywhere(self):
        data = request()
        self.check_every_cut(data, self.answer_on_kept_connection(data))

    def test_http_in_chunks_may_be_cut_anywhere(self):
        chunks = b"5;x=y\r\n%b\r\n%x\r\n%b\r\n0\r\nA: b\r\n\r\n" % (CALL[:5], len(CALL) - 5, CALL[5:])
        data = request("Transfer-Encoding: chunked", body=chunks, length=False)
        self.check_every_cut(data, self.answer_on_kept_connection(data))

    def test_two_pipelined_requests_may_be_cut_anywhere(self):
        data = request(body=CALL.replace(b"7", b"8")) + request()
        answers = self.answer_on_kept_connection(data)
        self.assertEqual(answers.count(b"HTTP/1.1 200"), 2)
        self.check_every_cut(data, answers)

    def test_msgpack_calls_and_notifications_may_be_cut_anywhere(self):
        data = msgpack.packb([NOTIFICATION, "echo", ["x" * 40]]) + msgpack.packb(
            [REQUEST, 2**32 - 1, "echo", [{"a": [1.5, "ü" * 20, b"\0" * 40, None, 2**40]}]]
        )
        answer = self.exchange(data)
        self.assertGreater(len(answer), 100)
        self.check_every_cut(data, answer)

    def answer_on_kept_connection(self, data):
        answer = self.exchange(data)
        self.assertIn(ANSWER, answer)
        self.assertNotIn(b"Connection: close", answer)
        return answer


class Leaving(WireTest):
    """5: clients that leave at every point, in both protocols."""

    def test_clients_that_leave_within_a_head_or_body(self):
        whole = [request(), request(body=b"<" * 100_000), PACKED, PACKED[:-1] + b"\xda\xff\xff" + b"x" * 9]
        for data in whole:
            for end in 1, len(data) // 2, len(data) - 1:
                for leave in socket.socket.close, reset:
                    sock = self.server.connect()
                    sock.sendall(data[:end])
                    leave(sock)

    def test_clients_that_leave_within_a_call(self):
        for seconds, leave in (0.01, socket.socket.close), (FOREVER, reset):
            sleep_xml = request(body=xmlrpc.client.dumps((seconds,), "demo.sleep").encode())
            sleep_msgpack = msgpack.packb([REQUEST, 1, "demo.sleep", [seconds]])
            for data in sleep_xml, sleep_msgpack, sleep_msgpack * 20:
                for _ in range(5):
                    sock = self.server.connect()
                    sock.sendall(data)
                    leave(sock)
        with self.peer() as peer:  # the workers are free again
            self.assertEqual(peer.call("demo.sleep", 0.0), 0.0)

    def test_clients_that_leave_after_half_a_reply(self):
        text = "x" * 5_000_000
        body = xmlrpc.client.dumps((text,), "echo").encode()
        for data in request(body=body), msgpack.packb([REQUEST, 1, "echo", [text]]):
            for leave in socket.socket.close, reset:
                sock = self.server.connect()
                sock.sendall(data)
                self.assertEqual(len(receive_exactly(sock, 1000)), 1000)
                leave(sock)


class Stopping(unittest.TestCase):
    """5: a signal while calls are in progress."""

    def test_sigterm_lets_calls_in_progress_be_answered_in_both_protocols(self):
        server = Server("--workers", "4", "--loops", "1")
        body = xmlrpc.client.dumps((0.3,), "demo.sleep").encode()
        with server.connect() as sock, Peer(server) as peer:
            sock.sendall(request(body=body))
            peer.send([REQUEST, 1, "demo.sleep", [0.3]], [REQUEST, 2, "double", [7]])
            self.assertEqual(peer.receive(), [RESPONSE, 2, None, 14])  # all has arrived
            server.process.terminate()
            self.assertEqual(peer.receive(), [RESPONSE, 1, None, 0.3])
            self.assertIsNone(peer.receive())
            answer = read_to_end(sock)
            self.assertIn(b"<double>0.3</double>", answer)
            self.assertIn(b"Connection: close", answer)
        server.check_end()

    def test_who_comes_after_sigterm_is_not_left_hanging(self):
        server = Server("--loops", "1")
        with Peer(server) as peer:
            peer.send([REQUEST, 1, "demo.sleep", [0.3]], [REQUEST, 2, "double", [7]])
            self.assertEqual(peer.receive()[1], 2)
            server.process.terminate()
            self.assertEqual(peer.receive()[1], 1)
            self.assertIsNone(peer.receive())
        with self.assertRaises(ConnectionError):
            for _ in range(1000):
                with server.connect() as sock:
                    sock.sendall(PACKED)
                    read_to_end(sock)
        server.check_end()


class Listeners(unittest.TestCase):
    """Every kind of address, and what it speaks."""

    def test_each_scheme_speaks_what_it_says(self):
        http_call, packed_call = request("Connection: close"), PACKED
        packed_answer = msgpack.packb([RESPONSE, 1, None, 14])
        with tempfile.TemporaryDirectory() as folder:
            rows = [
                (f"unix:{folder}/both", True, True),
                (f"http+unix:{folder}/http", True, False),
                (f"msgpack+unix:{folder}/msgpack", False, True),
                ("tcp://[::1]:0", True, True),
                ("http://[::1]:0", True, False),
                ("msgpack://127.0.0.1:0", False, True),
            ]
            server = Server(listen=[address for address, _, _ in rows])
            for i, (address, speaks_http, speaks_msgpack) in enumerate(rows):
                self.assertEqual(server.addresses[i].split(":")[0], address.split(":")[0])
                self.assertEqual(ANSWER in self.exchange(server, i, http_call), speaks_http)
                self.assertEqual(
                    self.exchange(server, i, packed_call) == packed_answer, speaks_msgpack
                )
            server.stop()
            self.assertEqual(os.listdir(folder), [])

    def exchange(self, server, i, data):
        with server.connect(i) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            return read_to_end(sock)


if __name__ == "__main__":
    unittest.main()
