"""Each thing that duetgen can find wrong, and where: file:line:column, words, the line, the caret."""
import re
import unittest

from rig import CHECKOUT, DuetgenTest

# An interface, and what is told of it: each line without "x.idl:", and without the lines that show the source.
# A line of a message is made of "#" below, to be read: "0: int a" stands for "message m { 0: int a }".
CASES = [
    # Words of the file.
    ("message m { 0: int ä }", ["1:20: error: 'ä' has no meaning here",
                                "1:22: error: expected the name of a field, got '}'"]),
    ("message m { 0: int a \x01}", ["1:22: error: a control character (0x01) has no meaning here"]),
    ("message m { 0x: int a }", ["1:13: error: '0x' is no number"]),
    ("message m { 1a: int a }", ["1:13: error: '1a' is no number"]),
    ("message m { 99999999999999999999: int a }",
     ["1:13: error: 99999999999999999999 does not fit into 64 bits"]),
    ("message m { 0: string a = \"x }",
     ["1:27: error: this string does not end on its line",
      "1:31: error: expected '}' at the end of message 'm', got the end of the file",
      "1:11: note: it begins here"]),
    ("message m { 0: string a = \"\\q\" }",
     [r"1:28: error: there is no such escape: \n \r \t \0 \\ \" \xFF are those that there are"]),
    ("/* a /* b */ message m {}", ["1:1: error: this comment does not end"]),
    ("service s {\n  #@ \n  int f()\n}", ["2:3: error: a name must follow #@"]),

    # Declarations.
    ("mesage m {}", ["1:1: error: 'mesage' begins no declaration; did you mean 'message'?"]),
    ("inclde \"a.idl\"", ["1:1: error: 'inclde' begins no declaration; did you mean 'include'?"]),
    ("xyzzy", ["1:1: error: 'xyzzy' begins no declaration"]),
    ("{ }", ["1:1: error: expected a declaration: message, exception, enum, type, const, service, application, "
             "got '{'"]),
    ("message {}", ["1:9: error: expected the name of the message, got '{'"]),
    ("message m", ["1:10: error: expected '{', got the end of the file"]),
    ("message m { 0: int a\nservice s {\n}",
     ["2:1: error: expected '}' at the end of message 'm', got 'service'", "1:11: note: it begins here"]),
    ("enum e {\n  0: a\n", ["2:7: error: expected '}' at the end of enum 'e', got the end of the file",
                           "1:8: note: it begins here"]),
    ("namespace 1", ["1:11: error: expected the name of a namespace, got '1'"]),
    ("namespace a.\n", ["1:13: error: expected the name of a namespace, got the end of the file"]),
    ("include\nmessage m {}", ["1:8: error: expected the path of an interface, got the end of the line"]),
    ("include nowhere.idl", ["1:9: error: 'nowhere.idl': No such file or directory"]),
    ("include x.idl", ["1:9: error: 'x.idl': includes itself"]),
    ("%include x.h", ["1:10: error: expected the name of a header in quotes, got 'x'"]),
    ("type t int", ["1:8: error: expected '=' and a type, got 'int'"]),
    ("const int A 5", ["1:13: error: expected '=' and the value of the constant, got '5'"]),
    ("const int A =", ["1:14: error: expected a value: a number, a string, true, false, nil or a name, "
                       "got the end of the file"]),
    ("const int A = -", ["1:16: error: expected a number, got the end of the file"]),

    # Messages.
    ("message m {\n  int a\n}", ["2:3: error: expected the number of a field, as in '0: int x', got 'int'"]),
    ("message m { 0 int a }", ["1:15: error: expected ':' behind the number, got 'int'"]),
    ("message m {\n  0: int\n}", ["2:9: error: expected the name of a field, got the end of the line"]),
    ("message m { 0: }", ["1:16: error: expected a type, got '}'"]),
    ("message m { 0: list<int a }", ["1:25: error: expected '>' behind the last type, got 'a'"]),
    ("message m { 0: list a }", ["1:16: error: a list has one type of items: list<int>"]),
    ("message m { 0: map<string> a }",
     ["1:16: error: a map has a type of keys and one of values: map<string, int>"]),
    ("message m { 0: tuple a }", ["1:16: error: a tuple has types of items: tuple<int, string>"]),
    ("message m { 0: int<int> a }", ["1:16: error: 'int' takes no types in < >"]),
    ("message m { 0: " + "list<" * 33 + "int" + ">" * 33 + " a }",
     ["1:176: error: types nest deeper than 32 levels"]),
    ("message m(5) {}", ["1:11: error: expected a C++ type in quotes, got '5'"]),
    ("message m<A, > {}", ["1:14: error: expected the name of a type parameter, got '>'"]),
    ("message m<A, B {}", ["1:16: error: expected '>' behind the last type parameter, got '{'"]),
    (f"message m<{', '.join(f'A{i}' for i in range(17))}> {{}}", ["1:81: error: more than 16 type parameters"]),
    ("message m < {}", ["1:13: error: expected the name of what it inherits from, got '{'"]),
    ("message m {\n  #@inline\n  0: int a\n}",
     ["2:3: warning: 'inline' is ignored: decorators stand before methods"]),
    ("message m { 0: int a 0: int b }", ["1:22: error: number 0 is taken", "1:13: note: by 'a'"]),
    ("message m { 1: int a 0: int b }",
     ["1:22: error: number 0 stands behind 1: numbers go up, for readers of arrays go by their order"]),
    ("message m { 0: int a 1001: int b }", ["1:22: error: numbers go up to 1000"]),
    ("message m { 0: int a 2: int b }",
     ["1:22: warning: no field has number 1: nil is sent in its place"]),
    ("message m { 0: int a 1: int a }", ["1:29: error: there are two fields 'a'",
                                         "1:20: note: the first one is here"]),
    ("message p { 0: int a }\nmessage m < p { 0: int a }",
     ["2:24: error: there are two fields 'a'", "1:20: note: the first one is here"]),
    ("message m < p {}", ["1:13: error: unknown message 'p'"]),
    ("exception parent {}\nexception m < parnt {}",
     ["2:15: error: unknown exception 'parnt'; did you mean 'parent'?"]),
    ("exception e {}\nmessage m < e {}", ["2:13: error: message 'm' cannot inherit from an exception"]),
    ("message g<T> {}\nmessage m < g {}", ["2:13: error: 'g' has type parameters: none can inherit it"]),
    ("message a < b {}\nmessage b < a {}", ["2:13: error: 'b' inherits from itself"]),
    ("message m { 0: m a }",
     ["1:16: error: 'm' contains itself without end: a field that may be nil (m?) or a list would end it"]),
    ("message m { 0: tuple<int, n> a }\nmessage n { 0: m b }",
     ["2:16: error: 'm' contains itself without end: a field that may be nil (m?) or a list would end it"]),
    ("enum e {}", ["1:6: error: enum 'e' has no values"]),
    ("enum e { a }", ["1:10: error: expected the number of a value, as in '0: name', got 'a'"]),
    ("enum e { 0: 1 }", ["1:13: error: expected the name of a value, got '1'"]),
    ("enum e { 2147483648: a }", ["1:10: error: numbers of an enum have 31 bits"]),
    ("enum e { 0: a 0: b }", ["1:15: error: number 0 is taken", "1:13: note: the first one is 'a'"]),
    ("enum e { 0: a 1: a }", ["1:18: error: there are two values 'a'", "1:13: note: the first one is 'a'"]),

    # Names and types.
    ("message m {}\nenum m { 0: a }", ["2:6: error: 'm' is declared twice", "1:9: note: it is a message here"]),
    ("enum m { 0: a }\nmessage m {}", ["2:9: error: 'm' is declared twice", "1:6: note: it is an enum here"]),
    ("message string {}", ["1:9: error: 'string' is the name of a type already"]),
    ("message m { 0: strng a }", ["1:16: error: unknown type 'strng'; did you mean 'string'?"]),
    ("message point {}\nmessage m { 0: list<pont> a }",
     ["2:21: error: unknown type 'pont'; did you mean 'point'?"]),
    ("message m { 0: xyzzy a }", ["1:16: error: unknown type 'xyzzy'"]),
    ("message m { 0: datum a }", ["1:16: error: unknown type 'datum'; jubatus' interfaces need --jubatus"]),
    ("service s {}\nmessage m { 0: s a }", ["2:16: error: 's' is a service and no type"]),
    ("application s {}\nmessage m { 0: s a }", ["2:16: error: 's' is an application and no type"]),
    ("type t = int\nmessage m { 0: t<int> a }", ["2:16: error: 't' takes no types in < >"]),
    ("type a = b\ntype b = list<a>", ["1:6: error: type 'a' is made of itself"]),
    ("message g<T> { 0: T a }\nmessage m { 0: g a }", ["2:16: error: 'g' takes 1 types in < >"]),
    ("message g<T> { 0: g<list<T>>? a }\nmessage m { 0: g<int> b }",
     ["1:19: error: there is no end to the types of 'g'"]),
    ("message g<T> { 0: U a }", ["1:19: error: unknown type 'U'"]),
    ("message m { 0: void a }", ["1:16: error: no value is of type void: only a method's result may be"]),
    ("message m { 0: map<double, int> a }",
     ["1:20: error: the keys of a map are strings, integers or of an enum, not double"]),
    ("message m { 0: map<string?, int> a }",
     ["1:20: error: the keys of a map are strings, integers or of an enum, not string?"]),

    # Names in C.
    ("message int_list {}\nmessage m { 0: list<int> a }",
     ["1:9: error: message 'int_list' and list<int> would both be x_int_list in C"]),

    ("namespace s\nmessage methods {}\nservice s { methods f() }",
     ["3:9: error: service 's' would be s_methods in C, and so would another type"]),
    ("type string_list = list<int>\nmessage m { 0: list<string> a 1: string_list b }",
     ["1:6: error: type 'string_list' would be x_string_list in C, and so would another type"]),
    ("message m { 0: int new 1: int new_ }", ["1:31: error: 'new' and 'new_' would both be new_ in C"]),
    ("service s { int f(0: int call, 1: int call_) }", ["1:39: error: 'call' and 'call_' would both be call_ in C"]),
    ("service s {\n  int new()\n  int new_()\n}", ["3:7: error: 'new' and 'new_' would both be new_ in C"]),

    # Values.
    ("message m { 0: int a = \"x\" }", ["1:24: error: this is no int"]),
    ("message m { 0: bool a = 1 }", ["1:25: error: this is no bool"]),
    ("message m { 0: double a = true }", ["1:27: error: this is no double"]),
    ("message m { 0: string a = 1 }", ["1:27: error: this is no string"]),
    ("message m { 0: string a = \"x\\0y\" }", [r"1:27: error: a string is UTF-8 without \0: other bytes are for raw"]),
    ("message m { 0: string a = \"\\xff\" }",
     [r"1:27: error: a string is UTF-8 without \0: other bytes are for raw"]),
    ("message m { 0: byte a = -129 }", ["1:25: error: -129 does not fit: byte goes from -128 to 127"]),
    ("message m { 0: uint a = -1 }", ["1:25: error: -1 does not fit: uint goes from 0 to 4294967295"]),
    ("message m { 0: float a = 1e39 }", ["1:26: error: 1e39 does not fit into a float"]),
    ("message m { 0: double a = 1e999 }", ["1:27: error: 1e999 does not fit into a double"]),
    ("message m { 0: int a = nil }", ["1:24: error: nil is no int: only int? may be nil"]),
    ("message m { 0: list<int> a = 1 }", ["1:30: error: a list<int> cannot be written as a value"]),
    ("message m { 0: list<int>? a = 1 }", ["1:31: error: a list<int>? cannot be written as a value but nil"]),
    ("message m { 0: int a = MAX }", ["1:24: error: unknown constant 'MAX'"]),
    ("const int MAXIMUM = 5\nmessage m { 0: int a = MAXMUM }",
     ["2:24: error: unknown constant 'MAXMUM'; did you mean 'MAXIMUM'?"]),
    ("const int A = B\nconst int B = A", ["2:15: error: constant 'A' is made of itself"]),
    ("enum e { 0: red }\nmessage m { 0: e a = red }",
     ["2:22: error: unknown constant 'red'; did you mean 'e.red'?"]),
    ("enum e { 0: red }\nmessage m { 0: e a = e.read }",
     ["2:22: error: enum 'e' has no value 'read'; did you mean 'red'?"]),
    ("message m { 0: int a = b.c }", ["1:24: error: 'b' is no enum"]),
    ("enum e { 0: red }\nenum f { 0: red }\nmessage m { 0: e a = f.red }", ["3:22: error: this is no e"]),
    ("enum e { 0: red }\nmessage m { 0: e a = 0 }",
     ["2:22: error: this is no e: its values are written as e.red"]),
    ("enum e { 0: red }\nmessage m { 0: e a = e. }",
     ["2:25: error: expected the name of an enum's value, got '}'"]),

    # Services.
    ("service s {\n  f()\n}", ["2:3: error: 'f' needs the type of its result before it: void f(…)"]),
    ("service s {\n  int f\n}", ["2:8: error: expected '(' and the arguments of 'f', got the end of the line"]),
    ("service s {\n  int 5\n}", ["2:7: error: expected the name of a method, got '5'"]),
    ("service s { int f(int x) }", ["1:19: error: expected the number of an argument, as in '0: int x', got 'int'"]),
    ("service s { int f(0: int) }", ["1:25: error: expected the name of an argument, got ')'"]),
    ("service s { int f(0: int x 1: int y) }", ["1:28: error: expected ')' behind the arguments, got '1'"]),
    ("service s { int f(0: int x, 2: int y) }",
     ["1:29: error: argument 1 of 'f' is missing: numbers begin at 0 or 1 and leave none out"]),
    ("service s { int f(2: int x) }",
     ["1:19: error: argument 0 of 'f' is missing: numbers begin at 0 or 1 and leave none out"]),
    ("service s { int f(0: int x, 1: int x) }", ["1:36: error: there are two fields 'x'",
                                                 "1:26: note: the first one is here"]),
    ("service s {\n  int f()\n  int f()\n}", ["3:7: error: there are two methods 'f'",
                                               "2:7: note: the first one is here"]),
    ("service s { void? f() }", ["1:13: error: void cannot be nil: it is nothing anyway"]),
    ("service s { oneway int f() }",
     ["1:20: error: 'f' is oneway, so nobody gets its result: it must be void"]),
    ("exception e {}\nservice s { oneway void f() throws e }",
     ["2:36: error: 'f' is oneway, so nobody gets its exceptions"]),
    ("service s { int f() throws }", ["1:28: error: expected the name of an exception, got '}'"]),
    ("service s { int f() throws (e) }", ["1:29: error: expected the number of an exception, got 'e'"]),
    ("service s { int f() throws (1: e }", ["1:34: error: expected ')' behind the exceptions, got '}'"]),
    (f"service s {{ int f() throws {', '.join('e' for _ in range(65))} }}",
     ["1:220: error: more than 64 exceptions"]),
    ("exception lost {}\nservice s { int f() throws lots }",
     ["2:28: error: unknown exception 'lots'; did you mean 'lost'?"]),
    ("message e {}\nservice s { int f() throws e }", ["2:28: error: 'e' is a message and no exception"]),
    ("exception e<T> {}\nservice s { int f() throws e }",
     ["2:28: error: 'e' has type parameters: it cannot be thrown"]),
    ("exception e {}\nservice s { int f() throws e, e }", ["2:31: error: 'e' is thrown twice"]),
    ("service s:x {}", ["1:11: error: expected the version of the service, got 'x'"]),
    ("service s:2147483648 {}", ["1:11: error: versions have 31 bits"]),
    ("service s:2 {}\nservice s:2 {}", ["2:9: error: version 2 of service 's' is declared twice",
                                        "1:9: note: the first one is here"]),
    ("service s:2 { inherit * }",
     ["1:15: error: there is nothing to inherit: no version of service 's' below 2 is here"]),
    ("service s { int get() }\nservice s:2 { inherit gte }",
     ["2:23: error: version 0 of service 's' has no method 'gte'; did you mean 'get'?"]),
    ("service s { int get() }\nservice s:2 { inherit long get() }",
     ["2:28: error: 'get' is not what is inherited: without 'inherit' it is a new one",
      "1:17: note: that one is declared here"]),
    ("service s { int get() }\nservice s:2 {\n  inherit 5\n}", ["3:11: error: expected a type, got '5'"]),
    ("application a { s:0 x }", ["1:17: error: unknown service 's'"]),
    ("service s {}\napplication a { s x }", ["2:19: error: expected ':' and the version of the service, got 'x'"]),
    ("service s {}\napplication a { s:0 5 }", ["2:21: error: expected the name of its scope, got '5'"]),
    ("service s {}\napplication a { 5 }", ["2:17: error: expected the name of a service, got '5'"]),
    ("service s {}\napplication a { s:1 x }", ["2:17: error: there is no version 1 of service 's'"]),
    ("service s {}\napplication a { s:0 x s:0 x }", ["2:27: error: there are two scopes 'x'"]),
    ("service s {}\napplication a { s:0 x default s:0 y default }",
     ["2:35: error: 'x' is the default already: there is one"]),

    # Decorators.
    ("service s {\n  #@timout(5)\n  int f()\n}",
     ["2:3: warning: unknown decorator 'timout' has no effect; did you mean 'timeout'?"]),
    ("service s {\n  #@timeout(0)\n  int f()\n}",
     ["2:3: error: #@timeout takes a number from 1 to 86400000: #@timeout(500)"]),
    ("service s {\n  #@limit\n  int f()\n}", ["2:3: error: #@limit takes a number from 1 to 2147483647: #@limit(8)"]),
    ("service s {\n  #@inline(1)\n  int f()\n}", ["2:3: error: #@inline takes no arguments"]),
    ("service s {\n  #@inline #@inline\n  int f()\n}", ["2:12: error: #@inline stands here twice"]),
    ("service s {\n  #@inline #@timeout(5)\n  int f()\n}",
     ["2:12: error: a method that runs inline holds the loop that would see to its time limit: "
      "#@inline or #@timeout"]),
    ("service s {\n  #@refuse_busy\n  int f()\n}",
     ["2:3: error: #@refuse_busy needs #@limit(…), which says when it is busy"]),
    ("service s {\n  #@later\n  oneway void f()\n}",
     ["2:3: error: 'f' is oneway, so nobody waits for its answer"]),
    ("service s {\n  #@limit(5 6)\n  int f()\n}", ["2:13: error: expected ')' behind the arguments, got '6'"]),
    (f"service s {{\n  #@cht({', '.join('1' for _ in range(17))})\n  int f()\n}}",
     ["2:57: error: more than 16 arguments"]),
    ("service s {\n  int f()\n  #@inline\n}", ["3:3: warning: 'inline' is ignored: no method follows"]),
    ("service s { int f() }\nservice s:1 {\n  #@inline\n  inherit f\n}",
     ["3:3: warning: 'inline' is ignored: what is inherited has its own"]),
]


