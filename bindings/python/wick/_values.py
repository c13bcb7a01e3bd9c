# SPDX-License-Identifier: MIT
"""Python's objects as values of wick, and back."""

import ctypes
import sys
from collections import OrderedDict
from typing import Any, Dict, Optional

from ._dtypes import DType
from ._library import Handle, ask, call, encode, make
from ._tensor import Tensor, _sizes, as_tensor

(NONE, BOOLEAN, INTEGER, REAL, COMPLEX, STRING, BYTES, LIST, TUPLE, DICT, SET, SIZE, DTYPE, DEVICE, TENSOR,
 BIG_INTEGER, BYTE_ARRAY, FROZEN_SET) = range(18)


class Size(tuple):
    """torch.Size."""

    def __repr__(self) -> str:
        return f"wick.Size({list(self)})"


class Value(Handle):
    """An object of a file that Python has nothing for here: a device, a layout, a storage, or the placeholder
    of something that is not admitted. It can be saved again as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<wick.Value: a {ask('wick_value_kind_name', ctypes.c_char_p, self).decode()}>"


class StateDict(OrderedDict):
    """An OrderedDict of names to tensors. `_metadata`, PyTorch's, goes with it to files and back."""

    _metadata: Any = None


def _text(value: Any) -> bytes:
    data, size = ctypes.c_void_p(), ctypes.c_size_t()
    call("wick_value_as_string", value, ctypes.byref(data), ctypes.byref(size))
    return ctypes.string_at(data, size.value) if size.value else b""


def _complex(value: Any) -> complex:
    real, imaginary = ctypes.c_double(), ctypes.c_double()
    call("wick_value_as_complex", value, ctypes.byref(real), ctypes.byref(imaginary))
    return complex(real.value, imaginary.value)


_SCALARS = {
    NONE: lambda value: None,
    BOOLEAN: lambda value: ask("wick_value_as_boolean", ctypes.c_int, value) != 0,
    INTEGER: lambda value: ask("wick_value_as_integer", ctypes.c_int64, value),
    REAL: lambda value: ask("wick_value_as_real", ctypes.c_double, value),
    COMPLEX: _complex,
    STRING: lambda value: _text(value).decode("utf-8", "surrogatepass"),
    BYTES: _text,
    BYTE_ARRAY: lambda value: bytearray(_text(value)),
    BIG_INTEGER: lambda value: int(ask("wick_value_as_text", ctypes.c_char_p, value)),
    DTYPE: lambda value: DType(ask("wick_value_as_dtype", ctypes.c_int32, value)),
}


def to_python(value: Value, seen: Optional[Dict[int, Any]] = None) -> Any:
    """Containers that are one object become one object, also those that contain themselves."""
    kind = ask("wick_value_kind", ctypes.c_int32, value)
    if kind in _SCALARS:
        return _SCALARS[kind](value)
    if seen is None:
        seen = {}
    identity = ask("wick_value_identity", ctypes.c_void_p, value)
    if identity is None:  # a storage, a layout: no object of its own
        return value
    if identity in seen:
        return seen[identity]
    if kind == TENSOR:
        result = seen[identity] = Tensor(make("wick_value_as_tensor", value))
        return result

    def item(index: int) -> Any:
        return to_python(Value(make("wick_value_item", value, index)), seen)

    def items() -> Any:
        return (item(i) for i in range(ask("wick_value_length", ctypes.c_size_t, value)))

    if kind == LIST:
        result = seen[identity] = []
        result.extend(items())
    elif kind == DICT:
        ordered = ask("wick_value_is_ordered", ctypes.c_int, value) != 0
        result = seen[identity] = StateDict() if ordered else {}
        for i in range(ask("wick_value_length", ctypes.c_size_t, value)):
            result[to_python(Value(make("wick_value_key", value, i)), seen)] = item(i)
        if ordered:
            attributes = to_python(Value(make("wick_value_attributes", value)), seen)
            for name, each in (attributes or {}).items():
                setattr(result, name, each)
    elif kind in (TUPLE, SIZE, SET, FROZEN_SET):
        make_it = {TUPLE: tuple, SIZE: Size, SET: set, FROZEN_SET: frozenset}[kind]
        result = make_it(items())
        # A container in it may have led back to it: then both are the same from here on.
        result = seen.setdefault(identity, result)
    else:
        result = seen[identity] = value
    return result


