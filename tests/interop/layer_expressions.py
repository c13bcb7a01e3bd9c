# SPDX-License-Identifier: MIT
"""The expressions of tests/nn/layer_cases.h, for layer_parity.py: the layer that PyTorch makes of one, and what
make_module() is given for it."""
import inspect

from torch import nn  # the layers are expressions in it


def times_own(expression):
    """How many times PyTorch's own error ours may be. After several products one behind the other, both
    are drawn anew each time."""
    return 4 if expression.startswith(("RNN", "LSTM", "GRU", "Multihead", "Transformer")) else 2


def layer_of(expression):
    """The layer, which takes one tensor and gives one."""
    layer = eval(f"nn.{expression}")  # pylint: disable=eval-used
    if isinstance(layer, (nn.RNNBase, nn.LSTMCell)):
        layer.register_forward_hook(lambda module, inputs, output: output[0])
    if isinstance(layer, nn.MultiheadAttention):
        attend = layer.forward
        layer.forward = lambda x: attend(x, x, x, need_weights=False)[0]
    return layer


def _recurrent(input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0,
               bidirectional=False, proj_size=0, device=None, dtype=None):
    pass


def _rnn(input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True, batch_first=False,
         dropout=0.0, bidirectional=False, device=None, dtype=None):
    pass


# PyTorch's own take (*args, **kwargs).
SIGNATURES = {"RNN": _rnn, "LSTM": _recurrent, "GRU": _recurrent}


class Described:
    """Of a layer's expression, what make_module() is given: PyTorch's names of all arguments."""

    def __init__(self, expression):
        self.training = True
        eval(f"nn.{expression}", {"nn": self})  # pylint: disable=eval-used

    def __getattr__(self, name):
        def call(*arguments, **options):
            signature = inspect.signature(SIGNATURES.get(name, getattr(nn, name)))
            bound = signature.bind(*arguments, **options)
            bound.apply_defaults()
            self.type = name
            self.options = {key: getattr(value, "__name__", value)  # an activation is a function
                            for key, value in bound.arguments.items()
                            if not signature.parameters[key].kind.name.startswith("VAR_")}
            return self
        return call

    def eval(self):
        self.training = False

    def request(self, dtype):
        options = dict(self.options, dtype=dtype) if "dtype" in self.options else self.options
        return {"type": self.type, "options": options, "training": self.training}
