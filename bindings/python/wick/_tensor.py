# SPDX-License-Identifier: MIT
"""Tensors: a dtype, a shape and strides over memory that several may share."""

import ctypes
import struct
import sys
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from . import _dlpack, errors
from ._dtypes import FORMAT, OF_TYPESTR, TYPESTR, DType
from ._library import RELEASE, Handle, ask, call, encode, lib, make

_END = 2**63 - 1


def _sizes(values: Sequence[int]) -> Any:
    return (ctypes.c_int64 * len(values))(*values)


class Tensor(Handle):
    """A tensor of wick's. Views and aliases share its memory; clone() copies. Other libraries read and write
    the same memory through DLPack (torch.from_dlpack(t), np.from_dlpack(t)) and numpy()."""

    __slots__ = ()

    # -- What it is -----------------------------------------------------------------------------------

    def _dims(self, name: str) -> Tuple[int, ...]:
        values = ctypes.POINTER(ctypes.c_int64)()
        count = ctypes.c_size_t()
        call(name, self, ctypes.byref(values), ctypes.byref(count))
        return tuple(values[:count.value])

    @property
    def shape(self) -> Tuple[int, ...]:
        return self._dims("wick_tensor_shape")

    @property
    def strides(self) -> Tuple[int, ...]:
        """In elements."""
        return self._dims("wick_tensor_strides")

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> DType:
        return DType(ask("wick_tensor_dtype", ctypes.c_int32, self))

    @property
    def device(self) -> str:
        """"cpu", "cuda:0" or "meta"."""
        kind, index = self._device()
        return ("cpu", f"cuda:{index}", "meta")[kind]

    def _device(self) -> Tuple[int, int]:
        kind, index = ctypes.c_int32(), ctypes.c_int()
        call("wick_tensor_device", self, ctypes.byref(kind), ctypes.byref(index))
        return kind.value, index.value

    @property
    def requires_grad(self) -> bool:
        """PyTorch's flag, as files keep it."""
        return ask("wick_tensor_requires_grad", ctypes.c_int, self) != 0

    def numel(self) -> int:
        return ask("wick_tensor_numel", ctypes.c_int64, self)

    def is_contiguous(self) -> bool:
        return ask("wick_tensor_is_contiguous", ctypes.c_int, self) != 0

    def data_ptr(self) -> int:
        """The address of the first element, in the device's memory. Whoever writes there calls mark_written()."""
        return ask("wick_tensor_data", ctypes.c_void_p, self) or 0

    def mark_written(self) -> None:
        """Tells wick that another library has written to the memory: what was derived from the elements, or
        saved for a backward pass, is not used with the new ones."""
        call("wick_tensor_written", self)

    def __len__(self) -> int:
        shape = self.shape
        if not shape:
            raise TypeError("a tensor without dimensions has no length")
        return shape[0]

    def __repr__(self) -> str:
        return f"wick.Tensor({self.dtype.name} {list(self.shape)} {self.device})"

    # -- Elements -------------------------------------------------------------------------------------

    def tobytes(self) -> bytes:
        """All elements in row-major order."""
        size = ask("wick_dtype_size", ctypes.c_size_t, self.dtype) * self.numel()
        buffer = ctypes.create_string_buffer(max(size, 1))
        call("wick_tensor_read", self, buffer, size)
        return buffer.raw[:size]

    def tolist(self) -> Any:
        """Nested lists of numbers; a number where there are no dimensions."""
        dtype, shape = self.dtype, self.shape
        if dtype in FORMAT:
            values: List[Any] = [each for each, in struct.iter_unpack(f"={FORMAT[dtype]}", self.tobytes())]
        elif dtype in (DType.complex32, DType.complex64, DType.complex128):
            parts = struct.iter_unpack("=dd", self.to(DType.complex128).tobytes())
            values = [complex(*each) for each in parts]
        else:
            return self.to(DType.float32).tolist()
        for size in reversed(shape[1:]):
            values = [values[i:i + size] for i in range(0, len(values), size)] if size else _empty(shape)
            if not size:
                return values
        return values if shape else values[0]

    def item(self) -> Union[int, float, bool, complex]:
        """The only element."""
        if self.numel() != 1:
            raise errors.ShapeError(f"item: {self!r} has not exactly one element")
        return self.reshape(()).tolist()

    def __float__(self) -> float:
        return float(self.item())  # type: ignore[arg-type]

    def __int__(self) -> int:
        return int(self.item())  # type: ignore[arg-type]

    def copy_(self, source: Any) -> "Tensor":
        """Copies the elements of a tensor of the same shape, of any dtype and device."""
        call("wick_tensor_copy", self, as_tensor(source))
        return self

    def fill_(self, value: float) -> "Tensor":
        call("wick_tensor_fill", self, value)
        return self

    def zero_(self) -> "Tensor":
        return self.fill_(0.0)

    def uniform_(self, low: float = 0.0, high: float = 1.0, *, generator: "Generator") -> "Tensor":
        """PyTorch's numbers of a generator with the same seed; as those of normal_()."""
        call("wick_tensor_uniform", self, low, high, generator)
        return self

    def normal_(self, mean: float = 0.0, std: float = 1.0, *, generator: "Generator") -> "Tensor":
        call("wick_tensor_normal", self, mean, std, generator)
        return self

    def equal(self, other: "Tensor") -> bool:
        """Whether dtype, shape and all bits are the same."""
        return ask("wick_tensor_equal", ctypes.c_int, self, other) != 0

    # -- Views and copies -----------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> "Tensor":
        """Integers, slices and an ellipsis: a view."""
        indices = list(index) if isinstance(index, tuple) else [index]
        if Ellipsis in indices:
            at = indices.index(Ellipsis)
            indices[at:at + 1] = [slice(None)] * (self.ndim - len(indices) + 1)
        result, dim = self, 0
        for each in indices:
            if isinstance(each, slice):
                size = result.shape[dim] if dim < result.ndim else 0
                if each.step is not None and each.step < 1:
                    raise errors.ValueError(f"a step of {each.step}: it must be positive")
                start, stop, step = each.indices(size)
                result = Tensor(make("wick_tensor_slice", result, dim, start, stop, step))
                dim += 1
            else:
                result = Tensor(make("wick_tensor_select", result, dim, each.__index__()))
        return Tensor(make("wick_tensor_alias", self)) if result is self else result

    def __setitem__(self, index: Any, value: Any) -> None:
        target = self[index]
        if isinstance(value, (int, float)):
            target.fill_(value)
        else:
            target.copy_(value)

    def __iter__(self) -> Iterator["Tensor"]:
        return (self[i] for i in range(len(self)))

    def reshape(self, *shape: Any) -> "Tensor":
        """A view where the strides allow it, else a copy; one size may be -1."""
        sizes = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
        return Tensor(make("wick_tensor_reshape", self, _sizes(sizes), len(sizes)))

    def permute(self, *order: int) -> "Tensor":
        return Tensor(make("wick_tensor_permute", self, _sizes(order), len(order)))

    def contiguous(self) -> "Tensor":
        return Tensor(make("wick_tensor_contiguous", self))

    def clone(self) -> "Tensor":
        return Tensor(make("wick_tensor_clone", self))

    def to(self, target: Union[DType, str]) -> "Tensor":
        """Of another dtype or on another device; the tensor itself where it is so already."""
        if isinstance(target, DType):
            return Tensor(make("wick_tensor_to_dtype", self, target))
        return Tensor(make("wick_tensor_to_device", self, encode(target)))

    # -- Other libraries ------------------------------------------------------------------------------

    def __dlpack_device__(self) -> Tuple[int, int]:
        kind, index = self._device()
        if kind == 2:
            raise BufferError("a tensor on the device meta has no elements that could be lent")
        return (_dlpack.CUDA if kind == 1 else _dlpack.CPU), index

    def __dlpack__(self, *, stream: Optional[int] = None, max_version: Optional[Tuple[int, int]] = None,
                   dl_device: Optional[Tuple[int, int]] = None, copy: Optional[bool] = None) -> Any:
        device = self.__dlpack_device__()
        if dl_device is not None and tuple(dl_device) != device:
            raise BufferError(f"the tensor is on {self.device}; bring it to another device by to()")
        if device[0] == _dlpack.CUDA and stream != -1:
            # Whatever the consumer's stream is: all that was given to the device is done.
            call("wick_synchronize", encode(self.device))
        return _dlpack.lend(self.clone() if copy else self, max_version)

    def numpy(self) -> Any:
        """A NumPy array over the same memory. Of a tensor on the CPU."""
        import numpy
        return numpy.asarray(_ArrayInterface(self))

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> Any:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def __reduce__(self) -> Any:
        raise TypeError("tensors of wick are not pickled; use wick.save() or numpy()")


