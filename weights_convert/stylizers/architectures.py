"""The kinds of style networks, as values: what paints, and what tells styles.

To add a kind: a file in `weights_convert/architectures` with what `Painter` asks for, a
line here, a module that computes it and a line in `nst_jax/feedforward/stylizer.py`.
"""

import dataclasses
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

from weights_convert.architectures.adain import AdaIN
from weights_convert.architectures.microast import MicroAST
from weights_convert.architectures.mobilenet import Predictor
from weights_convert.architectures.transformer import Transformer
from weights_convert.errors import WeightsError


class Painter(Protocol):
    """What a network that paints says of itself; a frozen dataclass.

    Attributes:
      takes: what says the style: "", "shares" of its own styles, or the "vector" of
        any style.
      blends: whether a part of the style can be asked for, in its features.
      multiple: pixels that its smallest features stand for.
      styles: how many shares, or numbers of a vector.
      reach: pixels around one that its result depends on, but for statistics.
      shapes: every stored key with its shape.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def takes(self) -> str:
        """See above."""

    @property
    def blends(self) -> bool:
        """See above."""

    @property
    def multiple(self) -> int:
        """See above."""

    @property
    def styles(self) -> int:
        """See above."""

    @property
    def reach(self) -> int:
        """See above."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """See above."""


PAINTERS: Mapping[str, type] = MappingProxyType(
    {"transformer": Transformer, "adain": AdaIN, "microast": MicroAST}
)
"""By the names that stored files have for them; one without a name is the first."""

PREDICTORS: Mapping[str, type] = MappingProxyType({"mobilenet": Predictor})
"""Those that tell a style where the painter doesn't itself."""

_DEEPEST = 10_000  # Characters; a table's values are some hundred.


def text(architecture: Any, kinds: Mapping[str, type]) -> str:
    """An architecture as JSON, for the metadata of a file; see `parsed`."""
    (kind,) = (name for name, made in kinds.items() if made is type(architecture))
    return json.dumps({"kind": kind, **dataclasses.asdict(architecture)})


def parsed(described: str, kinds: Mapping[str, type]) -> Any:
    """The architecture whose `text` this is.

    Raises:
      WeightsError: it is none of these kinds.
    """
    try:
        if len(described) > _DEEPEST:
            raise ValueError("too long")
        values: dict[str, Any] = json.loads(described)
        kind = values.pop("kind", next(iter(kinds)))
        if kind not in kinds:
            raise WeightsError(
                f"a style network of a kind not known here, {kind!r:.40}; a later"
                " version of nst-jax may know it"
            )
        return kinds[kind](
            **{
                name: tuple(value) if isinstance(value, list) else value
                for name, value in values.items()
            }
        )
    except (AttributeError, RecursionError, TypeError, ValueError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(f"describes no style network: {described:.100}") from error
