"""What the options of a server change on the wire, and nothing else does."""
import gzip
import http.client
import re
import unittest
import xmlrpc.client

import msgpack
from duet_server import PATIENCE_S, REQUEST, RESPONSE, DuetTest, receive_exactly
from wire import ANSWER, CALL, WireTest, request

OLD = msgpack.Packer(use_bin_type=False)
NEW = msgpack.Packer(use_bin_type=True)
FORTY = "x" * 40
STR8 = b"\xd9\x28" + FORTY.encode()
RAW16 = b"\xda\x00\x28" + FORTY.encode()
BIN8 = b"\xc4\x28" + FORTY.encode()
RAW5, BIN5 = b"\xa5bytes", b"\xc4\x05bytes"
INTERNAL = -32603


def receive_value(sock):
    """The bytes of the one value that comes next."""
    data = b""
    while True:
        unpacker = msgpack.Unpacker(raw=True, strict_map_key=False)
        unpacker.feed(data)
        try:
            unpacker.skip()
            return data
        except msgpack.OutOfData:
            data += receive_exactly(sock, 1)


class OptionTest(DuetTest):
    def echoed(self, packed, peer=None):
        """The bytes that come back for a packed value; on a new connection if none is given."""
        if peer is None:
            with self.peer() as peer:
                return self.echoed(packed, peer)
        peer.sock.sendall(msgpack.packb([REQUEST, 1, "echo", [0]])[:-1] + packed)
        head = receive_exactly(peer.sock, 4)
        self.assertEqual(head, msgpack.packb([RESPONSE, 1, None, 0])[:-1])
        return receive_value(peer.sock)

    def post(self, method, params, **options):
        """Headers and body of the reply to an XML-RPC call."""
        body = xmlrpc.client.dumps(params, method, allow_none=True).encode()
        return self.post_body(body, **options)

    def post_body(self, body, **options):
        headers = {}
        if options.get("gzip"):
            body = gzip.compress(body)
            headers = {"Content-Encoding": "gzip", "Accept-Encoding": "gzip"}
        connection = http.client.HTTPConnection(*self.server.host_port(), timeout=PATIENCE_S)
        connection.request("POST", "/RPC2", body, headers)
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        return response.headers, answer

    def reply_xml(self, method, *params):
        return self.post(method, params)[1].decode()

    def assert_fails(self, code, method, *params):
        with self.proxy() as proxy:
            return self.assert_fault(code, proxy, method, *params)

    def assert_is_xml_only(self, value):
        with self.peer() as peer:
            self.assertEqual(peer.call("echo", value), value)


# ---- MessagePack: str, bin and raw


class RawAuto(OptionTest):
    flags = ("--raw", "auto")

    def test_who_has_shown_nothing_is_new(self):
        self.assertEqual(self.echoed(BIN5), BIN5)
        with self.peer() as peer:
            peer.send([REQUEST, 1, "system.methodHelp", ["system.multicall"]])
            receive_exactly(peer.sock, 4)
            self.assertIn(receive_exactly(peer.sock, 1), (b"\xd9", b"\xda"))

    def test_who_sends_raw16_for_a_short_text_is_old(self):
        self.assertEqual(self.echoed(RAW16), RAW16)

    def test_who_sends_str8_is_new(self):
        self.assertEqual(self.echoed(STR8), STR8)

    def test_a_long_text_in_16_bits_tells_nothing(self):
        long = b"\xda\x01\x00" + b"y" * 256
        with self.peer() as peer:
            self.assertEqual(self.echoed(long, peer), long)
            self.assertEqual(self.echoed(BIN5, peer), BIN5)

    def test_an_old_peer_is_sent_nothing_new_from_then_on(self):
        calls = [
            ("system.listMethods", []),
            ("system.getCapabilities", []),
            ("system.methodHelp", ["system.methodSignature"]),
            ("system.multicall", [[{"methodName": "no.such." + "m" * 40, "params": []}]]),
        ]
        with self.peer() as peer:
            self.assertEqual(self.echoed(RAW16, peer), RAW16)
            for method, params in calls:
                peer.sock.sendall(OLD.pack([REQUEST, 1, method, params]))
                reply = receive_value(peer.sock)
                self.assertEqual(reply, OLD.pack(msgpack.unpackb(reply, raw=True)), method)

    def test_the_words_of_an_error_are_raw_too(self):
        words = "w" * 100
        for packer, header in (OLD, b"\xda\x00\x64"), (NEW, b"\xd9\x64"):
            with self.peer() as peer:
                peer.sock.sendall(packer.pack([REQUEST, 1, "demo.fail", [7, words]]))
                expected = b"\x94\x01\x01\x92\x07" + header + words.encode() + b"\xc0"
                self.assertEqual(receive_value(peer.sock), expected)

    def test_old_and_new_peers_are_served_side_by_side(self):
        rows = [FORTY, "", "short", "y" * 255, "z" * 256, ["a" * 33, {"b" * 50: "c" * 40}], 7, None]
        with self.peer() as old, self.peer() as new:
            for msgid in range(1, 50):
                for value in [FORTY] + rows:
                    for peer, packer in (old, OLD), (new, NEW):
                        method = b"echo" if peer is old else "echo"
                        peer.sock.sendall(packer.pack([REQUEST, msgid, method, [value]]))
                    for peer, packer in (old, OLD), (new, NEW):
                        expected = packer.pack([RESPONSE, msgid, None, value])
                        self.assertEqual(receive_exactly(peer.sock, len(expected)), expected)


