"""Compares whippet import and predict with fastai's learn.predict on real pictures:
learners of many kinds are exported, imported, and both asked about the same files.

Run with fastai (2.8.12) and timm, outside of go test, for some minutes:
    python3 compare.py WHIPPET PICTURES [NAME…]

WHIPPET is the command, PICTURES a folder of the Pets' pictures (Abyssinian_1.jpg, …).
WEIGHTS in the environment is the folder of squeezenet1_1-imagenet.pth, for real
weights; the others are random, with batch norms that have seen two batches.
"""
import functools
import json
import os
import subprocess
import sys
import tempfile
import warnings

import torch
from fastai.vision.all import *

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
whippet, folder, chosen = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
everything = sorted(get_image_files(folder))
files = everything[:24] + everything[len(everything) // 3 :][:24] + everything[-24:]
asked = everything[3 :: len(everything) // 6]
work = Path(tempfile.mkdtemp())
norm = Normalize.from_stats(*imagenet_stats)


def label_func(f):
    return f.name.rsplit("_", 1)[0]


def position(f):
    return "ABa".index(f.name[0])


def squeezenet_weights(learn):
    if "WEIGHTS" in os.environ:
        state = torch.load(Path(os.environ["WEIGHTS"]) / "squeezenet1_1-imagenet.pth")
        learn.model[0].load_state_dict({k.replace("features.", "0."): v for k, v in state.items() if k.startswith("features.")})


# architecture, item_tfms, batch_tfms, and what else
cases = {
    "squeezenet": (squeezenet1_1, Resize(460), [*aug_transforms(size=224, min_scale=0.75), norm], {"after": squeezenet_weights}),
    "crop": (resnet18, Resize(128), [], {}),
    "squish": (resnet18, Resize(128, ResizeMethod.Squish), [*aug_transforms(), norm], {}),
    "pad zeros": (resnet18, Resize(128, ResizeMethod.Pad, pad_mode="zeros"), [norm], {}),
    "pad reflection": (resnet18, Resize(128, ResizeMethod.Pad), [norm], {"y": lambda f: label_func(f)}),
    "pad border": (resnet18, Resize(128, ResizeMethod.Pad, pad_mode="border"), [norm], {"lin_ftrs": [100]}),
    "bicubic": (resnet18, Resize(128, resamples=(Image.BICUBIC, Image.NEAREST)), [norm], {"y": RegexLabeller(r".*/(.+)_\d+.jpg$")}),
    "random crop": (resnet34, RandomResizedCrop(128, min_scale=0.35), [norm], {"ps": 0.0}),
    "random crop 224": (resnet34, RandomResizedCrop(224, min_scale=0.35), [*aug_transforms(), norm], {"y": lambda f: [1, 20, 3][position(f)]}),
    "mobilenet_v3_large": (models.mobilenet_v3_large, Resize(460), [*aug_transforms(size=224), norm], {"y": lambda f: f.name[0].isupper()}),
    "mobilenet_v3_small": (models.mobilenet_v3_small, Resize(128), [norm], {"y": using_attr(RegexLabeller(r"(.+)_\d+.jpg$"), "name")}),
    "efficientnet_b0": (models.efficientnet_b0, Resize(256), [*aug_transforms(size=128, min_scale=0.75), norm], {"y": lambda f: np.str_(label_func(f)), "loss_func": LabelSmoothingCrossEntropyFlat()}),
    "convnext_tiny": (models.convnext_tiny, Resize(128), [norm], {}),
    "timm resnet18": ("resnet18", Resize(128), [*aug_transforms(size=96), norm], {"y": lambda f: np.int64(position(f))}),
    "timm convnext_atto": ("convnext_atto", Resize(128), [norm], {"loss_func": FocalLossFlat()}),
    "timm efficientnet_b0": ("efficientnet_b0", Resize(128), [norm], {"y": lambda f: [0.5, 1e-7, 2e20][position(f)]}),
    "timm tf_efficientnet_lite0": ("tf_efficientnet_lite0", Resize(128), [norm], {}),
    "timm mobilenetv3_large_100": ("mobilenetv3_large_100", Resize(128), [norm], {"y": functools.partial(lambda n, f: label_func(f), 1)}),
    "timm regnety_004": ("regnety_004", Resize(128), [norm], {}),
    "densenet121": (densenet121, Resize(128), [norm], {}),
}


def export(name, path):
    "makes the learner called name and returns vocabulary and predictions of what load_learner reads"
    torch.manual_seed(3)
    arch, item, batch, more = cases[name]
    more = dict(more)
    y, after = more.pop("y", label_func), more.pop("after", lambda learn: None)
    block = DataBlock((ImageBlock, CategoryBlock), get_items=lambda _: files, get_y=y, splitter=RandomSplitter(seed=1), item_tfms=item, batch_tfms=batch)
    dls = block.dataloaders(folder, bs=8, num_workers=0)
    learn = vision_learner(dls, arch, pretrained=False, **more)
    after(learn)
    norms = [m for m in learn.model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    momenta = [m.momentum for m in norms]
    for m in norms:
        m.momentum = None  # running statistics become the mean of those of the batches
        m.reset_running_stats()
    learn.model.train()
    with torch.no_grad():
        for _ in range(2):
            learn.model(dls.one_batch()[0])
    for m, momentum in zip(norms, momenta):
        m.momentum = momentum
    learn.export(path)
    learn = load_learner(path)
    with learn.no_bar():
        answers = {f.name: learn.predict(f) for f in asked}
    return [str(v) for v in dls.vocab], {f: (str(label), [float(p) for p in probs]) for f, (label, _, probs) in answers.items()}


def run(*args):
    r = subprocess.run([whippet, *map(str, args)], capture_output=True, text=True)
    if r.returncode:
        raise RuntimeError((r.stderr or r.stdout).strip()[:300])
    return r.stdout


for name in chosen or cases:
    try:
        vocab, want = export(name, work / "export.pkl")
        said = run("import", work / "export.pkl", "--out", work / "m.safetensors").strip().splitlines()[-1]
        worst = 0
        for line in run("predict", work / "m.safetensors", "--json", "-k", len(vocab), *asked).splitlines():
            got = json.loads(line)
            label, probs = want[os.path.basename(got["file"])]
            scores = {p["label"]: p["score"] for p in got["predictions"]}
            assert got["predictions"][0]["label"] == label and set(scores) == set(vocab), (got, label, vocab)
            worst = max([worst] + [abs(scores[v] - p) for v, p in zip(vocab, probs)])
        print(f"{name}: {worst:.1e} | {said.split(': ', 1)[1]}", flush=True)
    except Exception as e:
        print(f"{name}: {e!r}", flush=True)
