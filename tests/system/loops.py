"""examples/loops, programs whose own loops wait for the server: they serve both protocols, go on with
what else they do, and end when they are told to. Under valgrind too, where it is."""
import shutil
import unittest
import xmlrpc.client

from rig import SANITIZED, Peer, Server, wait_until

# What a thread keeps for its next call is reachable, and the first thread of a program keeps it to the end.
LEAKS = "definite,indirect,possible"
VALGRIND = ("valgrind", "-q", "--error-exitcode=99", "--leak-check=full", f"--errors-for-leak-kinds={LEAKS}",
            f"--show-leak-kinds={LEAKS}")


class Loop(unittest.TestCase):
    program = "poll_server"

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
        server.stop()

    def test_it_serves_and_ticks_and_ends(self):
        self.serve()

    def test_under_valgrind(self):
        if shutil.which("valgrind") is None or SANITIZED:
            self.skipTest("NOT TESTED: valgrind is not installed, or a sanitizer is there")
        self.serve(*VALGRIND)


if __name__ == "__main__":
    unittest.main()
