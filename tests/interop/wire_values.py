"""XML-RPC documents as all kinds of clients write them: what each value reads as, or its fault.

Every document goes over one kept connection, and after each fault that connection still serves.
"""
import datetime
import http.client
import math
import struct
import unittest
import xmlrpc.client

import values
from duet_server import PATIENCE_S, DuetTest

EX = "http://ws.apache.org/xmlrpc/namespaces/extensions"
NOT_WELL_FORMED, BAD_ENCODING, BAD_CHARACTER = -32700, -32701, -32702
MALFORMED, OUT_OF_RANGE = -32600, -32602


def call(value, method="echo"):
    return (
        f"<methodCall><methodName>{method}</methodName>"
        f"<params><param>{value}</param></params></methodCall>"
    )


def typed(tag, text):
    return f"<value><{tag}>{text}</{tag}></value>"


def member(name, value):
    return f"<member><name>{name}</name>{value}</member>"


def struct_of(*members):
    return f"<value><struct>{''.join(members)}</struct></value>"


ONE = typed("int", 1)

READ = [
    ("<value>  a \n</value>", "  a \n"),
    ("<value/>", ""),
    ("<value></value>", ""),
    ("<value><string/></value>", ""),
    ("<value> <string> x </string>\n</value>", " x "),
    (typed("int", " 5 "), 5),
    (typed("int", "\n\t-5\r\n"), -5),
    (typed("int", "+5"), 5),
    (typed("i4", "007"), 7),
    (typed("int", "-0"), 0),
    (typed("i4", -(2**31)), -(2**31)),
    (typed("int", 2**31 - 1), 2**31 - 1),
    (typed("int", 1795612728671), 1795612728671),
    (typed("i4", 99999999999999), 99999999999999),
    (typed("int", 2**63 - 1), 2**63 - 1),
    (typed("i4", -(2**63)), -(2**63)),
    (typed("i1", -128), -128),
    (typed("i2", 32767), 32767),
    (typed("i8", 2**63 - 1), 2**63 - 1),
    (typed("i8", -(2**63)), -(2**63)),
    (typed("ex:i8", 2**40), 2**40),
    (f"<value><x:i8 xmlns:x='{EX}'>5</x:i8></value>", 5),
    (typed("ex:i1", 1), 1),
    (typed("ex:i2", 2), 2),
    (typed("ex:biginteger", 2**62), 2**62),
    (typed("biginteger", -(2**63)), -(2**63)),
    (typed("boolean", 1), True),
    (typed("boolean", " 0 "), False),
    (typed("boolean", "true"), True),
    (typed("boolean", "false"), False),
    (typed("double", "1e5"), 100000.0),
    (typed("double", "-1.5"), -1.5),
    (typed("double", "+1.5E-3"), 0.0015),
    (typed("double", " 1.5 "), 1.5),
    (typed("double", "3"), 3.0),
    (typed("double", ".5"), 0.5),
    (typed("double", "5e-324"), 5e-324),
    (typed("double", "1.7976931348623157e308"), 1.7976931348623157e308),
    (typed("float", "1.5"), 1.5),
    (typed("ex:float", "1.5"), 1.5),
    (typed("bigdecimal", "1.25"), 1.25),
    (typed("ex:bigdecimal", "-1.25"), -1.25),
    ("<value><nil/></value>", None),
    ("<value><ex:nil/></value>", None),
    ("<value><nil></nil></value>", None),
    (typed("base64", "AP8Q\n AP\t8Q\r\n"), b"\x00\xff\x10" * 2),
    (typed("base64", "YQ=="), b"a"),
    (typed("base64", "YQ"), b"a"),
    (typed("base64", ""), b""),
    ("<value><![CDATA[<a>&amp;]]></value>", "<a>&amp;"),
    (typed("string", "a<![CDATA[<b>]]>c"), "a<b>c"),
    (typed("string", "a<!-- not here -->b<?nor this?>c"), "abc"),
    (typed("string", "&lt;&amp;&gt;&quot;&apos;&#65;&#x1F642;"), "<&>\"'A🙂"),
    (typed("string", "a\r\nb\rc\n"), "a\nb\nc\n"),
    (typed("string", "a&#13;b"), "a\rb"),
    ("<value> <int>1</int>\n</value>", 1),
    ("<value><array/></value>", []),
    ("<value><array><data/></array></value>", []),
    (f"<value><array><data>{ONE}{ONE}</data></array></value>", [1, 1]),
    ("<value><struct/></value>", {}),
    (f"<value><struct><member>{ONE}<name>a</name></member></struct></value>", {"a": 1}),
    (struct_of(member("a", ONE), member("a", typed("int", 2))), {"a": 2}),
    (struct_of(member("", ONE), member(" &lt;ü ", ONE)), {"": 1, " <ü ": 1}),
    ("<value a='b'><int c='d'>1</int></value>", 1),
    ("<!-- c --><value><?pi x?><int>1<!-- d --></int></value>", 1),
]

