# SPDX-License-Identifier: MIT
"""The exceptions that wick raises. Each is also one of Python's own of its kind."""

import builtins


class Error(Exception):
    """What all of them are."""


class ShapeError(Error, builtins.ValueError):
    """Shapes or strides that do not fit."""


class DTypeError(Error, TypeError):
    """A dtype that an operation does not take."""


class DeviceError(Error, RuntimeError):
    """A device that is not there, or tensors on different ones."""


class OutOfMemoryError(Error, MemoryError):
    """A device, or the host, has no memory left."""


class IndexError(Error, builtins.IndexError):
    """An index, label or dimension outside its range."""


class ValueError(Error, builtins.ValueError):
    """An argument or option outside its domain."""


class StateDictError(Error, RuntimeError):
    """A state that does not fit what it is loaded into."""


class FormatError(Error, builtins.ValueError):
    """A file that is damaged, or holds what is not admitted."""


class IoError(Error, OSError):
    """The system refused to open, read, write or rename."""


class HandleError(Error, RuntimeError):
    """An object that another one has taken, such as a module in a Sequential."""


class BusyError(Error, RuntimeError):
    """Another thread is using the object."""


_BY_STATUS = {
    1: ShapeError, 2: DTypeError, 3: DeviceError, 4: OutOfMemoryError, 5: IndexError, 6: ValueError,
    7: StateDictError, 8: FormatError, 9: IoError, 10: HandleError, 11: Error, 12: BusyError, 13: Error,
}


# What helps, in the words of the C interface and in those of this one.
_WORDS = (
    ("load it with WICK_LOAD_PLACEHOLDERS", "load it with placeholders=True"),
    ('give wick_load() a device that there is, such as "cpu"', 'load it with map_location="cpu"'),
    ("convert it by wick_tensor_to_dtype(), or save it as WICK_FORMAT_TORCH",
     'convert it by to(), or save it with format="torch"'),
    ("wick_load() reads it", "load() reads it"),
    ("call wick_optimizer_step_with()", "pass one to step()"),
    ("call wick_module_backward() first", "call backward() first"),
    ("see wick_sequential_create()", "make one by Sequential()"),
    ("call wick_loss_forward()", "leave it out"),
)


def of_status(status: int, message: str) -> Error:
    """The exception of a status of the C interface."""
    for theirs, ours in _WORDS:
        message = message.replace(theirs, ours)
    return _BY_STATUS.get(status, Error)(message)
