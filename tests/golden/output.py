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

    def test_c(self):
        for name in NAMES:
            with self.subTest(name):
                done = self.run_duetgen("-o", str(self.folder), f"{name}.idl", cwd=HERE / "interfaces")
                self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
                for written in f"{name}.h", f"{name}_server.c":
                    text = (self.folder / written).read_text(encoding="utf-8")
                    expected = HERE / "c" / f"{written}.txt"
                    if "--write" in sys.argv:
                        expected.write_text(text, encoding="utf-8")
                    self.assertEqual(text, expected.read_text(encoding="utf-8"))
                    self.assertNotIn("\n\n\n", text)
                    self.assertNotRegex(text, "[ \t]\n")

    def test_with_errors_nothing_is_written(self):
        self.write(x="message m { 0: strng a }\n", y="message int_list {}\nmessage m { 0: list<int> a }\n")
        for name in "x", "y":
            self.assertEqual(self.run_duetgen(f"{name}.idl").returncode, 1)
        self.write(z="message m {}\n")
        (self.folder / "z_server.c").mkdir()
        done = self.run_duetgen("z.idl")
        self.assertEqual((done.returncode, done.stderr), (1, "duetgen: ./z_server.c: Is a directory\n"))
        done = self.run_duetgen("-o", "nowhere", "z.idl")
        self.assertEqual((done.returncode, done.stderr), (1, "duetgen: nowhere/z.h: No such file or directory\n"))
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()),
                         ["x.idl", "y.idl", "z.idl", "z_server.c"])

    def test_any_text_is_json(self):
        self.write(x='#- "\\ \x01\t\u2028\nmessage m { 0: string a = "\\"\\\\\\n\\r\\t\\x01\\x7f</" 1: raw b = "\\xff" }')
        fields = json.loads(self.run_duetgen("--json", "x.idl").stdout)["files"][0]["declarations"][0]
        self.assertEqual(fields["doc"], '"\\ ?\t\u2028')
        self.assertEqual([field["default"] for field in fields["fields"]],
                         ['"\\\n\r\t\x01\x7f</', {"hex": "ff"}])


if __name__ == "__main__":
    unittest.main(argv=[argument for argument in sys.argv if argument != "--write"])
