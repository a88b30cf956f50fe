"""What the hostile tests share. One server with default limits for all of a file; after each attack
it lives and answers good calls in both protocols, and after all of them: no descriptor is lost, the
counters add up, and its memory never passed MEMORY_MAX."""
from rig import MEMORY_MAX, MIB, SANITIZED, SystemTest, wait_until


class HostileTest(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        test = cls("check_after")
        with test.peer() as peer, test.proxy() as proxy:  # every thread has its memory
            peer.call("demo.sleep", 0.0)
            proxy.demo.sleep(0.0)
        cls.fds_before = test.open_fds()

    @classmethod
    def tearDownClass(cls):
        test = cls("check_after")
        try:
            test.check_after()
        finally:
            super().tearDownClass()

    def check_after(self):
        stats = self.wait_for_stats(
            lambda s: s["connections_open"] == 1 and s["calls_in_progress"] == 1, "at rest"
        )
        self.check_sums(stats)
        self.assertLess(stats["buffered_bytes"], MIB)
        wait_until(self.open_fds, lambda fds: fds <= self.fds_before, "closed")
        if not SANITIZED:
            peak = self.status("VmHWM")
            print(f"{type(self).__name__}: peak {peak // MIB} MiB", flush=True)
            self.assertLess(peak, MEMORY_MAX)
