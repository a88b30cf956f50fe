"""examples/loops, programs whose own loops wait for the server: they serve both protocols, go on with
what else they do, and end when they are told to. Under valgrind too, where it is. And what systemd
opens for one of them."""
import os
import shutil
import signal
import socket
import subprocess
import unittest
import xmlrpc.client

from rig import PATIENCE_S, SANITIZED, Peer, Server, program_path, wait_until

# What a thread keeps for its next call is reachable, and the first thread of a program keeps it to the end.
LEAKS = "definite,indirect,possible"
VALGRIND = ("valgrind", "-q", "--error-exitcode=99", "--leak-check=full", f"--errors-for-leak-kinds={LEAKS}",
            f"--show-leak-kinds={LEAKS}")


class Poll(unittest.TestCase):
    program = "poll_server"
    threads = 1

    def setUp(self):
        if os.path.exists(program_path(self.program)):
            return
        if os.environ.get("CI"):
            raise AssertionError(f"{self.program} is not built")
        self.skipTest(f"NOT TESTED: {self.program} is not built: its library is not installed")

    def serve(self, *under):
        server = Server(program=self.program, under=under)
        with Peer(server) as peer:
            proxy = xmlrpc.client.ServerProxy(server.url())
            for i in range(50):
                self.assertEqual(proxy.double(i), 2 * i)
                self.assertEqual(peer.call("double", i), 2 * i)
            first = peer.call("ticks")
            wait_until(proxy.ticks, lambda ticks: ticks > first, "ticked")
            proxy("close")()
            if not under and not SANITIZED:
                self.assertEqual(len(os.listdir(f"/proc/{server.process.pid}/task")), self.threads)
        server.stop()

    def test_it_serves_and_ticks_and_ends(self):
        self.serve()

    def test_under_valgrind(self):
        if shutil.which("valgrind") is None or SANITIZED:
            self.skipTest("NOT TESTED: valgrind is not installed, or a sanitizer is there")
        self.serve(*VALGRIND)


class Glib(Poll):
    program = "glib_server"


class Uv(Poll):
    program = "uv_server"


class Activation(unittest.TestCase):
    """Socket activation: who opened the socket has it back when the server ends, and clients that came
    in between are served by the next one."""

    def start(self, sock):
        return subprocess.Popen(
            ["/bin/sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0"', program_path("poll_server")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            pass_fds=(3,),
            preexec_fn=lambda: os.dup2(sock.fileno(), 3),
            text=True,
        )

    def test_the_socket_outlives_its_servers(self):
        with socket.create_server(("127.0.0.1", 0)) as sock:
            host, port = sock.getsockname()
            for _ in range(2):
                proxy = xmlrpc.client.ServerProxy(f"http://{host}:{port}")
                with socket.create_connection((host, port)):  # it waits for a server
                    with self.start(sock) as server:
                        self.assertEqual(server.stdout.readline(), f"listening on tcp://{host}:{port}\n")
                        self.assertEqual(proxy.double(21), 42)
                        proxy("close")()
                        server.send_signal(signal.SIGTERM)
                        self.assertEqual(server.wait(PATIENCE_S), 0)


if __name__ == "__main__":
    unittest.main()
