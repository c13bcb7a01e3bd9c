# SPDX-License-Identifier: MIT
"""Runs begun by tools/train go on in PyTorch, and the other way round, with the same losses.

Usage: train_interop.py PROGRAM [unittest options], where PROGRAM is bin/train, with bin/predict and
bin/synthetic beside it. Exits with 77 where there is no torch.
"""
import gzip
import math
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import torch
except ImportError:
    print("skipped: this Python has no torch")
    sys.exit(77)

PROGRAM = ""
COUNT = 2990  # no multiple of the batch size
BATCH = 32
EPOCHS = 3
SEED = 5
OPTIONS = ["--epochs", str(EPOCHS), "--batch-size", str(BATCH), "--seed", str(SEED)]
WAYS = {
    "adam": ["--optimizer", "adam", "--lr", "0.003", "--weight-decay", "1e-4"],
    "adamw": ["--optimizer", "adamw", "--lr", "0.003"],
    "sgd": ["--optimizer", "sgd", "--lr", "0.02", "--momentum", "0.9", "--nesterov",
            "--scheduler", "step", "--gamma", "0.5"],
    "nadam": ["--optimizer", "nadam", "--lr", "0.003", "--scheduler", "multistep", "--milestones", "1,2",
              "--clip-grad-norm", "0.5"],
    "rmsprop": ["--optimizer", "rmsprop", "--lr", "0.001", "--momentum", "0.5", "--scheduler", "onecycle"],
}


class DigitNN(torch.nn.Module):
    """What a PyTorch user would write."""

    def __init__(self, generator):
        super().__init__()
        self.layer1 = self.layer(784, 32, generator)
        self.relu = torch.nn.ReLU()
        self.layer2 = self.layer(32, 10, generator)

    @staticmethod
    def layer(inputs, outputs, generator):
        linear = torch.nn.utils.skip_init(torch.nn.Linear, inputs, outputs)
        torch.nn.init.kaiming_uniform_(linear.weight, a=math.sqrt(5), generator=generator)
        bound = 1 / math.sqrt(inputs)
        torch.nn.init.uniform_(linear.bias, -bound, bound, generator=generator)
        return linear

    def forward(self, x):
        return self.layer2(self.relu(self.layer1(x)))


class Run:
    """The PyTorch program that tools/train does the work of."""

    def __init__(self, way, images, labels):
        self.images, self.labels = images, labels
        self.max_norm = 0.5 if way == "nadam" else None
        self.generator = torch.Generator().manual_seed(SEED)
        self.model = DigitNN(self.generator)
        parameters = self.model.parameters()
        steps = math.ceil(len(images) / BATCH)
        if way == "sgd":
            self.optimizer = torch.optim.SGD(parameters, lr=0.02, momentum=0.9, nesterov=True)
            self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, steps, 0.5)
        elif way == "nadam":
            self.optimizer = torch.optim.NAdam(parameters, lr=0.003)
            self.scheduler = torch.optim.lr_scheduler.MultiStepLR(self.optimizer, [steps, 2 * steps])
        elif way == "rmsprop":
            self.optimizer = torch.optim.RMSprop(parameters, lr=0.001, momentum=0.5)
            self.scheduler = torch.optim.lr_scheduler.OneCycleLR(
                self.optimizer, 0.001, EPOCHS * steps, cycle_momentum=False)
        else:
            if way == "adam":
                self.optimizer = torch.optim.Adam(parameters, lr=0.003, weight_decay=1e-4)
            else:
                self.optimizer = torch.optim.AdamW(parameters, lr=0.003)
            self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer,
                                                                        EPOCHS * steps)

    def epoch(self):
        """Trains for one epoch and returns the mean loss."""
        total = 0.0
        for index in torch.randperm(len(self.images), generator=self.generator).split(BATCH):
            inputs = (self.images[index].float() / 255).flatten(1)
            self.optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(self.model(inputs), self.labels[index])
            loss.backward()
            if self.max_norm is not None:
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.max_norm)
            self.optimizer.step()
            self.scheduler.step()
            total += loss.item() * len(index)
        return total / len(self.images)

    def load(self, checkpoint):
        self.model.load_state_dict(checkpoint["model"])
        self.optimizer.load_state_dict(checkpoint["opt"])
        self.scheduler.load_state_dict(checkpoint["scheduler"])
        self.generator.set_state(checkpoint["generator"])

    def save(self, into, path):
        """The checkpoint `into`, of whatever epoch, with this run's state."""
        torch.save({**into, "model": self.model.state_dict(), "opt": self.optimizer.state_dict(),
                    "scheduler": self.scheduler.state_dict(),
                    "generator": self.generator.get_state()}, path)


