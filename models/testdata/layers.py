#!/usr/bin/env python3
"""Computes layers.json: the layers by which timm's param_groups_layer_decay lets learning rates fall.

    python3 layers.py

Of each network: the factor of the lowest layer at a decay of 0.75, how many parameters each layer has, and the SHA-256 of the sorted
lines "NAME LAYER", with timm's names of the parameters. Made with torch 2.15.0 and timm 1.0.31.
"""
import hashlib, json, os
import timm, torch
from timm.optim import param_groups_layer_decay

folder = os.path.dirname(os.path.abspath(__file__))
NAMES = """convnext_atto convnext_base convnext_femto convnext_nano convnext_pico convnext_small convnext_tiny
convnextv2_atto convnextv2_base convnextv2_femto convnextv2_nano convnextv2_pico convnextv2_small convnextv2_tiny
deit3_base_patch16_224 deit3_small_patch16_224 densenet121 densenet161 densenet169 densenet201
efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4
efficientnet_lite0 efficientnet_lite1 efficientnet_lite2 efficientnet_lite3 efficientnet_lite4 efficientnetv2_rw_s efficientnetv2_s
mobilenetv2_050 mobilenetv2_100 mobilenetv2_140 mobilenetv3_large_100 mobilenetv3_small_100
mobilenetv4_conv_large mobilenetv4_conv_medium mobilenetv4_conv_small
regnetx_004 regnetx_008 regnetx_016 regnetx_032 regnety_004 regnety_008 regnety_016 regnety_032
resnet10t resnet14t resnet18 resnet18d resnet26 resnet26d resnet26t resnet34 resnet34d resnet50 resnet50d resnet50t resnet101 resnet152
resnext50_32x4d resnext101_32x8d resnext101_64x4d resnetblur18 resnetblur50 resnetblur50d seresnet18 seresnet34 seresnet50 wide_resnet50_2 wide_resnet101_2
tf_efficientnet_b0 tf_efficientnet_b1 tf_efficientnet_b2 tf_efficientnet_b3 tf_efficientnet_b4
tf_efficientnet_lite0 tf_efficientnet_lite1 tf_efficientnet_lite2 tf_efficientnet_lite3 tf_efficientnet_lite4 tf_efficientnetv2_s
tf_mobilenetv3_large_100 tf_mobilenetv3_small_100
vit_base_patch14_dinov2 vit_base_patch14_reg4_dinov2 vit_base_patch16_224 vit_base_patch32_224
vit_small_patch14_dinov2 vit_small_patch14_reg4_dinov2 vit_small_patch16_224 vit_small_patch32_224 vit_tiny_patch16_224""".split()

def compute(name):
    with torch.device("meta"):
        model = timm.create_model(name, num_classes=3)
    names = {id(p): n for n, p in model.named_parameters()}
    scales = {}
    for g in param_groups_layer_decay(model, layer_decay=0.75):
        for p in g["params"]: scales[names[id(p)]] = g["lr_scale"]
    factors = sorted(set(scales.values()))
    layer = {n: factors.index(s) for n, s in scales.items()}
    text = "\n".join(sorted(f"{n} {l}" for n, l in layer.items()))
    return {"lowest": float("%.10g" % factors[0]), "parameters": [list(layer.values()).count(i) for i in range(len(factors))],
        "sha256": hashlib.sha256(text.encode()).hexdigest()}

with open(os.path.join(folder, "layers.json"), "w") as out:
    out.write("{\n" + ",\n".join(f'"{n}": {json.dumps(compute(n), separators=(",", ":"))}' for n in NAMES) + "\n}\n")
