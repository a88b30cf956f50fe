"""The README as it stands: each client in it is run and must print 14, each excerpt and option is
compared."""
import os
import re
import subprocess
import sys
import unittest

from duet_server import PATIENCE_S, Server, need_command, program_path

CHECKOUT = os.path.join(os.path.dirname(__file__), "..", "..")
README = os.path.join(CHECKOUT, "README.md")
HEADER = os.path.join(CHECKOUT, "rpc", "duet.h")
EXAMPLES = [os.path.join(CHECKOUT, "examples", *path)
            for path in (("tour", "tour.c"), ("loops", "poll_server.c"), ("chat", "chat_server.c"),
                         ("queue", "queue_server.c"),
                         ("ledger", "ledger_main.c"), ("ledger", "ledger.idl"))]
RUNNERS = {
    "python": ["/usr/bin/python3", "-"],
    "ruby": ["ruby", "-"],
    "sh": ["bash", "-s"],
    "vim": ["nvim", "--headless", "-u", "NONE", "-i", "NONE", "-n", "-S", "/dev/stdin", "-c", "qall!"],
}
UNITS = {"": 1, "KiB": 1 << 10, "KiB/s": 1 << 10, "MiB": 1 << 20, "s": 1000, "ms": 1}
SUFFIXES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "s": 1000}  # as flags take them
NARROW = (sys.maxsize >> 31) == 0  # 32 bits: sizes stop at what size_t holds there
OF_THE_MACHINE = {"--loops": "one a CPU", "--workers": "two a CPU, at least 4"}


def as_printed(default):
    """16 MiB as 16777216, none as none or 0, words as they are."""
    if default == "none":
        return ["none", "0"]
    found = re.fullmatch(r"([\d,]+) ?([\w/]*)", default)
    return [str(int(found[1].replace(",", "")) * UNITS[found[2]]) if found else default]


def plain(number):
    """16M as 16777216, words as they are."""
    found = re.fullmatch(r"(\d+)([KMGs]?)", number)
    return str(int(found[1]) * SUFFIXES[found[2]]) if found else number


def print_limits():
    """(flag, default, unit, range) of each option, as a server prints them."""
    command = [program_path("double_server"), "--print-limits"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    return re.findall(r"^(--[\w-]+) +(\S+) +(\S+) +(\S+) ", printed.stdout, re.M)


class Readme(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(program="double_server")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def test_every_client_prints_14(self):
        with open(README, encoding="utf-8") as file:
            blocks = re.findall(r"^```(\w+)\n(.*?)^```", file.read(), re.M | re.S)
        clients = [(language, code) for language, code in blocks if language in RUNNERS]
        self.assertEqual({language for language, _ in clients}, set(RUNNERS))
        for language, code in clients:
            with self.subTest(language):
                self.assertIn("6789", code)
                self.assertRegex(self.run_client(language, code), r"\b14\b")

    def test_excerpts_are_those_of_the_examples(self):
        with open(README, encoding="utf-8") as file:
            blocks = re.findall(r"^```(?:c|idl)\n(.*?)^```", file.read(), re.M | re.S)
        sources = []
        for example in EXAMPLES:
            with open(example, encoding="utf-8") as file:
                sources.append(file.read())
        self.assertGreater(len(blocks), 1)
        for block in blocks[1:]:  # the first is double_server.c, which .ci/run compares
            self.assertTrue(any(block in source for source in sources), block)

    def test_every_option_stands_in_the_table_with_its_default(self):
        defaults = {flag: default for flag, default, _, _ in print_limits()}
        with open(README, encoding="utf-8") as file:
            rows = dict(re.findall(r"^\| `(--[\w-]+)` \| ([^|]+) \|", file.read(), re.M))
        self.assertEqual(list(rows), list(defaults))
        for flag, default in rows.items():
            with self.subTest(flag):
                if flag in OF_THE_MACHINE:
                    self.assertEqual(default, OF_THE_MACHINE[flag])
                else:
                    self.assertIn(defaults[flag], as_printed(default))

    def test_the_header_says_of_every_option_what_the_table_does(self):
        """Name, flag, default, range, unit and the words of choices."""
        with open(HEADER, encoding="utf-8") as file:
            header = re.sub(r"\n +\* ", " ", file.read())
        entries = re.findall(r"/\* (--[\w-]+): ([^;]+); (\S+)(?: to (\w+))?(?:, in (\w+))?\. .*?\*/"
                             r"\s+(DUET_OPT_\w+) = (\d+),", header)
        options = [row for row in print_limits() if row[2] != "list"]
        self.assertEqual([entry[0] for entry in entries], [row[0] for row in options])
        numbers = [int(entry[6]) for entry in entries]
        self.assertEqual(numbers, sorted(set(numbers)))
        for entry, (flag, default, unit, limits) in zip(entries, options):
            _, stated, least, most, in_unit, name, _ = entry
            with self.subTest(flag):
                self.assertEqual("--" + name[len("DUET_OPT_"):].lower().replace("_", "-"), flag)
                self.assertEqual(plain(stated), OF_THE_MACHINE.get(flag, default))
                self.assertEqual(in_unit or "count", unit if most else "count")
                if not (NARROW and unit == "bytes"):
                    self.assertEqual(f"{plain(least)}-{plain(most)}" if most else least, limits)
                if unit == "choice":
                    self.check_choices(header, name, limits.split("|"))

    def check_choices(self, header, option, words):
        """DUET_NIL_EX = 1, /* ex:nil: … */ under DUET_OPT_NIL."""
        prefix = option.replace("_OPT_", "_") + "_"
        stated = re.findall(rf"{prefix}\w+ = (\d+), +/\* (\S+): ", header)
        self.assertEqual(stated, [(str(i), word) for i, word in enumerate(words)])

    def run_client(self, language, code):
        need_command(code.split()[0] if language == "sh" else RUNNERS[language][0])
        _, port = self.server.host_port()
        done = subprocess.run(
            RUNNERS[language],
            input=code.replace("6789", str(port)),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        return done.stdout + done.stderr


if __name__ == "__main__":
    unittest.main()
