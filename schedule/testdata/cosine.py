"""Computes cosine.json: learning rates at each of 40 steps, by PyTorch's LinearLR and
CosineAnnealingLR in sequence, and by timm's CosineLRScheduler with warmup_prefix.

    python3 cosine.py > cosine.json        (PyTorch 2.15, timm 1.0.31)
"""
import json

import torch
from timm.scheduler import CosineLRScheduler

STEPS, WARM, LR = 40, 8, 0.3


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR)


opt = optimizer()
sched = torch.optim.lr_scheduler.SequentialLR(opt, milestones=[WARM], schedulers=[
    torch.optim.lr_scheduler.LinearLR(opt, start_factor=0.01, total_iters=WARM),
    torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=STEPS - WARM, eta_min=0.003)])
torchs = []
for _ in range(STEPS):
    torchs.append(opt.param_groups[0]["lr"])
    opt.step()
    sched.step()

opt = optimizer()
timm_sched = CosineLRScheduler(opt, t_initial=STEPS - WARM, warmup_t=WARM, warmup_lr_init=0.003, lr_min=0.0,
                               warmup_prefix=True, t_in_epochs=False)
timms = []
for t in range(STEPS):
    timm_sched.step_update(t)
    timms.append(opt.param_groups[0]["lr"])
print(json.dumps({"torch": torchs, "timm": timms}))
