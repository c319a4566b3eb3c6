"""Computes depth.json: the probabilities, above 0, with which timm leaves the branches of residual
blocks out for drop_path_rate=0.2, in the order of the network.

    python3 depth.py > depth.json        (timm 1.0.31)
"""
import json

import timm
from timm.layers import DropPath

NAMES = {  # Whippet's name: timm's
    "resnet18": "resnet18", "resnet50": "resnet50", "regnet_y_400mf": "regnety_004", "convnext_atto": "convnext_atto",
    "vit_tiny_patch16_224": "vit_tiny_patch16_224", "mobilenetv3_small_100": "mobilenetv3_small_100",
    "tf_efficientnet_lite0": "tf_efficientnet_lite0", "efficientnet_b0": "efficientnet_b0",
}


def probabilities(model):
    for block in model.modules():
        if getattr(block, "has_skip", True):  # timm's mobile blocks without a shortcut do not use theirs
            yield from (m.drop_prob for m in block.children() if isinstance(m, DropPath))


print(json.dumps({ours: list(probabilities(timm.create_model(name, drop_path_rate=0.2))) for ours, name in NAMES.items()}, indent=1))
