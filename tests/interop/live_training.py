# SPDX-License-Identifier: MIT
"""Random layers, optimizers and schedulers of torch and their state dictionaries, for live_values.py."""

import inspect
import warnings

import torch
from torch import nn
from torch.optim import lr_scheduler

from checkpoint_models import optimizer_classes

# -- Layers ---------------------------------------------------------------------------------------


def channels(r):
    return r.randrange(1, 6)


def convolution(cls):
    def make(r):
        groups = r.choice((1, 1, 2))
        return cls(groups * channels(r), groups * channels(r), r.randrange(1, 4), groups=groups,
                   bias=r.random() < 0.7)

    return make


def normalization(cls):
    def make(r):
        return cls(channels(r), affine=r.random() < 0.7, track_running_stats=r.random() < 0.7,
                   momentum=r.choice((None, 0.1)))

    return make


def recurrent(cls):
    def make(r):
        size = channels(r)
        options = {"proj_size": 1} if cls is nn.LSTM and size > 1 and r.random() < 0.3 else {}
        return cls(channels(r), size, num_layers=r.randrange(1, 3), bias=r.random() < 0.7,
                   bidirectional=r.random() < 0.5, **options)

    return make


def cell(cls):
    return lambda r: cls(channels(r), channels(r), bias=r.random() < 0.7)


def attention(r):
    return nn.MultiheadAttention(4, 2, bias=r.random() < 0.7, add_bias_kv=r.random() < 0.3,
                                 **({"kdim": 3, "vdim": 5} if r.random() < 0.4 else {}))


def transformer(cls):
    return lambda r: cls(4, 2, dim_feedforward=channels(r), norm_first=r.random() < 0.5)


def parameters(r):
    return [nn.Parameter(torch.randn(channels(r), channels(r))) for _ in range(r.randrange(4))]


# Those that have a state. check_layers() looks for others.
LAYERS = {
    "AdaptiveLogSoftmaxWithLoss": lambda r: nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5, 10], div_value=2),
    "Bilinear": lambda r: nn.Bilinear(channels(r), channels(r), channels(r), bias=r.random() < 0.7),
    "Embedding": lambda r: nn.Embedding(channels(r) + 1, channels(r), padding_idx=r.choice((None, 0))),
    "EmbeddingBag": lambda r: nn.EmbeddingBag(channels(r) + 1, channels(r)),
    "GroupNorm": lambda r: nn.GroupNorm(2, 2 * channels(r), affine=r.random() < 0.7),
    "LayerNorm": lambda r: nn.LayerNorm([channels(r), 2], elementwise_affine=r.random() < 0.7),
    "RMSNorm": lambda r: nn.RMSNorm(channels(r)),
    "Linear": lambda r: nn.Linear(channels(r), channels(r), bias=r.random() < 0.7),
    "LinearCrossEntropyLoss": lambda r: nn.LinearCrossEntropyLoss(channels(r), channels(r)),
    "NonDynamicallyQuantizableLinear":
        lambda r: nn.modules.linear.NonDynamicallyQuantizableLinear(channels(r), channels(r)),
    "MultiheadAttention": attention,
    "ParameterList": lambda r: nn.ParameterList(parameters(r)),
    "ParameterDict": lambda r: nn.ParameterDict({f"p{i}.".strip("."): p for i, p in enumerate(parameters(r))}),
    "PReLU": lambda r: nn.PReLU(channels(r)),
    "Transformer": lambda r: nn.Transformer(4, 2, 1, 1, 4),
    "TransformerEncoderLayer": transformer(nn.TransformerEncoderLayer),
    "TransformerDecoderLayer": transformer(nn.TransformerDecoderLayer),
    "TransformerEncoder": lambda r: nn.TransformerEncoder(
        transformer(nn.TransformerEncoderLayer)(r), r.randrange(1, 3), nn.LayerNorm(4),
        enable_nested_tensor=False),
    "TransformerDecoder": lambda r: nn.TransformerDecoder(
        transformer(nn.TransformerDecoderLayer)(r), r.randrange(1, 3)),
    "BCEWithLogitsLoss": lambda r: nn.BCEWithLogitsLoss(torch.rand(2), pos_weight=torch.rand(2)),
    "CrossEntropyLoss": lambda r: nn.CrossEntropyLoss(torch.rand(channels(r))),
    "DataParallel": lambda r: nn.DataParallel(nn.Linear(channels(r), channels(r))),
    **{f"{name}{d}d": make(getattr(nn, f"{name}{d}d"))
       for d in (1, 2, 3)
       for name, make in (("Conv", convolution), ("ConvTranspose", convolution),
                          ("BatchNorm", normalization), ("InstanceNorm", normalization))},
    **{name: recurrent(getattr(nn, name)) for name in ("RNN", "LSTM", "GRU")},
    **{name + "Cell": cell(getattr(nn, name + "Cell")) for name in ("RNN", "LSTM", "GRU")},
}
LAYERS = {name: make for name, make in LAYERS.items()
          if hasattr(nn, name) or hasattr(nn.modules.linear, name)}
