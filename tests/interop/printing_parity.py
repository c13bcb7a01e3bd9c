# SPDX-License-Identifier: MIT
"""Tensors and modules as text, and the default generator, beside PyTorch's: equal, character for character and
bit for bit. Everything is drawn anew each time; the seed is printed, and --seed repeats it.
"""
import random
import unittest
from collections import OrderedDict

import wick_program
from wick_program import torch
from torch import nn

FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2,
          torch.float8_e4m3fnuz, torch.float8_e5m2fnuz]
INTEGERS = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.uint32,
            torch.uint64]
COMPLEX = [torch.complex64, torch.complex128, torch.complex32]
SPECIAL = [float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 1.0, -1.0, 1e8, 1.0001e8, 1e-4, 9.9e-5, 1000.0,
           1001.0, 0.5, 2.5, 1e-30, 1e30, 0.00005, 0.00015, 123456789.0, 99999.99999]


def random_shape():
    kind = random.random()
    if kind < 0.1:
        return ()
    if kind < 0.2:
        return tuple(random.randint(0, 3) for _ in range(random.randint(1, 4)))
    if kind < 0.3:  # more than a summary shows
        return random.choice([(1001,), (2000, 2), (7, 200), (8, 9, 20), (3, 400), (1, 1, 1500), (6, 6, 6, 6),
                              (7, 7, 3, 8), (1000,), (5000, 1)])
    return tuple(random.choice([1, 2, 3, 5, 7, 11, 30]) for _ in range(random.randint(1, 3)))


def random_floats(shape):
    kind = random.randrange(7)
    x = torch.randn(shape, dtype=torch.float64)
    if kind == 0:
        x = x * 10.0 ** random.randint(-9, 9)
    elif kind == 1:
        x = x * 10.0 ** (4 * torch.randn(shape, dtype=torch.float64))
    elif kind == 2:
        x = (x * 10.0 ** random.randint(0, 9)).round()
    elif kind == 3:
        x = torch.zeros(shape, dtype=torch.float64)
    elif kind == 4:
        x = (x * 3).round() / random.choice([1, 2, 8, 10])
    if random.random() < 0.4 and x.numel() > 0:
        flat = x.reshape(-1)
        for _ in range(random.randint(1, 4)):
            flat[random.randrange(flat.numel())] = random.choice(SPECIAL)
        x = flat.reshape(shape)
    return x


def random_tensor():
    shape = random_shape()
    kind = random.random()
    if kind < 0.6:
        x = random_floats(shape).to(random.choice(FLOATS))
    elif kind < 0.75:
        dtype = random.choice(INTEGERS)
        bound = 10 ** random.randint(0, 18)
        x = torch.randint(-bound, bound, shape).to(dtype)
    elif kind < 0.8:
        x = torch.randint(0, 2, shape).to(torch.bool)
    else:
        x = torch.complex(random_floats(shape), random_floats(shape)).to(random.choice(COMPLEX))
    if x.dim() > 1 and random.random() < 0.3 and x.element_size() > 1:
        x = x.transpose(0, -1)
    if x.dtype.is_floating_point and random.random() < 0.1:
        x = x.detach().requires_grad_()
    return x


def number():
    return random.choice([0.1, 1e-5, 1e-3, 0.25, 2.0, 1e16, 123456.789, random.random(), 3e-7, 1e15])


# The arguments of each layer of make_module(), drawn.
ARGUMENTS = {
    "BatchNorm1d": lambda: dict(num_features=random.randint(1, 9), eps=number(),
                                momentum=random.choice([None, number()]), affine=random.random() < 0.5,
                                track_running_stats=random.random() < 0.5),
    "CELU": lambda: dict(alpha=number()),
    "Dropout": lambda: dict(p=random.random()),
    "ELU": lambda: dict(alpha=number()),
    "Embedding": lambda: dict(num_embeddings=random.randint(3, 9), embedding_dim=random.randint(1, 9),
                              padding_idx=random.choice([None, 0, -1, 2])),
    "Flatten": lambda: random.choice([{}, dict(start_dim=0, end_dim=random.randint(-3, 3))]),
    "GELU": lambda: dict(approximate=random.choice(["none", "tanh"])),
    "GroupNorm": lambda: dict(num_groups=2, num_channels=2 * random.randint(1, 5), eps=number(),
                              affine=random.random() < 0.5),
    "Hardtanh": lambda: random.choice([{}, dict(min_val=-number(), max_val=number())]),
    "InstanceNorm2d": lambda: dict(num_features=random.randint(1, 9), eps=number(), momentum=number(),
                                   affine=random.random() < 0.5, track_running_stats=random.random() < 0.5),
    "LayerNorm": lambda: dict(normalized_shape=random.choice([4, [3], [2, 3, 4]]), eps=number(),
                              elementwise_affine=random.random() < 0.5, bias=random.random() < 0.5),
    "LeakyReLU": lambda: random.choice([{}, dict(negative_slope=number())]),
    "Linear": lambda: dict(in_features=random.randint(1, 900), out_features=random.randint(1, 9),
                           bias=random.random() < 0.5),
    "LogSoftmax": lambda: dict(dim=random.randint(-2, 2)),
    "PReLU": lambda: dict(num_parameters=random.randint(1, 9)),
    "RMSNorm": lambda: dict(normalized_shape=random.choice([4, [3], [2, 3, 4]]), eps=random.choice([None, number()]),
                            elementwise_affine=random.random() < 0.5),
    "Softplus": lambda: random.choice([{}, dict(beta=number(), threshold=number())]),
    "Unflatten": lambda: dict(dim=random.randint(0, 3), unflattened_size=tuple(
        random.randint(1, 9) for _ in range(random.randint(1, 3)))),
}


