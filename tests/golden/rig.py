"""What the tests of duetgen share: running it on interfaces that are written to a folder of their own.

DUET_BIN names the folder with the programs, build/bin if it is not set.
"""
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
HERE = CHECKOUT / "tests/golden"
DUETGEN = os.path.join(os.path.abspath(os.environ.get("DUET_BIN", CHECKOUT / "build/bin")), "duetgen")


class DuetgenTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, **files):
        """write(calc="service calc {…}") makes calc.idl."""
        for name, text in files.items():
            (self.folder / f"{name}.idl").write_text(text, encoding="utf-8", newline="")

    def run_duetgen(self, *arguments, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 60, "cwd": self.folder} | options
        return subprocess.run([DUETGEN, *arguments], text=True, **options)
