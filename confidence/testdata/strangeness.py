"""Computes strangeness.json: Mahalanobis distances of features drawn from a seed.

Needs numpy and scikit-learn:
  python strangeness.py > strangeness.json
Features are scaled to length 1, class means taken off, the covariance is
sklearn.covariance.LedoitWolf(assume_centered=True) of what is left, and the distance is the
smallest over classes of sqrt((x-m)' inv(cov) (x-m)), in float64.
"""
import json
import numpy as np
from sklearn.covariance import LedoitWolf

cases = []
for name, n, f, classes, seed in [("more pictures than features", 30, 4, 3, 1), ("fewer pictures than features", 8, 12, 2, 2)]:
    r = np.random.RandomState(seed)
    y = np.arange(n) % classes
    centers = r.uniform(0, 2, (classes, f))
    x = np.round((centers[y] + 0.3 * r.standard_normal((n, f))) * 64) / 64
    q = np.round(np.concatenate([centers[:1], r.uniform(-2, 2, (3, f))]) * 64) / 64
    unit = lambda a: a / np.linalg.norm(a, axis=1, keepdims=True)
    u, v = unit(x), unit(q)
    means = np.stack([u[y == c].mean(0) for c in range(classes)])
    lw = LedoitWolf(assume_centered=True).fit(u - means[y])
    inv = np.linalg.inv(lw.covariance_)
    d = np.min([np.sqrt(np.einsum("ij,jk,ik->i", v - m, inv, v - m)) for m in means], axis=0)
    cases.append({"name": name, "features": x.tolist(), "classes": y.tolist(), "of": classes, "shrinkage": float(lw.shrinkage_),
                  "pictures": q.tolist(), "distance": d.tolist()})
print(json.dumps({"cases": cases}))