def pair(low, high):
    """A number, or two that differ: those that are the same are printed as one."""
    first = random.randint(low, high)
    return random.choice([first, (first, first + 1)])


def conv_arguments(dims):
    def size(low, high):
        return random.randint(low, high) if dims == 1 else pair(low, high)
    groups = random.randint(1, 3)
    same = random.random() < 0.2
    return dict(in_channels=groups * random.randint(1, 3), out_channels=groups * random.randint(1, 3),
                kernel_size=size(1, 4), stride=1 if same else size(1, 3),
                padding="same" if same else random.choice([0, "valid", size(0, 2)]), dilation=size(1, 2), groups=groups,
                bias=random.random() < 0.5,
                padding_mode=random.choice(["zeros", "reflect", "replicate", "circular"]))


def transpose_arguments():
    groups = random.randint(1, 3)
    return dict(in_channels=groups * random.randint(1, 3), out_channels=groups * random.randint(1, 3),
                kernel_size=random.randint(1, 4), stride=3, padding=random.randint(0, 2),
                output_padding=random.randint(0, 2), groups=groups, bias=random.random() < 0.5,
                dilation=random.randint(1, 2))


ARGUMENTS.update({
    "AdaptiveAvgPool1d": lambda: dict(output_size=random.randint(1, 9)),
    "AdaptiveAvgPool2d": lambda: dict(output_size=random.choice([pair(1, 9), (None, 3), (2, None), (None, None)])),
    "AvgPool1d": lambda: dict(kernel_size=4, stride=random.choice([None, 3]), padding=random.randint(0, 2)),
    "AvgPool2d": lambda: dict(kernel_size=pair(4, 5), stride=random.choice([None, pair(1, 3)]), padding=pair(0, 1)),
    "Conv1d": lambda: conv_arguments(1),
    "Conv2d": lambda: conv_arguments(2),
    "ConvTranspose1d": transpose_arguments,
    "MaxPool1d": lambda: dict(kernel_size=4, stride=random.choice([None, 3]), padding=random.randint(0, 2),
                              dilation=random.randint(1, 2), ceil_mode=random.random() < 0.5),
    "MaxPool2d": lambda: dict(kernel_size=pair(4, 5), stride=random.choice([None, pair(1, 3)]), padding=pair(0, 1),
                              dilation=pair(1, 2), ceil_mode=random.random() < 0.5),
    "PixelShuffle": lambda: dict(upscale_factor=random.randint(1, 9)),
    "Upsample": lambda: random.choice([dict(scale_factor=number()), dict(scale_factor=(1.5, 2.0)), dict(size=7),
                                       dict(size=(3, 4), mode="bilinear", align_corners=True)]),
    "ZeroPad2d": lambda: dict(padding=random.choice([3, (1, 2, 0, -4)])),
})
ARGUMENTS["AdaptiveMaxPool2d"] = ARGUMENTS["AdaptiveAvgPool2d"]
ARGUMENTS["ConvTranspose2d"] = ARGUMENTS["ConvTranspose1d"]


def flag():
    return random.random() < 0.5


def recurrent(**more):
    return dict(input_size=random.randint(1, 9), hidden_size=random.randint(1, 9), bias=flag(), **more)


def layers(**more):
    return recurrent(num_layers=random.randint(1, 3), batch_first=flag(), bidirectional=flag(),
                     dropout=random.choice([0.0, 0.25, 0.1]), **more)


ARGUMENTS |= {
    "GRU": layers,
    "GRUCell": recurrent,
    "LSTM": layers,
    "LSTMCell": recurrent,
    "MultiheadAttention": lambda: dict(embed_dim=6, num_heads=random.choice([1, 2, 3]), bias=flag(), dropout=0.1),
    "RNN": lambda: layers(nonlinearity=random.choice(["tanh", "relu"])),
    "RNNCell": lambda: recurrent(nonlinearity=random.choice(["tanh", "relu"])),
    "TransformerEncoderLayer": lambda: dict(d_model=6, nhead=2, dim_feedforward=random.randint(1, 9), dropout=0.2,
                                            activation=random.choice(["relu", "gelu"]), layer_norm_eps=number(),
                                            norm_first=flag(), bias=flag()),
}
ARGUMENTS["BatchNorm2d"] = ARGUMENTS["BatchNorm1d"]
ARGUMENTS["Softmax"] = ARGUMENTS["LogSoftmax"]


