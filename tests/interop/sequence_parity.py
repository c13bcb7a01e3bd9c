# SPDX-License-Identifier: MIT
"""Recurrent layers with states and lengths, and attention with masks, beside PyTorch's.

The error of a tensor is max|a - b| / max(1, max|b|), where b is PyTorch's in float64: in float64 at most
1e-11, in float32 at most 1e-5 (attention: 5e-5), or twice that of PyTorch's own float32. Shapes and values are drawn
anew each time; the seed is printed, and --seed repeats it.
"""
import copy
import random
import unittest

import wick_program
from wick_program import torch
from torch import nn
from torch.nn.utils import rnn as packing

DTYPES = (torch.float64, torch.float32)


def error(actual, exact):
    if exact.numel() == 0:
        return 0.0
    return ((actual.double() - exact).abs().max() / max(1.0, exact.abs().max().item())).item()


def random_state(layer):
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.5)


def some_dict(**options):
    return {name: value for name, value in options.items() if value is not None}


class Parity(unittest.TestCase):
    FLOAT32 = 1e-5

    def check(self, what, answer, exact, own):
        """`exact` is in float64, `own` in the dtype of the answer."""
        self.assertNotIn("kind", answer, answer)
        self.assertEqual(sorted(answer), sorted(exact))
        for name, value in answer.items():
            with self.subTest(**what, tensor=name):
                self.assertEqual(value.dtype, own[name].dtype)
                self.assertEqual(value.shape, own[name].shape)
                bound = 1e-11 if value.dtype == torch.float64 else max(
                    self.FLOAT32, 2 * error(own[name], exact[name]))
                self.assertLessEqual(error(value, exact[name]), bound)

    def compare(self, command, requests, run):
        """`run(request, dtype)` is PyTorch's answer."""
        answers = wick_program.run(command, requests)
        for request, answer in zip(requests, answers, strict=True):
            exact, own = run(request, torch.float64), run(request, request["input_dtype"])
            what = {"type": request["type"], "options": str(request["options"]),
                    "case": request["case"], "seed": wick_program.SEED}
            self.check(what, answer, exact, own)


