"""The options of a style transfer, with their defaults, help and checks.

This is the only place where a default is written: command-line flags, README's table
and the benchmarks are derived from these fields.
"""

import dataclasses
import math
import os
import re
import types
import typing
from collections.abc import Callable
from typing import Any

STARTS = ("content", "style", "noise", "mean", "gaussian", "pink")
"""What `init` may be besides a file."""


class OptionsError(ValueError):
    """An option has a value that is not allowed; one line says what is."""


def _option(
    default: Any,
    help: str,
    *,
    choices: tuple[str, ...] = (),
    check: tuple[Callable[[Any], bool], str] | None = None,
    bare: str | None = None,
) -> Any:
    # `bare` is the value that the flag alone stands for.
    metadata = {"help": help, "choices": choices, "check": check, "bare": bare}
    return dataclasses.field(default=default, metadata=metadata)


def _finite_and(condition: Callable[[float], bool]) -> Callable[[float], bool]:
    return lambda value: math.isfinite(value) and condition(value)


_AT_LEAST_1 = (lambda value: value >= 1, "a whole number, 1 or more")
_NOT_NEGATIVE_INT = (lambda value: value >= 0, "a whole number, 0 or more")
_POSITIVE = (_finite_and(lambda value: value > 0), "a number above 0")
_SCALE = (lambda value: 0 < value <= 64, "a number above 0, up to 64")
_NOT_NEGATIVE = (_finite_and(lambda value: value >= 0), "a number, 0 or more")
_WEIGHTS = (
    lambda values: all(math.isfinite(value) and value >= 0 for value in values),
    "numbers, 0 or more",
)
_RATIO = (
    lambda text: re.fullmatch(r"[1-9][0-9]{0,4}:[1-9][0-9]{0,4}", text) is not None,
    "width:height in whole numbers, such as 1:1 or 3:2",
)
_BLEND = (
    lambda values: (
        all(math.isfinite(value) and value >= 0 for value in values)
        and (not values or sum(values) > 0)
    ),
    "numbers, 0 or more, not all 0",
)


