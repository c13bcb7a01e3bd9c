# SPDX-License-Identifier: MIT
"""Modules by PyTorch's names, and what is done with their parameters."""

import ctypes
from typing import Any, Dict, Iterator, Mapping, Optional, Sequence, Tuple, Union

from ._dtypes import DType
from ._library import Handle, ask, call, encode, make, names
from ._values import StateDict, Value, from_python, options_of, to_python
from ._tensor import Generator, Tensor, _sizes, as_tensor


class Module(Handle):
    """A layer by PyTorch's class name and arguments: Module("Linear", in_features=3, out_features=8). Its
    parameters are drawn from the generator; without one, from that of manual_seed(). For one thread at a time."""

    __slots__ = ()

    def __init__(self, name: str, *, generator: Optional[Generator] = None, **options: Any):
        super().__init__(make("wick_module_create", encode(name), None, options_of(options), generator))

    @classmethod
    def _of(cls, handle: int) -> "Module":
        result = cls.__new__(cls)
        Handle.__init__(result, handle)
        return result

    @staticmethod
    def names() -> Sequence[str]:
        """The layers that there are."""
        return names("wick_module_name")

    def __repr__(self) -> str:
        return ask("wick_module_description", ctypes.c_char_p, self).decode()

    # -- Running --------------------------------------------------------------------------------------

    def __call__(self, x: Any) -> Tensor:
        """The output, in memory of its own. What backward() needs is saved."""
        return self.forward(x).clone()

    def forward(self, x: Any) -> Tensor:
        """The same in the module's memory, which its next forward pass overwrites."""
        return Tensor(make("wick_module_forward", self, as_tensor(x)))

    def predict(self, x: Any) -> Tensor:
        """As under torch.no_grad: nothing is saved."""
        return Tensor(make("wick_module_predict", self, as_tensor(x))).clone()

    def backward(self, grad: Any, input_grad: bool = False) -> Optional[Tensor]:
        """Adds to the parameters' gradients, from the gradient by the last output. With `input_grad`, returns
        that by the input."""
        if not input_grad:
            call("wick_module_backward", self, as_tensor(grad), None)
            return None
        return Tensor(make("wick_module_backward", self, as_tensor(grad)))

    def zero_grad(self) -> None:
        call("wick_module_zero_grad", self)

    def train(self, mode: bool = True) -> "Module":
        call("wick_module_train", self, mode)
        return self

    def eval(self) -> "Module":
        return self.train(False)

    @property
    def training(self) -> bool:
        return ask("wick_module_is_training", ctypes.c_int, self) != 0

    def to(self, target: Union[DType, str]) -> "Module":
        """Moves or converts the parameters, in place."""
        if isinstance(target, DType):
            call("wick_module_to_dtype", self, target)
        else:
            call("wick_module_to_device", self, encode(target))
        return self

    def autocast(self, dtype: DType) -> "Module":
        """torch.autocast with bfloat16; float32 ends it."""
        call("wick_module_autocast", self, dtype)
        return self

    def clone(self) -> "Module":
        """With parameters of its own."""
        return Module._of(make("wick_module_clone", self))

    # -- Parameters -----------------------------------------------------------------------------------

    def state_dict(self) -> StateDict:
        """Names to tensors, which share the module's memory."""
        return to_python(Value(make("wick_module_state_dict", self)))

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Copies tensors into the module, also those of torch. Where they do not fit, StateDictError lists all
        of it, and nothing has changed."""
        value = state if isinstance(state, Value) else from_python(state)
        call("wick_module_load_state_dict", self, value, strict)

    def parameter_names(self) -> Sequence[str]:
        count = ask("wick_module_parameter_count", ctypes.c_size_t, self)
        return [ask("wick_module_parameter_name", ctypes.c_char_p, self, i).decode() for i in range(count)]

    def parameter(self, name: str) -> Tensor:
        """Shares the module's memory."""
        return Tensor(make("wick_module_parameter", self, encode(name)))

    def named_parameters(self) -> Iterator[Tuple[str, Tensor]]:
        return ((name, self.parameter(name)) for name in self.parameter_names())

    def grad(self, name: str) -> Tensor:
        """The gradient of a parameter; it shares the module's memory."""
        return Tensor(make("wick_module_grad", self, encode(name)))

    def requires_grad_(self, requires_grad: bool = True, prefix: str = "") -> "Module":
        """Freezes or unfreezes the parameters whose names begin so."""
        call("wick_module_requires_grad", self, encode(prefix), requires_grad)
        return self

    def clip_grad_norm_(self, max_norm: float) -> float:
        """torch.nn.utils.clip_grad_norm_: returns the norm before."""
        return ask("wick_module_clip_grad_norm", ctypes.c_double, self, max_norm)


class Sequential(Module):
    """torch.nn.Sequential of modules, or of a dict of names to modules. It takes them: they are not to be used
    by themselves any more."""

    __slots__ = ()

    def __init__(self, *modules: Any):
        Handle.__init__(self, make("wick_sequential_create"))
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            named: Dict[str, Module] = dict(modules[0])
        else:
            named = {str(i): module for i, module in enumerate(modules)}
        for name, module in named.items():
            self.append(name, module)

    def append(self, name: str, module: Module) -> "Sequential":
        call("wick_sequential_append", self, encode(name), module)
        module._forget()
        return self

    @staticmethod
    def from_state_dict(state: Mapping[str, Any], activation: str = "ReLU") -> Module:
        """The chain of linear layers that a state dictionary holds, with an activation between each two."""
        return Module._of(make("wick_sequential_from_state_dict", from_python(state), encode(activation)))


class Residual(Module):
    """y = x + module(x). It takes the module."""

    __slots__ = ()

    def __init__(self, name: str, module: Module):
        Handle.__init__(self, make("wick_residual_create", encode(name), module))
        module._forget()


class Plan(Handle):
    """A module with its weights laid out for inference, for up to `max_batch` samples at a time. Later changes
    of the module do not reach it. Any number of threads may run it at once."""

    __slots__ = ()

    def __init__(self, module: Module, max_batch: int, sample_shape: Optional[Sequence[int]] = None):
        shape = None if sample_shape is None else _sizes(sample_shape)
        count = 0 if sample_shape is None else len(sample_shape)
        super().__init__(make("wick_plan_create", module, shape, count, max_batch))

    _dims = Tensor._dims

    @property
    def input_shape(self) -> Tuple[int, ...]:
        """Of a sample."""
        return self._dims("wick_plan_input_shape")

    @property
    def output_shape(self) -> Tuple[int, ...]:
        return self._dims("wick_plan_output_shape")

    @property
    def dtype(self) -> DType:
        return DType(ask("wick_plan_dtype", ctypes.c_int32, self))

    @property
    def max_batch(self) -> int:
        return ask("wick_plan_max_batch", ctypes.c_int64, self)

    def run(self, x: Any, out: Any) -> Tensor:
        """Writes to `out`, which may be a NumPy array or another library's tensor."""
        target = as_writable(out)
        call("wick_plan_run", self, as_tensor(x), target)
        return target

    def __call__(self, x: Any) -> Tensor:
        source = as_tensor(x)
        out = Tensor(make("wick_tensor_empty", _sizes((len(source), *self.output_shape)),
                          1 + len(self.output_shape), self.dtype, encode(source.device)))
        return self.run(source, out)


def as_writable(out: Any) -> Tensor:
    """A tensor over the memory of `out` itself: an error where that is not possible, never a copy."""
    from ._tensor import from_dlpack, from_numpy
    if isinstance(out, Tensor):
        return out
    return from_numpy(out) if type(out).__module__ == "numpy" else from_dlpack(out)
