"""What browsers send of the page that asks, and what they need to read the answer: foreign pages
and rebound names are refused before anything runs, allowed ones get the headers of CORS."""
import gzip
import os
import re
import socket
import tempfile
import unittest
import xmlrpc.client

import msgpack
from duet_server import read_to_end
from wire import ANSWER, CALL, PACKED, WireTest, request

MSGPACK = "Content-Type: application/msgpack"
NO_METHOD = xmlrpc.client.dumps((), "no.such.method").encode()
CORS = "Access-Control-"


class BrowserTest(WireTest):
    def ask(self, *headers, host=None, i=0, **options):
        """Status, head and body of the answer to one request; the Host is the listener's own if
        none is given."""
        lines = [*headers, "Connection: close"]
        data = request(*lines, **options)
        name = self.own_host(i) if host is None else host
        data = data.replace(b"Host: localhost", b"Host: " + name.encode(), 1)
        with self.server.connect(i) as sock:
            sock.sendall(data)
            head, _, body = read_to_end(sock).partition(b"\r\n\r\n")
        head = head.decode("latin-1") + "\r\n"
        return int(head.split()[1]), head, body

    def own_host(self, i=0):
        address = self.server.addresses[i]
        return "localhost" if "unix:" in address else "%s:%d" % self.server.host_port(i)

    def own_origin(self):
        return "Origin: http://" + self.own_host()

    def get(self, *headers, **options):
        return self.ask(*headers, verb="GET", body=b"", length=False, **options)

    def preflight(self, *headers, **options):
        asked = ("Access-Control-Request-Method: POST", *headers)
        return self.ask(*asked, verb="OPTIONS", body=b"", length=False, **options)

    def check_refused(self, answer, flag):
        status, head, body = answer
        self.assertEqual(status, 403, head)
        self.assertIn(flag, body.decode())
        self.assertNotIn(CORS, head)

    def calls_of(self, method):
        with self.proxy() as proxy:
            return proxy.system.stats()["methods"].get(method, {"ok": 0})["ok"]


class Defaults(BrowserTest):
    def test_pages_of_others_are_refused_whatever_they_ask(self):
        evil = "Origin: http://evil.example"
        before = self.calls_of("double")
        for origin in evil, "Origin: null", "Origin:", "Origin: http://127.0.0.1:1":
            with self.subTest(origin):
                flag = "--allow-origin"
                self.check_refused(self.ask(origin, "Content-Type: text/plain"), flag)
                self.check_refused(self.ask(origin, MSGPACK, body=PACKED), flag)
                self.check_refused(self.ask(origin, body=b"<not><a call"), flag)
                self.check_refused(self.ask(origin, target="/x"), flag)
                zipped = self.ask(origin, "Content-Encoding: gzip", body=gzip.compress(CALL))
                self.check_refused(zipped, flag)
                chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(CALL), CALL)
                coded = "Transfer-Encoding: chunked"
                self.check_refused(self.ask(origin, coded, body=chunked, length=False), flag)
                for target in "/", "/healthz", "/x":
                    self.check_refused(self.get(origin, target=target), flag)
                self.check_refused(self.preflight(origin), flag)
        self.check_refused(self.ask(f"{evil}, http://127.0.0.1"), "--allow-origin")
        self.assertEqual(self.calls_of("double"), before)

    def test_a_browser_that_says_cross_site_alone_is_refused(self):
        for answer in (
            self.ask("Sec-Fetch-Site: cross-site"),
            self.get("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", target="/"),
        ):
            self.check_refused(answer, "--allow-origin")
        for site in "same-origin", "same-site", "none":
            self.assertEqual(self.ask("Sec-Fetch-Site: " + site)[0], 200)

    def test_a_rebound_name_is_refused_but_for_health(self):
        _, port = self.server.host_port()
        for host in "evil.example", f"evil.example:{port}", "localhost.evil.example", "127.1":
            with self.subTest(host):
                for answer in (
                    self.ask(host=host),
                    self.ask(MSGPACK, host=host, body=PACKED),
                    self.ask(f"Origin: http://{host}", host=host),
                    self.get(host=host, target="/"),
                    self.get(host=host, target="/x"),
                    self.preflight(f"Origin: http://{host}", host=host),
                    self.ask(host=host, target="/healthz"),
                ):
                    self.check_refused(answer, "--allow-host")
                self.assertEqual(self.get(host=host, target="/healthz")[::2], (200, b"ok\n"))

    def test_names_of_this_machine_are_served(self):
        _, port = self.server.host_port()
        for host in (
            f"127.0.0.1:{port}", "127.0.0.1", "10.1.2.3:80", "[::1]", f"[::1]:{port}",
            "localhost", "LOCALHOST.:1", f"localhost:{port}", "app.localhost", f"a.b.LocalHost.:{port}", "",
        ):
            with self.subTest(host):
                self.assertIn(ANSWER, self.ask(host=host)[2])
        self.assertIn(ANSWER, self.exchange(request(version="1.0").replace(b"Host: localhost\r\n", b"")))

    def test_a_second_host_or_origin_is_no_http(self):
        self.assertEqual(self.ask("Host: localhost")[0], 400)
        self.assertEqual(self.ask(self.own_origin(), self.own_origin())[0], 400)

    def test_a_page_of_the_server_itself_may_call(self):
        _, port = self.server.host_port()
        for host in self.own_host(), f"localhost:{port}", f"[::1]:{port}":
            origin = f"http://{host}"
            status, head, body = self.ask("Origin: " + origin, host=host)
            self.assertEqual(status, 200, head)
            self.assertIn(ANSWER, body)
            self.assertIn(f"Access-Control-Allow-Origin: {origin}\r\n", head)
        self.check_refused(
            self.ask(f"Origin: http://localhost:{port}", host=f"127.0.0.1:{port}"), "--allow-origin"
        )
        self.check_refused(self.ask(f"Origin: https://{self.own_host()}"), "--allow-origin")

    def test_who_is_no_browser_sees_nothing_of_this(self):
        _, head, body = self.ask()
        self.assertIn(ANSWER, body)
        self.assertNotIn(CORS, head)
        self.assertNotIn("Vary", head)
        self.assertEqual(self.get(target="/")[0], 200)
        status, head, _ = self.ask(verb="OPTIONS", body=b"", length=False)
        self.assertEqual(status, 204)
        self.assertNotIn(CORS, head)


