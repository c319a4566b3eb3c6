#!/usr/bin/env python3
"""Computes tokens.json: heat maps of timm's vision transformers by the package pytorch-grad-cam.

    python3 tokens.py > tokens.json

Parameters and pictures come from a formula of their names, which the test has too; the arithmetic is float64. Made with torch
2.15.0, timm 1.0.31, grad-cam 1.5.7.
"""
import json, zlib
import numpy as np, timm, torch
import pytorch_grad_cam.base_cam as base_cam
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

def uniform(name, n):
    """n values in (-1, 1) from a counter and the name's CRC-32, as uint32 arithmetic gives them."""
    i = np.arange(n, dtype=np.uint64)
    x = (i * 2654435761 + zlib.crc32(name.encode()) * 40503 + 12345) & 0xFFFFFFFF
    x ^= x >> 16; x = (x * 0x45D9F3B) & 0xFFFFFFFF; x ^= x >> 16; x = (x * 0x45D9F3B) & 0xFFFFFFFF; x ^= x >> 16
    return (x.astype(np.float64) + 0.5) / 2**31 - 1

# The map as it is, without scaling its values to 0 to 1 and its size to the picture's.
base_cam.scale_cam_image = lambda cam, size=None: cam

result = {}
for name, size, classes in [("vit_tiny_patch16_224", 64, [1, 7]), ("vit_small_patch14_reg4_dinov2", 56, [3, 7])]:
    model = timm.create_model(name, num_classes=10, dynamic_img_size=True).eval()
    for key, t in model.state_dict().items():
        scale = 0.15 if t.dim() == 2 or t.dim() == 4 else 0.2
        shift = 1 if t.dim() == 1 and key.endswith("weight") else 0
        t.copy_(torch.from_numpy((shift + scale * uniform(key, t.numel())).astype(np.float32)).reshape(t.shape))
    model.double()
    x = uniform("picture", 2 * 3 * size * size).astype(np.float32).reshape(2, 3, size, size)
    def grid(t):
        t = t[:, model.num_prefix_tokens:]
        side = int(t.shape[1] ** 0.5)
        return t.reshape(t.shape[0], side, side, -1).permute(0, 3, 1, 2)
    cam = GradCAM(model=model, target_layers=[model.blocks[-1].norm1], reshape_transform=grid)
    heat = cam(torch.from_numpy(x).double(), [ClassifierOutputTarget(c) for c in classes])
    result[name] = {"size": size, "classes": classes, "side": heat.shape[-1], "heat": [float("%.6g" % v) for v in heat.reshape(-1)]}
print(json.dumps(result, separators=(",", ":")))
