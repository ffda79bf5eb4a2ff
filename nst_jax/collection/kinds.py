"""What a folder needs to know of jobs and results, of whatever kind they are."""

import os
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import numpy as np

from nst_jax.images.source import Source


class AnyJob(Protocol):
    """One picture that is asked for: of `transfer.jobs`, or of one pass."""

    @property
    def content(self) -> Source:
        """The photo."""

    @property
    def styles(self) -> tuple[Source, ...]:
        """The painting, or several; or what stands for one."""

    @property
    def sources(self) -> tuple[Source, ...]:
        """All files that it is made of."""

    @property
    def options(self) -> Any:
        """A dataclass; its `network` says whose weights it depends on."""

    @property
    def mask_names(self) -> Mapping[str, Any]:
        """Files of its masks, by flag; none: it isn't divided."""

    def digest(self, contents: Mapping[str, str], weights: str) -> str:
        """What makes its picture, as hex."""


class AnyResult(Protocol):
    """A picture that was made: `transfer.results.Result`, or of one pass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def image(self) -> np.ndarray:
        """`[h, w, 3]` in [0, 1]."""

    @property
    def at(self) -> int | None:
        """The iteration that was asked for; None: the last."""

    @property
    def finished(self) -> bool:
        """Whether it is the picture that was asked for."""

    @property
    def loss(self) -> float | None:
        """The lowest, where there is one."""

    @property
    def losses(self) -> np.ndarray:
        """Of every iteration."""

    @property
    def iterations(self) -> int:
        """Updates made."""

    @property
    def seconds(self) -> float:
        """Of making it."""

    @property
    def told(self) -> str:
        """How it came about, in a few words."""

    def description(self) -> dict[str, Any]:
        """What made it."""

    def save(self, path: str | os.PathLike) -> None:
        """Writes it."""
