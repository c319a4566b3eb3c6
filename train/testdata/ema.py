"""Computes ema.json: averages of weights by timm's ModelEmaV3, and by PyTorch's AveragedModel,
after each step of a model whose state is set by a formula.

    python3 ema.py > ema.json        (PyTorch 2.15, timm 1.0.31)
"""
import json
import math

import torch
from timm.utils import ModelEmaV3
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(3))
        self.register_buffer("running_mean", torch.zeros(3))
        self.register_buffer("num_batches_tracked", torch.tensor(0))


def run(decay, warmup):
    m = Model()
    timm = ModelEmaV3(m, decay=decay, use_warmup=warmup)
    swa = AveragedModel(m, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
    steps = []
    for t in range(1, 13):
        with torch.no_grad():
            for i in range(3):
                m.weight[i] = math.sin(t * (i + 1))
                m.running_mean[i] = math.cos(t + i)
            m.num_batches_tracked += 1
        timm.update(m, step=t)
        swa.update_parameters(m)
        if not warmup:
            for a, b in ((timm.module.weight, swa.module.weight), (timm.module.running_mean, swa.module.running_mean)):
                assert torch.allclose(a, b, atol=1e-6), (a, b)
        steps.append({"weight": timm.module.weight.tolist(), "running_mean": timm.module.running_mean.tolist(),
                      "num_batches_tracked": int(timm.module.num_batches_tracked)})
    return {"decay": decay, "warmup": warmup, "steps": steps}


print(json.dumps([run(0.9, False), run(0.75, True), run(0.999, True)], indent=1))
