"""Limits on the size of things: each refuses one too many in the caller's protocol, naming flag,
limit and size, takes exactly as much as it says, and the next good call is answered."""
import gzip
import unittest

import msgpack
from rig import (
    LIMIT,
    MIB,
    RESPONSE,
    SystemTest,
    around,
    call_xml,
    chunked,
    packed,
    post,
)

KIB = 1024
MSGPACK = "Content-Type: application/msgpack"


def xml_levels(count):
    return around(
        b"<value><array><data>" * count + b"<value/>" + b"</data></array></value>" * count
    )


def xml_items(count):
    """An array of `count` values is `count` and one."""
    return around(b"<value><array><data>" + b"<value/>" * (count - 1) + b"</data></array></value>")


def nested(levels):
    value = 7
    for _ in range(levels):
        value = [value]
    return value


def padded(size):
    """A call of `echo` that is exactly so large."""
    return around(b"<value>" + b"x" * (size - len(around(b"<value></value>"))) + b"</value>")


def padded_packed(size):
    """The same in MessagePack, for sizes that need bin32 or bin16."""
    room = size - len(packed("echo", b""))
    for overhead in (1, 3):
        call = packed("echo", b"x" * (room - overhead))
        if len(call) == size:
            return call
    raise ValueError(size)


class SizeTest(SystemTest):
    """What is refused, and how: over HTTP with this status, over both with a fault."""

    limit, flag = 0, ""

    def check_http(self, status, data, *sizes):
        answer = self.ask(data)
        self.assertEqual((answer.status, answer.code), (status, LIMIT), answer.words)
        self.check_words(answer.words, self.flag, self.limit, *sizes)

    def check_packed(self, data, *sizes, msgid=1):
        (reply,) = self.replies(data)
        self.check_fault(reply, msgid, *sizes)

    def check_fault(self, reply, msgid, *sizes):
        kind, echoed, error, result = reply
        self.assertEqual((kind, echoed, error[0], result), (RESPONSE, msgid, LIMIT, None))
        self.check_words(error[1], self.flag, self.limit, *sizes)

    def check_taken(self, data):
        self.assertEqual(self.ask(data).status, 200)

    def check_taken_packed(self, data):
        ((_, _, error, _),) = self.replies(data)
        self.assertIsNone(error)


