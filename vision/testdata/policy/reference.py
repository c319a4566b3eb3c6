"""Computes reference.json: a small picture after each operation of torchvision's automatic
augmentation, and the magnitudes of its policies.

    python3 reference.py > reference.json        (PyTorch 2.15, torchvision 0.29.2)
"""
import json
import math

import torch
from torchvision.transforms import v2

W, H = 13, 9


def picture():
    x = [[[int(127 + 100 * math.sin(0.7 * (x + 1) * (c + 1) + 0.9 * y)) for x in range(W)] for y in range(H)] for c in range(3)]
    return torch.tensor(x, dtype=torch.uint8)


magnitudes = {"ShearX": (0.3, -0.99), "ShearY": (0.21, -0.5), "TranslateX": (4.7, -3.2), "TranslateY": (2.9, -2.0), "Rotate": (30.0, -97.0),
              "Brightness": (0.9, -0.3), "Color": (0.9, -0.5), "Contrast": (0.63, -0.99), "Sharpness": (0.9, -0.4), "Posterize": (4.0, 2.0, 8.0),
              "Solarize": (0.6, 0.0, 1.0), "AutoContrast": (0.0,), "Equalize": (0.0,), "Identity": (0.0,)}
t = v2.RandAugment()
cases = []
for name, ms in magnitudes.items():
    for m in ms:
        out = t._apply_image_or_video_transform(picture(), name, m, interpolation=v2.InterpolationMode.NEAREST, fill=t._fill)
        cases.append({"operation": name, "magnitude": m, "pixels": out.permute(1, 2, 0).flatten().tolist()})
big = picture().repeat(1, 12, 12)  # more than 255 pixels a step, for the histogram
for name in ("Equalize", "AutoContrast"):
    out = t._apply_image_or_video_transform(big, name, 0.0, interpolation=v2.InterpolationMode.NEAREST, fill=t._fill)
    cases.append({"operation": name, "magnitude": 0.0, "repeat": 12, "pixels": out[:, :H, :W].permute(1, 2, 0).flatten().tolist()})
spaces = {}
for policy in (v2.RandAugment, v2.TrivialAugmentWide):
    spaces[policy.__name__] = {
        name: {"signed": signed, "magnitudes": [] if f(31, 200, 300) is None else [float(v) for v in f(31, 200, 300)]}
        for name, (f, signed) in policy._AUGMENTATION_SPACE.items()}
print(json.dumps({"cases": cases, "spaces": spaces}))