class Errors(DuetgenTest):
    def told(self, text):
        self.write(x=text)
        done = self.run_duetgen("--json", "--server", "x.idl")
        lines = [line.removeprefix("x.idl:") for line in done.stderr.splitlines() if line.startswith("x.idl:")]
        self.assertEqual(done.returncode, int(": error: " in done.stderr), done.stderr)
        self.assertEqual(done.returncode == 0, done.stdout != "", done.stderr)
        return lines

    def test_each_has_its_words_and_its_place(self):
        for text, expected in CASES:
            with self.subTest(text):
                self.assertEqual(self.told(text), expected)

    def test_line_ends_and_byte_order_marks_change_no_place(self):
        for text, expected in CASES:
            if "\n" in text and "end of the file" not in "".join(expected):
                with self.subTest(text):
                    self.assertEqual(self.told(text.replace("\n", "\r\n")), expected)

    def test_no_message_is_untested(self):
        told = [line for _, lines in CASES for line in lines]
        for path in sorted((CHECKOUT / "codegen").glob("*/*.c")):
            source = re.sub(r'"\s+(?:PRI\w+\s+)?"', "", path.read_text(encoding="utf-8"))
            for words in re.findall(r'idl_(?:error|warning)\((?:[^;"]|"\w+"\))*"((?:[^"\\]|\\.)*)"', source):
                parts = re.split(r"%(?:\.\*)?(?:ll|z)?[a-z0-9]+", words.replace(r"\"", '"').replace("\\\\", "\\"))
                pattern = re.compile(".*?".join(map(re.escape, parts)))
                with self.subTest(file=path.name, words=words):
                    self.assertTrue(any(pattern.search(line) for line in told) or
                                    re.search("too many files|would both be", words))


