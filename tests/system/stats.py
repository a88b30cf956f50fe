"""The numbers of system.stats held against what the clients counted, in both protocols."""
import collections
import threading
import unittest

import msgpack
from rig import (
    ENDS,
    NOTIFICATION,
    REQUEST,
    SystemTest,
    call_xml,
    packed,
    post,
    receive_exactly,
    reset_on_close,
)

GOOD, FAULTY, UNKNOWN = ("double", 21), ("demo.fail", 7, "on purpose"), ("no.such.method",)


class StatsTest(SystemTest):
    flags = ("--workers", "3")

    def grown(self, before, after):
        return {how: after["calls"][how] - before["calls"][how] for how in ENDS}

    def test_every_call_is_counted_once_as_its_client_saw_it(self):
        before = self.stats()
        seen = collections.Counter()

        def mixed(number):
            calls = [GOOD, FAULTY, UNKNOWN, ("demo.sleep", 0.001), ("double", "wrong")]
            counted = collections.Counter()
            with self.server.connect() as sock:
                unpacker = msgpack.Unpacker()
                for i in range(50):
                    method, *params = calls[(i + number) % len(calls)]
                    if number % 2:
                        sock.sendall(packed(method, *params, msgid=i))
                        unpacker.feed(sock.recv(1 << 16))
                        (reply,) = unpacker
                        counted["fault" if reply[2] else "ok"] += 1
                    else:
                        sock.sendall(post(call_xml(method, *params)))
                        counted["fault" if b"<fault>" in sock.recv(1 << 16) else "ok"] += 1
            seen.update(counted)

        threads = [threading.Thread(target=mixed, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        after = self.stats()
        # The first system.stats ended after it had counted.
        expected = {**dict.fromkeys(ENDS, 0), "ok": seen["ok"] + 1, "fault": seen["fault"]}
        self.assertEqual(self.grown(before, after), expected)
        self.assertEqual(after["calls_in_progress"], 1)
        self.assertEqual(after["calls_accepted"] - before["calls_accepted"], sum(seen.values()) + 1)
        self.check_sums(after)

    def test_each_method_has_its_own(self):
        with self.peer() as peer, self.proxy() as proxy:
            for _ in range(3):
                peer.call("iso")
                proxy.iso()
            with self.assertRaises(Exception):
                proxy.iso("an argument too many")
        iso = self.stats()["methods"]["iso"]
        expected = {**dict.fromkeys(ENDS, 0), "ok": 6, "fault": 1}
        self.assertEqual({how: iso[how] for how in ENDS}, expected)

    def test_both_protocols_are_told_the_same(self):
        with self.peer() as peer, self.proxy() as proxy:
            here, there = peer.call("system.stats"), proxy.system.stats()
        self.assertEqual(here.keys(), there.keys())
        own = {"system.stats"}
        self.assertEqual(here["methods"].keys() | own, there["methods"].keys() | own)
        self.assertEqual(there["calls"]["ok"], here["calls"]["ok"] + 1)

    def test_bytes_are_those_of_the_sockets(self):
        call = packed("echo", b"x" * 70_000)
        ask = packed("system.stats")
        with self.server.connect() as sock:
            sock.sendall(ask)
            before = msgpack.unpackb(self.reply(sock))[3]
            sent = received = 0
            for data in [call] * 10:
                sock.sendall(data)
                sent += len(data)
                received += len(self.reply(sock))
            sock.sendall(ask)
            after = msgpack.unpackb(self.reply(sock))[3]
        self.assertEqual(after["bytes_in"] - before["bytes_in"], sent + len(ask))
        self.assertGreaterEqual(after["bytes_out"] - before["bytes_out"], received)
        self.assertLess(after["bytes_out"] - before["bytes_out"], received + 4096)

    def reply(self, sock):
        data, unpacker = b"", msgpack.Unpacker(max_buffer_size=0)
        while True:
            chunk = sock.recv(1 << 20)
            self.assertTrue(chunk)
            data += chunk
            unpacker.feed(chunk)
            try:
                unpacker.skip()
                return data
            except msgpack.OutOfData:
                continue

    def test_connections_are_counted_as_they_come_and_go(self):
        before = self.wait_for_stats(lambda s: s["connections_open"] == 1, "alone")
        socks = [self.server.connect() for _ in range(30)]
        after = self.wait_for_stats(lambda s: s["connections_open"] == 31, "31 open")
        self.assertEqual(after["connections_accepted"] - before["connections_accepted"], 31)
        for sock in socks:
            sock.close()
        self.wait_for_stats(lambda s: s["connections_open"] == 1, "alone again")

    def test_workers_and_their_queue_are_seen(self):
        with reset_on_close(self.server.connect()) as sock:
            sock.sendall(packed("demo.sleep", 600.0) * 10)
            names = "workers_active", "workers_waiting", "queue_length"
            stats = self.wait_for_stats(lambda s: [s[name] for name in names] == [3, 0, 7], "busy")
            self.assertEqual((stats["workers"], stats["calls_in_progress"]), (3, 11))
        self.wait_for_stats(lambda s: (s["workers_active"], s["queue_length"]) == (0, 0), "idle")

    def test_times_are_those_that_were_slept(self):
        with self.peer() as peer:
            peer.call("demo.sleep", 0.05)
        calls = self.stats()["methods"]["demo.sleep"]
        self.assertGreaterEqual(calls["run_us"], 50_000)

    def test_notifications_are_calls(self):
        before = self.stats()
        with self.server.connect() as sock:
            for method, params in (("double", [1]), ("no.such", []), ("demo.nothing", [])):
                sock.sendall(msgpack.packb([NOTIFICATION, method, params]))
            sock.sendall(packed("double", 1))
            receive_exactly(sock, 5)
        grown = self.grown(before, self.stats())
        self.assertEqual((grown["ok"], grown["fault"]), (4, 1))

    def test_clients_that_left_and_late_results(self):
        before = self.stats()
        count = 20
        for i in range(count):
            sock = reset_on_close(self.server.connect())
            call = ("demo.sleep", 0.01)
            sock.sendall(packed(*call) if i % 2 else post(call_xml(*call)))
            sock.close()
        after = self.wait_for_stats(
            lambda s: s["connections_open"] == 1 and s["calls_in_progress"] == 1, "settled"
        )
        slept = self.grown_of(before, after, "demo.sleep")
        self.assertEqual(self.grown(before, after)["dropped"], slept["dropped"])
        self.assertLessEqual(sum(slept.values()), count)  # a reset may overtake its call
        self.check_sums(after)

    def grown_of(self, before, after, method):
        then = before["methods"].get(method, collections.Counter())
        return {how: after["methods"][method][how] - then[how] for how in ENDS}

    def test_what_nobody_can_be_told_is_counted(self):
        before = self.stats()
        for data in b"\xc1", b"\x00", b"\x94\x00\xa1x\xa1x\x90", b"\x90":
            self.exchange(data)
        self.exchange(msgpack.packb([1, 5, None, 6]))  # a reply that nobody asked for
        after = self.stats()
        self.assertEqual(after["unreadable_messages"] - before["unreadable_messages"], 4)
        self.assertEqual(after["unasked_replies"] - before["unasked_replies"], 1)
        self.check_sums(after)

    def test_entries_of_a_multicall_are_calls_of_their_methods(self):
        before = self.stats()
        calls = [{"methodName": "double", "params": [i]} for i in range(5)]
        calls.append({"methodName": "demo.fail", "params": [3, "x"]})
        calls.append({"methodName": "none", "params": []})
        with self.peer() as peer:
            peer.call("system.multicall", calls)
        after = self.stats()
        self.assertEqual(self.grown_of(before, after, "double")["ok"], 5)
        self.assertEqual(self.grown_of(before, after, "demo.fail")["fault"], 1)
        self.assertEqual(self.grown_of(before, after, "system.multicall")["ok"], 1)


if __name__ == "__main__":
    unittest.main()
