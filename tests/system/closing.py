"""Connections that end, in stages: whoever still sends gets the answer that ended it, and whole; a
drain waits for nobody who has nothing to say."""
import concurrent.futures
import time
import unittest

import msgpack
from rig import (
    LIMIT,
    PATIENCE_S,
    RESPONSE,
    Answer,
    Server,
    SystemTest,
    call_xml,
    chunked,
    packed,
    post,
    read_to_end,
    wait_until,
)

KIB = 1024
STEPS, STEP_S, SILENCE_S = 50, 0.05, 1  # two and a half times as long as a silence may be


class Refused(SystemTest):
    flags = ("--max-message", "64K", "--max-head", "4K", "--max-connections", "40",
             "--linger-idle", f"{SILENCE_S}s")

    def send_on(self, begin, more):
        """Sends on and on, and only then looks what the server said. Also tells for how long it
        was silent at most."""
        silent_s, sent_at = 0, time.monotonic()
        with self.server.connect() as sock:
            try:
                for piece in begin, *[more] * STEPS:
                    time.sleep(STEP_S)
                    silent_s = max(silent_s, time.monotonic() - sent_at)
                    sock.sendall(piece)
                    sent_at = time.monotonic()
                return read_to_end(sock), silent_s
            except OSError as error:
                return error, silent_s

    def upload(self, begin, more=b"x" * 4 * KIB):
        """Tried again when a busy machine has held it up for about as long as a silence may be."""
        answer, silent_s = self.send_on(begin, more)
        while silent_s > SILENCE_S / 2:
            answer, silent_s = self.send_on(begin, more)
        return answer

    def test_who_uploads_slowly_is_told_why_it_is_refused(self):
        length = STEPS * 4 * KIB
        piece = b"1000\r\n" + b"x" * 4 * KIB + b"\r\n"
        rows = {
            "length": (post(b"", length=length),),
            "chunks": (post(b"", "Transfer-Encoding: chunked", length=False), piece),
            "HTTP/1.0": (post(b"", length=length, version="1.0"),),
            "head": (b"POST /RPC2 HTTP/1.1\r\nX: ",),
            "bytes": (b"\x94\x00\x07\xa4echo\x91\xc6" + length.to_bytes(4, "big"),),
            "version": (post(b"", length=length, version="7.7"),),
            "lengths": (post(b"", "Content-Length: 5", length=length),),
        }
        with concurrent.futures.ThreadPoolExecutor(len(rows)) as pool:
            answers = dict(zip(rows, pool.map(lambda row: self.upload(*row), rows.values())))
        for name in "length", "chunks", "HTTP/1.0":
            answer = Answer(answers[name])
            self.assertEqual((answer.status, answer.code), (413, LIMIT), name)
            self.check_words(answer.words, "--max-message", 64 * KIB)
        self.assertEqual(Answer(answers["head"]).status, 431)
        kind, msgid, error, _ = msgpack.unpackb(answers["bytes"])
        self.assertEqual((kind, msgid, error[0]), (RESPONSE, 7, LIMIT))
        self.check_words(error[1], "--max-message", 64 * KIB)
        self.assertEqual(Answer(answers["version"]).status, 505)
        self.assertEqual(Answer(answers["lengths"]).status, 400)

    def test_one_connection_too_many_is_told_so(self):
        with self.peer() as peer:  # one of the 40: a newcomer may find them still open
            held = [self.server.connect() for _ in range(39)]
            try:  # once all of them have been taken, which loop ever does it
                wait_until(lambda: peer.call("system.stats"), lambda s: s["connections_open"] == 40, "taken")
                self.assertEqual(Answer(self.upload(post(b"x" * 100))).status, 503)
            finally:
                for sock in held:
                    sock.close()
            wait_until(lambda: peer.call("system.stats"), lambda s: s["connections_open"] == 1, "room")


class Asked(SystemTest):
    def test_bytes_behind_the_last_request_cut_no_reply(self):
        size = 3_000_000
        for headers, version in ((), "1.0"), (("Connection: close",), "1.1"):
            for behind in b"\r\n", b"\r\n" * 40_000:
                data = post(call_xml("echo", "y" * size), *headers, version=version)
                with self.server.connect() as sock:
                    sock.sendall(data)
                    self.assertTrue(sock.recv(1))  # it is on its way
                    sock.sendall(behind)
                    received = 0
                    while chunk := sock.recv(1 << 16):  # raises ConnectionResetError
                        received += len(chunk)
                    self.assertGreater(received, size)


class Silent(SystemTest):
    flags = ("--linger-idle", "100ms")

    def test_the_connection_of_who_stays_is_closed(self):
        with self.server.connect() as sock:
            sock.sendall(post(call_xml("double", 21), version="1.0"))
            self.assertIn(b"<int>42</int>", read_to_end(sock))
            self.wait_for_stats(lambda s: s["connections_open"] == 1, "closed")


class Drained(unittest.TestCase):
    def test_who_is_idle_is_not_waited_for(self):
        """Silence would be waited for ten times as long as this test has patience."""
        server = Server("--linger-idle", "600s", "--linger-timeout", "600s", "--drain-ms", "600s")
        socks = [server.connect() for _ in range(10)]
        for sock in socks[::2]:
            for call in packed("double", 21), packed("echo", "x" * 100_000):
                sock.sendall(call)
                self.assertTrue(sock.recv(1 << 20))
        self.addCleanup(lambda: [sock.close() for sock in socks])
        server.process.terminate()
        self.assertEqual(server.process.wait(PATIENCE_S), 0)
        server.close()

    def test_who_goes_on_sending_does_not_hold_it_up_for_ever(self):
        server = Server("--drain-ms", "300")
        with server.connect() as sock:
            sock.sendall(post(b"", "Content-Length: 5", length=10))  # refused, and read away
            self.assertTrue(sock.recv(1))
            server.process.terminate()
            while server.process.poll() is None:
                try:
                    sock.sendall(b"x")
                except OSError:
                    pass
                time.sleep(0.01)
        self.assertEqual(server.process.returncode, 0)
        server.close()


if __name__ == "__main__":
    unittest.main()
