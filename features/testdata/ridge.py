"""Fits scikit-learn's Ridge to features from a formula, for ridge_test.go: ridge.json.

    python ridge.py >ridge.json        (scikit-learn, numpy)
"""
import json

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def cut(x):
    return np.round(x, 5).astype(np.float32)


def cases():
    r = np.random.default_rng(11)
    for name, n, f, c, decay in [("more pictures than features", 60, 8, 1, 0.01), ("fewer", 20, 40, 3, 0.1), ("strong decay", 40, 10, 2, 5.0), ("numbers that differ in scale", 50, 6, 3, 0.001)]:
        x, more, w = r.normal(size=(n, f)) * 3 + 1, r.normal(size=(8, f)) * 3 + 1, r.normal(size=(f, c))
        y = x @ w + r.normal(size=(n, c))
        if name == "numbers that differ in scale":
            y = y * [1000, 1, 0.001] + [50000, 0, 3]
            y[:, 1] = 7  # a number that is always the same
            x[:, 2], more[:, 2] = 4, 4  # and such a feature
        x, more, y = cut(x), cut(more), cut(y)
        fit = make_pipeline(StandardScaler(), Ridge(alpha=n * decay)).fit(x.astype(np.float64), y.astype(np.float64))
        answers = fit.predict(more.astype(np.float64)).reshape(len(more), c)
        mse = mean_squared_error(y, fit.predict(x.astype(np.float64)).reshape(n, c))
        yield dict(name=name, features=x.tolist(), numbers=y.tolist(), decay=decay, pictures=more.tolist(), answers=[[float(f"{v:.8g}") for v in row] for row in answers], mse=float(f"{mse:.8g}"))


print(json.dumps(dict(cases=list(cases())), separators=(",", ":")))
