"""Both protocols on one port, told apart by the first byte; and everything else that may come."""
import socket
import threading
import unittest

import msgpack
from duet_server import REQUEST, DuetTest, Peer, Server, read_to_end

HTTP_CALL = (
    b"POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"
    % (len(body := b"<methodCall><methodName>double</methodName><params><param><value><int>7</int>"
           b"</value></param></params></methodCall>"), body)
)
MSGPACK_CALL = msgpack.packb([REQUEST, 1, "double", [7]])


class OnePort(DuetTest):
    def send_and_read_to_end(self, data):
        with self.server.connect() as sock:
            try:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the server has seen enough and closed
            return read_to_end(sock)

    def test_both_protocols_at_the_same_time(self):
        def call_many(failures):
            try:
                with self.peer() as peer, self.proxy() as proxy:
                    for i in range(100):
                        self.assertEqual(peer.call("double", i), 2 * i)
                        self.assertEqual(proxy.double(i), 2 * i)
            except BaseException as failure:
                failures.append(failure)
                raise

        failures = []
        threads = [threading.Thread(target=call_many, args=(failures,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_every_first_byte_ends_well(self):
        for first in range(256):
            for rest in b"", b"\r\n\r\n", b"\x00\xff" * 50, HTTP_CALL, MSGPACK_CALL:
                answer = self.send_and_read_to_end(bytes([first]) + rest)
                if answer[:1] == b"H" and first not in b"\r\n":  # HTTP skips an empty line
                    self.assertRegex(answer, rb"^HTTP/1\.[01] [45]\d\d ", first)
                elif answer[:1] != b"H":
                    self.assertIn(answer[:1], (b"", b"\x94"), first)

    def test_what_is_neither_protocol_is_turned_away(self):
        rows = {
            "TLS hello": bytes.fromhex("16030100c8010000c40303") + bytes(200),
            "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
            "SMTP": b"EHLO example.org\r\n",
            "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "HTTP/0.9": b"GET /\r\n",
            "JSON": b'{"jsonrpc": "2.0", "method": "double", "params": [7], "id": 1}\n',
            "never used": b"\xc1",
            "array32 of 2^32-1": b"\xdd\xff\xff\xff\xff",
            "array32 within a call": b"\x94\x00\x01\xa4echo\xdd\xff\xff\xff\xff",
            "map32 within a call": b"\x94\x00\x01\xa4echo\x91\xdf\xff\xff\xff\xff",
            "bin32 within a call": b"\x94\x00\x01\xa4echo\x91\xc6\xff\xff\xff\xff",
            "str32 within a call": b"\x94\x00\x01\xa4echo\x91\xdb\xff\xff\xff\xff",
            "ext32 within a call": b"\x94\x00\x01\xa4echo\x91\xc9\xff\xff\xff\xff\x05",
            "200,000 arrays": b"\x94\x00\x01\xa4echo" + b"\x91" * 200_000,
            "nothing": b"",
        }
        for name, data in rows.items():
            with self.subTest(name):
                answer = self.send_and_read_to_end(data)
                if answer and answer[:1] != b"\x94":
                    self.assertRegex(answer, rb"^HTTP/1\.[01] [45]\d\d ")
                with self.peer() as peer:
                    self.assertEqual(peer.call("double", 7), 14)

    def test_a_call_stays_whole_between_bad_neighbours(self):
        bad, good = b"\xc1" * 10, MSGPACK_CALL
        answer = self.send_and_read_to_end(good + bad + good)
        self.assertEqual(answer[:5], msgpack.packb([1, 1, None, 14]))

    def test_pipelined_http_is_answered_in_order(self):
        bodies = [HTTP_CALL.replace(b"<int>7<", b"<int>%d<" % i) for i in range(1, 10)]
        answer = self.send_and_read_to_end(b"".join(bodies))
        places = [answer.find(b"<int>%d</int>" % (2 * i)) for i in range(1, 10)]
        self.assertEqual(places, sorted(places))
        self.assertNotIn(-1, places)


class Pinned(unittest.TestCase):
    def test_a_listener_for_one_protocol_refuses_the_other(self):
        server = Server(listen=("http://127.0.0.1:0", "msgpack://127.0.0.1:0"))
        try:
            for i, good, bad, answer in (
                (0, HTTP_CALL, MSGPACK_CALL, b"<int>14</int>"),
                (1, MSGPACK_CALL, HTTP_CALL, msgpack.packb([1, 1, None, 14])),
            ):
                self.assertIn(answer, self.answer_to(server, i, good))
                self.assertNotIn(answer, self.answer_to(server, i, bad))
            with Peer(server, 1) as peer:
                self.assertEqual(peer.call("double", 7), 14)
        finally:
            server.stop()

    def answer_to(self, server, i, data):
        with server.connect(i) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            return read_to_end(sock)


if __name__ == "__main__":
    unittest.main()