def _empty(shape: Tuple[int, ...]) -> Any:
    """The nested lists of a shape without elements."""
    return [_empty(shape[1:]) for _ in range(shape[0])] if shape else []


class _ArrayInterface:
    """What NumPy reads, and keeps as the owner of the memory."""

    def __init__(self, tensor: Tensor):
        dtype = tensor.dtype
        if dtype not in TYPESTR:
            raise errors.DTypeError(f"numpy: NumPy has no {dtype.name}; convert it by to(wick.float32)")
        if tensor.device != "cpu":
            raise errors.DeviceError(f"numpy: the tensor is on {tensor.device}; bring it to the CPU by to('cpu')")
        size = ask("wick_dtype_size", ctypes.c_size_t, dtype)
        self._tensor = tensor
        self.__array_interface__: Dict[str, Any] = {
            "shape": tensor.shape, "typestr": _order() + TYPESTR[dtype], "version": 3,
            "data": (tensor.data_ptr(), False), "strides": tuple(s * size for s in tensor.strides)}


def _order() -> str:
    return "<" if sys.byteorder == "little" else ">"


# The objects whose memory tensors use, by the number that their release gets.
_lent: Dict[int, Any] = {}


@RELEASE
def _release(number: Optional[int]) -> None:
    _lent.pop(number or 0, None)


