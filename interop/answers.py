"""Compares the answers of an exported ONNX graph, run by ONNX Runtime, with those of
`whippet predict`, whatever the model answers with: a class, several labels or numbers.

The graph takes whole pictures (--preprocess) and ends in the task's activation (--softmax),
so that nothing but the decoding is done here. Pictures must be PNG files, of which every decoder makes the same pixels.

usage: answers.py WHIPPET MODEL PICTURE...
needs: onnxruntime, Pillow, NumPy
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime
from PIL import Image

whippet, model, pictures = sys.argv[1], sys.argv[2], sys.argv[3:]
with tempfile.TemporaryDirectory() as folder:
    graph = os.path.join(folder, "model.onnx")
    subprocess.run([whippet, "export", model, "--out", graph, "--softmax", "--preprocess"], check=True)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
names = json.loads(session.get_modelmeta().custom_metadata_map["labels"])
(output,) = session.get_outputs()
said = subprocess.run([whippet, "predict", model, "--json", *pictures], check=True, stdout=subprocess.PIPE, text=True)
worst = 0.0
for line in said.stdout.splitlines():
    answer = json.loads(line)
    with Image.open(answer["file"]) as picture:
        pixels = np.asarray(picture.convert("RGB"))[None]
    (got,) = session.run(None, {"pixels": pixels})[0]
    for p in answer["predictions"]:  # the best classes, the labels above their thresholds, or all numbers
        want = p["score"]
        assert (output.name == "numbers") == p.get("number", False), (output.name, p)
        worst = max(worst, abs(got[names.index(p["label"])] - want) / max(1, abs(want)))
print(f"{model}: output {output.name} {output.shape} of {len(pictures)} pictures: answers differ by {worst:.2e}")
assert worst <= 1e-5
