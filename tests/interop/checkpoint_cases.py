# SPDX-License-Identifier: MIT
"""The values that checkpoint_interop.py sends through PyTorch and wick: (name, value) each."""

import collections
import io

import torch

import checkpoint_models as models



def can_save(name):
    try:
        torch.save(torch.empty(0, dtype=getattr(torch, name)), io.BytesIO())
    except (AttributeError, KeyError):  # the first without the dtype, the second complex32 in 1.13
        return False
    return True


DTYPES = [
    getattr(torch, name)
    for name in (
        "float32 float64 float16 bfloat16 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz "
        "float8_e8m0fnu uint8 int8 int16 int32 int64 uint16 uint32 uint64 bool complex32 complex64 "
        "complex128 bits1x8 bits2x4 bits4x2 bits8 bits16 float4_e2m1fn_x2 bcomplex32"
    ).split()
    if can_save(name)
]
# As values, int1 to uint7 too, whose tensors torch.save cannot write; no quantized ones.
DTYPE_VALUES = sorted({value for value in vars(torch).values() if isinstance(value, torch.dtype)
                       and not str(value).startswith(("torch.qint", "torch.quint"))}, key=str)

# What torch.load(weights_only=True) refuses although it is plain data: by the case's first word.
REFUSED_BY_TORCH = {
    "popping": "the restricted unpickler does not know POP",
    "frozenset": "not among its globals",
    "defaultdict": "not among its globals",
    "long4": "the restricted unpickler does not know LONG4",
}


def random_bits(dtype, *shape):
    """Any bits, not-a-numbers included; for bool the two there are."""
    if dtype == torch.bool:
        return torch.randint(0, 2, shape).bool()
    size = torch.empty(0, dtype=dtype).element_size()
    raw = torch.randint(0, 256, (*shape[:-1], shape[-1] * size), dtype=torch.uint8)
    return raw.view(dtype)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = torch.nn.Linear(3, 4)
        self.norm = torch.nn.BatchNorm1d(4)
        self.blocks = torch.nn.ModuleList(torch.nn.Linear(4, 4) for _ in range(12))
        self.scale = torch.nn.Parameter(torch.ones(1))


def circle():
    items = [1]
    items.append({"items": items, "pair": (items, 2)})
    return items


def tuple_circle(width):
    items = []
    items.append((items, *range(width)))
    return items[0]


def with_attributes(value, **attributes):
    for name, attribute in attributes.items():
        setattr(value, name, attribute)
    return value


def default_dict(factory, **items):
    return collections.defaultdict(factory, items)


def plain_cases():
    yield "scalars", [None, True, False, 0, 1.5, -0.0, float("inf"), 1e-300, "text", 1 + 2j]
    yield "nan", float("nan")
    yield "complex", [complex(0, -0.0), complex(float("inf"), 1), 1 + 2j]
    yield "ints", [0, 255, 256, 65535, 65536, -1, -128, -129, 2**31 - 1, 2**31, -(2**31),
                   -(2**31) - 1, 2**40, 2**62, 2**63 - 1, -(2**63)]
    yield "big_ints", [2**63, -(2**63) - 1, 2**64, 2**127 - 1, 2**127, -(2**127), 10**100, -(10**100),
                       2**2030, 2**63]
    yield "long4_ints", [2**2040, -(2**4000), 2**20000 + 1]
    yield "big_int_keys", {2**64: "a", 2.0**70: "b", 2**70 + 1: "c"}
    yield "text", ["", "é€😀", "a b", "x" * 300, "line\nbreak", "\ud800", "\x00"]
    yield "long_text", "long text " * 10000
    yield "interned", {"lr": 1, "betas": "lr", "name": "betas", "é": "é"}
    yield "bytes", [b"a", b"\x00\xff\x80", bytes(range(256)), b"a"]
    yield "bytearrays", [bytearray(), bytearray(b"a"), bytearray(range(256)), bytearray(b"latin1")]
    yield "bytearray_shared", [*[bytearray(b"same")] * 2, bytearray(b"same")]
    yield "tuples", [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ((), ((),))]
    yield "sets", [set(), {1}, {1, 2, 3}, {(1, 2)}]
    yield "frozenset_kinds", [frozenset(), frozenset({1}), frozenset({1, 2, 3}), {frozenset({"a"})}]
    yield "frozenset_keys", {frozenset({1, 2}): "a", frozenset(): "b"}
    yield "frozenset_shared", [frozenset({7})] * 2
    yield "frozenset_nested", frozenset({frozenset({frozenset({1}), 2}), 3})
    yield "keys", {1: "a", 2.5: "b", None: "c", True: "d", (1, "x"): "e", b"k": "f",
                   torch.float32: "g", "s": {}}
    yield "sizes", [torch.Size([]), torch.Size([1]), torch.Size([1, 2, 3, 4, 5])]
    yield "dtypes", DTYPE_VALUES
    yield "devices", [torch.device("cpu"), torch.device("cuda", 0), torch.device("cuda:3")]


