"""Asks a running service what Triton's own client can ask for, and checks the answers.

pip install 'tritonclient[http]'; whippet serve pets=MODEL --address localhost:8090
usage: triton_client.py localhost:8090 PICTURE
"""
import base64
import sys

import numpy as np
import tritonclient.http as h

url, picture = sys.argv[1:3]
c = h.InferenceServerClient(url)
assert c.is_server_live() and c.is_server_ready() and c.is_model_ready("pets")
meta = c.get_model_metadata("pets"); version = meta["versions"][0]
assert c.is_model_ready("pets", version)
assert c.get_model_metadata("pets", version) == meta
assert "classification" in c.get_server_metadata()["extensions"]
config = c.get_model_config("pets"); assert config["name"] == "pets" and len(config["input"]) == 2, config
assert [m["name"] for m in c.get_model_repository_index()] == ["pets"]
raw = open(picture, "rb").read()
def ask(binary_in, outputs, **more):
    i = h.InferInput("image", [1], "BYTES")
    i.set_data_from_numpy(np.array([raw if binary_in else base64.b64encode(raw)], dtype=np.object_), binary_data=binary_in)
    return c.infer("pets", [i], outputs=outputs, **more)
probabilities = ask(True, [h.InferRequestedOutput("probabilities")]).as_numpy("probabilities")
labels = [l.decode() for l in ask(True, None).as_numpy("labels")]
order = np.argsort(-probabilities[0], kind="stable")
for binary in (True, False):
    top = ask(binary, [h.InferRequestedOutput("probabilities", binary_data=binary, class_count=2)]).as_numpy("probabilities")
    assert top.shape == (1, 2), top.shape
    for got, k in zip(top[0], order):
        got = got.decode() if isinstance(got, bytes) else got
        p, index, label = got.split(":", 2)
        assert int(index) == k and label == labels[k] and abs(float(p) - probabilities[0, k]) < 1e-6, got
for more in ({"sequence_id": 7, "sequence_start": True}, {"priority": 3}, {"timeout": 1000}, {"parameters": {"mine": 1}}):
    try:
        ask(True, None, **more)
    except h.InferenceServerException as e:
        assert "not supported" in str(e), e
    else:
        sys.exit(f"{more} was passed over")
ask(True, None, request_compression_algorithm="gzip")
stats = c.get_inference_statistics("pets")["model_stats"][0]
assert stats["inference_count"] >= 5 and stats["inference_stats"]["success"]["count"] >= 5, stats
print("tritonclient: all as it should be; statistics", stats["inference_count"], "pictures")
