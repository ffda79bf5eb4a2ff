"""What is asked for in vain: options that can't change a picture, a line each.

What an option needs of others is in its line in `Options`. Here is what else it needs:
of the paintings, of the network, of the sizes, of the machine.
"""

import collections
import dataclasses
import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from nst_jax.errors import ImageError, counted
from nst_jax.fields import unmet
from nst_jax.options import CONTENT, FIELDS, STYLE, Options, chosen, joined, word
from nst_jax.transfer.jobs import Job, has_photos_colours
from nst_jax.transfer.regions import Regions
from nst_jax.transfer.sizes import settled, sides
from weights_convert import architectures

Said = str | None
"""A line about an option; None: it matters."""


def lines(
    jobs: Sequence[Job],
    given: Collection[str],
    varied: Sequence[Collection[str]] | None = None,
) -> list[str]:
    """A line for each option that was asked for and changes none of the pictures.

    `["--history has no effect with --solver=adam"]`

    Args:
      jobs: at least one.
      given: options by name, that were asked for by hand.
      varied: options of each job that are to make it another than others. Those have to
        matter in every job, as two pictures would be the same.
    """
    names = varied or [()] * len(jobs)
    alike = collections.Counter(
        (_sized(job), len(job.styles), job.regions, frozenset(of))
        for job, of in zip(jobs, names, strict=True)
    )
    swept = dict.fromkeys(name for *_, of in alike for name in sorted(of))
    swept = {name: None for name in swept if name in FIELDS}  # Masks matter.
    found = []
    for name in dict.fromkeys((*given, *swept)):
        concerned = [key for key in alike if name in key[3] or name not in swept]
        said = {key: line for key in concerned if (line := _said(name, *key[:3]))}
        line = next(iter(said.values()), None)
        if line and len(said) == len(concerned):
            found.append(line)
        elif line and name in swept:
            count = sum(alike[key] for key in said)
            found.append(f"{line}, as in {count} of {counted(len(jobs), 'picture')}")
    return [*found, *_color_masks(jobs)]


def _color_masks(jobs: Sequence[Job]) -> list[str]:
    """A line where masks of colours change nothing, as pictures have none of theirs."""
    asked = [job for job in jobs if job.regions and job.regions.color]
    vain = [job for job in asked if has_photos_colours(job.options)]
    if not vain:
        return []
    line = f"--color_mask has no effect with {_written(vain[0].options, 'color')}"
    if len(vain) == len(asked):
        return [line]
    return [f"{line}, as in {len(vain)} of {counted(len(jobs), 'picture')}"]


def too_many(name: str, value: int, most: int, what: str) -> Said:
    """What is said of a number that is above what there is.

    `--lanes=8 is --lanes=3 with 3 pictures`
    """
    return f"--{name}={value} is --{name}={most} with {what}" if value > most else None


def _sized(job: Job) -> Options:
    """A job's options, with a number for their size where that tells anything."""
    if job.options.size != "original":
        return job.options
    if job.options.pyramid != 1:
        try:
            shapes = {one.key: one.shape() for one in (job.content, *job.styles)}
            return settled(job, shapes).options
        except ImageError:  # Said when it is read.
            pass
    return dataclasses.replace(job.options, size=Options.size)


def _said(name: str, options: Options, paintings: int, regions: Regions | None) -> Said:
    if cause := unmet(FIELDS[name].metadata["needs"], options, but=name):
        return f"--{name} has no effect with {_written(options, cause)}"
    if line := _of_regions(name, regions):
        return line
    further = _FURTHER.get(name)
    return further(options, paintings) if further else None


def _written(options: Options, name: str) -> str:
    value = getattr(options, name)
    items = value if isinstance(value, tuple) else (value,)
    return f"--{name}={','.join(str(item).removesuffix('.0') for item in items)}"


def _instead(options: Options, name: str, meaning: Any) -> str:
    """`--precision=tf32 is --precision=float32`"""
    return f"{_written(options, name)} is --{name}={word(name, meaning)}"


def _of_regions(name: str, regions: Regions | None) -> Said:
    """What the options of masks need, and what masks leave no use for."""
    if regions is None:
        masks = FIELDS[name].metadata["group"] == "regions"
        return f"--{name} has no effect without masks" if masks else None
    if name in ("mask_reach", "mask_grow", "mask_balance") and not regions.divides:
        return f"--{name} has no effect with --color_mask alone"
    if name == "unmatched" and regions.content is None:
        return "--unmatched has no effect without --content_mask"
    if name == "style_blend" and regions.masks:
        return "--style_blend has no effect with --mask: each painting has its own"
    several = [paintings for _, paintings in regions.assigned if len(paintings) > 1]
    if name == "style_blend" and regions.assigned and not several:
        return "--style_blend has no effect where no region has several paintings"
    return None


def _blend(options: Options, paintings: int) -> Said:
    return "--style_blend has no effect with one painting" if paintings == 1 else None


def _pyramid(options: Options, paintings: int) -> Said:
    sizes = len(sides(options))
    if sizes == 1 != options.pyramid:
        return f"--pyramid has no effect with --size={options.size}"
    return too_many("pyramid", options.pyramid, sizes, f"--size={options.size}")


def _of_sizes(name: str, options: Options, paintings: int) -> Said:
    if len(sides(options)) > 1:
        return None
    return f"--{name} has no effect with --size={options.size}"


def _at_rest(name: str, options: Options, paintings: int) -> Said:
    # The photo is what its own content asks for.
    at_rest = options.init == "content" and len(sides(options)) == 1
    if unmet(STYLE, options) != name or options.tv_weight or not at_rest:
        return None
    return f"{_written(options, name)} leaves the photo as it is with --init=content"