def container_cases():
    shared = [1, 2]
    counter = collections.Counter("hello")
    yield "shared", {"a": shared, "b": shared, "c": (shared,)}
    yield "circle", circle()
    yield "popping_tuple_short", tuple_circle(1)
    yield "popping_tuple_long", tuple_circle(5)
    yield "counter", counter
    yield "counter_kinds", [collections.Counter(), collections.Counter({1: 2.5}), counter, counter]
    yield "counter_large", collections.Counter({i: i for i in range(1000)})
    for factory in (None, int, float, bool, str, bytes, complex, list, tuple, dict, set, frozenset,
                    bytearray, collections.OrderedDict, collections.Counter):
        name = factory.__name__ if factory else "none"
        yield f"defaultdict_{name}", [default_dict(factory, a=1, b=2), default_dict(factory)]
    yield "defaultdict_nested", default_dict(list, a=default_dict(int, b=1), c=int)["a"]
    yield "defaultdict_large", default_dict(int, **{f"k{i}": i for i in range(1001)})
    for count in (1, 2, 999, 1000, 1001, 2000, 2001):
        yield f"list_{count}", list(range(count))
        yield f"dict_{count}", {i: 0 for i in range(count)}
        yield f"ordered_{count}", collections.OrderedDict((i, 0) for i in range(count))
    yield "ordered_attributes", with_attributes(collections.OrderedDict(a=1, b=2), note="kept")
    yield "ordered_empty", [collections.OrderedDict(), collections.OrderedDict()]
    yield "deep", deep(90)


def deep(levels):
    value = []
    for _ in range(levels):
        value = {"in": [value]}
    return value


def tensor_cases():
    base = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5)
    for dtype in DTYPES:
        name = str(dtype)[6:]
        yield f"dtype_{name}", {"x": random_bits(dtype, 3, 4), "none": random_bits(dtype, 0)}
        whole = random_bits(dtype, 4, 6)
        yield f"views_{name}", [whole, whole.t(), whole[1:3, ::2], whole[2, 3]]
    yield "views", {"base": base, "t": base.transpose(0, 2), "slice": base[1:, ::2, 1:4],
                    "one": base[2, 3, 4], "wide": base[:, :1].expand(3, 7, 5)}
    yield "same_tensor", [base, base]
    yield "big_storage_small_view", torch.arange(1000)[10:12]
    yield "six_dimensions", torch.zeros(1, 2, 1, 2, 1, 2)
    yield "nine_dimensions", torch.zeros(1, 2, 1, 2, 1, 2, 1, 1, 3).transpose(1, 8)
    yield "scalar_tensor", torch.tensor(3.5)
    yield "zero_size", [torch.zeros(0), torch.zeros(3, 0, 2)]
    yield "requires_grad", torch.ones(2, requires_grad=True)
    yield "noncontiguous", torch.randn(4, 6).t()
    yield "channels_last", torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    yield "many_small", [torch.full((2,), float(i)) for i in range(300)]
    parameter = torch.nn.Parameter(torch.randn(3))
    yield "parameter", parameter
    yield "parameter_frozen", torch.nn.Parameter(torch.arange(3), requires_grad=False)
    yield "parameter_twice", {"a": parameter, "b": parameter, "data": parameter.data}
    yield "parameter_view", torch.nn.Parameter(torch.randn(4, 6).t())
    yield "parameter_list", list(Net().parameters())
    if hasattr(torch._utils, "_rebuild_parameter_with_state"):
        named = with_attributes(torch.nn.Parameter(torch.ones(2)), note="kept", size=torch.Size([2]))
        yield "parameter_attributes", [named, named]
    yield "tensor_attributes", with_attributes(torch.ones(2), note="kept", more=[1, {"x": 2}])
    yield "tensor_attributes_shared", [with_attributes(base, other=base[0])] * 2