FAULTS = [
    (typed("int", "1_000"), MALFORMED),
    (typed("int", ""), MALFORMED),
    (typed("int", "5x"), MALFORMED),
    (typed("int", "0x10"), MALFORMED),
    (typed("int", "1.0"), MALFORMED),
    (typed("int", "1 2"), MALFORMED),
    (typed("int", "+-1"), MALFORMED),
    (typed("int", "٣"), MALFORMED),
    (typed("int", 2**63), OUT_OF_RANGE),
    (typed("i4", -(2**63) - 1), OUT_OF_RANGE),
    (typed("i4", "9" * 1000), OUT_OF_RANGE),
    (typed("i1", 300), OUT_OF_RANGE),
    (typed("i1", -129), OUT_OF_RANGE),
    (typed("i2", 32768), OUT_OF_RANGE),
    (typed("i8", 2**63), OUT_OF_RANGE),
    (typed("i8", -(2**63) - 1), OUT_OF_RANGE),
    (typed("i8", "junk"), MALFORMED),
    (typed("biginteger", 2**64), OUT_OF_RANGE),
    (typed("boolean", "2"), MALFORMED),
    (typed("boolean", ""), MALFORMED),
    (typed("boolean", "TRUE "), MALFORMED),
    (typed("double", ""), MALFORMED),
    (typed("double", "1,5"), MALFORMED),
    (typed("double", "0x1p3"), MALFORMED),
    (typed("double", "1e"), MALFORMED),
    (typed("double", "."), MALFORMED),
    (typed("double", "1e999"), OUT_OF_RANGE),
    (typed("nil", "x"), MALFORMED),
    (typed("base64", "Y!Q="), MALFORMED),
    (typed("base64", "YQ==YQ=="), MALFORMED),
    (typed("base64", "Y"), MALFORMED),
    (typed("base64", "="), MALFORMED),
    (typed("dateTime.iso8601", "yesterday"), MALFORMED),
    (typed("dateTime.iso8601", ""), MALFORMED),
    (typed("dateTime.iso8601", "19980230T00:00:00"), OUT_OF_RANGE),
    ("<value>&#0;</value>", NOT_WELL_FORMED),
    ("<value>\x1b[31m</value>", NOT_WELL_FORMED),
    ("<value>\0</value>", NOT_WELL_FORMED),
    ("<value>&#xFFFE;</value>", NOT_WELL_FORMED),
    ("<value>&#xD800;</value>", NOT_WELL_FORMED),
    ("<value>&unknown;</value>", NOT_WELL_FORMED),
    ("<value>]]></value>", NOT_WELL_FORMED),
    ("<value><int>1</value></int>", NOT_WELL_FORMED),
    ("<value a=b/>", NOT_WELL_FORMED),
    ("<value a='1' a='2'/>", NOT_WELL_FORMED),
    ("<value>x<int>1</int>y</value>", MALFORMED),
    ("<value><int>1</int>y</value>", MALFORMED),
    ("<value><int>1</int><int>2</int></value>", MALFORMED),
    ("<value><int><i4>1</i4></int></value>", MALFORMED),
    (ONE + ONE, MALFORMED),
    ("<int>1</int>", MALFORMED),
    ("<value><array><data><int>1</int></data></array></value>", MALFORMED),
    ("<value><array>" + ONE + "</array></value>", MALFORMED),
    ("<value><array><data/><data/></array></value>", MALFORMED),
    (struct_of("<name>a</name>"), MALFORMED),
    (struct_of("<member><name>a</name></member>"), MALFORMED),
    (struct_of(f"<member>{ONE}</member>"), MALFORMED),
    (struct_of(f"<member><name>a</name>{ONE}{ONE}</member>"), MALFORMED),
    (struct_of(f"<member><name>a</name><name>b</name>{ONE}</member>"), MALFORMED),
]

NAMED_IN_THE_FAULT = [
    ("<value><unheard>1</unheard></value>", "unheard"),
    ("<value><INT>1</INT></value>", "INT"),
    ("<value><ex:dom><a/></ex:dom></value>", "ex:dom"),
    (typed("ex:serializable", "rO0AB"), "ex:serializable"),
]

