"""What the system tests share: requests as bytes, the server's process as the kernel sees it, its
counters, and the rule that it is alive after whatever was done to it.

The server and the plain clients are those of the interop tests.
"""
import os
import re
import socket
import sys
import xmlrpc.client

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))

import msgpack  # noqa: E402
from duet_server import (  # noqa: E402, F401  (for the tests that import them from here)
    NOTIFICATION,
    PATIENCE_S,
    REQUEST,
    RESPONSE,
    DuetTest,
    Peer,
    RpcError,
    Server,
    program_path,
    read_to_end,
    receive_exactly,
    reset_on_close,
)

MIB = 1 << 20
MEMORY_MAX = (128 + 64 + 8) * MIB  # --max-buffered, what it may pass that by, an idle server
LIMIT, BUSY, PARSE, REFUSED_REQUEST = -32000, -32005, -32700, -32600

# Shadow memory and tracking make sizes and times mean something else.
SANITIZED = os.environ.get("DUET_SANITIZED", "") not in ("", "0")


def post(body, *headers, target="/RPC2", verb="POST", version="1.1", length=None):
    """One HTTP request. `length` False leaves it out; text is sent as it is."""
    lines = [f"{verb} {target} HTTP/{version}", "Host: localhost", *headers]
    if length is not False:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def call_xml(method, *params):
    return xmlrpc.client.dumps(params, method, allow_none=True).encode()


def around(value, method=b"echo"):
    """A methodCall around the bytes of one value."""
    head = b"<?xml version='1.0'?><methodCall><methodName>" + method + b"</methodName>"
    return head + b"<params><param>" + value + b"</param></params></methodCall>"


def packed(method, *params, msgid=1):
    return msgpack.packb([REQUEST, msgid, method, params])


def chunked(*chunks):
    """A body in chunks of these bytes."""
    parts = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks]
    return b"".join(parts) + b"0\r\n\r\n"


class Answer:
    """An HTTP answer, taken apart: status, head, body, and the fault in the body if it is one."""

    def __init__(self, data):
        head, _, self.body = data.partition(b"\r\n\r\n")
        self.head = head.decode("latin-1")
        found = re.match(r"HTTP/1\.[01] (\d+) ", self.head)
        self.status = int(found[1]) if found else None
        self.code = self.words = None
        if b"<fault>" in self.body:
            try:
                xmlrpc.client.loads(self.body)
            except xmlrpc.client.Fault as fault:
                self.code, self.words = fault.faultCode, fault.faultString

    def header(self, name):
        found = re.search(rf"^{name}: (.*)$", self.head, re.I | re.M)
        return found[1].strip() if found else None


class SystemTest(DuetTest):
    """DuetTest looks after each test whether the server still answers in both protocols. Who is
    refused while it sends has long to go on with that: a busy machine may hold it up."""

    patience = ("--linger-idle", "60s")
    checks_results = True

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.patience, *cls.flags, listen=cls.listen, checks_results=cls.checks_results)

    # ---- The process

    @property
    def pid(self):
        return self.server.process.pid

    def status(self, name):
        """A line of /proc/PID/status that counts KiB, in bytes."""
        with open(f"/proc/{self.pid}/status") as status:
            return int(re.search(rf"^{name}:\s+(\d+) kB", status.read(), re.M)[1]) * 1024

    def open_fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_s(self):
        with open(f"/proc/{self.pid}/stat") as stat:
            user, system = stat.read().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    # ---- Counters

    def stats(self):
        with self.peer() as peer:
            return peer.call("system.stats")

    def wait_for_stats(self, is_so, what):
        """The counters once `is_so` holds of them; asked for again and again."""
        with self.peer() as peer:
            return wait_until(lambda: peer.call("system.stats"), is_so, what)

    def check_sums(self, stats):
        """Each accepted call has ended in exactly one way, or is in progress."""
        calls = stats["calls"]
        ended = sum(calls[how] for how in ENDS)
        self.assertEqual(stats["calls_accepted"], ended + stats["calls_in_progress"], stats)
        for name, method in stats["methods"].items():
            for how in ENDS:
                self.assertLessEqual(method[how], calls[how], (name, how))

    # ---- Exchanges

    def exchange(self, data, i=0):
        """Everything that comes back for these bytes and the end of the stream."""
        with self.server.connect(i) as sock:
            try:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the server has seen enough
            return read_to_end(sock)

    def ask(self, data):
        return Answer(self.exchange(data))

    def replies(self, data):
        """The MessagePack messages that come back for these bytes."""
        unpacker = msgpack.Unpacker(strict_map_key=False, max_buffer_size=0)
        unpacker.feed(self.exchange(data))
        return list(unpacker)

    def check_words(self, words, flag, limit, *sizes):
        """A refusal names its flag, its limit and the size that was over it."""
        self.assertRegex(words, rf"(?<![\w-]){re.escape(flag)} {limit}\b")
        for size in sizes:
            self.assertRegex(words, rf"\b{size}\b")


ENDS = ("ok", "fault", "refused", "cancelled", "dropped", "timed_out")


def wait_until(ask, is_so, what):
    """What `ask` answers once `is_so` holds of it."""
    import time

    end = time.monotonic() + PATIENCE_S
    while not is_so(answer := ask()):
        if time.monotonic() > end:
            raise AssertionError(f"never {what}: {answer}")
        time.sleep(0.002)
    return answer