# Bases, and those that have no state and want arguments that check_layers() does not know. The lazy
# layers' parameters have no sizes before their first use, which no plain data can hold.
NOT_MADE = {"Module", "Container", "RNNBase", "RNNCellBase", "SyncBatchNorm", "Sequential", "ModuleList",
            "ModuleDict", "FractionalMaxPool2d", "FractionalMaxPool3d", "Unflatten"}


def check_layers():
    """Fails where this torch has a layer with a state that LAYERS does not know."""
    unknown = []
    for name, cls in vars(nn).items():
        if not (isinstance(cls, type) and issubclass(cls, nn.Module)):
            continue
        if name in LAYERS or name in NOT_MADE or name.startswith("Lazy"):
            continue
        required = [p for p in list(inspect.signature(cls.__init__).parameters.values())[1:]
                    if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
        try:
            made = cls(*[1] * len(required))
        except (TypeError, ValueError, RuntimeError):
            unknown.append(name)
        else:
            if made.state_dict():
                unknown.append(name)
    assert not unknown, f"live_training.LAYERS does not make {unknown}"


def layer(rng):
    return LAYERS[rng.choice(sorted(LAYERS))](rng)


def module(rng):
    made = layer(rng)
    kind = rng.randrange(6)
    if kind == 0:
        made = nn.Sequential(made, nn.ReLU(), layer(rng))
    elif kind == 1:
        made = nn.ModuleDict({"encoder": made, "head": nn.ModuleList([layer(rng), made])})
    elif kind == 2:
        weight = getattr(made, "weight", None)
        if isinstance(weight, nn.Parameter) and weight.dim() > 1:
            wrap = rng.choice((nn.utils.parametrizations.weight_norm,
                               nn.utils.parametrizations.spectral_norm))
            made = wrap(made)
    if rng.random() < 0.2:
        made = made.to(rng.choice((torch.float64, torch.float16, torch.bfloat16)))
    if rng.random() < 0.05:
        made = made.to("meta")
    if rng.random() < 0.1:
        made.requires_grad_(False)
    return made


def state_of(rng, made):
    return made.state_dict(keep_vars=rng.random() < 0.15, prefix=rng.choice(("", "", "", "module.", "é.")))


# -- Optimizers -----------------------------------------------------------------------------------

FLAGS = ("amsgrad nesterov maximize foreach capturable differentiable fused centered "
         "decoupled_weight_decay").split()
OPTIONS = {
    **{name: lambda r: r.choice((True, False)) for name in FLAGS},
    "lr": lambda r: r.choice((0, 1, 1e-3, 10**r.uniform(-5, 0), torch.tensor(0.01))),
    "betas": lambda r: (r.uniform(0, 0.99), r.uniform(0, 0.9999)),
    "eps": lambda r: r.choice((1e-8, 1e-16, 10**r.uniform(-12, -3))),
    "weight_decay": lambda r: r.choice((0, 0.1, r.random())),
    "momentum": lambda r: r.choice((0, 0.9, r.random())),
    "dampening": lambda r: r.choice((0, r.random())),
    "alpha": lambda r: r.random(), "rho": lambda r: r.random(), "lambd": lambda r: r.random() / 10,
    "t0": lambda r: r.choice((1e6, 1)), "lr_decay": lambda r: r.random(),
    "initial_accumulator_value": lambda r: r.random(),
    "momentum_decay": lambda r: r.random() / 100,
    "etas": lambda r: (r.uniform(0.1, 0.9), r.uniform(1.1, 2)),
    "step_sizes": lambda r: (1e-6, r.choice((50, 10.5))),
    "beta2_decay": lambda r: -r.random(), "d": lambda r: 1 + r.random(),
    "max_iter": lambda r: r.randrange(1, 4), "history_size": lambda r: r.randrange(1, 5),
    "line_search_fn": lambda r: r.choice((None, "strong_wolfe")),
    "ns_steps": lambda r: r.randrange(1, 6),
    "adjust_lr_fn": lambda r: r.choice((None, "original", "match_rms_adamw")),
}


def random_options(rng, cls):
    known = [name for name in inspect.signature(cls.__init__).parameters if name in OPTIONS]
    options = {name: OPTIONS[name](rng) for name in known if rng.random() < 0.35}
    if cls.__name__ == "Adafactor":
        options.pop("eps", None)  # two numbers there
    return options


def random_groups(rng, cls, made):
    """The parameters, as a list, with their names, or in groups with options of their own."""
    named = rng.random() < 0.3
    items = [(f"layer.{i}.weight", p) if named else p for i, p in enumerate(made)]
    if cls.__name__ == "LBFGS" or rng.random() < 0.4:
        return items
    groups = []
    while items:
        count = rng.randrange(1, len(items) + 1)
        groups.append({"params": items[:count], "lr": rng.random() + 1e-3})
        if rng.random() < 0.3:
            groups[-1]["note"] = rng.choice(("head", ("a", 1), None))
        items = items[count:]
    return groups


def step(rng, cls, optimizer, made):
    for parameter in made:
        if cls.__name__ == "SparseAdam":
            row = torch.tensor([[rng.randrange(parameter.shape[0])]])
            values = torch.randn(1, *parameter.shape[1:])
            parameter.grad = torch.sparse_coo_tensor(row, values, parameter.shape)
        elif rng.random() < 0.9:  # else it has no state
            parameter.grad = torch.randn(parameter.shape, dtype=parameter.dtype)
    if cls.__name__ == "LBFGS":
        optimizer.step(lambda: sum((parameter.detach().abs() ** 2).sum() for parameter in made))
    else:
        optimizer.step()


def optimizer(rng, cls=None):
    """An optimizer after up to three steps, and its parameters."""
    cls = cls or rng.choice(list(optimizer_classes().values()))
    for attempt in range(20):
        shapes = [[rng.randrange(1, 5) for _ in range(2 if cls.__name__ == "Muon" else rng.randrange(1, 4))]
                  for _ in range(rng.randrange(1, 5))]
        dtype = torch.float32
        if cls.__name__ != "SparseAdam" and rng.random() < 0.3:
            dtype = rng.choice((torch.float64, torch.bfloat16, torch.complex64))
        made = [torch.randn(shape, dtype=dtype).requires_grad_() for shape in shapes]
        options = random_options(rng, cls) if attempt < 19 else {}
        try:
            new = cls(random_groups(rng, cls, made), **options)
            for _ in range(rng.randrange(4)):
                step(rng, cls, new, made)
            return new, made
        except (ValueError, RuntimeError, AssertionError, NotImplementedError, TypeError,
                ArithmeticError, LookupError):
            continue  # options that exclude one another
    raise AssertionError(f"no {cls.__name__} could be made")


# -- Schedulers -----------------------------------------------------------------------------------


def number(r, whole):
    """Scripts give counts as numbers with a point, too."""
    return r.choice((whole, whole, float(whole), whole + 0.5))


SCHEDULERS = {
    "StepLR": lambda r, o: {"step_size": number(r, r.randrange(1, 5)), "gamma": r.random()},
    "MultiStepLR": lambda r, o: {"milestones": [r.randrange(6) for _ in range(r.randrange(4))]},
    "ConstantLR": lambda r, o: {"factor": r.random(), "total_iters": r.randrange(6)},
    "LinearLR": lambda r, o: {"start_factor": r.uniform(0.1, 1), "total_iters": r.randrange(1, 6)},
    "ExponentialLR": lambda r, o: {"gamma": r.random()},
    "PolynomialLR": lambda r, o: {"total_iters": r.randrange(1, 6), "power": r.choice((1, 1.0, 2.5))},
    "CosineAnnealingLR": lambda r, o: {"T_max": number(r, r.randrange(1, 9)),
                                       "eta_min": r.choice((0, 0.0, -0.1, 1e-4))},
    "CosineAnnealingWarmRestarts": lambda r, o: {"T_0": r.randrange(1, 5), "T_mult": r.randrange(1, 4)},
    "CyclicLR": lambda r, o: {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": r.randrange(1, 5),
                              "mode": r.choice(("triangular", "triangular2", "exp_range")),
                              "cycle_momentum": False},
    "OneCycleLR": lambda r, o: {"max_lr": 0.1, "total_steps": r.randrange(8, 12),
                                "three_phase": r.random() < 0.5, "cycle_momentum": False,
                                "anneal_strategy": r.choice(("cos", "linear"))},
    "ReduceLROnPlateau": lambda r, o: {"mode": r.choice(("min", "max")), "patience": r.randrange(3),
                                       "cooldown": r.randrange(3), "min_lr": r.choice((0, 1e-3))},
    "LambdaLR": lambda r, o: {"lr_lambda": lambda epoch: 0.9**epoch},
    "MultiplicativeLR": lambda r, o: {"lr_lambda": lambda epoch: 0.9},
    "SequentialLR": lambda r, o: {"schedulers": [scheduler(r, o, "ConstantLR"), scheduler(r, o, "StepLR")],
                                  "milestones": [r.randrange(1, 4)]},
    "ChainedScheduler": lambda r, o: {"schedulers": [scheduler(r, o, "LinearLR"),
                                                     scheduler(r, o, "ExponentialLR")]},
}


def check_schedulers():
    """Fails where this torch has a scheduler that SCHEDULERS does not know."""
    bases = {"LRScheduler", "_LRScheduler"}
    unknown = [name for name, cls in vars(lr_scheduler).items()
               if isinstance(cls, type) and issubclass(cls, lr_scheduler.LRScheduler)
               and name not in SCHEDULERS and name not in bases]
    assert not unknown, f"live_training.SCHEDULERS does not make {unknown}"


def scheduler(rng, optimizer_of_it, name=None):
    name = name or rng.choice(sorted(SCHEDULERS))
    options = SCHEDULERS[name](rng, optimizer_of_it)
    if name == "ChainedScheduler":
        return lr_scheduler.ChainedScheduler(options["schedulers"])
    return getattr(lr_scheduler, name)(optimizer_of_it, **options)


def scheduler_state(rng, optimizer_of_it):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = scheduler(rng, optimizer_of_it)
        for _ in range(rng.randrange(7)):
            made.step(*([rng.random()] if isinstance(made, lr_scheduler.ReduceLROnPlateau) else []))
    return made.state_dict()


def training(rng):
    """What a training program saves."""
    made = module(rng)
    new, _ = optimizer(rng)
    state = {"epoch": rng.randrange(100), "model": state_of(rng, made), "opt": new.state_dict(),
             "loss": rng.random(), "rng": torch.get_rng_state()}
    if all(group["lr"] > 0 for group in new.param_groups):
        state["scheduler"] = scheduler_state(rng, new)
    if rng.random() < 0.3:
        state["ema"] = state["model"]
    return state
