"""Makes pillow.json: checksums of pictures that Pillow resized, and what timm's
transforms_imagenet_eval makes of pictures of several shapes (Resize and
CenterCrop of torchvision 0.17, written out here). Run with Pillow: python3
make.py; 9.4 and 13 give the same. The pictures are those of picture(), which the
test draws too."""
import json
import math
import os
import zlib

import numpy as np
from PIL import Image

FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}


def picture(w, h):
    """Noise in the left half, black and white alone in the right one, whose edges
    take filters with negative weights out of 0 to 255."""
    v = 12345 + 31 * w + h
    out = np.zeros((h, w, 3), "uint8")
    for y in range(h):
        for x in range(w):
            for c in range(3):
                v = (v * 1664525 + 1013904223) & 0xFFFFFFFF
                out[y, x, c] = v >> 24 if 2 * x < w else 255 * (v >> 31)
    return Image.fromarray(out)


def resize(im, w, h, f):
    """Horizontally first, as Pillow itself does up to version 12. From 13 on it goes
    vertically first where the height is reduced much more than the width."""
    return im.resize((w, im.height), f).resize((w, h), f)


def crc(im):
    return zlib.crc32(im.tobytes())


resized, cropped = [], []
for name, f in FILTERS.items():
    for w, h, ow, oh in ((1, 1, 3, 2), (2, 3, 7, 5), (5, 4, 5, 9), (7, 6, 3, 6), (31, 17, 64, 40), (64, 48, 21, 21), (101, 67, 100, 68),
                         (90, 120, 7, 5), (300, 5, 2, 3), (3, 300, 9, 3), (129, 129, 43, 43), (160, 90, 33, 47)):
        resized.append(dict(filter=name, w=w, h=h, to_w=ow, to_h=oh, crc=crc(resize(picture(w, h), ow, oh, f))))
    for w, h in ((90, 61), (61, 90), (33, 33), (32, 47), (20, 200), (37, 36), (1, 5)):
        for size, pct, mode in ((32, 0.875, "center"), (32, 0.95, "center"), (33, 0.9, "center"), (32, 1.0, "center"), (28, 224 / 232, "center"), (32, 0.875, "squash")):
            scale = math.floor(size / pct)
            if mode == "squash":
                nw, nh = scale, scale
            elif w <= h:
                nw, nh = scale, int(scale * h / w)
            else:
                nw, nh = int(scale * w / h), scale
            left, top = int(round((nw - size) / 2.0)), int(round((nh - size) / 2.0))
            im = resize(picture(w, h), nw, nh, f).crop((left, top, left + size, top + size))
            cropped.append(dict(filter=name, w=w, h=h, size=size, crop_pct=pct, mode=mode, crc=crc(im)))
lines = lambda cases: "[\n  " + ",\n  ".join(json.dumps(c) for c in cases) + "]"
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "pillow.json"), "w") as out:
    out.write('{"resized": %s,\n"cropped": %s}\n' % (lines(resized), lines(cropped)))
