# SPDX-License-Identifier: MIT
"""Random trees of Python's plain objects, and of tensors, for live_values.py."""

import collections
import struct

import torch

from checkpoint_cases import DTYPE_VALUES, LAYOUTS

ALPHABETS = ("ab.", "abcdefghij_0123456789.", "éßñ", "Жщю", "中文字", "😀🧠", "\ud800\udfff", "\x00\n\t\\\"'",
             "\u202e\u0301\ufeff\uffff", " ")
FACTORIES = (None, int, float, bool, str, bytes, complex, list, tuple, dict, set, frozenset, bytearray,
             collections.OrderedDict, collections.Counter)
DEVICES = ("cpu cuda mps xpu meta hpu mkldnn opengl opencl ideep hip ve fpga maia xla lazy vulkan mtia ipu "
           "privateuseone").split()
FLOATS = (0.0, -0.0, 1.0, -1.5, 0.1, 1e300, -1e-300, 5e-324, float("inf"), float("-inf"), float("nan"))


def random_text(rng):
    length = rng.choice((0, 1, 3, 8, 20, 60, 300)) if rng.random() < 0.95 else 70000
    alphabets = rng.sample(ALPHABETS, rng.randrange(1, 4)) if rng.random() < 0.4 else ALPHABETS[:2]
    return "".join(rng.choice(rng.choice(alphabets)) for _ in range(length))


def random_integer(rng):
    bits = rng.choice((1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 62, 63, 64, 65, 127, 128, 500, 2031, 2039))
    if rng.random() < 0.002:
        bits = rng.choice((2040, 2041, 5000, 20000))
    number = rng.choice((rng.getrandbits(bits), 2**bits, 2**bits - 1, 2**bits + 1))
    return rng.choice((number, -number))


def random_float(rng):
    if rng.random() < 0.4:
        return rng.choice(FLOATS)
    return rng.gauss(0, 1) if rng.random() < 0.5 else struct.unpack("<d", rng.randbytes(8))[0]


def random_device(rng):
    name, index = rng.choice(DEVICES), rng.choice((None, None, 0, 1, 7, 127))
    return torch.device(name) if index is None else torch.device(name, index)


class Trees:
    def __init__(self, rng, tensors):
        self.rng = rng
        self.tensors = tensors
        self.made = []  # what may occur once more
        self.room = rng.choice((3, 10, 30, 100))
        # Only what torch.load(weights_only=True) knows, too.
        self.restricted = rng.random() < 0.7

    def hashable(self, depth=0):
        rng = self.rng
        kind = rng.randrange(13 if depth > 2 else 15 if self.restricted else 17)
        if kind < 5:
            return random_text(rng)
        if kind < 7:
            return random_integer(rng)
        if kind == 7:
            return random_float(rng)
        if kind == 8:
            return rng.choice((None, True, False, 0, 1, -1))
        if kind == 9:
            return rng.randbytes(rng.choice((0, 1, 5, 300)))
        if kind == 10:
            return rng.choice(DTYPE_VALUES)
        if kind == 11:
            return rng.choice((complex(random_float(rng), random_float(rng)), rng.choice(LAYOUTS)))
        if kind == 12:
            return torch.Size([rng.randrange(2**rng.randrange(1, 40)) for _ in range(rng.randrange(5))])
        if kind < 15:
            return tuple(self.hashable(depth + 1) for _ in range(rng.randrange(5)))
        return frozenset(self.hashable(depth + 1) for _ in range(rng.randrange(4)))

    def leaf(self):
        rng = self.rng
        kind = rng.randrange(12)
        if kind < 4:
            return self.hashable(3)
        if kind < 8:
            # Its attributes are pickled before it: nothing that it lies in may be there.
            return self.tensors.tensor(lambda: Trees(rng, self.tensors).tree(3))
        if kind == 8:
            return bytearray(rng.randbytes(rng.choice((0, 1, 2, 40, 300))))
        if kind == 9:
            return random_device(rng)
        if kind == 10:
            return self.tensors.storage_object() if rng.random() < 0.5 else rng.choice(DTYPE_VALUES)
        return random_float(rng)

    def count(self):
        """Sometimes more than the thousand items that pickle appends at once."""
        rng = self.rng
        return rng.choice((999, 1000, 1001, 2001)) if rng.random() < 0.005 else rng.randrange(6)

    def tree(self, depth=0):
        rng = self.rng
        self.room -= 1
        if depth >= 7 or self.room < 0 or (depth and rng.random() < 0.45):
            return self.leaf()
        if self.made and rng.random() < 0.12:
            return rng.choice(self.made)  # maybe one that this one lies in
        kind = rng.randrange(9)
        if kind < 4:
            return self.mapping(depth, rng.randrange(3 if self.restricted else 5))
        if kind < 6:
            made = []
            self.made.append(made)
            many = self.count()
            made.extend(self.tree(depth + 1) if many < 10 else i for i in range(many))
            return made
        if kind == 6:
            made = {self.hashable() for _ in range(self.count())}
        elif kind == 7 and not self.restricted:
            made = frozenset(self.hashable() for _ in range(rng.randrange(5)))
        else:
            made = tuple(self.tree(depth + 1) for _ in range(rng.randrange(6)))
        self.made.append(made)
        return made

    def mapping(self, depth, kind):
        rng = self.rng
        if kind == 0 and rng.random() < 0.3:
            made = collections.Counter()
        elif kind < 3:
            made = ({}, {}, collections.OrderedDict())[kind]
        else:
            made = collections.defaultdict(rng.choice(FACTORIES))
        # A Counter is pickled after its items, so that it cannot lie in itself.
        below = Trees(rng, self.tensors) if isinstance(made, collections.Counter) else self
        self.made.append(made)
        many = self.count()
        for i in range(many):
            if many > 10:
                made[i] = i
            else:
                made[self.hashable()] = below.tree(depth + 1)
        if isinstance(made, collections.OrderedDict) and rng.random() < 0.3:
            made._metadata = self.tree(depth + 2)
        return made
