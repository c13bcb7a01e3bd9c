# SPDX-License-Identifier: MIT
"""What PyTorch has read, described as `wick_checkpoint describe` describes what wick has read."""

import collections
import json
import struct

import torch

from checkpoint_cases import untyped

TYPED = getattr(torch.storage, "TypedStorage", None) or torch.storage._TypedStorage
UNTYPED = getattr(torch, "UntypedStorage", None) or torch._UntypedStorage


class Describer:
    """The same description as `wick_checkpoint describe` prints."""

    def __init__(self):
        self.seen = {}
        self.storages = {}
        self.alive = []

    def describe(self, value):
        kinds = (list, tuple, dict, set, frozenset, bytearray, torch.Tensor)
        if isinstance(value, kinds) and not (type(value) in (tuple, frozenset) and not value):
            if id(value) in self.seen:
                return ["same", self.seen[id(value)]]
            self.seen[id(value)] = len(self.seen)
            self.alive.append(value)
        if value is None:
            return ["None"]
        if isinstance(value, bool):
            return ["bool", int(value)]
        if isinstance(value, int):
            return ["int", str(value)]
        if isinstance(value, float):
            return ["float", struct.pack("<d", value).hex()]
        if isinstance(value, complex):
            parts = (value.real, value.imag)
            return ["complex", *(struct.pack("<d", part).hex() for part in parts)]
        if isinstance(value, str):
            return ["str", value.encode("utf-8", "surrogatepass").hex()]
        if isinstance(value, (bytes, bytearray)):
            return [type(value).__name__, value.hex()]
        if isinstance(value, torch.Size):
            return ["torch.Size", list(value)]
        if isinstance(value, (list, tuple)):
            return [type(value).__name__, *(self.describe(item) for item in value)]
        if isinstance(value, dict):
            kind = {"OrderedDict": "ordered", "Counter": "counter", "defaultdict": "default"}
            result = ["dict", kind.get(type(value).__name__, "plain")]
            if isinstance(value, collections.defaultdict):
                result.append(value.default_factory.__name__ if value.default_factory else "")
            for key, item in value.items():
                result += [self.describe(key), self.describe(item)]
            if isinstance(value, collections.OrderedDict) and value.__dict__:
                result += ["attributes", self.describe(value.__dict__)]
            return result
        if isinstance(value, (set, frozenset)):
            return [type(value).__name__, *(self.describe(item) for item in value)]
        if isinstance(value, torch.dtype):
            return ["torch.dtype", str(value)]
        if isinstance(value, torch.device):
            return ["torch.device", str(value)]
        if isinstance(value, torch.layout):
            return ["torch.layout", str(value)]
        if isinstance(value, (TYPED, UNTYPED)):
            # torch.load makes a TypedStorage of uint8 out of an UntypedStorage.
            typed = isinstance(value, TYPED)
            dtype = value.dtype if typed else torch.uint8
            raw = (getattr(value, "_untyped_storage", None) or value.untyped()) if typed else value
            return ["torch.Storage", str(dtype), str(value.device), *self.describe_storage(raw)]
        return self.describe_tensor(value)

    def describe_storage(self, storage):
        content = ""
        if storage._cdata not in self.storages:
            self.storages[storage._cdata] = len(self.storages)
            self.alive.append(storage)
            content = bytes(storage.tolist()).hex()
        return [self.storages[storage._cdata], content]

    def describe_tensor(self, tensor):
        shape, strides = list(tensor.shape), list(tensor.stride())
        where = [str(tensor.device), shape, strides, tensor.storage_offset()]
        kept = [int(tensor.requires_grad), *self.describe_storage(untyped(tensor))]
        kept.append(type(tensor).__name__)
        if tensor.__dict__:
            kept.append(self.describe(tensor.__dict__))
        return ["torch.Tensor", str(tensor.dtype), *where, *kept]


def normal(description):
    """The items of sets in a fixed order."""
    if not isinstance(description, list):
        return description
    items = [normal(item) for item in description]
    if items and items[0] in ("set", "frozenset"):
        items[1:] = sorted(items[1:], key=json.dumps)
    return items


def described_by_torch(value):
    return normal(Describer().describe(value))