class Form(DuetgenTest):
    def test_it_shows_the_line_and_a_caret_below_the_word(self):
        """Columns count characters, and tabs stay tabs."""
        self.write(calc="# ä\nmessage m {\n\t0: string ok = \"ä\", 1: strng x\n}\n")
        self.assertEqual(self.run_duetgen("calc.idl").stderr, """\
calc.idl:3:25: error: unknown type 'strng'; did you mean 'string'?
    \t0: string ok = "ä", 1: strng x
    \t                       ^~~~~
""")

    def test_one_run_finds_many(self):
        self.write(calc="message a {\n  0: strng x\n  1: itn y\n}\nservice s {\n  dubble f(0: xyzzy z)\n}\n")
        done = self.run_duetgen("calc.idl")
        self.assertEqual(done.stderr, """\
calc.idl:2:6: error: unknown type 'strng'; did you mean 'string'?
      0: strng x
         ^~~~~
calc.idl:3:6: error: unknown type 'itn'; did you mean 'int'?
      1: itn y
         ^~~
calc.idl:6:3: error: unknown type 'dubble'; did you mean 'double'?
      dubble f(0: xyzzy z)
      ^~~~~~
calc.idl:6:15: error: unknown type 'xyzzy'
      dubble f(0: xyzzy z)
                  ^~~~~
""")

    def test_twenty_are_enough(self):
        self.write(calc="message a {\n" + "".join(f"  {i}: x{i} a{i}\n" for i in range(30)) + "}\n")
        lines = self.run_duetgen("calc.idl").stderr.splitlines()
        self.assertEqual(len([line for line in lines if ": error: " in line]), 20)
        self.assertEqual(lines[-1], "calc.idl: more than 20 errors: the rest is left out")

    def test_an_error_in_an_included_file_names_that_file(self):
        self.write(calc="include \"common.idl\"\nservice s { point f() }", common="message point { 0: itn x }")
        self.assertEqual(self.run_duetgen("calc.idl").stderr.splitlines()[0],
                         "common.idl:1:20: error: unknown type 'itn'; did you mean 'int'?")

    def test_includes_in_a_circle(self):
        self.write(a="include b.idl", b="include c.idl", c="\ninclude ./a.idl")
        self.assertEqual(self.run_duetgen("a.idl").stderr.splitlines()[0],
                         "c.idl:2:9: error: './a.idl': includes itself")

    def test_includes_go_so_deep_and_no_deeper(self):
        self.write(**{f"f{i}": f"include f{i + 1}.idl" for i in range(70)})
        self.assertEqual(self.run_duetgen("f0.idl").stderr.splitlines()[0],
                         "f63.idl:1:9: error: 'f64.idl': is included through too many files")

    def test_two_files_with_one_header(self):
        (self.folder / "sub").mkdir()
        self.write(x="include \"sub/x.idl\"\nmessage m {}")
        (self.folder / "sub/x.idl").write_text("message n {}", encoding="utf-8")
        self.assertEqual(self.run_duetgen("x.idl").stderr.splitlines()[0],
                         "x.idl:1:9: error: sub/x.idl and x.idl would both be x.h in C")

    def test_a_file_by_two_paths_is_one_file(self):
        (self.folder / "sub").mkdir()
        self.write(a="include b.idl\ninclude sub/../b.idl\nmessage m { 0: n x }", b="message n {}")
        self.assertEqual(self.run_duetgen("a.idl").stderr, "")

    def test_a_file_that_cannot_be_read(self):
        done = self.run_duetgen("nowhere.idl")
        self.assertEqual((done.returncode, done.stderr), (1, "duetgen: nowhere.idl: No such file or directory\n"))
        self.assertEqual(self.run_duetgen(".").stderr, "duetgen: .: Is a directory\n")


class CommandLine(DuetgenTest):
    def test_help_and_version_go_to_standard_output(self):
        for flag, words in ("--help", "usage: duetgen"), ("-h", "usage: duetgen"), ("--version", "duetgen 0."):
            done = self.run_duetgen(flag)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(done.stdout.startswith(words))

    def test_a_wrong_command_line_is_2(self):
        for arguments, words in (
            ([], "which interface? FILE.idl"),
            (["--jsn", "x.idl"], "unknown flag --jsn"),
            (["--client", "x.idl"], "this version writes servers only: --client"),
            (["x.idl", "-o"], "a folder must follow -o"),
            (["x.idl", "y.idl"], "one interface at a time: unexpected argument y.idl"),
        ):
            done = self.run_duetgen(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertEqual(done.stderr, f"duetgen: {words}; --help shows what there is\n")

    def test_output_that_cannot_be_written_is_1(self):
        self.write(x="message m {}")
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = self.run_duetgen("--json", "x.idl", stdout=full)
        self.assertEqual((done.returncode, done.stderr), (1, "duetgen: standard output: No space left on device\n"))


if __name__ == "__main__":
    unittest.main()
