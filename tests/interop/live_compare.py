# SPDX-License-Identifier: MIT
"""Compares two values that torch.load returned, deeply: types, sharing, strides, attributes, every bit."""

import collections
import struct

import torch

from checkpoint_cases import untyped
from checkpoint_describe import TYPED, UNTYPED


class Different(Exception):
    pass


def raw(storage):
    """The bytes of an UntypedStorage, as a tensor."""
    return torch.empty(0, dtype=torch.uint8).set_(storage, 0, [storage.nbytes()], [1])


def canonical(item):
    """Words for an item of a set, to sort by: the order in a set depends on where its NaNs lie."""
    if isinstance(item, float):
        return "float " + struct.pack("<d", item).hex()
    if isinstance(item, complex):
        return "complex " + canonical(item.real) + canonical(item.imag)
    if isinstance(item, frozenset):
        return "frozenset " + " ".join(sorted(map(canonical, item)))
    if type(item) is tuple:
        return "tuple " + " ".join(map(canonical, item))
    return f"{type(item).__name__} {item!r}"


def same_but_nans(one, other):
    """Equal bits, or NaN in both: the sign of a NaN that is computed is nobody's promise."""
    one, other = (torch.view_as_real(value) if value.is_complex() else value for value in (one, other))
    bits = raw(untyped(one)) == raw(untyped(other))
    same = bits.view(-1, one.element_size()).all(1).view(one.shape)
    return bool((same | (one.isnan() & other.isnan())).all())


class Comparison:
    """Two values are equal where no program can tell one from the other. What is one object in one of
    them has to be one object in the other."""

    def __init__(self):
        self.left, self.right = {}, {}  # the numbers of the objects seen so far
        self.alive = []
        self.storages_left, self.storages_right = {}, {}

    def compare(self, left, right, path="value"):
        waiting = [(left, right, path)]
        while waiting:
            for item in self.step(*waiting.pop()):
                waiting.append(item)

    def differ(self, path, what, left, right):
        raise Different(f"{path}: {what}: {str(left)[:200]!r} became {str(right)[:200]!r}")

    def expect(self, path, what, left, right):
        if left != right:
            self.differ(path, what, left, right)

    def seen(self, left, right, path):
        """Whether this pair was compared already."""
        known = self.left.get(id(left)), self.right.get(id(right))
        self.expect(path, "which object it is", *known)
        if known[0] is not None:
            return True
        self.left[id(left)] = self.right[id(right)] = len(self.left)
        self.alive.append((left, right))
        return False

    def step(self, left, right, path):
        self.expect(path, "type", type(left).__name__, type(right).__name__)
        if isinstance(left, float):
            self.expect(path, "bits", struct.pack("<d", left).hex(), struct.pack("<d", right).hex())
        elif isinstance(left, complex):
            yield left.real, right.real, path + ".real"
            yield left.imag, right.imag, path + ".imag"
        elif isinstance(left, (TYPED, UNTYPED)):
            yield from self.storage_objects(left, right, path)
        elif isinstance(left, torch.Size):
            self.expect(path, "size", left, right)
        elif isinstance(left, (list, tuple, dict, set, frozenset, bytearray, torch.Tensor)):
            # Python has one empty tuple and one empty frozenset, wherever they come from.
            constant = type(left) in (tuple, frozenset) and not left and not right
            if not constant and not self.seen(left, right, path):
                yield from self.objects(left, right, path)
        else:
            self.expect(path, "value", left, right)

    def objects(self, left, right, path):
        if isinstance(left, torch.Tensor):
            yield from self.tensors(left, right, path)
            return
        self.expect(path, "length", len(left), len(right))
        if isinstance(left, bytearray):
            self.expect(path, "value", left, right)
        elif isinstance(left, dict):
            for number, (one, other) in enumerate(zip(left.items(), right.items())):
                yield one[0], other[0], f"{path} key {number}"
                yield one[1], other[1], f"{path}[{str(one[0])[:30]!r}]"
            if isinstance(left, collections.defaultdict):
                self.expect(path, "default_factory", left.default_factory, right.default_factory)
            yield from self.attributes(left, right, path)
        else:
            if isinstance(left, (set, frozenset)):
                left, right = sorted(left, key=canonical), sorted(right, key=canonical)
            for number, (one, other) in enumerate(zip(left, right)):
                yield one, other, f"{path}[{number}]"

    def attributes(self, left, right, path):
        if getattr(left, "__dict__", None) or getattr(right, "__dict__", None):
            yield dict(left.__dict__), dict(right.__dict__), path + ".__dict__"

    def storage_objects(self, left, right, path):
        if isinstance(left, TYPED):
            self.expect(path, "dtype", left.dtype, right.dtype)
            left, right = (getattr(value, "_untyped_storage", None) or value.untyped()
                           for value in (left, right))
        self.storages(left, right, path)
        return ()

    def storages(self, left, right, path):
        known = self.storages_left.get(left._cdata), self.storages_right.get(right._cdata)
        self.expect(path, "which storage it is", *known)
        if known[0] is not None:
            return
        self.storages_left[left._cdata] = self.storages_right[right._cdata] = len(self.storages_left)
        self.alive.append((left, right))
        self.expect(path, "device of the storage", left.device, right.device)
        self.expect(path, "bytes of the storage", left.nbytes(), right.nbytes())
        if left.device.type != "meta" and not torch.equal(raw(left), raw(right)):
            self.differ(path, "content of the storage", raw(left), raw(right))

    def tensors(self, left, right, path):
        for what in ("dtype", "shape", "device", "layout", "requires_grad"):
            self.expect(path, what, getattr(left, what), getattr(right, what))
        if left.is_conj() or left.is_neg():
            # The elements of a lazy view are computed when it is read.
            one, other = (value.resolve_conj().resolve_neg().clone(memory_format=torch.contiguous_format)
                          for value in (left, right))
            if not same_but_nans(one, other):
                self.differ(path, "elements", one, other)
        else:
            self.expect(path, "strides", left.stride(), right.stride())
            self.expect(path, "offset", left.storage_offset(), right.storage_offset())
            if left.device.type != "meta":
                self.storages(untyped(left), untyped(right), path)
        yield from self.attributes(left, right, path)


def difference(left, right):
    """What differs, in words, or None."""
    try:
        Comparison().compare(left, right)
    except Different as found:
        return str(found)
    return None
