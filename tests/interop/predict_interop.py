# SPDX-License-Identifier: MIT
"""tools/predict answers as PyTorch does, from files that PyTorch programs write, or says why not.

Usage: predict_interop.py PROGRAM [unittest options], where PROGRAM is bin/predict. Exits with 77
where there is no torch.
"""
import argparse
import collections
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

try:
    import torch
except ImportError:
    print("skipped: this Python has no torch")
    sys.exit(77)
try:
    import safetensors.torch as safetensors
except ImportError:
    safetensors = None
try:
    from torchvision.transforms import v2
except ImportError:
    v2 = None

PROGRAM = ""
ROUNDS = 60
SIDE = 8  # pixels
ACTIVATIONS = {
    "none": torch.nn.Identity,
    "relu": torch.nn.ReLU,
    "relu6": torch.nn.ReLU6,
    "leaky_relu": torch.nn.LeakyReLU,
    "elu": torch.nn.ELU,
    "selu": torch.nn.SELU,
    "celu": torch.nn.CELU,
    "gelu": torch.nn.GELU,
    "gelu_tanh": lambda: torch.nn.GELU(approximate="tanh"),
    "silu": torch.nn.SiLU,
    "mish": torch.nn.Mish,
    "sigmoid": torch.nn.Sigmoid,
    "log_sigmoid": torch.nn.LogSigmoid,
    "tanh": torch.nn.Tanh,
    "hardtanh": torch.nn.Hardtanh,
    "hardsigmoid": torch.nn.Hardsigmoid,
    "hardswish": torch.nn.Hardswish,
    "softplus": torch.nn.Softplus,
    "softsign": torch.nn.Softsign,
}
TAKEN_FOR_RELU = "taken to have ReLU between them"


def write_png(path, image):
    """A grey (H, W) or colour (H, W, 3) image of uint8."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    color = 0 if image.dim() == 2 else 2
    rows = b"".join(b"\0" + bytes(row.flatten().tolist()) for row in image)
    header = struct.pack(">IIBBBBB", image.shape[1], image.shape[0], 8, color, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) +
                     chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def linear(inputs, outputs, bias=True):
    layer = torch.nn.Linear(inputs, outputs, bias=bias)
    with torch.no_grad():  # answers that differ from image to image
        layer.weight.normal_(0, 2 / inputs ** 0.5)
    return layer


class DigitNN(torch.nn.Module):
    """The lesson's network."""

    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.layer1 = linear(inputs, hidden)
        self.layer2 = linear(hidden, outputs)

    def forward(self, x):
        return self.layer2(torch.nn.functional.relu(self.layer1(x)))


class Chain(torch.nn.Module):
    """Layers under any names, with a function between them."""

    def __init__(self, names, sizes, activation, bias=True):
        super().__init__()
        self.names, self.activation = names, ACTIVATIONS[activation]()
        for name, inputs, outputs in zip(names, sizes, sizes[1:]):
            parent = self
            *path, last = name.split(".")
            for part in path:
                if not hasattr(parent, part):
                    parent.add_module(part, torch.nn.Module())
                parent = getattr(parent, part)
            parent.add_module(last, linear(inputs, outputs, bias))

    def forward(self, x):
        for i, name in enumerate(self.names):
            x = self.get_submodule(name)(self.activation(x) if i > 0 else x)
        return x