def random_module(names, depth=0):
    """A description for wick, and PyTorch's module."""
    if depth < 3 and random.random() < 0.3:
        children = [(random.choice([str(i), f"layer{i}"]), random_module(names, depth + 1))
                    for i in range(random.randint(0, 4))]
        module = nn.Sequential(OrderedDict((name, child[1]) for name, child in children))
        return ("Sequential", [(name, child[0]) for name, child in children]), module
    name = random.choice(names)
    arguments = ARGUMENTS.get(name, dict)()
    return (name, arguments), getattr(nn, name)(**arguments)


class Printing(unittest.TestCase):
    def compare(self, given, texts, ours):
        self.assertEqual(len(texts), len(ours))
        for what, text, own in zip(given, texts, ours):
            self.assertEqual(own, text, msg=f"seed {SEED}, {what}")

    def test_tensors(self):
        tensors = [random_tensor() for _ in range(600)]
        self.compare([(t.dtype, t.shape) for t in tensors], [str(t) for t in tensors],
                     wick_program.run("tensors", {"tensors": tensors}))

    def test_a_tensor_of_each_special_value_and_pair(self):
        tensors = [torch.tensor([a, b], dtype=dtype) for a in SPECIAL for b in SPECIAL
                   for dtype in (torch.float32, torch.float64)]
        tensors += [torch.tensor(a, dtype=dtype) for a in SPECIAL for dtype in FLOATS]
        tensors += [torch.empty(shape, dtype=dtype) for shape in [(0,), (2, 0), (0, 3, 1)]
                    for dtype in FLOATS + INTEGERS + COMPLEX + [torch.bool, torch.float8_e8m0fnu]]
        tensors += [torch.tensor([2.0**-127, 1.0, 4.0, float("nan")]).to(torch.float8_e8m0fnu)]
        tensors += [torch.empty(shape, dtype=dtype, device="meta") for shape in [(), (3,), (0, 2)]
                    for dtype in (torch.float32, torch.int64, torch.float16)]
        self.compare(tensors, [str(t) for t in tensors], wick_program.run("tensors", {"tensors": tensors}))

    def test_options(self):
        for _ in range(12):
            tensors = [random_tensor() for _ in range(30)]
            options = dict(precision=random.randint(0, 9), threshold=random.choice([0, 5, 50, 10000]),
                           edgeitems=random.randint(1, 5), linewidth=random.choice([1, 20, 80, 200]),
                           sci_mode=random.choice([None, True, False]))
            ours = wick_program.run("tensors", {"tensors": tensors, "options": options})
            torch.set_printoptions(**options)
            texts = [str(t) for t in tensors]
            torch.set_printoptions(profile="default")
            self.compare([(options, t.dtype, t.shape) for t in tensors], texts, ours)

    def test_modules(self):
        names = wick_program.run("names", None)
        self.assertGreater(len(names), 30)
        pairs = [random_module([name], 3) for name in names for _ in range(10)]
        pairs += [random_module(names) for _ in range(100)]
        # PyTorch has a class of its own for a Linear that its quantization leaves alone.
        texts = [str(module).replace("NonDynamicallyQuantizableLinear", "Linear") for _, module in pairs]
        self.compare([given for given, _ in pairs], texts, wick_program.run("modules", [given for given, _ in pairs]))

    def test_the_default_generator(self):
        for seed in (0, 1, random.randrange(2**62)):
            sizes = (784, 32) if seed == 0 else (random.randint(1, 99), random.randint(1, 99))
            ours = wick_program.run("draw", {"seed": seed, "in": sizes[0], "out": sizes[1]})
            torch.manual_seed(seed)
            linear, embedding = nn.Linear(*sizes), nn.Embedding(7, 5)
            model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.25), nn.Linear(4, 2))
            x = torch.randn(6, 3)
            y = model(x).detach()
            made = nn.Linear(4, 3)
            numbers, state = torch.rand(21), torch.default_generator.get_state()
            for name, module in (("linear", linear), ("embedding", embedding), ("model", model), ("made", made)):
                for key, value in module.state_dict().items():
                    self.assertTrue(torch.equal(ours[name][key], value), msg=f"seed {seed}, {name} {key}")
            self.assertTrue(torch.equal(ours["x"], x))
            torch.testing.assert_close(ours["y"], y)
            self.assertTrue(torch.equal(ours["rand"], numbers))
            self.assertTrue(torch.equal(ours["state"], state))


if __name__ == "__main__":
    SEED = wick_program.start()
    wick_program.main()
