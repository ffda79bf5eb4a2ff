"""A style network that is ready to paint: arrays in, painted arrays out."""

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.errors import OptionsError
from nst_jax.feedforward import adain, masked, microast
from nst_jax.feedforward.predictor import PredictorNetwork
from nst_jax.feedforward.transformer import Statistics, TransformerNetwork
from weights_convert.architectures.adain import AdaIN
from weights_convert.architectures.microast import MicroAST
from weights_convert.architectures.transformer import Transformer
from weights_convert.stylizers import files
from weights_convert.stylizers.stylizer import Stylizer as Stored

__all__ = ["Statistics", "Style", "Stylizer"]

_SMALLEST = 16  # Pixels a side: what is an eighth of it is still reflected.

Style = (
    int | str | Mapping[Any, float] | Sequence[float] | np.ndarray | jax.Array | None
)
"""Which style: a number or a name; shares by number or name; "2:0.7,monet:0.3"; one
share for each; the numbers of a style's vector; None where there is one only."""


Network = TransformerNetwork | adain.AdaINNetwork | microast.MicroASTNetwork
Predictor = PredictorNetwork | adain.AdaINEncoder | microast.MicroASTPredictor


def _transformer(
    architecture: Transformer, arrays: Mapping[str, Any], dtype: Any
) -> tuple[TransformerNetwork, None]:
    return TransformerNetwork(architecture, arrays, dtype=dtype), None


BUILDERS: Mapping[type, Callable[..., tuple[Network, Predictor | None]]] = (
    MappingProxyType(
        {Transformer: _transformer, AdaIN: adain.build, MicroAST: microast.build}
    )
)
"""What makes the networks of an architecture: that which paints, and that which tells
styles, where it is a part of it."""