class Recurrent(Parity):
    TYPES = ("RNN", "LSTM", "GRU")

    @staticmethod
    def options():
        return {"input_size": random.randint(1, 9), "hidden_size": random.randint(1, 19),
                "num_layers": random.randint(1, 3), "bias": random.random() < 0.8,
                "batch_first": random.random() < 0.5, "bidirectional": random.random() < 0.4}

    def request(self, kind, dtype):
        options = self.options()
        if kind == "RNN":
            options["nonlinearity"] = random.choice(["tanh", "relu"])
        layer = getattr(nn, kind)(**options)
        random_state(layer)
        steps, rows = random.randint(1, 9), random.randint(1, 6)
        batched = random.random() < 0.8
        shape = [rows, steps] if options["batch_first"] else [steps, rows]
        shape = (shape if batched else [steps]) + [options["input_size"]]
        directions = 2 if options["bidirectional"] else 1
        state = [options["num_layers"] * directions] + [rows] * batched + [options["hidden_size"]]
        out = shape[:-1] + [directions * options["hidden_size"]]
        lengths = None
        if batched and random.random() < 0.5:
            lengths = torch.tensor([random.randint(1, steps) for _ in range(rows)])
        with_state, with_grad = random.random() < 0.7, random.random() < 0.7
        memory = kind == "LSTM"
        tensors = {
            "input": torch.randn(shape),
            "h_0": torch.randn(state) if with_state else None,
            "c_0": torch.randn(state) if with_state and memory else None,
            "grad_output": torch.randn(out) if random.random() < 0.8 or not with_grad else None,
            "grad_h": torch.randn(state) if with_grad else None,
            "grad_c": torch.randn(state) if with_grad and memory else None,
            **layer.state_dict()}
        tensors = {name: None if value is None else value.to(dtype) for name, value in tensors.items()}
        if lengths is not None and random.random() < 0.5:
            padding = self.padding(lengths, steps, options["batch_first"])
            tensors["input"][padding] = float("nan")
        names = list(layer.state_dict())
        return {"type": kind, "options": {**options, "dtype": dtype}, "training": True, "lengths": lengths,
                "state": {name: tensors.pop(name) for name in names}, **tensors, "input_dtype": dtype,
                "case": f"{shape}, lengths {lengths}, states {with_state}, gradients {with_grad}"}

    @staticmethod
    def padding(lengths, steps, batch_first):
        mask = torch.arange(steps)[None, :] >= lengths[:, None]
        return mask if batch_first else mask.t()

    @staticmethod
    def run_torch(request, dtype):
        def cast(name):
            value = request[name]
            return None if value is None else value.to(dtype, copy=True)
        options = {**request["options"], "dtype": dtype}
        layer = getattr(nn, request["type"])(**options)
        layer.load_state_dict({name: value.to(dtype) for name, value in request["state"].items()})
        memory, lengths = request["type"] == "LSTM", request["lengths"]
        x = cast("input")
        if lengths is not None:
            steps = x.shape[1 if options["batch_first"] else 0]
            x = x.masked_fill(Recurrent.padding(lengths, steps, options["batch_first"])[..., None], 0)
        x.requires_grad_()
        given = request["h_0"] is not None
        directions = 2 if options["bidirectional"] else 1
        rows = [] if x.dim() == 2 else [x.shape[0 if options["batch_first"] else 1]]
        shape = [options["num_layers"] * directions, *rows, options["hidden_size"]]
        h_0 = (cast("h_0") if given else torch.zeros(shape, dtype=dtype)).requires_grad_()
        c_0 = (cast("c_0") if given and memory else torch.zeros(shape, dtype=dtype)).requires_grad_()
        taken = x
        if lengths is not None:
            taken = packing.pack_padded_sequence(x, lengths, options["batch_first"], enforce_sorted=False)
        y, state = layer(taken, (h_0, c_0) if memory else h_0)
        if lengths is not None:
            y, _ = packing.pad_packed_sequence(y, options["batch_first"], total_length=steps)
        h_n, c_n = state if memory else (state, None)
        loss = 0
        for result, grad in ((y, "grad_output"), (h_n, "grad_h"), (c_n, "grad_c")):
            if result is not None and request[grad] is not None:
                loss = loss + (result * cast(grad)).sum()
        loss.backward()
        return some_dict(output=y.detach(), h_n=h_n.detach(), c_n=None if c_n is None else c_n.detach(),
                         grad_input=x.grad, grad_h_0=torch.zeros_like(h_0) if h_0.grad is None else h_0.grad,
                         grad_c_0=(torch.zeros_like(c_0) if c_0.grad is None else c_0.grad) if memory else None,
                         **{f"grad of {name}": p.grad for name, p in layer.named_parameters()})

    def test_layers(self):
        wick_program.start()
        requests = [self.request(kind, dtype) for kind in self.TYPES for dtype in DTYPES for _ in range(25)]
        self.compare("run_recurrent", requests, self.run_torch)

    def test_streams(self):
        wick_program.start()
        requests = []
        for kind in self.TYPES:
            for dtype in DTYPES:
                for _ in range(6):
                    request = self.request(kind, dtype)
                    options = {**request["options"], "bidirectional": False, "batch_first": False}
                    layer = getattr(nn, kind)(**options)
                    random_state(layer)
                    state = (options["num_layers"], options["hidden_size"])
                    request |= {"options": options, "state": layer.state_dict(), "lengths": None,
                                "input": torch.randn(7, options["input_size"], dtype=dtype),
                                "h_0": torch.randn(state, dtype=dtype), "grad_c": None,
                                "c_0": torch.randn(state, dtype=dtype) if kind == "LSTM" else None,
                                "grad_output": torch.ones(7, options["hidden_size"]), "grad_h": None}
                    requests.append(request)
        self.compare("run_streams", requests, lambda request, dtype: {
            name: value for name, value in self.run_torch(request, dtype).items() if "grad" not in name})

    def test_cells(self):
        wick_program.start()
        requests = []
        for kind in self.TYPES:
            for dtype in DTYPES:
                for _ in range(6):
                    options = {"input_size": random.randint(1, 9), "hidden_size": random.randint(1, 19),
                               "bias": random.random() < 0.7}
                    if kind == "RNN":
                        options["nonlinearity"] = random.choice(["tanh", "relu"])
                    layer = getattr(nn, f"{kind}Cell")(**options, dtype=dtype)
                    random_state(layer)
                    rows = [random.randint(1, 5)] * (random.random() < 0.8)
                    state, memory = [*rows, options["hidden_size"]], kind == "LSTM"

                    def draw(shape, wanted=True, dtype=dtype):
                        return torch.randn(shape, dtype=dtype) if wanted else None
                    requests.append({
                        "type": f"{kind}Cell", "options": {**options, "dtype": dtype}, "training": True,
                        "state": layer.state_dict(), "input": draw([*rows, options["input_size"]]),
                        "h_0": draw(state), "c_0": draw(state, memory), "grad_h": draw(state),
                        "grad_c": draw(state, memory), "input_dtype": dtype, "case": str(rows)})

        def run(request, dtype):
            layer = getattr(nn, request["type"])(**{**request["options"], "dtype": dtype})
            layer.load_state_dict({name: value.to(dtype) for name, value in request["state"].items()})
            x, h, c = (None if request[name] is None else request[name].to(dtype, copy=True).requires_grad_()
                       for name in ("input", "h_0", "c_0"))
            result = layer(x, h if c is None else (h, c))
            results = (result,) if c is None else result
            sum((value * request[grad].to(dtype)).sum()
                for value, grad in zip(results, ("grad_h", "grad_c"))).backward()
            return some_dict(h_n=results[0].detach(), c_n=None if c is None else results[1].detach(),
                             grad_input=x.grad, grad_h_0=h.grad, grad_c_0=None if c is None else c.grad,
                             **{f"grad of {name}": p.grad for name, p in layer.named_parameters()})
        self.compare("run_cells", requests, run)

    def test_initial_values(self):
        wick_program.start()
        cases = [("LSTM", {"input_size": 5, "hidden_size": 7, "num_layers": 2, "bidirectional": True}),
                 ("GRU", {"input_size": 3, "hidden_size": 4, "bias": False}),
                 ("RNN", {"input_size": 20, "hidden_size": 33}),
                 ("LSTMCell", {"input_size": 5, "hidden_size": 7}),
                 ("GRUCell", {"input_size": 5, "hidden_size": 7, "bias": False}),
                 ("MultiheadAttention", {"embed_dim": 12, "num_heads": 3}),
                 ("MultiheadAttention", {"embed_dim": 12, "num_heads": 3, "bias": False}),
                 ("TransformerEncoderLayer", {"d_model": 8, "nhead": 2, "dim_feedforward": 20})]
        requests = [{"type": kind, "options": options, "seed": random.randrange(2**31)} for kind, options in cases]
        for request, state in zip(requests, wick_program.run("initial_states", requests), strict=True):
            torch.manual_seed(request["seed"])
            wanted = getattr(nn, request["type"])(**request["options"]).state_dict()
            self.assertEqual(list(state), list(wanted))
            for name, value in wanted.items():
                with self.subTest(type=request["type"], parameter=name):
                    self.assertTrue(torch.allclose(state[name], value, rtol=3e-7, atol=0))