class TrainInterop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.program("synthetic", cls.folder / "data", "--train", COUNT, "--test", 500)
        cls.train_images, cls.train_labels = cls.read("train")
        cls.test_images, cls.test_labels = cls.read("t10k")

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    @classmethod
    def program(cls, name, *arguments):
        done = subprocess.run([pathlib.Path(PROGRAM).with_name(name), *map(str, arguments)],
                              capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{name} {arguments}: status {done.returncode}: {done.stderr}")
        return done.stdout

    @classmethod
    def read(cls, part):
        with gzip.open(cls.folder / "data" / f"{part}-images-idx3-ubyte.gz") as file:
            images = torch.frombuffer(bytearray(file.read()[16:]), dtype=torch.uint8)
        with gzip.open(cls.folder / "data" / f"{part}-labels-idx1-ubyte.gz") as file:
            labels = torch.frombuffer(bytearray(file.read()[8:]), dtype=torch.uint8)
        return images.view(-1, 28, 28), labels.long()

    def train(self, way, folder):
        """Trains all epochs; returns the checkpoints by epoch."""
        self.program("train", "--data", self.folder / "data", "--checkpoint-dir",
                     self.folder / folder, *OPTIONS, *WAYS[way])
        return {epoch: torch.load(self.folder / folder / f"model_dnn_{epoch - 1}.tar",
                                  weights_only=True)
                for epoch in (1, 2) if (self.folder / folder / f"model_dnn_{epoch - 1}.tar").exists()}

    def assert_close(self, a, b):
        self.assertLess(abs(a - b), 2e-5 * abs(b), f"{a} and {b}")

    def run_of(self, way):
        return Run(way, self.train_images, self.train_labels)

    def test_both_train_alike(self):
        for way in WAYS:
            with self.subTest(way):
                ours = self.train(way, f"alike_{way}")
                theirs = self.run_of(way)
                self.assert_close(ours[1]["best_loss"], theirs.epoch())
                self.assert_close(ours[2]["best_loss"], theirs.epoch())

    def test_pytorch_goes_on_where_wick_stopped(self):
        for way in WAYS:
            with self.subTest(way):
                ours = self.train(way, f"to_{way}")
                theirs = self.run_of(way)
                theirs.load(ours[1])
                self.assertEqual(theirs.scheduler.last_epoch, math.ceil(COUNT / BATCH))
                self.assert_close(theirs.epoch(), ours[2]["best_loss"])

    def test_wick_goes_on_where_pytorch_stopped(self):
        for way in WAYS:
            with self.subTest(way):
                ours = self.train(way, f"from_{way}")
                theirs = self.run_of(way)
                theirs.epoch()
                path = self.folder / f"torch_{way}.tar"
                theirs.save(ours[1], path)
                self.program("train", "--resume", path, "--checkpoint-dir",
                             self.folder / f"resumed_{way}")
                resumed = torch.load(self.folder / f"resumed_{way}" / "model_dnn_1.tar",
                                     weights_only=True)
                self.assert_close(resumed["best_loss"], theirs.epoch())

    def test_predict_takes_pytorchs_model(self):
        theirs = self.run_of("adam")
        theirs.epoch()
        with torch.no_grad():
            inputs = (self.test_images.float() / 255).flatten(1)
            hits = (theirs.model(inputs).argmax(1) == self.test_labels).sum().item()
        sequential = torch.nn.Sequential(theirs.model.layer1, theirs.model.relu, theirs.model.layer2)
        for name, content in {"plain": theirs.model.state_dict(),
                              "sequential": sequential.state_dict(),
                              "nested": {"model": theirs.model.state_dict(), "epoch": 1}}.items():
            with self.subTest(name):
                path = self.folder / f"{name}.pt"
                torch.save(content, path)
                out = self.program("predict", path, "--data", self.folder / "data")
                self.assertIn(f"({hits} of 500)", out)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    torch.set_num_threads(1)
    unittest.main()