DATES = [
    ("19980717T14:08:55", (14, 8, 55)),
    ("1998-07-17T14:08:55", (14, 8, 55)),
    ("19980717T140855", (14, 8, 55)),
    ("1998-07-17T140855", (14, 8, 55)),
    (" 19980717T14:08:55\n", (14, 8, 55)),
    ("19980717t14:08:55z", (14, 8, 55)),
    ("19980717T14:08:55Z", (14, 8, 55)),
    ("19980717T14:08:55+02", (12, 8, 55)),
    ("19980717T14:08:55+0230", (11, 38, 55)),
    ("1998-07-17T14:08:55-02:30", (16, 38, 55)),
    ("1998-07-17T14:08:55.25Z", (14, 8, 55)),
    ("19980717T14:08:55.999999+00:00", (14, 8, 55)),
    ("19980717T", (0, 0, 0)),
    ("19980717T14:08:60", (14, 9, 0)),
]

DOCUMENTS = [
    (call("<value>é</value>"), "utf-8", "é"),
    ("\ufeff" + call("<value>é</value>"), "utf-8", "é"),
    ("<?xml version='1.0'?>" + call("<value>é🙂</value>"), "utf-8", "é🙂"),
    ("<?xml version='1.0' encoding='UTF-8' standalone='yes'?>" + call("<value>é</value>"),
     "utf-8", "é"),
    ("<?xml version='1.0' encoding='us-ascii'?>" + call("<value>e&#233;</value>"), "ascii", "eé"),
    ("<?xml version='1.0' encoding='ISO-8859-1'?>" + call("<value>é</value>"), "latin-1", "é"),
    ("<?xml version='1.0' encoding='windows-1252'?>" + call("<value>é€“</value>"), "cp1252",
     "é€“"),
    ("<?xml version='1.0' encoding='utf8'?>" + call("<value>é🙂</value>"), "utf-8", "é🙂"),
    ("<?xml version='1.0' encoding='latin1'?>" + call("<value>é</value>"), "latin-1", "é"),
    ("<?xml version='1.0' encoding='ISO_8859-1'?>" + call("<value>é</value>"), "latin-1", "é"),
    ("<?xml version='1.0' encoding='ascii'?>" + call("<value>e&#233;</value>"), "ascii", "eé"),
    ("\ufeff" + call("<value>é🙂</value>"), "utf-16-le", "é🙂"),
    ("\ufeff<?xml version='1.0' encoding='UTF-16'?>" + call("<value>é🙂</value>"), "utf-16-be",
     "é🙂"),
    ("\n\n".join(["", "<methodCall>", " <methodName>\n echo </methodName>", "<params>",
                  f"<param>\t{ONE}\n</param>", "</params>", "</methodCall>", ""])[2:], "utf-8", 1),
    (f"<methodCall xmlns:ex='{EX}'><methodName>echo</methodName><params><param><value>"
     "<ex:i8>7</ex:i8></value></param></params></methodCall><!-- end -->", "utf-8", 7),
    ("<methodCall><params><param><value>late</value></param></params>"
     "<methodName>echo</methodName></methodCall>", "utf-8", "late"),
    ("<methodCall><methodName>demo.nothing</methodName></methodCall>", "utf-8", None),
    ("<methodCall><methodName>demo.nothing</methodName><params/></methodCall>", "utf-8", None),
    (call("", "demo.nothing"), "utf-8", None),
]

