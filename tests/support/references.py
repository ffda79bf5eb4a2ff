"""The same mathematics in PyTorch, written from the papers' formulas.

Nothing of `nst_jax` is used here. Tensors are `[1, c, h, w]` inside the network and
`[h, w, 3]` as pictures, of the dtype that the caller chose.
"""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

# Convolutions of each block: configurations D and E of Simonyan & Zisserman's table 1.
DEPTHS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}

Loss = Callable[[Tensor], Tensor]


def layer_names(network: str) -> list[str]:
    """`["conv1_1", ..., "conv5_4"]` for "vgg19"."""
    return [
        f"conv{block}_{index}"
        for block, depth in enumerate(DEPTHS[network], 1)
        for index in range(1, depth + 1)
    ]


def caffe_input(image: Tensor) -> Tensor:
    """`[h, w, 3]` RGB in [0, 1] -> BGR in 0..255 less the mean of ImageNet."""
    mean = torch.tensor([103.939, 116.779, 123.68], dtype=image.dtype)
    return (image.flip(-1) * 255 - mean).permute(2, 0, 1)[None]


def torchvision_input(image: Tensor) -> Tensor:
    """`[h, w, 3]` RGB in [0, 1], normalised as torchvision documents it."""
    mean = torch.tensor([0.485, 0.456, 0.406], dtype=image.dtype)
    std = torch.tensor([0.229, 0.224, 0.225], dtype=image.dtype)
    return ((image - mean) / std).permute(2, 0, 1)[None]


@dataclasses.dataclass(frozen=True)
class TorchVGG:
    """A VGG by name of its convolutions, from the image up.

    Attributes:
      layers: kernel `[o, i, 3, 3]` and bias `[o]` by name, in order.
      preprocess: `[h, w, 3]` -> `[1, 3, h, w]` as the kernels expect it.
      pooling: "max" or "avg", or either with "_ceil": Caffe's, whose last window may
        reach beyond the edge.
      border: what the first convolution sees around the image, as `F.pad` calls it.
    """

    layers: Mapping[str, tuple[Tensor, Tensor]]
    preprocess: Callable[[Tensor], Tensor]
    pooling: str = "max"
    border: str = "constant"

    @classmethod
    def from_stored(cls, weights: Mapping[str, np.ndarray], pooling: str) -> "TorchVGG":
        """Of arrays in the store's layout (HWIO, RGB), for Caffe's preprocessing."""
        names = [key.split("/")[0] for key in weights if key.endswith("/kernel")]
        layers = {
            name: (oihw(weights[f"{name}/kernel"]), tensor(weights[f"{name}/bias"]))
            for name in names
        }
        kernel, bias = layers["conv1_1"]
        return cls(layers | {"conv1_1": (kernel.flip(1), bias)}, caffe_input, pooling)

    def to(self, dtype: torch.dtype) -> "TorchVGG":
        """The same network in another precision."""
        layers = {
            name: (kernel.to(dtype), bias.to(dtype))
            for name, (kernel, bias) in self.layers.items()
        }
        return dataclasses.replace(self, layers=layers)

    def taps(
        self, image: Tensor, sides: Mapping[str, Tensor] = MappingProxyType({})
    ) -> dict[str, Tensor]:
        """Every activation of `image`, `[h, w, 3]`: `{name: [1, c, h', w']}`.

        `sides` are activations, such as another program's, whose signs and maxima
        decide on which side of the kinks this one stands, instead of its own.
        """
        found: dict[str, Tensor] = {}
        x, block, previous = self.preprocess(image), "1", ""
        for name, (kernel, bias) in self.layers.items():
            index = name.removeprefix("conv")
            if index[0] != block:
                x = found[f"pool{block}"] = self._pool(x, sides.get(previous, x))
                block = index[0]
            border = "constant" if found else self.border
            x = found[name] = F.conv2d(F.pad(x, (1, 1, 1, 1), border), kernel, bias)
            previous = f"relu{index}"
            x = found[previous] = x * (sides.get(previous, x) > 0)
        return found | {f"pool{block}": self._pool(x, sides.get(previous, x))}

    def _pool(self, x: Tensor, side: Tensor) -> Tensor:
        kind, _, ceil = self.pooling.partition("_")
        if kind == "avg":
            return F.avg_pool2d(x, 2, ceil_mode=bool(ceil))
        _, places = F.max_pool2d(side, 2, ceil_mode=bool(ceil), return_indices=True)
        return x.flatten(2).gather(2, places.flatten(2)).reshape(places.shape)


def tensor(array: np.ndarray) -> Tensor:
    """A tensor of its own memory, in the array's precision."""
    return torch.from_numpy(np.array(array))


def nchw(array: np.ndarray) -> Tensor:
    """`[1, h, w, c]` -> `[1, c, h, w]`, in float64."""
    return tensor(array).double().permute(0, 3, 1, 2)


def oihw(kernel: np.ndarray) -> Tensor:
    """`[h, w, i, o]` -> `[o, i, h, w]`."""
    return tensor(kernel.transpose(3, 2, 0, 1))


def content_loss(features: Tensor, target: Tensor, scale: str = "mean") -> Tensor:
    """Mean squared difference, or half the sum of squares."""
    squared = (features - target) ** 2
    return squared.mean() if scale == "mean" else squared.sum() / 2