class Attention(Parity):
    # The gradient by a score is a difference of two sums, which are equal where there is but one key.
    FLOAT32 = 5e-5

    @staticmethod
    def mask(shape, dtype):
        """Of any kind, in which each query sees a key."""
        kind = random.randrange(3)
        if kind == 0:
            return None
        hidden = torch.rand(shape) < 0.4
        hidden[..., 0] = False
        if kind == 1:
            return hidden
        return torch.where(hidden, -float("inf"), torch.randn(shape)).to(dtype)

    @staticmethod
    def like(mask, dtype):
        return mask.to(dtype) if mask is not None and mask.is_floating_point() else mask

    def test_multihead_attention(self):
        wick_program.start()
        requests = []
        for dtype in DTYPES:
            for _ in range(40):
                heads = random.randint(1, 4)
                size = heads * random.randint(1, 5)
                options = {"embed_dim": size, "num_heads": heads, "bias": random.random() < 0.7,
                           "batch_first": random.random() < 0.5}
                layer = nn.MultiheadAttention(**options, dtype=dtype)
                random_state(layer)
                queries, samples = random.choice([1, 2, 5, 9, 70]), random.randint(1, 4)
                itself = random.random() < 0.5
                keys = queries if itself else random.choice([1, 3, 8, 40, 300])
                batched = random.random() < 0.8

                def draw(length, size=size, samples=samples, options=options, batched=batched, dtype=dtype):
                    shape = [samples, length] if options["batch_first"] else [length, samples]
                    return torch.randn((shape if batched else [length]) + [size], dtype=dtype)
                causal = random.random() < 0.2 and queries == keys
                rows = samples * heads if batched else heads
                attn_shape = (queries, keys) if random.random() < 0.7 else (rows, queries, keys)
                attn_mask = None if causal else self.mask(attn_shape, dtype)
                padding = self.mask((samples, keys) if batched else (keys,), dtype)
                if attn_mask is not None and padding is not None and attn_mask.dtype != padding.dtype:
                    padding = None  # PyTorch would convert
                requests.append({
                    "type": "MultiheadAttention", "options": {**options, "dtype": dtype}, "training": True,
                    "state": layer.state_dict(), "query": draw(queries),
                    "key": None if itself else draw(keys), "value": None if itself else draw(keys),
                    "attn_mask": attn_mask, "key_padding_mask": padding, "is_causal": causal,
                    "grad_output": draw(queries), "input_dtype": dtype,
                    "case": f"{queries} x {keys}, {samples} samples, batched {batched}, causal {causal}"})

        def run(request, dtype):
            layer = nn.MultiheadAttention(**{**request["options"], "dtype": dtype})
            layer.load_state_dict({name: value.to(dtype) for name, value in request["state"].items()})
            query, key, value = (None if request[name] is None else request[name].to(dtype, copy=True).requires_grad_()
                                 for name in ("query", "key", "value"))
            attn_mask = request["attn_mask"]
            if request["is_causal"]:
                length = query.shape[-2] if query.dim() == 2 or request["options"]["batch_first"] else query.shape[0]
                attn_mask = torch.ones(length, length, dtype=torch.bool).triu(1)
            y, _ = layer(query, query if key is None else key, query if value is None else value,
                         key_padding_mask=self.like(request["key_padding_mask"], dtype),
                         attn_mask=self.like(attn_mask, dtype), need_weights=False)
            y.backward(request["grad_output"].to(dtype))
            return some_dict(output=y.detach(), grad_query=query.grad,
                             grad_key=None if key is None else key.grad,
                             grad_value=None if value is None else value.grad,
                             **{f"grad of {name}": p.grad for name, p in layer.named_parameters()})
        self.compare("run_attention", requests, run)

    def test_encoders(self):
        wick_program.start()
        requests = []
        for dtype in DTYPES:
            for index in range(24):
                heads = random.randint(1, 3)
                size = heads * random.randint(2, 4)
                options = {"d_model": size, "nhead": heads, "dim_feedforward": random.randint(1, 20),
                           "dropout": 0.0, "activation": random.choice(["relu", "gelu"]),
                           "batch_first": random.random() < 0.5, "norm_first": random.random() < 0.5,
                           "bias": random.random() < 0.8}
                length, samples = random.randint(1, 9), random.randint(1, 4)
                shape = [samples, length, size] if options["batch_first"] else [length, samples, size]
                causal = random.random() < 0.3
                attn_mask = None if causal else self.mask((length, length), dtype)
                padding = self.mask((samples, length), dtype)
                if attn_mask is not None and padding is not None and attn_mask.dtype != padding.dtype:
                    padding = None
                request = {
                    "type": "TransformerEncoderLayer", "options": {**options, "dtype": dtype}, "training": True,
                    "query": torch.randn(shape, dtype=dtype), "attn_mask": attn_mask,
                    "key_padding_mask": padding, "is_causal": causal,
                    "grad_output": torch.randn(shape, dtype=dtype), "input_dtype": dtype,
                    "num_layers": random.randint(1, 3) if index % 2 else None, "norm": random.random() < 0.5,
                    "case": f"{shape}, causal {causal}"}
                module = self.encoder(request, dtype)
                random_state(module)
                requests.append({**request, "state": module.state_dict()})

        def run(request, dtype):
            module = self.encoder(request, dtype)
            module.load_state_dict({name: value.to(dtype) for name, value in request["state"].items()})
            x = request["query"].to(dtype, copy=True).requires_grad_()
            mask = self.like(request["attn_mask"], dtype)
            if request["is_causal"]:
                length = x.shape[1 if request["options"]["batch_first"] else 0]
                mask = torch.ones(length, length, dtype=torch.bool).triu(1)
            name = "src_mask" if request["num_layers"] is None else "mask"
            y = module(x, **{name: mask},
                       src_key_padding_mask=self.like(request["key_padding_mask"], dtype))
            y.backward(request["grad_output"].to(dtype))
            return {"output": y.detach(), "grad_query": x.grad,
                    **{f"grad of {name}": p.grad for name, p in module.named_parameters()}}
        self.compare("run_encoders", requests, run)

    @staticmethod
    def encoder(request, dtype):
        layer = nn.TransformerEncoderLayer(**{**request["options"], "dtype": dtype})
        if request["num_layers"] is None:
            return layer
        norm = nn.LayerNorm(request["options"]["d_model"], dtype=dtype) if request["norm"] else None
        return nn.TransformerEncoder(copy.deepcopy(layer), request["num_layers"], norm,
                                     enable_nested_tensor=False)

    def test_scaled_dot_product_attention(self):
        wick_program.start()
        requests = []
        for dtype in DTYPES:
            for _ in range(40):
                samples, heads = random.randint(1, 3), random.randint(1, 3)
                queries, keys = (random.choice([1, 2, 7, 64, 65, 130, 300]) for _ in range(2))
                size, width = random.randint(1, 40), random.randint(1, 40)

                def draw(length, width, samples=samples, heads=heads, dtype=dtype):
                    if random.random() < 0.5:  # as MultiheadAttention has them
                        return torch.randn(samples, length, heads, width, dtype=dtype).transpose(1, 2)
                    return torch.randn(samples, heads, length, width, dtype=dtype)
                causal = random.random() < 0.4
                shape = random.choice([(queries, keys), (samples, 1, queries, keys), (1, keys),
                                       (samples, heads, 1, keys), (heads, queries, keys)])
                mask = None if causal else self.mask(shape, dtype)
                if mask is not None and mask.dtype == torch.bool:
                    mask = ~mask
                    if random.random() < 0.3:
                        mask[..., 0, :] = False  # sees nothing
                requests.append({
                    "type": "attention", "options": {}, "query": draw(queries, size), "key": draw(keys, size),
                    "value": draw(keys, width), "mask": mask, "is_causal": causal,
                    "scale": random.choice([None, 0.3]), "input_dtype": dtype,
                    "grad_output": torch.randn(samples, heads, queries, width, dtype=dtype),
                    "case": f"{samples} x {heads} x {queries} x {keys}, {size}, {width}, causal {causal}"})

        def run(request, dtype):
            query, key, value = (request[name].to(dtype, copy=True).requires_grad_()
                                 for name in ("query", "key", "value"))
            y = nn.functional.scaled_dot_product_attention(
                query, key, value, attn_mask=self.like(request["mask"], dtype),
                is_causal=request["is_causal"], scale=request["scale"])
            y.backward(request["grad_output"].to(dtype))
            return {"output": y.detach(), "function": y.detach(), "grad_query": query.grad,
                    "grad_key": key.grad, "grad_value": value.grad}
        self.compare("run_products", requests, run)


if __name__ == "__main__":
    wick_program.main()
