"""Computes labels.json: metrics of items with several labels, by scikit-learn.

usage: labels.py > labels.json    (scikit-learn 1.9 and numpy)
"""
import json
import warnings

import numpy as np
from sklearn import metrics as m

warnings.simplefilter("ignore")  # about labels without an item
rng = np.random.default_rng(5)
cases = []
for name, n, c, density, ties in (("plain", 40, 6, 0.4, False), ("ties", 60, 4, 0.3, True), ("rare", 25, 8, 0.1, False), ("one label", 30, 1, 0.5, True)):
    y = (rng.random((n, c)) < density).astype(int)
    y[0], y[1] = 1, 0  # every label is there and missing once
    if name == "rare":
        y[:, 3] = 0  # but this one, which no item has
    p = np.clip(0.35 * y + 0.65 * rng.random((n, c)), 0, 1)
    p = np.round(p * 8) / 8 if ties else p
    p = p.astype(np.float32)
    said = (p > 0.5).astype(int)
    v = {"accuracy_multi": 1 - m.hamming_loss(y, said), "exact_match": m.accuracy_score(y, said)}
    for a in ("macro", "micro", "weighted", "samples"):
        if c == 1 and a == "samples":
            continue
        args = {"average": a, "zero_division": 0} if c > 1 else {"zero_division": 0}
        v["f1_score " + a] = m.f1_score(y, said, **args)
        v["f2_score " + a] = m.fbeta_score(y, said, beta=2, **args)
        v["precision_score " + a] = m.precision_score(y, said, **args)
        v["recall_score " + a] = m.recall_score(y, said, **args)
        v["jaccard_score " + a] = m.jaccard_score(y, said, **args)
        v["average_precision_score " + a] = m.average_precision_score(y, p, average=a)
        # Where a column or a row is of one kind, the area is not defined.
        both = [k for k in range(c) if 0 < y[:, k].sum() < n]
        rows = [i for i in range(n) if 0 < y[i].sum() < c]
        if a == "micro":
            v["roc_auc_score micro"] = m.roc_auc_score(y, p, average=a)
        elif a == "samples":
            v["roc_auc_score samples"] = float(np.mean([m.roc_auc_score(y[i], p[i]) for i in rows]))
        else:
            v["roc_auc_score " + a] = m.roc_auc_score(y[:, both], p[:, both], average=a)
    cases.append({"name": name, "probs": p.tolist(), "labels": y.tolist(), "values": {k: float(x) for k, x in v.items()}})
print(json.dumps(cases))
