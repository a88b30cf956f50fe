"""xmlrpc-c's `xmlrpc` command: a second, independent reader and writer of XML-RPC."""
import subprocess
import unittest

from duet_server import PATIENCE_S, DuetTest, need_command


class XmlrpcCommand(DuetTest):
    @classmethod
    def setUpClass(cls):
        cls.xmlrpc = need_command("xmlrpc")
        super().setUpClass()

    def run_xmlrpc(self, *arguments):
        command = [self.xmlrpc, self.server.url("/RPC2"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)

    def result(self, *arguments):
        done = self.run_xmlrpc(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.removeprefix("Result:\n\n").strip()

    def test_double(self):
        self.assertEqual(self.result("double", "i/7"), "Integer: 14")
        self.assertEqual(self.result("double", "d/10.5"), "Floating Point: 21.000000")
        self.assertEqual(self.result("double", "I/3000000000"), "64-bit integer: 6000000000")

    def test_every_type_that_it_can_send_comes_back(self):
        rows = [
            ("i/-5", "Integer: -5"),
            ("b/true", "Boolean: TRUE"),
            ("b/false", "Boolean: FALSE"),
            ("d/0.5", "Floating Point: 0.500000"),
            ("s/a <b> & c", "String: 'a <b> & c'"),
            ("s/", "String: ''"),
            ("n/", "Nil"),
            ("I/9223372036854775807", "64-bit integer: 9223372036854775807"),
            ("h/00ff10", "Bit string: 00ff10"),
        ]
        for argument, expected in rows:
            self.assertEqual(self.result("echo", argument), expected, argument)

    def test_containers_are_read(self):
        listed = self.result("system.listMethods")
        self.assertIn("'double'", listed)
        self.assertIn("Array of", listed)
        self.assertIn("'faults_interop'", self.result("system.getCapabilities"))

    def test_faults_are_read(self):
        done = self.run_xmlrpc("demo.fail", "i/42", "s/no & never")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("no & never", done.stderr)
        self.assertIn("42", done.stderr)
        self.assertIn("-32601", self.run_xmlrpc("no_such_method").stderr)


if __name__ == "__main__":
    unittest.main()
