"""Writes folds.json: folds of scikit-learn's StratifiedGroupKFold without shuffling, for labels and
groups from a formula. Run in a virtual environment with scikit-learn (1.9 wrote the file)."""

import json
import warnings

import numpy as np
import sklearn
from sklearn.model_selection import StratifiedGroupKFold

warnings.simplefilter("ignore")
cases = []
for seed, (n, classes, groups, folds) in enumerate(
    [(60, 2, 12, 3), (200, 3, 40, 5), (300, 7, 25, 4), (150, 5, 8, 4), (240, 4, 60, 10)]
):
    r = np.random.RandomState(seed)
    share = np.arange(1, classes + 1) ** 2.0
    y = r.choice(classes, n, p=share / share.sum())
    g = r.choice(groups, n, p=(w := r.rand(groups) + 0.05) / w.sum())
    _, g = np.unique(g, return_inverse=True)  # every number is there
    fold = np.empty(n, int)
    for k, (_, test) in enumerate(StratifiedGroupKFold(folds).split(np.zeros(n), y, g)):
        fold[test] = k
    cases.append({"folds": folds, "labels": y.tolist(), "groups": g.tolist(), "fold": fold.tolist()})
with open("folds.json", "w") as f:
    f.write('{"made_by": "folds.py, scikit-learn %s", "cases": [\n' % sklearn.__version__)
    f.write(",\n".join(json.dumps(c, separators=(",", ":")) for c in cases))
    f.write("\n]}\n")
