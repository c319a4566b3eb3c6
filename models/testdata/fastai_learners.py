#!/usr/bin/env python3
"""Computes fastai_learners.json: the networks that fastai's vision_learner makes, as its layer groups and its scores have them.

    python3 fastai_learners.py

Of each group as the splitter lists it: how many parameters, how many numbers, and the SHA-256 of the sorted lines "NAME SHAPE"
without sizes of 1, such as "0.0.weight [64, 3, 7, 7]". What no gradient reaches, as timm's own head in a body of timm's, is not
counted. The scores of one picture are in evaluation mode, in float64, with parameters and picture from the formula of
reference.py. NAME is Whippet's; "timm:NAME" is the body that timm makes, where NAME alone is torchvision's. fastai can make
neither torchvision's MobileNetV2, in which it finds no pooling to cut at, nor its ShuffleNets, of which it keeps the first
layer only. Made with fastai 2.8.12, torch 2.15.0, torchvision 0.29.2 and timm 1.0.31.
"""
import hashlib, json, os, types
from fastai.vision.all import *
from fastai.vision.learner import _default_meta, create_timm_model, create_vision_model, default_split

folder = os.path.dirname(os.path.abspath(__file__))
reference = types.ModuleType("reference")
reference.__file__ = os.path.join(folder, "reference.py")
exec(compile(open(reference.__file__).read().rsplit("\nmain()", 1)[0], reference.__file__, "exec"), reference.__dict__)

def lines(model, parameters, names):
    used = [p for p in parameters if p.grad is not None]
    text = "\n".join(sorted(f"{names[id(p)]} {[d for d in p.shape if d != 1]}" for p in used))
    return {"parameters": len(used), "numbers": sum(p.numel() for p in used), "sha256": hashlib.sha256(text.encode()).hexdigest()}

def compute(name):
    network = reference.NETWORKS.get(name.replace("timm:", "") + ".timm" * name.startswith("timm:"), reference.NETWORKS.get(name.replace("timm:", ""), {}))
    timm = name.startswith("timm:") or network.get("library") == "timm" and name not in ["convnext_tiny", "convnext_small", "convnext_base"]
    arch = name.replace("timm:", "")
    if timm:
        model, split = create_timm_model(arch, 3, pretrained=False, **network.get("options", {}))[0], default_split
    else:
        f = getattr(models, arch)
        model, split = create_vision_model(f, 3, pretrained=False), model_meta.get(f, _default_meta)["split"]
    size, gain = network.get("size", 64), network.get("gain", 1.6)
    with torch.no_grad(): reference.fill(model, gain)
    model.double().eval()
    x = torch.from_numpy((1.5 * reference.uniform("picture", 3 * size * size)).astype(np.float32)).reshape(1, 3, size, size).double()
    scores = model(x)
    scores.sum().backward()
    names = {id(p): n for n, p in model.named_parameters()}
    return {"size": size, "gain": gain, "scores": [float("%.7g" % v) for v in scores.reshape(-1).tolist()],
        "groups": [lines(model, list(g), names) for g in split(model)]}

cannot = ["mobilenet_v2", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0"]
every = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "squeezenet1_0", "squeezenet1_1", "densenet161"]
every += [n for n in reference.NETWORKS if n not in cannot and not n.endswith(".timm")]
every += ["timm:" + n for n in ["efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "efficientnet_b4", "convnext_tiny", "convnext_small", "convnext_base"]]
with open(os.path.join(folder, "fastai_learners.json"), "w") as out:
    out.write("{\n" + ",\n".join(f'"{n}": {json.dumps(compute(n), separators=(",", ":"))}' for n in every) + "\n}\n")
