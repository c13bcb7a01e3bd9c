# SPDX-License-Identifier: MIT
"""Random tensors and storages as programs leave them in checkpoints, for live_values.py."""

import warnings

import torch

from checkpoint_cases import DTYPES, STORAGE_DTYPES, untyped

# Tensors of these dtypes are saved as views of an UntypedStorage, so that several of them, uint8 and
# the storage itself may share one.
UNTYPED_DTYPES = [dtype for dtype in DTYPES
                  if str(dtype)[6:].startswith(("uint", "float8", "float4", "bits"))]
TYPED_DTYPES = [getattr(torch, name) for name in STORAGE_DTYPES]
LOCATIONS = ("cuda:0", "cuda:3", "mps", "xpu:1", "hpu", "xla:0", "mtia:0", "npu:0", "privateuseone:0")


def random_storage(rng, count, dtype):
    """An UntypedStorage of `count` elements, any bits in them; of bools the two that there are."""
    size = torch.empty(0, dtype=dtype).element_size()
    data = bytearray(rng.randbytes(count * size))
    if dtype == torch.bool:
        data = bytearray(byte & 1 for byte in data)
    if not data:
        return untyped(torch.empty(0, dtype=torch.uint8))
    return untyped(torch.frombuffer(data, dtype=torch.uint8).clone())


def elements(storage, dtype):
    return storage.nbytes() // torch.empty(0, dtype=dtype).element_size()


def random_view(rng, storage, dtype):
    """A tensor somewhere in a storage: contiguous, with any strides, expanded, overlapping or empty."""
    count = elements(storage, dtype)
    dims = rng.choice((0, 1, 1, 2, 2, 3, 4, 6))
    shape = [rng.choice((0, 1, 1, 2, 3, 4, 5)) for _ in range(dims)]
    kind = rng.choice(("contiguous", "permuted", "strided", "expanded"))
    order = list(range(dims))
    if kind == "permuted":
        rng.shuffle(order)
    strides, step = [0] * dims, 1
    for axis in reversed(order):
        strides[axis] = step
        step *= max(shape[axis], 1)
    if kind == "strided":
        strides = [rng.randrange(12) for _ in range(dims)]
    if kind == "expanded":
        strides = [0 if rng.random() < 0.5 else stride for stride in strides]

    def needed():
        return 1 + sum((size - 1) * stride for size, stride in zip(shape, strides))

    while dims and 0 not in shape and needed() > count:
        axis = rng.randrange(dims)
        shape[axis] = max(shape[axis] - 1, 0)
    if not dims and count == 0:
        shape, strides = [0], [1]
    # Nothing lies outside where there is no element, so that the offset may be anywhere.
    offset = rng.randrange(count + 9) if 0 in shape else rng.randrange(count - needed() + 1)
    return torch.empty(0, dtype=dtype).set_(storage, offset, shape, strides)


class Tensors:
    """The tensors of one value: now and then they share storages, or are one object."""

    def __init__(self, rng, tame=False):
        self.rng = rng
        self.tame = tame  # without what torch.save or torch.load refuse in some places
        self.storages = []  # with the dtype that they were made for
        self.objects = []

    def dtype_beside(self, dtype):
        if not self.tame and dtype in UNTYPED_DTYPES and self.rng.random() < 0.5:
            return self.rng.choice(UNTYPED_DTYPES)
        return dtype

    def storage(self):
        rng = self.rng
        if self.storages and rng.random() < 0.4:
            return rng.choice(self.storages)
        dtype = rng.choice(TYPED_DTYPES if self.tame else DTYPES)
        self.storages.append((random_storage(rng, rng.choice((0, 1, 5, 17, 64, 200)), dtype), dtype))
        return self.storages[-1]

    def storage_object(self):
        """A TypedStorage, or the UntypedStorage itself."""
        storage, dtype = self.storage()
        if not self.tame and self.rng.random() < 0.3 and dtype in UNTYPED_DTYPES:
            return storage
        tensor = torch.empty(0, dtype=dtype).set_(storage, 0, [elements(storage, dtype)], [1])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return tensor.storage()

    def plain(self):
        rng = self.rng
        if rng.random() < 0.05:
            shape = [rng.randrange(5) for _ in range(rng.randrange(4))]
            tensor = torch.empty(shape, dtype=rng.choice(DTYPES), device="meta")
            return tensor.transpose(0, 1) if len(shape) > 1 and rng.random() < 0.5 else tensor
        storage, dtype = self.storage()
        dtype = self.dtype_beside(dtype)
        return random_view(rng, storage, dtype)

    def tensor(self, attribute=None):
        """`attribute` makes a value for a tensor's attributes."""
        rng = self.rng
        if self.objects and rng.random() < 0.15:
            return rng.choice(self.objects)
        tensor = self.plain()
        differentiable = tensor.dtype.is_floating_point or tensor.dtype.is_complex
        try:
            if rng.random() < 0.3:
                wanted = differentiable and rng.random() < 0.7
                tensor = torch.nn.Parameter(tensor, requires_grad=wanted)
            elif differentiable and rng.random() < 0.2:
                tensor.requires_grad_()
        except RuntimeError:  # not for every dtype
            pass
        if attribute is not None and rng.random() < 0.15:
            for name in rng.sample(("note", "size_before", "quant_state", "é", "more"), rng.randrange(1, 4)):
                setattr(tensor, name, attribute())
        self.objects.append(tensor)
        return tensor

    def lazy(self):
        """A conjugate or negative view, whose elements PyTorch has not computed yet."""
        rng = self.rng
        tensor = random_view(rng, random_storage(rng, 64, torch.complex64), torch.complex64)
        if rng.random() < 0.5:
            return tensor.conj()
        return tensor.conj().imag if rng.random() < 0.5 else torch._neg_view(tensor)
