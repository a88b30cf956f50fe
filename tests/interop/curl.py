"""HTTP as curl speaks it: one table of options and what must come back."""
import os
import re
import subprocess
import tempfile
import unittest
import xmlrpc.client

import msgpack
from duet_server import PATIENCE_S, DuetTest, Server, need_command

CALL = xmlrpc.client.dumps((7,), "double")
ANSWER = rb"<int>14</int>"
REUSED = r"Re-using existing (http: )?connection"  # of curl before and since 8.12


class CurlTest(DuetTest):
    @classmethod
    def setUpClass(cls):
        cls.curl = need_command("curl")
        super().setUpClass()

    def run_curl(self, path, *options, stdin=b""):
        """Head and body of what curl received last, and curl's notes."""
        command = [self.curl, "-sv", "-i", "--max-time", str(PATIENCE_S), "--noproxy", "*"]
        urls = [] if path is None else [self.server.url(path)]
        done = subprocess.run(command + list(options) + urls, input=stdin, capture_output=True)
        head, _, body = done.stdout.rpartition(b"\r\n\r\n")
        return head.decode("latin-1"), body, done.stderr.decode("latin-1")

    def check(self, status, pattern, path, *options, stdin=b""):
        head, body, notes = self.run_curl(path, *options, stdin=stdin)
        statuses = re.findall(r"^HTTP/1\.[01] (\d+)", head, re.M)
        self.assertTrue(statuses, (options, notes))
        self.assertEqual(int(statuses[-1]), status, (options, head, body))
        if pattern is not None:
            self.assertRegex(body, pattern, (options, head))
        return head


class Requests(CurlTest):
    def test_a_call_may_come_in_every_dress(self):
        chunked = ("-H", "Transfer-Encoding: chunked")
        rows = [
            (),
            ("-H", "Content-Type: text/plain"),
            ("-H", "Content-Type:"),
            ("-H", "User-Agent:"),
            ("-H", "Accept-Encoding: gzip"),
            ("-H", "Upgrade: h2c"),
            ("-0",),
            ("-0", "-H", "Host:"),
            ("-H", "Expect: 100-continue"),
            chunked,
            chunked + ("-H", "Expect: 100-continue"),
        ]
        for options in rows:
            head = self.check(200, ANSWER, "/RPC2", "-d", CALL, *options)
            self.assertRegex(head, r"(?mi)^Content-Type: text/xml")
            self.assertRegex(head, r"(?mi)^Content-Length: \d+")

    def test_100_continue_is_said_at_once(self):
        _, body, notes = self.run_curl("/RPC2", "-d", CALL, "-H", "Expect: 100-continue")
        self.assertIn("< HTTP/1.1 100 Continue", notes)
        self.assertNotIn("Done waiting for 100-continue", notes)
        self.assertRegex(body, ANSWER)

    def test_connections_are_kept(self):
        url = self.server.url("/RPC2")
        for version in (), ("-0", "-H", "Connection: keep-alive"):
            _, _, notes = self.run_curl(None, *version, "-d", CALL, url, url, url)
            self.assertEqual(len(re.findall(REUSED, notes)), 2, notes)
        _, _, notes = self.run_curl(None, "-0", "-d", CALL, url, url)
        self.assertNotRegex(notes, REUSED)

    def test_compressed_requests_are_read(self):
        zipped = subprocess.run(["gzip", "-c"], input=CALL.encode(), capture_output=True).stdout
        gzip = ("--data-binary", "@-", "-H", "Content-Encoding: gzip")
        self.check(200, ANSWER, "/RPC2", *gzip, stdin=zipped)
        self.check(400, None, "/RPC2", *gzip, stdin=b"not gzip at all")
        self.check(501, None, "/RPC2", "-d", CALL, "-H", "Content-Encoding: br")

    def test_compressed_replies_are_sent_on_request(self):
        call = xmlrpc.client.dumps(("long " * 1000,), "echo")
        head = self.check(200, rb"long long", "/RPC2", "-d", call, "--compressed")
        self.assertRegex(head, r"(?mi)^Content-Encoding: gzip")
        head = self.check(200, rb"long long", "/RPC2", "-d", call)
        self.assertNotIn("Content-Encoding", head)

    def test_messagepack_may_come_in_http(self):
        head, body, _ = self.run_curl(
            "/RPC2",
            "--data-binary", "@-",
            "-H", "Content-Type: application/msgpack",
            stdin=msgpack.packb([0, 1, "double", [7]]),
        )
        self.assertRegex(head, r"(?mi)^Content-Type: application/msgpack")
        self.assertEqual(msgpack.unpackb(body), [1, 1, None, 14])


