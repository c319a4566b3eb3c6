"""Times PyTorch on the work that `whippet bench` times and prints one JSON line.

The network is torchvision's body with fastai's head (maximum and average
pooling, batch norm, dropout, linear 512, ReLU, batch norm, dropout, linear), as
whippet bench builds it. A training step is forward, cross-entropy, backward and
Adam.

usage: torch_peer.py train|frozen|infer|export ARCH --batch N [--size 224]
       [--threads N] [--warmup N] [--steps N] [--channels-last] [--out FILE]
"""
import argparse
import json
import resource
import time

import torch
import torchvision
from torch import nn

CLASSES = 37


class ConcatPool(nn.Module):
    def forward(self, x):
        return torch.cat([nn.functional.adaptive_max_pool2d(x, 1), nn.functional.adaptive_avg_pool2d(x, 1)], 1)


def network(arch):
    whole = getattr(torchvision.models, arch)(weights=None)
    if arch.startswith("resnet"):
        body, features = nn.Sequential(*list(whole.children())[:-2]), whole.fc.in_features
    else:
        body, features = whole.features, 512
    head = nn.Sequential(
        ConcatPool(), nn.Flatten(), nn.BatchNorm1d(2 * features), nn.Dropout(0.25),
        nn.Linear(2 * features, 512, bias=False), nn.ReLU(inplace=True),
        nn.BatchNorm1d(512), nn.Dropout(0.5), nn.Linear(512, CLASSES, bias=False))
    return nn.Sequential(body, head)


def freeze(model):
    """fastai's freeze: the body's batch norms go on training, its weights do not."""
    for p in model[0].parameters():
        p.requires_grad_(False)
    for m in model[0].modules():
        if isinstance(m, nn.BatchNorm2d):
            m.weight.requires_grad_(True)
            m.bias.requires_grad_(True)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("task", choices=["train", "frozen", "infer", "export"])
    a.add_argument("arch")
    a.add_argument("--batch", type=int, default=32)
    a.add_argument("--size", type=int, default=224)
    a.add_argument("--threads", type=int, default=0)
    a.add_argument("--warmup", type=int, default=2)
    a.add_argument("--steps", type=int, default=5)
    a.add_argument("--channels-last", action="store_true")
    a.add_argument("--out")
    o = a.parse_args()
    if o.threads:
        torch.set_num_threads(o.threads)
    torch.manual_seed(1)
    model = network(o.arch)
    x = torch.randn(o.batch, 3, o.size, o.size)
    y = torch.arange(o.batch) % CLASSES
    if o.task == "export":
        torch.onnx.export(model.eval(), x, o.out, opset_version=15, input_names=["input"], output_names=["scores"],
                          dynamic_axes={"input": {0: "n"}, "scores": {0: "n"}})
        return
    if o.channels_last:
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    if o.task == "infer":
        model.eval()

        def step():
            with torch.inference_mode():
                model(x)
    else:
        model.train()
        if o.task == "frozen":
            freeze(model)
        adam = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-5)
        loss = nn.CrossEntropyLoss()

        def step():
            adam.zero_grad()
            loss(model(x), y).backward()
            adam.step()

    for _ in range(o.warmup):
        step()
    times = []
    for _ in range(o.steps):
        start = time.perf_counter()
        step()
        times.append((time.perf_counter() - start) * 1000)
    print(json.dumps({
        "peer": "PyTorch " + torch.__version__, "threads": torch.get_num_threads(), "times_ms": times,
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


main()