def style_loss(features: Tensor, painting: Tensor, scale: str) -> Tensor:
    """Squared difference of Gram matrices, as `Options.gram` names it."""
    channels, pixels = features.shape[1], features[0, 0].numel()
    squared = (_gram(features) - _gram(painting)) ** 2
    unscaled = painting[0, 0].numel() * _gram(painting)
    raw = (pixels * _gram(features) - unscaled) ** 2
    return {
        "chw": (squared / channels**2).mean(),
        "hw": squared.mean(),
        "paper": squared.sum() / (4 * channels**2),  # Gatys et al. 2016, eq. 4.
        "caffe": raw.sum() / (4 * channels**2 * pixels**2),
        "article": squared.sum() / 4,
        # Cheng et al. 2021, "Style-aware normalized loss".
        "normalized": squared.sum()
        / ((_gram(features) ** 2).sum() + (_gram(painting) ** 2).sum()),
    }[scale]


def _gram(features: Tensor) -> Tensor:
    _, c, h, w = features.shape
    rows = features.reshape(c, h * w)
    return rows @ rows.T / (h * w)


def total_variation(image: Tensor, norm: str) -> Tensor:
    """Differences of neighbours in `[h, w, 3]`, across plus down."""
    if norm == "nine_point":
        return nine_point(image)
    across, down = torch.diff(image, dim=1), torch.diff(image, dim=0)
    power = {"l1": 1, "l2": 2}[norm[:2]]
    across, down = across.abs() ** power, down.abs() ** power
    if norm == "l2_inner_sum":
        return across[:-1].sum() + down[:, :-1].sum()
    if norm.endswith("_sum"):
        return across.sum() + down.sum()
    return across.mean() + down.mean()


def nine_point(image: Tensor) -> Tensor:
    """Diagonals too, the border repeated: K. Crowson's style-transfer-pytorch."""
    x = F.pad(image.permute(2, 0, 1)[None], (1, 1, 1, 1), "replicate")
    total = ((x[..., 1:-1, 2:] - x[..., 1:-1, 1:-1]) ** 2).mean() / 3
    total += ((x[..., 2:, 1:-1] - x[..., 1:-1, 1:-1]) ** 2).mean() / 3
    total += ((x[..., 1:, 1:] - x[..., :-1, :-1]) ** 2).mean() / 12
    total += ((x[..., 1:, :-1] - x[..., :-1, 1:]) ** 2).mean() / 12
    return 2 * total


@dataclasses.dataclass(frozen=True)
class GatysLoss:
    """The terms of a style transfer and their weighted sum.

    Attributes:
      network: that sees the pictures.
      content: the photo, `[h, w, 3]`.
      painting: `[h', w', 3]`.
      content_taps: compared with the photo's activations.
      style_taps: compared with the painting's Gram matrices.
      gram: as `Options.gram`.
      tv: as `Options.tv`.
      weights: of the terms by name; those not named count once.
      sides: of the kinks, as `TorchVGG.taps` takes them.
    """

    network: TorchVGG
    content: Tensor
    painting: Tensor
    content_taps: tuple[str, ...]
    style_taps: tuple[str, ...]
    gram: str = "chw"
    tv: str = "l2"
    weights: Mapping[str, float] = dataclasses.field(default_factory=dict)
    sides: Mapping[str, Tensor] = dataclasses.field(default_factory=dict)

    def terms(self, image: Tensor) -> dict[str, Tensor]:
        """`{"content/<tap>": ..., "style/<tap>": ..., "total_variation": ...}`."""
        found = self.network.taps(image, self.sides)
        with torch.no_grad():
            photo = self.network.taps(self.content)
            painting = self.network.taps(self.painting)
        losses = {
            **{
                f"content/{tap}": content_loss(found[tap], photo[tap])
                for tap in self.content_taps
            },
            **{
                f"style/{tap}": style_loss(found[tap], painting[tap], self.gram)
                for tap in self.style_taps
            },
            "total_variation": total_variation(image, self.tv),
        }
        return {name: self.weights.get(name, 1) * loss for name, loss in losses.items()}

    def __call__(self, image: Tensor) -> Tensor:
        """The total of `terms`."""
        return torch.stack(list(self.terms(image).values())).sum()


def value_and_gradient(loss: Loss, point: Tensor) -> tuple[float, np.ndarray]:
    """`loss(point)` and its gradient, in the precision of `point`."""
    leaf = point.detach().clone().requires_grad_()
    value = loss(leaf)
    (gradient,) = torch.autograd.grad(value, leaf)
    return value.item(), gradient.numpy()


@dataclasses.dataclass(frozen=True)
class Trajectory:
    """What an optimiser saw: a loss, a point and a gradient for each iteration."""

    losses: np.ndarray
    points: list[np.ndarray]
    gradients: list[np.ndarray]


def lbfgs(loss: Loss, start: Tensor, *, steps: int, history: int) -> Trajectory:
    """`torch.optim.LBFGS` with fixed steps; `steps + 1` evaluations."""
    point = start.clone().requires_grad_()
    seen = Trajectory(np.zeros(steps + 1), [], [])
    # Negative tolerances: it never stops early.
    optimizer = torch.optim.LBFGS(
        [point],
        lr=1,
        max_iter=steps + 1,
        max_eval=2 * steps + 2,
        history_size=history,
        tolerance_grad=-1,
        tolerance_change=-1,
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss(point)
        value.backward()
        seen.losses[len(seen.points)] = value.item()
        seen.points.append(point.detach().numpy().copy())
        seen.gradients.append(point.grad.numpy().copy())
        return value

    optimizer.step(closure)
    return seen


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    """Norm of the difference over norm of the expected, in float64."""
    found, expected = np.float64(found), np.float64(expected)
    assert found.shape == expected.shape
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))
