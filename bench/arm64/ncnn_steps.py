"""Runs a network with ncnn, single pictures of 224x224, for count-ncnn to count.

usage: ncnn_steps.py PACKAGES NETWORK STEPS

PACKAGES is the folder with ncnn's and numpy's packages for the processor that runs
this, NETWORK the name of NETWORK.ncnn.param and .bin, which bench/peers/export.py
writes.
"""
import sys
import types

packages, network, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
sys.path.insert(0, packages)
for name in ("requests", "tqdm"):  # what only its collection of models needs
    sys.modules[name] = types.ModuleType(name)
import ncnn  # noqa: E402
import numpy as np  # noqa: E402

net = ncnn.Net()
net.opt.num_threads = 1
for option in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):
    setattr(net.opt, "use_" + option, False)
if net.load_param(network + ".ncnn.param") or net.load_model(network + ".ncnn.bin"):
    raise SystemExit("ncnn does not read " + network)
x = ncnn.Mat(np.random.default_rng(1).standard_normal((3, 224, 224), dtype=np.float32)).clone()
for _ in range(steps):
    e = net.create_extractor()
    e.input("in0", x)
    if e.extract("out0")[0]:
        raise SystemExit("ncnn cannot run " + network)