class PredictInterop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        torch.manual_seed(1)
        cls.images = torch.randint(0, 256, (3, SIDE, SIDE), dtype=torch.uint8)
        cls.pngs = [cls.folder / f"{i}.png" for i in range(len(cls.images))]
        for path, image in zip(cls.pngs, cls.images):
            write_png(path, image)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def predict(self, *arguments):
        return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                              timeout=120, check=False)

    def answers(self, path, *options, images=None):
        """[(class, probability)], and what stderr said."""
        done = self.predict(path, *(images or self.pngs), *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = re.findall(r": (\d+) \(([\d.]+)\)$", done.stdout, re.MULTILINE)
        self.assertEqual(len(found), len(images or self.pngs), done.stdout)
        return [(int(index), float(probability)) for index, probability in found], done.stderr

    def expected(self, model, inputs=None):
        inputs = (self.images.float() / 255).flatten(1) if inputs is None else inputs
        with torch.no_grad():
            return [(int(row.argmax()), float(row.max())) for row in model(inputs).softmax(1)]

    def assert_same(self, found, wanted, message=""):
        for (index, probability), (index2, probability2) in zip(found, wanted, strict=True):
            self.assertEqual(index, index2, message)
            self.assertLess(abs(probability - probability2), 1.5e-4, message)

    def refused(self, content, text):
        path = self.folder / "refused.pt"
        torch.save(content, path)
        done = self.predict(path, *self.pngs)
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        self.assertIn(text, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_the_lessons_file_as_it_is(self):
        model = DigitNN(SIDE * SIDE, 16, 10)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        transforms = collections.OrderedDict()
        if v2 is not None:
            transforms = v2.Compose([v2.ToImage(), v2.Grayscale(),
                                     v2.ToDtype(torch.float32, scale=True),
                                     v2.Lambda(lambda x: x.ravel())]).state_dict()
        path = self.folder / "model_dnn_0.tar"
        for content in ({"tfs": transforms, "opt": optimizer.state_dict(),
                         "model": model.state_dict()}, model.state_dict()):
            torch.save(content, path)
            found, said = self.answers(path)
            self.assert_same(found, self.expected(model))
            self.assertIn(TAKEN_FOR_RELU, said)
            self.assertIn("keeps no transforms", said)

    def test_colour_becomes_grey_where_the_network_wants_it(self):
        model = DigitNN(SIDE * SIDE, 16, 10)
        torch.save(model.state_dict(), self.folder / "grey.pt")
        image = torch.randint(0, 256, (SIDE, SIDE, 3), dtype=torch.uint8)
        write_png(self.folder / "colour.png", image)
        found, _ = self.answers(self.folder / "grey.pt", images=[self.folder / "colour.png"])
        weights = torch.tensor([0.2989, 0.587, 0.114])
        grey = (image.float() / 255 * weights).sum(2).flatten()[None]
        self.assert_same(found, self.expected(model, grey))

    def test_any_network_in_any_file(self):
        seed = random.SystemRandom().randrange(10 ** 6)
        draw = random.Random(seed)
        for number in range(ROUNDS):
            torch.manual_seed(seed + number)
            count = draw.choice([1, 2, 3, 5, 12])
            activation = draw.choice(list(ACTIVATIONS))
            pattern = draw.choice(["layer{}", "net.{}", "encoder.layers.{}.0", "fc_{}_", "h{}.linear",
                                   "blocks.{}.mlp.2"])
            first, step = draw.choice([0, 1, 5]), draw.choice([1, 2, 3])
            names = [pattern.format(first + step * i) for i in range(count)]
            # Equal sizes inside: shapes do not help.
            sizes = [SIDE * SIDE] + [16] * (count - 1) + [10]
            model = Chain(names, sizes, activation, draw.random() < 0.7)
            wanted = self.expected(model)
            state = model.state_dict()
            prefix = draw.choice(["", "", "module.", "_orig_mod.", "module._orig_mod."])
            state = {prefix + key: value for key, value in state.items()}
            if draw.random() < 0.5:
                state = dict(sorted(state.items()))
            elif draw.random() < 0.5:
                keys = list(state)
                draw.shuffle(keys)
                state = {key: state[key] for key in keys}
            dtype = draw.choice([None, None, torch.float64])
            if dtype is not None:
                state = {key: value.to(dtype) for key, value in state.items()}
            kind = draw.choice(["zip", "legacy", "safetensors"] if safetensors else ["zip", "legacy"])
            message = f"seed {seed}, round {number}: {names} {activation} {prefix} {kind}"
            path = self.folder / f"any.{kind}"
            if kind == "safetensors":
                safetensors.save_file(state, path)
            else:
                content = draw.choice([
                    state, {"model": state}, {"net": state, "data": draw.choice(
                        [3, "x", [1, 2], {"image_shape": "large"}, torch.ones(2)])},
                    {"epoch": 3, "model_state_dict": state, "optimizer_state_dict": {"state": {}}},
                    {"state_dict": state, "tfs": collections.OrderedDict()}])
                torch.save(content, path, _use_new_zipfile_serialization=kind == "zip")
            found, said = self.answers(path, "--activation", activation)
            self.assert_same(found, wanted, message)
            self.assertNotIn(TAKEN_FOR_RELU, said)
            self.assertEqual(f"the prefix '{prefix}'" in said, prefix != "", message)
            if activation == "relu" and count > 1:
                found, said = self.answers(path)
                self.assert_same(found, wanted, message)
                self.assertIn(TAKEN_FOR_RELU, said)

    def test_what_wrappers_write(self):
        model = DigitNN(SIDE * SIDE, 16, 10)
        for wrapped in (torch.nn.DataParallel(model), torch.compile(model),
                        torch.nn.DataParallel(torch.compile(model)),
                        torch.compile(torch.nn.DataParallel(model)),
                        torch.optim.swa_utils.AveragedModel(model)):
            torch.save(wrapped.state_dict(), self.folder / "wrapped.pt")
            found, said = self.answers(self.folder / "wrapped.pt")
            self.assert_same(found, self.expected(model))
            self.assertIn("of all its names is taken off", said)

    def test_what_would_be_wrong_is_refused(self):
        state = DigitNN(SIDE * SIDE, 16, 10).state_dict()
        self.refused({key: value.to(torch.complex64) for key, value in state.items()},
                     "'layer1.weight' is complex64")
        self.refused({key: value * float("nan") for key, value in state.items()},
                     "'layer1.weight' holds nothing but NaN")
        self.refused({key: value.to(torch.int8) for key, value in state.items()}, "is int8")
        same = {f"{name}.weight": torch.rand(16, 16) for name in ("one", "two", "three")}
        self.refused(same, "the order of its layers is ambiguous")
        norm = torch.nn.Sequential(linear(64, 16), torch.nn.BatchNorm1d(16), linear(16, 10))
        self.refused(norm.state_dict(), "'1.weight' of shape [16] belongs to none, and neither do "
                                        "'1.bias', '1.running_mean', '1.running_var'")
        huge = {key: torch.full_like(value, 1e38) for key, value in state.items()}
        torch.save(huge, self.folder / "huge.pt")
        done = self.predict(self.folder / "huge.pt", self.pngs[0])
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("no finite number", done.stderr)

    def test_objects_of_other_classes_do_not_matter(self):
        model = DigitNN(SIDE * SIDE, 16, 10)
        path = self.folder / "objects.pt"
        for legacy in (False, True):
            torch.save({"args": argparse.Namespace(lr=0.1), "class": pathlib.PurePosixPath("a"),
                        "state_dict": model.state_dict(), "seed": random.Random(1)}, path,
                       _use_new_zipfile_serialization=not legacy)
            self.assert_same(self.answers(path)[0], self.expected(model))
            hint = "(of a whole module, save module.state_dict() instead)"
            torch.save(model, path, _use_new_zipfile_serialization=not legacy)
            self.assertIn(hint, self.predict(path, self.pngs[0]).stderr)
            self.assertIn("DigitNN", self.predict(path, self.pngs[0]).stderr)
            torch.save({"model": model}, path, _use_new_zipfile_serialization=not legacy)
            self.assertIn(hint, self.predict(path, self.pngs[0]).stderr)

    def test_files_of_other_kinds_are_named(self):
        path = self.folder / "other.pt"
        for content, text in {
                b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n": "Git LFS",
                b"<!DOCTYPE html>\n<html><body>404</body></html>\n": "HTML",
                b"\x89HDF\r\n\x1a\n" + bytes(40): "HDF5",
                b"GGUF" + bytes(40): "GGUF"}.items():
            path.write_bytes(content)
            done = self.predict(path, self.pngs[0])
            self.assertEqual(done.returncode, 1)
            self.assertIn(text, done.stderr)
            for word in ("::", "load(", "kCpu", "load_"):  # no C++ in a program's message
                self.assertNotIn(word, done.stderr)

    def test_unknown_activations_are_refused(self):
        torch.save(DigitNN(64, 16, 10).state_dict(), self.folder / "plain.pt")
        done = self.predict(self.folder / "plain.pt", self.pngs[0], "--activation", "swish")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no activation is called 'swish'; there are none, relu,", done.stderr)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    torch.set_num_threads(1)
    unittest.main()
