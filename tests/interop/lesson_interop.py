# SPDX-License-Identifier: MIT
"""The program of a lesson on saving and loading models, with the checkpoints of tools/train.

The lesson trains a network of layer1 and layer2 on images that torchvision's transforms prepare, keeps
{'tfs': ..., 'opt': ..., 'model': ...} in model_dnn_<epoch>.tar, and loads it in another program. Here
one of the two programs is tools/train or tools/predict.

Usage: lesson_interop.py PROGRAM [unittest options], where PROGRAM is bin/train, with bin/predict,
bin/synthetic and bin/ckpt beside it. Exits with 77 where there is no torch or no torchvision.
"""
import copy
import gzip
import math
import pathlib
import subprocess
import sys
import tempfile
import unittest
from collections import OrderedDict
from unittest import mock

try:
    import torch
    from PIL import Image
    from torch import nn
    from torchvision.transforms import v2
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

PROGRAM = ""
TRAIN, TEST = 990, 300
BATCH = 32
SEED = 3


class DigitNN(nn.Module):
    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.layer1 = nn.Linear(inputs, hidden)
        self.layer2 = nn.Linear(hidden, outputs)

    def forward(self, x):
        return self.layer2(nn.functional.relu(self.layer1(x)))


class Digits(torch.utils.data.Dataset):
    """<folder>/<class>/*.png, in the order of the names."""

    def __init__(self, folder, transforms):
        self.transforms = transforms
        self.samples = [(path, target)
                        for target, of_class in enumerate(sorted(folder.iterdir()))
                        for path in sorted(of_class.glob("*.png"))]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        path, target = self.samples[index]
        return self.transforms(Image.open(path)), target

    def tensors(self):
        inputs, targets = zip(*(self[i] for i in range(len(self))))
        return torch.stack(inputs), torch.tensor(targets)


def make_transforms():
    return v2.Compose([v2.ToImage(), v2.Grayscale(), v2.ToDtype(torch.float32, scale=True),
                       v2.Lambda(lambda image: image.ravel())])


def make_program():
    """What both programs of the lesson begin with."""
    model = DigitNN(28 * 28, 32, 10)
    return model, torch.optim.Adam(model.parameters(), lr=0.01), make_transforms()


