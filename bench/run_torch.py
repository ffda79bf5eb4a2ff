"""Times the step workload in PyTorch: `python -m bench.run_torch --size=256 ...`.

Eager mode as tutorials write it, with what makes it fast and costs nothing: frozen
weights, no work for their gradients, targets computed once, no transfer to the host
inside the timed steps. Prints the same record as `bench.run_jax`. Needs the `bench`
extra; runs in a process of its own.
"""

import argparse
import json
import platform
import time

import torch
from torch.nn import functional as F

from bench.workload import Workload
from nst_jax.networks import tables


class Step:
    """The loss of the workload and an optimiser of its picture."""

    def __init__(self, workload: Workload, layout: torch.memory_format):
        preprocessing = tables.NETWORKS["vgg19"].preprocessing
        self.mean = torch.tensor(preprocessing.mean).view(1, 3, 1, 1)
        self.std = torch.tensor(preprocessing.std).view(1, 3, 1, 1)
        self.workload, self.layers = workload, []
        weights = workload.weights()
        for layer in tables.NETWORKS["vgg19"].convolutions:
            kernel = torch.from_numpy(weights[f"{layer.name}/kernel"])
            kernel = kernel.permute(3, 2, 0, 1).contiguous(memory_format=layout)
            bias = torch.from_numpy(weights[f"{layer.name}/bias"])
            self.layers.append((layer.name, kernel, bias))
        content, style = (
            torch.from_numpy(picture)
            .permute(2, 0, 1)[None]
            .contiguous(memory_format=layout)
            for picture in workload.pictures()
        )
        with torch.no_grad():
            self.content = self.features(content)[workload.content_tap]
            self.style = {
                tap: self.gram(feature)
                for tap, feature in self.features(style).items()
                if tap in workload.style_taps
            }
        self.image = content.clone(memory_format=layout).requires_grad_()
        if workload.solver == "adam":
            self.optimizer = torch.optim.Adam([self.image], workload.learning_rate)
        else:
            self.optimizer = torch.optim.LBFGS(
                [self.image], max_iter=1, history_size=workload.history
            )

    def features(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """The taps of the workload."""
        x, block, found = (image - self.mean) / self.std, "1", {}
        for name, kernel, bias in self.layers:
            index = name.removeprefix("conv")
            if index[0] != block:
                x, block = F.max_pool2d(x, 2), index[0]
            x = F.relu(F.conv2d(x, kernel, bias, padding=1))
            found[f"relu{index}"] = x
            if index == "5_1":
                break
        return found

    @staticmethod
    def gram(feature: torch.Tensor) -> torch.Tensor:
        """`[1, c, h, w]` -> `[c, c]`."""
        _, c, h, w = feature.shape
        rows = feature.reshape(c, h * w)
        return rows @ rows.T / (c * h * w)

    def loss(self) -> torch.Tensor:
        """Content and style of the current picture."""
        features = self.features(self.image)
        content = F.mse_loss(features[self.workload.content_tap], self.content)
        style = sum(
            F.mse_loss(self.gram(features[tap]), target)
            for tap, target in self.style.items()
        )
        return self.workload.content_weight * content + (
            self.workload.style_weight * style
        )

    def closure(self) -> torch.Tensor:
        """Loss and gradient, as torch's optimisers call it."""
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        return loss

    def __call__(self) -> torch.Tensor:
        """One step; Adam keeps the picture in [0, 1] as ours does."""
        loss = self.optimizer.step(self.closure)
        if self.workload.solver == "adam":
            with torch.no_grad():
                self.image.clamp_(0, 1)
        return loss.detach()


def measure(workload: Workload, *, layout: str, steps: int, repeats: int) -> dict:
    """The record of one workload."""
    step = Step(workload, getattr(torch, layout))
    began = time.perf_counter()
    losses = [step() for _ in range(3)]
    warm_up = time.perf_counter() - began
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        for _ in range(steps):
            step()
        seconds.append((time.perf_counter() - began) / steps)
    return {
        "framework": "PyTorch",
        "versions": {
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "device": "cpu",
        "precision": "float32",
        "variant": f"eager, {layout}",
        "first_losses": [float(loss) for loss in losses],
        "warm_up_seconds": warm_up,
        "seconds_per_step": seconds,
    }


def main() -> None:
    """Prints the record that the flags ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--solver", default="adam")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--layout",
        choices=("channels_last", "contiguous_format"),
        default="channels_last",
    )
    flags = parser.parse_args()
    record = measure(
        Workload(size=flags.size, solver=flags.solver),
        layout=flags.layout,
        steps=flags.steps,
        repeats=flags.repeats,
    )
    print(json.dumps(record))


if __name__ == "__main__":
    main()