LATIN = b"<?xml version='1.0' encoding='%s'?>" + call("<value>\xe9</value>").encode("latin-1")
BAD_DOCUMENTS = [
    (b"", NOT_WELL_FORMED),
    (b" ", NOT_WELL_FORMED),
    (call("").encode() + b"x", NOT_WELL_FORMED),
    (call("").encode() * 2, NOT_WELL_FORMED),
    (call("").encode()[:-1], NOT_WELL_FORMED),
    (b" <?xml version='1.0'?>" + call("").encode(), NOT_WELL_FORMED),
    (b"<!DOCTYPE a><methodCall/>", NOT_WELL_FORMED),
    (b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'>" + call("").encode(), NOT_WELL_FORMED),
    (b"<!DOCTYPE a [<!ENTITY b 'b'>]>" + call("<value>&b;</value>").encode(), NOT_WELL_FORMED),
    (LATIN % b"UTF-8", BAD_CHARACTER),
    (LATIN % b"US-ASCII", BAD_CHARACTER),
    (call("<value>\x81</value>").encode("latin-1").join(
        [b"<?xml version='1.0' encoding='windows-1252'?>", b""]), BAD_CHARACTER),
    (call("<value>@</value>").encode().replace(b"@", b"\xed\xa0\x80"), BAD_CHARACTER),
    (call("<value>@</value>").encode().replace(b"@", b"\xc0\x80"), BAD_CHARACTER),
    (call("<value>@</value>").encode().replace(b"@", b"\xf4\x90\x80\x80"), BAD_CHARACTER),
    ("\ufeff".encode("utf-16-le") + b"<\0m\0" + b"\x00\xd8", BAD_CHARACTER),
    (LATIN % b"shift_jis", BAD_ENCODING),
    (LATIN % b"EUC-JP", BAD_ENCODING),
    (LATIN % b"KOI8-R", BAD_ENCODING),
    (LATIN % b"UTF-16", BAD_ENCODING),
    (b"<methodCall/>", MALFORMED),
    (b"<methodCall><methodName/></methodCall>", MALFORMED),
    (b"<methodCall><methodName>a</methodName><methodName>b</methodName></methodCall>", MALFORMED),
    (b"<methodCall><methodName><b/></methodName></methodCall>", MALFORMED),
    (b"<methodCall>echo</methodCall>", MALFORMED),
    (b"<methodResponse><params/></methodResponse>", MALFORMED),
    (b"<html/>", MALFORMED),
    (call("", " ").encode(), MALFORMED),
    (call("", "ECHO").encode(), -32601),
    (call("", "é").encode(), -32601),
]


class Documents(DuetTest):
    def setUp(self):
        self.http = http.client.HTTPConnection(*self.server.host_port(), timeout=PATIENCE_S)
        self.addCleanup(self.http.close)
        self.http.connect()
        self.port = self.http.sock.getsockname()

    def post(self, body):
        self.http.request("POST", "/RPC2", body)
        response = self.http.getresponse()
        self.assertEqual((response.status, response.headers["Content-Type"][:8]), (200, "text/xml"))
        answer = response.read()
        self.assertEqual(self.http.sock and self.http.sock.getsockname(), self.port, body)
        return answer

    def result(self, body):
        return xmlrpc.client.loads(self.post(body), use_builtin_types=True)[0][0]

    def check_result(self, body, expected):
        result = self.result(body)
        self.assertTrue(values.same(result, expected), f"{body!r}: {result!r}, not {expected!r}")

    def check_fault(self, body, code):
        with self.assertRaises(xmlrpc.client.Fault, msg=body) as caught:
            self.result(body)
        fault = caught.exception
        self.assertEqual(fault.faultCode, code, (body, fault.faultString))
        self.check_result(call(typed("int", 21), "double").encode(), 42)
        return fault.faultString

    def test_each_value_is_read(self):
        for value, expected in READ:
            with self.subTest(value):
                self.check_result(call(value).encode(), expected)

    def test_each_bad_value_has_its_code_and_the_connection_goes_on(self):
        for value, code in FAULTS:
            with self.subTest(value):
                self.check_fault(call(value).encode(), code)

    def test_a_type_that_is_not_known_is_named(self):
        for value, name in NAMED_IN_THE_FAULT:
            self.assertIn(f"<{name}>", self.check_fault(call(value).encode(), MALFORMED))

    def test_what_is_not_finite_is_read_but_xml_cannot_carry_it_back(self):
        for text in "NaN", "nan", "inf", "-INF", "Infinity":
            words = self.check_fault(call(typed("double", text)).encode(), -32603)
            self.assertRegex(words, "(?i)nan|inf|finite")

    def test_each_form_of_a_date_is_read_and_its_offset_applied(self):
        for text, time in DATES:
            expected = datetime.datetime(1998, 7, 17, *time)
            with self.subTest(text):
                self.check_result(call(typed("dateTime.iso8601", text)).encode(), expected)
                self.check_result(call(typed("ex:dateTime", text)).encode(), expected)

    def test_each_encoding_is_read(self):
        for text, encoding, expected in DOCUMENTS:
            with self.subTest(text, encoding=encoding):
                self.check_result(text.encode(encoding), expected)

    def test_each_bad_document_has_its_code_and_the_connection_goes_on(self):
        for body, code in BAD_DOCUMENTS:
            with self.subTest(body):
                self.check_fault(body, code)

    def test_doubles_are_written_plainly_and_exactly(self):
        for number in values.DOUBLES + [0.1 + 0.2, math.pi, 1 / 3, 1e22, 1e23, 123456.0]:
            answer = self.post(call(typed("double", repr(number))).encode())
            text = answer.split(b"<double>")[1].split(b"</double>")[0].decode()
            self.assertRegex(text, r"^-?\d+\.\d+$")
            self.assertEqual(struct.pack("<d", float(text)), struct.pack("<d", number))

    def test_strings_are_written_so_that_they_come_back(self):
        answer = self.post(call(typed("string", "a&#13;&#10;]]&gt;&lt;&amp;\t")).encode())
        self.assertIn(b"<string>a&#13;\n]]&gt;&lt;&amp;\t</string>", answer)


if __name__ == "__main__":
    unittest.main()
