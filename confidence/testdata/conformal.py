# Reference values of sets of classes, by MAPIE 1.6 (conformity score "lac") and scikit-learn, and of the spread of the
# coverage, by SciPy. A set of MAPIE's may be empty; ours then has the most probable class.
# Run: python conformal.py > conformal.json
import json
import numpy as np
from mapie.classification import SplitConformalClassifier
from scipy.stats import beta
from sklearn.base import BaseEstimator, ClassifierMixin


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose input is its probabilities."""

    def fit(self, x, y):
        self.classes_ = np.arange(x.shape[1])
        return self

    def predict_proba(self, x):
        return x

    def predict(self, x):
        return x.argmax(1)


def draw(r, n, classes, sure):
    logits = r.normal(size=(n, classes)) * sure
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    y = np.array([r.choice(classes, p=row) for row in p])
    return p.astype(np.float32), y


cases = []
for n, classes, coverage, sure, seed in [(12, 3, 0.9, 1, 1), (40, 5, 0.9, 2, 2), (60, 4, 0.55, 1, 3), (99, 10, 0.95, 1.5, 4), (30, 3, 0.7, 3, 5)]:
    r = np.random.default_rng(seed)
    x, y = draw(r, n, classes, sure)
    model = Given().fit(x, np.arange(classes))
    c = SplitConformalClassifier(model, confidence_level=coverage, conformity_score="lac", prefit=True).conformalize(x, y)
    other, _ = draw(r, 12, classes, sure)
    sets = c.predict_set(other)[1][:, :, 0]
    k = int(np.ceil((n + 1) * coverage - 1e-9))
    cases.append(dict(coverage=coverage, probs=[[float(np.format_float_scientific(v, 9)) for v in row] for row in x], **{"class": y.tolist()}, least=float(1 - c._mapie_classifier.quantiles_[0]), other=[[float(np.format_float_scientific(v, 9)) for v in row] for row in other], sets=sets.astype(int).tolist(),
                      spread=[float(beta.ppf(q, k, n + 1 - k)) for q in (0.05, 0.95)]))
# Booleans as 0 and 1 keep the file small.
print(json.dumps(dict(cases=cases)))
