"""Computes augmix.json: what torchvision's AugMix made of a small picture, with the weights and the
operations that it drew, and the magnitudes of its operations.

    python3 augmix.py > augmix.json        (PyTorch 2.15, torchvision 0.29.2)
"""
import json
import math

import torch
from torchvision.transforms import v2

W, H = 13, 9


def picture():
    x = [[[int(127 + 100 * math.sin(0.7 * (x + 1) * (c + 1) + 0.9 * y)) for x in range(W)] for y in range(H)] for c in range(3)]
    return torch.tensor(x, dtype=torch.uint8)


class Noted(v2.AugMix):
    def _sample_dirichlet(self, params):
        w = super()._sample_dirichlet(params)
        self.drawn.append([float(v) for v in w[0]])
        return w

    def _apply_image_or_video_transform(self, image, transform_id, magnitude, interpolation, fill):
        if not self.chains or image is self.first:  # a chain begins with the picture itself
            self.first = image
            self.chains.append([])
        self.chains[-1].append([transform_id, magnitude])
        return super()._apply_image_or_video_transform(image, transform_id, magnitude, interpolation=interpolation, fill=fill)


cases = []
for seed in range(24):
    torch.manual_seed(seed)
    t = Noted(severity=1 + seed % 10)
    t.drawn, t.chains, t.first = [], [], None
    out = t(picture())
    cases.append({"own": t.drawn[0][0], "weights": [w * t.drawn[0][1] for w in t.drawn[1]], "chains": [[{"operation": o, "magnitude": m} for o, m in c] for c in t.chains],
                  "pixels": out.permute(1, 2, 0).flatten().tolist()})
space = {name: {"signed": signed, "magnitudes": [] if f(10, 200, 300) is None else [float(v) for v in f(10, 200, 300)]}
         for name, (f, signed) in v2.AugMix._AUGMENTATION_SPACE.items()}
print(json.dumps({"cases": cases, "space": space}))