class RawOld(OptionTest):
    flags = ("--raw", "old")

    def test_nobody_is_sent_the_new_types(self):
        for sent, expected in (STR8, RAW16), (BIN8, RAW16), (BIN5, RAW5), (RAW16, RAW16):
            self.assertEqual(self.echoed(sent), expected)

    def test_extensions_and_times_become_what_old_peers_know(self):
        self.assertEqual(self.echoed(b"\xd4\x05a"), b"\xa1a")
        self.assertEqual(self.echoed(b"\xd6\xff\0\0\0\x05"), b"\x05")

    def test_xml_is_not_concerned(self):
        with self.proxy() as proxy:
            self.assertEqual(proxy.echo([b"\0" * 40, FORTY]), [b"\0" * 40, FORTY])


class RawNew(OptionTest):
    flags = ("--raw", "new")

    def test_everybody_is_sent_the_new_types(self):
        for sent, expected in (RAW16, STR8), (STR8, STR8), (BIN8, BIN8):
            self.assertEqual(self.echoed(sent), expected)


# ---- MessagePack-RPC: errors


class ErrorTest(OptionTest):
    def error_of(self, method, *params):
        with self.peer() as peer:
            peer.send([REQUEST, 1, method, params])
            _, _, error, result = peer.receive()
            self.assertIsNone(result)
            return error

    def check_xml_is_not_concerned(self):
        self.assertEqual(self.assert_fails(42, "demo.fail", 42, "why"), "why")
        self.assert_fails(-32601, "no_such_method")


class ErrorString(ErrorTest):
    flags = ("--error-style", "string")

    def test_an_error_is_its_words(self):
        self.assertEqual(self.error_of("demo.fail", 42, "why 🐟"), "why 🐟")
        self.assertIn("no_such_method", self.error_of("no_such_method"))
        self.assertEqual(
            self.error_of("double", "x"), "double: argument 1 must be int or double, got string"
        )
        self.check_xml_is_not_concerned()


class ErrorJubatus(ErrorTest):
    flags = ("--error-style", "jubatus")

    def test_two_errors_are_numbers_and_the_others_words(self):
        self.assertEqual(self.error_of("no_such_method"), 1)
        self.assertEqual(self.error_of("double"), 2)
        self.assertEqual(self.error_of("double", "x"), 2)
        self.assertEqual(self.error_of("demo.fail", 42, "why"), "why")
        self.check_xml_is_not_concerned()


class ErrorArray(ErrorTest):
    flags = ("--error-style", "array")

    def test_an_error_is_code_and_words(self):
        self.assertEqual(self.error_of("demo.fail", 42, "why"), [42, "why"])
        self.assertEqual(self.error_of("demo.fail", 0, ""), [-32500, ""])
        self.check_xml_is_not_concerned()


# ---- XML-RPC: integers, nil, control characters

BEYOND_32 = [2**31, -(2**31) - 1, 2**63 - 1, -(2**63)]


class I8Plain(OptionTest):
    def test_integers_beyond_32_bits_are_i8(self):
        for value in BEYOND_32:
            self.assertIn(f"<i8>{value}</i8>", self.reply_xml("echo", value))
        for value in 2**31 - 1, -(2**31):
            self.assertIn(f"<int>{value}</int>", self.reply_xml("echo", value))


