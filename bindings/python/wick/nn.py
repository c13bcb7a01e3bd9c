# SPDX-License-Identifier: MIT
"""The layers by their names: nn.Linear(in_features=3, out_features=8) is Module("Linear", ...)."""

import functools
from typing import Any, Callable

from ._module import Module, Residual, Sequential

__all__ = ["Module", "Residual", "Sequential"]


def __getattr__(name: str) -> Callable[..., Module]:
    if name.startswith("_") or name not in Module.names():
        raise AttributeError(f"wick.nn has no layer {name}; there are {', '.join(Module.names())}")
    return functools.partial(Module, name)


def __dir__() -> Any:
    return [*__all__, *Module.names()]
