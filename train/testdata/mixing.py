"""Computes mixing.json: batches as torchvision's v2.CutMix, v2.MixUp and v2.RandomErasing leave them,
for given random numbers.

    python3 mixing.py > mixing.json        (PyTorch 2.15, torchvision 0.29.2)
"""
import json
import math

import torch
from torchvision.transforms import v2


class Fixed:
    def __init__(self, value):
        self.value = value

    def sample(self, _):
        return torch.tensor(self.value)


randint = torch.randint
x = torch.arange(3 * 1 * 5 * 7, dtype=torch.float64).reshape(3, 1, 5, 7)
y = torch.tensor([0, 1, 2])
cuts, blends, erasures = [], [], []
for lam, at in ((0.3, (3, 2)), (0.75, (0, 4)), (0.9, (6, 0)), (0.0, (2, 2)), (1.0, (3, 3))):
    t = v2.CutMix(num_classes=3)
    t._dist = Fixed(lam)
    numbers = iter(at)
    torch.randint = lambda *a, **k: torch.tensor([next(numbers)])
    images, labels = t(x, y)
    cuts.append({"lambda": lam, "x": at[0], "y": at[1], "images": images.flatten().tolist(), "labels": labels.tolist()})
torch.randint = randint
for lam in (0.3, 0.8):
    t = v2.MixUp(num_classes=3)
    t._dist = Fixed(lam)
    images, labels = t(x, y)
    blends.append({"lambda": lam, "images": images.flatten().tolist(), "labels": labels.tolist()})
for h, w, share, ratio in ((224, 224, 0.1, 1.7), (160, 240, 0.33, 0.3), (32, 32, 0.02, 3.3), (5, 7, 0.2, 1.0)):
    p = v2.RandomErasing(p=1, scale=(share, share), ratio=(ratio, ratio)).make_params([torch.zeros(3, h, w)])
    erasures.append({"height": h, "width": w, "share": share, "ratio": ratio, "erased": [p["h"], p["w"]]})
print(json.dumps({"cuts": cuts, "blends": blends, "erasures": erasures}))
