# PyTorch's side of bench/backends.mjs: reads "NAME COUNT" lines, answers with the milliseconds of COUNT runs as JSON.
import json
import sys
import time

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(2)


def training_step(net, x):
    y = torch.randint(0, 10, (128,))
    optimizer = torch.optim.Adam(net.parameters(), 1e-3, eps=1e-7)
    loss = nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad()
        value = loss(net(x), y)
        value.backward()
        optimizer.step()
        return value.item()

    return step


def mlp():
    sizes = [784, 512, 256, 128, 10]
    layers = [part for a, b in zip(sizes, sizes[1:]) for part in (nn.Linear(a, b), nn.ReLU())]
    return training_step(nn.Sequential(*layers[:-1]), torch.randn(128, 784))


def cnn():
    net = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, 10),
    )
    return training_step(net, torch.randn(128, 1, 28, 28))


a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
runs = {
    "matmul-1024": lambda: a @ b,
    "matmul-1024-transposed": lambda: a.t() @ b,
    "mlp-step": mlp(),
    "cnn-step": cnn(),
}
print(json.dumps(torch.__version__), flush=True)
for line in sys.stdin:
    name, count = line.split()
    times = []
    for _ in range(int(count)):
        start = time.perf_counter()
        runs[name]()
        times.append((time.perf_counter() - start) * 1e3)
    print(json.dumps(times), flush=True)