class MessageTest(SizeTest):
    limit, flag = 16 * MIB, "--max-message"

    def test_a_length_over_it_is_refused_before_the_body_comes(self):
        size = 5 * self.limit // 4
        self.check_http(413, post(b"", length=size), size)
        answer = self.ask(post(b"", MSGPACK, length=size))
        self.assertEqual(answer.status, 413)
        self.check_fault(msgpack.unpackb(answer.body), 0, size)

    def test_chunks_over_it_are_refused(self):
        step = b"<" * (self.limit // 4)
        data = post(chunked(*[step] * 5), "Transfer-Encoding: chunked", length=False)
        self.check_http(413, data)

    def test_what_inflates_over_it_is_refused(self):
        bomb = gzip.compress(b"<" * (2 * self.limit))
        self.check_http(413, post(bomb, "Content-Encoding: gzip"))

    def test_a_packed_string_over_it_is_refused_before_it_comes(self):
        size = 5 * self.limit // 4
        head = b"\x94\x00\x01\xa4echo\x91\xc6" + size.to_bytes(4, "big")
        self.check_packed(head)

    def test_a_message_of_exactly_that_size_is_taken(self):
        self.check_taken(post(padded(self.limit)))
        self.check_http(413, post(padded(self.limit + 1)), self.limit + 1)
        self.check_taken_packed(padded_packed(self.limit))
        self.check_packed(padded_packed(self.limit + 1))
        inflated = gzip.compress(padded(self.limit), 1)
        self.check_taken(post(inflated, "Content-Encoding: gzip"))


class SmallMessageTest(MessageTest):
    limit = 1000
    flags = ("--max-message", "1000")


class ReplyTest(SizeTest):
    limit, flag = 64 * MIB, "--max-reply"

    def test_a_reply_over_it_is_a_fault(self):
        # Each of these is some 340 bytes without its exponent.
        doubles = b"<value><double>1e300</double></value>" * 210_000
        array = b"<value><array><data>" + doubles + b"</data></array></value>"
        self.check_http(200, post(around(array)))


class SmallReplyTest(SizeTest):
    limit, flag = KIB, "--max-reply"
    flags = ("--max-reply", "1K")

    def test_a_reply_over_it_is_a_fault(self):
        self.check_http(200, post(call_xml("echo", "x" * KIB)))
        self.check_packed(packed("echo", "x" * KIB))
        self.check_packed(packed("echo", ["x"] * KIB))

    def test_a_reply_of_exactly_that_size_is_sent(self):
        overhead = len(packed("echo", b"")) - len(b"\xa4echo\x91") + len(b"\xc0") + 1
        self.assertEqual(len(self.exchange(packed("echo", b"x" * (KIB - overhead)))), KIB)
        self.check_packed(packed("echo", b"x" * (KIB - overhead + 1)))


class DepthTest(SizeTest):
    limit, flag = 64, "--max-depth"

    def test_exactly_so_many_levels_are_taken(self):
        self.check_taken(post(xml_levels(self.limit)))
        self.check_taken_packed(packed("echo", nested(self.limit)))

    def test_one_level_more_is_refused(self):
        self.check_http(200, post(xml_levels(self.limit + 1)), self.limit + 1)
        self.check_packed(packed("echo", nested(self.limit + 1)))


class SmallDepthTest(DepthTest):
    limit = 3
    flags = ("--max-depth", "3")


class ValuesTest(SizeTest):
    limit, flag = 1_000_000, "--max-values"

    # A MessagePack message itself has values around its arguments: type, msgid, method and the
    # two arrays.
    around_packed = 5

    def test_exactly_so_many_values_are_taken(self):
        self.check_taken(post(xml_items(self.limit)))
        self.check_taken_packed(packed("echo", [None] * (self.limit - self.around_packed - 1)))

    def test_one_value_more_is_refused(self):
        self.check_http(200, post(xml_items(self.limit + 1)))
        self.check_packed(packed("echo", [None] * (self.limit + 1)))

    def test_a_count_alone_is_refused(self):
        for head in b"\xdd", b"\xdf":
            self.check_packed(b"\x94\x00\x01\xa4echo\x91" + head + b"\x00\xff\xff\xff")


class SmallValuesTest(ValuesTest):
    limit = 20
    flags = ("--max-values", "20")


class HeadTest(SizeTest):
    limit, flag = 16 * KIB, "--max-head"

    def test_a_head_over_it_is_refused(self):
        body = call_xml("double", 7)
        rows = [
            post(body, "X: " + "x" * self.limit),
            post(body, *[f"X-{i}: y" for i in range(self.limit // 4)]),
            post(body, target="/" + "x" * self.limit),
            post(b"", "X: " + "x" * self.limit, verb="GET", length=False),
        ]
        for data in rows:
            with self.subTest(data[:40]):
                self.check_http(431, data)

    def test_a_head_below_it_is_taken(self):
        body = call_xml("double", 7)
        room = self.limit - len(post(body)) + len(body) - len("X: \r\n")
        self.check_taken(post(body, "X: " + "x" * room))


class SmallHeadTest(HeadTest):
    limit = 300
    flags = ("--max-head", "300")


class MulticallTest(SizeTest):
    limit, flag = 1024, "--max-multicall"

    def calls(self, count):
        return [{"methodName": "double", "params": [i]} for i in range(count)]

    def test_so_many_calls_are_run_and_not_one_more(self):
        with self.proxy() as proxy, self.peer() as peer:
            for ask in proxy.system.multicall, lambda calls: peer.call("system.multicall", calls):
                results = ask(self.calls(self.limit))
                self.assertEqual(results, [[2 * i] for i in range(self.limit)])
        many = self.limit + 1
        self.check_http(200, post(call_xml("system.multicall", self.calls(many))), many)
        self.check_packed(packed("system.multicall", self.calls(many)), many)


class SmallMulticallTest(MulticallTest):
    limit = 2
    flags = ("--max-multicall", "2")


del SizeTest

if __name__ == "__main__":
    unittest.main()
