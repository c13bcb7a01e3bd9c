# SPDX-License-Identifier: MIT
"""Losses and optimizers by PyTorch's names, and whole steps of training."""

import ctypes
from typing import Any, Callable, Dict, Mapping, Optional, Sequence

from ._library import CLOSURE, PROGRESS, Callback, Handle, ask, call, encode, make, names
from ._values import Value, from_python, options_of, to_python
from ._module import Module
from ._tensor import Generator, Tensor, as_tensor


class Loss(Handle):
    """A loss by PyTorch's class name and arguments: Loss("CrossEntropyLoss", label_smoothing=0.1). For one
    thread at a time."""

    __slots__ = ()

    def __init__(self, name: str, **options: Any):
        super().__init__(make("wick_loss_create", encode(name), None, options_of(options)))

    @staticmethod
    def names() -> Sequence[str]:
        """The losses that there are."""
        return names("wick_loss_name")

    def __call__(self, input: Any, target: Any, variance: Any = None) -> Tensor:
        """The loss; its next call overwrites it. GaussianNLLLoss takes a variance."""
        if variance is None:
            return Tensor(make("wick_loss_forward", self, as_tensor(input), as_tensor(target)))
        return Tensor(make("wick_loss_forward_with_variance", self, as_tensor(input), as_tensor(target),
                           as_tensor(variance)))

    def backward(self, grad: Any = None) -> Tensor:
        """The gradient of the last loss by its input, for Module.backward(). With reduction="none", `grad` is
        the gradient by each loss."""
        return Tensor(make("wick_loss_backward", self, None if grad is None else as_tensor(grad)))


class Optimizer(Handle):
    """An optimizer of all parameters of a module, by PyTorch's class name and arguments:
    Optimizer("Adam", model, lr=1e-3). For one thread at a time."""

    __slots__ = ()

    def __init__(self, name: str, module: Module, **options: Any):
        super().__init__(make("wick_optimizer_create", encode(name), module, None, options_of(options)))

    @staticmethod
    def names() -> Sequence[str]:
        """The optimizers that there are."""
        return names("wick_optimizer_name")

    def zero_grad(self) -> None:
        call("wick_optimizer_zero_grad", self)

    def step(self, closure: Optional[Callable[[], Any]] = None) -> Optional[float]:
        """LBFGS needs a closure, which sets the gradients anew and returns the loss; step() returns its first.
        What the closure raises comes out of step()."""
        if closure is None:
            call("wick_optimizer_step", self)
            return None

        def evaluate(_: Any, loss: Any) -> None:
            loss[0] = float(closure())

        first = ctypes.c_double()
        callback = Callback(CLOSURE, evaluate)
        callback.run("wick_optimizer_step_with", self, callback, None, ctypes.byref(first))
        return first.value

    @property
    def lr(self) -> float:
        return ask("wick_optimizer_lr", ctypes.c_double, self)

    @lr.setter
    def lr(self, value: float) -> None:
        call("wick_optimizer_set_lr", self, value)

    def state_dict(self) -> Dict[str, Any]:
        """PyTorch's layout, keys and key order."""
        return to_python(Value(make("wick_optimizer_state_dict", self)))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes what state_dict() or PyTorch's optimizer of the same class gave."""
        call("wick_optimizer_load_state_dict", self, from_python(state))


def train_step(module: Module, loss: Loss, optimizer: Optimizer, input: Any, target: Any) -> float:
    """zero_grad, the forward pass, the loss, the backward pass, the optimizer's step. Returns the loss."""
    return ask("wick_train_step", ctypes.c_double, module, loss, optimizer, as_tensor(input), as_tensor(target))


def train(module: Module, loss: Loss, optimizer: Optimizer, inputs: Any, targets: Any, *, batch_size: int,
          epochs: int = 1, generator: Optional[Generator] = None,
          progress: Optional[Callable[[int, int, int, float], Any]] = None) -> float:
    """Epochs of steps over the first dimension of `inputs` and `targets`; in random order where a generator is
    given. `progress(epoch, step, steps_per_epoch, loss)` is called after each step and may use all of the
    objects; what it raises ends the training and comes out of train(). Returns the mean loss of the last
    epoch."""
    mean = ctypes.c_double()
    arguments = [module, loss, optimizer, as_tensor(inputs), as_tensor(targets), batch_size, epochs, generator]
    if progress is None:
        call("wick_train", *arguments, None, None, ctypes.byref(mean))
    else:
        told = progress
        callback = Callback(PROGRESS, lambda _, *now: told(*now))
        callback.run("wick_train", *arguments, callback, None, ctypes.byref(mean))
    return mean.value
