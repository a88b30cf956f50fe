"""--workers 0: what workers would read, run and compress, the loop does, and nothing is refused for it."""
import gzip
import unittest
import xmlrpc.client

from rig import Answer, SystemTest, call_xml, post, read_to_end

LARGE = "x" * 300_000  # beyond what a loop reads by itself where there are workers
MANY = list(range(20_000))


class NoWorkers(SystemTest):
    flags = ("--workers", "0", "--loops", "1")

    def test_heavy_calls_run_on_the_loop(self):
        proxy = xmlrpc.client.ServerProxy(self.server.url())
        for value in LARGE, MANY:
            self.assertEqual(proxy.echo(value), value)
            with self.peer() as peer:
                self.assertEqual(peer.call("echo", value), value)
        proxy("close")()

    def test_gzip_is_read_and_written_on_the_loop(self):
        headers = "Content-Encoding: gzip", "Accept-Encoding: gzip", "Connection: close"
        with self.server.connect() as sock:
            sock.sendall(post(gzip.compress(call_xml("echo", LARGE)), *headers))
            answer = Answer(read_to_end(sock))
        self.assertEqual((answer.status, answer.header("Content-Encoding")), (200, "gzip"))
        self.assertIn(LARGE.encode(), gzip.decompress(answer.body))

    def test_calls_within_calls_and_slow_ones_run_in_their_order(self):
        with self.peer() as peer:
            calls = [{"methodName": "double", "params": [i]} for i in range(10)]
            self.assertEqual(peer.call("system.multicall", calls), [[2 * i] for i in range(10)])
            peer.send(*([0, i, "demo.sleep", [0.002]] for i in range(20)), [0, 20, "double", [21]])
            replies = [peer.receive() for _ in range(21)]
            slow = [reply[1] for reply in replies if reply[3] == 0.002]
            self.assertEqual(slow, list(range(20)))
            stats = peer.call("system.stats")
        self.assertEqual([stats[name] for name in ("workers", "workers_active", "queue_length")], [0, 0, 0])
        self.check_sums(stats)


if __name__ == "__main__":
    unittest.main()
