"""The calling side of both codecs against Python's xmlrpc.client and msgpack: what Duet writes as a
call they read, and what they write as a reply Duet reads. No server and no socket: the codecs are
asked through a pipe.
"""
import random
import subprocess
import unittest
import xmlrpc.client

import msgpack
import values
from duet_server import program_path

VALUES = 300
METHODS = ["double", "system.listMethods", "a<b>&c", "größe/世界:x_1"]


class Codec:
    """One codec behind a pipe."""

    def __init__(self, name):
        self.process = subprocess.Popen([program_path("codec_pipe"), name],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.stdout.close()
        return self.process.wait()

    def ask(self, job, data):
        self.process.stdin.write(f"{job} {len(data)}\n".encode() + data)
        self.process.stdin.flush()
        what, size = self.process.stdout.readline().split()
        return what.decode(), self.process.stdout.read(int(size))

    def call(self, method, arguments):
        what, data = self.ask(f"call {method}", msgpack.packb(arguments, datetime=True))
        if what != "call":
            raise AssertionError(f"{what}: {data!r}")
        return data

    def reply(self, data):
        what, answer = self.ask("reply", data)
        if what == "bad":
            return what, answer.decode()
        value = msgpack.unpackb(answer, timestamp=3, strict_map_key=False)
        return what, naive(value)


def naive(value):
    """Times as XML-RPC has them: without a zone."""
    if isinstance(value, list):
        return [naive(item) for item in value]
    if isinstance(value, dict):
        return {key: naive(item) for key, item in value.items()}
    return value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value


def aware(value):
    """The same back: msgpack packs no other."""
    if isinstance(value, list):
        return [aware(item) for item in value]
    if isinstance(value, dict):
        return {key: aware(item) for key, item in value.items()}
    return value.replace(tzinfo=values.datetime.timezone.utc) if hasattr(value, "tzinfo") else value


class CallingSideTest(unittest.TestCase):
    def codec(self, name):
        codec = Codec(name)
        self.addCleanup(lambda: self.assertEqual(codec.close(), 0))
        return codec

    def random_arguments(self, seed):
        rng = random.Random(seed)
        return [values.random_value(rng) for _ in range(rng.randrange(4))]

    def same(self, one, other):
        self.assertTrue(values.same(one, other), f"{one!r}\n{other!r}")

    def test_python_reads_our_xmlrpc_calls(self):
        codec = self.codec("xmlrpc")
        for seed in range(VALUES):
            method, arguments = METHODS[seed % len(METHODS)], self.random_arguments(seed)
            document = codec.call(method, aware(arguments))
            params, name = xmlrpc.client.loads(document, use_builtin_types=True)
            self.assertEqual(name, method)
            self.same(list(params), arguments)

    def test_python_reads_our_msgpack_calls(self):
        codec = self.codec("msgpack")
        for seed in range(VALUES):
            method, arguments = METHODS[seed % len(METHODS)], self.random_arguments(seed)
            message = msgpack.unpackb(codec.call(method, aware(arguments)), timestamp=3)
            self.assertEqual(message[:3], [0, 7, method])
            self.same(naive(message[3]), arguments)

    def test_we_read_pythons_xmlrpc_replies(self):
        codec = self.codec("xmlrpc")
        for seed in range(VALUES):
            value = values.random_value(random.Random(seed))
            reply = xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True)
            what, result = codec.reply(reply.encode())
            self.assertEqual(what, "result", result)
            self.same(result, value)

    def test_we_read_pythons_msgpack_replies(self):
        codec = self.codec("msgpack")
        for seed in range(VALUES):
            value = values.random_value(random.Random(seed))
            what, result = codec.reply(msgpack.packb([1, 7, None, aware(value)], datetime=True))
            self.assertEqual(what, "result", result)
            self.same(result, value)

    def test_we_read_pythons_faults(self):
        codec = self.codec("xmlrpc")
        for code, words in [(1, "<class 'Exception'>:method \"foo\" is not supported"),
                            (-32601, "größer < & größer"), (2**31 - 1, "")]:
            reply = xmlrpc.client.dumps(xmlrpc.client.Fault(code, words), methodresponse=True)
            self.assertEqual(codec.reply(reply.encode()), ("fault", [code, words, None]))

    def test_what_is_no_reply_says_so(self):
        for name, data, words in [
                ("xmlrpc", xmlrpc.client.dumps((), "m").encode(), "where <methodResponse> must be"),
                ("xmlrpc", b"<html></html>", "where <methodResponse> must be"),
                ("msgpack", msgpack.packb([0, 7, "m", []]), "the reply to one must be"),
                ("msgpack", msgpack.packb([1, 7, None, 1]) + b"\x00", "1 bytes follow")]:
            what, reason = self.codec(name).reply(data)
            self.assertEqual(what, "bad")
            self.assertIn(words, reason)


if __name__ == "__main__":
    unittest.main()
