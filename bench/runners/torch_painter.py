"""One-pass networks in PyTorch, as pytorch/examples' fast_neural_style has them."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from bench.runners.record import steady
from bench.workload import (
    PAINTER,
    PAINTER_CONTENT_TAP,
    PAINTER_CONTENT_WEIGHT,
    PAINTER_LEARNING_RATE,
    PAINTER_LOSS,
    PAINTER_STYLE_TAPS,
    PAINTER_STYLE_WEIGHT,
    Job,
    painter_weights,
    random_weights,
)
from weights_convert.architectures.transformer import Block


class _Layer(nn.Module):
    """Reflected, convolved, normalised."""

    def __init__(self, layer: Block, weights: Mapping[str, np.ndarray]):
        super().__init__()
        self.layer = layer
        self.pad = nn.ReflectionPad2d(layer.size // 2)
        self.conv = nn.Conv2d(layer.inputs, layer.outputs, layer.size, layer.stride)
        kernel = torch.from_numpy(weights[f"{layer.name}/kernel"])
        self.conv.weight.data = kernel.permute(3, 2, 0, 1).contiguous()
        self.conv.bias.data = torch.from_numpy(weights[f"{layer.name}/bias"]).clone()
        self.norm = None
        if layer.norm:
            self.norm = nn.InstanceNorm2d(layer.outputs, affine=True)
            for part, name in ((self.norm.weight, "scale"), (self.norm.bias, "offset")):
                part.data = torch.from_numpy(weights[f"{layer.name}/{name}"]).clone()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`[n, i, h, w]` -> `[n, o, h', w']`."""
        if self.layer.upsample:
            x = F.interpolate(x, mode="nearest", scale_factor=2)
        x = self.conv(self.pad(x))
        x = x if self.norm is None else self.norm(x)
        return torch.relu(x) if self.layer.relu else x


