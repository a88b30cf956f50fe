"""Generated servers are called over both protocols with random values of each type: what comes back is what the typed
function saw. Messages go out as arrays and as structs, whatever the protocol."""
import json
import random
import struct
import sys
import unittest
import urllib.request
import xmlrpc.client
from datetime import datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "interop"))

import msgpack
import duet_server
from rig import DuetgenTest

CALLS = 60  # of each method, in each protocol
BITS = {"byte": 8, "short": 16, "int": 32, "long": 64, "ubyte": 8, "ushort": 16, "uint": 32, "ulong": 64}
TEXTS = ["", "x", "Grüße, 世界 🙂", "<&>\"'", "a b\tc\nd", "]]>", "z" * 300, "0", "true"]


class Values:
    """Random values of an interface's types, as each protocol carries them. A value is a pair: what is sent, and what
    comes back (messages as arrays over MessagePack, as structs over XML)."""

    def __init__(self, interface, is_xml, seed):
        self.decls = {decl["name"]: decl for file in interface["files"] for decl in file["declarations"]}
        self.is_xml = is_xml
        self.rng = random.Random(seed)

    def integer(self, kind):
        bits, rng = BITS[kind], self.rng
        least, most = (0, 2**bits - 1) if kind.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        if self.is_xml:
            most = min(most, 2**63 - 1)
        return rng.choice([least, most, 0, 1, rng.randint(least, most)])

    def double(self):
        rng = self.rng
        value = struct.unpack("d", rng.randbytes(8))[0]
        value = value if value == value and abs(value) != float("inf") else 0.0
        return rng.choice([0.0, -1.5, 0.1, 1e300, -5e-324, rng.uniform(-1, 1), value])

    def time(self):
        if self.is_xml:
            return datetime(1970, 1, 1) + timedelta(seconds=self.rng.randint(-(10**9), 4 * 10**9))
        return msgpack.Timestamp(self.rng.randint(-(10**11), 10**11), self.rng.randint(0, 999_999_999))

    def any(self):
        return self.rng.choice([None, True, 5, -(2**40), 0.5, "text", [1, ["x", None]], {"a": [1], "b": {}}])

    def key(self, type_):
        if type_["type"] == "string":
            return self.rng.choice(TEXTS)
        value = (self.rng.choice(self.decls[type_["name"]]["values"])["number"] if type_["type"] == "enum"
                 else self.integer(type_["type"]))
        return str(value) if self.is_xml else value

    def message(self, name, depth):
        decl = self.decls[name]
        sent = {field["name"]: self.make(field["type"], depth + 1) for field in decl["fields"]}
        as_map = {name: pair[0] for name, pair in sent.items()}
        as_list, back_list = [None] * decl["size"], [None] * decl["size"]
        back_map = {str(i): None for i in range(decl["size"])}
        for field in decl["fields"]:
            as_list[field["index"]], back_list[field["index"]] = sent[field["name"]]
            del back_map[str(field["index"])]
            back_map[field["name"]] = sent[field["name"]][1]
        return self.rng.choice([as_map, as_list]), back_map if self.is_xml else back_list

    def make(self, type_, depth=0):
        kind, rng = type_["type"], self.rng
        if type_.get("nullable") and (depth > 5 or rng.random() < 0.4):
            return None, None
        count = rng.choice([0, 1, 2, 3]) if depth < 4 else 0
        if kind in ("message", "exception"):
            return self.message(type_["name"], depth)
        if kind == "list":
            items = [self.make(type_["of"][0], depth + 1) for _ in range(count)]
            return [sent for sent, _ in items], [back for _, back in items]
        if kind == "tuple":
            items = [self.make(of, depth + 1) for of in type_["of"]]
            return [sent for sent, _ in items], [back for _, back in items]
        if kind == "map":
            pairs = {self.key(type_["of"][0]): self.make(type_["of"][1], depth + 1) for _ in range(count)}
            return {key: sent for key, (sent, _) in pairs.items()}, {key: back for key, (_, back) in pairs.items()}
        value = self.scalar(type_)
        return value, value

    def scalar(self, type_):
        kind, rng = type_["type"], self.rng
        if kind in BITS:
            return self.integer(kind)
        if kind == "enum":
            return rng.choice(self.decls[type_["name"]]["values"])["number"]
        return {
            "bool": lambda: rng.random() < 0.5,
            "float": lambda: struct.unpack("f", struct.pack("f", rng.uniform(-1e6, 1e6)))[0],
            "double": self.double,
            "raw": lambda: rng.randbytes(rng.choice([0, 1, 2, 300])),
            "string": lambda: rng.choice(TEXTS),
            "timestamp": self.time,
            "object": self.any,
        }[kind]()


