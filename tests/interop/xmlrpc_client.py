"""Python's own XML-RPC client against Duet."""
import datetime
import http.client
import random
import unittest
import xmlrpc.client

import values
from duet_server import DuetTest


class Calls(DuetTest):
    def test_double_doubles_ints_and_doubles(self):
        with self.proxy() as proxy:
            self.assertTrue(values.same(proxy.double(7), 14))
            self.assertTrue(values.same(proxy.double(21.0), 42.0))
            self.assertTrue(values.same(proxy.double(0.15), 0.3))

    def test_the_paths_are_the_root_and_RPC2(self):
        for path in "/", "/RPC2":
            with self.proxy(path) as proxy:
                self.assertEqual(proxy.double(1), 2)
        for path in "/x", "/RPC2/", "/RPC2?x", "/RPC":
            with self.proxy(path) as proxy, self.assertRaises(xmlrpc.client.ProtocolError) as no:
                proxy.double(1)
            self.assertEqual(no.exception.errcode, 404, path)

    def test_ten_calls_share_one_connection(self):
        transport = xmlrpc.client.Transport()
        with xmlrpc.client.ServerProxy(self.server.url(), transport) as proxy:
            ports = set()
            for i in range(10):
                self.assertEqual(proxy.double(i), 2 * i)
                ports.add(transport._connection[1].sock.getsockname())
        self.assertEqual(len(ports), 1)

    def test_a_multicall_goes_on_after_a_failing_entry(self):
        with self.proxy() as proxy:
            calls = xmlrpc.client.MultiCall(proxy)
            calls.double(1)
            calls.no_such_method(2)
            calls.double(3)
            results = calls()
            self.assertEqual(results[0], 2)
            with self.assertRaises(xmlrpc.client.Fault) as caught:
                results[1]
            self.assertEqual(caught.exception.faultCode, -32601)
            self.assertEqual(results[2], 6)

    def test_a_long_reply_is_compressed_for_those_who_take_it(self):
        body = xmlrpc.client.dumps(("compress me " * 1000,), "echo")
        for accept, encoding in ("gzip", "gzip"), ("identity", None), ("gzip;q=0", None):
            connection = http.client.HTTPConnection(*self.server.host_port())
            connection.request("POST", "/RPC2", body, {"Accept-Encoding": accept})
            response = connection.getresponse()
            self.assertEqual(response.getheader("Content-Encoding"), encoding, accept)
            self.assertEqual(len(response.read()), int(response.getheader("Content-Length")))
            connection.close()


class Introspection(DuetTest):
    def test_all_methods_are_listed(self):
        with self.proxy() as proxy:
            names = proxy.system.listMethods()
            self.assertEqual(proxy.system.listMethods("nr_1_BidCos-RF"), names)
            self.assertEqual(proxy.system.getCapabilities({}), proxy.system.getCapabilities())
        for name in "double", "echo", "demo.sleep", "system.listMethods", "system.multicall":
            self.assertIn(name, names)
        self.assertEqual(len(names), len(set(names)))

    def test_help_is_the_words_of_the_method_table(self):
        with self.proxy() as proxy:
            self.assertEqual(proxy.system.methodHelp("double"), "Twice its argument.")
            self.assert_fault(-32601, proxy, "system.methodHelp", "no.such.method")

    def test_a_signature_is_an_array_of_arrays(self):
        with self.proxy() as proxy:
            self.assertEqual(
                proxy.system.methodSignature("double"), [["int", "int"], ["double", "double"]]
            )