def _edges(name: str, options: Options, paintings: int) -> Said:
    longest = sides(options)[-1]
    if not options.edge_weight or longest >= 3 * min(options.edge_pools):
        return None
    sizes = f"--size={options.size}"
    if name != "edge_pools":
        sizes += f" and {_written(options, 'edge_pools')}"
    return f"--{name} has no effect with {sizes}"


def _features(options: Options, paintings: int) -> Said:
    losses = {"style": STYLE, "content": CONTENT}
    weighing = [kind for kind, needs in losses.items() if not unmet(needs, options)]
    kept = dataclasses.replace(options, features="hypercolumns")
    if any(joined(kept, kind) for kind in weighing):
        return None
    finishing = options.finish_loss if "style" in weighing else "none"
    if finishing != "none":
        kept = dataclasses.replace(kept, style_loss=finishing)
        if joined(kept, "style"):
            return None
    named = " and ".join(_written(options, f"{kind}_loss") for kind in losses)
    return f"--features has no effect with {named}"


def _style_tap_decay(options: Options, paintings: int) -> Said:
    if options.style_tap_decay == 1:
        return None
    cause = ""
    if options.style_tap_weights:
        cause = "style_tap_weights"
    elif {options.style_loss, options.finish_loss} <= {"neighbors", "none"}:
        cause = "style_loss"
    elif joined(options, "style"):
        cause = "features"
    if not cause:
        return None
    return f"--style_tap_decay has no effect with {_written(options, cause)}"


def _color(options: Options, paintings: int) -> Said:
    # Painting and photo are matched for the style and for that start alone.
    coloring, cause = chosen(options, "color"), unmet(STYLE, options)
    if not coloring.match or coloring.grey or options.init == "style" or not cause:
        return None
    return f"{_written(options, 'color')} has no effect with {_written(options, cause)}"


def _of_losses(name: str, *losses: str) -> Callable[[Options, int], Said]:
    """What is said of an option that only these style losses look at."""

    def said(options: Options, paintings: int) -> Said:
        if {options.style_loss, options.finish_loss} & {*losses}:
            return None
        return f"--{name} has no effect with {_written(options, 'style_loss')}"

    return said


def _content_share(options: Options, paintings: int) -> Said:
    if line := _of_losses("content_share", "neighbors")(options, paintings):
        return line
    # At the smallest size the photo alone is matched.
    only = options.finish_loss != "neighbors"
    return _of_sizes("content_share", options, paintings) if only else None


def _tap_weights(options: Options, paintings: int) -> Said:
    # Of hypercolumns all taps are one vector.
    if {options.style_loss, options.finish_loss} - {"neighbors", "none"}:
        return None
    return f"--style_tap_weights has no effect with {_written(options, 'style_loss')}"


def _seed(options: Options, paintings: int) -> Said:
    noise = options.init in ("noise", "mean", "gaussian", "pink")
    losses = {"style": STYLE, "content": CONTENT}
    weighing = [kind for kind, needs in losses.items() if not unmet(needs, options)]
    splits = "neighbors_split" in (options.style_loss, options.finish_loss)
    drawing = any(joined(options, kind) for kind in weighing)
    if noise or drawing or (splits and "style" in weighing):
        return None
    return f"--seed has no effect with {_written(options, 'init')}"


def _pooling(options: Options, paintings: int) -> Said:
    taps = options.content_taps + options.style_taps
    layers = architectures.find(options.network).leading_to(taps)
    pools = [one for one in layers if isinstance(one, architectures.Pooling)]
    if not pools:
        return f"--pooling has no effect with the taps {', '.join(taps)}"
    kind = chosen(options, "pooling")
    if kind.ceil and all(one.ceil for one in pools):
        plain = _instead(options, "pooling", dataclasses.replace(kind, ceil=False))
        return f"{plain} with --network={options.network}"
    return None


def _border(options: Options, paintings: int) -> Said:
    taps = options.content_taps + options.style_taps
    layers = architectures.find(options.network).leading_to(taps)
    seen = [one for one in layers if isinstance(one, architectures.Convolution)]
    if chosen(options, "border").first:
        seen = seen[:1]
    if options.border == "zero" or any(one.padding for one in seen):
        return None
    written = _written(options, "border")
    return f"{written} is --border=zero with --network={options.network}"


def _precision(options: Options, paintings: int) -> Said:
    precision = chosen(options, "precision")
    here = precision.here()
    if options.precision == "auto" or here == precision:
        return None
    return f"{_instead(options, 'precision', here)} on this device"


_FURTHER: Mapping[str, Callable[[Options, int], Said]] = MappingProxyType(
    {
        "style_blend": _blend,
        **{name: functools.partial(_at_rest, name) for name in STYLE},
        "style_tap_weights": lambda options, paintings: (
            _at_rest("style_tap_weights", options, paintings)
            or _tap_weights(options, paintings)
        ),
        "gram": _of_losses("gram", "gram"),
        "content_share": _content_share,
        "seed": _seed,
        **{n: functools.partial(_edges, n) for n in ("edge_weight", "edge_pools")},
        "pyramid": _pyramid,
        **{n: functools.partial(_of_sizes, n) for n in ("pyramid_first", "carry")},
        "features": _features,
        "style_tap_decay": _style_tap_decay,
        "color": _color,
        "pooling": _pooling,
        "border": _border,
        "precision": _precision,
    }
)
