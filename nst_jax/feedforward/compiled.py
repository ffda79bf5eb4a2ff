"""The programs by which a style network paints, compiled once for each shape."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.devices import sharding
from nst_jax.devices.sharding import Layout
from nst_jax.feedforward import bordered, smooth
from nst_jax.feedforward.prepared import Spent
from nst_jax.feedforward.stylizer import Stylizer
from nst_jax.feedforward.transformer import TransformerNetwork
from nst_jax.images.frames import Shape


class Programs:
    """Programs of a network, by how many pictures of which frame.

    Attributes:
      exact: whether a picture in a frame, or in tiles, is what it is alone.
      smooth: frames over which statistics are averaged; 1: each by itself.
    """

    def __init__(
        self, stylizer: Stylizer, *, smooth: int, strength: float, spent: Spent
    ):
        """Compiles nothing yet.

        Args:
          stylizer: the network.
          smooth: see the attributes.
          strength: of networks that blend by themselves.
          spent: where seconds of compiling go.
        """
        self._stylizer, self.smooth, self._spent = stylizer, smooth, spent
        self._how = stylizer.network.architecture
        self._blend = {"strength": strength} if self._how.blends else {}
        self._compiled: dict[Any, Any] = {}
        self._networks: dict[Layout, Any] = {}  # On several devices.
        self._state: Any = None
        self.exact = isinstance(stylizer.network, TransformerNetwork)

    def of(
        self, lanes: int, frame: Shape, *, mixed: bool = False
    ) -> jax.stages.Compiled:
        """The compiled program of so many pictures of a frame.

        Args:
          lanes: pictures.
          frame: of all.
          mixed: whether some are smaller than it.
        """
        key = lanes, frame, mixed
        if key not in self._compiled:
            with self._spent.on("compile"):
                self._compiled[key] = self._lowered(*key).compile()
        found: jax.stages.Compiled = self._compiled[key]
        return found

    def run(
        self,
        images: np.ndarray,
        styles: np.ndarray | None,
        *,
        count: int,
        extents: np.ndarray | None = None,
    ) -> Any:
        """Painted pictures; the device is still at work on them.

        Args:
          images: `[lanes, *frame, 3]` float32.
          styles: `[lanes, n]`; None: the network takes none.
          count: of the lanes whose pictures are wanted.
          extents: `[lanes, 2]`, of pictures that are smaller than their frame; None:
            all fill it, which is quicker.

        Returns:
          `[lanes, *frame, 3]` float32.
        """
        lanes, (height, width) = len(images), images.shape[1:3]
        program = self.of(lanes, (height, width), mixed=extents is not None)
        network = self._network(self._layout(lanes))
        if self.smooth > 1:
            state = self._state
            if state is None:
                frame = height, width
                state = smooth.start(network, frame, self._style(1), self.smooth)
            number = np.int32(count)
            painted, self._state = program(network, images, styles, state, number)
            return painted
        given = self._layout(lanes).targets((images, styles))
        if extents is None:
            return program(network, *given)
        placed = self._layout(lanes).targets(extents.astype(np.int32))
        return program(network, *given, placed)

    def style_of(self, square: np.ndarray) -> jax.Array:
        """The style of a painting, `[n, n, 3]`, by the network's predictor."""
        predictor = self._stylizer.predictor
        if predictor is None:
            return self._stylizer.style_of(square)  # Says that it has none.
        if "predictor" not in self._compiled:
            with self._spent.on("compile"):
                self._compiled["predictor"] = _TOLD.lower(predictor, square).compile()
        found: jax.Array = self._compiled["predictor"](predictor, square)
        return found

    def _lowered(self, lanes: int, frame: Shape, mixed: bool) -> jax.stages.Lowered:
        layout = self._layout(lanes)
        network = self._network(layout)
        images = jax.ShapeDtypeStruct((lanes, *frame, 3), jnp.float32)
        given = network, *layout.targets((images, self._style(lanes)))
        if self.smooth > 1:
            start = functools.partial(smooth.start, frame=frame, window=self.smooth)
            state = jax.eval_shape(lambda: start(network, style=self._style(1)))
            count = jax.ShapeDtypeStruct((), jnp.int32)
            how = {"window": self.smooth, **self._blend}
            return _SMOOTHED.lower(*given, state, count, **how)
        if not mixed:
            return FILLED.lower(*given, **self._blend)
        extents = layout.targets(jax.ShapeDtypeStruct((lanes, 2), jnp.int32))
        return _BORDERED.lower(*given, extents)

    def _layout(self, lanes: int) -> Layout:
        """Photos are shared out to all devices; a clip stays on one, with its state."""
        return sharding.ONE if self.smooth > 1 else sharding.side_by_side(lanes)

    def _network(self, layout: Layout) -> Any:
        if layout not in self._networks:
            self._networks[layout] = layout.everywhere(self._stylizer.network)
        return self._networks[layout]

    def _style(self, lanes: int) -> jax.ShapeDtypeStruct | None:
        if not self._how.takes:
            return None
        return jax.ShapeDtypeStruct((lanes, self._how.styles), jnp.float32)


def _alone(network: Any, images: jax.Array, style: Any, **how: Any) -> jax.Array:
    found: jax.Array = network(images, style, **how)
    return found


# Of all painters: what was compiled for one of them serves the next.
_BORDERED = jax.jit(bordered.paint)
_TOLD = jax.jit(lambda tells, image: tells(image[None])[0])
FILLED = jax.jit(_alone, static_argnames="strength")
"""Of a network, pictures that fill their frame, and styles; `Programs.of` lowers it."""
_SMOOTHED = jax.jit(smooth.paint, static_argnames=("window", "strength"))
