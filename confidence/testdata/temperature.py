"""Computes temperature.json: temperatures of scores and classes that a formula gives.

Needs numpy, scipy and torch:
  python temperature.py > temperature.json
The first value is scipy's bounded scalar minimization of the mean loss in float64; the
second is torch's LBFGS on the same loss, as in the code of Guo et al. 2017. The script
fails when the two differ by more than 1e-5.
"""
import json
import numpy as np
import scipy.optimize
import torch


def scores(n, c, spread, seed):
    """Scores that are exact in float32: multiples of 1/64."""
    r = np.random.RandomState(seed)
    return np.round(r.standard_normal((n, c)) * spread * 64) / 64


def fit(loss):
    found = scipy.optimize.minimize_scalar(lambda t: loss(torch.tensor(t, dtype=torch.float64)).item(),
                                           bounds=(0.05, 20), method="bounded", options={"xatol": 1e-12})
    t = torch.ones(1, dtype=torch.float64, requires_grad=True)
    by = torch.optim.LBFGS([t], lr=0.1, max_iter=2000, tolerance_grad=1e-15, tolerance_change=1e-16)

    def closure():
        by.zero_grad()
        v = loss(t)
        v.backward()
        return v
    by.step(closure)
    assert abs(found.x - t.item()) < 1e-5, (found.x, t.item())
    return found.x, loss(torch.tensor(1.0, dtype=torch.float64)).item(), found.fun


cases = []
for name, n, c, spread, signal, seed in [
        ("too sure", 40, 4, 4.0, 3.0, 1), ("too modest", 40, 5, 0.5, 1.5, 2), ("two classes", 60, 2, 3.0, 2.0, 3)]:
    z = scores(n, c, spread, seed)
    y = np.random.RandomState(seed + 100).randint(0, c, n)
    z[np.arange(n), y] += signal
    zt, yt = torch.tensor(z), torch.tensor(y)
    t, before, after = fit(lambda t: torch.nn.functional.cross_entropy(zt / t, yt))
    cases.append({"name": name, "logits": z.tolist(), "classes": y.tolist(), "temperature": t, "before": before, "after": after})
for name, n, c, spread, signal, seed in [("labels, too sure", 30, 3, 5.0, 2.0, 4)]:
    z = scores(n, c, spread, seed)
    y = np.random.RandomState(seed + 100).randint(0, 2, (n, c)).astype(float)
    z += signal * (2 * y - 1)
    zt, yt = torch.tensor(z), torch.tensor(y)
    t, before, after = fit(lambda t: torch.nn.functional.binary_cross_entropy_with_logits(zt / t, yt))
    cases.append({"name": name, "logits": z.tolist(), "labels": y.tolist(), "temperature": t, "before": before, "after": after})
print(json.dumps({"cases": cases}))
