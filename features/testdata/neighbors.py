"""Writes neighbors.json: scikit-learn's KNeighborsClassifier on standard features, for the number of neighbors and the
spread of their weights that have the lowest cross-entropy of training pictures, each judged by the others.

    python3 features/testdata/neighbors.py
"""
import json, os
import numpy as np
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.preprocessing import StandardScaler


def knn(k, t):
    return KNeighborsClassifier(k, weights=lambda d: np.exp(-(d**2 - d.min(1, keepdims=True) ** 2) / (2 * t)), algorithm="brute")


def smooth(p, k):
    return (k * p + 1 / p.shape[1]) / (k + 1)


cases = []
for name, n, f, classes, apart, seed in [("apart", 40, 6, 3, 3, 1), ("mixed", 60, 5, 4, 1, 2), ("two", 30, 3, 2, 0.5, 3)]:
    r = np.random.default_rng(seed)
    y = np.arange(n) % classes
    centers = r.normal(size=(classes, f)) * apart
    scale, shift = np.exp(r.normal(size=f)), r.normal(size=f) * 3
    x = ((centers[y] + r.normal(size=(n, f))) * scale + shift).astype(np.float32)
    q = ((centers[np.arange(9) % classes] + r.normal(size=(9, f))) * scale + shift).astype(np.float32)
    s = StandardScaler().fit(x)
    z = s.transform(x.astype(np.float64))
    unit = (NearestNeighbors(n_neighbors=1).fit(z).kneighbors()[0] ** 2).mean()
    best = None
    for k in [1, 2, 3, 5, 8, 12, 20, 30]:
        for by in [0.125, 0.25, 0.5, 1, 100]:
            if k >= n or k == 1 and by != 0.125:
                continue
            t = unit * by * by
            p = smooth(cross_val_predict(knn(k, t), z, y, cv=LeaveOneOut(), method="predict_proba"), k)
            loss = -np.log(p[np.arange(n), y]).mean()
            if best is None or loss < best[0]:
                best = (loss, k, t)
    loss, k, t = best
    p = smooth(knn(k, t).fit(z, y).predict_proba(s.transform(q.astype(np.float64))), k)
    cases.append({"name": name, "classes": classes, "features": x.tolist(), "class": y.tolist(), "pictures": q.tolist(),
                  "loss": loss, "neighbors": k, "spread": t**0.5, "probabilities": np.round(p, 9).tolist()})
    print(name, k, t**0.5, loss)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "neighbors.json"), "w") as out:
    out.write("{\"cases\": [\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]}\n")