def train_one(model, optimizer, batches):
    """An epoch; its mean loss."""
    loss_function = nn.CrossEntropyLoss()
    total = count = 0
    model.train()
    for inputs, targets in batches:
        loss = loss_function(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(targets)
        count += len(targets)
    return total / count


def write_tree(idx_folder, tree):
    """MNIST's files as PNG images in class folders."""
    for part, name in (("train", "train"), ("t10k", "test")):
        with gzip.open(idx_folder / f"{part}-images-idx3-ubyte.gz") as file:
            pixels = file.read()[16:]
        with gzip.open(idx_folder / f"{part}-labels-idx1-ubyte.gz") as file:
            labels = file.read()[8:]
        for i, label in enumerate(labels):
            folder = tree / name / f"class_{label}"
            folder.mkdir(parents=True, exist_ok=True)
            image = Image.frombytes("L", (28, 28), pixels[i * 784:(i + 1) * 784])
            image.save(folder / f"{i:05}.png")


class Lesson(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.good("synthetic", cls.folder / "idx", "--train", TRAIN, "--test", TEST)
        cls.tree = cls.folder / "tree"
        write_tree(cls.folder / "idx", cls.tree)
        cls.train_data = Digits(cls.tree / "train", make_transforms())
        cls.train_inputs, cls.train_targets = cls.train_data.tensors()
        cls.test_inputs, cls.test_targets = Digits(cls.tree / "test", make_transforms()).tensors()
        cls.lesson = cls.folder / "lesson"
        cls.lesson.mkdir()
        cls.run_lesson()

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    @classmethod
    def program(cls, name, *arguments):
        return subprocess.run([pathlib.Path(PROGRAM).with_name(name), *map(str, arguments)],
                              capture_output=True, text=True, timeout=300, check=False)

    @classmethod
    def good(cls, name, *arguments):
        done = cls.program(name, *arguments)
        if done.returncode != 0:
            raise AssertionError(f"{name} {arguments}: status {done.returncode}: {done.stderr}")
        return done

    @classmethod
    def run_lesson(cls):
        """The lesson's training, with its checkpoints model_dnn_<epoch>.tar."""
        torch.manual_seed(1)
        model, optimizer, transforms = make_program()
        batches = torch.utils.data.DataLoader(cls.train_data, batch_size=BATCH, shuffle=True)
        # As the lesson has it: the optimizer's state is taken once, before the first step.
        state = {"tfs": transforms.state_dict(), "opt": optimizer.state_dict(),
                 "model": model.state_dict()}
        best_loss = 1e10
        for epoch in range(2):
            loss_mean = train_one(model, optimizer, batches)
            if best_loss > loss_mean * 1.1:
                best_loss = loss_mean
                state["model"] = model.state_dict()
                torch.save(state, cls.lesson / f"model_dnn_{epoch}.tar")
        cls.model, cls.optimizer = model, optimizer
        cls.lesson_file = cls.lesson / "model_dnn_1.tar"

    def hits(self, model):
        model.eval()
        with torch.no_grad():
            return (model(self.test_inputs).argmax(1) == self.test_targets).sum().item()

    def start(self, file, *options, folder="started"):
        """A run of tools/train from the weights in a file."""
        return self.good("train", "--init", file, "--data", self.tree, "--checkpoint-dir",
                         self.folder / folder, "--seed", SEED, "--batch-size", BATCH, "--scheduler",
                         "none", "--lr", "0.01", *options)

    def continued(self, model, optimizer):
        """The loss of an epoch here, over the batches of tools/train with SEED."""
        generator = torch.Generator().manual_seed(SEED)
        for parameter in model.parameters():  # the weights that are drawn and overwritten
            torch.empty_like(parameter).uniform_(generator=generator)
        order = torch.randperm(TRAIN, generator=generator)
        return train_one(model, optimizer,
                         [(self.train_inputs[i], self.train_targets[i]) for i in order.split(BATCH)])

    def copy_of_model(self):
        model, optimizer, _ = make_program()
        model.load_state_dict(self.model.state_dict())
        return model, optimizer

    def saved(self, name, content):
        path = self.folder / name
        torch.save(content, path)
        return path

    # -- tools/train saves, the lesson loads ------------------------------------------------------
    def test_the_lesson_loads_the_trainers_checkpoint(self):
        out = self.good("train", "--data", self.tree, "--checkpoint-dir", self.folder / "ours",
                        "--epochs", 2, "--lr", "0.01").stdout
        self.assertEqual(sorted(path.name for path in (self.folder / "ours").iterdir()),
                         ["last.tar", "model_dnn_0.tar", "model_dnn_1.tar"])
        model_data = torch.load(self.folder / "ours" / "model_dnn_1.tar", weights_only=True)
        model, optimizer, transforms = make_program()
        model.load_state_dict(model_data["model"])
        transforms.load_state_dict(model_data["tfs"])
        optimizer.load_state_dict(model_data["opt"])

        hits = self.hits(model)
        self.assertIn(f"test accuracy {100 * hits / TEST:.2f} % ({hits} of {TEST})", out)
        steps = 2 * math.ceil(TRAIN / BATCH)
        self.assertEqual({entry["step"].item() for entry in optimizer.state.values()}, {steps})
        self.assertLess(self.continued(model, optimizer), model_data["best_loss"])
        self.assertEqual({entry["step"].item() for entry in optimizer.state.values()},
                         {steps + math.ceil(TRAIN / BATCH)})

    def test_tfs_is_what_torchvisions_transforms_give(self):
        for options in ([], ["--normalize"], ["--color"]):
            folder = self.folder / "_".join(["tfs", *options])
            self.good("train", "--data", self.tree, "--checkpoint-dir", folder, "--epochs", 1,
                      *options)
            checkpoint = torch.load(folder / "last.tar", weights_only=True)
            steps = make_transforms().transforms
            if "--normalize" in options:
                steps = [*steps[:3], v2.Normalize([0.1], [0.3]), steps[3]]
            if "--color" in options:
                steps = [steps[0], *steps[2:]]
            wanted = v2.Compose(steps).state_dict()
            self.assertIs(type(checkpoint["tfs"]), type(wanted))
            self.assertEqual(checkpoint["tfs"], wanted)
            self.assertEqual(checkpoint["tfs"]._metadata, wanted._metadata)
            self.assertEqual("normalize" in checkpoint["transforms"], "--normalize" in options)

    def test_deeper_networks_have_layers_of_the_same_names(self):
        self.good("train", "--data", self.tree, "--checkpoint-dir", self.folder / "deep", "--epochs",
                  1, "--model", "20,16")
        model = nn.Sequential(OrderedDict(layer1=nn.Linear(784, 20), relu1=nn.ReLU(),
                                          layer2=nn.Linear(20, 16), relu2=nn.ReLU(),
                                          layer3=nn.Linear(16, 10)))
        saved = torch.load(self.folder / "deep" / "last.tar", weights_only=True)["model"]
        model.load_state_dict(saved)
        self.assertEqual(list(saved), list(model.state_dict()))

    # -- the lesson saves, the programs load ------------------------------------------------------
    def test_predict_takes_the_lessons_file(self):
        hits = self.hits(self.model)
        done = self.good("predict", self.lesson_file, "--data", self.folder / "idx")
        self.assertIn(f"({hits} of {TEST})", done.stdout)

    def test_train_starts_from_the_lessons_file(self):
        hits = self.hits(self.model)
        done = self.start(self.lesson_file, "--epochs", 0, folder="nothing")
        self.assertIn(f"({hits} of {TEST})", done.stdout)
        done = self.start(self.lesson_file, "--epochs", 1)
        self.assertIn("optimizer's state is empty", done.stdout)
        self.assertIn("no step has been taken yet", done.stdout)
        checkpoint = torch.load(self.folder / "started" / "last.tar", weights_only=True)
        self.assertLess(abs(checkpoint["best_loss"] - self.continued(*self.copy_of_model())), 1e-4)

    def test_train_takes_the_optimizers_state(self):
        full = {"model": self.model.state_dict(), "opt": self.optimizer.state_dict()}
        by_name = torch.optim.Adam(self.model.named_parameters(), lr=0.01)
        # PyTorch's optimizers share the tensors that they load.
        by_name.load_state_dict(copy.deepcopy(self.optimizer.state_dict()))
        cases = {
            "opt": full,
            "optimizer_state_dict": {"model_state_dict": full["model"],
                                     "optimizer_state_dict": full["opt"], "epoch": 2},
            "sorted": {"model": dict(sorted(full["model"].items())), "opt": full["opt"]},
            "list": {"state_dict": full["model"], "optimizer_states": [full["opt"]]},
            "param_names": {"model": full["model"], "opt": by_name.state_dict()},
        }
        model, optimizer = self.copy_of_model()
        optimizer.load_state_dict(copy.deepcopy(self.optimizer.state_dict()))
        wanted = self.continued(model, optimizer)
        for name, content in cases.items():
            with self.subTest(name):
                path = self.saved(f"{name}.tar", content)
                done = self.start(path, "--epochs", 1, folder=f"from_{name}")
                self.assertIn("optimizer's state is taken", done.stdout)
                checkpoint = torch.load(self.folder / f"from_{name}" / "last.tar", weights_only=True)
                self.assertLess(abs(checkpoint["best_loss"] - wanted), 1e-4)
                for i, entry in enumerate(optimizer.state.values()):
                    ours = checkpoint["opt"]["state"][i]
                    self.assertEqual(ours["step"], entry["step"])
                    torch.testing.assert_close(ours["exp_avg"], entry["exp_avg"], rtol=1e-2,
                                               atol=1e-4)

    def test_an_optimizer_that_does_not_fit_is_not_taken(self):
        sgd = torch.optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9)
        model = self.model.state_dict()
        some = torch.optim.Adam(self.model.layer2.parameters())
        other = DigitNN(784, 20, 10)
        larger = torch.optim.Adam(other.parameters())
        for parameter in [*self.model.parameters(), *other.parameters()]:
            parameter.grad = torch.zeros_like(parameter)
        for optimizer in (sgd, some, larger):
            optimizer.step()
        for name, content, text in (
                ("sgd", {"model": model, "opt": sgd.state_dict()}, "it is that of SGD"),
                ("some", {"model": model, "opt": some.state_dict()}, "it is of 2 parameters"),
                ("larger", {"model": model, "opt": larger.state_dict()}, "other shapes"),
                ("two", {"model": model, "opt": self.optimizer.state_dict(),
                         "opt2": self.optimizer.state_dict()}, "several optimizers"),
                ("none", {"model": model}, "no optimizer's state")):
            with self.subTest(name):
                done = self.start(self.saved(f"misfit_{name}.tar", content), "--epochs", 0,
                                  folder="nothing")
                self.assertIn(text, done.stdout)
                self.assertIn("starts anew", done.stdout)

    def test_train_starts_from_files_of_any_program(self):
        state = self.model.state_dict()
        hits = self.hits(self.model)
        sequential = nn.Sequential(self.model.layer1, nn.ReLU(), self.model.layer2)
        files = {name: self.saved(f"{name}.pt", content) for name, content in {
            "bare": state,
            "model_state_dict": {"model_state_dict": state, "epoch": 3},
            "state_dict": {"state_dict": state},
            "net": {"net": state, "acc": 97.0},
            "sequential": sequential.state_dict(),
            "data_parallel": nn.DataParallel(self.model).state_dict(),
            "compiled": OrderedDict(("_orig_mod." + key, value) for key, value in state.items()),
            "both": OrderedDict(("module._orig_mod." + key, value)
                                for key, value in state.items()),
            "parameters": dict(self.model.named_parameters()),
            "float64": {key: value.double() for key, value in state.items()},
        }.items()}
        try:
            from safetensors.torch import save_file
            files["safetensors"] = self.folder / "model.safetensors"
            save_file(dict(state), files["safetensors"])
        except ImportError:
            print("safetensors is not there")
        for name, path in files.items():
            with self.subTest(name):
                done = self.start(path, "--epochs", 0, folder="nothing")
                self.assertIn("784-32-10", done.stdout)
                self.assertIn(f"({hits} of {TEST})", done.stdout)

    def test_layers_are_taken_in_the_order_of_their_numbers(self):
        torch.manual_seed(5)
        sizes = [784] + [16] * 11 + [10]
        model = nn.Sequential()
        for i, (inputs, outputs) in enumerate(zip(sizes, sizes[1:]), 1):
            model.add_module(f"layer{i}", nn.Linear(inputs, outputs))
            if i < len(sizes) - 1:
                model.add_module(f"relu{i}", nn.ReLU())
        path = self.saved("sorted_deep.pt", dict(sorted(model.state_dict().items())))
        done = self.start(path, "--epochs", 0, folder="nothing")
        self.assertIn(f"({self.hits(model)} of {TEST})", done.stdout)

    def test_files_without_a_run_are_not_resumed(self):
        full = {"model": self.model.state_dict(), "opt": self.optimizer.state_dict()}
        self.good("train", "--data", self.tree, "--checkpoint-dir", self.folder / "whole",
                  "--epochs", 1)
        whole = torch.load(self.folder / "whole" / "last.tar", weights_only=True)
        paths = [self.lesson_file, self.saved("no_run.pt", full)]
        for part in ("epoch", "generator"):
            paths.append(self.saved(f"no_{part}.pt",
                                    {key: value for key, value in whole.items() if key != part}))
        for path in paths:
            done = self.program("train", "--resume", path, "--data", self.tree)
            self.assertEqual(done.returncode, 1)
            self.assertIn("--init", done.stderr)

    # -- the lesson's other examples --------------------------------------------------------------
    def through_wick(self, name, content):
        """What torch.load gives after ckpt has read the file and written another."""
        path = self.saved(name, content)
        self.good("ckpt", "convert", path, self.folder / f"{name}.out.pt")
        return torch.load(self.folder / f"{name}.out.pt", weights_only=True)

    def test_tensors_strings_lists_and_dicts_go_through(self):
        tensor = self.through_wick("ex_tensor.tar", torch.tensor([1, 2, 3]))
        self.assertEqual(tensor.dtype, torch.int64)
        self.assertEqual(tensor.tolist(), [1, 2, 3])
        for name, content in {"string": "hello", "list": [1, 2.5, "three", None, True],
                              "dict": {"a": 1, 2: [3, (4, 5)], "t": "x"}, "number": 7,
                              "tuple": (1, "two")}.items():
            with self.subTest(name):
                loaded = self.through_wick(f"ex_{name}.tar", content)
                self.assertEqual(loaded, content)
                self.assertIs(type(loaded), type(content))
        model = self.through_wick("model_dnn.tar", self.model.state_dict())
        DigitNN(784, 32, 10).load_state_dict(model)

    def test_files_of_a_gpu_are_read_without_one(self):
        # What torch.save writes where the tensors lie on the first GPU.
        with mock.patch("torch.serialization.location_tag", return_value="cuda:0"):
            tensor = self.saved("gpu_tensor.tar", torch.tensor([1, 2, 3]))
            state = self.saved("gpu_model.tar", {"model": self.model.state_dict(),
                                                 "opt": self.optimizer.state_dict()})
        self.assertIn("cuda:0", self.good("ckpt", "ls", tensor).stdout)
        hits = self.hits(self.model)
        done = self.good("predict", state, "--data", self.folder / "idx")
        self.assertIn(f"({hits} of {TEST})", done.stdout)
        done = self.start(state, "--epochs", 0, folder="nothing")
        self.assertIn(f"({hits} of {TEST})", done.stdout)
        out = self.folder / "cpu_tensor.pt"
        self.good("ckpt", "convert", tensor, out, "--map-location", "cpu")
        # Without map_location: it is on the CPU now.
        self.assertEqual(torch.load(out, weights_only=True).tolist(), [1, 2, 3])
        self.assertEqual(torch.load(tensor, weights_only=True, map_location="cpu").tolist(),
                         [1, 2, 3])


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    torch.set_num_threads(1)
    unittest.main()