@dataclasses.dataclass(frozen=True)
class Options:
    """What to make and how; every field is also a flag of `nst-jax stylize`.

    The losses by default are those of Johnson's `neural-style` (VGG-19, content relu4_2
    x 5, style relu1_1..relu5_1 x 100) without its total variation, which the field's
    users know; start, step count and solver are what was measured to do best.

    Raises:
      OptionsError: a value is outside of what its field allows.
    """

    size: int = _option(
        512,
        "Longest side of the result in pixels; the other follows from the aspect ratio "
        "of the photo, or of --crop.",
        check=(lambda value: 16 <= value <= 65536, "a whole number, 16 to 65536"),
    )
    crop: str | None = _option(
        None,
        "Aspect ratio, as width:height, that photo and paintings are cropped to, from "
        "the middle, before they are resized: --crop=1:1 --size=550 gives 550x550 "
        "(default: no crop).",
        check=_RATIO,
    )
    steps: int = _option(
        500, "Iterations: one gradient of the loss each.", check=_NOT_NEGATIVE_INT
    )
    pyramid: int = _option(
        1,
        "Sizes to go through, coarse to fine, each half of the next, with equal shares "
        "of --steps; 1: the full size only. --pyramid alone means 3.",
        check=_AT_LEAST_1,
        bare="3",
    )
    network: str = _option(
        "vgg19",
        "Pretrained network that sees content and style; `nst-weights list` shows all.",
    )
    content_taps: tuple[str, ...] = _option(
        ("relu4_2",),
        "Activations compared with the photo's. conv4_2 is before, relu4_2 after "
        "the ReLU.",
    )
    style_taps: tuple[str, ...] = _option(
        ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"),
        "Activations whose Gram matrices are compared with the painting's.",
    )
    content_weight: float = _option(
        5.0, "Weight of the content loss: higher keeps more.", check=_NOT_NEGATIVE
    )
    style_weight: float = _option(
        100.0, "Weight of the style loss: higher paints more.", check=_NOT_NEGATIVE
    )
    content_tap_weights: tuple[float, ...] = _option(
        (), "One factor for each content tap (default: 1 each).", check=_WEIGHTS
    )
    style_tap_weights: tuple[float, ...] = _option(
        (),
        "One factor for each style tap (default: 1 each). Early taps hold fine "
        "texture, late ones large shapes.",
        check=_WEIGHTS,
    )
    style_blend: tuple[float, ...] = _option(
        (),
        "Shares of several paintings in the style, such as 3,1 (default: equal).",
        check=_BLEND,
    )
    style_scale: float = _option(
        1.0,
        "Longest side of the painting as a multiple of --size: larger gives coarser "
        "strokes.",
        check=_SCALE,
    )
    content_loss: str = _option(
        "mean",
        "Scale of the content loss: mean squared difference, or half_sum, the paper's "
        "half the sum.",
        choices=("mean", "half_sum"),
    )
    gram: str = _option(
        "chw",
        "Scale of the Gram matrices: chw = G/(C*H*W), hw = G/(H*W), both with the mean "
        "squared difference; paper = Gatys's 1/(4*N^2*M^2) sum; caffe = the same with "
        "the painting's Gram matrix by the picture's size; article = 1/(4*M^2) sum.",
        choices=("chw", "hw", "paper", "caffe", "article"),
    )
    tv: str = _option(
        "l2",
        "Total variation between neighbouring pixels: absolute (l1) or squared (l2), "
        "averaged over the picture; l1_sum and l2_sum add it up instead; l2_inner_sum "
        "leaves out what lies along the far edges, as neural-style does.",
        choices=("l1", "l2", "l1_sum", "l2_sum", "l2_inner_sum"),
    )
    tv_range: float = _option(
        1.0,
        "White, to the total variation: 255 gives --tv_weight the meaning it has in "
        "systems whose pixels are 0 to 255.",
        check=_POSITIVE,
    )
    tv_weight: float = _option(
        0.0, "Weight of the total variation: higher is smoother.", check=_NOT_NEGATIVE
    )
    color: str = _option(
        "style",
        "Colours of the result. style: the painting's. The others keep the photo's: "
        "luminance paints light and dark alone and lays the photo's colours over them, "
        "with the painting's luminance first shifted and scaled to the photo's mean "
        "and contrast, or left as it is (luminance_unmatched); histogram and linear "
        "match the painting to the photo first, each channel's histogram or mean and "
        "covariance. linear treats all channels alike; linear_cholesky depends on "
        "their order and can turn hues.",
        choices=(
            *("style", "luminance", "luminance_unmatched"),
            *("histogram", "linear", "linear_cholesky"),
        ),
    )
    color_after: str = _option(
        "none",
        "histogram matches the finished picture to the photo, channel by channel. "
        "Results are mixed: it moves the picture off the optimum that was found, "
        "smooth colours can band, and contrast and noise can grow.",
        choices=("none", "histogram"),
    )
    init: str = _option(
        "content",
        "Where to start: content; style; noise of even colours; mean, the mean colour "
        "of ImageNet's photos (Caffe's); gaussian noise around it; pink noise, which "
        "is cloudy; or the path of a picture.",
    )
    seed: int = _option(0, "Seed of the starting noise.", check=_NOT_NEGATIVE_INT)
    pooling: str = _option(
        "max",
        "Pooling of the network, wherever it has any. The 2015 paper found average "
        "pooling smoother. With _ceil an odd last row or column counts, as in Caffe; "
        "without, the network's own rounding stays.",
        choices=("max", "avg", "max_ceil", "avg_ceil"),
    )
    input_gain: float = _option(
        1.0,
        "Factor of the pixels before the network's preprocessing: neural-style shows "
        "Caffe's networks 0 to 256.",
        check=_POSITIVE,
    )
    precision: str = _option(
        "auto",
        "Arithmetic of the network; image, statistics, losses and solver are always "
        "float32. auto = float32 on CPUs, bfloat16 on GPUs and TPUs.",
        choices=("auto", "float32", "tf32", "bfloat16"),
    )
    solver: str = _option(
        "lbfgs",
        "lbfgs needs the fewest steps; adam the least memory.",
        choices=("lbfgs", "adam"),
    )
    learning_rate: float | None = _option(
        None,
        "Step size (default: 1 for lbfgs; 0.04 of the pixel range for adam).",
        check=_POSITIVE,
    )
    learning_rate_decay: str | None = _option(
        None,
        "Decay of the step size to 0 over --steps (default: none for lbfgs, cosine for "
        "adam).",
        choices=("none", "cosine"),
    )
    history: int = _option(
        20, "L-BFGS: steps remembered, two images of memory each.", check=_AT_LEAST_1
    )
    preconditioner: str = _option(
        "multiscale",
        "L-BFGS: multiscale moves large shapes first and needs 1.3 to 1.9 times fewer "
        "iterations for the same loss; none is the plain method.",
        choices=("multiscale", "none"),
    )
    bounds: str = _option(
        "box",
        "L-BFGS: box keeps every iterate within [0, 1], so that nothing is lost when "
        "the result is confined to it; none is the plain method, which confines the "
        "result only. Adam always keeps to the box.",
        choices=("box", "none"),
    )
    adam_epsilon: float = _option(
        1e-8,
        "Adam: added to the root of the second moment. Larger ones, such as 1e-4, "
        "avoid grey spots.",
        check=_POSITIVE,
    )

    def __post_init__(self) -> None:
        """Checks every field for itself, then those that belong together."""
        for field in dataclasses.fields(self):
            _check(field, getattr(self, field.name))
        _check_lengths(self)


