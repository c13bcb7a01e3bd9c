# SPDX-License-Identifier: MIT
"""Finds libwick, declares its functions, and makes exceptions of statuses."""

import ctypes
import ctypes.util
import os
import pathlib
from typing import Any, Callable, List, Optional

from . import errors
from ._signatures import SIGNATURES

ABI_VERSION = 1

TYPES = {
    "status": ctypes.c_int32, "int": ctypes.c_int, "size": ctypes.c_size_t, "text": ctypes.c_char_p,
    "none": None, "handle": ctypes.c_void_p, "int32": ctypes.c_int32, "int64": ctypes.c_int64,
    "uint64": ctypes.c_uint64, "unsigned": ctypes.c_uint, "double": ctypes.c_double,
    "pointer": ctypes.c_void_p, "callback": ctypes.c_void_p,
}


def _open() -> ctypes.CDLL:
    """WICK_LIBRARY where it is set, else the library in this package, else the system's."""
    named = os.environ.get("WICK_LIBRARY")
    beside = pathlib.Path(__file__).with_name("libwick.so")
    if named:
        return ctypes.CDLL(named)
    if beside.exists():
        return ctypes.CDLL(str(beside))
    for name in ("libwick.so", ctypes.util.find_library("wick")):
        try:
            if name:
                return ctypes.CDLL(name)
        except OSError:
            pass
    raise ImportError(f"wick: there is no libwick.so: neither at {beside} nor where the system looks; set "
                      "WICK_LIBRARY to its path")


def _load() -> ctypes.CDLL:
    library = _open()
    try:
        version = library.wick_abi_version()
    except AttributeError:
        raise ImportError(f"wick: {library._name} has no C interface") from None
    if version != ABI_VERSION:
        raise ImportError(f"wick: {library._name} has version {version} of the C interface, and this "
                          f"package is for {ABI_VERSION}")
    for name, types in SIGNATURES.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise ImportError(f"wick: {library._name} is older than this package: it has no {name}") from None
        result, *arguments = (TYPES[each] for each in types.split())
        function.restype = result
        function.argtypes = arguments
    return library


lib = _load()


def check(status: int) -> None:
    """Raises the exception of a status."""
    if status != 0:
        message = (lib.wick_message() or b"").decode("utf-8", "replace")
        raise errors.of_status(status, message)


def call(name: str, *arguments: Any) -> None:
    check(getattr(lib, name)(*arguments))


def make(name: str, *arguments: Any) -> int:
    """Calls a function whose last argument receives a handle, and returns that."""
    result = ctypes.c_void_p()
    check(getattr(lib, name)(*arguments, ctypes.byref(result)))
    return result.value or 0


def ask(name: str, kind: Any, *arguments: Any) -> Any:
    """Calls a function whose last argument receives a number or a text, and returns that."""
    result = kind()
    check(getattr(lib, name)(*arguments, ctypes.byref(result)))
    return result.value


def names(name: str) -> List[str]:
    """What a function gives for 0, 1, ... up to its end."""
    found: List[str] = []
    while True:
        text: Optional[bytes] = getattr(lib, name)(len(found))
        if text is None:
            return found
        found.append(text.decode())


def encode(text: Any) -> Optional[bytes]:
    return None if text is None else os.fsencode(text)


class Handle:
    """Owns a handle of the C interface; None as an argument is its NULL."""

    __slots__ = ("_as_parameter_", "__weakref__")

    def __init__(self, handle: int):
        self._as_parameter_ = ctypes.c_void_p(handle)

    def _forget(self) -> None:
        """Another object has taken it. What is done with this one from now on is HandleError."""
        self._as_parameter_ = ctypes.c_void_p()

    def __del__(self, free: Callable[..., int] = lib.wick_free):
        handle = getattr(self, "_as_parameter_", None)
        if handle:
            free(handle)


class Callback:
    """A Python function as one of C. What it raises stops the call, and is raised again by run()."""

    def __init__(self, kind: Any, function: Callable[..., None]):
        self._raised: Optional[BaseException] = None

        def guarded(*arguments: Any) -> int:
            try:
                function(*arguments)
                return 0
            except BaseException as error:  # also KeyboardInterrupt
                self._raised = error
                lib.wick_set_message(str(error).encode("utf-8", "replace"))
                return -1

        self._function = kind(guarded)  # alive as long as this object

    def run(self, name: str, *arguments: Any) -> None:
        """Calls a function; this object stands for its callback."""
        pointer = ctypes.cast(self._function, ctypes.c_void_p)
        status = getattr(lib, name)(*(pointer if each is self else each for each in arguments))
        if self._raised is not None:
            error, self._raised = self._raised, None
            raise error
        check(status)


CLOSURE = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.POINTER(ctypes.c_double))
PROGRESS = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64,
                            ctypes.c_int64, ctypes.c_double)
RELEASE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
