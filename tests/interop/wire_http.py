"""HTTP as old, new and broken clients write it, and MessagePack in it."""
import gzip
import http.client
import re
import socket
import unittest

import msgpack
from duet_server import NOTIFICATION, PATIENCE_S, REQUEST, RESPONSE, read_to_end, receive_exactly
from wire import ANSWER, CALL, PACKED, WireTest, request


class Http(WireTest):
    def test_http_1_0_keeps_the_connection_only_when_asked(self):
        kept = request("Connection: keep-alive", version="1.0")
        answers = self.exchange(kept + kept + request(version="1.0") + kept)
        self.assertEqual(answers.count(ANSWER), 3)
        self.assertEqual(answers.lower().count(b"connection: keep-alive"), 2)

    def test_http_1_1_keeps_the_connection_unless_told(self):
        answers = self.exchange(request() + request("Connection: close") + request())
        self.assertEqual(answers.count(ANSWER), 2)
        self.assertEqual(answers.count(b"Connection: close"), 1)

    def test_both_lengths_are_refused(self):
        chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(CALL), CALL)
        for body in chunked, CALL:
            self.check_status(400, request("Transfer-Encoding: chunked", body=body))

    def test_what_could_smuggle_a_request_is_refused(self):
        rows = [
            request().replace(b"\r\n", b"\n", 3),
            request().replace(b"Host: localhost\r\n", b"Host: localhost\r"),
            request("Transfer-Encoding: chunked", body=b"x\r\n", length=False),
            request("Transfer-Encoding: chunked", body=b"-1\r\n", length=False),
            request("Transfer-Encoding: chunked", body=b"3\nabc\r\n0\r\n\r\n", length=False),
            request("Content-Length: 1", "Content-Length: 2", length=False),
            request("Content-Length: +5", length=False),
            request("Content-Length : 5", length=False),
            request("Content-Length: 0x5", length=False),
            request("Host: y"),
            request(" folded: line"),
            request("no colon"),
        ]
        for data in rows:
            with self.subTest(data):
                self.check_status(400, data)

    def test_other_versions_are_refused(self):
        for version in "2.0", "0.9", "1.2", "3.0":
            self.check_status(505, request(version=version))

    def test_a_bad_request_says_close_and_the_next_connection_is_served(self):
        answer = self.check_status(400, request("no colon") + request())
        self.assertIn(b"Connection: close", answer)
        self.assertIn(ANSWER, self.exchange(request()))

    def test_a_target_may_be_absolute(self):
        """Its host stands in for what Host says, which is not looked at."""
        self.assertIn(ANSWER, self.exchange(request(target="http://localhost/RPC2")))
        foreign = request(target="http://127.0.0.1/RPC2").replace(b"Host: localhost", b"Host: x")
        self.assertIn(ANSWER, self.exchange(foreign))
        self.check_status(403, request(target="http://x/RPC2"))

    def test_a_continue_is_said_before_the_body_comes(self):
        head, body = request("Expect: 100-continue").split(b"\r\n\r\n", 1)
        with self.server.connect() as sock:
            sock.sendall(head + b"\r\n\r\n")
            interim = b"HTTP/1.1 100 Continue\r\n\r\n"
            self.assertEqual(receive_exactly(sock, len(interim)), interim)
            sock.sendall(body)
            sock.shutdown(socket.SHUT_WR)
            self.assertIn(ANSWER, read_to_end(sock))

    def test_pages_do_not_disturb_the_calls_between_them(self):
        def page(verb, target):
            return request(verb=verb, target=target, body=b"", length=False)

        data = page("GET", "/") + request() + page("HEAD", "/RPC2") + request()
        data += page("OPTIONS", "/RPC2") + page("GET", "/none") + request() + page("GET", "/healthz")
        answers = self.exchange(data)
        statuses = re.findall(rb"HTTP/1\.1 (\d+) ", answers)
        self.assertEqual(statuses, [b"200", b"200", b"200", b"200", b"204", b"404", b"200", b"200"])
        self.assertEqual(answers.count(ANSWER), 3)

    def test_head_has_the_length_of_get_and_no_body(self):
        lengths = []
        for verb in "GET", "HEAD":
            answer = self.exchange(request(verb=verb, target="/", body=b"", length=False))
            head, _, body = answer.partition(b"\r\n\r\n")
            lengths.append(int(re.search(rb"Content-Length: (\d+)", head)[1]))
            self.assertEqual(len(body), lengths[0] if verb == "GET" else 0)
        self.assertEqual(*lengths)


