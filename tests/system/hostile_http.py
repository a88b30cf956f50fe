"""HTTP that lies about lengths, smuggles, floods or never was HTTP."""
import gzip
import random
import unittest

from hostile import HostileTest
from rig import LIMIT, PARSE, call_xml, chunked, packed, post, read_to_end

CALL = call_xml("double", 7)
CHUNKED = "Transfer-Encoding: chunked"
GZIP = "Content-Encoding: gzip"


def chunks(data):
    return post(data, CHUNKED, length=False)


def bombs():
    """Documents of 17 MiB and of a gigabyte, in a few KB, and what is wrong with each."""
    yield gzip.compress(b"<" * (17 << 20), 9), 413, LIMIT
    once = gzip.compress(b" " * (64 << 20), 9)
    yield once * 16, 413, LIMIT  # one member after another
    yield gzip.compress(gzip.compress(b"<" * (256 << 20), 9), 9), 200, PARSE


class Http(HostileTest):
    def check_refused(self, data, *statuses):
        """Exactly one answer, an error, and the end of the connection."""
        answer = self.ask(data)
        self.assertIn(answer.status, statuses, data[:200])
        self.assertEqual(answer.header("Connection"), "close", data[:200])
        self.assertNotIn(b"\r\n\r\n", answer.body)  # of a second answer
        self.assertNotIn(b"<int>14</int>", answer.body)

    def check_table(self, rows, *statuses):
        for data in rows:
            with self.subTest(data[:100]):
                self.check_refused(data, *statuses)

    def test_two_lengths_are_refused(self):
        rows = [
            post(CALL, f"Content-Length: {len(CALL)}"),
            post(CALL, f"Content-Length: {len(CALL) + 1}"),
            post(CALL, f"Content-Length: {len(CALL)}, {len(CALL)}", length=False),
            post(chunked(CALL), CHUNKED),
            post(CALL, CHUNKED, length=0),
            post(chunked(CALL), CHUNKED, CHUNKED, length=False),
        ]
        self.check_table(rows, 400, 501)

    def test_lengths_that_are_too_large_are_refused_at_once(self):
        for length in 10**12, 2**31, 2**32, 2**63 - 1:
            answer = self.ask(post(CALL, length=length))
            self.assertEqual((answer.status, answer.code), (413, LIMIT))
            self.assertIn(str(length), answer.words)
        rows = [post(CALL, length=length) for length in (2**64 - 1, 2**64, 2**64 + 212, 10**300)]
        self.check_table(rows, 400, 413)

    def test_lengths_that_are_no_numbers_are_refused(self):
        lengths = "-1", "+5", "0x10", "5.0", "1e3", "", " ", "5 5", "5,6", "\xb2"
        rows = [post(CALL, length=length) for length in lengths]
        self.check_table(rows, 400, 411)

    def test_what_could_smuggle_a_request_is_refused(self):
        good = post(CALL)
        rows = [
            good.replace(b"\r\n", b"\r", 1),
            good.replace(b"Host: localhost\r\n", b"Host: localhost\r"),
            good.replace(b"Host: localhost\r\n", b"Host: localhost\n"),
            good.replace(b"Host: localhost", b"Host: localhost\rContent-Length: 0"),
            good.replace(b"Host: localhost", b"Host: localhost\0"),
            good.replace(b"\r\n\r\n", b"\n\n"),
            post(CALL, "Content-Length : 0"),
            post(CALL, " Content-Length: 0"),
            post(CALL, "\tX: y"),
            post(CALL, "X\0: y"),
            post(CALL, "X\x7f: y"),
            post(CALL, ": y"),
            post(CALL, "X y"),
            post(CALL, "Transfer-Encoding: identity"),
            post(CALL, "Transfer-Encoding: chunked, identity"),
            post(CALL, "Transfer-Encoding: xchunked"),
            post(CALL, "Transfer-Encoding:\x0bchunked"),
            post(CALL, "Host: y"),
        ]
        self.check_table(rows, 400, 501)

    def test_bad_chunks_are_refused(self):
        rows = [
            chunks(b"g\r\n"),
            chunks(b"-5\r\nabcde\r\n0\r\n\r\n"),
            chunks(b" 5\r\nabcde\r\n0\r\n\r\n"),
            chunks(b"0x5\r\nabcde\r\n0\r\n\r\n"),
            chunks(b"5\nabcde\n0\n\n"),
            chunks(b"5\rabcde\r\n0\r\n\r\n"),
            chunks(b"5\r\nabcdefgh\r\n0\r\n\r\n"),
            chunks(b"5\r\nabcde0\r\n\r\n"),
            chunks(b"\r\n\r\n"),
            chunks(b"5;" + b"x" * 100_000),
            chunks(b"0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n"),
        ]
        self.check_table(rows, 400, 413, 431)
        for size in b"ffffffffffffffff", b"10000000000000000", b"7fffffffffffffff", b"f" * 1000:
            self.check_refused(chunks(size + b"\r\nabc"), 400, 413)

    def test_a_million_tiny_chunks_are_too_little_to_mind(self):
        body = b"".join(b"1\r\n%c\r\n" % byte for byte in CALL) + b"0\r\n\r\n"
        self.assertIn(b"<int>14</int>", self.exchange(chunks(body)))
        self.assertEqual(self.ask(chunks(b"1\r\n<\r\n" * 200_000 + b"0\r\n\r\n")).code, PARSE)

    def test_heads_and_targets_that_do_not_end_are_refused(self):
        rows = [
            post(CALL, "X: " + "x" * 100_000),
            post(CALL, "X" * 100_000 + ": y"),
            post(CALL, target="/" + "x" * 100_000),
            post(CALL, *[f"X-{i}: y" for i in range(20_000)]),
            post(CALL, *["X:"] * 20_000),
            b"POST" * 25_000,
            b"\r\n" * 50_000,
        ]
        self.check_table(rows, 400, 431)

    def test_requests_that_are_no_http_are_refused(self):
        rows = [
            b"GET /\r\n\r\n",
            b"POST / HTTP/9.9\r\n\r\n",
            b"A\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ]
        self.check_table(rows, 400, 505)

    def test_other_peoples_banners_are_answered_or_closed(self):
        rows = [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2,
            b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
            b"EHLO example.com\r\nMAIL FROM:<a@b>\r\n",
            b"*1\r\n$4\r\nPING\r\n",
            b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
            b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00",
            b"\0" * 1000,
            b"\xff" * 1000,
        ]
        for data in rows:
            answer = self.exchange(data)
            self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer[:100])

    def test_noise_is_survived(self):
        random_ = random.Random(20260101)
        for _ in range(300):
            self.exchange(random_.randbytes(random_.choice((1, 10, 100, 5000))))
        for _ in range(300):
            data = bytearray(post(CALL) if random_.random() < 0.5 else packed("double", 7))
            for _ in range(random_.randint(1, 5)):
                data[random_.randrange(len(data))] = random_.randrange(256)
            self.exchange(bytes(data))

    def test_gzip_bombs_are_refused_at_the_message_limit(self):
        for bomb, *refusal in bombs():
            answer = self.ask(post(bomb, GZIP))
            self.assertEqual([answer.status, answer.code], refusal)

    def test_false_gzip_is_refused(self):
        good = gzip.compress(CALL)
        rows = [
            CALL,
            b"",
            good[:-1],
            good[:10],
            good + b"x",
            good[:20] + b"\xff" * 10 + good[30:],
            good[:-8] + b"\0" * 8,
            b"\x1f\x8b" + b"\0" * 100,
        ]
        for body in rows:
            answer = self.ask(post(body, GZIP))
            self.assertEqual((answer.status, answer.code), (400, PARSE), body[:40])
        others = "br", "deflate", "gzip, gzip", "zip"
        self.check_table([post(CALL, f"Content-Encoding: {other}") for other in others], 501)

    def test_pipelined_rubbish_after_good_calls_costs_only_itself(self):
        data = self.exchange(post(CALL) * 3 + b"rubbish\r\n\r\n" + post(CALL))
        self.assertEqual(data.count(b"<int>14</int>"), 3)
        self.assertEqual(data.count(b"HTTP/1.1 400"), 1)

    def test_one_byte_at_a_time(self):
        for data in post(CALL), chunks(chunked(*(CALL[i : i + 7] for i in range(0, len(CALL), 7)))):
            with self.server.connect() as sock:
                for i in range(len(data)):
                    sock.sendall(data[i : i + 1])
                self.assertIn(b"<int>14</int>", sock.recv(4096))

    def test_64_kib_byte_by_byte_cost_little_more_than_at_once(self):
        body = call_xml("echo", "x" * 65_536)
        with self.server.connect() as sock:
            before = self.cpu_s()
            data = post(body, "Connection: close")
            for i in range(len(data)):
                sock.sendall(data[i : i + 1])
            self.assertIn(b"x" * 65_536, read_to_end(sock))
            # Some 65,000 reads of a few microseconds; were each to walk what came before, 2 GB.
            print(f"64 KiB byte by byte: {self.cpu_s() - before:.2f} s of CPU", flush=True)


if __name__ == "__main__":
    unittest.main()
