"""MessagePack that lies about counts, nests without end, or is no call at all."""
import random
import unittest

import msgpack
from hostile import HostileTest
from rig import LIMIT, MIB, NOTIFICATION, REFUSED_REQUEST, REQUEST, RESPONSE, packed, post

PARAMS, METHOD = -32602, -32601
ECHO = b"\x94\x00\x07\xa4echo"  # [0, 7, "echo", …


class Msgpack(HostileTest):
    def check_fault(self, code, data, msgid=7):
        replies = self.replies(data)
        self.assertEqual(len(replies), 1, data[:60])
        kind, echoed, error, result = replies[0]
        self.assertEqual((kind, echoed, error[0], result), (RESPONSE, msgid, code, None), data[:60])
        self.assertLess(len(error[1]), 1500)
        return error[1]

    def check_closed(self, data):
        """Nothing can be said: whatever came before is answered, then it ends."""
        with self.server.connect() as sock:
            sock.sendall(packed("double", 21))
            self.assertEqual(msgpack.unpackb(sock.recv(100))[3], 42)
            try:
                sock.sendall(data)
            except OSError:
                pass
            try:
                rest = sock.recv(4096)
            except ConnectionResetError:
                rest = b""
            self.assertEqual(rest, b"", data[:60])

    def test_lying_counts_are_refused_by_their_head(self):
        for head in (
            b"\xdd\xff\xff\xff\xff",
            b"\xdf\xff\xff\xff\xff",
            b"\xdf\x7f\xff\xff\xff",
            b"\xdf\x80\x00\x00\x00",
            b"\xc6\xff\xff\xff\xff",
            b"\xdb\xff\xff\xff\xff",
            b"\xc9\xff\xff\xff\xff\x01",
            b"\xdd\x00\xff\xff\xff",
        ):
            self.check_fault(LIMIT, ECHO + b"\x91" + head)
            self.check_fault(LIMIT, ECHO + b"\x91\x91" + head)
            self.check_fault(LIMIT, ECHO + head) if head[0] in b"\xdd\xc6\xdb" else None
            self.check_closed(head)
            body = post(ECHO + b"\x91" + head, "Content-Type: application/msgpack")
            answer = self.ask(body)
            self.assertLess(msgpack.unpackb(answer.body)[2][0], 0)

    def test_lying_lengths_of_names_are_refused(self):
        for head in b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff":
            self.check_fault(LIMIT, b"\x94\x00\x07" + head + b"echo")

    def test_200000_levels_of_nesting_are_refused(self):
        for level in b"\x91", b"\x81\xc0", b"\x81", b"\xdc\x00\x01", b"\xde\x00\x01\xc0":
            for levels in 100, 10_000, 200_000:
                self.check_fault(LIMIT, ECHO + b"\x91" + level * levels)
        self.check_closed(b"\x91" * 200_000)

    def test_16_mib_of_one_byte_values_are_refused(self):
        count = 16 * MIB - 100
        for head, width in (b"\xdd", 1), (b"\xdf", 2):
            data = ECHO + b"\x91" + head + (count // width).to_bytes(4, "big") + b"\xc0" * count
            words = self.check_fault(LIMIT, data)
            self.check_words(words, "--max-values", 1_000_000)

    def test_a_million_of_them_are_taken_again_and_again(self):
        data = ECHO + b"\x91\xdd" + (999_000).to_bytes(4, "big") + b"\xc0" * 999_000
        for _ in range(3):
            ((_, _, error, result),) = self.replies(data)
            self.assertIsNone(error)
            self.assertEqual(len(result), 999_000)

    def test_message_ids_that_are_none_end_the_connection(self):
        tail = b"\xa6double\x91\x07"
        for msgid in (
            b"\xa11",  # "1"
            b"\xff",  # -1
            b"\xd0\x80",
            b"\xd3\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xcf\x00\x00\x00\x01\x00\x00\x00\x00",  # 2^32
            b"\xca\x00\x00\x00\x00",  # 0.0
            b"\xc0",
            b"\xc3",
            b"\x90",
            b"\x80",
            b"\xc4\x01\x01",
        ):
            self.check_closed(b"\x94\x00" + msgid + tail)

    def test_message_ids_of_any_width_come_back(self):
        for msgid in (
            b"\x05",
            b"\xcc\x05",
            b"\xcd\x00\x05",
            b"\xce\x00\x00\x00\x05",
            b"\xcf" + b"\0" * 7 + b"\x05",
            b"\xd0\x05",
            b"\xd3" + b"\0" * 7 + b"\x05",
        ):
            ((_, echoed, error, result),) = self.replies(b"\x94\x00" + msgid + b"\xa6double\x91\x15")
            self.assertEqual((echoed, error, result), (5, None, 42))
        self.assertEqual(self.replies(packed("double", 1, msgid=2**32 - 1))[0][1], 2**32 - 1)

    def test_shapes_that_are_no_request_are_told_so_where_an_id_can_be_read(self):
        for message in (
            [REQUEST, 7],
            [REQUEST, 7, "echo"],
            [REQUEST, 7, "echo", [1], 5],
            [REQUEST, 7, 5, [1]],
            [REQUEST, 7, None, [1]],
            [REQUEST, 7, ["echo"], [1]],
            [REQUEST, 7, "echo", {"a": 1}],
            [REQUEST, 7, "echo", "text"],
            [REQUEST, 7, "echo", 5],
        ):
            with self.subTest(message):
                self.check_fault(REFUSED_REQUEST, msgpack.packb(message))
        self.check_fault(METHOD, msgpack.packb([REQUEST, 7, "", []]))
        self.check_fault(METHOD, msgpack.packb([REQUEST, 7, "echo\0", [1]]))
        self.check_fault(METHOD, msgpack.packb([REQUEST, 7, b"\xff\xfe", [1]]))
        self.check_fault(PARAMS, msgpack.packb([REQUEST, 7, "echo", None]))

    def test_what_is_no_message_ends_the_connection(self):
        for data in (
            b"\xc1",
            b"\x94\xc1",
            b"\x90",
            b"\x91\x00",
            b"\x94\x05\xa1x\xa1x\x90",
            b"\x93\x09\xa1x\x90",
            b"\x9f" + b"\xc0" * 15,
            msgpack.packb({"method": "double"}),
            msgpack.packb("double"),
            b"\x00",
            b"\xc0",
        ):
            with self.subTest(data):
                self.check_closed(data)

    def test_0xc1_anywhere_in_a_request_is_refused(self):
        for data in (ECHO + b"\x91\xc1", ECHO + b"\xc1", ECHO + b"\x91\x92\x01\xc1"):
            replies = self.replies(data)
            self.assertEqual([(r[0], r[1]) for r in replies], [(RESPONSE, 7)])
            self.assertLess(replies[0][2][0], 0)

    def test_notifications_are_never_answered_whatever_is_wrong_with_them(self):
        rows = [
            msgpack.packb([NOTIFICATION, "none", []]),
            msgpack.packb([NOTIFICATION, "double", ["x"]]),
            msgpack.packb([NOTIFICATION, "double", []]),
            msgpack.packb([NOTIFICATION, "echo", [[[[1]]]]]),
        ]
        for data in rows:
            ((_, msgid, error, result),) = self.replies(data + packed("double", 21, msgid=4))
            self.assertEqual((msgid, error, result), (4, None, 42))

    def test_replies_that_nobody_asked_for_are_ignored(self):
        data = msgpack.packb([RESPONSE, 1, None, 5]) * 100 + packed("double", 21)
        ((_, _, error, result),) = self.replies(data)
        self.assertEqual((error, result), (None, 42))

    def test_keys_of_any_kind_and_twice_are_survived(self):
        for pairs in b"\x82\x01\x02\x01\x03", b"\x81\x90\x01", b"\x81\xc0\x01", b"\x81\x81\x01\x02\x03":
            data = self.exchange(ECHO + b"\x91" + pairs)  # not all of it can Python read
            self.assertEqual(data, b"\x94\x01\x07\xc0" + pairs)

    def test_strings_that_are_no_utf8_come_back_as_they_were(self):
        data = self.exchange(ECHO + b"\x91\xa4\xff\x00\xfe\x80")
        self.assertTrue(data.endswith(b"\xff\x00\xfe\x80"), data)

    def test_times_out_of_range_are_survived(self):
        for ext in (
            b"\xd7\xff" + b"\xff" * 8,
            b"\xc7\x0c\xff" + b"\xff" * 12,
            b"\xc7\x00\xff",
            b"\xd4\xff\0",
        ):
            self.assertTrue(self.exchange(ECHO + b"\x91" + ext).startswith(b"\x94\x01\x07"))

    def test_noise_in_good_calls_is_survived(self):
        random_ = random.Random(20260102)
        good = packed("echo", {"a": [1, 2.5, "x" * 40, None], "b": b"y" * 300}, msgid=7)
        for _ in range(600):
            data = bytearray(good)
            for _ in range(random_.randint(1, 4)):
                data[random_.randrange(len(data))] = random_.randrange(256)
            self.exchange(bytes(data[: random_.randrange(1, len(data) + 1)]))

    def test_every_cut_of_a_call_is_survived(self):
        data = packed("echo", {"a": [1, "x" * 300]})
        for i in range(1, len(data)):
            self.exchange(data[:i])

    def test_one_byte_at_a_time(self):
        data = packed("echo", {"a": [1, 2.5, "x" * 300, None], "b": b"y" * 70_000})
        with self.server.connect() as sock:
            before = self.cpu_s()
            for i in range(len(data)):
                sock.sendall(data[i : i + 1])
            unpacker = msgpack.Unpacker()
            while not (replies := list(unpacker)):
                unpacker.feed(sock.recv(1 << 16))
            self.assertIsNone(replies[0][2])
            print(f"70 KB byte by byte: {self.cpu_s() - before:.2f} s of CPU", flush=True)


if __name__ == "__main__":
    unittest.main()
