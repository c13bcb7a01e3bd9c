# SPDX-License-Identifier: MIT
"""wick: tensors, networks and PyTorch checkpoints, without PyTorch.

    import wick

    state = wick.load("model.pt")["model"]
    model = wick.Sequential.from_state_dict(state, "ReLU").eval()
    plan = wick.Plan(model, max_batch=64)
    y = plan(x)                     # x: a NumPy array, a tensor of torch's, or wick.tensor([[...]])

Arrays and tensors of other libraries are used where they lie, without a copy, wherever that is possible.
"""

from . import errors, nn
from ._dtypes import DType
from ._library import lib as _lib
from ._library import call as _call
from ._values import Size, StateDict, Value, load, save
from .errors import (BusyError, DeviceError, DTypeError, Error, FormatError, HandleError, IoError,
                     OutOfMemoryError, ShapeError, StateDictError)
from ._module import Module, Plan, Residual, Sequential
from ._tensor import (Generator, Tensor, as_tensor, empty, from_dlpack, from_numpy, full, ones, tensor, zeros)
from ._training import Loss, Optimizer, train, train_step

__version__: str = _lib.wick_version().decode()

float32 = DType.float32
float64 = DType.float64
float16 = DType.float16
bfloat16 = DType.bfloat16
uint8 = DType.uint8
int8 = DType.int8
int16 = DType.int16
int32 = DType.int32
int64 = DType.int64
complex64 = DType.complex64
complex128 = DType.complex128


def manual_seed(seed: int) -> None:
    """torch.manual_seed: of what draws where no generator is given, the weights of new layers."""
    _call("wick_manual_seed", seed)


def set_num_threads(count: int) -> None:
    """The threads that operations on the CPU use, 1 at the start. Results do not depend on it."""
    _call("wick_set_num_threads", count)


def num_threads() -> int:
    return _lib.wick_num_threads()


def cuda_device_count() -> int:
    """The CUDA devices that this build of wick can drive here."""
    return _lib.wick_cuda_device_count()


__all__ = [
    "BusyError", "DType", "DTypeError", "DeviceError", "Error", "FormatError", "Generator", "HandleError",
    "IoError", "Loss", "Module", "Optimizer", "OutOfMemoryError", "Plan", "Residual", "Sequential", "ShapeError",
    "Size", "StateDict", "StateDictError", "Tensor", "Value", "as_tensor", "cuda_device_count", "empty", "errors",
    "from_dlpack", "from_numpy", "full", "load", "manual_seed", "nn", "num_threads", "ones", "save", "set_num_threads", "tensor",
    "train", "train_step", "zeros",
]
