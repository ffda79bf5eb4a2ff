"""Which names the keys of a file are, behind which prefix, and of which network.

Models are saved from within others (`module.`, `model.`, `vgg19/`), and their
convolutional part by itself; what stands before all keys says nothing of the weights.
"""

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from weights_convert.architectures import NETWORKS, Architecture
from weights_convert.errors import WeightsError
from weights_convert.layouts import LAYOUTS, Layout
from weights_convert.origin import by_filters

_SHOWN = 3  # keys, at most, in a line


@dataclasses.dataclass(frozen=True)
class Match:
    """What a layout finds in a file, under the keys that are left without `prefix`.

    `used` is `{our key: the file's}`, `shaped` how many of these have the right shape.
    """

    layout: Layout
    prefix: str
    used: Mapping[str, str]
    shaped: int

    def named(self, arrays: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """The arrays behind the prefix, without it."""
        if not self.prefix:
            return arrays
        return {
            key.removeprefix(self.prefix): array
            for key, array in arrays.items()
            if key.startswith(self.prefix)
        }


def match(
    arrays: Mapping[str, np.ndarray], layout: Layout, architecture: Architecture
) -> Match:
    """What a layout finds, behind the prefix where it finds most.

    Raises:
      WeightsError: it finds all of the network twice.
    """
    keys = layout.keys(architecture)
    first = keys[f"{architecture.convolutions[0].name}/kernel"]
    prefixes = {""} | {
        key.removesuffix(source)
        for key in arrays
        for source in first
        if key.endswith((f".{source}", f"/{source}"))
    }
    matches = [
        _behind(prefix, arrays, layout, architecture)
        for prefix in sorted(prefixes, key=lambda prefix: (len(prefix), prefix))
    ]
    best = max(matches, key=lambda found: (found.shaped, len(found.used)))
    if not best.shaped:
        return matches[0]
    if best.shaped == len(architecture.shapes):
        whole = {
            frozenset(found.prefix + key for key in found.used.values()): found.prefix
            for found in reversed(matches)  # the shortest stays
            if found.shaped == best.shaped
        }
        if len(whole) > 1:
            places = " and ".join(
                f"{prefix!r:.60}" for prefix in sorted(whole.values())
            )
            raise WeightsError(f"holds the network twice, below {places}; save one")
    return best


def choose_layout(
    arrays: Mapping[str, np.ndarray], format_name: str, architecture: Architecture
) -> Layout:
    """The layout of this format and family that finds most of its keys in `arrays`.

    Raises:
      WeightsError: no layout of the format fits the network's family.
    """
    candidates = _layouts((format_name,), architecture)
    if not candidates:
        raise WeightsError(
            f"no {architecture.family} network is known in format {format_name!r};"
            " see weights_convert.layouts.LAYOUTS"
        )
    matches = [match(arrays, layout, architecture) for layout in candidates]
    return max(matches, key=lambda found: (found.shaped, len(found.used))).layout


def unclaimed(
    arrays: Mapping[str, np.ndarray], layout: Layout, used: Iterable[str]
) -> list[str]:
    """What to say of layers that the network doesn't have."""
    known = {*used}
    rest = [key for key in arrays if key not in known and key.startswith(layout.claims)]
    lines = [f"{key!r:.80} is no layer of it" for key in rest[:_SHOWN]]
    if len(rest) > _SHOWN:
        lines.append(f"nor are {len(rest) - _SHOWN} more")
    if any(key.endswith(".running_mean") for key in rest):
        lines.append("it has batch norms, as another network has")
    return lines


def identify(arrays: Mapping[str, np.ndarray], formats: tuple[str, ...]) -> list[str]:
    """The networks whose layers these are, all of them and no others."""
    names: list[str] = []
    for architecture in NETWORKS.values():
        for layout in _layouts(formats, architecture):
            found = match(arrays, layout, architecture)
            named = found.named(arrays)
            whole = found.shaped == len(architecture.shapes)
            if not whole or unclaimed(named, layout, found.used.values()):
                continue
            kernel = named[found.used[f"{architecture.convolutions[0].name}/kernel"]]
            origin = by_filters(kernel.transpose(layout.axes), architecture)
            if origin is not None:
                return [origin.network]
            colors = layout.channels in (None, architecture.preprocessing.channels)
            rescaled = architecture.name.endswith("-normalized")
            if colors and layout.normalized in (None, rescaled):
                names.append(architecture.name)
    return names


def _layouts(formats: tuple[str, ...], architecture: Architecture) -> list[Layout]:
    return [
        layout
        for layout in LAYOUTS
        if {*formats} & {*layout.formats}
        and layout.family in (None, architecture.family)
    ]


def _behind(
    prefix: str,
    arrays: Mapping[str, np.ndarray],
    layout: Layout,
    architecture: Architecture,
) -> Match:
    used, shaped = {}, 0
    keys = layout.keys(architecture)
    for target, shape in architecture.shapes.items():
        source = next((key for key in keys[target] if prefix + key in arrays), None)
        if source is not None:
            used[target] = source
            axes = layout.axes if target.endswith("/kernel") else (0,)
            shaped += arrays[prefix + source].shape == file_shape(shape, axes)
    return Match(layout, prefix, used, shaped)


def file_shape(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that an array has in a file, of ours and the axes that bring it."""
    expected = [0] * len(shape)
    for size, axis in zip(shape, axes, strict=True):
        expected[axis] = size
    return tuple(expected)
