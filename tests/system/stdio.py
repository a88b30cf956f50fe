"""Servers without stdio: whichever of stdin, stdout and stderr is closed or gone, no file of theirs
takes its place, and nothing that is printed ends them."""
import itertools
import os
import signal
import socket
import subprocess
import tempfile
import unittest

import msgpack
from rig import PATIENCE_S, packed, wait_until
from duet_server import program_path  # the rig knows where it is


class StdioTest(unittest.TestCase):
    programs = ("interop_server", "double_server", "tour_server")

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.paths = [f"{folder.name}/{i}" for i in range(3)]

    def start(self, program, closed=(), **streams):
        command = [program_path(program), "--loops", "2"]
        for path in self.paths:
            command += ["--listen", f"unix:{path}"]

        def close_some():
            for fd in closed:
                os.close(fd)

        streams.setdefault("stderr", subprocess.DEVNULL)
        process = subprocess.Popen(command, preexec_fn=close_some, **streams)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def connect(self, process, path):
        def try_to():
            self.assertIsNone(process.poll(), "it has ended")
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(path)
                return sock
            except OSError:
                sock.close()
                return None

        sock = wait_until(try_to, lambda sock: sock is not None, "listening")
        sock.settimeout(PATIENCE_S)
        return sock

    def check_served(self, process):
        for path in self.paths:
            with self.connect(process, path) as sock:
                sock.sendall(packed("system.methodExist", "double"))
                self.assertEqual(msgpack.unpackb(sock.recv(100))[2], None)

    def check_end(self, process):
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE_S), 0)

    def file_of(self, process, fd):
        try:
            return os.readlink(f"/proc/{process.pid}/fd/{fd}")
        except FileNotFoundError:
            return None

    def test_closed_ones_stay_closed(self):
        for closed in itertools.chain.from_iterable(
            itertools.combinations((0, 1, 2), n) for n in (1, 2, 3)
        ):
            for program in self.programs:
                with self.subTest(program=program, closed=closed):
                    process = self.start(program, closed)
                    self.check_served(process)
                    for fd in closed:
                        self.assertIn(self.file_of(process, fd), (None, "/dev/null"))
                    self.check_end(process)

    def test_a_stdout_that_nobody_reads_ends_no_server(self):
        for program in self.programs:
            with self.subTest(program=program):
                reader, writer = os.pipe()
                os.close(reader)
                process = self.start(program, stdout=writer, stderr=writer)
                os.close(writer)
                self.check_served(process)
                self.check_end(process)


if __name__ == "__main__":
    unittest.main()
