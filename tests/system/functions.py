"""DUET_FUNCTION in every form compiles without a warning, in C11 and C++; a function whose C types are
not those of its letters does not, and the words say which."""
import os
import shutil
import subprocess
import tempfile
import unittest

HEADERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "rpc")
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wtype-limits", "-Wmissing-declarations",
          "-Wno-missing-field-initializers", "-Werror"]
LANGUAGES = {".c": ["-std=c11"], ".cpp": ["-std=c++20"]}
COMPILERS = {suffix: [name for name in names if shutil.which(name)]
             for suffix, names in ((".c", ("gcc", "clang", "cc")), (".cpp", ("g++", "clang++")))}

GOOD = """
static int64_t zero(void) { return 0; }
DUET_FUNCTION(zero, i);
static uint64_t one(uint64_t a) { return a; }
DUET_FUNCTION(one, u, u);
static double two(double a, double b) { return a + b; }
DUET_FUNCTION(two, d, d, d);
static bool three(bool a, bool b, bool c) { return a && b && c; }
DUET_FUNCTION(three, b, b, b, b);
static const char *four(const char *a, const char *b, const char *c, const char *d) { return *a ? b : *c ? d : a; }
DUET_FUNCTION(four, s, s, s, s, s);
static void five(int64_t a, uint64_t b, double c, bool d, const char *e) { (void)a, (void)b, (void)c, (void)d, (void)e; }
DUET_FUNCTION(five, n, i, u, d, b, s);
static int64_t six(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f) { return a + b + c + d + e + f; }
DUET_FUNCTION(six, i, i, i, i, i, i, i);
__attribute__((const)) static double pure_one(double a) { return a; }
DUET_FUNCTION(pure_one, d, d);
int64_t call(int64_t ctx);
int64_t call(int64_t ctx) { return ctx; }
DUET_FUNCTION(call, i, i);
static int64_t in_no_table(void) { return 1; }
DUET_FUNCTION(in_no_table, i);

extern const duet_method methods[];
const duet_method methods[] = {
    {DUET_METHOD_OF("zero", zero)}, {DUET_METHOD_OF("one", one), .flags = DUET_METHOD_INLINE, .help = "one"},
    {DUET_METHOD_OF("two", two)}, {DUET_METHOD_OF("three", three)}, {DUET_METHOD_OF("four", four)},
    {DUET_METHOD_OF("five", five)}, {DUET_METHOD_OF("six", six)}, {DUET_METHOD_OF("pure.one", pure_one)},
    {DUET_METHOD_OF("call", call)}, {NULL},
};
"""

# A wrong function, its line, and what the first error must say.
WRONG = [
    ("int64_t f(int a)", "f, i, i", '"i:i'),
    ("int64_t f(double a)", "f, i, i", '"i:i'),
    ("int f(void)", "f, i", '"i:'),
    ("void f(void)", "f, i", '"i:'),
    ("int64_t f(void)", "f, n", '"n:'),
    ("char *f(void)", "f, s", '"s:'),
    ("int64_t f(char *a)", "f, i, s", '"i:s'),
    ("uint64_t f(int64_t a)", "f, u, u", '"u:u'),
    ("bool f(int a)", "f, b, b", '"b:b'),
    ("double f(float a)", "f, d, d", '"d:d'),
    ("int64_t f(int64_t a)", "f, i, i, i", '"i:ii'),
    ("int64_t f(int64_t a, int64_t b)", "f, i, i", '"i:i'),
    ("int64_t f(int64_t a, ...)", "f, i, i", '"i:i'),
    ("int64_t f(void)", "f, i, i, i, i, i, i, i, i", "six parameters at most"),
    ("int64_t f(void)", "f, i, x", "_x"),
    ("int64_t f(void)", "f, a", "_a"),
    ("int64_t f(void)", "f, i, n", "_n"),
    ("int64_t g(void)", "f, i", "f"),
]


class Functions(unittest.TestCase):
    def compile(self, compiler, suffix, text, flags):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "program" + suffix)
            with open(path, "w", encoding="utf-8") as file:
                file.write("#include <duet.h>\n" + text)
            command = [compiler, *LANGUAGES[suffix], *flags, "-c", f"-I{HEADERS}", path, "-o", path + ".o"]
            done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
            return done.returncode, done.stderr.replace('\\"', '"')

    def each_compiler(self):
        for suffix, compilers in COMPILERS.items():
            for compiler in compilers:
                yield compiler, suffix

    def test_every_form_compiles_without_a_warning(self):
        for compiler, suffix in self.each_compiler():
            for level in "-O0", "-O2":
                with self.subTest(compiler=compiler, level=level):
                    self.assertEqual(self.compile(compiler, suffix, GOOD, [*STRICT, level]), (0, ""))

    def test_a_function_of_other_types_does_not_compile(self):
        for compiler, suffix in self.each_compiler():
            for function, letters, words in WRONG:
                with self.subTest(compiler=compiler, function=function, letters=letters):
                    text = f"{function};\nDUET_FUNCTION({letters});\n"
                    status, errors = self.compile(compiler, suffix, text, [])
                    self.assertNotEqual(status, 0)
                    self.assertIn(words, errors)


if __name__ == "__main__":
    unittest.main()
