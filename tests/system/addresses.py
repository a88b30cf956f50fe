"""Where a server listens: every family of a name on one port, abstract unix sockets, who may connect
to a path, and who has the path when servers come and go."""
import os
import signal
import socket
import stat
import tempfile
import unittest

import msgpack
from rig import PATIENCE_S, Server, packed


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
        return True
    except OSError:
        return False


class ListenTest(unittest.TestCase):
    def start(self, *listen, count=None):
        """`count` is how many addresses it has, if not one for each."""
        server = Server(listen=listen)
        self.addCleanup(self.end, server)
        while count is not None and len(server.addresses) < count:
            server.addresses.append(server._read_address())
        return server

    def end(self, server):
        if server.process.returncode is None:
            server.stop()

    def ask(self, sock):
        sock.settimeout(PATIENCE_S)
        sock.sendall(packed("double", 21))
        return msgpack.unpackb(sock.recv(100))[3]


class AddressesTest(ListenTest):
    @unittest.skipUnless(has_ipv6(), "NOT TESTED: no IPv6 here")
    def test_localhost_is_both_families_on_one_port(self):
        server = self.start("tcp://localhost:0", count=2)
        self.assertRegex(server.addresses[0], r"^tcp://127\.0\.0\.1:\d+$")
        self.assertRegex(server.addresses[1], r"^tcp://\[::1\]:\d+$")
        self.assertEqual(server.host_port(0)[1], server.host_port(1)[1])
        for i in range(2):
            with socket.create_connection(server.host_port(i)) as sock:
                self.assertEqual(self.ask(sock), 42)

    def test_an_abstract_name_leaves_no_file(self):
        name = f"duet-{os.getpid()}"
        with tempfile.TemporaryDirectory() as folder:
            server = Server(listen=(f"unix:@{name}",))
            self.addCleanup(self.end, server)
            self.assertEqual(server.addresses, [f"unix:@{name}"])
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect("\0" + name)
                self.assertEqual(self.ask(sock), 42)
            self.assertEqual(os.listdir(folder), [])

    def test_who_may_connect_to_a_path(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/s"
            server = self.start(f"unix:{path}?mode=0620&group={os.getgid()}")
            self.assertEqual(server.addresses, [f"unix:{path}"])
            status = os.stat(path)
            self.assertEqual(stat.S_IMODE(status.st_mode), 0o620)
            self.assertEqual(status.st_gid, os.getgid())
            with server.connect() as sock:
                self.assertEqual(self.ask(sock), 42)
            self.end(server)
            self.assertEqual(os.listdir(folder), [])


class PathTest(ListenTest):
    """A path and those who come and go on it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder, self.path = folder.name, f"{folder.name}/s"
        self.address = f"unix:{self.path}"

    def check_served(self):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(self.path)
            self.assertEqual(self.ask(sock), 42)

    def test_a_stopping_server_leaves_the_socket_of_its_successor(self):
        old = self.start(self.address)
        os.unlink(self.path)
        next_ = self.start(self.address)
        self.end(old)
        self.check_served()
        self.end(next_)
        self.assertEqual(os.listdir(self.folder), [])

    def test_what_a_killed_server_leaves_is_taken_over(self):
        killed = self.start(self.address)
        killed.process.send_signal(signal.SIGKILL)
        killed.process.wait()
        killed.close()
        self.assertEqual(os.listdir(self.folder), ["s"])
        next_ = self.start(self.address)
        self.check_served()
        self.end(next_)
        self.assertEqual(os.listdir(self.folder), [])

    def test_of_two_starters_one_listens(self):
        for _ in range(10):
            with socket.socket(socket.AF_UNIX) as stale:
                stale.bind(self.path)
            starters = [Starter(listen=(self.address,)) for _ in range(2)]
            for starter in starters:
                self.addCleanup(starter.end)
            listening = [starter.listens() for starter in starters]
            self.assertEqual(sorted(listening), [False, True], starters[0].errors())
            self.check_served()
            for starter in starters:
                starter.end()
            self.assertEqual(os.listdir(self.folder), [])


class Starter(Server):
    """A server that is started and not waited for; it may be refused."""

    def _read_address(self):
        return None

    def listens(self):
        return self.process.stdout.readline().startswith("listening on ")

    def end(self):
        self.process.terminate()
        if os.environ.get("DUET_SANITIZED") == "thread":
            self.terminate_again()
        self.process.wait(PATIENCE_S)
        self.close()

    def terminate_again(self):
        """Under ThreadSanitizer a thread that just begins loses its signals; while threads are made, they get them."""
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.terminate()


if __name__ == "__main__":
    unittest.main()
