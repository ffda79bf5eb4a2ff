"""A style network that is ready to paint: arrays in, painted arrays out."""

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.errors import OptionsError
from nst_jax.feedforward.predictor import PredictorNetwork
from nst_jax.feedforward.transformer import Statistics, TransformerNetwork
from weights_convert.stylizers.stylizer import Stylizer as Stored

__all__ = ["Statistics", "Style", "Stylizer"]

Style = (
    int | str | Mapping[Any, float] | Sequence[float] | np.ndarray | jax.Array | None
)
"""Which style: a number or a name; shares by number or name; "2:0.7,monet:0.3"; one
share for each; the numbers of a style's vector; None where there is one only."""


@dataclasses.dataclass(frozen=True)
class Stylizer:
    """A style network with the names of its styles.

    Attributes:
      network: that paints.
      predictor: that tells a painting's style, of a network of any style; else None.
      names: of the styles that it has, in their order; () of a network of any style.
      about: where it comes from, its licence, its note.
    """

    network: TransformerNetwork
    predictor: PredictorNetwork | None
    names: tuple[str, ...]
    about: Mapping[str, str]

    @classmethod
    def of(
        cls, stored: Stored, metadata: Mapping[str, str], *, dtype: Any = jnp.float32
    ) -> "Stylizer":
        """A stored network, computing in `dtype`."""
        architecture = stored.architecture
        predictor = None
        if stored.predictor:
            predictor = PredictorNetwork(stored.predictor, stored.predictor_arrays)
        names: tuple[str, ...] = ()
        if architecture.norm != "adaptive":
            known = json.loads(metadata.get("styles", "[]"))
            names = tuple(map(str, known)) or tuple(
                map(str, range(architecture.styles))
            )
        network = TransformerNetwork(architecture, stored.arrays, dtype=dtype)
        return cls(network, predictor, names, metadata)

    def __call__(self, images: Any, style: Style = None) -> jax.Array:
        """Painted pictures, of the size of the photos; under jit and vmap too.

        Args:
          images: `[b, h, w, 3]` or `[h, w, 3]`, float, sRGB in [0, 1].
          style: which of the network's styles, see `Style`; of a network of any style
            what `style_of` a painting gives.

        Returns:
          Like `images`, float32.

        Raises:
          OptionsError: a style that it hasn't.
        """
        images = jnp.asarray(images)
        batch = images if images.ndim == 4 else images[None]
        vector = self.vector(style)
        if vector is not None:
            vector = jnp.broadcast_to(vector, (len(batch), vector.shape[-1]))
        painted = self.network(batch, vector)
        return painted if images.ndim == 4 else painted[0]

    def stream(
        self, images: Iterable[Any], style: Style = None, **how: Any
    ) -> Iterator[np.ndarray]:
        """Painted pictures of an iterator, as they come; see `stream.stream`."""
        from nst_jax.feedforward.stream import stream

        return stream(self, images, style, **how)

    def style_of(self, painting: Any) -> jax.Array:
        """The numbers that stand for a painting's style, `[n]`.

        Args:
          painting: `[size, size, 3]`, sRGB in [0, 1], of the size that
            `predictor.architecture` says.

        Raises:
          OptionsError: the network has styles of its own.
        """
        if self.predictor is None:
            raise OptionsError(f"this network has its own styles: {self._known()}")
        return self.predictor(jnp.asarray(painting)[None])[0]

    def vector(self, style: Style) -> jax.Array | None:
        """What the network takes for a style: `[n]` or `[b, n]`, or None.

        Raises:
          OptionsError: a style that it hasn't.
        """
        architecture = self.network.architecture
        if architecture.norm == "adaptive":
            if style is None or isinstance(style, int | str | Mapping):
                raise OptionsError("this network paints in any style: give a painting")
            return _numbers(style, architecture.styles)
        if isinstance(style, np.ndarray | jax.Array | list | tuple):
            return _numbers(style, len(self.names))
        shares = self._shares(style)
        if architecture.norm == "instance":
            return None
        total = sum(shares.values())
        found = np.zeros(len(self.names), np.float32)
        for name, share in shares.items():
            found[self.names.index(name)] += share / total
        return jnp.asarray(found)

    def _shares(self, style: Any) -> dict[str, float]:
        if style is None and len(self.names) > 1:
            raise OptionsError(f"style is missing; choose one of {self._known()}")
        if style is None:
            return {self.names[0]: 1.0}
        if isinstance(style, str):
            style = _parsed(style)
        elif not isinstance(style, Mapping):
            style = {style: 1.0}
        shares: dict[str, float] = {}
        for given, share in style.items():
            name = self._name(given)
            shares[name] = shares.get(name, 0.0) + float(share)
        if not all(0 <= share < 1e9 for share in shares.values()) or not sum(
            shares.values()
        ):
            raise OptionsError(f"style={style}: shares are 0 or more, not all 0")
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


def _parsed(text: str) -> dict[str, float]:
    """`"monet:0.7,munch:0.3"` -> shares by name."""
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, colon, share = part.strip().rpartition(":")
        try:
            name, number = (name, float(share)) if colon else (share, 1.0)
        except ValueError:
            raise OptionsError(
                f"style={text!r}: give names with shares, such as 2:0.7,5:0.3"
            ) from None
        shares[name] = shares.get(name, 0.0) + number
    return shares


def _numbers(style: Any, count: int) -> jax.Array:
    found = jnp.asarray(style, jnp.float32)
    if found.ndim not in (1, 2) or found.shape[-1] != count:
        raise OptionsError(
            f"style of shape {found.shape}: this network takes {count} numbers"
        )
    return found
