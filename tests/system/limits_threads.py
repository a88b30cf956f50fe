"""Threads that the system refuses: the server does not start, and says how far it came, which limit
stands in the way and what to do."""
import os
import resource
import signal
import subprocess
import unittest

from rig import MIB, PATIENCE_S, SANITIZED  # first: it knows where the rest is

from duet_server import program_path

PROGRAM = program_path("interop_server")
NOBODY_ELSE = 1_000_000_000 + os.getpid()  # a user id whose only process is the one that takes it


def start(limits, *flags, user=None):
    """What the server says, and how it ends."""

    def set_limits():
        for limit, value in limits.items():
            resource.setrlimit(limit, (value, value))
        if user is not None:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)

    process = subprocess.Popen(
        [PROGRAM, "--listen", "tcp://127.0.0.1:0", *flags],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=set_limits,
    )
    try:
        _, words = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        _, words = process.communicate()
        raise AssertionError(f"it serves all the same\n{words}") from None
    return process.returncode, words


def is_open_to_all(path):
    """Whether any user may run this file."""
    while path != "/":
        if not os.stat(path).st_mode & 0o001:
            return False
        path = os.path.dirname(path)
    return True


class ThreadTest(unittest.TestCase):
    @unittest.skipIf(SANITIZED, "sanitizers take address space of their own")
    def test_no_address_space_for_another_stack(self):
        limits = {resource.RLIMIT_AS: 128 * MIB, resource.RLIMIT_STACK: 8 * MIB}
        for loops, workers, what, flag in (
            (1, 64, "64 worker threads", "--workers"),
            (64, 1, "64 loops", "--loops"),
        ):
            rc, words = start(limits, "--loops", str(loops), "--workers", str(workers))
            self.assertEqual(rc, 2)
            self.assertRegex(words, rf"only \d+ of {what} could be started: ")
            self.assertRegex(words, rf"RLIMIT_AS is {128 * MIB}\b.*; raise that limit or lower {flag}\b")

    @unittest.skipIf(os.getuid() != 0, "only root can become a user without processes")
    @unittest.skipIf(not is_open_to_all(os.path.abspath(PROGRAM)), "only root can run the program")
    @unittest.skipIf(SANITIZED, "sanitizers start threads of their own")
    def test_no_threads_left_for_the_user(self):
        limits = {resource.RLIMIT_NPROC: 4}
        for loops, workers, what in (1, 8, "3 of 8 worker threads"), (8, 1, "3 of 8 loops"):
            flags = "--loops", str(loops), "--workers", str(workers)
            rc, words = start(limits, *flags, user=NOBODY_ELSE)
            self.assertEqual(rc, 2)
            self.assertRegex(words, rf"only {what} could be started: RLIMIT_NPROC is 4\b.*; raise")


if __name__ == "__main__":
    unittest.main()
