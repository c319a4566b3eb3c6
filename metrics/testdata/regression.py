"""Computes regression.json: metrics of numbers by scikit-learn.

usage: regression.py > regression.json    (scikit-learn 1.9.1)
"""
import json

import numpy as np
from sklearn import metrics as m

r = np.random.RandomState(1)
cases = []


def case(name, y, p):
    y, p = y.astype(np.float32), p.astype(np.float32)
    a, b = y.astype(float), p.astype(float)
    cases.append({"name": name, "y": y.tolist(), "answers": p.tolist(), "rmse": m.root_mean_squared_error(a, b),
                  "mae": m.mean_absolute_error(a, b), "mse": m.mean_squared_error(a, b), "r2_score": m.r2_score(a, b),
                  "explained_variance_score": m.explained_variance_score(a, b)})


y = r.randn(40, 1) * 3 + 10
case("one number", y, y + r.randn(40, 1))
case("far from zero", y + 1e4, y + 1e4 + r.randn(40, 1) + 2)
y = r.rand(30, 3) * [1, 10, 100]
case("three numbers", y, y + r.randn(30, 3) * [0.3, 2, 90])
case("all alike, no mistake", np.full((5, 1), 4.0), np.full((5, 1), 4.0))
case("all alike", np.full((5, 1), 4.0), np.full((5, 1), 4.5))
print("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]")
