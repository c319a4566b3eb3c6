"""Reads FOLDER/model.safetensors, a classifier saved by Whippet, into
torchvision's network and fastai's head, computes FOLDER/input.f32 and compares
with FOLDER/expected.json.

usage: torch_classifier.py FOLDER
"""
import json
import os
import sys

import numpy as np
import torch
import torchvision
from torch import nn

import read_safetensors

folder = sys.argv[1]
with open(os.path.join(folder, "expected.json")) as f:
    want = json.load(f)
state, metadata, reader = read_safetensors.load(os.path.join(folder, "model.safetensors"))
info = json.loads(metadata["whippet.model"])
assert info["architecture"] == want["arch"], info

net = getattr(torchvision.models, want["arch"])()
missing, unexpected = net.load_state_dict(state, strict=False)
assert all(k.split(".")[0] in ("fc", "classifier") for k in missing), missing
assert all(k.startswith("head.") for k in unexpected), unexpected
if want["arch"].startswith("squeezenet"):
    body = net.features
else:
    body = nn.Sequential(*list(net.children())[:-2])


class ConcatPool(nn.Module):
    def forward(self, x):
        return torch.cat([nn.functional.adaptive_max_pool2d(x, 1), nn.functional.adaptive_avg_pool2d(x, 1)], 1)


classes = len(info["vocabulary"])
features = state["head.2.weight"].shape[0]
head = nn.Sequential(
    ConcatPool(), nn.Flatten(), nn.BatchNorm1d(features), nn.Dropout(), nn.Linear(features, 512, bias=False), nn.ReLU(),
    nn.BatchNorm1d(512), nn.Dropout(), nn.Linear(512, classes, bias=False),
)
head.load_state_dict({k[len("head."):]: v for k, v in state.items() if k.startswith("head.")})

n, s = len(want["files"]), want["size"]
x = torch.from_numpy(np.fromfile(os.path.join(folder, "input.f32"), "<f4").reshape(n, 3, s, s))
with torch.no_grad():
    got = head.eval()(body.eval()(x))
expected = torch.tensor(want["logits"])
worst = ((got - expected).abs().max() / expected.abs().max().clamp(min=1)).item()
of_probs = (got.softmax(1) - torch.tensor(want["probabilities"])).abs().max().item()
print(f"{want['arch']}: PyTorch {torch.__version__} reads {len(state)} tensors ({reader}); logits differ by {worst:.2e} "
      f"relative to the largest, probabilities by {of_probs:.2e}")
assert worst <= 1e-4 and of_probs <= 1e-4
