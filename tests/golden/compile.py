"""What duetgen writes compiles without a warning, as C11 and as C++17, with gcc and clang."""
import os
import shutil
import subprocess
import unittest

from rig import CHECKOUT, HERE, DuetgenTest

COMPILERS = [["gcc", "-std=c11"], ["clang", "-std=c11"], ["g++", "-std=c++17", "-x", "c++"],
             ["clang++", "-std=c++17", "-x", "c++"]]
FLAGS = "-fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror".split()
INCLUDE = os.environ.get("DUET_INCLUDE", CHECKOUT / "build/include")

# Names that mean something else in C, in C++, or in what is generated.
AWKWARD = """
enum class { 0: int 1: NULL 2: linux }
message struct { 0: int new 1: string delete 2: list<struct> this 3: struct? free 4: class template 5: map<class, struct> to
                 6: timestamp from 7: string value 8: raw errno 9: int _Bool 10: int __x 11: string reader 12: object i }
exception throw { 0: string catch }
const int EOF = 5
service switch {
  int double(0: int call, 1: string ctx, 2: struct methods, 3: string result, 4: int rc, 5: list<int> reader,
             6: class free, 7: string? writer, 8: int int = 5, 9: int i, 10: raw row) throws throw
  struct register(0: map<string, struct> server)
  string free(0: string malloc)
  void memset()
}
"""


class Compile(DuetgenTest):
    def compile(self, *names):
        for compiler, *standard in COMPILERS:
            if shutil.which(compiler) is None:
                continue  # .ci/packages has them all
            for name in names:
                done = subprocess.run([compiler, *standard, *FLAGS, f"-I{INCLUDE}", f"{name}_server.c"],
                                      cwd=self.folder, capture_output=True, text=True)
                with self.subTest(compiler=compiler, name=name):
                    self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_all_interfaces(self):
        interfaces = sorted((HERE / "interfaces").glob("*.idl"))
        interfaces += [HERE / "servers/echo.idl", CHECKOUT / "examples/ledger/ledger.idl"]
        for path in interfaces:
            done = self.run_duetgen("-o", str(self.folder), str(path))
            self.assertEqual(done.returncode, 0, done.stderr)
        self.compile(*(path.stem for path in interfaces))

    def test_awkward_names(self):
        self.write(**{"2-awkward": AWKWARD, "include": "include 2-awkward.idl\nmessage m { 0: list<struct> x }"})
        for name in "2-awkward", "include":
            self.assertEqual(self.run_duetgen(f"{name}.idl").stderr, "")
        self.compile("2-awkward", "include")

    def test_files_that_know_nothing_of_each_other(self):
        """What each calls list<int> or pair<int, int> is its own; who includes both knows which is which."""
        self.write(pair="message pair<A, B> { 0: A first 1: B second 2: pair<A, B>? next }",
                   left="include pair.idl\nmessage a { 0: list<int> x 1: map<string, list<int>> y 2: pair<int, int> z }",
                   right="include pair.idl\nmessage b { 0: list<int> x 1: pair<int, int> z }",
                   both="include left.idl\ninclude right.idl\n"
                        "message c { 0: list<int> x 1: a left 2: b right 3: list<b> rights 4: pair<int, int> z }\n"
                        "service s { c f(0: a left, 1: b right, 2: list<int> x, 3: pair<int, int> z) }")
        names = "pair", "left", "right", "both"
        for name in names:
            self.assertEqual(self.run_duetgen(f"{name}.idl").stderr, "")
        self.compile(*names)

    def test_jubatus(self):
        self.write(learn="message result { 0: string label 1: double score }\n"
                         "service learn {\n  #@random #@nolock #@pass\n"
                         "  list<list<result> > classify(0: list<datum> data) # //@random\n  bool clear()\n}")
        self.assertEqual(self.run_duetgen("--jubatus", "learn.idl").stderr, "")
        self.compile("learn")

    def test_many_large_messages(self):
        """A C compiler need not take a string of more than 4,095 bytes."""
        fields = "".join(f"{i}: string a_field_with_a_long_name_{i}\n" for i in range(60))
        self.write(large="".join(f"#- {'words ' * 1000}\nmessage m{i} {{ {fields} }}\n" for i in range(4)) +
                   "service s {\n  #- " + "words " * 1000 + "\n  m0 f(0: m1 a, 1: m2 b, 2: m3 c)\n}")
        self.run_duetgen("large.idl")
        self.compile("large")


if __name__ == "__main__":
    unittest.main()
