"""The programs as their user meets them: flags, words, exit codes, signals."""
import signal
import socket
import subprocess
import unittest

from duet_server import PATIENCE_S, Peer, Server, program_path

PROGRAMS = "double_server", "interop_server"
LIMITS = {
    "--max-message": "16777216",
    "--max-reply": "67108864",
    "--max-depth": "64",
    "--max-values": "1000000",
    "--max-head": "16384",
    "--max-connections": "10000",
    "--max-in-flight": "1024",
    "--max-in-flight-bytes": "33554432",
    "--worker-queue": "4096",
    "--head-timeout": "10000",
    "--body-timeout": "600000",
    "--min-rate": "4096",
    "--write-timeout": "30000",
    "--idle-timeout": "300000",
    "--linger-timeout": "30000",
    "--linger-idle": "1000",
    "--max-multicall": "1024",
    "--request-timeout": "30000",
    "--drain-ms": "3000",
}


def run(program, *flags):
    return subprocess.run(
        [program_path(program), *flags],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )


class Programs(unittest.TestCase):
    def test_help_and_limits_are_printed_on_request(self):
        for program in PROGRAMS:
            done = run(program, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for flag in ("--listen", "--loops", "--workers", "--no-inline", *LIMITS):
                self.assertIn(flag, done.stdout)
            done = run(program, "--print-limits")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for flag, default in LIMITS.items():
                self.assertRegex(done.stdout, rf"(?m)^\s*{flag}\b.*\b{default}\b")

    def test_what_it_does_not_know_is_refused_with_words(self):
        rows = [
            ("--no-such-flag",),
            ("--max-depth", "many"),
            ("--max-depth", "-1"),
            ("--max-depth",),
            ("stray",),
            ("--listen", "gopher://127.0.0.1:0"),
            ("--listen", "tcp://127.0.0.1:99999"),
            ("--listen",),
        ]
        for program in PROGRAMS:
            for flags in rows:
                done = run(program, *flags)
                self.assertGreater(done.returncode, 0, flags)
                self.assertEqual(done.stdout, "", flags)
                self.assertIn(flags[-1].split("/")[-1], done.stderr, flags)
                self.assertNotIn("Sanitizer", done.stderr)

    def test_a_taken_port_is_an_error_that_says_so(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "tcp://127.0.0.1:%d" % taken.getsockname()[1]
            for program in PROGRAMS:
                done = run(program, "--listen", address)
                self.assertGreater(done.returncode, 0)
                self.assertRegex(done.stderr, "(?i)address already in use")
                self.assertIn(address.removeprefix("tcp://"), done.stderr)

    def test_limits_are_taken_from_flags(self):
        server = Server("--max-depth", "3", "--loops", "1", "--workers", "1")
        try:
            with Peer(server) as peer:
                self.assertEqual(peer.call("echo", [[1]]), [[1]])
            with Peer(server) as peer, self.assertRaisesRegex(Exception, "--max-depth 3"):
                peer.call("echo", [[[[1]]]])
        finally:
            server.stop()

    def test_both_signals_end_it_in_order(self):
        for program in PROGRAMS:
            for by in signal.SIGTERM, signal.SIGINT:
                server = Server(program=program)
                with Peer(server) as peer:
                    self.assertEqual(peer.call("double", 7), 14)
                    server.process.send_signal(by)
                    self.assertIsNone(peer.receive())
                server.check_end()


if __name__ == "__main__":
    unittest.main()
