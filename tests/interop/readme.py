"""The README as it stands: each client in it is run and must print 14, each excerpt and option is
compared."""
import os
import re
import subprocess
import unittest

from duet_server import PATIENCE_S, Server, need_command, program_path

CHECKOUT = os.path.join(os.path.dirname(__file__), "..", "..")
README = os.path.join(CHECKOUT, "README.md")
TOUR = os.path.join(CHECKOUT, "examples", "tour", "tour.c")
RUNNERS = {
    "python": ["/usr/bin/python3", "-"],
    "ruby": ["ruby", "-"],
    "sh": ["bash", "-s"],
    "vim": ["nvim", "--headless", "-u", "NONE", "-i", "NONE", "-n", "-S", "/dev/stdin", "-c", "qall!"],
}
UNITS = {"": 1, "KiB": 1 << 10, "KiB/s": 1 << 10, "MiB": 1 << 20, "s": 1000}
OF_THE_MACHINE = {"--loops": "one a CPU", "--workers": "two a CPU, at least 4"}


def as_printed(default):
    """16 MiB as 16777216, none as none or 0, words as they are."""
    if default == "none":
        return ["none", "0"]
    found = re.fullmatch(r"([\d,]+) ?([\w/]*)", default)
    return [str(int(found[1].replace(",", "")) * UNITS[found[2]]) if found else default]


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

    def test_excerpts_are_those_of_the_tour(self):
        with open(README, encoding="utf-8") as file:
            blocks = re.findall(r"^```c\n(.*?)^```", file.read(), re.M | re.S)
        with open(TOUR, encoding="utf-8") as file:
            tour = file.read()
        self.assertGreater(len(blocks), 1)
        for block in blocks[1:]:  # the first is double_server.c, which .ci/run compares
            self.assertIn(block, tour)

    def test_every_option_stands_in_the_table_with_its_default(self):
        command = [program_path("double_server"), "--print-limits"]
        printed = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
        defaults = dict(re.findall(r"^(--[\w-]+) +(\S+) ", printed.stdout, re.M))
        with open(README, encoding="utf-8") as file:
            rows = dict(re.findall(r"^\| `(--[\w-]+)` \| ([^|]+) \|", file.read(), re.M))
        self.assertEqual(list(rows), list(defaults))
        for flag, default in rows.items():
            with self.subTest(flag):
                if flag in OF_THE_MACHINE:
                    self.assertEqual(default, OF_THE_MACHINE[flag])
                else:
                    self.assertIn(defaults[flag], as_printed(default))

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