class Generated(DuetgenTest):
    program = ""

    @classmethod
    def setUpClass(cls):
        cls.server = duet_server.Server(program=cls.program)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def peer(self):
        return duet_server.Peer(self.server)

    def proxy(self):
        return xmlrpc.client.ServerProxy(self.server.url(), allow_none=True, use_builtin_types=True)

    def refused(self, peer, method, *params):
        with self.assertRaises(duet_server.RpcError) as caught:
            peer.call(method, *params)
        self.data = caught.exception.data
        return caught.exception.code, caught.exception.message


class Echo(Generated):
    program = "../tests/echo_server"

    def interface(self):
        done = self.run_duetgen("--json", str(HERE / "servers/echo.idl"))
        interface = json.loads(done.stdout)
        service = next(decl for decl in interface["files"][0]["declarations"] if decl["kind"] == "service")
        return interface, [method for method in service["methods"]
                           if method["name"] not in ("note", "noted", "missing")]

    def check(self, is_xml, call):
        interface, methods = self.interface()
        self.assertGreater(len(methods), 20)
        values = Values(interface, is_xml, 12)
        for method in methods:
            for _ in range(CALLS):
                arguments = [values.make(argument["type"]) for argument in method["arguments"]]
                expected = arguments[0][1]
                if method["name"] == "many":
                    names = [argument["name"] for argument in method["arguments"]]
                    backs = [back for _, back in arguments]
                    expected = dict(zip(names, backs)) if is_xml else backs
                sent = [argument for argument, _ in arguments]
                with self.subTest(method=method["name"], sent=sent):
                    self.assertEqual(call(method["name"], sent), expected)

    def test_what_comes_back_over_messagepack(self):
        with self.peer() as peer:
            self.check(False, lambda name, arguments: peer.call(name, *arguments))

    def test_what_comes_back_over_xml(self):
        with self.proxy() as proxy:
            self.check(True, lambda name, arguments: getattr(proxy, name)(*arguments))

    def test_a_notification_arrives(self):
        with self.peer() as peer:
            peer.send([duet_server.NOTIFICATION, "note", ["hello"]])
            self.assertEqual(peer.call("noted"), "hello")

    def test_a_method_without_a_function_is_none(self):
        with self.peer() as peer:
            self.assertEqual(self.refused(peer, "missing")[0], -32601)

    def test_what_does_not_fit_is_refused_with_words(self):
        with self.peer() as peer:
            for method, value, words in (
                ("i8", 128, "i8: 'value' must be -128 to 127, got 128"),
                ("i8", 2**64 - 1, "i8: argument 1 'value' must be int, got 18446744073709551615, "
                                   "which exceeds 64 bits signed"),
                ("u32", 2**32, "u32: 'value' must be 0 to 4294967295, got 4294967296"),
                ("u32", 2**64 - 1, "u32: 'value' must be 0 to 4294967295, got 18446744073709551615"),
                ("color", 2, "color: 'value' must be a color (0 red, 1 green, 7 blue), got 2"),
                ("text", "a\0b", "text: 'value' has a NUL in it"),
                ("map_of_lists", {5000000000: []}, "map_of_lists: 'value' must be -2147483648 to 2147483647, "
                                                   "got 5000000000"),
                ("maybe_int", 2**31, "maybe_int: 'value' must be -2147483648 to 2147483647, got 2147483648"),
                ("tree", ["x", [["y", [], {5: ["z", [], {}]}]], {}], "tree: keys in 'by_name' must be strings, got int"),
                ("tree", ["x", [["y", 5, {}]], {}],
                 "tree: argument 1 'value', \"children\", item 1, \"children\": must be array, got int"),
                ("tree", ["x"], "tree: argument 1 'value': \"children\" is missing"),
            ):
                with self.subTest(method=method, value=value):
                    self.assertEqual(self.refused(peer, method, value), (-32602, words))

    def test_the_interface_can_be_asked_for(self):
        with self.peer() as peer:
            tree = peer.call("system.describe", "tree")["types"]["echo_tree"]
            self.assertEqual([member["name"] for member in tree["members"]], ["name", "children", "by_name", "parent"])


