# SPDX-License-Identifier: MIT
"""Files that PyTorch reads though something about them is unusual: wick reads them too.

Usage: unusual_files_interop.py PROGRAM [unittest options], where PROGRAM is wick_formats.
Exits with 77 where torch is missing.
"""

import io
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest
import zipfile

try:
    import torch
except ImportError:
    print("skipped: this Python has no torch")
    sys.exit(77)

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else ""


class Unusual(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.path = self.folder / "in.pt"

    def wick(self, target="out.pt"):
        """Reads self.path and writes it anew."""
        return subprocess.run(
            [PROGRAM, self.path, self.folder / target], capture_output=True, text=True, check=False
        )

    def through_wick(self):
        done = self.wick()
        self.assertEqual(done.returncode, 0, done.stderr)
        return torch.load(self.folder / "out.pt", weights_only=True)

    def assert_same(self, one, other):
        self.assertEqual(type(one), type(other))
        if isinstance(one, torch.Tensor):
            self.assertEqual(one.dtype, other.dtype)
            self.assertEqual(one.shape, other.shape)
            self.assertEqual(one.stride(), other.stride())
            self.assertEqual(one.storage_offset(), other.storage_offset())
            self.assertEqual(one.untyped_storage().nbytes(), other.untyped_storage().nbytes())
            self.assertTrue(torch.equal(one, other))
        elif isinstance(one, dict):
            self.assertEqual(list(one), list(other))
            for key, value in one.items():
                self.assert_same(value, other[key])
        elif isinstance(one, (list, tuple)):
            self.assertEqual(len(one), len(other))
            for left, right in zip(one, other):
                self.assert_same(left, right)
        else:
            self.assertEqual(one, other)

    # -- Checksums --------------------------------------------------------------------------------

    def test_checksums_that_were_not_worked_out(self):
        state = {"w": torch.arange(6.0), "b": torch.zeros(3)}
        before = torch.serialization.get_crc32_options()
        torch.serialization.set_crc32_options(False)
        try:
            torch.save(state, self.path)
        finally:
            torch.serialization.set_crc32_options(before)
        self.assertEqual({info.CRC for info in zipfile.ZipFile(self.path).infolist()}, {0})
        self.assert_same(self.through_wick(), state)
        # What wick writes has them.
        self.assertIsNone(zipfile.ZipFile(self.folder / "out.pt").testzip())

    def test_checksums_of_data_that_were_skipped(self):
        with torch.serialization.skip_data():
            torch.save({"w": torch.arange(6.0)}, self.path)
        self.assert_same(self.through_wick(), torch.load(self.path, weights_only=True))

    def test_checksums_that_a_shared_mapping_left_behind(self):
        from mmap import MAP_SHARED

        torch.save({"w": torch.arange(6.0)}, self.path)
        with torch.serialization.set_default_mmap_options(MAP_SHARED):
            torch.load(self.path, mmap=True, weights_only=True)["w"].fill_(7)
        self.assertEqual(torch.load(self.path, weights_only=True)["w"][0].item(), 7)
        done = self.wick()
        self.assertEqual(done.returncode, 1)
        self.assertIn("changed in place, as through torch.load(mmap=True)", done.stderr)

    # -- Tensors without elements -----------------------------------------------------------------

    def test_empty_tensors_that_begin_behind_their_storage(self):
        batch = torch.zeros(8, 4)
        values = [
            torch.zeros(3, 4)[3:, 2:],
            batch[8:16, 2:],
            torch.zeros(2, 3, 4)[2:, 3:, 1:],
            torch.zeros(3, 4)[3:][:, 1],
            torch.as_strided(batch, (0, 2), (4, 1), 1000),
            torch.as_strided(batch, (2, 0), (2**62, 2**62), 2**62),
        ]
        for zipped in (True, False):
            # PyTorch cannot read what it writes of this dtype in the old format.
            more = [torch.zeros(5, dtype=torch.uint16)[5:][2:]] if zipped else []
            torch.save(values + more, self.path, _use_new_zipfile_serialization=zipped)
            self.assert_same(self.through_wick(), torch.load(self.path, weights_only=True))

    def test_random_slices_keep_their_offsets(self):
        seed = random.randrange(2**32)
        print(f"seed {seed}", file=sys.stderr)
        generator = random.Random(seed)
        for _ in range(20):
            values = []
            for _ in range(20):
                tensor = torch.zeros([generator.randrange(4) for _ in range(3)])
                for _ in range(3):
                    dim = generator.randrange(3)
                    start = generator.randrange(5)
                    tensor = tensor.narrow(dim, min(start, tensor.size(dim)), 0) \
                        if generator.random() < 0.3 else \
                        tensor[(slice(None),) * dim + (slice(start, start + 2),)]
                values.append(tensor)
            zipped = generator.random() < 0.5
            torch.save(values, self.path, _use_new_zipfile_serialization=zipped)
            self.assert_same(self.through_wick(), torch.load(self.path, weights_only=True))

    def test_one_empty_storage_under_several_dtypes(self):
        storage = torch.empty(0).untyped_storage()
        values = [torch.empty(0, dtype=dtype).set_(storage)
                  for dtype in (torch.float32, torch.int64, torch.bool, torch.complex128)]
        for zipped in (True, False):
            torch.save(values, self.path, _use_new_zipfile_serialization=zipped)
            back = self.through_wick()
            self.assert_same(back, values)
            self.assertEqual(len({t.untyped_storage()._cdata for t in back}), 1)

    def test_one_storage_under_the_dtypes_that_pytorch_saves_together(self):
        storage = torch.arange(16, dtype=torch.uint8)
        values = [storage, storage.view(torch.uint16), storage.view(torch.uint64),
                  storage.view(torch.float8_e5m2)]
        torch.save(values, self.path)
        expected = torch.load(self.path, weights_only=True)
        back = self.through_wick()
        for one, other in zip(back, expected):
            self.assertEqual(one.dtype, other.dtype)
            self.assertTrue(torch.equal(one.view(torch.uint8), other.view(torch.uint8)))
        self.assertEqual(len({t.untyped_storage()._cdata for t in back}), 1)

    # -- What follows the end ---------------------------------------------------------------------

    def test_bytes_behind_the_archive(self):
        # Large: in small files, PyTorch's reader stumbles over some numbers of bytes.
        torch.save({"w": torch.arange(60000.0)}, self.path)
        good = self.path.read_bytes()
        for count in (1, 100, 4000, 65000, 69000, 69562):
            self.path.write_bytes(good + b"\0" * count)
            self.assert_same(self.through_wick(), torch.load(self.path, weights_only=True))
        for count in (69563, 80000, 1 << 20):
            self.path.write_bytes(good + b"\0" * count)
            self.assertRaises(RuntimeError, torch.load, self.path, weights_only=True)
            done = self.wick()
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"{count} bytes follow the end", done.stderr)

    def test_bytes_behind_a_file_of_the_old_format(self):
        value = {"w": torch.arange(6.0)}
        torch.save(value, self.path, _use_new_zipfile_serialization=False)
        good = self.path.read_bytes()
        for more in (b"!", good, b"\0" * 100000):
            self.path.write_bytes(good + more)
            self.assert_same(self.through_wick(), torch.load(self.path, weights_only=True))

    # -- Depth ------------------------------------------------------------------------------------

    def test_deep_values(self):
        depth = 100_000
        pickles = {
            list: b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b".",
            tuple: b"\x80\x02)" + b"\x85" * (depth - 1) + b".",
            dict: b"\x80\x02" + b"}K\x01" * (depth - 1) + b"}" + b"s" * (depth - 1) + b".",
        }
        plain = io.BytesIO()
        torch.save({}, plain)
        for kind, pickle in pickles.items():
            with zipfile.ZipFile(plain) as old, zipfile.ZipFile(self.path, "w") as new:
                for info in old.infolist():
                    is_pickle = info.filename.endswith("data.pkl")
                    new.writestr(info.filename, pickle if is_pickle else old.read(info))
            value = self.through_wick()
            found = 0
            while isinstance(value, kind):
                found += 1
                value = (value.get(1) if kind is dict else value[0]) if value else None
            self.assertEqual(found, depth)

    # -- Links ------------------------------------------------------------------------------------

    def test_links_to_nothing_yet(self):
        torch.save([1], self.path)
        (self.folder / "d").mkdir()
        for saved_by, save in (("torch", lambda path: torch.save([1], path)),
                               ("wick", lambda path: self.assertEqual(
                                   self.wick(path.relative_to(self.folder)).returncode, 0))):
            one, two = self.folder / f"{saved_by}1.pt", self.folder / f"{saved_by}2.pt"
            os.symlink(f"{saved_by}2.pt", one)
            os.symlink(f"d/{saved_by}.pt", two)
            save(one)
            self.assertTrue(one.is_symlink() and two.is_symlink())
            self.assertEqual(torch.load(self.folder / "d" / f"{saved_by}.pt"), [1])


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