@dataclasses.dataclass(frozen=True)
class Stylizer:
    """A style network with the names of its styles.

    Attributes:
      network: that paints.
      predictor: that tells a painting's style, of a network of any style; else None.
        Its `architecture.size` is the side of paintings that it takes, None for any.
      names: of the styles that it has, in their order; () of a network of any style.
      about: where it comes from, its licence, its note.
    """

    network: Network
    predictor: Predictor | None
    names: tuple[str, ...]
    about: Mapping[str, str]

    @classmethod
    def of(
        cls, stored: Stored, metadata: Mapping[str, str], *, dtype: Any = jnp.float32
    ) -> "Stylizer":
        """A stored network, computing in `dtype`."""
        architecture = stored.architecture
        build = BUILDERS[type(architecture)]
        network, predictor = build(architecture, stored.arrays, dtype)
        if stored.predictor:
            predictor = PredictorNetwork(stored.predictor, stored.predictor_arrays)
        names: tuple[str, ...] = ()
        if architecture.takes != "vector":
            names = files.style_names(metadata, architecture.styles)
        return cls(network, predictor, names, metadata)

    def __call__(
        self,
        images: Any,
        style: Style = None,
        *,
        strength: Any = 1.0,
        mask: Any = None,
        keep_mask: Any = None,
    ) -> jax.Array:
        """Painted pictures, of the size of the photos; under jit and vmap too.

        Args:
          images: `[b, h, w, 3]` or `[h, w, 3]`, float, sRGB in [0, 1], 16 pixels a side
            or more.
          style: which of the network's styles, see `Style`; of a network of any style
            what `style_of` a painting gives, for all pictures or one for each.
          strength: how much of the style, from 0 to 1: of the features, in networks
            that adapt these to a style (AdaIN, MicroAST); of the pixels, in others.
          mask: where pictures are painted, elsewhere they stay as they are: an array
            `[h, w]`, or one for each `[b, h, w]`, in [0, 1] or of truth values; or what
            `nst_jax.stylize` takes for a mask, which may be of another size.
          keep_mask: likewise where they stay.

        Returns:
          Like `images`, float32.

        Raises:
          OptionsError: a style that it hasn't; arrays that are no pictures.
          ImageError: a mask that can't be read, or isn't of the pictures' aspect ratio.
        """
        images = _pictures("images", images, (3, 4))
        batch = images if images.ndim == 4 else images[None]
        vector = self.vector(style)
        if vector is not None:
            if vector.ndim == 2 and len(vector) not in (1, len(batch)):
                raise OptionsError(f"{len(vector)} styles for {len(batch)} pictures")
            vector = jnp.broadcast_to(vector, (len(batch), vector.shape[-1]))
        painter: Any = self.network
        if self.network.architecture.blends:
            painted = painter(batch, vector, strength=strength)
        else:
            painted = batch + strength * (painter(batch, vector) - batch)
        if mask is not None or keep_mask is not None:
            share = masked.share(mask, keep_mask, batch.shape[:3])[..., None]
            painted = share * painted + (1 - share) * batch
        return painted if images.ndim == 4 else painted[0]

    def stream(
        self, images: Iterable[Any], style: Style = None, **how: Any
    ) -> Iterator[np.ndarray]:
        """Painted pictures of an iterator, as they come; see `stream.stream`."""
        from nst_jax.feedforward.stream import stream

        return stream(self, images, style, **how)

    def style_of(self, painting: Any) -> jax.Array:
        """The numbers that stand for a painting's style, `[n]`.

        Sums of several paintings' numbers, weighted by shares that sum to 1, stand for
        blends of their styles.

        Args:
          painting: `[h, w, 3]`, float, sRGB in [0, 1]; of the side that
            `predictor.architecture.size` says, if any.

        Raises:
          OptionsError: the network has styles of its own; a painting of another size.
        """
        if self.predictor is None:
            raise OptionsError(f"this network has its own styles: {self._known()}")
        painting = _pictures("painting", painting, (3,))
        side = self.predictor.architecture.size
        if side and painting.shape[:2] != (side, side):
            raise OptionsError(
                f"painting of {painting.shape[1]} x {painting.shape[0]} pixels: this"
                f" network takes {side} x {side}"
            )
        return self.predictor(painting[None])[0]

    def vector(self, style: Style) -> jax.Array | None:
        """What the network takes for a style: `[n]` or `[b, n]`, or None.

        Raises:
          OptionsError: a style that it hasn't.
        """
        architecture = self.network.architecture
        if architecture.takes == "vector":
            if style is None or isinstance(style, int | str | Mapping):
                raise OptionsError("this network paints in any style: give a painting")
            return _numbers(style, architecture.styles)
        if isinstance(style, np.ndarray | jax.Array):
            return _numbers(style, len(self.names))
        shares = self._shares(style)
        if not architecture.takes:
            return None
        total = sum(shares.values())
        found = [shares.get(name, 0.0) / total for name in self.names]
        return jnp.asarray(found, jnp.float32)

    def _shares(self, style: Any) -> dict[str, float]:
        if style is None and len(self.names) > 1:
            raise OptionsError(f"style is missing; choose one of {self._known()}")
        if style is None:
            return {self.names[0]: 1.0}
        if isinstance(style, str):
            given = _parsed(style)
        elif isinstance(style, Mapping):
            given = list(style.items())
        elif isinstance(style, Sequence):
            if len(style) != len(self.names):
                raise OptionsError(
                    f"{len(style)} shares of styles: this network has {len(self.names)}"
                )
            given = list(zip(self.names, style, strict=True))
        else:
            given = [(style, 1.0)]
        shares: dict[str, float] = {}
        named = [(self._name(one), share) for one, share in given]
        try:
            for name, share in named:
                shares[name] = shares.get(name, 0.0) + float(share)
            good = all(0 <= share < 1e9 for share in shares.values())
        except (TypeError, ValueError):
            good = False
        if not good or not sum(shares.values()):
            raise OptionsError(f"style={style!s:.80}: shares are 0 or more, not all 0")
        return shares

    def _name(self, given: Any) -> str:
        if str(given) in self.names:
            return str(given)
        if re.fullmatch("[0-9]{1,4}", str(given)) and int(given) < len(self.names):
            return self.names[int(given)]
        raise OptionsError(f"style={given!s:.60} is not known; it has {self._known()}")

    def _known(self) -> str:
        numbered = [str(n) for n in range(len(self.names))]
        if list(self.names) == numbered and len(numbered) > 1:
            return f"0 to {len(numbered) - 1}"
        return ", ".join(self.names)


def _parsed(text: str) -> list[tuple[str, float]]:
    """`"monet:0.7,munch:0.3"` -> names and shares."""
    shares = []
    for part in text.split(","):
        name, colon, share = part.strip().rpartition(":")
        try:
            shares.append((name.strip(), float(share)) if colon else (share, 1.0))
        except ValueError:
            raise OptionsError(
                f"style={text!r:.80}: give names with shares, such as 2:0.7,5:0.3"
            ) from None
    return shares


def _numbers(style: Any, count: int) -> jax.Array:
    try:
        found = jnp.asarray(style, jnp.float32)
    except (TypeError, ValueError) as error:
        raise OptionsError(f"style={style!s:.80}: no numbers") from error
    if found.ndim not in (1, 2) or found.shape[-1] != count:
        raise OptionsError(
            f"style of shape {found.shape}: this network takes {count} numbers"
        )
    return found


def _pictures(name: str, given: Any, axes: tuple[int, ...]) -> jax.Array:
    """Pictures as an array.

    Raises:
      OptionsError: the argument of this name is something else.
    """
    found = jnp.asarray(given)
    good = found.ndim in axes and found.shape[-1] == 3
    good &= jnp.issubdtype(found.dtype, jnp.floating)
    if not good or min(found.shape[-3:-1]) < _SMALLEST:
        raise OptionsError(
            f"{name} of {found.dtype} {found.shape}: pictures are float, [..., height,"
            f" width, 3], sRGB in [0, 1], {_SMALLEST} pixels a side or more"
        )
    return found