class Allowed(BrowserTest):
    origins = ("https://app.example", "http://127.0.0.1:3000", "null")
    flags = ("--allow-origin", "https://App.example:443/", "--allow-origin=http://127.0.0.1:3000",
             "--allow-origin", "null", "--allow-host", "proxy.example",
             "--max-message", "4K", "--call-timeout", "200ms")

    def check_readable(self, answer, status, origin):
        self.assertEqual(answer[0], status, answer)
        self.assertEqual(
            re.findall(r"^Access-Control-Allow-Origin: (.*)\r$", answer[1], re.M), [origin]
        )
        self.assertEqual(answer[1].count("Vary: Origin"), 1)

    def test_every_answer_can_be_read_by_the_page(self):
        sleep = xmlrpc.client.dumps((5.0,), "demo.sleep").encode()
        for origin in self.origins:
            line = "Origin: " + origin
            with self.subTest(origin):
                answer = self.ask(line, "Sec-Fetch-Site: cross-site")
                self.check_readable(answer, 200, origin)
                self.assertIn(ANSWER, answer[2])
                answer = self.ask(line, MSGPACK, body=PACKED)
                self.check_readable(answer, 200, origin)
                self.assertEqual(msgpack.unpackb(answer[2])[3], 14)
                note = self.ask(line, MSGPACK, body=msgpack.packb([2, "double", [1]]))
                self.check_readable(note, 204, origin)
                self.check_readable(self.ask(line, body=NO_METHOD), 200, origin)
                self.check_readable(self.ask(line, body=b"x"), 200, origin)
                self.check_readable(self.ask(line, body=b"x" * 5000), 413, origin)
                self.check_readable(self.ask(line, length=False), 411, origin)
                self.check_readable(self.ask("Content-Encoding: br", line), 501, origin)
                self.check_readable(self.ask(line, target="/x"), 404, origin)
                self.check_readable(self.ask(line, verb="PUT"), 405, origin)
                self.check_readable(self.get(line, target="/"), 200, origin)
                self.check_readable(self.get(line, target="/healthz"), 200, origin)
                answer = self.ask(line, body=sleep)
                self.check_readable(answer, 200, origin)
                self.assertIn(b"<fault>", answer[2])

    def test_a_preflight_is_answered(self):
        asked = "Access-Control-Request-Headers: content-type"
        for origin in self.origins:
            status, head, body = self.preflight("Origin: " + origin, asked)
            self.check_readable((status, head, body), 204, origin)
            self.assertRegex(head, r"(?m)^Access-Control-Allow-Methods: .*\bPOST\b")
            self.assertRegex(head, r"(?m)^Access-Control-Allow-Headers: .*\bContent-Type\b")
            self.assertRegex(head, r"(?m)^Access-Control-Max-Age: [1-9]\d*")
            self.assertNotIn("Private-Network", head)
        private = "Access-Control-Request-Private-Network: true"
        _, head, _ = self.preflight("Origin: " + self.origins[0], private)
        self.assertIn("Access-Control-Allow-Private-Network: true", head)
        _, head, _ = self.ask("Origin: " + self.origins[0], private)
        self.assertNotIn("Private-Network", head)

    def test_others_stay_out(self):
        for origin in "https://app.example.evil", "http://app.example", "https://evil.example":
            self.check_refused(self.ask("Origin: " + origin), "--allow-origin")
            self.check_refused(self.preflight("Origin: " + origin), "--allow-origin")
        self.check_refused(self.ask("Origin: https://app.example", host="app.example"), "--allow-host")

    def test_a_proxy_that_passes_its_host_on_is_known_by_it(self):
        self.assertIn(ANSWER, self.ask(host="Proxy.example")[2])
        self.assertIn(ANSWER, self.ask(host="proxy.example.:8443")[2])
        own = self.ask("Origin: http://proxy.example", host="proxy.example")
        self.check_readable(own, 200, "http://proxy.example")
        other = self.ask("Origin: https://proxy.example", host="proxy.example")
        self.check_refused(other, "--allow-origin")
        self.check_refused(self.ask(host="sub.proxy.example"), "--allow-host")

    def test_on_one_connection_each_page_gets_its_own_name(self):
        data = b"".join(
            request(*(["Origin: " + origin] if origin else []))
            for origin in (self.origins[0], None, self.origins[1], self.origins[0])
        )
        answers = self.exchange(data).decode("latin-1").split("HTTP/1.1 ")[1:]
        found = [re.findall(r"Allow-Origin: (\S+)", answer) for answer in answers]
        self.assertEqual(found, [[self.origins[0]], [], [self.origins[1]], [self.origins[0]]])