def from_python(data: Any, seen: Optional[Dict[int, Any]] = None) -> Value:
    """TypeError for what a file cannot hold."""
    if seen is None:
        seen = {}
    if id(data) in seen:
        return seen[id(data)][0]
    result = _scalar(data)
    if result is not None:
        return result
    if isinstance(data, (list, dict, set, frozenset, tuple)):
        return _container(data, seen)
    numpy = sys.modules.get("numpy")
    if hasattr(data, "__dlpack__") or (numpy is not None and isinstance(data, (numpy.ndarray, numpy.generic))):
        wants_grad = getattr(data, "requires_grad", False) and hasattr(data, "detach")
        result = Value(make("wick_value_tensor", as_tensor(data.detach() if wants_grad else data)))
        seen[id(data)] = (result, data)
        return result
    raise TypeError(f"a {type(data).__name__} cannot be kept in a file; use numbers, texts, containers and "
                    "tensors")


def _scalar(data: Any) -> Optional[Value]:
    if isinstance(data, Value):
        return data
    if data is None:
        return Value(make("wick_value_none"))
    if isinstance(data, DType):
        return Value(make("wick_value_dtype", data))
    if isinstance(data, bool):
        return Value(make("wick_value_boolean", data))
    if isinstance(data, int):
        if -2**63 <= data < 2**63:
            return Value(make("wick_value_integer", data))
        return Value(make("wick_value_big_integer", str(data).encode()))
    if isinstance(data, float):
        return Value(make("wick_value_real", data))
    if isinstance(data, complex):
        return Value(make("wick_value_complex", data.real, data.imag))
    if isinstance(data, str):
        text = data.encode("utf-8", "surrogatepass")
        return Value(make("wick_value_string", text, len(text)))
    if isinstance(data, bytes):
        return Value(make("wick_value_bytes", data, len(data)))
    if isinstance(data, bytearray):
        return Value(make("wick_value_byte_array", bytes(data), len(data)))
    if isinstance(data, Size) or (type(data).__module__ == "torch" and type(data).__name__ == "Size"):
        return Value(make("wick_value_size", _sizes(data), len(data)))
    if isinstance(data, Tensor):
        return Value(make("wick_value_tensor", data))
    return None


def _container(data: Any, seen: Dict[int, Any]) -> Value:
    # What was seen is kept alive beside its value, so that its id stays its own.
    if isinstance(data, dict):
        ordered = isinstance(data, OrderedDict)
        result = Value(make("wick_value_ordered_dict" if ordered else "wick_value_dict"))
        seen[id(data)] = (result, data)
        for key, each in data.items():
            call("wick_value_set_by", result, from_python(key, seen), from_python(each, seen))
        metadata = getattr(data, "_metadata", None)
        if ordered and metadata is not None:
            call("wick_value_set_attributes", result, from_python({"_metadata": metadata}, seen))
        return result
    kind = "list" if isinstance(data, list) else "tuple" if isinstance(data, tuple) else "set_of"
    result = Value(make(f"wick_value_{kind}"))
    if kind == "list":
        seen[id(data)] = (result, data)
    for each in data:
        call("wick_value_append", result, from_python(each, seen))
    if isinstance(data, frozenset):
        result = Value(make("wick_value_frozen_set", result))
    seen[id(data)] = (result, data)
    return result


def options_of(options: Dict[str, Any]) -> Optional[Value]:
    """The arguments of a constructor; NULL for none."""
    return from_python(options) if options else None


_FORMATS = {"torch": 0, "safetensors": 1, "npy": 2, "npz": 3}


def load(path: Any, map_location: Optional[str] = None, *, placeholders: bool = False, verify: bool = True) -> Any:
    """What a file holds, of torch.save, safetensors, NumPy, or the index of a sharded checkpoint, as Python's
    objects with tensors of wick's. Runs no code of the file. `map_location` is the device for all tensors;
    without it, each goes to the one that it was saved from. With `placeholders`, what is not admitted becomes a
    Value, instead of FormatError. Without `verify`, checksums are passed over."""
    flags = (1 if placeholders else 0) | (0 if verify else 2)
    value = Value(make("wick_load", encode(path), encode(map_location), flags))
    try:
        return to_python(value)
    finally:
        # It may contain itself, and then nothing else would free it. Objects that Python has nothing for are
        # shared with it: they stay whole.
        if not placeholders:
            call("wick_value_take_apart", value)


def save(data: Any, path: Any, format: str = "torch") -> None:
    """Writes a file that torch.load(weights_only=True) opens, or, with `format` "safetensors", "npz" (a dict of
    names to tensors) or "npy" (a tensor), one of those. The file appears whole or not at all."""
    if format not in _FORMATS:
        raise ValueError(f"save: there is no format {format!r}; there are {', '.join(_FORMATS)}")
    call("wick_save", from_python(data), encode(path), _FORMATS[format])