class I8Ex(OptionTest):
    flags = ("--i8", "ex:i8")

    def test_integers_beyond_32_bits_are_those_of_apache(self):
        for value in BEYOND_32:
            answer = self.reply_xml("echo", value)
            self.assertIn(f"<ex:i8>{value}</ex:i8>", answer)
            self.assertRegex(
                answer,
                r'<methodResponse [^>]*xmlns:ex="http://ws.apache.org/xmlrpc/namespaces/extensions"',
            )
            with self.proxy() as proxy:
                self.assertEqual(proxy.echo(value), value)
        self.assertIn("<int>5</int>", self.reply_xml("echo", 5))


class I8Fault(OptionTest):
    flags = ("--i8", "fault")

    def test_integers_beyond_32_bits_fail(self):
        for value in BEYOND_32:
            self.assertIn(str(value), self.assert_fails(INTERNAL, "echo", [1, {"a": value}]))
            self.assert_is_xml_only(value)
        self.assertIn("<int>5</int>", self.reply_xml("echo", 5))


class IntStrict(OptionTest):
    flags = ("--int", "strict")

    def sent_as(self, tag, value):
        body = xmlrpc.client.dumps((value,), "echo", allow_none=True)
        body = re.sub("<(/?)(?:int|i8)>", rf"<\g<1>{tag}>", body)
        return self.post_body(body.encode())[1].decode()

    def test_an_int_holds_32_bits(self):
        for tag in "int", "i4":
            for value in BEYOND_32:
                answer = self.sent_as(tag, value)
                self.assertIn("<int>-32602</int>", answer)
                self.assertIn("--int strict", answer)
            for value in 2**31 - 1, -(2**31):
                self.assertIn(f"<int>{value}</int>", self.sent_as(tag, value))
        for value in BEYOND_32:
            self.assertIn(f"<i8>{value}</i8>", self.sent_as("i8", value))


class NilPlain(OptionTest):
    def test_nil_is_nil(self):
        for method, params in ("demo.nothing", ()), ("echo", ([None, {"a": None}],)):
            self.assertIn("<value><nil/></value>", self.reply_xml(method, *params))


class NilEx(OptionTest):
    flags = ("--nil", "ex:nil")

    def test_nil_is_that_of_apache(self):
        answer = self.reply_xml("echo", [None])
        self.assertIn("<ex:nil/>", answer)
        self.assertIn('xmlns:ex="http://ws.apache.org/xmlrpc/namespaces/extensions"', answer)
        with self.proxy() as proxy:
            self.assertEqual(proxy.echo([None, 1]), [None, 1])


class NilFault(OptionTest):
    flags = ("--nil", "fault")

    def test_nil_fails(self):
        self.assertIn("nil", self.assert_fails(INTERNAL, "demo.nothing"))
        self.assertIn("nil", self.assert_fails(INTERNAL, "echo", [1, [None]]))
        self.assert_is_xml_only([None])


class NilEmpty(OptionTest):
    flags = ("--nil", "empty")
    instead, written = "", "<value><string></string></value>"

    def test_nil_is_what_every_client_reads(self):
        for method, params in ("demo.nothing", ()), ("echo", ([1, {"a": None}],)):
            answer = self.reply_xml(method, *params)
            self.assertIn(self.written, answer)
            self.assertNotIn("nil", answer)
        with self.proxy() as proxy:
            self.assertEqual(proxy.echo([None, {"a": None}]), [self.instead, {"a": self.instead}])
            calls = [{"methodName": "demo.nothing", "params": []}]
            self.assertEqual(proxy.system.multicall(calls), [[self.instead]])
        self.assert_is_xml_only([None])


class NilFalse(NilEmpty):
    flags = ("--nil", "false")
    instead, written = False, "<value><boolean>0</boolean></value>"


class ControlTest(OptionTest):
    """XML cannot say a control character, but a method can: this one joins two texts, and takes
    them as base64 too."""

    ESCAPE, NUL, CUT = b"\x1b[31m <&> \xc3\xa9", b"a\0b", b"cut \xf0\x9f"

    def joined(self, first, last):
        with self.proxy() as proxy:
            return proxy.validator1.moderateSizeArrayCheck([first, last])

    def check_good_text_is_text(self):
        for text in "tab\tline\n<&>", "\u0085\ufffd🙂":
            self.assertEqual(self.joined(text.encode(), b""), text)


