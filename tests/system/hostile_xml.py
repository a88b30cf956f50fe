"""XML-RPC documents that are wrong, and documents that are meant to hurt: the fault rows of the wire
facts, entities, depth, width, and tokens as large as a message."""
import unittest
import xmlrpc.client

from hostile import HostileTest
from rig import LIMIT, MIB, PARSE, around, call_xml, packed, post, read_to_end

ENCODING, CHARACTER, REQUEST, METHOD, PARAMS = -32701, -32702, -32600, -32601, -32602
ROOM = 16 * MIB - 1000  # of a message


def value(text):
    return around(b"<value>" + text + b"</value>")


# Each row of the wire facts that must be a fault.
FAULTS = [
    (REQUEST, value(b"<int>1_000</int>")),
    (PARAMS, value(b"<i4>99999999999999999999</i4>")),
    (PARAMS, value(b"<int>9223372036854775808</int>")),
    (PARAMS, value(b"<i1>300</i1>")),
    (PARAMS, value(b"<i2>40000</i2>")),
    (PARAMS, value(b"<i8>9223372036854775808</i8>")),
    (PARAMS, value(b"<i8>-9223372036854775809</i8>")),
    (PARAMS, value(b"<i8>" + b"9" * 5000 + b"</i8>")),
    (REQUEST, value(b"<i8>x</i8>")),
    (REQUEST, value(b"<int></int>")),
    (REQUEST, value(b"<boolean>2</boolean>")),
    (REQUEST, value(b"<double>x</double>")),
    (REQUEST, value(b"<double>1.5.5</double>")),
    (REQUEST, value(b"<base64>AA*A</base64>")),
    (REQUEST, value(b"<dateTime.iso8601>yesterday</dateTime.iso8601>")),
    (PARAMS, value(b"<dateTime.iso8601>20260230T00:00:00</dateTime.iso8601>")),
    (PARSE, value(b"&#0;")),
    (PARSE, value(b"\x1b")),
    (PARSE, value(b"&#x1b;")),
    (PARSE, value(b"&nbsp;")),
    (REQUEST, value(b"x<int>1</int>y")),
    (REQUEST, value(b"<int>1</int><int>2</int>")),
    (REQUEST, value(b"<unknown/>")),
    (REQUEST, value(b"<struct><member><value/></member></struct>")),
    (REQUEST, value(b"<struct><member><name>a</name></member></struct>")),
    (REQUEST, value(b"<array><value/></array>")),
    (PARSE, value(b"<int>1</string>")),
    (PARSE, b"<methodCall><methodName>echo</methodName>"),
    (PARSE, b""),
    (PARSE, b"{}"),
    (PARSE, b"<"),
    (REQUEST, b"<methodResponse/>"),
    (REQUEST, b"<methodCall/>"),
    (REQUEST, b"<methodCall><params/></methodCall>"),
    (METHOD, b"<methodCall><methodName>none</methodName></methodCall>"),
    (ENCODING, b"<?xml version='1.0' encoding='shift_jis'?>" + b"<methodCall/>"),
    (ENCODING, b"<?xml version='1.0' encoding='x'?><methodCall/>"),
    (CHARACTER, value(b"\xff\xfe")),
    (CHARACTER, value(b"\xc0\x80")),
    (CHARACTER, value(b"\xed\xa0\x80")),
]

BOMB = b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>" + b"".join(
    b"<!ENTITY %c '%b'>" % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9)
)
ENTITIES = [
    b"<?xml version='1.0'?>" + BOMB + b"]>" + value(b"&j;").split(b"?>")[1],
    b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>" + value(b"&a;").split(b"?>")[1],
    b"<!DOCTYPE x [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/x'> %p;]><methodCall/>",
    b"<!DOCTYPE x SYSTEM 'file:///dev/zero'><methodCall/>",
    b"<!DOCTYPE x [<!ENTITY a '&a;'>]>" + value(b"&a;").split(b"?>")[1],
    b"<!DOCTYPE x [" + b"<!ENTITY a 'x'>" * 100_000 + b"]><methodCall/>",
    b"<!DOCTYPE x [<!ATTLIST methodCall a CDATA '" + b"x" * 100_000 + b"'>]><methodCall/>",
]

LEVEL = b"<value><array><data>"


