# SPDX-License-Identifier: MIT
"""A small GPT trains on text as in PyTorch: the same losses at every step, within the TOLERANCE of
wick_program.py, with and without dropout. The text, the weights and the batches' places are those of a seed, which
is printed; --seed repeats it."""
import copy
import os
import pathlib
import random
import unittest

import wick_program
from wick_program import torch
from torch import nn


class Gpt(nn.Module):
    def __init__(self, sizes, dtype):
        super().__init__()
        width = sizes["width"]
        self.tokens = nn.Embedding(sizes["tokens"], width, dtype=dtype)
        self.positions = nn.Embedding(sizes["context"], width, dtype=dtype)
        layer = nn.TransformerEncoderLayer(width, sizes["heads"], 4 * width, sizes["dropout"], "gelu",
                                           batch_first=True, norm_first=True, dtype=dtype)
        self.encoder = nn.TransformerEncoder(layer, sizes["layers"], nn.LayerNorm(width, dtype=dtype),
                                             enable_nested_tensor=False)
        self.head = nn.Linear(width, sizes["tokens"], dtype=dtype)

    def forward(self, x):
        length = x.shape[1]
        mask = torch.ones(length, length, dtype=torch.bool).triu(1)
        h = self.tokens(x) + self.positions(torch.arange(length))
        return self.head(self.encoder(h, mask=mask, is_causal=True)).flatten(0, 1)


class Training(unittest.TestCase):
    """A small GPT learns text byte by byte, with the same losses in each step. WICK_LONG=1 takes the size that
    the measurements have."""
    LONG = bool(os.environ.get("WICK_LONG"))
    SIZES = ({"context": 256, "width": 128, "heads": 4, "layers": 4} if LONG else
             {"context": 40, "width": 24, "heads": 3, "layers": 2})
    STEPS = 100 if LONG else 40
    BATCH = 4

    def request(self, dtype, dropout):
        text = (pathlib.Path(__file__).resolve().parents[2] / "CONTRIBUTING.md").read_bytes()
        values = torch.tensor([byte % 128 for byte in text])
        context = self.SIZES["context"]
        data = torch.stack([torch.stack([values[start:start + context + 1] for start in
                                         torch.randint(0, len(values) - context - 1, (self.BATCH,)).tolist()])
                            for _ in range(self.STEPS)])
        sizes = {**self.SIZES, "tokens": 128, "dropout": dropout}
        return {"sizes": sizes, "dtype": dtype, "data": data, "seed": random.randrange(2**31),
                "state": copy.deepcopy(Gpt(sizes, dtype).state_dict()),
                "optimizer": {"name": "SGD", "options": {"lr": 0.05}} if dtype == torch.float32 else
                             {"name": "AdamW", "options": {"lr": 1e-3}}}

    @staticmethod
    def train(request):
        model = Gpt(request["sizes"], request["dtype"])
        model.load_state_dict(request["state"])
        optimizer = getattr(torch.optim, request["optimizer"]["name"])(
            model.parameters(), **request["optimizer"]["options"])
        torch.manual_seed(request["seed"])
        losses = []
        for batch in request["data"]:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(batch[:, :-1]), batch[:, 1:].flatten())
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    def test_gpt(self):
        seed = wick_program.start()
        requests = [self.request(dtype, dropout) for dtype in (torch.float64, torch.float32) for dropout in (0.0, 0.1)]
        answers = wick_program.run("train_gpts", requests)
        for request, ours in zip(requests, answers, strict=True):
            theirs = self.train(request)
            with self.subTest(dtype=request["dtype"], dropout=request["sizes"]["dropout"], seed=seed):
                self.assertIsNone(wick_program.parted(ours, theirs, request["dtype"]))
                self.assertLess(theirs[-1], theirs[0])


if __name__ == "__main__":
    wick_program.main()
