"""Networks for the pruning tests: small, of many shapes, with batch norms that do something."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from tinyml_course import data
from tinyml_course.data import DataSet, Split
from tinyml_course.models import compact
from tinyml_course.models.torch_network import build


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within, torch draws from this seed; its global state is untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def lively(module: nn.Module, seed: int = 0) -> nn.Module:
    """Batch norms with statistics, scales and shifts of their own; eval mode."""
    with seeded(seed), torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.modules.batchnorm._BatchNorm):
                part.running_mean.normal_(0, 0.3)
                part.running_var.uniform_(0.5, 1.5)
                if part.affine:
                    part.weight.uniform_(0.5, 1.5)
                    part.bias.normal_(0, 0.3)
    return module.eval()


def conv_bn(c_in: int, c_out: int, kernel: int = 3, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, groups=groups)
    return nn.Sequential(conv, nn.BatchNorm2d(c_out))


class Residual(nn.Module):
    """Two branches that are added, then a flattened map and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.body, self.side = conv_bn(3, 6), conv_bn(6, 6), conv_bn(6, 6, 1)
        self.fc1, self.norm, self.fc2 = nn.Linear(6 * 16, 10), nn.BatchNorm1d(10), nn.Linear(10, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.stem(x))
        x = torch.relu(x + self.body(x) + self.side(x))
        x = nn.functional.max_pool2d(x, 2).flatten(1)
        return self.fc2(torch.relu(self.norm(self.fc1(x))))


class Dense(nn.Module):
    """Maps side by side, one of them twice, read by one convolution; sigmoid, where 0 is 0.5."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = conv_bn(3, 5), conv_bn(5, 4), conv_bn(14, 6, 1)
        self.head = nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = torch.sigmoid(self.a(x))
        second = torch.relu(self.b(first))
        joined = torch.cat([first, second, first], 1)
        return self.head(nn.functional.gelu(self.c(joined)).mean((2, 3)))


class Gate(nn.Module):
    """Squeeze and excitation, and a depthwise convolution that makes two channels of each."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.depthwise = conv_bn(3, 4), conv_bn(4, 4, groups=4)
        self.squeeze, self.excite = nn.Conv2d(4, 2, 1), nn.Conv2d(2, 4, 1)
        self.scale = nn.Parameter(torch.linspace(0.5, 2, 4)[None, :, None, None])
        self.pair, self.last = conv_bn(4, 8, groups=4), conv_bn(8, 5, 1)
        self.head = nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.depthwise(torch.relu(self.stem(x)))) * self.scale
        gate = nn.functional.adaptive_avg_pool2d(x, 1)
        x = x * torch.sigmoid(self.excite(torch.relu(self.squeeze(gate))))
        x = self.last(torch.relu(self.pair(x)))
        return self.head(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))


class Shared(nn.Module):
    """One convolution used twice: it must read and give the same channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.twice, self.head = (
            conv_bn(3, 6),
            nn.Conv2d(6, 6, 3, padding=1),
            nn.Linear(6, 3),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.twice(torch.relu(self.twice(torch.relu(self.stem(x))))))
        return self.head(x.mean((2, 3)))


class Grouped(nn.Module):
    """A convolution in two groups, which fixes what it reads and what it gives."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.grouped = conv_bn(3, 6), conv_bn(6, 4, groups=2)
        self.last, self.head = conv_bn(4, 6, 1), nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.last(torch.relu(self.grouped(torch.relu(self.stem(x))))))
        return self.head(x.mean((2, 3)))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "residual": Residual,
    "dense": Dense,
    "gate": Gate,
    "shared": Shared,
    "grouped": Grouped,
    "mobile": lambda: build(compact(8, 3, 3), 0),
}


def network(name: str, seed: int = 0) -> nn.Module:
    """One of `NETWORKS`, images ``(N, 3, 8, 8)`` to logits, random weights."""
    with seeded(seed):
        module = NETWORKS[name]()
    return lively(module, seed)


def images(count: int = 4, seed: int = 0, size: int = 8) -> torch.Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def bright_halves(count: int = 64, channels: int = 1) -> DataSet:
    """Four classes: which quarter of the image is bright, with noise; learnt in an epoch or two."""
    rng = np.random.default_rng(0)

    def split(n: int) -> Split:
        labels = np.arange(n) % 4
        x = rng.uniform(0, 0.5, (n, channels, 8, 8)).astype(np.float32)
        for image, label in zip(x, labels, strict=True):
            row, column = divmod(int(label), 2)
            image[:, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 0.5
        return Split(x, labels.astype(np.int64))

    card = data.load("digits").card
    return DataSet("quarters", split(count), split(count), split(count), tuple("abcd"), card)


def small_cnn(seed: int = 0) -> nn.Sequential:
    """Grey 8 x 8 images to four classes, two convolutions."""
    with seeded(seed):
        return nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1, bias=False),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32, 4),
        )
