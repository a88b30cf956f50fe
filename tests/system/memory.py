"""What one byte can cost: the inputs that take the most memory for their size, from 12 clients at
once that read their answers and from 32 that do not. Whatever the mix, --max-buffered bounds it;
who is refused is told so, and some are served."""
import gzip
import select
import socket
import unittest

import msgpack
from hostile import HostileTest
from rig import BUSY, MEMORY_MAX, MIB, SANITIZED, Answer, around, packed, post, reset_on_close

READERS, OTHERS = (4, 16) if SANITIZED else (12, 32)
SHRINK = 16 if SANITIZED else 1
ROOM = (16 * MIB - 1000) // SHRINK
COUNT = 490_000 // SHRINK
ECHO = b"\x94\x00\x01\xa4echo\x91"
GZIP, ACCEPT = "Content-Encoding: gzip", "Accept-Encoding: gzip"
PACKED = "Content-Type: application/msgpack"


def array(item, count):
    return around(b"<value><array><data>" + item * count + b"</data></array></value>")


def members(count):
    members_ = b"<member><name/><value/></member>" * count
    return around(b"<value><struct>" + members_ + b"</struct></value>")


def text(byte, size):
    return around(b"<value>" + byte * size + b"</value>")


def arrays_of_one(count):
    return ECHO + b"\xdd" + count.to_bytes(4, "big") + b"\x91\xc0" * count


def blob(size):
    return ECHO + b"\xc6" + size.to_bytes(4, "big") + b"x" * size


def rows():
    """Name and bytes of each. A value of XML is 8 bytes at least and 24 in the tree; `>` is one
    byte and four in the answer; 38 KB of gzip are 16 MiB of document."""
    yield "struct members", post(members(COUNT))
    yield "members in gzip", post(gzip.compress(members(COUNT)), GZIP)
    yield "members in gzip, answered in gzip", post(gzip.compress(members(COUNT)), GZIP, ACCEPT)
    yield "empty values", post(array(b"<value/>", 2 * COUNT))
    yield "text that grows", post(text(b">", ROOM - 1000))
    yield "text that grows, in gzip", post(gzip.compress(text(b">", ROOM - 1000)), GZIP)
    yield "one attribute after another", post(
        b"<methodCall " + b"".join(b"a%x='' " % i for i in range(2 * COUNT)) + b"/>"
    )
    yield "a tag as large as a message", post(b"<" + b"x" * ROOM + b"/>")
    yield "arrays of one", arrays_of_one(COUNT)
    yield "arrays of one in gzip", post(gzip.compress(arrays_of_one(COUNT)), GZIP, PACKED)
    yield "a blob", blob(ROOM - 1000)
    yield "a blob in gzip", post(gzip.compress(blob(ROOM - 1000)), GZIP, PACKED)


class Talk:
    """What one client sends and what comes back; the beginning of it is kept."""

    def __init__(self, sock, data):
        self.sock, self.left, self.head = sock, memoryview(data), b""

    def fileno(self):
        return self.sock.fileno()

    def send(self):
        try:
            self.left = self.left[self.sock.send(self.left[: 1 << 18]) :]
        except BlockingIOError:
            pass
        except OSError:
            self.left = self.left[:0]

    def read(self):
        """False at the end."""
        try:
            chunk = self.sock.recv(1 << 20)
        except OSError:
            return False
        self.head += chunk[: 2000 - len(self.head)]
        return bool(chunk)


class Memory(HostileTest):
    def crowd(self, data, is_reading):
        """Clients that all send this and then read to the end; or read nothing until nothing
        moves any more. Returns what each has got."""
        talks = []
        for _ in range(READERS if is_reading else OTHERS):
            sock = self.server.connect()
            sock.setblocking(False)
            talks.append(Talk(sock, data))
        reading, writing = list(talks) if is_reading else [], list(talks)
        while reading or writing:
            ready, free, _ = select.select(reading, writing, [], None if is_reading else 0.4)
            if not ready and not free:
                break
            for talk in free:
                talk.send()
                if not talk.left:
                    writing.remove(talk)
                    if is_reading:
                        self.end_of_stream(talk.sock)
            for talk in ready:
                if not talk.read():
                    reading.remove(talk)
                    if talk in writing:
                        writing.remove(talk)
        for talk in talks:
            talk.sock.close()
        return [talk.head for talk in talks]

    def send_as_far_as_it_goes(self, talks):
        while writing := [talk for talk in talks if talk.left]:
            _, free, _ = select.select([], writing, [], 0.5)
            if not free:
                return
            for talk in free:
                talk.send()

    def end_of_stream(self, sock):
        try:
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def check_peak(self, name):
        if not SANITIZED:
            peak = self.status("VmHWM")
            self.assertLess(peak, MEMORY_MAX, name)

    def check_answers(self, name, heads):
        """A refusal says which limit it was."""
        for head in heads:
            answer = Answer(head)
            if answer.status == 503:
                code, words = answer.code, answer.words
                if code is None:
                    code, words = msgpack.unpackb(answer.body)[2]
                self.assertEqual(code, BUSY, name)
                self.check_words(words, "--max-buffered", 128 * MIB)

    def test_clients_that_read(self):
        for name, data in rows():
            with self.subTest(name):
                heads = self.crowd(data, True)
                self.check_answers(name, heads)
                self.check_peak(name)

    def test_clients_that_do_not_read(self):
        for name, data in rows():
            with self.subTest(name):
                self.crowd(data, False)
                self.wait_for_stats(
                    lambda s: s["connections_open"] == 1 and s["calls_in_progress"] == 1, "at rest"
                )
                self.check_peak(name)

    def test_4096_calls_of_60_kib_that_wait_for_workers(self):
        """Four sleepers hold the workers; what waits is read in pieces too small for a buffer of
        its own."""
        sleepers = reset_on_close(self.server.connect())
        sleepers.sendall(packed("demo.sleep", 600.0) * 64)
        talks = []
        body = packed("demo.sleep", b"x" * 60_000) * 400
        for _ in range(16):
            sock = reset_on_close(self.server.connect())
            sock.setblocking(False)
            talks.append(Talk(sock, body))
        self.send_as_far_as_it_goes(talks)
        self.check_peak("calls that wait")
        for talk in talks:
            talk.sock.close()
        sleepers.close()

    def test_3000_connections_with_40_kib_of_a_message_each(self):
        half = post(b"<" * 40_000, length=60_000)
        socks = []
        for _ in range(300 if SANITIZED else 3000):
            sock = self.server.connect()
            socks.append(sock)
            try:
                sock.sendall(half)
            except OSError:
                pass  # refused
        self.check_peak("halves")
        for sock in socks:
            sock.close()

    def test_250_connections_with_small_replies_unread(self):
        """Each is owed a little less than the out-buffer mark."""
        call = packed("echo", b"x" * 8000)
        talks = []
        for _ in range(50 if SANITIZED else 250):
            sock = self.server.connect()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.setblocking(False)
            talks.append(Talk(sock, call * 500))
        self.send_as_far_as_it_goes(talks)
        self.check_peak("small replies")
        for talk in talks:
            talk.sock.close()


if __name__ == "__main__":
    unittest.main()
