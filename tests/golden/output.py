"""What duetgen writes of the interfaces in this folder is what stands beside them, byte for byte.

After a change that is meant: python3 output.py --write, and read the difference.
"""
import json
import sys
import unittest

from rig import HERE, DuetgenTest

NAMES = sorted(path.stem for path in (HERE / "interfaces").glob("*.idl"))


class Output(DuetgenTest):
    def test_json(self):
        for name in NAMES:
            with self.subTest(name):
                done = self.run_duetgen("--json", f"{name}.idl", cwd=HERE / "interfaces")
                self.assertEqual(done.returncode, 0, done.stderr)
                json.loads(done.stdout)
                expected = HERE / "json" / f"{name}.json"
                if "--write" in sys.argv:
                    expected.write_text(done.stdout, encoding="utf-8")
                self.assertEqual(done.stdout, expected.read_text(encoding="utf-8"))

    def test_any_text_is_json(self):
        self.write(x='#- "\\ \x01\t\u2028\nmessage m { 0: string a = "\\"\\\\\\n\\r\\t\\x01\\x7f</" 1: raw b = "\\xff" }')
        fields = json.loads(self.run_duetgen("--json", "x.idl").stdout)["files"][0]["declarations"][0]
        self.assertEqual(fields["doc"], '"\\ ?\t\u2028')
        self.assertEqual([field["default"] for field in fields["fields"]],
                         ['"\\\n\r\t\x01\x7f</', {"hex": "ff"}])


if __name__ == "__main__":
    unittest.main(argv=[argument for argument in sys.argv if argument != "--write"])
