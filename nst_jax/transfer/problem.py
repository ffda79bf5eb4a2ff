"""The optimisation problem that pictures and options pose: objective and its data."""

import dataclasses
import functools
import weakref
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from nst_jax.images.frames import Framed, Shape
from nst_jax.losses.objective import (
    StyleObjective,
    Targets,
    Weights,
    blend,
)
from nst_jax.networks import extract
from nst_jax.options import Options, OptionsError


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Problem:
    """The data of an objective for n lanes, traced.

    Attributes:
      network: that sees all of them.
      targets: leaves with a leading axis of lanes; `content` without one where all
        lanes have the same photo.
      weights: `[n]` each.
      extents: `[n, 2]` int32, height and width of each image in its padding; None where
        none of this frame has any.
    """

    network: nnx.Module
    targets: Targets
    weights: Weights
    extents: jax.Array | None = None


@dataclasses.dataclass(frozen=True)
class Objective:
    """A `StyleObjective` seen through a network, as the engine takes it.

    Attributes:
      style: the losses.
      precision: of products of float32 arrays, as `options.Options.precision`.
      input_gain: times the image, before the network's preprocessing.
    """

    style: StyleObjective
    precision: str = "float32"
    input_gain: float = 1.0

    @classmethod
    def of(cls, options: Options) -> "Objective":
        """The objective that `options` ask for."""
        style = StyleObjective(
            options.content_taps,
            options.style_taps,
            gram=options.gram,
            tv=options.tv,
            tv_range=options.tv_range,
            content_loss=options.content_loss,
        )
        return cls(style, resolve_precision(options.precision), options.input_gain)

    def __call__(
        self, images: jax.Array, problem: Problem
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        """Total losses `[n]` and terms `{name: [n]}` of `images`, `[n, h, w, 3]`."""
        content = problem.targets.content
        shared = all(target.ndim == 3 for target in content.values())
        lanes = Targets(content=None if shared else 0, style=0)  # type: ignore[arg-type]
        extents = None if problem.extents is None else 0
        with self.arithmetic():
            activations = self.see(
                problem.network, images, self.style.taps, problem.extents
            )
            return jax.vmap(self.style, in_axes=(0, 0, lanes, 0, extents))(
                activations, images, problem.targets, problem.weights, problem.extents
            )

    def see(
        self,
        network: nnx.Module,
        images: jax.Array,
        taps: Sequence[str],
        extents: jax.Array | None = None,
    ) -> dict[str, jax.Array]:
        """Activations of `images`, `[n, h, w, 3]`, at `taps`."""
        if self.input_gain != 1:
            images = self.input_gain * images
        return extract.extract(network, images, taps, extents)

    def arithmetic(self) -> Any:
        """The context in which products of float32 arrays have this precision."""
        # "float32" has to be asked for: JAX's default is TF32 on GPUs, bfloat16 on
        # TPUs. A bfloat16 network keeps full products for its float32 statistics.
        tf32 = self.precision == "tf32"
        return jax.default_matmul_precision("tensorfloat32" if tf32 else "float32")


@dataclasses.dataclass(frozen=True)
class Lane:
    """What one picture is made of.

    Attributes:
      content: the photo, at the size of the result.
      styles: the paintings, each at the size at which its strokes count.
      options: weights and blend are taken from here.
    """

    content: Framed
    styles: Sequence[Framed]
    options: Options


class Studio:
    """Poses problems that share a network and all options but the weights.

    What a painting's `Framed` object asks for is computed once and kept as long as the
    object lives, a photo's is kept with the problem only; arrays of equal shape share a
    compiled program.

    Attributes:
      objective: static.
    """

    def __init__(self, network: nnx.Module, options: Options):
        """Prepares the network for the taps of `options`."""
        self.objective = Objective.of(options)
        self._network = network
        self._prepared = extract.prepare(network, self.objective.style.taps)
        self._sizes_known: dict[Any, dict[str, int]] = {}
        self._styles: MutableMapping[Framed, dict[str, jax.Array]]
        self._styles = weakref.WeakKeyDictionary()

    def pose(self, lanes: Sequence[Lane], *, share: bool = True) -> Problem:
        """The data of `objective` for `lanes`, whose photos have one frame.

        Args:
          lanes: at least one.
          share: keep the targets of one photo once, where all lanes have the same.

        Raises:
          OptionsError: a picture too small for a tap to see anything of it.
        """
        style = self.objective.style
        posed = []
        for lane in lanes:
            self.check(lane.content.extent, [s.extent for s in lane.styles])
            shares = lane.options.style_blend or (1.0,) * len(lane.styles)
            paintings = [
                style.sized(self._style(s), self._larger(s, lane.content))
                for s in lane.styles
            ]
            targets = blend(paintings, shares)
            filled = self._filled(lane.content, style.taps)
            posed.append(style.padded(targets, loss_weights(lane.options), filled))
        photos = {id(lane.content): lane.content for lane in lanes}
        seen = {key: self._content(photo) for key, photo in photos.items()}
        contents = [seen[id(lane.content)] for lane in lanes]
        same = share and len(seen) == 1
        masked = any(lane.content.masked for lane in lanes)
        extents = np.array([lane.content.extent for lane in lanes], np.int32)
        return Problem(
            self._prepared,
            Targets(
                content=contents[0] if same else _stack(contents),
                style=_stack([targets for targets, _ in posed]),
            ),
            _stack([weights for _, weights in posed]),
            jnp.asarray(extents) if masked else None,
        )

    def check(self, content: Shape, styles: Sequence[Shape]) -> None:
        """Raises `OptionsError` if a tap sees nothing of pictures of these shapes."""
        self._check_size(content, self.objective.style.taps)
        for painting in styles:
            self._check_size(painting, self.objective.style.style_taps)

    def _content(self, photo: Framed) -> dict[str, jax.Array]:
        return _content_targets(self.objective, self._network, *_arrays(photo))

    def _style(self, painting: Framed) -> dict[str, jax.Array]:
        if painting not in self._styles:
            found = _style_targets(self.objective, self._network, *_arrays(painting))
            filled = self._filled(painting, self.objective.style.style_taps)
            self._styles[painting] = {
                tap: target / filled[tap] for tap, target in found.items()
            }
        return self._styles[painting]

    def _filled(self, picture: Framed, taps: Sequence[str]) -> dict[str, float]:
        """The share of its frame's pixels that a picture fills, by tap."""
        height, width, _ = picture.pixels.shape
        whole = self._sizes((height, width), tuple(taps))
        part = self._sizes(picture.extent, tuple(taps))
        return {tap: part[tap] / whole[tap] for tap in taps}

    def _larger(self, painting: Framed, photo: Framed) -> dict[str, float]:
        """The painting's pixels over the photo's, by style tap."""
        taps = self.objective.style.style_taps
        theirs, ours = (self._sizes(p.extent, taps) for p in (painting, photo))
        return {tap: theirs[tap] / ours[tap] for tap in taps}

    def _check_size(self, shape: Shape, taps: Sequence[str]) -> None:
        height, width = shape
        for tap, size in self._sizes(shape, tuple(taps)).items():
            if not size:
                raise OptionsError(
                    f"a picture of {width}x{height} is too small for {tap}, which sees "
                    "nothing of it: give a larger size, or earlier taps"
                )

    def _sizes(self, size: Shape, taps: tuple[str, ...]) -> dict[str, int]:
        if (size, taps) not in self._sizes_known:
            image = jax.ShapeDtypeStruct((1, *size, 3), jnp.float32)
            shapes = jax.eval_shape(
                functools.partial(extract.extract, taps=taps), self._network, image
            )
            pixels = {tap: int(np.prod(shapes[tap].shape[1:3])) for tap in taps}
            self._sizes_known[size, taps] = pixels
        return self._sizes_known[size, taps]


def pose(
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    options: Options,
    network: nnx.Module,
) -> tuple[Objective, Problem]:
    """The optimisation problem of one photo and its paintings: a single lane.

    Args:
      content: `[h, w, 3]`, sRGB in [0, 1], at the size of the result.
      styles: each `[h', w', 3]`, at the size at which its strokes count.
      options: taps, formulas and weights are taken from here.
      network: that sees them.

    Returns:
      The objective, static, and its data.

    Raises:
      OptionsError: a picture too small for a tap to see anything of it.
    """
    studio = Studio(network, options)
    paintings = [Framed.put(style) for style in styles]
    return studio.objective, studio.pose(
        [Lane(Framed.put(content), paintings, options)]
    )


def loss_weights(options: Options) -> Weights:
    """The weights of the terms: overall weight times the tap's own."""

    def by_tap(
        taps: tuple[str, ...], weight: float, tap_weights: tuple[float, ...]
    ) -> Mapping[str, jax.Array]:
        factors = tap_weights or (1.0,) * len(taps)
        return {
            tap: jnp.float32(weight * factor)
            for tap, factor in zip(taps, factors, strict=True)
        }

    return Weights(
        content=by_tap(
            options.content_taps, options.content_weight, options.content_tap_weights
        ),
        style=by_tap(
            options.style_taps, options.style_weight, options.style_tap_weights
        ),
        total_variation=jnp.float32(options.tv_weight),
    )


def _arrays(picture: Framed) -> tuple[jax.Array, jax.Array | None]:
    """A picture's pixels, and its extent where programs have to be told."""
    extents = jnp.asarray([picture.extent], jnp.int32) if picture.masked else None
    return jnp.asarray(picture.pixels), extents


def _stack(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


@functools.partial(jax.jit, static_argnums=0)
def _content_targets(
    objective: Objective,
    network: nnx.Module,
    content: jax.Array,
    extents: jax.Array | None,
) -> dict[str, jax.Array]:
    with objective.arithmetic():
        taps = objective.style.content_taps
        found = objective.see(network, content[None], taps, extents)
        return objective.style.content_targets({tap: found[tap][0] for tap in taps})


@functools.partial(jax.jit, static_argnums=0)
def _style_targets(
    objective: Objective,
    network: nnx.Module,
    style: jax.Array,
    extents: jax.Array | None,
) -> dict[str, jax.Array]:
    with objective.arithmetic():
        taps = objective.style.style_taps
        found = objective.see(network, style[None], taps, extents)
        return objective.style.style_targets({tap: found[tap][0] for tap in taps})


def resolve_precision(precision: str) -> str:
    """What "auto" means on this machine's default device; others stay."""
    if precision != "auto":
        return precision
    return "float32" if jax.default_backend() == "cpu" else "bfloat16"