class PainterNet(nn.Module):
    """The network `PAINTER`: `[n, 3, h, w]` in 0..255 in and out; multiples of 4."""

    def __init__(self, weights: Mapping[str, np.ndarray]):
        """Takes arrays by stored key."""
        super().__init__()
        self.parts = nn.ModuleList(_Layer(layer, weights) for layer in PAINTER.layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Paints."""
        entering = x
        for part in self.parts:
            if part.layer.place == 1:
                entering = x
            x = part(x)
            if part.layer.place == 2:
                x = x + entering
        return x


# Name -> (channels_last, compiled).
VARIANTS = {
    "eager": (False, False),  # As pytorch/examples has it.
    "eager channels_last": (True, False),
    "compile": (True, True),  # The strongest there is.
}


def _made(job: Job) -> tuple[PainterNet, torch.memory_format, str]:
    channels_last, _ = VARIANTS[job.variant]
    layout = torch.channels_last if channels_last else torch.contiguous_format
    device = "cuda" if torch.cuda.is_available() else "cpu"
    net = PainterNet(painter_weights(np.random.default_rng(2)))
    return net.to(device, memory_format=layout), layout, device


def _synchronized() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def painted(job: Job) -> Callable[[], torch.Tensor]:
    """Paints the batch, `[n, 3, h, w]` in 0..255."""
    net, layout, device = _made(job)
    net.eval().requires_grad_(False)
    dtype = torch.bfloat16 if job.precision == "bfloat16" else torch.float32
    net = net.to(dtype)
    w = job.workload
    photos = torch.from_numpy(np.stack([w.content()] * w.lanes)).permute(0, 3, 1, 2)
    photos = (255 * photos).to(device, dtype).contiguous(memory_format=layout)
    run = torch.compile(net, dynamic=False) if VARIANTS[job.variant][1] else net

    def paint() -> torch.Tensor:
        with torch.inference_mode():
            return run(photos).clamp(0, 255)

    return paint


def one_pass(job: Job) -> dict[str, Any]:
    """Seconds a batch of pictures, from float pixels to float pixels."""
    began = time.perf_counter()
    paint = painted(job)
    paint()
    _synchronized()
    warm_up = time.perf_counter() - began

    def run(steps: int) -> None:
        for _ in range(steps):
            paint()
        _synchronized()

    return {
        "warm_up_seconds": warm_up,
        "seconds_per_step": steady(run, seconds=job.budget),
    }


class Vgg(nn.Module):
    """The taps of the loss, of pictures in [0, 1]; frozen."""

    def __init__(self) -> None:
        """With random weights, as ours."""
        super().__init__()
        weights = random_weights(PAINTER_LOSS, np.random.default_rng(1))
        names = [layer.name for layer in PAINTER_LOSS.convolutions]
        last = PAINTER_STYLE_TAPS[-1].replace("relu", "conv")
        self.names = names[: names.index(last) + 1]
        self.convolutions = nn.ModuleList()
        for name in self.names:
            kernel = torch.from_numpy(weights[f"{name}/kernel"]).permute(3, 2, 0, 1)
            layer = nn.Conv2d(kernel.shape[1], kernel.shape[0], 3, padding=1)
            layer.weight.data = kernel.contiguous()
            layer.bias.data = torch.from_numpy(weights[f"{name}/bias"])
            self.convolutions.append(layer)
        how = PAINTER_LOSS.preprocessing
        self.register_buffer("mean", torch.tensor(how.mean).view(1, 3, 1, 1).float())
        self.register_buffer("std", torch.tensor(how.std).view(1, 3, 1, 1).float())
        self.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """`[n, 3, h, w]` -> `{tap: [n, c, h', w']}`."""
        x, block, found = (x - self.mean) / self.std, "1", {}
        for name, layer in zip(self.names, self.convolutions, strict=True):
            if name[4] != block:
                x, block = F.max_pool2d(x, 2), name[4]
            x = F.relu(layer(x))
            found[name.replace("conv", "relu")] = x
        return found


def gram_matrix(y: torch.Tensor) -> torch.Tensor:
    """`[n, c, h, w]` -> `[n, c, c]`, divided by the number of values."""
    n, c, h, w = y.shape
    features = y.reshape(n, c, h * w)
    return features.bmm(features.transpose(1, 2)) / (c * h * w)


def stepper(job: Job) -> Callable[[], float]:
    """Makes one update after the other; gives the loss, as the example prints it."""
    net, layout, device = _made(job)
    _, compiled = VARIANTS[job.variant]
    vgg = Vgg().to(device, memory_format=layout)
    w = job.workload
    with torch.no_grad():
        painting = torch.from_numpy(w.styles()[:1]).permute(0, 3, 1, 2).to(device)
        seen = vgg(painting)
        style = {tap: gram_matrix(seen[tap]) for tap in PAINTER_STYLE_TAPS}
    pixels = np.round(255 * w.content()).astype(np.uint8)
    batch = torch.from_numpy(np.stack([pixels] * w.lanes)).permute(0, 3, 1, 2)
    batch = batch.contiguous(memory_format=layout)
    optimizer = torch.optim.Adam(net.parameters(), PAINTER_LEARNING_RATE)
    half = torch.autocast(device, torch.bfloat16, enabled=job.precision == "bfloat16")

    def total(photos: torch.Tensor) -> torch.Tensor:
        with half:
            painted = net(photos)
            found, wanted = vgg(painted / 255), vgg(photos / 255)
            tap = PAINTER_CONTENT_TAP
            content = F.mse_loss(found[tap], wanted[tap])
            styled = [
                F.mse_loss(gram_matrix(found[tap]), style[tap].expand(w.lanes, -1, -1))
                for tap in PAINTER_STYLE_TAPS
            ]
        return PAINTER_CONTENT_WEIGHT * content + PAINTER_STYLE_WEIGHT * sum(styled)

    loss_of = torch.compile(total, dynamic=False) if compiled else total

    def step() -> float:
        optimizer.zero_grad()
        loss = loss_of(batch.to(device).float())
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def training(job: Job) -> dict[str, Any]:
    """Seconds a step of training, from bytes of photos to new weights."""
    began = time.perf_counter()
    step = stepper(job)
    first = [step() for _ in range(3)]
    warm_up = time.perf_counter() - began

    def run(steps: int) -> None:
        for _ in range(steps):
            step()
        _synchronized()

    return {
        "first_losses": first,
        "warm_up_seconds": warm_up,
        "seconds_per_step": steady(run, seconds=job.budget),
    }
