"""Makes the PyTorch checkpoints in this folder and, for each, the values that
reading it must give, in torch_cases.json.

Run with PyTorch (1.13.1 made the committed files, 2.15.0 whole_*):  python3 make_torch.py
The numbers are chosen here, not taken from any model.
"""
import argparse
import collections
import datetime
import json
import os
import pathlib
import zipfile

import numpy
import torch

here = os.path.dirname(os.path.abspath(__file__))
cases = {}


def put(name, value, expect, legacy=False, **kw):
    path = os.path.join(here, name)
    torch.save(value, path, _use_new_zipfile_serialization=not legacy, **kw)
    cases[name] = [
        {
            "name": n,
            "shape": list(t.shape),
            "dtype": str(t.dtype).removeprefix("torch."),
            # repr of float64 is exact for every type here, int64 below 2^53
            "values": [float(x) for x in t.detach().double().flatten()],
        }
        for n, t in expect.items()
    ]


def both(stem, value, expect):
    put(stem + "_zip.pth", value, expect)
    put(stem + "_legacy.pth", value, expect, legacy=True)


torch.manual_seed(1)
base = collections.OrderedDict(
    [
        ("conv.weight", torch.randn(2, 3, 1, 2)),
        ("bn.running_var", torch.rand(2) + 0.5),
        ("bn.num_batches_tracked", torch.tensor(12345678901)),
        ("empty", torch.zeros(0, 4)),
    ]
)
both("plain", base, base)

types = {
    "f64": torch.tensor([1 / 3, -1e300], dtype=torch.float64),
    "f32": torch.tensor([1 / 3, 3e38, 1e-45]),
    "f16": torch.tensor([1 / 3, 65504.0, 6e-8, 6.2e-5, -0.0], dtype=torch.float16),
    "bf16": torch.tensor([1 / 3, 3e38, -1e-40], dtype=torch.bfloat16),
    "i64": torch.tensor([-(2**52), 7]),
    "i32": torch.tensor([-(2**31), 2**31 - 1], dtype=torch.int32),
    "i16": torch.tensor([-32768, 32767], dtype=torch.int16),
    "i8": torch.tensor([-128, 127], dtype=torch.int8),
    "u8": torch.tensor([0, 255], dtype=torch.uint8),
    "bool": torch.tensor([True, False, True]),
}
both("types", types, types)

store = torch.arange(24, dtype=torch.float32)
half = torch.arange(12).half()
views = {
    "transposed": store.view(4, 6).t(),
    "permuted": store.view(2, 3, 4).permute(2, 0, 1),
    "channels_last": store.view(1, 2, 3, 4).to(memory_format=torch.channels_last),
    "every_other_column": store.view(4, 6)[1:, ::2],
    "offset": store[5:9],
    "offset_scalar": store[23],
    "expanded": store[3:5].view(2, 1).expand(2, 3),
    "half_transposed": half.view(3, 4).t(),
    "same": store,
    "same_again": store,
}
both("views", views, views)

nested = {
    "epoch": 3,
    "best": 0.25,
    "args": ["--lr", 0.1, {"sizes": (1, 2), "none": None}],
    "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 1e-3}]},
    "state_dict": collections.OrderedDict(("module." + k, v) for k, v in base.items()),
}
both("nested", nested, base)
both("fastai", {"model": base, "opt": {"state": [{"sqr_avg": torch.ones(2)}], "hypers": [{"lr": 0.1}]}}, base)
both("beside", {"loss": torch.tensor(0.5), "step": torch.tensor(3), "net": base}, base)
both("unusual_key", {"epoch": 1, "generator": base}, base)

parameters = {
    "weight": torch.nn.Parameter(torch.arange(6.0).view(2, 3)),
    "tied": None,
    "frozen": torch.nn.Parameter(torch.tensor([7.0]), requires_grad=False),
}
parameters["tied"] = parameters["weight"]
both("parameter", parameters, parameters)

module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1), torch.nn.BatchNorm2d(2)).state_dict()
both("module", module, module)  # has the attribute _metadata: the BUILD operation
# Settings and counters of many kinds beside the weights.
luggage = {
    "args": argparse.Namespace(lr=0.1, out=pathlib.Path("runs"), names=["a"]),
    "when": datetime.datetime(2020, 8, 21, 12, 30),
    "best": numpy.float64(0.25),
    "history": numpy.arange(3),
    "size": torch.Size([1, 2]),
    "device": torch.device("cpu"),
    "dtype": torch.float32,
    "seen": {1, 2},
    "counts": collections.Counter("aab"),
    "lists": collections.defaultdict(list, {"x": [1]}),
    "big": 2**70,
    "negative": -(2**40),
    "bytes": b"\x00\xff",
    "complex": 1 + 2j,
    "model": base,
}
both("luggage", luggage, base)
put("luggage_protocol4_zip.pth", luggage, base, pickle_protocol=4)

# Whole networks: what torch.save(model) writes, and a network under a usual key.
whole = torch.nn.Sequential(
    collections.OrderedDict(
        conv=torch.nn.Conv2d(1, 2, 1), norm=torch.nn.BatchNorm2d(2), none=None, inner=torch.nn.Sequential(torch.nn.Identity(), torch.nn.Linear(2, 1, bias=False))
    )
)
whole.register_buffer("transient", torch.ones(1), persistent=False)
both("whole", whole, whole.state_dict())
both("whole_nested", {"epoch": 1, "model": torch.nn.DataParallel(whole)}, whole.state_dict())

# Attributes on tensors and parameters.
marked = {"tensor": torch.arange(3.0), "parameter": torch.nn.Parameter(torch.arange(2.0))}
marked["tensor"].note = "x"
marked["parameter"].note = {"a": 1}
both("marked", marked, marked)

put("protocol4_zip.pth", base, base, pickle_protocol=4)
put("protocol4_legacy.pth", base, base, legacy=True, pickle_protocol=4)

# The same archive packed again by an ordinary zip program, compressed.
path = os.path.join(here, "plain_zip.pth")
with zipfile.ZipFile(path) as old, zipfile.ZipFile(os.path.join(here, "plain_deflated.pth"), "w", zipfile.ZIP_DEFLATED) as new:
    for name in old.namelist():
        new.writestr(zipfile.ZipInfo(name), old.read(name), zipfile.ZIP_DEFLATED)
cases["plain_deflated.pth"] = cases["plain_zip.pth"]

# With the 64-bit fields that PyTorch uses for files above 4 GB.
with zipfile.ZipFile(path) as old, zipfile.ZipFile(os.path.join(here, "plain_zip64.pth"), "w") as new:
    for name in old.namelist():
        with new.open(zipfile.ZipInfo(name), "w", force_zip64=True) as f:
            f.write(old.read(name))
cases["plain_zip64.pth"] = cases["plain_zip.pth"]

with open(os.path.join(here, "torch_cases.json"), "w") as f:
    json.dump(cases, f, indent=0, sort_keys=True)
    f.write("\n")
