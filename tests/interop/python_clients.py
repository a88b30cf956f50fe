"""The Python clients of examples/python, which people copy: results, errors, time, and loss."""
import asyncio
import concurrent.futures
import contextlib
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
import xmlrpc.client

import msgpack
import values
from duet_server import PATIENCE_S, DuetTest, Server, reset_on_close

EXAMPLES = os.path.join(os.path.dirname(__file__), "..", "..", "examples", "python")
sys.path.insert(0, EXAMPLES)

import duet_msgpack  # noqa: E402
import duet_xmlrpc  # noqa: E402
from duet_msgpack import AsyncClient, CallTimeout, Client, ConnectionLost, RPCError  # noqa: E402

FOREVER = 600.0  # of demo.sleep, which ends early when nobody waits for it any more
LONG = 1.0
SHORT = 0.05
COUNT = 1000


@contextlib.contextmanager
def scripted_server(answer):
    """A server of one connection that reads one message, sends the bytes, and then closes."""

    def serve():
        sock, _ = listener.accept()
        with sock:
            sock.recv(65536)
            sock.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield "tcp://127.0.0.1:%d" % listener.getsockname()[1]
        thread.join()


class ClientTest(DuetTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.listen = ("tcp://127.0.0.1:0", f"unix:{folder.name}/socket", "tcp://[::1]:0")
        super().setUpClass()

    def async_test(self, body, **options):
        async def run():
            async with AsyncClient(self.server.addresses[0], **options) as client:
                await body(client)

        asyncio.run(run())


class Calls(ClientTest):
    def test_every_kind_of_address_works(self):
        async def twice(address):
            async with AsyncClient(address) as client:
                return await client.call("double", 21)

        for address in self.server.addresses:
            with Client(address) as client:
                self.assertEqual(client.call("double", 21), 42)
            self.assertEqual(asyncio.run(twice(address)), 42)

    def test_a_url_that_it_cannot_read_is_refused_with_words(self):
        for url in "gopher://x:1", "tcp://host", "tcp:host:1", "tcp://host:port", "unix:", "":
            with self.assertRaisesRegex(ValueError, "tcp://HOST:PORT"):
                duet_msgpack.parse_url(url)

    def test_random_values_come_back(self):
        rng = random.Random(7)
        sent = [values.random_value(rng) for _ in range(100)] + [values.SECOND.astimezone()]
        sent += ["not \udcff UTF-8", b"\0\xff", {1: "int key"}, 2**64 - 1]

        async def echo_all(client):
            answers = await client.call_many(("echo", value) for value in sent)
            self.assertTrue(all(map(values.same, answers, sent)))

        with Client(self.server.addresses[0]) as client:
            for value in sent:
                self.assertTrue(values.same(client.call("echo", value), value), value)
        self.async_test(echo_all)

    def test_an_error_has_code_and_message(self):
        async def fail(client):
            with self.assertRaises(RPCError) as caught:
                await client.call("demo.fail", 42, "why 🐟")
            self.assertEqual((caught.exception.code, caught.exception.message), (42, "why 🐟"))
            self.assertEqual(await client.call("double", 1), 2)

        with Client(self.server.addresses[0]) as client:
            with self.assertRaisesRegex(RPCError, r"^why 🐟 \(42\)$"):
                client.call("demo.fail", 42, "why 🐟")
            with self.assertRaises(RPCError) as caught:
                client.call("no_such_method")
            self.assertEqual(caught.exception.code, -32601)
        self.async_test(fail)

    def test_errors_of_other_servers_are_read_too(self):
        rows = [
            ([1, "text"], (1, "text", None)),
            ([1, "text", {"a": 2}], (1, "text", {"a": 2})),
            ("text", (None, "text", None)),
            (1, (1, "1", None)),
            (["a", "b"], (None, "['a', 'b']", None)),
        ]
        for wire, expected in rows:
            error = RPCError.from_wire(wire)
            self.assertEqual((error.code, error.message, error.data), expected)

    def test_a_notification_is_not_waited_for(self):
        async def notify(client):
            await client.notify("double", 1)
            await client.notify("no_such_method")
            self.assertEqual(await client.call("double", 2), 4)

        with Client(self.server.addresses[0]) as client:
            client.notify("double", 1)
            client.notify("no_such_method")
            self.assertEqual(client.call("double", 2), 4)
        self.async_test(notify)


class Pipelining(ClientTest):
    def test_1000_calls_share_the_connection(self):
        calls = [("double", i) for i in range(COUNT)]
        expected = [2 * i for i in range(COUNT)]

        async def call_all(client):
            self.assertEqual(await client.call_many(calls), expected)

        with Client(self.server.addresses[0]) as client:
            self.assertEqual(client.call_many(calls), expected)
            submitted = [client.submit(*call) for call in calls]
            self.assertEqual([call.result() for call in submitted], expected)
        self.async_test(call_all)

    def test_an_error_stays_in_its_place(self):
        calls = [("double", 1), ("double", "x"), ("double", 3)]

        def check(results):
            self.assertEqual((results[0], results[2]), (2, 6))
            self.assertIsInstance(results[1], RPCError)

        async def call_all(client):
            check(await client.call_many(calls, return_exceptions=True))
            with self.assertRaises(RPCError):
                await client.call_many(calls)

        with Client(self.server.addresses[0]) as client:
            check(client.call_many(calls, return_exceptions=True))
            with self.assertRaises(RPCError):
                client.call_many(calls)
        self.async_test(call_all)

    def test_answers_come_in_any_order(self):
        async def overtake(client):
            slow = asyncio.create_task(client.call("demo.sleep", FOREVER))
            await asyncio.sleep(0)
            self.assertEqual(await client.call("double", 2), 4)
            self.assertFalse(slow.done())
            slow.cancel()
            reset_on_close(client._writer.get_extra_info("socket"))

        with Client(self.server.addresses[0]) as client:
            reset_on_close(client._socket)
            slow, fast = client.submit("demo.sleep", FOREVER), client.submit("double", 2)
            self.assertIs(next(concurrent.futures.as_completed([slow, fast])), fast)
            self.assertFalse(slow.done())
        self.async_test(overtake)

    def test_threads_share_a_client(self):
        with Client(self.server.addresses[0]) as client:
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                results = list(pool.map(lambda i: client.call("double", i), range(COUNT)))
        self.assertEqual(results, [2 * i for i in range(COUNT)])

    def test_large_calls_do_not_block_each_other(self):
        text = "x" * 1_000_000

        async def echo_all(client):
            self.assertEqual(await client.call_many([("echo", text)] * 20), [text] * 20)

        with Client(self.server.addresses[0]) as client:
            self.assertEqual(client.call_many([("echo", text)] * 20), [text] * 20)
        self.async_test(echo_all)


class Time(ClientTest):
    def test_a_call_ends_at_its_own_time(self):
        async def wait(client):
            with self.assertRaisesRegex(CallTimeout, "demo.sleep: no answer within 0.05 s"):
                await client.call("demo.sleep", LONG, timeout=SHORT)
            self.assertEqual(await client.call("double", 2), 4)

        with Client(self.server.addresses[0]) as client:
            with self.assertRaisesRegex(CallTimeout, "demo.sleep: no answer within 0.05 s"):
                client.call("demo.sleep", LONG, timeout=SHORT)
            self.assertEqual(client.call("double", 2), 4)
        self.async_test(wait)

    def test_a_call_without_its_own_has_that_of_the_client(self):
        async def wait(client):
            with self.assertRaises(TimeoutError):
                await client.call_many([("demo.sleep", LONG)] * 2)

        with Client(self.server.addresses[0], timeout=SHORT) as client:
            with self.assertRaises(TimeoutError):
                client.call("demo.sleep", LONG)
        self.async_test(wait, timeout=SHORT)

    def test_a_late_answer_is_dropped(self):
        async def wait(client):
            with self.assertRaises(CallTimeout):
                await client.call("demo.sleep", 4 * SHORT, timeout=SHORT)
            self.assertEqual(await client.call("demo.sleep", 5 * SHORT), 5 * SHORT)
            self.assertEqual(await client.call("double", 2), 4)

        with Client(self.server.addresses[0]) as client:
            late = client.submit("demo.sleep", 4 * SHORT, timeout=SHORT)
            for _ in range(2):  # asked twice, it says the same
                with self.assertRaises(CallTimeout):
                    late.result()
            self.assertEqual(client.call("demo.sleep", 5 * SHORT), 5 * SHORT)
            self.assertEqual(client.call("double", 2), 4)
        self.async_test(wait)

    def test_a_call_may_be_asked_again(self):
        with Client(self.server.addresses[0]) as client:
            call = client.submit("demo.sleep", 2 * SHORT)
            with self.assertRaisesRegex(CallTimeout, "no answer yet"):
                call.result(timeout=0)
            self.assertEqual(call.result(), 2 * SHORT)

    def test_a_server_that_reads_nothing_cannot_hold_a_client(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = "tcp://127.0.0.1:%d" % listener.getsockname()[1]
            with Client(url, timeout=SHORT) as client:
                with self.assertRaises((ConnectionLost, CallTimeout)):
                    client.call("echo", b"x" * 30_000_000)


class Loss(unittest.TestCase):
    def test_a_lost_server_fails_all_calls_at_once(self):
        server = Server()
        client = Client(server.addresses[0], timeout=FOREVER)
        calls = [client.submit("demo.sleep", FOREVER) for _ in range(20)]
        self.assertEqual(client.call("double", 1), 2)
        self.kill(server)
        for call in calls:
            with self.assertRaisesRegex(ConnectionLost, "closed the connection|reset"):
                call.result()
        for use in client.call, client.notify:
            with self.assertRaises(ConnectionLost):
                use("double", 1)
        client.close()

    def test_a_lost_server_fails_all_tasks_at_once(self):
        async def run():
            server = Server()
            async with AsyncClient(server.addresses[0], timeout=FOREVER) as client:
                slow = [asyncio.create_task(client.call("demo.sleep", FOREVER)) for _ in range(20)]
                self.assertEqual(await client.call("double", 1), 2)
                self.kill(server)
                for call in slow:
                    with self.assertRaises(ConnectionLost):
                        await call
                for use in client.call, client.notify:
                    with self.assertRaises(ConnectionLost):
                        await use("double", 1)

        asyncio.run(run())

    def test_closing_fails_what_is_in_progress(self):
        server = Server()
        with Client(server.addresses[0], timeout=FOREVER) as client:
            reset_on_close(client._socket)
            call = client.submit("demo.sleep", FOREVER)
        with self.assertRaisesRegex(ConnectionLost, "the client was closed"):
            call.result()
        client.close()
        server.stop()

    def test_a_server_of_another_protocol_is_a_lost_one(self):
        for answer in b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xc1", msgpack.packb([1, 2]), b"\x94":
            with scripted_server(answer) as url:
                with Client(url, timeout=PATIENCE_S) as client:
                    with self.assertRaises(ConnectionLost):
                        client.call("double", 1)

            async def call(url):
                async with AsyncClient(url, timeout=PATIENCE_S) as client:
                    with self.assertRaises(ConnectionLost):
                        await client.call("double", 1)

            with scripted_server(answer) as url:
                asyncio.run(call(url))

    def test_nobody_there_is_an_error(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = "tcp://127.0.0.1:%d" % listener.getsockname()[1]
        with self.assertRaises(ConnectionRefusedError):
            Client(url)
        with self.assertRaises(ConnectionRefusedError):
            asyncio.run(AsyncClient(url).connect())

    def kill(self, server):
        server.process.kill()
        server.process.wait()
        server.process.stdout.close()


class CommandLine(ClientTest):
    def run_client(self, *arguments):
        command = [sys.executable, "-B", os.path.join(EXAMPLES, "duet_msgpack.py"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)

    def test_it_prints_the_result_as_json(self):
        rows = [
            ("double 21", "42"),
            ("double -1.5", "-3.0"),
            ('echo {"a":[null,true]}', '{"a": [null, true]}'),
            ("echo words", '"words"'),
            ("demo.nothing", "null"),
            ("double 1 --notify", ""),
        ]
        for url in self.server.addresses[:2]:
            for arguments, expected in rows:
                done = self.run_client(url, *arguments.split())
                self.assertEqual((done.stdout.strip(), done.returncode), (expected, 0), done.stderr)

    def test_errors_go_to_stderr(self):
        url = self.server.addresses[0]
        for arguments, words in (
            ((url, "double", "x"), "got string (-32602)"),
            (("--timeout", "0.05", url, "demo.sleep", "1"), "no answer within 0.05 s"),
            (("http://x", "double"), "neither tcp://HOST:PORT nor unix:PATH"),
        ):
            done = self.run_client(*arguments)
            self.assertEqual((done.stdout, done.returncode), ("", 1))
            self.assertIn(words, done.stderr)
            self.assertNotIn("Traceback", done.stderr)

    def test_help_says_how(self):
        self.assertIn("tcp://HOST:PORT", self.run_client("--help").stdout)


class XmlRpc(ClientTest):
    def urls(self):
        return self.server.url("/RPC2"), "http+" + self.server.addresses[1], self.server.url()

    def test_values_travel_over_both_kinds_of_sockets(self):
        rng = random.Random(8)
        sent = [values.random_value(rng) for _ in range(50)] + [None, b"\0", values.SECOND]
        for url in self.urls():
            with duet_xmlrpc.connect(url, timeout=PATIENCE_S) as server:
                for value in sent:
                    self.assertTrue(values.same(server.echo(value), value), value)

    def test_a_silent_server_ends_in_a_timeout(self):
        for url in self.urls():
            with duet_xmlrpc.connect(url, timeout=SHORT) as server:
                with self.assertRaises(socket.timeout):
                    server.demo.sleep(LONG)
                self.assertEqual(server.double(2), 4)

    def test_calls_share_a_connection(self):
        for url in self.urls():
            with duet_xmlrpc.connect(url) as server:
                transport, sockets = server("transport"), set()
                for i in range(10):
                    self.assertEqual(server.double(i), 2 * i)
                    sockets.add(transport._connection[1].sock.fileno())
                    self.assertEqual(len(sockets), 1)

    def test_faults_are_raised(self):
        with duet_xmlrpc.connect(self.urls()[1]) as server:
            with self.assertRaises(xmlrpc.client.Fault) as caught:
                server.demo.fail(42, "why 🐟")
            self.assertEqual(caught.exception.faultString, "why 🐟")

    def test_faults_of_refused_calls_are_raised_too(self):
        rows = [
            ("--max-message", "/RPC2", "x" * 2000, "message of .* bytes exceeds --max-message"),
            ("--max-head", "/RPC2?" + 2000 * "x", "x", "exceeds --max-head"),
        ]
        for flag, path, text, words in rows:
            server = Server(flag, "1024")
            with duet_xmlrpc.connect(server.url(path)) as proxy:
                for _ in range(2):  # a connection that ends with the refusal is replaced
                    with self.assertRaisesRegex(xmlrpc.client.Fault, words) as caught:
                        proxy.echo(text)
                    self.assertEqual(caught.exception.faultCode, duet_xmlrpc.LIMIT)
            server.stop()

    def test_a_call_that_may_be_made_again_has_a_code_of_its_own(self):
        server = Server("--max-connections", "1")
        with Client(server.addresses[0]) as client:
            self.assertEqual(client.call("double", 1), 2)
            with duet_xmlrpc.connect(server.url()) as proxy:
                with self.assertRaisesRegex(xmlrpc.client.Fault, "try again") as caught:
                    proxy.double(1)
                self.assertEqual(caught.exception.faultCode, duet_xmlrpc.BUSY)
            with Client(server.addresses[0]) as one_too_many:
                with self.assertRaisesRegex(RPCError, "try again") as caught:
                    one_too_many.call("double", 1)
                self.assertEqual(caught.exception.code, duet_msgpack.BUSY)
        server.stop()

    def test_other_refusals_stay_protocol_errors(self):
        fault = xmlrpc.client.dumps(xmlrpc.client.Fault(7, "busy")).encode()
        rows = [
            (b"text/xml; charset=utf-8", fault, xmlrpc.client.Fault),
            (b"text/plain", fault, xmlrpc.client.ProtocolError),
            (b"text/xml", b"<html>busy</html>", xmlrpc.client.ProtocolError),
            (b"text/xml", b"busy", xmlrpc.client.ProtocolError),
            (b"text/xml", b"", xmlrpc.client.ProtocolError),
        ]
        for kind, body, error in rows:
            head = b"HTTP/1.1 503 Busy\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
            with scripted_server(head % (kind, len(body)) + body) as url:
                with duet_xmlrpc.connect(url.replace("tcp", "http")) as proxy:
                    with self.assertRaises(error) as caught:
                        proxy.double(1)
            if error is xmlrpc.client.ProtocolError:
                self.assertEqual((caught.exception.errcode, caught.exception.errmsg), (503, "Busy"))

    def test_a_connection_that_the_server_closed_is_replaced(self):
        server = Server("--idle-timeout", "50")
        with duet_xmlrpc.connect(server.url()) as proxy:
            for _ in range(2):
                self.assertEqual(proxy.double(1), 2)
                sock = proxy("transport")._connection[1].sock
                self.assertEqual(sock.recv(1, socket.MSG_PEEK), b"")  # waits for the server's end
        server.stop()

    def test_a_call_whose_server_dies_is_sent_once(self):
        with scripted_server(b"") as url:
            with duet_xmlrpc.connect(url.replace("tcp", "http"), timeout=PATIENCE_S) as proxy:
                with self.assertRaises(ConnectionResetError):  # again would be TimeoutError
                    proxy.double(1)

    def test_a_url_that_it_cannot_read_is_refused_with_words(self):
        for url in "https://localhost/", "http:/RPC2", "http+unix:", "localhost:6789", "":
            with self.assertRaisesRegex(ValueError, "http://HOST:PORT/PATH"):
                duet_xmlrpc.connect(url)


if __name__ == "__main__":
    unittest.main()
