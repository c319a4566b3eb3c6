"""Computes smallnet with PyTorch from FOLDER/smallnet.safetensors, writes
FOLDER/expected.json for run_onnx.mjs, and compares FOLDER/converted.safetensors
with the checkpoint it was made of, through torchvision's SqueezeNet.

usage: torch_smallnet.py FOLDER [CHECKPOINT.pth]
"""
import base64
import json
import os
import sys

import torch
import torch.nn.functional as F

import read_safetensors

folder = sys.argv[1]
p, metadata, reader = read_safetensors.load(os.path.join(folder, "smallnet.safetensors"))
assert metadata == {"format": "pt", "made by": "smallnet <é>"}, metadata
assert p["bn.num_batches_tracked"].item() == 2**40

x = p["input"].float().permute(0, 3, 1, 2) / p["scale"] - p["mean"]
x = F.conv2d(x, p["conv.weight"], p["conv.bias"], stride=2, padding=1)
x = F.batch_norm(x, p["bn.running_mean"], p["bn.running_var"], p["bn.weight"], p["bn.bias"], eps=1e-5)
x = F.max_pool2d(F.relu(x), 3, 2, ceil_mode=True)
one = F.conv2d(x, p["expand1.weight"])
three = F.conv2d(x, p["expand3.weight"], padding=1, groups=2)
x = F.avg_pool2d(torch.cat([one + three, one * three], 1), 3, 1, padding=1)
x = torch.cat([F.adaptive_max_pool2d(x, 1), F.adaptive_avg_pool2d(x, 1)], 1).flatten(1)
x = F.linear(x, p["fc.weight"], p["fc.bias"]) @ p["mix"]
out = x.softmax(-1)
assert 0.01 < out.min() and out.max() < 0.99 and out.std(0).min() > 0.001, out
with open(os.path.join(folder, "expected.json"), "w") as f:
    json.dump(
        {
            "dims": list(p["input"].shape),
            "input": base64.b64encode(bytes(p["input"].flatten().tolist())).decode(),
            "output": out.flatten().tolist(),
        },
        f,
    )
print(f"smallnet.safetensors: {len(p)} arrays read ({reader})")

if len(sys.argv) > 2:
    import torchvision

    got, _, _ = read_safetensors.load(os.path.join(folder, "converted.safetensors"))
    want = torch.load(sys.argv[2], map_location="cpu")
    assert list(got) and set(got) == set(want), "other names"
    for name, t in want.items():
        assert got[name].shape == t.shape and torch.equal(got[name], t), name
    model = torchvision.models.squeezenet1_1()
    model.load_state_dict(got)  # strict: all names and shapes
    print(f"converted.safetensors: {len(got)} tensors equal the checkpoint's, and torchvision's squeezenet1_1 loads them")
