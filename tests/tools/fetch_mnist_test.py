# SPDX-License-Identifier: MIT
"""tools/fetch_mnist without a network: mirrors are local folders.

Usage: fetch_mnist_test.py FETCH_MNIST [unittest options]
"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = ""
NAMES = ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz",
         "train-labels-idx1-ubyte.gz"]


class FetchMnist(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.wrong = self.folder / "wrong"
        self.wrong.mkdir()
        for name in NAMES:
            (self.wrong / name).write_bytes(b"not these")

    def fetch(self, *mirrors, program=None):
        options = [word for mirror in mirrors for word in ("--mirror", mirror)]
        return subprocess.run([sys.executable, program or PROGRAM, self.folder / "mnist", *options],
                              capture_output=True, text=True, timeout=60, check=False)

    def program_for(self, mirror):
        """The program with the checksums of stand-ins for the files, which are in the folder."""
        mirror.mkdir()
        for name in NAMES:
            (mirror / name).write_bytes(b"content of " + name.encode())
        patch = f"FILES.update({{name: checksum(b'content of ' + name.encode()) for name in {NAMES}}})"
        program = self.folder / "fetch"
        program.write_text(pathlib.Path(PROGRAM).read_text().replace("def main():", patch + "\n\ndef main():", 1))
        return program

    def test_no_network(self):
        done = self.fetch("http://127.0.0.1:9")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot get train-images-idx3-ubyte.gz: http://127.0.0.1:9/:", done.stderr)
        self.assertIn("--data synthetic needs no download", done.stderr)
        self.assertEqual(list((self.folder / "mnist").iterdir()), [])

    def test_the_version_is_the_librarys(self):
        done = subprocess.run([sys.executable, PROGRAM, "--version"], capture_output=True, text=True, check=True)
        self.assertRegex(done.stdout, r"^fetch_mnist \(wick\) \d+\.\d+\.\d+\n$")
        self.assertFalse((self.folder / "mnist").exists())

    def test_a_full_standard_output_is_an_error(self):
        mirror = self.folder / "right"
        program = self.program_for(mirror)
        with open("/dev/full", "wb") as full:
            done = subprocess.run([sys.executable, program, self.folder / "mnist", "--mirror", mirror.as_uri()],
                                  stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "fetch_mnist: [Errno 28] No space left on device\n")

    def test_wrong_checksum_is_not_kept(self):
        done = self.fetch(self.wrong.as_uri())
        self.assertEqual(done.returncode, 1)
        self.assertIn("another checksum", done.stderr)
        self.assertEqual(list((self.folder / "mnist").iterdir()), [])

    def test_second_mirror_serves_where_the_first_fails(self):
        mirror = self.folder / "right"
        program = self.program_for(mirror)

        done = self.fetch(self.wrong.as_uri(), mirror.as_uri(), program=program)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in NAMES:
            self.assertEqual((self.folder / "mnist" / name).read_bytes(),
                             (mirror / name).read_bytes())
        self.assertEqual(sorted(path.name for path in (self.folder / "mnist").iterdir()), NAMES)
        # What is there and right is not fetched again, what is damaged is.
        (self.folder / "mnist" / NAMES[1]).write_bytes(b"damaged")
        again = self.fetch(mirror.as_uri(), program=program)
        self.assertEqual(again.stdout.count("is there"), 3)
        self.assertEqual(again.stdout.count("downloaded"), 1)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
