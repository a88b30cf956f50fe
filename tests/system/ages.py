"""A program works with this library whatever the age of the duet.h that it was compiled with; what
this library cannot know is refused with words."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
HEADER = os.path.join(HERE, "..", "..", "rpc", "duet.h")
PROGRAM = os.path.join(HERE, "ages_program.c")
LIBRARY = os.environ["DUET_LIBRARY"]
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)] or ["cc"]
LEVELS = ("-O0", "-O2")


def read_header():
    with open(HEADER, encoding="utf-8") as file:
        return file.read()


def changed(text, *changes):
    for pattern, replacement in changes:
        text, count = re.subn(pattern, replacement, text, count=1, flags=re.S)
        assert count == 1, pattern
    return text


def older(text):
    """As if the last members had not been thought of yet."""
    return changed(
        text,
        (r"    unsigned timeout_ms;.*?\n(\} duet_method;)", r"\1"),
        (r"(typedef struct duet_hooks \{.*?)    /\* Runs once for each.*?\n(\} duet_hooks;)", r"\1\2"),
        (r"\\\n    X\(unreadable_messages\).*?\n    X\(dropped_notifications\)[^\n]*", ""),
    )


def newer(text):
    """With a member more at the end of each."""
    return changed(
        text,
        (r"(\} duet_method;)", r"    const char *later;\n\1"),
        (r"(\} duet_hooks;)", r"    void (*later)(void);\n\1"),
        (r"(    X\(dropped_notifications\)[^\n]*)", r"\1 \\\n    X(later)"),
    )


class Ages(unittest.TestCase):
    def run_compiled(self, header, compiler, level, *defines):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "duet.h"), "w", encoding="utf-8") as file:
                file.write(header)
            program = os.path.join(folder, "program")
            flags = ["-std=gnu11", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror",
                     "-Wno-missing-field-initializers", level, *(f"-D{define}" for define in defines)]
            folder_of_library = os.path.dirname(LIBRARY)
            subprocess.run(
                [compiler, *flags, f"-I{folder}", PROGRAM, "-o", program, LIBRARY, "-lpthread",
                 f"-Wl,-rpath,{folder_of_library}"], check=True)
            done = subprocess.run([program], capture_output=True, text=True, timeout=60)
            return done.returncode, done.stdout.strip()

    def check_each(self, check, header, *defines):
        for compiler in COMPILERS:
            for level in LEVELS:
                with self.subTest(compiler=compiler, level=level):
                    check(*self.run_compiled(header, compiler, level, *defines))

    def check_serves(self, header, *defines):
        def check(status, words):
            self.assertEqual((status, words), (0, ""))

        self.check_each(check, header, *defines)

    def check_refused(self, pattern, header, *defines):
        def check(status, words):
            self.assertEqual(status, 1)
            self.assertRegex(words, pattern)

        self.check_each(check, header, *defines)

    def test_a_header_of_the_same_age(self):
        self.check_serves(read_header())

    def test_an_older_header(self):
        self.check_serves(older(read_header()))

    def test_a_newer_header_whose_members_are_not_used(self):
        self.check_serves(newer(read_header()), "LATER_COUNTER=later")

    def test_a_later_member_of_a_row_is_refused(self):
        self.check_refused(r"method double sets what libduet [\d.]+ does not know",
                           newer(read_header()), 'LATER_ROW=,.later="x"')

    def test_a_later_hook_is_refused(self):
        self.check_refused(r"the hooks have one that libduet [\d.]+ does not know",
                           newer(read_header()), "LATER_HOOK=,.later=(void (*)(void))twice")

    def test_a_table_without_its_end_row_is_refused_where_its_size_is_seen(self):
        for compiler in COMPILERS:
            with self.subTest(compiler):
                result = self.run_compiled(read_header(), compiler, "-O2", "END_ROW=")
                words = "a table of methods has no end: {0} must stand after its 1 row"
                self.assertEqual(result, (1, f"duet_server_add: {words}"))


if __name__ == "__main__":
    unittest.main()