STORAGE_DTYPES = (
    "float32 float64 float16 bfloat16 uint8 int8 int16 int32 int64 bool complex64 complex128"
).split()
LAYOUTS = [value for value in vars(torch).values() if isinstance(value, torch.layout)]


def untyped(tensor):
    """Its torch.UntypedStorage, under its name of then."""
    if hasattr(tensor, "untyped_storage"):
        return tensor.untyped_storage()
    return tensor.storage().untyped()


def storage_cases():
    whole = torch.arange(12.0).reshape(3, 4)
    for name in STORAGE_DTYPES:
        yield f"storage_{name}", random_bits(getattr(torch, name), 5).storage()
    yield "storage_untyped", untyped(torch.arange(3.0))
    yield "storage_untyped_odd", untyped(torch.arange(7, dtype=torch.uint8))
    yield "storage_of_tensors", {"t": whole, "s": whole.storage(), "row": whole[1], "again": whole.storage()}
    yield "storage_before_tensors", [whole.storage(), (whole.storage(),), whole[:, ::2], [whole.t()]]
    raw = torch.arange(5, dtype=torch.uint8)
    yield "storage_bytes", [untyped(raw), raw[2:], raw.storage(), untyped(raw)]
    yield "storage_empty", [torch.empty(0).storage(), untyped(torch.empty(0)), torch.empty(0)]
    yield "storage_attributes", with_attributes(collections.OrderedDict(a=1), raw=whole.storage())
    yield "storage_of_tensor_attribute", with_attributes(torch.ones(2), raw=whole.storage())
    yield "storage_counter", collections.Counter({"a": torch.ones(2).storage()})
    yield "layouts", [*LAYOUTS, *LAYOUTS]
    yield "layout_keys", {layout: str(layout) for layout in LAYOUTS}
    yield "layout", torch.sparse_coo


def training_cases():
    net = Net()
    yield "linear", torch.nn.Linear(4, 3).state_dict()
    yield "net", net.state_dict()
    yield "net_keep_vars", net.state_dict(keep_vars=True)
    yield "net_twice", {"model": net.state_dict(), "best": net.state_dict()}
    for name, optimizer_class in models.optimizer_classes().items():
        yield f"optimizer_{name}", models.trained(optimizer_class)[1].state_dict()
    for name, options in (
        ("SGD", {"momentum": 0.9, "nesterov": True}),
        ("Adam", {"amsgrad": True, "weight_decay": 0.1}),
        ("AdamW", {}),
        ("RMSprop", {"centered": True, "momentum": 0.9}),
    ):
        model, optimizer = models.trained(getattr(torch.optim, name), **options)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)
        yield f"training_{name}", {
            "epoch": 3, "model": model.state_dict(), "best_loss": 0.25,
            "opt": optimizer.state_dict(), "scheduler": scheduler.state_dict(),
            "generator": torch.get_rng_state(),
        }
    optimizer = models.trained(torch.optim.SGD, momentum=0.9)[1]
    for name, state in models.schedulers(optimizer):
        yield f"scheduler_{name}", state


def cases():
    torch.manual_seed(0)
    for group in (plain_cases, container_cases, tensor_cases, storage_cases, training_cases):
        yield from group()
