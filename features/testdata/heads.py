"""Fits scikit-learn's classifiers to features from a formula, for heads_test.go: heads.json.

    python heads.py >heads.json        (scikit-learn, numpy)
"""
import json
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

def cut(x): return np.round(x, 5).astype(np.float32)

# Of two classes scikit-learn has the weights of one, w, where a softmax has w/2 and -w/2, whose squares are half of its: hence twice the C.
def cases():
    r = np.random.default_rng(5)
    for name, n, f, c, spread, decay in [("more pictures than features", 60, 8, 3, 1.0, 0.01), ("fewer", 20, 40, 4, 1.5, 0.1),
                                         ("two classes", 40, 10, 2, 0.7, 0.001), ("scales that differ", 50, 6, 3, 1.0, 0.01)]:
        y = np.arange(n) % c
        means = r.normal(size=(c, f))
        x = means[y] + spread * r.normal(size=(n, f))
        more = means[np.arange(8) % c] + spread * r.normal(size=(8, f))
        if name == "scales that differ":
            scale, shift = 10.0 ** np.arange(-3, f - 3), np.arange(f) * 5.0
            x, more = x * scale + shift, more * scale + shift
            x[:, 2], more[:, 2] = 7, 7.5  # a feature that is always the same in training
        x, more = cut(x), cut(more)
        if name == "scales that differ":
            more[:, 2] = 7
        linear = make_pipeline(StandardScaler(), LogisticRegression(C=(2 if c == 2 else 1) / (n * decay), tol=1e-10, max_iter=100000)).fit(x.astype(np.float64), y)
        probs = linear.predict_proba(more.astype(np.float64))
        nearest = make_pipeline(StandardScaler(), NearestCentroid()).fit(x.astype(np.float64), y)
        yield dict(name=name, features=x.tolist(), classes=y.tolist(), of=c, decay=decay, pictures=more.tolist(), probs=np.round(probs, 6).tolist(),
                   nearest=nearest.predict(more.astype(np.float64)).tolist())

def labels():
    r = np.random.default_rng(6)
    n, f, decay = 50, 7, 0.02
    x, y = cut(r.normal(size=(n, f))), np.zeros((n, 3), int)
    for k in range(3):
        y[:, k] = x @ r.normal(size=f) + r.normal(size=n) > 0.3 * k
    more = cut(r.normal(size=(6, f)))
    probs = [make_pipeline(StandardScaler(), LogisticRegression(C=1 / (n * decay), tol=1e-10, max_iter=100000)).fit(x.astype(np.float64), y[:, k]).predict_proba(more.astype(np.float64))[:, 1] for k in range(3)]
    return dict(features=x.tolist(), labels=y.tolist(), decay=decay, pictures=more.tolist(), probs=np.round(np.stack(probs, 1), 6).tolist())

print(json.dumps(dict(cases=list(cases()), labels=labels())))