class Faults(DuetTest):
    def test_each_mistake_has_its_code(self):
        with self.proxy() as proxy:
            self.assert_fault(-32601, proxy, "no_such_method")
            self.assert_fault(-32602, proxy, "double")
            self.assert_fault(-32602, proxy, "double", 1, 2)
            self.assert_fault(-32602, proxy, "double", 2**62)
            message = self.assert_fault(-32602, proxy, "double", "seven")
            self.assertEqual(message, "double: argument 1 must be int or double, got string")

    def test_a_method_chooses_code_and_words(self):
        with self.proxy() as proxy:
            message = self.assert_fault(42, proxy, "demo.fail", 42, "so <long> & thanks 🐟")
            self.assertEqual(message, "so <long> & thanks 🐟")

    def test_bad_documents_have_their_codes(self):
        call = "<methodCall><methodName>echo</methodName><params><param>%s</param></params></methodCall>"
        rows = [
            (-32700, b"this is not XML"),
            (-32700, b"<methodCall><methodName>double</methodName>"),
            (-32700, (call % "<value>&#0;</value>").encode()),
            (-32702, (call % "<value>\xff</value>").encode("latin-1")),
            (-32701, b"<?xml version='1.0' encoding='shift_jis'?>" + (call % "<value/>").encode()),
            (-32600, b"<methodResponse><params/></methodResponse>"),
            (-32600, (call % "<value><unheard>1</unheard></value>").encode()),
            (-32602, (call % "<value><i4>9223372036854775808</i4></value>").encode()),
            (-32602, (call % "<value><i8>9223372036854775808</i8></value>").encode()),
        ]
        connection = http.client.HTTPConnection(*self.server.host_port())
        for code, body in rows:
            connection.request("POST", "/RPC2", body, {"Content-Type": "text/xml"})
            response = connection.getresponse()
            self.assertEqual(response.status, 200, body)
            with self.assertRaises(xmlrpc.client.Fault, msg=body) as caught:
                xmlrpc.client.loads(response.read())
            self.assertEqual(caught.exception.faultCode, code, (body, caught.exception))
        connection.close()

    def test_a_doctype_is_refused(self):
        bomb = b"<!DOCTYPE a [<!ENTITY x 'y'>]><methodCall><methodName>&x;</methodName></methodCall>"
        connection = http.client.HTTPConnection(*self.server.host_port())
        connection.request("POST", "/RPC2", bomb)
        with self.assertRaises(xmlrpc.client.Fault) as caught:
            xmlrpc.client.loads(connection.getresponse().read())
        self.assertLess(caught.exception.faultCode, 0)
        connection.close()


class Echo(DuetTest):
    def assert_echoes(self, proxy, value):
        answer = proxy.echo(value)
        self.assertTrue(values.same(answer, value), f"sent {value!r}\n got {answer!r}")

    def test_every_type_comes_back(self):
        rows = [None, True, False, b"", bytes(range(256)), values.SECOND, [], {}]
        rows += [[[], [[]], {}], {"": {"a": [1, {"b": None}]}, "<&>": "🙂"}]
        with self.proxy() as proxy:
            for value in rows + values.INTS + values.DOUBLES + values.STRINGS:
                self.assert_echoes(proxy, value)

    def test_300_random_values_come_back(self):
        rng = random.Random(300)
        with self.proxy() as proxy:
            for _ in range(300):
                self.assert_echoes(proxy, values.random_value(rng))

    def test_times_at_the_edges_come_back(self):
        rows = [(1, 1, 1), (1969, 12, 31, 23, 59, 59), (2000, 2, 29), (9999, 12, 31, 23, 59, 59)]
        with self.proxy() as proxy:
            for row in rows:
                self.assert_echoes(proxy, datetime.datetime(*row))


class Worker(DuetTest):
    flags = ("--no-inline",)

    def test_everything_may_run_on_workers(self):
        rng = random.Random(1)
        with self.proxy() as proxy:
            for _ in range(50):
                value = values.random_value(rng)
                self.assertTrue(values.same(proxy.echo(value), value))
            self.assertEqual(proxy.demo.sleep(0.01), 0.01)


class Validator1(DuetTest):
    """The XML-RPC validation suite of 1998."""

    def test_the_eight_methods(self):
        stooges = {"moe": 1, "larry": 2, "curly": -5}
        years = {"1999": {"03": {"31": stooges}}, "2000": {"04": {"01": stooges}}}
        everything = (7, True, "x", 1.5, values.SECOND, b"abc")
        items = [str(i) for i in range(150)]
        rows = [
            ("arrayOfStructsTest", ([stooges, {"curly": 1}],), -4),
            ("countTheEntities", ("<<>&&&'\"\"x",), {
                "ctLeftAngleBrackets": 2,
                "ctRightAngleBrackets": 1,
                "ctAmpersands": 3,
                "ctApostrophes": 1,
                "ctQuotes": 2,
            }),
            ("easyStructTest", (stooges,), -2),
            ("echoStructTest", (years,), years),
            ("manyTypesTest", everything, list(everything)),
            ("moderateSizeArrayCheck", (items,), "0149"),
            ("nestedStructTest", (years,), -2),
            ("simpleStructReturnTest", (3,), {"times10": 30, "times100": 300, "times1000": 3000}),
        ]
        with self.proxy() as proxy:
            for name, params, expected in rows:
                answer = getattr(proxy.validator1, name)(*params)
                self.assertTrue(values.same(answer, expected), f"{name}: {answer!r}")


if __name__ == "__main__":
    unittest.main()