class OldServer(Generated):
    program = "../tests/versions_old_server"

    def test_what_it_does_not_know_is_skipped(self):
        with self.peer() as peer, self.proxy() as proxy:
            new = {"name": "a", "count": 1, "weight": 2, "color": "red", "unit": "kg"}
            self.assertEqual(peer.call("echo", list(new.values())), ["a", 1])
            self.assertEqual(peer.call("echo", new), ["a", 1])
            self.assertEqual(peer.call("all", [new, list(new.values())]), [["a", 1], ["a", 1]])
            self.assertEqual(proxy.echo(new), {"name": "a", "count": 1})
            self.assertEqual(proxy.echo(list(new.values())), {"name": "a", "count": 1})


class NewServer(Generated):
    program = "../tests/versions_new_server"
    filled = {"name": "a", "count": 1, "weight": 7, "color": None, "unit": "piece", "order": 0, "discount": 3,
              "stamp": b"ab"}

    def test_what_an_old_client_does_not_send_has_its_default(self):
        with self.peer() as peer, self.proxy() as proxy:
            for old in ["a", 1], {"name": "a", "count": 1}:
                self.assertEqual(peer.call("echo", old), list(self.filled.values()))
                self.assertEqual(peer.call("all", [old, old]), [list(self.filled.values())] * 2)
                self.assertEqual(proxy.echo(old), self.filled)
                self.assertEqual(peer.call("rest", old), [2, None, 4])
                self.assertEqual(proxy.rest(old), [2, None, 4])

    def test_nil_that_was_sent_is_nil_where_that_may_be(self):
        sent = ["a", 1, None, None, None, None, None, None]
        back = self.filled | {"discount": None}
        with self.peer() as peer, self.proxy() as proxy:
            self.assertEqual(peer.call("echo", sent), list(back.values()))
            self.assertEqual(proxy.echo(dict(zip(self.filled, sent))), back)
            self.assertEqual(peer.call("rest", sent, None, None, None), [2, None, None])

    def test_what_must_be_there_is_asked_for(self):
        with self.peer() as peer:
            self.assertEqual(self.refused(peer, "echo", ["a"]),
                             (-32602, "echo: argument 1 'item': \"count\" is missing"))


class Ledger(Generated):
    program = "ledger_server"

    def test_a_day_at_the_counter(self):
        with self.peer() as peer, self.proxy() as proxy:
            self.assertEqual(peer.call("open", "alice")[:3], ["alice", 0, 0])
            self.assertEqual(proxy.open("bob", 1)["currency"], 1)
            self.assertEqual(peer.call("pay_in", "alice", 500), 500)
            self.assertEqual(proxy.move("alice", "bob", 200, "rent")["note"], "rent")
            self.assertEqual(peer.call("balances"), {"alice": 300, "bob": 200})
            self.assertEqual([row[:3] for row in peer.call("history", "bob")], [["alice", "bob", 200]])
            for method, arguments, words, exception in (
                ("open", ["alice"], "alice has an account", "account_exists"),
                ("move", ["alice", "carl", 1], "carl has no account", "no_such_account"),
                ("move", ["bob", "alice", 201], "bob has 200 cents", "not_enough"),
            ):
                self.assertEqual(self.refused(peer, method, *arguments), (-32500, words))
                self.assertEqual(self.data[0], exception)
                with self.assertRaises(xmlrpc.client.Fault) as caught:
                    getattr(proxy, method)(*arguments)
                self.assertEqual((caught.exception.faultCode, caught.exception.faultString), (-32500, words))
            self.assertEqual(self.data, ["not_enough", ["bob", 200]])

    def test_callers_that_ask_get_the_fields_of_an_exception_over_xml_too(self):
        with self.peer() as peer:
            peer.call("open", "dora")
        body = xmlrpc.client.dumps(("dora",), "open").encode()
        request = urllib.request.Request(self.server.url("/RPC2"), body, {"Duet-Fault-Data": "1"})
        with urllib.request.urlopen(request) as reply:
            fault = reply.read().decode()
        self.assertRegex(fault, "faultData.*<name>exception</name><value><string>account_exists</string>.*"
                                "<name>fields</name>.*<name>owner</name><value><string>dora</string>")


if __name__ == "__main__":
    unittest.main()
