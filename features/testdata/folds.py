"""Cross-validates scikit-learn's classifiers on the features of heads.json, for compare_test.go: folds.json.

    python folds.py >folds.json        (scikit-learn, numpy)

Fold k of 4 judges the pictures i with i // classes % 4 == k. Standardization is fitted with the classifier, to the others.
"""
import json
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

out = []
for i, case in enumerate(json.load(open("heads.json"))["cases"][:2]):
    x, y = np.array(case["features"]), np.array(case["classes"])
    fold = np.arange(len(y)) // case["of"] % 4
    errors = {"linear": [], "nearest": []}
    for k in range(4):
        train, valid = fold != k, fold == k
        linear = make_pipeline(StandardScaler(), LogisticRegression(C=1 / (train.sum() * case["decay"]), tol=1e-10, max_iter=100000))
        nearest = make_pipeline(StandardScaler(), NearestCentroid())
        for name, m in ("linear", linear), ("nearest", nearest):
            errors[name].append(round(1 - m.fit(x[train], y[train]).score(x[valid], y[valid]), 9))
    out.append(dict(case=i, **errors))
print(json.dumps(dict(cases=out)))
