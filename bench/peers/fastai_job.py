"""The whole job in fastai: from the pictures to a saved model. Prints one JSON line.

usage: fastai_job.py PICTURES WEIGHTS [--epochs 3] [--seed 0] [--threads N]

WEIGHTS is torchvision's file of SqueezeNet 1.1, or a folder with config.json and model.safetensors for the body that timm has under
the name in it.
"""
import argparse
import json
import os
import re
import resource
import tempfile
import time

start = time.perf_counter()

import torch
from fastai.vision.all import (CategoryBlock, DataBlock, ImageBlock, Normalize, RandomSplitter, Resize, aug_transforms, error_rate,
                               get_image_files, imagenet_stats, set_seed, vision_learner)
from torchvision.models import squeezenet1_1
import fastai

a = argparse.ArgumentParser()
a.add_argument("pictures")
a.add_argument("weights")
a.add_argument("--epochs", type=int, default=3)
a.add_argument("--seed", type=int, default=0)
a.add_argument("--threads", type=int, default=1)
o = a.parse_args()
torch.set_num_threads(o.threads)
os.environ["TORCH_HOME"] = tempfile.mkdtemp()
config = None
if os.path.isdir(o.weights):
    with open(os.path.join(o.weights, "config.json")) as f:
        config = json.load(f)
stats = (config["pretrained_cfg"]["mean"], config["pretrained_cfg"]["std"]) if config else imagenet_stats
dls = DataBlock(
    blocks=(ImageBlock, CategoryBlock), get_items=lambda p: sorted(get_image_files(p)), splitter=RandomSplitter(seed=42),
    get_y=lambda p: re.match(r"(.+)_\d+.jpg$", p.name)[1], item_tfms=Resize(460),
    batch_tfms=[*aug_transforms(size=224, min_scale=0.75), Normalize.from_stats(*stats)],
).dataloaders(o.pictures)
set_seed(o.seed)
if config:
    from safetensors.torch import load_file
    learn = vision_learner(dls, config["architecture"], metrics=error_rate, pretrained=False, normalize=False)
    body = learn.model[0].model
    weights = load_file(os.path.join(o.weights, "model.safetensors"))
    body.load_state_dict({k: weights[k] for k in body.state_dict()})
else:
    learn = vision_learner(dls, squeezenet1_1, metrics=error_rate, pretrained=False)
    learn.model[0].load_state_dict({k.replace("features.", "0."): v for k, v in torch.load(o.weights).items() if k.startswith("features.")})
learn.freeze()
with learn.no_bar(), learn.no_logging():
    learn.fine_tune(o.epochs)
torch.save(learn.model.state_dict(), os.path.join(tempfile.mkdtemp(), "model.pth"))
with learn.no_bar():
    loss, error = learn.validate()
print(json.dumps({
    "peer": "fastai " + fastai.__version__, "times_ms": [(time.perf_counter() - start) * 1000], "error": error, "loss": loss,
    "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
