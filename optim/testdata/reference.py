"""Computes reference.json: two parameter tensors after each of fourteen steps, by optimizers of
PyTorch, timm and fastai, in float64, and gradients as clip_grad_norm_ leaves them.

The first tensor has weight decay, the second has none, as norms and biases.

    python3 reference.py torch > torch.json        (PyTorch 2.15, timm 1.0.31)
    python3 reference.py fastai > fastai.json      (fastai 2.8.12)
"""
import json
import math
import sys

import torch

torch.set_default_dtype(torch.float64)
STEPS = 14


def start():
    return [torch.tensor([math.sin(1.7 * i + 0.3) for i in range(6)]), torch.tensor([0.5 * math.cos(i) for i in range(3)])]


def grad(step, which, n):
    return torch.tensor([math.sin(0.9 * step + 2.1 * i + which) * math.exp(-0.4 * i) for i in range(n)])


def run(make):
    a, b = (torch.nn.Parameter(p) for p in start())
    opt = make(a, b)
    steps = []
    for s in range(STEPS):
        a.grad, b.grad = grad(s, 0, 6), grad(s, 1, 3)
        opt.step()
        steps.append(a.tolist() + b.tolist())
    return steps


def of_torch():
    from timm.optim import Lamb, RMSpropTF

    def groups(a, b, wd):
        return [{"params": [a], "weight_decay": wd}, {"params": [b], "weight_decay": 0.0}]

    runs = {
        "adamw": lambda a, b: torch.optim.AdamW(groups(a, b, 0.1), lr=1e-2),
        "sgd": lambda a, b: torch.optim.SGD(groups(a, b, 0.1), lr=1e-2, momentum=0.9),
        "sgd_nesterov": lambda a, b: torch.optim.SGD(groups(a, b, 0.1), lr=1e-2, momentum=0.9, nesterov=True),
        "rmsprop": lambda a, b: torch.optim.RMSprop(groups(a, b, 0.1), lr=1e-2),
        "rmsprop_momentum": lambda a, b: torch.optim.RMSprop(groups(a, b, 0.1), lr=1e-2, momentum=0.9),
        "rmsprop_tf": lambda a, b: RMSpropTF(groups(a, b, 0.1), lr=1e-2, momentum=0.9),
        "rmsprop_tf_decoupled": lambda a, b: RMSpropTF(groups(a, b, 0.1), lr=1e-2, momentum=0.9, alpha=0.95, eps=1e-3, decoupled_decay=True),
        "lamb": lambda a, b: Lamb(groups(a, b, 0.02), lr=5e-2),
        "lamb_unclipped": lambda a, b: Lamb(groups(a, b, 0.02), lr=5e-2, max_grad_norm=None, betas=(0.8, 0.99), eps=1e-3),
    }
    clipped = []
    for limit in (0.1, 1.0, 100.0):
        a, b = (torch.nn.Parameter(p) for p in start())
        a.grad, b.grad = grad(0, 0, 6), grad(0, 1, 3)
        norm = torch.nn.utils.clip_grad_norm_([a, b], limit)
        clipped.append({"limit": limit, "norm": float(norm), "grads": a.grad.tolist() + b.grad.tolist()})
    return {"clipped": clipped, "runs": {k: run(v) for k, v in runs.items()}}


def of_fastai():
    from fastai import optimizer as f
    from fastcore.foundation import L

    class Split:
        """fastai's optimizer, whose second group has no weight decay."""

        def __init__(self, opt, wd):
            self.opt = opt
            opt.set_hyper("wd", [wd, 0.0])
            self.step = opt.step

    def split(make, wd):
        return lambda a, b: Split(make([L(a), L(b)]), wd)

    runs = {
        "radam": split(lambda g: f.RAdam(g, lr=1e-2), 0.1),
        "ranger": split(lambda g: f.ranger(g, lr=1e-2), 0.01),
        "lamb_fastai": split(lambda g: f.Lamb(g, lr=5e-2), 0.1),
        "rmsprop_fastai": split(lambda g: f.RMSProp(g, lr=1e-2, mom=0.9), 0.1),
    }
    return {"runs": {k: run(v) for k, v in runs.items()}}


print(json.dumps(of_torch() if sys.argv[1] == "torch" else of_fastai()))
