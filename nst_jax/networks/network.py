"""The frozen network that any architecture describes, as a Flax module."""

from collections.abc import Callable, Collection, Mapping

import jax
import jax.numpy as jnp
from flax import nnx

from nst_jax.losses.view import View
from nst_jax.networks.borders import ZERO, Border
from nst_jax.networks.convolution import FrozenConvolution
from nst_jax.networks.extents import confine, count_windows
from nst_jax.networks.normalization import local_response_norm
from nst_jax.networks.pooling import Mode, Windows
from nst_jax.networks.relu import relu, unseen_relu
from weights_convert.architectures import (
    Architecture,
    Concatenation,
    Convolution,
    Layer,
    LocalResponseNorm,
    Pooling,
    Relu,
)

Look = Callable[[str, View], View]
"""`(tap, its view) -> view`, which takes its place, also for the layers above.

But a max pool above a ReLU looks at what that is of: features may not be others.
"""


class Network(nnx.Module):
    """A frozen network: the layers of its architecture, one after the other.

    An instance is a pytree of its weights: pass it to jitted functions as an argument.
    Called with images and taps it shows what it sees.

    Attributes:
      architecture: names, kinds and shapes of the layers, and the preprocessing.
      pooling: of the architecture's own windows, all of them, those inside of inception
        modules too (as in fzliu/style-transfer's Caffe models).
      convolutions: the layers that have weights, by name.
      digest: `[32]` uint8, tells the weights from others. Data, so that other weights
        compile nothing anew; no layer looks at it.
    """

    def __init__(
        self,
        architecture: Architecture,
        convolutions: Mapping[str, FrozenConvolution],
        *,
        pooling: Mode,
        digest: jax.Array,
    ):
        """Takes the parts; `extract.build` makes them of weights, and checks them."""
        self.architecture = architecture
        self.pooling = pooling
        self.convolutions = nnx.Dict(convolutions)
        self.digest = digest

    def __call__(
        self,
        images: jax.Array,
        taps: Collection[str],
        extents: jax.Array | None = None,
        border: Border = ZERO,
        look: Look | None = None,
    ) -> dict[str, View]:
        """What it shows of images at `taps`; it is run no deeper than needed.

        Args:
          images: `[b, h, w, 3]`, or one `[h, w, 3]`, sRGB in [0, 1].
          taps: names such as "conv4_2" (before the ReLU) and "relu4_2" (after it).
          extents: `[b, 2]` int32, true height and width of images of several shapes
            padded below and right to one; None where all fill theirs.
          border: what convolutions see beyond each image.
          look: is given each tap's view, of `[b, ...]`, before any layer above is
            computed; what it gives takes its place: see `Look`.

        Returns:
          `{tap: View}`, features `[b, h', w', c]` in the network's dtype, `[h', w', c]`
          of one image. Of a padded image, just what it would give alone, and zero
          around that.
        """
        if images.ndim == 3:
            views = self(images[None], taps, extents, border, look)
            return jax.tree.map(lambda leaf: leaf[0], views)
        if not taps:
            return {}
        preprocessing = self.architecture.preprocessing
        mean = jnp.asarray(preprocessing.mean, images.dtype)
        std = jnp.asarray(preprocessing.std, images.dtype)
        inputs = (images - mean) / std
        if extents is not None:
            inputs = confine(inputs, extents)
        found: dict[str, View] = {}

        def seen(tap: str, features: jax.Array, extents: jax.Array | None) -> jax.Array:
            view = View.of(features, extents, clean=True)
            found[tap] = look(tap, view) if look else view
            return found[tap].features

        self.activations(inputs, taps, extents, border, seen)
        return {tap: found[tap] for tap in taps}

    def activations(
        self,
        inputs: jax.Array,
        taps: Collection[str],
        extents: jax.Array | None = None,
        border: Border = ZERO,
        seen: Callable[[str, jax.Array, jax.Array | None], jax.Array] | None = None,
    ) -> dict[str, tuple[jax.Array, jax.Array | None]]:
        """Activations at `taps`; no layer is computed that doesn't lead to one.

        Args:
          inputs: preprocessed images, `[b, h, w, 3]`.
          taps: names of `architecture.taps`.
          extents: as those of a call.
          border: likewise.
          seen: takes a tap, its features and extents once these are there, and gives
            the features that the layers above are to see.

        Returns:
          `{tap: (features [b, h', w', c], extents [b, 2] of them or None)}`.
        """
        found = {"": (inputs, extents)}
        bottoms = self.architecture.bottoms
        # The ReLUs: what each is of.
        below_relu: dict[str, str] = {}
        for layer in self.architecture.leading_to(taps):
            below = [found[name] for name in bottoms[layer.name]]
            above = relu if layer.name in taps else unseen_relu
            match layer:
                case Concatenation():
                    joined = jnp.concatenate([images for images, _ in below], axis=-1)
                    found[layer.name] = joined, below[0][1]
                case Pooling() if (
                    self.pooling.picks and bottoms[layer.name][0] in below_relu
                ):
                    # The ReLU of fewer pixels; if no tap is there, of these alone.
                    before = found[below_relu[bottoms[layer.name][0]]]
                    images, within = self._apply(layer, *before, border)
                    found[layer.name] = above(images), within
                case Relu():
                    images, within = below[0]
                    found[layer.name] = above(images), within
                case _:
                    found[layer.name] = self._apply(layer, *below[0], border)
            if isinstance(layer, Relu):
                (below_relu[layer.name],) = bottoms[layer.name]
            if seen and layer.name in taps:
                images, within = found[layer.name]
                found[layer.name] = seen(layer.name, images, within), within
        return {tap: found[tap] for tap in taps}

    def _apply(
        self,
        layer: Layer,
        images: jax.Array,
        extents: jax.Array | None,
        border: Border,
    ) -> tuple[jax.Array, jax.Array | None]:
        """A layer's activations, and the parts of them that belong to each image."""
        match layer:
            case Convolution():
                if border.first and self.architecture.bottoms[layer.name] != ("",):
                    border = ZERO
                images = self.convolutions[layer.name](images, border, extents)
                if extents is not None:
                    steps = (layer.stride, layer.padding)
                    rows = count_windows(extents[:, 0], layer.height, *steps)
                    columns = count_windows(extents[:, 1], layer.width, *steps)
                    extents = jnp.stack([rows, columns], axis=1)
                    images = confine(images, extents)
            case Pooling():
                ceil = layer.ceil or self.pooling.ceil
                windows = Windows(layer.size, layer.stride, layer.padding, ceil)
                images = self.pooling.pool(images, windows, extents)
                if extents is not None:
                    extents = windows.count(extents)
                    images = confine(images, extents)
            # Zeros stay zeros in the others.
            case LocalResponseNorm():
                images = local_response_norm(
                    images,
                    size=layer.size,
                    alpha=layer.alpha,
                    beta=layer.beta,
                    k=layer.k,
                )
        return images, extents
