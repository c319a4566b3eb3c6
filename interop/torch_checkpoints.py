"""Writes checkpoints in every form that PyTorch gives them, with the logits that
torchvision's networks compute from them for real pictures, and files that must
be refused, for interop/checkpoints to read.

usage: torch_checkpoints.py FOLDER PICTURES ARCHITECTURE...
"""
import collections
import copy
import glob
import json
import os
import pickle
import sys
import types

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import nn

folder, pictures, archs = sys.argv[1], sys.argv[2], sys.argv[3:]
torch.manual_seed(5)
cases = []
MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def picture(path):
    im = Image.open(path).convert("RGB")
    side = min(im.size)
    left, top = (im.width - side) // 2, (im.height - side) // 2
    im = im.resize((224, 224), Image.BILINEAR, box=(left, top, left + side, top + side))
    return ((np.asarray(im, np.float32) / 255 - MEAN) / STD).transpose(2, 0, 1)


files = sorted(glob.glob(os.path.join(pictures, "*.jpg")))
chosen = [files[i * len(files) // 4] for i in range(4)]
x = torch.from_numpy(np.ascontiguousarray(np.stack([picture(p) for p in chosen])))
x.numpy().astype("<f4").tofile(os.path.join(folder, "input.f32"))


def varied(net):
    """Random statistics and scales, so that no batch norm is the identity."""
    for m in net.modules():
        if isinstance(m, (nn.BatchNorm2d, nn.BatchNorm1d)):
            nn.init.uniform_(m.weight, 0.8, 1.2)
            nn.init.normal_(m.bias, 0, 0.1)
            nn.init.normal_(m.running_mean, 0, 0.1)
            nn.init.uniform_(m.running_var, 0.7, 1.3)
            m.num_batches_tracked.fill_(7)
        if isinstance(m, nn.Conv2d) and m.bias is not None:
            nn.init.normal_(m.bias, 0, 0.05)
    return net.eval()


def logits(net):
    with torch.no_grad():
        return net(x).tolist()


def save(name, value, legacy=False, **kw):
    path = os.path.join(folder, name)
    if legacy:
        kw["_use_new_zipfile_serialization"] = False
    torch.save(value, path, **kw)
    return path


def good(name, arch, value, want, what="network", **kw):
    """what: network, torchvision's with its own head; classifier, one with
    fastai's head; body, which must equal the network's body."""
    save(name, value, **kw)
    cases.append({"file": name, "arch": arch, "what": what, "logits": want})


class L:
    """Stands for fastcore's list, which learner.save writes with the optimizer."""

    def __init__(self, items):
        self.items = items


sys.modules["fastcore"] = types.ModuleType("fastcore")
sys.modules["fastcore.foundation"] = types.ModuleType("fastcore.foundation")
sys.modules["fastcore.foundation"].L = L
L.__module__ = "fastcore.foundation"


def bad(name, value, *says, arch="", **kw):
    """says: what the message must have in it."""
    save(name, value, **kw)
    cases.append({"file": name, "arch": arch, "says": says})


def prefixed(p, state):
    return collections.OrderedDict((p + k, v) for k, v in state.items())


def fastai_learner(net, arch, classes):
    """The module of fastai's cnn_learner: Sequential(body, head)."""
    cut = -1 if arch.startswith("squeezenet") else -2
    body = nn.Sequential(*list(net.children())[:cut])
    features = 512 if arch in ("resnet18", "resnet34") or arch.startswith("squeezenet") else 2048

    class AdaptiveConcatPool2d(nn.Module):
        def forward(self, v):
            return torch.cat([nn.functional.adaptive_max_pool2d(v, 1), nn.functional.adaptive_avg_pool2d(v, 1)], 1)

    head = nn.Sequential(
        AdaptiveConcatPool2d(), nn.Flatten(), nn.BatchNorm1d(2 * features), nn.Dropout(0.25), nn.Linear(2 * features, 512, bias=False), nn.ReLU(),
        nn.BatchNorm1d(512), nn.Dropout(0.5), nn.Linear(512, classes, bias=False))
    return varied(nn.Sequential(body, head))


def write_safetensors(path, state):
    """A plain safetensors file, by the format's description."""
    header, data = {}, b""
    for k, v in state.items():
        b = v.contiguous().numpy().tobytes()
        header[k] = {"dtype": {torch.float32: "F32", torch.int64: "I64"}[v.dtype], "shape": list(v.shape), "data_offsets": [len(data), len(data) + len(b)]}
        data += b
    h = json.dumps(header).encode()
    h += b" " * (-len(h) % 8)
    with open(path, "wb") as f:
        f.write(len(h).to_bytes(8, "little") + h + data)


for arch in archs:
    net = varied(getattr(torchvision.models, arch)())
    state, want = net.state_dict(), logits(net)
    good(f"{arch}.zip.pth", arch, state, want)
    good(f"{arch}.legacy.pth", arch, state, want, legacy=True)
    name = f"{arch}.timm.safetensors"  # timm's names of these networks are torchvision's
    write_safetensors(os.path.join(folder, name), state)
    cases.append({"file": name, "arch": arch, "what": "network", "logits": want})
    learner = fastai_learner(copy.deepcopy(net), arch, 37)
    of = learner.state_dict()
    good(f"{arch}.fastai.pth", arch, {"model": of, "opt": {"hypers": L([{"lr": 0.1}]), "state": [{"sqr_avg": torch.ones(3)}]}}, logits(learner), "classifier")

arch = archs[0]
net = varied(getattr(torchvision.models, arch)())
state, want = net.state_dict(), logits(net)
good("reference.pth", arch, state, want)

for protocol in (2, 3, 4, 5):
    for legacy in (False, True):
        good(f"protocol{protocol}.{'legacy' if legacy else 'zip'}.pth", arch, state, want, legacy=legacy, pickle_protocol=protocol)

for kind, dtype in (("half", torch.float16), ("bfloat16", torch.bfloat16), ("double", torch.float64)):
    cast = copy.deepcopy(net).to(dtype)
    of = cast.state_dict()
    good(f"{kind}.pth", arch, of, logits(cast.float()))
    good(f"{kind}.legacy.pth", arch, of, logits(cast.float()), legacy=True)

good("channels_last.pth", arch, copy.deepcopy(net).to(memory_format=torch.channels_last).state_dict(), want)
transposed = collections.OrderedDict((k, v.T.contiguous().T if v.dim() == 2 else v) for k, v in state.items())
good("transposed.pth", arch, transposed, want)
good("transposed.legacy.pth", arch, transposed, want, legacy=True)

# All parameters as windows of one storage, as flat optimizers keep them.
flat = torch.cat([v.flatten() for v in state.values() if v.is_floating_point()])
windows, at = collections.OrderedDict(), 0
for k, v in state.items():
    if v.is_floating_point():
        windows[k] = flat[at : at + v.numel()].view(v.shape)
        at += v.numel()
    else:
        windows[k] = v
good("one_storage.pth", arch, windows, want)
good("one_storage.legacy.pth", arch, windows, want, legacy=True)

# Two names for one storage, strides of zero, a step over the storage.
tied = copy.deepcopy(state)
norm = "bn1." if arch.startswith("resnet") else None
if norm:
    tied[norm + "bias"] = tied[norm + "running_mean"]
    tied[norm + "weight"] = torch.tensor([1.25]).expand(tied[norm + "weight"].shape)
    tied[norm + "running_var"] = torch.rand(3 * len(tied[norm + "running_var"]))[1::3] + 0.5
    other = copy.deepcopy(net)
    other.load_state_dict(tied)
    good("tied.pth", arch, tied, logits(other))
    good("tied.legacy.pth", arch, tied, logits(other), legacy=True)

good("parameters.pth", arch, collections.OrderedDict((k, nn.Parameter(v) if v.is_floating_point() else v) for k, v in state.items()), want)
good("plain_dict.pth", arch, dict(state), want)
good("without_counters.pth", arch, {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}, want)
good("data_parallel.pth", arch, nn.DataParallel(net).state_dict(), want)
good("compiled.pth", arch, prefixed("_orig_mod.", state), want)
good("both_wrappers.pth", arch, prefixed("module._orig_mod.", state), want)
optimizer = torch.optim.Adam(net.parameters())
net_copy = copy.deepcopy(net)
for key in ("state_dict", "model", "net", "model_state_dict"):
    good(f"nested.{key}.pth", arch, {"epoch": 3, key: state, "optimizer": optimizer.state_dict(), "loss": torch.tensor(0.5)}, want)
good("lightning.pth", arch, {
    "epoch": 1, "global_step": 10, "pytorch-lightning_version": "2.0", "state_dict": prefixed("model.", state),
    "loops": {}, "callbacks": {}, "optimizer_states": [optimizer.state_dict()], "lr_schedulers": [], "hyper_parameters": {"lr": 0.1}}, None, "body")
good("two_modules.pth", arch, dict(prefixed("student.backbone.", state), **{"criterion.weight": torch.ones(3)}), None, "body")
good("ema.pth", arch, {"model": state, "model_ema": prefixed("module.", state), "args": None}, want)
good("ones.fc.pth", arch, {k: v for k, v in state.items() if not k.startswith(("fc.", "classifier."))}, None, "body")
cut = -1 if arch.startswith("squeezenet") else -2
good("fastai_body.pth", arch, nn.Sequential(*list(net.children())[:cut]).state_dict(), None, "body")
metadata = net.state_dict()
assert hasattr(metadata, "_metadata")
good("metadata.pth", arch, metadata, want)




def relocated(path, tag):
    """The file with other location tags: the pickle has them as text."""
    import zipfile

    out = path.replace(".pth", ".cuda.pth")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            b = old.read(name)
            if name.endswith("data.pkl"):
                b = b.replace(b"X\x03\x00\x00\x00cpu", b"X" + len(tag).to_bytes(4, "little") + tag)
            new.writestr(name, b)
    return os.path.basename(out)


cases.append({"file": relocated(os.path.join(folder, f"{arch}.zip.pth"), b"cuda:1"), "arch": arch, "what": "network", "logits": next(c["logits"] for c in cases if c["file"] == f"{arch}.zip.pth")})


def byte_order(path, order):
    import zipfile

    out = path.replace(".zip.pth", f".{order}.pth")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
        new.writestr(old.namelist()[0].split("/")[0] + "/byteorder", order)
    return os.path.basename(out)


cases.append({"file": byte_order(os.path.join(folder, f"{arch}.zip.pth"), "little"), "arch": arch, "what": "network", "logits": next(c["logits"] for c in cases if c["file"] == f"{arch}.zip.pth")})
cases.append({"file": byte_order(os.path.join(folder, f"{arch}.zip.pth"), "big"), "arch": arch, "says": ["byte order", "big"]})

# What must be refused, and what the message must say.
bad("whole_module.pth", net, "model.state_dict()", "nothing was run")
bad("whole_module.legacy.pth", net, "model.state_dict()", "nothing was run", legacy=True)
torch.jit.script(net).save(os.path.join(folder, "script.pt"))
cases.append({"file": "script.pt", "arch": arch, "says": ["TorchScript", "state_dict"]})
bad("sparse.pth", {"a": torch.eye(3).to_sparse()}, "sparse")
bad("csr.pth", {"a": torch.eye(3).to_sparse_csr()}, "sparse")
bad("quantized.pth", {"a": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)}, "quantized")
bad("complex.pth", {"a": torch.ones(3, dtype=torch.complex64)}, "complex")
bad("one_tensor.pth", torch.ones(3), "one tensor without a name")
bad("list.pth", [torch.ones(3)], "not a state dict")
bad("no_tensor.pth", {"epoch": 1}, "no tensors", "epoch")
bad("optimizer.pth", optimizer.state_dict(), "no tensors")
bad("two.pth", {"generator_x": state, "discriminator_x": state}, "several keys", "generator_x")


class Learner:  # stands for fastai's, in a module that is not there
    pass


Learner.__module__ = "fastai.learner"
sys.modules["fastai"] = types.ModuleType("fastai")
sys.modules["fastai.learner"] = types.ModuleType("fastai.learner")
sys.modules["fastai.learner"].Learner = Learner
export = Learner()
export.model = net
bad("export.pkl", export, "fastai", "nothing was run")
bad("export.legacy.pkl", export, "fastai", "nothing was run", legacy=True)


class Evil:
    def __reduce__(self):
        return os.system, ("touch " + os.path.join(folder, "EXECUTED"),)


bad("evil.pth", {"model": state, "x": Evil()}, "posix.system", "nothing was run")

extra = dict(state, **{"extra.weight": torch.ones(1)})
bad("extra.pth", extra, "1 unexpected", "extra.weight", arch=arch)
first = next(iter(state))
bad("missing.pth", {k: v for k, v in state.items() if k != first}, "1 missing", first, arch=arch)
bad("shape.pth", dict(state, **{first: state[first][:, :2]}), "1 of another shape", first, "in the file", arch=arch)
bad("scalar_where_vector.pth", dict(state, **{first: torch.tensor(1.0)}), first, arch=arch)
other = torchvision.models.resnet18() if arch != "resnet18" else torchvision.models.resnet34()
bad("other_network.pth", other.state_dict(), "missing" if arch == "resnet34" else "unexpected", arch=arch)
bad("two_networks.pth", dict(prefixed("a.", state), **prefixed("b.", state)), "missing", "unexpected", arch=arch)
bad("integers.pth", {k: v.long() if v.is_floating_point() else v for k, v in state.items()}, "holds integers", arch=arch)
bad("nan.pth", dict(state, **{first: state[first] * float("nan")}), "not finite", arch=arch)
with open(os.path.join(folder, "resnet.tar"), "wb") as f:
    f.write(b"\0" * 1000)
cases.append({"file": "resnet.tar", "arch": arch, "says": ["unknown format"]})
whole = open(os.path.join(folder, f"{arch}.zip.pth"), "rb").read()
for name, size in (("cut.zip.pth", len(whole) // 2), ("cut_end.zip.pth", len(whole) - 10)):
    open(os.path.join(folder, name), "wb").write(whole[:size])
    cases.append({"file": name, "arch": arch, "says": ["cut short"]})
whole = open(os.path.join(folder, f"{arch}.legacy.pth"), "rb").read()
open(os.path.join(folder, "cut.legacy.pth"), "wb").write(whole[: len(whole) // 2])
cases.append({"file": "cut.legacy.pth", "arch": arch, "says": ["cut short"]})

with open(os.path.join(folder, "cases.json"), "w") as f:
    json.dump({"torch": torch.__version__, "pictures": [os.path.basename(p) for p in chosen], "cases": cases}, f)
print(f"PyTorch {torch.__version__} wrote {len(cases)} files")
