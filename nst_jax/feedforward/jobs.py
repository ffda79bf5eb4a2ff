"""What is asked of a style network: pictures in styles, plain data without JAX."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from nst_jax.errors import OptionsError
from nst_jax.feedforward.options import Options, changed
from nst_jax.images.source import Source

SCHEME = "pass 1"
"""Version of `Job.digest`, and part of it."""

MASKS = ("mask", "keep_mask", "color_mask")
"""What says where of a picture something is done, by flag."""


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture painted in one pass, as a folder of results knows it.

    Attributes:
      content: the photo.
      styles: the paintings, or what the network's style is called.
      paintings: files with their shares, of a network of any style.
      options: of this picture; `style` says which of the network's it is.
      mask: white where it is painted; None: everywhere.
      keep_mask: white where the photo is kept.
      color_mask: black where its colours are.
    """

    content: Source
    styles: tuple[Source, ...]
    options: Options
    paintings: tuple[tuple[Source, float], ...] = ()
    mask: Source | None = None
    keep_mask: Source | None = None
    color_mask: Source | None = None

    @property
    def sources(self) -> tuple[Source, ...]:
        """All pictures that it is made of, each once."""
        paintings = (source for source, _ in self.paintings)
        masks = self.masks.values()
        return tuple(dict.fromkeys((self.content, *paintings, *masks)))

    @property
    def masks(self) -> dict[str, Source]:
        """Its masks, by flag."""
        given = {name: getattr(self, name) for name in MASKS}
        return {name: one for name, one in given.items() if one is not None}

    @property
    def mask_names(self) -> dict[str, str]:
        """What the picture tells of its masks, by flag."""
        return {name: one.name for name, one in self.masks.items()}

    def digest(self, contents: Mapping[str, str], weights: str) -> str:
        """What makes its picture, as hex; another picture, another digest.

        Args:
          contents: digests of the sources, by key.
          weights: digest of the network's weights.
        """
        options = changed(self.options)
        options.pop("model", None)  # Its weights say what it is.
        if self.paintings:
            options.pop("style", None)
        paintings = [[contents[source.key], share] for source, share in self.paintings]
        parts = [SCHEME, contents[self.content.key], paintings, weights, options]
        parts += [{name: contents[mask.key]} for name, mask in self.masks.items()]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def job(photo: str, paintings: Mapping[str, float], options: Options) -> Job:
    """A photo in the style of paintings, or where there are none in a network's own."""
    if not paintings:
        return Job(Source(photo), (Source(style_label(options)),), options)
    shares = tuple((Source(path), share) for path, share in paintings.items())
    return Job(Source(photo), tuple(source for source, _ in shares), options, shares)


def style_label(options: Options) -> str:
    """What a network's style is called where paintings have names of files."""
    model = Path(options.model).stem or "network"
    if options.style is None:
        return model
    # Without dots, after which a file's name would be cut.
    parts = []
    for part in options.style.split(","):
        name, colon, share = part.strip().rpartition(":")
        try:
            parts.append(f"{name}-{100 * float(share):.0f}" if colon else share)
        except ValueError:
            parts.append(part)
    return "_".join([model, *parts]).replace(".", "_")


def paintings_of(text: str) -> dict[str, float]:
    """`"a.jpg:0.7,b.jpg:0.3"` -> shares by path, which sum to 1.

    Raises:
      OptionsError: shares that are none, or no file of that name.
    """
    if os.path.exists(text):
        return {text: 1.0}
    shares: dict[str, float] = {}
    for part in text.split(","):
        path, colon, share = part.strip().rpartition(":")
        try:
            path, number = (path, float(share)) if colon else (share, 1.0)
        except ValueError:
            path, number = part.strip(), 1.0
        if not os.path.exists(path):
            raise OptionsError(
                f"style={path}: no such painting; check the name, "
                "or name the network by --model"
            )
        shares[path] = shares.get(path, 0.0) + number
    total = sum(shares.values())
    if not all(0 <= share < 1e9 for share in shares.values()) or not total:
        raise OptionsError(f"style={text}: shares are 0 or more, not all 0")
    return {path: share / total for path, share in shares.items()}
