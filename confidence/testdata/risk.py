"""Computes risk.json: risk-coverage curves and their areas for scores from a formula.

Needs numpy:
  python risk.py > risk.json
Pictures are sorted by score, best first, and the area is the mean of the cumulative
error rates (Geifman and El-Yaniv 2019); the ideal one sorts
right answers before wrong ones. Of equal scores each picture has the error rate at the end of its group.
"""
import json
import numpy as np

cases = []
for name, n, seed, digits in [("distinct scores", 50, 1, 6), ("equal scores", 40, 2, 1), ("all right", 6, 3, 6)]:
    r = np.random.RandomState(seed)
    score = np.round(r.uniform(0.3, 1, n), digits).astype(np.float32)
    right = r.uniform(0, 1, n) < score if name != "all right" else np.ones(n, bool)
    order = np.argsort(-score, kind="stable")
    s, wrong = score[order], ~right[order]
    risk = np.cumsum(wrong) / np.arange(1, n + 1)
    end = np.array([np.flatnonzero(s == v)[-1] for v in s])
    best = np.sort(wrong)  # right ones first
    ideal = np.mean(np.cumsum(best) / np.arange(1, n + 1))
    aurc = np.mean(risk[end])
    points = sorted(set(end.tolist()))
    cases.append({"name": name, "score": [float(v) for v in score], "right": right.tolist(), "aurc": aurc, "excess": aurc - ideal,
                  "coverage": [(p + 1) / n for p in points], "risk": [float(risk[p]) for p in points]})
print(json.dumps({"cases": cases}))