def base_type(annotation: Any) -> Any:
    """`float | None` -> `float`; anything else is returned as it is."""
    if isinstance(annotation, types.UnionType):
        (inner,) = (t for t in typing.get_args(annotation) if t is not type(None))
        return inner
    return annotation


def _check(field: dataclasses.Field, value: Any) -> None:
    if value is None and field.default is None:
        return
    if not _has_type(value, base_type(field.type)):
        kind = base_type(field.type)
        name = str(kind) if typing.get_origin(kind) else kind.__name__
        raise OptionsError(f"{field.name}={value!r}: expected {name}")
    choices, check = field.metadata["choices"], field.metadata["check"]
    if choices and value not in choices:
        raise OptionsError(
            f"{field.name}={value!r} is not known; choose one of {', '.join(choices)}"
        )
    if check and not check[0](value):
        raise OptionsError(f"{field.name}={value!r} is out of range: give {check[1]}")


def _has_type(value: Any, kind: Any) -> bool:
    if typing.get_origin(kind) is tuple:
        item = typing.get_args(kind)[0]
        return isinstance(value, tuple) and all(_has_type(v, item) for v in value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and not isinstance(value, bool)


def _check_lengths(options: Options) -> None:
    for kind in ("content", "style"):
        taps = getattr(options, f"{kind}_taps")
        weights = getattr(options, f"{kind}_tap_weights")
        if len(set(taps)) != len(taps):
            raise OptionsError(f"{kind}_taps={','.join(taps)} names a tap twice")
        if weights and len(weights) != len(taps):
            raise OptionsError(
                f"{kind}_tap_weights has {len(weights)} numbers for {len(taps)} "
                f"{kind} taps; give one for each of {', '.join(taps) or '(none)'}"
            )
    if not options.content_taps and not options.style_taps:
        raise OptionsError("content_taps and style_taps are both empty: name a tap")


def check_start(options: Options) -> None:
    """Raises `OptionsError` if `init` is no start, and no file either."""
    if options.init not in STARTS and not os.path.exists(options.init):
        raise OptionsError(
            f"init={options.init!r} is neither {', '.join(STARTS)} nor a file"
        )
