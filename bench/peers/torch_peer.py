"""Times PyTorch on the work that `whippet bench` times and prints one JSON line.

A training step is forward, cross-entropy, backward and (fused) Adam over all
parameters that train.

usage: torch_peer.py train|frozen|infer ARCH --batch N [--size 224] [--threads N]
       [--warmup N] [--steps N] [--channels-last] [--compile]
"""
import torch
from torch import nn

import network
import turn


def main():
    a = turn.arguments(task={"choices": ["train", "frozen", "infer"]}, arch={})
    a.add_argument("--channels-last", action="store_true")
    a.add_argument("--compile", action="store_true")
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(1)
    model = network.network(o.arch)
    x = torch.randn(o.batch, 3, o.size, o.size)
    y = torch.arange(o.batch) % network.CLASSES
    if o.channels_last:
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    model.train(o.task != "infer")
    if o.task == "frozen":
        network.freeze(model)
    run = torch.compile(model) if o.compile else model
    if o.task == "infer":
        def step():
            with torch.inference_mode():
                run(x)
    else:
        adam = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-5, fused=True)
        loss = nn.CrossEntropyLoss()

        def step():
            adam.zero_grad()
            loss(run(x), y).backward()
            adam.step()
    turn.measure("PyTorch " + torch.__version__.split("+")[0], step, o)


main()
