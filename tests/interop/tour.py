"""examples/tour, the program that shows what a method can do: it must do it, in both protocols."""
import time
import unittest
import xmlrpc.client
from datetime import datetime, timedelta

import msgpack
from duet_server import PATIENCE_S, Peer, RpcError, Server

ORDER = {
    "customer": "Ada",
    "lines": [{"name": "bread", "count": 2}, {"name": "roll", "count": 10}],
}
BILL = {
    "customer": "Ada",
    "cents": 1300,
    "most": 2**63 - 1,
    "euros": 13.0,
    "paid": False,
    "stamp": b"\xd0\x0e\0\xff",
}
NOT_SOLD, PARAMS, NO_METHOD, TIMEOUT, BUSY = 1, -32602, -32601, -32001, -32005


class Tour(unittest.TestCase):
    def setUp(self):
        self.server = Server(program="tour_server")
        self.is_running = True
        self.peer = Peer(self.server)
        self.proxy = xmlrpc.client.ServerProxy(
            self.server.url(), allow_none=True, use_builtin_types=True
        )

    def tearDown(self):
        self.peer.sock.close()
        self.proxy("close")()
        if self.is_running:
            self.server.stop()

    def by_xmlrpc(self, method, *args):
        try:
            return getattr(self.proxy, method)(*args)
        except xmlrpc.client.Fault as fault:
            raise RpcError((fault.faultCode, fault.faultString)) from None

    def each(self):
        return self.peer.call, self.by_xmlrpc

    def assert_error(self, call, code, words, method, *args):
        with self.assertRaises(RpcError) as caught:
            call(method, *args)
        self.assertEqual((caught.exception.code, caught.exception.message), (code, words))

    def test_a_menu_is_an_array_of_records(self):
        for call in self.each():
            menu = call("shop.menu")
            self.assertEqual(menu[0], {"name": "bread", "cents": 350})
            self.assertEqual([good["name"] for good in menu], ["bread", "tart", "roll"])

    def test_a_bill_has_a_field_of_each_kind(self):
        for call in self.each():
            bill = call("shop.bill", ORDER)
            when = bill.pop("time")
            self.assertEqual(bill, BILL)
            if isinstance(when, msgpack.Timestamp):
                when = when.to_datetime().replace(tzinfo=None)
            self.assertLess(abs(datetime.utcnow() - when), timedelta(minutes=5))

    def test_a_customer_without_a_name_is_nil(self):
        for call in self.each():
            self.assertIsNone(call("shop.bill", {"lines": []})["customer"])

    def test_faults_have_our_words(self):
        cake = {"lines": [{"name": "cake", "count": 1}]}
        rows = [
            (NOT_SOLD, 'we do not sell "cake"', "shop.bill", cake),
            (PARAMS, "count must be 1 to 1000, got 0", "shop.bill", {"lines": [["tart", 0]]}),
            (NOT_SOLD, 'shop.bill: we do not sell "cake"', "shop.ask", "shop.bill", [cake]),
        ]
        for call in self.each():
            for code, words, method, *args in rows:
                self.assert_error(call, code, words, method, *args)

    def test_an_order_that_is_none_is_told_where(self):
        rows = [
            ('must be map, got array', [7]),
            (': "lines" is missing', {}),
            (': "lines" is missing', []),
            (', "lines": must be array, got int', {"lines": 7}),
            (', "lines", item 2: must be array or map, got int', {"lines": [["tart", 1], 7]}),
            (', "lines", item 1: "count" is missing', {"lines": [{"name": "tart"}]}),
            (', "lines", item 1: "count" is missing', {"lines": [["tart"]]}),
            (', "lines", item 1, "count": must be int, got string', {"lines": [["tart", "1"]]}),
            (', "customer": must be string, got int', {"lines": [], "customer": 7}),
        ]
        for call in self.each():
            for words, order in rows:
                words = f"shop.bill: argument 1 'order'{' ' * words.startswith('must')}{words}"
                self.assert_error(call, PARAMS, words, "shop.bill", order)
        words = "shop.bill: shop.bill: argument 1 'order': \"lines\" is missing"
        self.assert_error(self.peer.call, PARAMS, words, "shop.ask", "shop.bill", [[]])

    def test_a_line_may_come_as_an_array(self):
        order = {"customer": "Ada", "lines": [["bread", 2], ["roll", 10, "no more is looked at"]]}
        for call in self.each():
            self.assertEqual(call("shop.bill", order)["cents"], BILL["cents"])
            self.assertEqual(call("shop.ask", "shop.bill", [order])["cents"], BILL["cents"])

    def test_a_method_is_described(self):
        def plain(word, **more):
            return {"type": word, "nil": False, **more}

        def member(name, kind, optional=False):
            return {"name": name, "optional": optional, "type": kind}

        lines = plain("array", items=plain("named", name="line"))
        for call in self.each():
            told = call("system.describe", "shop.bill")
            [alternative] = told.pop("alternatives")
            types = told.pop("types")
            self.assertEqual(told, {
                "name": "shop.bill", "help": "What the lines of an order cost.", "flags": ["inline"],
                "timeout_ms": 0, "max_running": 0, "signature": "%bill:%order"})
            self.assertEqual(alternative, {
                "result": plain("named", name="bill"), "takes_anything": False,
                "params": [member("order", plain("named", name="order"))]})
            self.assertEqual(set(types), {"bill", "order", "line"})
            self.assertEqual(types["order"], plain("struct", members=[
                member("customer", plain("string"), optional=True), member("lines", lines)]))
            self.assertEqual(types["line"], plain("record", members=[
                member("name", plain("string")), member("count", plain("int"))]))
            self.assertEqual(types["bill"]["members"][0], member("customer", {"type": "string", "nil": True}))
            self.assertEqual(call("system.methodSignature", "shop.bill"), [["struct", "struct"]])
            self.assertEqual(call("system.methodSignature", "shop.menu"), [["array"]])

    def test_a_method_calls_another(self):
        for call in self.each():
            self.assertEqual(call("shop.ask", "shop.bake", [1]), "done")
            self.assertEqual(call("shop.ask", "shop.menu", []), call("shop.menu"))

    def test_a_slow_method_is_answered_at_its_time_limit(self):
        for call in self.each():
            with self.assertRaises(RpcError) as caught:
                call("shop.bake", 600_000)
            self.assertEqual(caught.exception.code, TIMEOUT)
        self.wait_until(lambda: self.peer.call("shop.bake", 1) == "done")

    def test_the_oven_holds_two(self):
        self.peer.send(*([0, i, "shop.bake", [600_000]] for i in range(3)))
        _, msgid, error, _ = self.peer.receive()
        self.assertEqual((msgid, error[0]), (2, BUSY))
        self.assertIn("shop.bake", error[1])
        self.assertEqual({tuple(self.peer.receive()[2])[0] for _ in range(2)}, {TIMEOUT})

    def test_methods_come_and_go_while_it_runs(self):
        def has(wanted):
            return ("shop.leftovers" in self.peer.call("system.listMethods")) == wanted

        for call in self.each():
            self.assertIsNone(call("shop.ring", "sale"))
            self.wait_until(lambda: has(True))
            self.assertEqual(call("shop.leftovers"), call("shop.menu"))
            call("shop.ring", "no sale")
            self.wait_until(lambda: has(False))
            with self.assertRaises(RpcError) as caught:
                call("shop.leftovers")
            self.assertEqual(caught.exception.code, NO_METHOD)

    def test_the_keeper_closes_the_shop_after_what_is_under_way(self):
        self.peer.send([0, 1, "shop.bake", [100]], [0, 2, "shop.ring", ["close"]])
        answers = sorted(self.peer.receive() for _ in range(2))
        self.assertEqual(answers, [[1, 1, None, "done"], [1, 2, None, None]])
        self.assertIsNone(self.peer.receive())
        self.is_running = False
        self.server.check_end()

    def test_the_hook_logs_each_call(self):
        self.peer.call("shop.menu")
        words = "shop.bill: argument 1 'order': \"lines\" is missing"
        self.assert_error(self.peer.call, PARAMS, words, "shop.bill", {})
        log = self.server.errors()
        self.assertRegex(log, r"127\.0\.0\.1:\d+ shop\.menu: 0 \n")
        self.assertIn(f" shop.bill: -32602 {words}\n", log)

    def wait_until(self, is_true):
        """Asks until it is so: what another thread of the server does has no answer to wait for."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                if is_true():
                    return
            except RpcError as error:
                if error.code != BUSY:
                    raise
            self.assertLess(time.monotonic(), deadline)


if __name__ == "__main__":
    unittest.main()
