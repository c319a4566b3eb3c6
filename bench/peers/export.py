"""Writes a network for the runtimes that only infer: ARCH.onnx with a free batch,
and with --ncnn ARCH.ncnn.param and ARCH.ncnn.bin for single pictures.

usage: export.py ARCH FOLDER [--size 224] [--ncnn]
"""
import argparse
import os

import torch

import network

a = argparse.ArgumentParser()
a.add_argument("arch")
a.add_argument("folder")
a.add_argument("--size", type=int, default=224)
a.add_argument("--ncnn", action="store_true")
o = a.parse_args()
torch.manual_seed(1)
model = network.network(o.arch).eval()
if o.ncnn:
    import pnnx
    os.chdir(o.folder)
    pnnx.export(model, o.arch + ".pt", torch.randn(1, 3, o.size, o.size))
else:
    torch.onnx.export(model, torch.randn(2, 3, o.size, o.size), os.path.join(o.folder, o.arch + ".onnx"), opset_version=17,
                      input_names=["input"], output_names=["scores"], dynamo=False,
                      dynamic_axes={"input": {0: "n"}, "scores": {0: "n"}})
