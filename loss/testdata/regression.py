"""Computes regression.json: losses of numbers, with and without fastai's sigmoid_range,
with their gradients in float64, by PyTorch.

usage: regression.py > regression.json    (PyTorch 2.15.0)
"""
import json

import torch
from torch.nn import functional as F

torch.manual_seed(3)
N, C = 5, 3
cases = []
for low, high in ((0.0, 0.0), (-2.0, 5.5)):
    x = (torch.randn(N, C) * 2).double()  # of float32 numbers
    y = (torch.rand(N, C) * 7 - 2).to(torch.float32).double()
    for name, f in (("mse", F.mse_loss), ("l1", F.l1_loss), ("smooth_l1", F.smooth_l1_loss)):
        for r in ("mean", "sum"):
            v = x.clone().requires_grad_()
            # fastai.layers.sigmoid_range: torch.sigmoid(x) * (high - low) + low
            answer = torch.sigmoid(v) * (high - low) + low if low < high else v
            loss = f(answer, y, reduction=r)
            loss.backward()
            cases.append({"name": name, "reduction": r, "low": low, "high": high, "logits": x.tolist(), "values": y.tolist(),
                          "answers": answer.tolist(), "loss": loss.item(), "grad": v.grad.tolist()})
print("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]")