class ControlBase64(ControlTest):
    def test_text_that_xml_cannot_carry_is_base64(self):
        for text in self.ESCAPE, self.NUL, self.CUT, b"\xff\xfe", b"\xef\xbf\xbf":
            self.assertEqual(self.joined(b"x", text), b"x" + text)
        self.check_good_text_is_text()


class ControlReplace(ControlTest):
    flags = ("--control-chars", "replace")

    def test_each_character_that_xml_cannot_carry_is_replaced(self):
        for text, expected in (
            (self.ESCAPE, "\ufffd[31m <&> é"),
            (self.NUL, "a\ufffdb"),
            (b"\x01\x02", "\ufffd\ufffd"),
        ):
            self.assertEqual(self.joined(b"x", text), "x" + expected)
        self.assertRegex(self.joined(b"x", self.CUT), "^xcut \ufffd+$")
        self.check_good_text_is_text()


class ControlFault(ControlTest):
    flags = ("--control-chars", "fault")

    def test_text_that_xml_cannot_carry_fails(self):
        for text, byte in (self.ESCAPE, "0x1b"), (self.NUL, "0x00"), (self.CUT, "0xf0"):
            words = self.assert_fails(INTERNAL, "validator1.moderateSizeArrayCheck", [b"x", text])
            self.assertIn(byte, words)
        self.check_good_text_is_text()


# ---- HTTP


class ServerTiming(OptionTest):
    flags = ("--server-timing",)

    def test_replies_say_how_long_a_call_was_queued_and_ran(self):
        for method, params, least_ms in ("double", (1,), 0), ("demo.sleep", (0.05,), 50):
            headers, _ = self.post(method, params)
            match = re.fullmatch(
                r"queue;dur=(\d+\.\d+), run;dur=(\d+\.\d+)", headers["Server-Timing"]
            )
            self.assertIsNotNone(match, headers["Server-Timing"])
            self.assertGreaterEqual(float(match[2]), least_ms)


class Http(OptionTest):
    def test_without_a_wish_nothing_is_timed(self):
        headers, _ = self.post("double", (1,))
        self.assertNotIn("Server-Timing", headers)

    def test_gzip_goes_both_ways(self):
        text = "again and again " * 1000
        headers, answer = self.post("echo", (text,), gzip=True)
        self.assertEqual(headers["Content-Encoding"], "gzip")
        self.assertLess(len(answer), 1000)
        self.assertEqual(xmlrpc.client.loads(gzip.decompress(answer))[0], (text,))

    def test_a_short_reply_is_not_compressed(self):
        headers, answer = self.post("double", (1,), gzip=True)
        self.assertNotIn("Content-Encoding", headers)
        self.assertEqual(xmlrpc.client.loads(answer)[0], (2,))


class LenientLineEnds(WireTest):
    """--http-line-ends lenient, for clients whose lines end with LF alone."""

    flags = ("--http-line-ends", "lenient")

    def ask(self, *lines, body=CALL):
        return self.exchange("\n".join(lines).encode() + b"\n\n" + body)

    def test_lines_may_end_with_lf_alone(self):
        length = f"Content-length: {len(CALL)}"
        # As SAOImage DS9 writes it.
        self.assertIn(ANSWER, self.ask("POST /RPC2 HTTP/1.0", "Content-Type: text/xml", length))
        self.assertIn(ANSWER, self.ask("POST / HTTP/1.1", "Host: localhost\r", length))
        body = b"%x\n%b\n0\nX: y\n\n" % (len(CALL), CALL)
        head = ("POST / HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked")
        self.assertIn(ANSWER, self.ask(*head, body=body))
        self.assertIn(ANSWER, self.exchange(request()))

    def test_what_could_be_read_in_two_ways_is_still_refused(self):
        host, length = "Host: localhost", f"Content-Length: {len(CALL)}"
        for lines in (
            (host, length, "Transfer-Encoding: chunked"),
            (host, "Transfer-Encoding: chunked", length),
            (host, length, "Content-Length: 1"),
            (host, length + "\rX: y"),
            (host, host, length),
            (host, "X: y", " folded: line", length),
        ):
            with self.subTest(lines):
                answer = self.ask("POST / HTTP/1.1", *lines)
                self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)


class StrictLineEnds(WireTest):
    def test_the_refusal_names_the_flag(self):
        answer = self.exchange(b"POST /RPC2 HTTP/1.0\nContent-length: 1\n\nx")
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
        self.assertIn(b"--http-line-ends lenient", answer)


if __name__ == "__main__":
    unittest.main()
