"""What the documents say of the tree is so: paths, functions and where they are, links, the server
that README shows, the figures it opens with."""
import json
import os
import re
import unittest

CHECKOUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "tests/README.md", "tests/bench/README.md"]
TOP = r"(?:\./)?(?:\.ci|transport|rpc|codegen|examples|tests)/[\w./-]*"


def read(path):
    with open(os.path.join(CHECKOUT, path), encoding="utf-8") as file:
        return file.read()


def anchor(heading):
    """As GitHub makes it: lower case, no punctuation, hyphens for spaces."""
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


class Documents(unittest.TestCase):
    def test_every_path_is_there(self):
        for document in DOCUMENTS:
            paths = re.findall(rf"`({TOP})`", read(document))
            for path in paths:
                with self.subTest(document=document, path=path):
                    self.assertTrue(os.path.exists(os.path.join(CHECKOUT, path)))

    def test_every_function_is_in_the_file_named_before_it(self):
        """`name()` after `some/file.c`: a newcomer who opens the one must find the other."""
        path = functions = None
        for word in re.findall(rf"`({TOP}\.\w+|\w+\(\))`", read("CONTRIBUTING.md")):
            if word.endswith("()"):
                functions = word
                with self.subTest(path=path, function=word):
                    self.assertRegex(read(path), rf"\b{word[:-2]}\(")
            else:
                path = word
        self.assertIsNotNone(functions)

    def test_links_lead_somewhere(self):
        for document in DOCUMENTS:
            text = read(document)
            anchors = {anchor(heading) for heading in re.findall(r"^#+ (.*)$", text, re.M)}
            for link in re.findall(r"\]\(([^)]+)\)", text):
                with self.subTest(document=document, link=link):
                    if link.startswith("#"):
                        self.assertIn(link[1:], anchors)
                    elif "://" not in link:
                        folder = os.path.dirname(os.path.join(CHECKOUT, document))
                        self.assertTrue(os.path.exists(os.path.join(folder, link)))

    def test_the_figures_of_the_first_screen_are_measured(self):
        """After a new run of tests/bench they are to be written anew."""
        results = json.loads(read("tests/bench/results/results.json"))
        calls, codecs = results["calls"], results["codecs"]["xml: read 1,000 structs"]
        packed, xml = calls["MessagePack-RPC"], calls["XML-RPC"]
        duet, duet_xml = "Duet, inline", "Duet, inline, XML-RPC"
        first_screen = " ".join(read("README.md").partition("\n## ")[0].split())
        for words in (
            f"spends {xml['64x1']['xmlrpc-c Abyss']['server_cpu_us']:.0f} µs of CPU",
            f"Duet spends {xml['64x1'][duet_xml]['server_cpu_us']:.1f} (64",
            f"takes {codecs['xmlrpc-c']['ns'] / codecs['duet']['ns']:.0f} times as long",
            f"{packed['64x1'][duet]['ratio']:.2f} times as much with one call",
            f"{packed['64x32'][duet]['ratio']:.2f} times with 32",
            f"{xml['64x1'][duet_xml]['ratio']:.2f} and {xml['64x32'][duet_xml]['ratio']:.2f} times",
        ):
            self.assertIn(words, first_screen)

    def test_the_packages_of_the_readme_are_those_of_the_list(self):
        """Of each choice a|b in the list, Debian 13 has the first and Debian 12 the second."""
        listed = re.findall(r"^(?:build|demo) +(\S+)", read(".ci/packages"), re.M)
        lines = re.findall(r"apt-get install --no-install-recommends (gcc .*?) +# Debian (\d+)", read("README.md"), re.S)
        self.assertEqual([debian for _, debian in lines], ["12", "13"])
        for packages, debian in lines:
            chosen = [choice.split("|")[0 if debian == "13" else -1] for choice in listed]
            self.assertEqual(sorted(packages.replace("\\", "").split()), sorted(chosen))

    def test_the_readme_shows_the_double_server(self):
        block = re.search(r"^```c\n(.*?)^```", read("README.md"), re.M | re.S)[1]
        self.assertEqual(block, read("examples/double/double_server.c"))


if __name__ == "__main__":
    unittest.main()
