#!/usr/bin/env python3
"""Computes models/testdata/lite0.json: what timm says about real pictures with the published weights of EfficientNet-Lite0.

    python3 lite0.py WEIGHTS IMAGES > lite0.json

WEIGHTS is a folder in the Hub's layout, tf_efficientnet_lite0's, IMAGES the folder of pictures of Oxford-IIIT Pet. Of each
picture the five highest scores are kept, with their classes, and the norm of all. Made with torch 2.15.0, timm 1.0.31 and
Pillow, by timm's own transform for these weights.
"""
import json, os, sys
import timm, torch
from PIL import Image
from timm.data import create_transform, resolve_data_config

model = timm.create_model("local-dir:" + sys.argv[1], pretrained=True).eval()
transform = create_transform(**resolve_data_config({}, model=model))
result = {}
for name in ["Abyssinian_1.jpg", "Bengal_10.jpg", "american_bulldog_100.jpg"]:
    with torch.no_grad():
        scores = model(transform(Image.open(os.path.join(sys.argv[2], name)).convert("RGB")).unsqueeze(0))[0]
    top = scores.topk(5)
    result[name] = {"classes": top.indices.tolist(), "scores": [float("%.7g" % v) for v in top.values.tolist()], "norm": float("%.7g" % scores.norm())}
json.dump(result, sys.stdout, indent=1)
print()
