"""Makes the learners in this folder with fastai (2.8.12, PyTorch 2.15.0, timm 1.0.31
made the committed files): what learner.export writes, packed by gzip, and in
cases.json what each says about its data and about picture.png.

Run:  python3 make_exports.py

The network is of a few units, which the test registers as an architecture under the
same names, so that the files are small. Its numbers are random.
"""
import functools
import gzip
import io
import json
import os
import pickle
import random
import tempfile
import warnings

import numpy as np
import torch
from fastai.vision.all import *

warnings.filterwarnings("ignore")
here = Path(__file__).parent
cases = {}


def tiny(pretrained=False, stride=2, eps=1e-5):
    "a network whose children are units, with a pool before its last layer"
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride, 1, bias=False), nn.BatchNorm2d(4, eps=eps), nn.ReLU(inplace=True), nn.Conv2d(4, 6, 3, 1, 1), nn.AdaptiveAvgPool2d(1), nn.Linear(6, 1000)
    )


def strange(pretrained=False):
    return tiny(stride=1)


def picture(w, h, seed):
    r = np.random.RandomState(seed)
    y, x = np.mgrid[0:h, 0:w]
    a = np.stack([127 + 120 * np.sin(x / 7 + seed), 127 + 120 * np.cos(y / 5), (x * y) % 256], -1)
    return Image.fromarray((a + r.randint(-8, 8, a.shape)).clip(0, 255).astype(np.uint8))


pictures = Path(tempfile.mkdtemp())
for i in range(12):
    picture(60 + i, 50, i).save(pictures / f"{['Cat', 'dog', 'Été'][i % 3]}_{i}.png")
picture(71, 52, 99).save(here / "picture.png")
files = sorted(pictures.iterdir())


def label_func(f):
    return f.name.split("_")[0]


class Own(Transform):
    def encodes(self, x: PILImage):
        return x


class TrainingOnly(RandTransform):
    def encodes(self, x: PILImage):
        return x


class Mixer(Callback):
    def before_batch(self):
        pass


class Counter(Callback):
    def after_epoch(self):
        pass


def put(name, item, batch, y=label_func, arch=tiny, legacy=False, block=CategoryBlock, module=None, **kw):
    torch.manual_seed(1)
    random.seed(1)
    fields = {"get_x": kw.pop("get_x")} if "get_x" in kw else {}
    db = DataBlock((kw.pop("pictures", ImageBlock), block), get_items=lambda _: files, get_y=y, splitter=RandomSplitter(seed=1), item_tfms=item, batch_tfms=batch, **fields)
    dls = db.dataloaders(pictures, bs=4, num_workers=0)
    after = kw.pop("after", None)
    learn = vision_learner(dls, arch, pretrained=False, **{"lin_ftrs": [5], **kw})
    with torch.no_grad():
        for m in learn.model.modules():
            if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)):
                m.running_mean.normal_(0, 0.1)
                m.running_var.uniform_(0.5, 1.5)
    if after:
        after(learn)
    path = pictures / "export.pkl"
    case = {}
    if block is CategoryBlock and name[0] != "x":
        with learn.no_bar():
            label, _, scores = learn.predict(here / "picture.png")
        case = {"vocab": [str(v) for v in dls.vocab], "label": str(label), "scores": [float(s) for s in scores]}
    if legacy:
        learn.opt, learn.dls = None, learn.dls.new_empty()
        torch.save(learn, path, pickle_module=cloudpickle, _use_new_zipfile_serialization=False)
    else:
        learn.export(path, **({"pickle_module": module} if module else {}))
    with gzip.GzipFile(here / (name + ".pkl.gz"), "wb", mtime=0) as f:
        f.write(path.read_bytes())
    cases[name] = case
    print(name, os.path.getsize(here / (name + ".pkl.gz")))


import cloudpickle

norm = Normalize.from_stats(*imagenet_stats)
put("crop", Resize(40), [*aug_transforms(size=24, min_scale=0.75), norm])
put("legacy", Resize(32, ResizeMethod.Squish), aug_transforms(), y=lambda f: len(f.name) == 9, legacy=True, loss_func=LabelSmoothingCrossEntropyFlat())
put("pad", Resize(32, ResizeMethod.Pad, pad_mode="zeros"), norm, y=functools.partial(lambda n, f: np.int64(f.name.startswith("C")) * n, 7), ps=0.0, get_x=lambda f: f)
put("random_crop", [RandomResizedCrop(32), TrainingOnly(), FlipItem()], [*aug_transforms(), norm], y=lambda f: np.str_(label_func(f)), cbs=[Counter(), MixUp()])
# Refused, for the reasons in the test.
put("x_transform", [Resize(32), Own()], norm)
put("x_callback", Resize(32), norm, cbs=Mixer())
put("x_several", Resize(32), norm, y=lambda f: [label_func(f)], block=MultiCategoryBlock)
put("x_stride", Resize(32), norm, arch=strange)
put("x_gray", Resize(32), None, pictures=ImageBlock(PILImageBW), n_in=1)

with open(here / "cases.json", "w") as f:
    json.dump(cases, f, indent=1, sort_keys=True, ensure_ascii=False)
    f.write("\n")
