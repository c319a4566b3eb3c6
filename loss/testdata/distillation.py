"""Writes distillation.json: the loss of distillation and its gradient, by PyTorch in float64."""
import json
import torch
import torch.nn.functional as F

torch.manual_seed(5)
n, c = 6, 5
student = (torch.randn(n, c) * 3).float().double().requires_grad_()
teacher = (torch.randn(n, c) * 3).float().double()
y = torch.tensor([0, 3, 4, 1, 1, 2])


def case(alpha, temperature, hard, reduction):
    student.grad = None
    labels = F.cross_entropy(student, y, reduction=reduction)
    if hard:
        kd = F.cross_entropy(student, teacher.argmax(1), reduction=reduction)
    else:
        of = torch.nn.KLDivLoss(reduction="batchmean" if reduction == "mean" else "sum")
        kd = of(F.log_softmax(student / temperature, 1), F.softmax(teacher / temperature, 1)) * temperature**2
    loss = (1 - alpha) * labels + alpha * kd
    loss.backward()
    return dict(Alpha=alpha, Temperature=temperature, Hard=hard, Sum=reduction == "sum", Loss=loss.item(), Grad=student.grad.tolist())


cases = [case(0.5, 3, False, "mean"), case(1, 1, False, "mean"), case(0.25, 0.5, False, "sum"), case(0.5, 1, True, "mean"), case(0.9, 1, True, "sum")]
json.dump(dict(Student=student.tolist(), Teacher=teacher.tolist(), Y=y.tolist(), Cases=cases), open("distillation.json", "w"), indent=1)