class Refusals(CurlTest):
    flags = ("--max-message", "2000")

    def test_every_refusal_has_its_status(self):
        fill = "x" * 100_000
        big = xmlrpc.client.dumps(("y" * 2000,), "echo")
        rows = [
            (404, "/x", ("-d", CALL)),
            (404, "/RPC2?x", ("-d", CALL)),
            (404, "/x", ()),
            (405, "/RPC2", ("-X", "PUT", "-d", CALL)),
            (405, "/RPC2", ("-X", "DELETE",)),
            (411, "/RPC2", ("-d", CALL, "-H", "Content-Length:")),
            (413, "/RPC2", ("-d", big)),
            (413, "/RPC2", ("-d", big, "-H", "Expect: 100-continue")),
            (413, "/RPC2", ("-d", big, "-H", "Transfer-Encoding: chunked")),
            (413, "/RPC2", ("-d", CALL, "-H", "Content-Length: 1000000000000")),
            (413, "/RPC2", ("-d", CALL, "-H", "Content-Length: 99999999999999999999999")),
            (400, "/RPC2", ("-d", CALL, "-H", "Content-Length: -1")),
            (400, "/RPC2", ("-d", CALL, "-H", "Host:")),
            (400, "/RPC2", ("-0", "-d", CALL, "-H", "Transfer-Encoding: chunked")),
            (431, "/RPC2", ("-d", CALL, "-H", f"X-Fill: {fill}")),
            (431, "/" + fill, ("-d", CALL)),
            (501, "/RPC2", ("-d", CALL, "-H", "Transfer-Encoding: gzip, chunked", "-H", "Content-Length:")),
        ]
        for status, path, options in rows:
            with self.subTest(status=status, path=path[:20], options=str(options)[-80:]):
                self.check(status, None, path, *options)
                self.check(200, ANSWER, "/RPC2", "-d", CALL)

    def test_a_limit_is_named_in_a_fault(self):
        big = xmlrpc.client.dumps(("y" * 2000,), "echo")
        _, body, _ = self.run_curl("/RPC2", "-d", big)
        with self.assertRaises(xmlrpc.client.Fault) as caught:
            xmlrpc.client.loads(body)
        self.assertEqual(caught.exception.faultCode, -32000)
        self.assertEqual(
            caught.exception.faultString, f"message of {len(big)} bytes exceeds --max-message 2000"
        )

    def test_a_405_says_what_is_allowed(self):
        head = self.check(405, None, "/RPC2", "-X", "PUT", "-d", CALL)
        self.assertRegex(head, r"(?mi)^Allow: .*POST")


class Pages(CurlTest):
    def test_a_browser_learns_what_this_is(self):
        for path in "/", "/RPC2":
            self.check(200, rb"(?i)xml-rpc", path)

    def test_head_has_no_body_and_options_says_what_is_allowed(self):
        self.check(200, rb"^$", "/", "-I")
        head, _, _ = self.run_curl("/RPC2", "-X", "OPTIONS")
        self.assertRegex(head, r"(?mi)^Allow: .*POST")


class UnixSocket(unittest.TestCase):
    def test_curl_calls_through_a_unix_socket(self):
        curl = need_command("curl")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "socket")
            server = Server(listen=(f"http+unix:{path}",))
            try:
                url = "http://localhost/RPC2"
                command = [curl, "-s", "--unix-socket", path, "-d", CALL, url]
                answer = subprocess.run(command, capture_output=True, timeout=PATIENCE_S).stdout
                self.assertRegex(answer, ANSWER)
            finally:
                server.stop()


if __name__ == "__main__":
    unittest.main()
