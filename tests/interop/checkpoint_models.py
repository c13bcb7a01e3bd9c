# SPDX-License-Identifier: MIT
"""Models of known architectures with random weights, and what trains them, for checkpoint tests."""

import warnings

import torch
from torch import nn


class BasicBlock(nn.Module):
    """The residual block of ResNet-18 (He et al. 2015)."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        if stride != 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))


def resnet18():
    layers = nn.Sequential()
    layers.add_module("conv1", nn.Conv2d(3, 64, 7, 2, 3, bias=False))
    layers.add_module("bn1", nn.BatchNorm2d(64))
    width = 64
    for i, outputs in enumerate((64, 128, 256, 512)):
        blocks = (BasicBlock(width, outputs, 1 + (i > 0)), BasicBlock(outputs, outputs, 1))
        layers.add_module(f"layer{i + 1}", nn.Sequential(*blocks))
        width = outputs
    layers.add_module("fc", nn.Linear(512, 1000))
    return layers


class VisionTransformer(nn.Module):
    """The parameters of a small ViT (Dosovitskiy et al. 2020)."""

    def __init__(self, width=192, depth=12, heads=3, patches=196, classes=1000):
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embedding = nn.Parameter(torch.randn(1, patches + 1, width))
        self.conv_proj = nn.Conv2d(3, width, 16, 16)
        layer = nn.TransformerEncoderLayer(width, heads, 4 * width, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.ln = nn.LayerNorm(width, eps=1e-6)
        self.heads = nn.Linear(width, classes)


class LanguageModel(nn.Module):
    """A decoder of about 100 million parameters whose output shares the embedding's weight."""

    def __init__(self, width=768, depth=9, heads=12, words=50257):
        super().__init__()
        self.wte = nn.Embedding(words, width)
        self.wpe = nn.Embedding(1024, width)
        layer = nn.TransformerEncoderLayer(width, heads, 4 * width, batch_first=True)
        self.h = nn.ModuleList(layer if i == 0 else type(layer)(width, heads, 4 * width)
                               for i in range(depth))
        self.ln_f = nn.LayerNorm(width)
        self.lm_head = nn.Linear(width, words, bias=False)
        self.lm_head.weight = self.wte.weight
        self.register_buffer("mask", torch.ones(1024, 1024, dtype=torch.bool).tril())


def optimizer_classes():
    """Every optimizer in torch.optim, by name."""
    found = {}
    for name in sorted(vars(torch.optim)):
        value = getattr(torch.optim, name)
        if isinstance(value, type) and issubclass(value, torch.optim.Optimizer):
            if value is not torch.optim.Optimizer:
                found[name] = value
    return found


def trained(optimizer_class, **options):
    """A model and its optimizer after two steps, in which every state there is has been made."""
    name = optimizer_class.__name__
    if name == "SparseAdam":
        model = nn.Embedding(7, 3, sparse=True)
        inputs, lr = torch.tensor([1, 2, 5]), 0.01
    else:
        bias = name != "Muon"  # which takes matrices only
        layers = (nn.Linear(5, 4, bias=bias), nn.ReLU(), nn.Linear(4, 3, bias=bias))
        model, inputs, lr = nn.Sequential(*layers), torch.randn(6, 5), 0.01
    optimizer = optimizer_class(model.parameters(), **{"lr": lr, **options})

    def loss():
        optimizer.zero_grad()
        value = model(inputs).square().sum()
        value.backward()
        return value

    for _ in range(2):
        optimizer.step(loss)
    return model, optimizer


def schedulers(optimizer):
    """Every kind of scheduler in torch.optim.lr_scheduler that this version has, after a step."""
    from torch.optim import lr_scheduler as module

    makers = {
        "StepLR": lambda cls: cls(optimizer, 3),
        "MultiStepLR": lambda cls: cls(optimizer, [2, 4, 4]),
        "ConstantLR": lambda cls: cls(optimizer),
        "LinearLR": lambda cls: cls(optimizer),
        "ExponentialLR": lambda cls: cls(optimizer, 0.9),
        "PolynomialLR": lambda cls: cls(optimizer),
        "CosineAnnealingLR": lambda cls: cls(optimizer, 10),
        "CosineAnnealingWarmRestarts": lambda cls: cls(optimizer, 10),
        "CyclicLR": lambda cls: cls(optimizer, 0.01, 0.1),
        "OneCycleLR": lambda cls: cls(optimizer, 0.1, total_steps=10),
        "ReduceLROnPlateau": lambda cls: cls(optimizer),
        "LambdaLR": lambda cls: cls(optimizer, lambda epoch: 0.9**epoch),
        "MultiplicativeLR": lambda cls: cls(optimizer, lambda epoch: 0.9),
        "SequentialLR": lambda cls: cls(
            optimizer, [module.ConstantLR(optimizer), module.ExponentialLR(optimizer, 0.9)], [2]
        ),
        "ChainedScheduler": lambda cls: cls(
            [module.ConstantLR(optimizer), module.ExponentialLR(optimizer, 0.9)]
        ),
    }
    for name, make in makers.items():
        if not hasattr(module, name):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scheduler = make(getattr(module, name))
            scheduler.step(*([0.5] if name == "ReduceLROnPlateau" else []))
        state = scheduler.state_dict()
        # Before PyTorch 2.6 some kept functions there, which no plain data can hold.
        if not any(callable(value) for value in state.values()):
            yield name, state