class MessagePackInHttp(WireTest):
    """MessagePack in the body of a POST answers in kind."""

    def post(self, message, headers=None):
        body = message if isinstance(message, bytes) else msgpack.packb(message)
        headers = {"Content-Type": "application/msgpack", **(headers or {})}
        self.http.request("POST", "/RPC2", body, headers)
        response = self.http.getresponse()
        return response.status, response.headers["Content-Type"], response.read()

    def setUp(self):
        self.http = http.client.HTTPConnection(*self.server.host_port(), timeout=PATIENCE_S)
        self.addCleanup(self.http.close)

    def test_calls_and_errors_are_answered_in_kind(self):
        for msgid, method, params, error, result in (
            (5, "double", [7], None, 14),
            (2**32 - 1, "echo", [b"\0"], None, b"\0"),
            (0, "demo.sleep", [0.01], None, 0.01),
            (7, "demo.fail", [42, "why"], [42, "why"], None),
        ):
            status, kind, answer = self.post([REQUEST, msgid, method, params])
            self.assertEqual((status, kind), (200, "application/msgpack"))
            self.assertEqual(msgpack.unpackb(answer), [RESPONSE, msgid, error, result])

    def test_a_notification_is_answered_by_an_empty_reply(self):
        for method in "double", "no_such_method":
            status, _, answer = self.post([NOTIFICATION, method, [1]])
            self.assertIn(status, (200, 204))
            self.assertEqual(answer, b"")

    def test_a_body_that_is_no_message_is_told_so(self):
        for body in b"", b"\xc1", PACKED[:-1], PACKED + b"\x00", b"\xdd\xff\xff\xff\xff", CALL:
            _, kind, answer = self.post(body)
            self.assertEqual(kind, "application/msgpack", body)
            kind, _, error, result = msgpack.unpackb(answer)
            self.assertEqual((kind, result), (RESPONSE, None), body)
            self.assertIn(error[0], (-32700, -32600, -32000), body)
            self.assertEqual(msgpack.unpackb(self.post([REQUEST, 1, "double", [7]])[2])[3], 14)

    def test_a_bad_message_is_refused_by_its_msgid(self):
        call = msgpack.packb([REQUEST, 4, "echo", [1]])
        for body, code in (
            (call + b"\x01\x02", -32600),
            (call[:-1], -32700),
            (b"\x94\x00\x04\xa4echo\x91\xc1", -32700),
            (b"\x94\x00\xce\x00\x00\x00\x04\xa4echo\xdd\xff\xff\xff\xff", -32000),
            (b"\x94\x00\x04" + b"\x91" * 100, -32000),
            (b"\x95\x00\x04\x01\x01\x01", -32600),
        ):
            for headers in {}, {"Content-Encoding": "gzip"}:
                with self.subTest(body, headers=headers):
                    sent = gzip.compress(body) if headers else body
                    kind, msgid, error, result = msgpack.unpackb(self.post(sent, headers)[2])
                    self.assertEqual((kind, msgid, error[0]), (RESPONSE, 4, code))
                    self.assertIsNone(result)

    def test_a_reply_in_a_post_is_no_call(self):
        reply = msgpack.packb([RESPONSE, 7, None, None])
        for body, headers in (reply, {}), (gzip.compress(reply), {"Content-Encoding": "gzip"}):
            with self.subTest(headers=headers):
                status, kind, answer = self.post(body, headers)
                self.assertEqual((status, kind), (200, "application/msgpack"))
                self.assertEqual(msgpack.unpackb(answer)[2][0], -32600)
        self.assertEqual(msgpack.unpackb(self.post([REQUEST, 1, "double", [7]])[2])[3], 14)


if __name__ == "__main__":
    unittest.main()
