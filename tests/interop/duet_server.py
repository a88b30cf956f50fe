"""What the interop tests share: a server program on a free port, and raw MessagePack-RPC.

DUET_BIN names the folder with the programs, build/bin if it is not set. Nothing here waits by
sleeping: what must have happened is known from an answer, from an end of file, or from the end of
a process.
"""
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import unittest
import xmlrpc.client

import msgpack

PATIENCE_S = 60  # for what must come; only a broken server makes anybody wait this long
REQUEST, RESPONSE, NOTIFICATION = 0, 1, 2


def program_path(name):
    checkout = os.path.join(os.path.dirname(__file__), "..", "..")
    return os.path.join(os.environ.get("DUET_BIN", f"{checkout}/build/bin"), name)


def need_command(name):
    """The command's path. Without it the test is skipped, but in CI it fails."""
    path = shutil.which(name)
    if path is None:
        if os.environ.get("CI"):
            raise AssertionError(f"{name} is not installed")
        raise unittest.SkipTest(f"NOT TESTED: {name} is not installed")
    return path


def write_int(_, value, write):
    tag = "int" if -(2**31) <= value < 2**31 else "i8"
    write(f"<value><{tag}>{value}</{tag}></value>")


# Python reads <i8> but refuses to write it; this is the customary way to let it.
xmlrpc.client.Marshaller.dispatch[int] = write_int


class Server:
    """A running server program. `addresses` has what it says it listens on; `under` is a command that runs it, as
    valgrind. It checks results unless told not to: that takes memory."""

    def __init__(self, *flags, listen=("tcp://127.0.0.1:0",), program="interop_server", under=(), checks_results=True):
        command = [*under, program_path(program), *["--check-results"] * checks_results]
        for address in listen:
            command += ["--listen", address]
        self._stderr = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command + list(flags),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )
        self.addresses = [self._read_address() for _ in listen]

    def _read_address(self):
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"expected 'listening on …', got {line!r}\n{self.errors()}")
        return line.removeprefix("listening on ").strip()

    def errors(self):
        self._stderr.seek(0)
        return self._stderr.read()

    def host_port(self, i=0):
        host, _, port = self.addresses[i].split("//", 1)[1].rpartition(":")
        return host.strip("[]"), int(port)

    def url(self, path="", i=0):
        return "http://" + self.addresses[i].split("//", 1)[1] + path

    def connect(self, i=0):
        """A plain socket to listener number i."""
        address = self.addresses[i]
        if "unix:" in address:
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(PATIENCE_S)
            sock.connect(address.split("unix:", 1)[1])
            return sock
        sock = socket.create_connection(self.host_port(i), timeout=PATIENCE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def stop(self):
        self.process.terminate()
        self.check_end()

    def close(self):
        """Lets go of what it said."""
        self.process.stdout.close()
        self._stderr.close()

    def check_end(self):
        """What must hold after one signal: it ends, with 0, and no sanitizer found anything."""
        try:
            rc = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the server does not end") from None
        errors = self.errors()
        self.close()
        if rc != 0 or "Sanitizer" in errors or "runtime error:" in errors:
            raise AssertionError(f"the server ended with {rc}\n{errors}")


def reset_on_close(sock):
    """Its close() will be a reset: only that tells a server that nobody waits for its answers."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return sock


class RpcError(Exception):
    """The error of a MessagePack-RPC reply: [code, message], or [code, message, data]."""

    def __init__(self, error):
        super().__init__(error)
        self.code, self.message, *data = error
        self.data = data[0] if data else None


class Peer:
    """One MessagePack-RPC connection, as raw as the tests need it."""

    def __init__(self, server, i=0):
        self.sock = server.connect(i)
        self._unpacker = msgpack.Unpacker(strict_map_key=False, max_buffer_size=0)
        self._last_id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, *messages):
        self.sock.sendall(b"".join(msgpack.packb(message) for message in messages))

    def receive(self):
        """The next message; None at the end of the stream."""
        while True:
            for message in self._unpacker:
                return message
            try:
                data = self.sock.recv(1 << 20)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self._unpacker.feed(data)

    def call(self, method, *params):
        self._last_id += 1
        self.send([REQUEST, self._last_id, method, params])
        reply = self.receive()
        assert reply is not None, "the server closed the connection"
        kind, msgid, error, result = reply
        assert (kind, msgid) == (RESPONSE, self._last_id), reply
        if error is not None:
            assert result is None, reply
            raise RpcError(error)
        return result


def receive_exactly(sock, size):
    """`size` bytes, fewer only at the end of the stream. (With a timeout MSG_WAITALL waits for
    the first ones only.)"""
    data = bytearray()
    while len(data) < size and (chunk := sock.recv(size - len(data))):
        data += chunk
    return bytes(data)


def read_to_end(sock):
    """All bytes until the server closes; a reset is an end too."""
    data = bytearray()  # bytes would be copied whole for each chunk
    try:
        while chunk := sock.recv(1 << 16):
            data += chunk
    except ConnectionResetError:
        pass
    return bytes(data)


class DuetTest(unittest.TestCase):
    """Tests of one server; `flags` and `listen` are how it is started. After every test it must
    still answer, in both protocols."""

    flags = ()
    listen = ("tcp://127.0.0.1:0",)

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.flags, listen=cls.listen)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def tearDown(self):
        with self.peer() as peer:
            self.assertEqual(peer.call("double", 21), 42)
        with self.proxy() as proxy:
            self.assertEqual(proxy.double(21), 42)

    def peer(self, i=0):
        return Peer(self.server, i)

    def proxy(self, path="", i=0, **options):
        return xmlrpc.client.ServerProxy(
            self.server.url(path, i), allow_none=True, use_builtin_types=True, **options
        )

    def assert_rpc_error(self, code, peer, method, *params):
        with self.assertRaises(RpcError) as caught:
            peer.call(method, *params)
        self.assertEqual(caught.exception.code, code, caught.exception.message)
        return caught.exception.message

    def assert_fault(self, code, proxy, method, *params):
        with self.assertRaises(xmlrpc.client.Fault) as caught:
            getattr(proxy, method)(*params)
        self.assertEqual(caught.exception.faultCode, code, caught.exception.faultString)
        return caught.exception.faultString
