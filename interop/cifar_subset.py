#!/usr/bin/python3
"""Trains ResNet-18 on a subset of CIFAR-10 by fastai's rules, in plain PyTorch.

The other side of cmd/internal/run/cifar_test.go: same pictures, same initial
weights (written by that test to the folder INIT), same head, one-cycle
schedule, Adam and weight decay; only the order of the pictures and dropout are
drawn by PyTorch. Prints the last error rate and validation loss of each seed.

    cifar_subset.py CIFAR_FOLDER INIT [THREADS [SEED...]]

CIFAR_FOLDER holds train/CLASS/*.jpg and test/CLASS/*.jpg. Written for Debian's
python3-torch 1.13.1, python3-torchvision 0.14.1 and python3-pil.
"""
import glob
import math
import os
import sys

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import nn

import read_safetensors

MEAN, STD = np.array([0.485, 0.456, 0.406], 'f4'), np.array([0.229, 0.224, 0.225], 'f4')


def pictures(root, part, count):
    x, y = [], []
    for label, name in enumerate(sorted(os.listdir(os.path.join(root, part)))):
        for path in sorted(glob.glob(os.path.join(root, part, name, '*.jpg')))[:count]:
            a = np.asarray(Image.open(path).convert('RGB'), 'f4') / 255
            x.append(((a - MEAN) / STD).transpose(2, 0, 1))
            y.append(label)
    return torch.tensor(np.stack(x)), torch.tensor(y)


class Head(nn.Module):
    """fastai's create_head for 512 features, 10 classes; names as in the file."""

    def __init__(self):
        super().__init__()
        self.head = nn.ModuleDict({
            '2': nn.BatchNorm1d(1024), '4': nn.Linear(1024, 512, bias=False),
            '6': nn.BatchNorm1d(512), '8': nn.Linear(512, 10, bias=False)})
        self.d1, self.d2 = nn.Dropout(0.25), nn.Dropout(0.5)

    def forward(self, x):
        h = self.head
        x = torch.cat([x.amax((2, 3)), x.mean((2, 3))], 1)
        x = torch.relu(h['4'](self.d1(h['2'](x))))
        return h['8'](self.d2(h['6'](x)))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = torchvision.models.resnet18()
        self.top = Head()

    def load(self, arrays):
        body = {k: v for k, v in arrays.items() if not k.startswith('head.')}
        missing, unexpected = self.body.load_state_dict(body, strict=False)
        assert not unexpected and set(missing) == {'fc.weight', 'fc.bias'}, (missing, unexpected)
        self.top.load_state_dict({k: v for k, v in arrays.items() if k.startswith('head.')})

    def forward(self, x):
        b = self.body
        x = b.maxpool(b.relu(b.bn1(b.conv1(x))))
        return self.top(b.layer4(b.layer3(b.layer2(b.layer1(x)))))


def cos(a, b, p):
    return a + (1 + math.cos(math.pi * (1 - p))) * (b - a) / 2


def one_cycle(top, pos):
    if pos < 0.25:
        return cos(top / 25, top, pos / 0.25), cos(0.95, 0.85, pos / 0.25)
    return cos(top, top / 1e5, (pos - 0.25) / 0.75), cos(0.85, 0.95, (pos - 0.25) / 0.75)


def train(init, train_set, valid_set, seed, epochs=5, batch=64, top=3e-3):
    torch.manual_seed(seed)
    net = Net()
    net.load(read_safetensors.load(init)[0])
    params = [(n, p) for n, p in net.named_parameters() if '.fc.' not in n]
    bn = {id(p) for m in net.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)) for p in m.parameters()}
    state = {n: (torch.zeros_like(p), torch.zeros_like(p)) for n, p in params}
    x, y = train_set
    steps, t = len(x) // batch, 0
    for epoch in range(epochs):
        net.train()
        order = torch.randperm(len(x))
        for i in range(steps):
            lr, mom = one_cycle(top, epoch / epochs + i / (steps * epochs))
            pick = order[i * batch:(i + 1) * batch]
            loss = nn.functional.cross_entropy(net(x[pick]), y[pick])
            net.zero_grad()
            loss.backward()
            t += 1
            with torch.no_grad():
                for n, p in params:
                    avg, sqr = state[n]
                    if id(p) not in bn:
                        p.mul_(1 - lr * 0.01)
                    avg.mul_(mom).add_(p.grad, alpha=1 - mom)
                    sqr.mul_(0.99).addcmul_(p.grad, p.grad, value=0.01)
                    p.addcdiv_(avg, (sqr / (1 - 0.99 ** t)).sqrt_().add_(1e-5), value=-lr / (1 - mom ** t))
    net.eval()
    vx, vy = valid_set
    with torch.no_grad():
        out = torch.cat([net(vx[i:i + batch]) for i in range(0, len(vx), batch)])
    return (out.argmax(1) != vy).double().mean().item(), nn.functional.cross_entropy(out, vy).item()


def main():
    root, init = sys.argv[1:3]
    torch.set_num_threads(int(sys.argv[3]) if len(sys.argv) > 3 else 4)
    train_set, valid_set = pictures(root, 'train', 200), pictures(root, 'test', 100)
    results = []
    for seed in map(int, sys.argv[4:] or range(5)):
        results.append(train(os.path.join(init, f'init-{seed}.safetensors'), train_set, valid_set, seed))
        print(f'{seed}  error {results[-1][0]:.4f}  loss {results[-1][1]:.4f}', flush=True)
    print('mean  error %.4f  loss %.4f' % tuple(np.mean(results, 0)))


if __name__ == '__main__':
    main()
