#!/usr/bin/env python3
"""Computes what models/testdata/reference/*.json says of networks, with torchvision and timm.

    python3 reference.py OUT [NAME...]

Every parameter and buffer gets values from a formula of its name and index, the same that the tests use, so that the
files hold results only: scores in evaluation and in training mode, how far PyTorch's own float32 is off the latter, and projections and norms of the steps of running
statistics and of gradients. Made with torch 2.15.0, torchvision 0.29.2, timm 1.0.31.
"""
import copy, json, math, os, sys, zlib
import numpy as np, torch

def uniform(name, n):
    """n values in (-1, 1) from a counter and the name's CRC-32, as uint32 arithmetic gives them."""
    i = np.arange(n, dtype=np.uint64)
    x = (i * 2654435761 + zlib.crc32(name.encode()) * 40503 + 12345) & 0xFFFFFFFF
    x ^= x >> 16; x = (x * 0x45D9F3B) & 0xFFFFFFFF; x ^= x >> 16; x = (x * 0x45D9F3B) & 0xFFFFFFFF; x ^= x >> 16
    return (x.astype(np.float64) + 0.5) / 2**31 - 1

def fill(model, gain):
    for name, t in model.state_dict().items():
        if name.endswith("num_batches_tracked") or not t.dtype.is_floating_point:
            continue
        u = uniform(name, t.numel())
        if name.endswith("running_var"): v = 1 + 0.5 * u
        elif name.endswith("running_mean"): v = 0.2 * u
        elif t.dim() >= 2 and not name.endswith(("cls_token", "pos_embed", "reg_token", "layer_scale")):
            v = u * math.sqrt(3 * gain / (t.numel() / t.shape[0]))
        elif name.endswith("weight") and t.dim() == 1: v = 1 + 0.3 * u
        else: v = 0.2 * u
        t.copy_(torch.from_numpy(v.astype(np.float32)).reshape(t.shape))

def project(name, t):
    g = t.detach().double().reshape(-1).numpy()
    return float(g @ uniform("project " + name, g.size))

def norm(t): return float(t.detach().double().norm())

def still(model):
    model.train()
    for m in model.modules():
        if isinstance(m, torch.nn.Dropout): m.p = 0.0
        if hasattr(m, "drop_prob"): m.drop_prob = 0.0
        if type(m).__name__ == "StochasticDepth": m.p = 0.0

# A value close to the corner of a ReLU, which another rounding puts on the other side, changes the gradient by more than
# any bound that is worth checking. So gradients are taken with smooth functions in place of those with corners.
SMOOTH = {"relu": "silu", "relu6": "silu", "hardtanh": "silu", "hardswish": "silu", "hardsigmoid": "sigmoid"}
F = torch.nn.functional
FUNCTIONS = {name: getattr(F, name) for name in SMOOTH}

def smooth(on):
    for name, f in FUNCTIONS.items():
        setattr(F, name, (lambda x, *args, g=getattr(F, SMOOTH[name]) if SMOOTH[name] == "silu" else torch.sigmoid, **kw: g(x)) if on else f)

def run(model, size, gain, scores_only=False, batch=4, classes=10):
    with torch.no_grad(): fill(model, gain)
    x = torch.from_numpy((1.5 * uniform("picture", batch * 3 * size * size)).astype(np.float32)).reshape(batch, 3, size, size)
    single = copy.deepcopy(model)
    still(single)
    with torch.no_grad(): single = single(x).double()
    model.double() # what both sides round differently is then in none of them
    x = x.double()
    labels = torch.arange(batch) * 3 % classes
    model.eval()
    with torch.no_grad(): evaluated = model(x)
    still(model)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with torch.no_grad(): trained = model(x)
    r = lambda v: float("%.7g" % v)
    result = {
        "gain": gain, "size": size, "batch": batch, "classes": classes,
        "parameters": sum(p.numel() for p in model.parameters()),
        "scores": [r(v) for v in evaluated.reshape(-1).tolist()],
        "training_float32": r(norm(single - trained) / norm(trained)),
        "training_scores": [r(v) for v in trained.reshape(-1).tolist()],
    }
    if scores_only: return result
    running = {k: [r(project(k, v - before[k])), r(norm(v - before[k]))] for k, v in model.state_dict().items() if "running" in k}
    smooth(True)
    loss = F.cross_entropy(model(x), labels)
    loss.backward()
    smooth(False)
    result.update({
        "running": running,
        "smooth_loss": r(loss.item()),
        "smooth_gradients": {k: [r(project(k, p.grad)), r(norm(p.grad))] for k, p in model.named_parameters()},
    })
    return result

def torchvision_model(name, **kw):
    import torchvision
    return getattr(torchvision.models, name)(weights=None, num_classes=10, **kw)

def timm_model(name, **kw):
    import timm
    return timm.create_model(name, pretrained=False, num_classes=10, drop_rate=0, drop_path_rate=0, **kw)

# By the name of the file: the library, its function unless it has the same name, the pictures' size, and the variance that
# weights give to sums of ones: less for deep networks, whose values would grow without bound in evaluation mode. With
# scores_only there are no gradients and running statistics: of networks whose parts others have too. A name that ends in
# ".timm" is the architecture before it, with parameters by timm's names.
NETWORKS = json.load(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "networks.json")))

def main():
    out, names = sys.argv[1], sys.argv[2:] or sorted(NETWORKS)
    for name in names:
        library, size = NETWORKS[name]["library"], NETWORKS[name]["size"]
        source = NETWORKS[name].get("source", name)
        model = (torchvision_model if library == "torchvision" else timm_model)(source, **NETWORKS[name].get("options", {}))
        result = {"library": library, "source": source, **run(model, size, NETWORKS[name].get("gain", 1.6), NETWORKS[name].get("scores_only", False))}
        with open(os.path.join(out, name + ".json"), "w") as f:
            json.dump(result, f, separators=(",", ":"))
            f.write("\n")
        print(name, os.path.getsize(os.path.join(out, name + ".json")))

main()
