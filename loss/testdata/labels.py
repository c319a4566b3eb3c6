"""Computes labels.json: losses of several labels an item, and focal losses, with
their gradients in float64, by PyTorch, timm and fastai's formula.

usage: labels.py > labels.json    (PyTorch 2.15.0, timm 1.0.31, torchvision)
"""
import json

import torch
from timm.loss import AsymmetricLossMultiLabel, BinaryCrossEntropy
from torch.nn import functional as F

torch.manual_seed(7)
torch.Tensor.float = torch.Tensor.double  # timm's asymmetric loss would round to float32
N, C = 6, 5
cases = []


def case(name, f, x, **more):
    x = x.clone().requires_grad_()
    loss = f(x)
    loss.backward()
    cases.append({"name": name, "loss": loss.item(), "grad": x.grad.tolist(), "logits": x.tolist(), **more})


def fastai_focal(x, y, gamma, weight, reduction):  # fastai.losses.FocalLoss.forward
    ce = F.cross_entropy(x, y, weight=weight, reduction="none")
    loss = (1 - torch.exp(-ce)) ** gamma * ce
    return loss.mean() if reduction == "mean" else loss.sum()


for size in (1.0, 12.0):
    x = (torch.randn(N, C) * size).double()  # of float32 numbers
    rows = (torch.rand(N, C) < 0.4).double()
    soft = torch.rand(N, C).to(torch.float32).double()
    classes = torch.randint(0, C, (N,))
    w = (torch.rand(C) + 0.5).to(torch.float32).double()
    pos = (torch.rand(C) * 3).to(torch.float32).double()
    more = {"values": rows.tolist()}
    for r in ("mean", "sum"):
        case("bce " + r, lambda v: F.binary_cross_entropy_with_logits(v, rows, reduction=r), x, reduction=r, **more)
        case("bce weights " + r, lambda v: F.binary_cross_entropy_with_logits(v, rows, weight=w, pos_weight=pos, reduction=r), x,
             reduction=r, weight=w.tolist(), pos_weight=pos.tolist(), **more)
        case("bce soft " + r, lambda v: F.binary_cross_entropy_with_logits(v, soft, reduction=r), x, reduction=r, values=soft.tolist())
        for gamma in (0.5, 2.0):
            case("focal " + r, lambda v: fastai_focal(v, classes, gamma, None, r), x, reduction=r, classes=classes.tolist(), gamma=gamma)
            case("focal weights " + r, lambda v: fastai_focal(v, classes, gamma, w, r), x, reduction=r, classes=classes.tolist(),
                 gamma=gamma, weight=w.tolist())
    eps = 0.1
    case("bce smooth", lambda v: F.binary_cross_entropy_with_logits(v, rows * (1 - eps) + eps / 2), x, reduction="mean", smoothing=eps, **more)
    timm = BinaryCrossEntropy(smoothing=eps)
    case("bce smooth classes", lambda v: timm(v, classes), x, reduction="mean", smoothing=eps, classes=classes.tolist())
    for neg, positive, clip, eps, r in ((4, 1, 0.05, 0, "sum"), (2, 0, 0.0, 0, "sum"), (3, 2, 0.2, 0, "mean"), (4, 1, 0.05, 0.1, "sum")):
        asl = AsymmetricLossMultiLabel(neg, positive, clip, smoothing=eps, reduction=r)
        case("asymmetric", lambda v: asl(v, rows), x, reduction=r, gamma_neg=neg, gamma_pos=positive, clip=clip, smoothing=eps, **more)
        asl = AsymmetricLossMultiLabel(neg, positive, clip, smoothing=eps, reduction=r, weight=w)
        case("asymmetric weights", lambda v: asl(v, rows), x, reduction=r, gamma_neg=neg, gamma_pos=positive, clip=clip, smoothing=eps,
             weight=w.tolist(), **more)
print(json.dumps(cases))