class TooLate(BrowserTest):
    flags = ("--allow-origin", "http://app.example", "--body-timeout", "100ms")

    def test_a_page_reads_that_its_body_took_too_long(self):
        chunked = "Transfer-Encoding: chunked"
        for headers, body, is_packed in (
            (("Content-Length: 500",), b"<methodCall>", False),
            ((chunked,), b"c\r\n<methodCall>\r\n", False),
            ((MSGPACK, "Content-Length: 500"), PACKED, True),
            ((MSGPACK, chunked), b"%x\r\n%b" % (len(PACKED) + 1, PACKED), True),
        ):
            status, head, body = self.ask(
                "Origin: http://app.example", *headers, body=body, length=False
            )
            self.assertEqual(status, 408, head)
            self.assertIn("Access-Control-Allow-Origin: http://app.example\r\n", head)
            self.assertIn(b"--body-timeout", body)
            if is_packed:
                self.assertEqual(msgpack.unpackb(body)[:2], [1, msgpack.unpackb(PACKED)[1]])
        self.assertNotIn(CORS, self.ask("Content-Length: 500", length=False)[1])
        status, head, _ = self.ask("Origin: http://b", "Content-Length: 500", length=False)
        self.assertEqual(status, 408)
        self.assertNotIn(CORS, head)


class Everybody(BrowserTest):
    flags = ("--allow-origin", "*")

    def test_a_star_lets_every_page_in(self):
        for origin in "http://evil.example", "null", "x y z":
            status, head, body = self.ask("Origin: " + origin, "Sec-Fetch-Site: cross-site")
            self.assertEqual(status, 200, head)
            self.assertIn("Access-Control-Allow-Origin: *\r\n", head)
            self.assertNotIn("Vary", head)
            self.assertEqual(self.preflight("Origin: " + origin)[0], 204)
        self.assertEqual(self.get("Sec-Fetch-Site: cross-site", target="/")[0], 200)

    def test_a_rebound_name_is_refused_all_the_same(self):
        self.check_refused(self.ask("Origin: http://e", host="e"), "--allow-host")


class OtherListeners(BrowserTest):
    """Beyond loopback a server has names that it does not know; browsers reach no unix socket."""

    folder = tempfile.TemporaryDirectory()
    listen = ("tcp://127.0.0.1:0", "tcp://0.0.0.0:0", f"unix:{os.path.join(folder.name, 'socket')}")

    def test_who_comes_by_loopback_is_asked_for_the_host(self):
        self.check_refused(self.ask(i=1, host="evil.example"), "--allow-host")
        self.assertIn(ANSWER, self.ask(i=1, host="127.0.0.1")[2])

    def test_beyond_loopback_calls_may_name_any_host_and_pages_may_not(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("192.0.2.1", 9))  # sends nothing
                host = probe.getsockname()[0]
            except OSError:
                self.skipTest("NOT TESTED: this machine has loopback alone")
        _, port = self.server.host_port(1)
        for verb, status in ("POST", b"200"), ("GET", b"403"):
            with socket.create_connection((host, port)) as sock:
                data = request("Connection: close", target="/", verb=verb)
                sock.sendall(data.replace(b"Host: localhost", b"Host: api.example"))
                self.assertEqual(read_to_end(sock).split()[1], status)

    def test_a_unix_socket_asks_for_the_origin_alone(self):
        self.assertIn(ANSWER, self.ask(i=2, host="proxy.example")[2])
        self.assertEqual(self.get(i=2, host="proxy.example", target="/")[0], 200)
        evil = self.ask("Origin: http://evil.example", i=2, host="proxy.example")
        self.check_refused(evil, "--allow-origin")
        own = self.ask("Origin: http://proxy.example", i=2, host="proxy.example")
        self.check_refused(own, "--allow-host")


if __name__ == "__main__":
    unittest.main()