class Xml(HostileTest):
    def check_fault(self, code, body):
        answer = self.ask(post(body))
        self.assertEqual(answer.code, code, (body[:200], answer.words))
        self.assertLess(len(answer.words), 1500)
        return answer

    def test_each_fault_row_is_a_fault_and_the_connection_goes_on(self):
        for code, body in FAULTS:
            with self.subTest(body[-150:]), self.server.connect() as sock:
                sock.sendall(post(body) + post(call_xml("double", 21), "Connection: close"))
                data = read_to_end(sock)
                self.assertIn(b"<int>%d</int>" % code, data)
                self.assertIn(b"<int>42</int>", data)

    def test_entities_and_doctypes_are_refused(self):
        for body in ENTITIES:
            before = self.cpu_s()
            words = self.check_fault(PARSE, body).words
            self.assertIn("DOCTYPE", words)
            self.assertLess(self.cpu_s() - before, 1)

    def test_200000_levels_of_nesting_are_refused(self):
        for levels in 100, 10_000, 200_000:
            self.check_fault(LIMIT, around(LEVEL * levels))
            self.check_fault(LIMIT, around(LEVEL * levels + b"</data></array></value>" * levels))
            struct = b"<value><struct><member><name>a</name>"
            self.check_fault(LIMIT, around(struct * levels))
        for unknown in b"<a>" * 200_000, b"<value>" * 200_000, b"<methodCall>" * 200_000:
            self.assertIn(self.ask(post(unknown)).code, (PARSE, REQUEST, LIMIT))

    def test_16_mib_of_the_smallest_elements_are_refused(self):
        for element in b"<value/>", b"<value><nil/></value>", b"<value><i4>1</i4></value>":
            body = around(LEVEL + element * (ROOM // len(element)) + b"</data></array></value>")
            answer = self.ask(post(body))
            over = ROOM // len(element) > 1_000_000
            self.assertEqual(answer.code, LIMIT if over else None, element)
        member = b"<member><name/><value/></member>"
        members = member * (ROOM // len(member))
        self.check_fault(LIMIT, around(b"<value><struct>" + members + b"</struct></value>"))
        param = b"<param><value/></param>"
        body = b"<methodCall><methodName>echo</methodName><params>"
        self.check_fault(PARAMS, body + param * (ROOM // len(param)) + b"</params></methodCall>")

    def test_tokens_as_large_as_a_message_are_survived(self):
        x = b"x" * (ROOM - 1000)
        rows = [
            b"<" + x,
            b"<" + x + b"/>",
            b"<methodCall " + x + b"=''/>",
            b"<methodCall a='" + x + b"'/>",
            b"<!--" + x,
            b"<?" + x,
            b"<![CDATA[" + x,
            b"&" + x,
            b"<methodCall>&" + x + b";</methodCall>",
            b"<methodCall><methodName>" + x + b"</methodName></methodCall>",
            value(b"<int>" + x + b"</int>"),
            value(b"<double>" + b"1" * len(x) + b"</double>"),
            value(b"<base64>" + b"*" + x + b"</base64>"),
            b"<methodCall " + b"".join(b"a%x='' " % i for i in range(1_000_000)) + b"/>",
        ]
        for body in rows:
            before = self.cpu_s()
            answer = self.ask(post(body))
            self.assertLess(answer.code, 0, body[:40])
            self.assertLess(len(answer.words), 1500, body[:40])
            self.assertLess(self.cpu_s() - before, 5, body[:40])

    def test_one_byte_at_a_time_through_chunks(self):
        body = value(b"<struct><member><name>a</name><value>&lt;&amp;</value></member></struct>")
        data = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
        answer = self.exchange(post(data, "Transfer-Encoding: chunked", length=False))
        self.assertIn(b"&lt;&amp;", answer)

    def test_a_multicall_of_5000_is_refused_in_both_protocols(self):
        calls = [{"methodName": "double", "params": [1]}] * 5000
        answer = self.check_fault(LIMIT, call_xml("system.multicall", calls))
        self.check_words(answer.words, "--max-multicall", 1024, 5000)
        ((_, _, error, _),) = self.replies(packed("system.multicall", calls))
        self.assertEqual(error[0], LIMIT)

    def test_a_multicall_in_a_multicall_is_refused_in_both_protocols(self):
        inner = [{"methodName": "system.multicall", "params": [[]]}]
        with self.proxy() as proxy, self.peer() as peer:
            results = proxy.system.multicall(inner), peer.call("system.multicall", inner)
        for (entry,) in results:
            self.assertEqual(entry["faultCode"], REQUEST)

    def test_names_are_cut_in_what_is_said_of_them(self):
        for body in (call_xml("x" * 100_000), value(b"<" + b"x" * 100_000 + b"/>")):
            answer = self.ask(post(body))
            self.assertLess(len(answer.words), 600)
        xmlrpc.client.loads  # what is said of them is itself well-formed: check_fault read it


if __name__ == "__main__":
    unittest.main()
