# SPDX-License-Identifier: MIT
"""DLPack's capsules, by which Python's libraries lend each other tensors."""

import ctypes
from typing import Any, Optional, Tuple

from . import errors
from ._library import call, lib, make

CPU, CUDA, CUDA_HOST = 1, 2, 3
NAME, VERSIONED = b"dltensor", b"dltensor_versioned"
# After their content has been taken.
USED = {NAME: b"used_dltensor", VERSIONED: b"used_dltensor_versioned"}

_DESTRUCTOR = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
_new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, _DESTRUCTOR)(
    ("PyCapsule_New", ctypes.pythonapi))
_is_valid = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_IsValid", ctypes.pythonapi))
_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi))
_rename = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_SetName", ctypes.pythonapi))
# For a capsule that is being destroyed, of which no reference may be taken.
_is_valid_raw = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_IsValid", ctypes.pythonapi))
_pointer_raw = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi))


class _Unversioned(ctypes.Structure):
    _fields_ = [("tensor", ctypes.c_byte * 48), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


class _Versioned(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32 * 2), ("context", ctypes.c_void_p),
                ("deleter", ctypes.c_void_p)]


_DELETER = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)


def _destroy(capsule: int) -> None:
    """Gives back what nobody has taken."""
    for name, kind in ((NAME, _Unversioned), (VERSIONED, _Versioned)):
        if _is_valid_raw(capsule, name):
            address = _pointer_raw(capsule, name)
            deleter = kind.from_address(address).deleter
            if deleter:
                _DELETER(deleter)(address)


_destructor = _DESTRUCTOR(_destroy)


def lend(tensor: Any, max_version: Optional[Tuple[int, int]]) -> Any:
    """A capsule for a tensor of wick's."""
    if max_version is not None and max_version[0] >= 1:
        return _new(make("wick_tensor_to_dlpack_versioned", tensor), VERSIONED, _destructor)
    return _new(make("wick_tensor_to_dlpack", tensor), NAME, _destructor)


def _capsule_of(other: Any, **arguments: Any) -> Any:
    try:
        return other.__dlpack__(max_version=(1, 0), **arguments)
    except TypeError:  # of before DLPack 1.0
        return other.__dlpack__(**arguments)


def borrow(other: Any, copy: Optional[bool]) -> int:
    """A handle of a tensor over the memory of another library's. With copy=True, over a copy that the other
    library makes where it can."""
    kind, index = other.__dlpack_device__()
    arguments = {}
    if int(kind) == CUDA:
        if lib.wick_cuda_device_count() == 0:
            raise errors.DeviceError(f"from_dlpack: the tensor is on the CUDA device {index}, and this build "
                                     "of wick drives none here; bring it to the CPU first")
        stream = ctypes.c_void_p()
        call("wick_cuda_stream", index, ctypes.byref(stream))
        arguments["stream"] = stream.value or 1  # 1 is the default stream
    if copy:
        try:
            capsule = other.__dlpack__(max_version=(1, 0), copy=True, **arguments)
        except TypeError:
            capsule = _capsule_of(other, **arguments)
    else:
        capsule = _capsule_of(other, **arguments)
    for name, function in ((VERSIONED, "wick_tensor_from_dlpack_versioned"), (NAME, "wick_tensor_from_dlpack")):
        if _is_valid(capsule, name):
            handle = make(function, _pointer(capsule, name))
            _rename(capsule, USED[name])
            return handle
    raise errors.ValueError("from_dlpack: __dlpack__() has returned no capsule, or one that was used")