def from_numpy(array: Any) -> Tensor:
    """A tensor over the memory of a NumPy array, which lives as long as any tensor over it. What is written
    to one shows in the other. ValueError for an array that is read-only, of the other byte order, or has
    negative strides: tensor() copies those."""
    import numpy
    if not isinstance(array, numpy.ndarray):
        raise TypeError(f"from_numpy: expected a numpy.ndarray, got {type(array).__name__}")
    remedy = "wick.tensor() copies it"
    if array.dtype.byteorder == (">" if sys.byteorder == "little" else "<"):
        raise errors.ValueError(f"from_numpy: the array's elements ({array.dtype.str}) have the other byte "
                                f"order; {remedy}")
    dtype = OF_TYPESTR.get(array.dtype.str[1:])
    if dtype is None:
        raise errors.DTypeError(f"from_numpy: wick has no dtype for {array.dtype}")
    if not array.flags.writeable:
        raise errors.ValueError(f"from_numpy: the array is read-only, and tensors can be written to; {remedy}")
    size = array.dtype.itemsize
    if any(step < 0 and count > 1 for step, count in zip(array.strides, array.shape)):
        raise errors.ValueError(f"from_numpy: the strides {array.strides} are negative; {remedy}")
    if any(step % size for step in array.strides):
        raise errors.ValueError(f"from_numpy: the strides {array.strides} are no whole elements; {remedy}")
    strides = [step // size if count > 1 else 1 for step, count in zip(array.strides, array.shape)]
    number = id(array) << 1 | 1
    while number in _lent:
        number += 2
    number &= 2**63 - 1
    _lent[number] = array
    try:
        data = array.ctypes.data if array.size else None
        return Tensor(make("wick_tensor_from_memory", data, _sizes(array.shape), _sizes(strides), array.ndim,
                           dtype, None, ctypes.cast(_release, ctypes.c_void_p), number))
    except BaseException:
        _lent.pop(number, None)
        raise


def from_dlpack(other: Any, *, copy: Optional[bool] = None) -> Tensor:
    """A tensor over the memory of another library's, which must have __dlpack__(). With copy=True, a copy,
    also of what is read-only."""
    if isinstance(other, Tensor):
        return other.clone() if copy else Tensor(make("wick_tensor_alias", other))
    result = Tensor(_dlpack.borrow(other, copy))
    return result.clone() if copy else result


def tensor(data: Any, dtype: Optional[DType] = None, device: Optional[str] = None) -> Tensor:
    """A copy of numbers, nested sequences of them, an array, or another library's tensor. Without a dtype,
    Python's floats become float32, ints int64, bools bool, as in PyTorch; arrays keep theirs."""
    numpy = sys.modules.get("numpy")
    if isinstance(data, Tensor):
        result = data.clone()
    elif numpy is not None and isinstance(data, (numpy.ndarray, numpy.generic)):
        array = numpy.array(data, order="C", copy=True)
        result = from_numpy(array.astype(array.dtype.newbyteorder("=")))
    elif hasattr(data, "__dlpack__"):
        result = from_dlpack(data, copy=True)
    else:
        result = _of_numbers(data)
    if dtype is not None:
        result = result.to(dtype)
    return result if device is None else result.to(device)


def _of_numbers(data: Any) -> Tensor:
    shape: List[int] = []
    level = data
    while isinstance(level, (list, tuple)):
        shape.append(len(level))
        if not level:
            break
        level = level[0]
    values: List[Any] = []

    def collect(part: Any, depth: int) -> None:
        is_list = isinstance(part, (list, tuple))
        if is_list != (depth < len(shape)) or (is_list and len(part) != shape[depth]):
            raise errors.ShapeError("tensor: the sequences are not all of one length at each depth")
        if not is_list:
            values.append(part)
        for each in part if is_list else ():
            collect(each, depth + 1)

    collect(data, 0)
    kinds = {type(each) for each in values}
    if not kinds <= {bool, int, float, complex}:
        found = ", ".join(sorted(kind.__name__ for kind in kinds - {bool, int, float, complex}))
        raise TypeError(f"tensor: expected numbers, got {found}")
    if complex in kinds:
        parts = [part for each in values for part in (complex(each).real, complex(each).imag)]
        dtype, packed = DType.complex64, struct.pack(f"={len(parts)}f", *parts)
    else:
        dtype = (DType.float32 if float in kinds or not kinds else
                 DType.int64 if int in kinds else DType.bool)
        packed = struct.pack(f"={len(values)}{FORMAT[dtype]}", *values)
    return Tensor(make("wick_tensor_copy_of", packed, len(packed), _sizes(shape), len(shape), dtype))


def as_tensor(data: Any) -> Tensor:
    """A tensor over the memory of `data` where that is possible, else a copy."""
    if isinstance(data, Tensor):
        return data
    numpy = sys.modules.get("numpy")
    try:
        if numpy is not None and isinstance(data, numpy.ndarray):
            return from_numpy(data)
        if hasattr(data, "__dlpack__"):
            return from_dlpack(data)
    except errors.ValueError:  # read-only, strides, byte order
        pass
    return tensor(data)


def full(shape: Sequence[int], value: float, dtype: DType = DType.float32, device: Optional[str] = None) -> Tensor:
    return Tensor(make("wick_tensor_full", _sizes(shape), len(shape), value, dtype, encode(device)))


def zeros(shape: Sequence[int], dtype: DType = DType.float32, device: Optional[str] = None) -> Tensor:
    return full(shape, 0.0, dtype, device)


def ones(shape: Sequence[int], dtype: DType = DType.float32, device: Optional[str] = None) -> Tensor:
    return full(shape, 1.0, dtype, device)


def empty(shape: Sequence[int], dtype: DType = DType.float32, device: Optional[str] = None) -> Tensor:
    """With whatever elements are there."""
    return Tensor(make("wick_tensor_empty", _sizes(shape), len(shape), dtype, encode(device)))


class Generator(Handle):
    """torch.Generator: the same seed gives the same numbers. For one thread at a time."""

    __slots__ = ()

    def __init__(self, seed: int = 67280421310721, device: str = "cpu"):
        super().__init__(make("wick_generator_create", seed, encode(device)))

    def manual_seed(self, seed: int) -> "Generator":
        call("wick_generator_seed", self, seed)
        return self

    def get_state(self) -> Tensor:
        return Tensor(make("wick_generator_get_state", self))

    def set_state(self, state: Any) -> None:
        call("wick_generator_set_state", self, as_tensor(state))

    def randperm(self, count: int) -> Tensor:
        return Tensor(make("wick_generator_randperm", self, count))


def live_handles() -> int:
    """The objects of wick that have not been freed: for tests that look for leaks."""
    return lib.wick_live_handles()
