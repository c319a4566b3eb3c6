#!/usr/bin/env python3
"""Computes positions.json: what timm's vision transformers say of pictures of another size than those of the file of weights.

    python3 positions.py

Of "NAME FILE PICTURE": the scores of one picture of PICTURE pixels, by a network for such pictures that was loaded from a file for
pictures of FILE pixels, so that timm resampled the embeddings of positions. Parameters and picture come from the formula of
reference.py. Made with torch 2.15.0 and timm 1.0.31.
"""
import json, os, types
import numpy as np, timm, torch
from timm.models.vision_transformer import checkpoint_filter_fn

folder = os.path.dirname(os.path.abspath(__file__))
reference = types.ModuleType("reference")
reference.__file__ = os.path.join(folder, "reference.py")
exec(compile(open(reference.__file__).read().rsplit("\nmain()", 1)[0], reference.__file__, "exec"), reference.__dict__)

CASES = """vit_tiny_patch16_224 96 96
vit_tiny_patch16_224 96 64
vit_tiny_patch16_224 96 160
vit_tiny_patch16_224 224 80
vit_small_patch16_224 384 384
vit_small_patch32_224 128 96
deit3_small_patch16_224 64 112
vit_small_patch14_dinov2 518 224
vit_small_patch14_dinov2 98 140
vit_small_patch14_reg4_dinov2 98 98
vit_small_patch14_reg4_dinov2 98 70""".splitlines()

def compute(case):
    name, file, picture = case.split()
    file, picture = int(file), int(picture)
    saved = timm.create_model(name, img_size=file, num_classes=10)
    with torch.no_grad(): reference.fill(saved, 1.6)
    model = timm.create_model(name, img_size=picture, num_classes=10)
    model.load_state_dict(checkpoint_filter_fn(saved.state_dict(), model))
    x = 1.5 * reference.uniform("picture", 3 * picture * picture)
    with torch.no_grad():
        y = model.double().eval()(torch.from_numpy(x.astype(np.float32)).reshape(1, 3, picture, picture).double())
    return [float("%.7g" % v) for v in y.reshape(-1).tolist()]

with open(os.path.join(folder, "positions.json"), "w") as out:
    out.write("{\n" + ",\n".join(f'"{c}": {json.dumps(compute(c), separators=(",", ":"))}' for c in CASES) + "\n}\n")
