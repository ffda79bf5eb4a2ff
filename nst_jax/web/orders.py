"""What is asked of the page: checked before anything is queued."""

import dataclasses
import difflib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from nst_jax import fields
from nst_jax.errors import OptionsError, counted
from nst_jax.feedforward.options import Options as PassOptions
from nst_jax.images.frames import Shape
from nst_jax.options import STARTS, Options
from nst_jax.presets import PRESETS
from nst_jax.transfer import jobs
from nst_jax.web.limits import Limits
from nst_jax.web.networks import Network
from weights_convert.errors import WeightsError

KINDS = ("optimise", "apply")
PAINTING = 512
"""Longest side of a painting that one pass looks at, in pixels."""

_MOST_SIZES = 64  # Of a pyramid.
_KNOWN = {
    "optimise": (
        *("kind", "photo", "paintings", "shares", "preset", "options", "masks"),
        *("keep_mask", "color_mask", "start"),
    ),
    "apply": (
        *("kind", "photo", "painting", "network", "options", "masks"),
        *("keep_mask", "color_mask"),
    ),
}


@dataclasses.dataclass(frozen=True)
class Order:
    """A picture that is asked for, plain data.

    Attributes:
      kind: "optimise", or "apply" for one pass.
      photo: upload or example, by its identifier.
      paintings: likewise.
      shares: of the paintings; none: equal ones.
      preset: whose options are the base; None: the defaults are.
      network: that paints in one pass.
      options: that were given by hand, by name.
      masks: uploads, one for each painting; of one pass one.
      keep_mask: upload, white where the photo is kept.
      color_mask: upload, black where the photo's colours are.
      start: upload, or job whose result is one, to begin with.
    """

    kind: str
    photo: str
    paintings: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    preset: str | None = None
    network: str | None = None
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    masks: tuple[str, ...] = ()
    keep_mask: str | None = None
    color_mask: str | None = None
    start: str | None = None

    @property
    def pictures(self) -> tuple[str, ...]:
        """Identifiers of all pictures that it needs, but for `start`."""
        further = (one for one in (self.keep_mask, self.color_mask) if one)
        return (self.photo, *self.paintings, *self.masks, *further)

    @property
    def needed(self) -> tuple[str, ...]:
        """All of them, with `start`, which may be a job."""
        return (*self.pictures, self.start) if self.start else self.pictures

    def chosen(self) -> Options:
        """The options of an optimisation.

        Raises:
          OptionsError: one that isn't known, or whose value isn't allowed.
        """
        base = PRESETS[self.preset].options if self.preset else Options()
        given = dict(self.options)
        if self.shares:
            given["style_blend"] = self.shares
        return changed(base, given)

    def chosen_of_pass(self) -> PassOptions:
        """The options of one pass; raises as `chosen`."""
        return changed(PassOptions(model=self.network or ""), self.options)

    def settled(self) -> "Order":
        """The same with values in place of texts and lists; raises as `chosen`."""
        is_pass = self.kind == "apply"
        options: Any = self.chosen_of_pass() if is_pass else self.chosen()
        values = {name: getattr(options, name) for name in self.options}
        return dataclasses.replace(self, options=values)


def changed(base: Any, given: Mapping[str, Any]) -> Any:
    """Options with values by name, which may be the text that a flag takes.

    Raises:
      OptionsError: one that isn't known, or whose value isn't allowed.
    """
    known = {field.name: field for field in dataclasses.fields(base)}
    values = {}
    for name, value in given.items():
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise OptionsError(f"{name!r:.60} is no option{hint}")
        if isinstance(value, str):
            value = fields.parse(known[name], value)
        values[name] = fields.plain(known[name], value)
    return dataclasses.replace(base, **values)


def parsed(asked: Any, *, limits: Limits, networks: Mapping[str, Network]) -> Order:
    """The order that JSON asks for, checked but for its pictures.

    Args:
      asked: an object, as docs/serve.md has it.
      limits: of the server.
      networks: style networks that are here.

    Raises:
      OptionsError: something that isn't known, is missing, or is beyond a limit.
    """
    if not isinstance(asked, Mapping) or asked.get("kind") not in KINDS:
        raise OptionsError(f"kind is missing: give one of {', '.join(KINDS)}")
    kind = asked["kind"]
    if further := [name for name in asked if name not in _KNOWN[kind]]:
        raise OptionsError(f"{further[0]!r:.60} is nothing that a job of {kind} has")
    order = Order(
        kind=kind,
        photo=_name(asked, "photo") or _missing("photo"),
        paintings=_names(asked, "paintings") + _names_of_one(asked, "painting"),
        shares=_shares(asked.get("shares") or ()),
        preset=_name(asked, "preset"),
        network=_name(asked, "network"),
        options=_options(asked.get("options") or {}),
        masks=_names(asked, "masks"),
        keep_mask=_name(asked, "keep_mask"),
        color_mask=_name(asked, "color_mask"),
        start=_name(asked, "start"),
    )
    check(order, limits, networks)
    return order.settled()


def check(order: Order, limits: Limits, networks: Mapping[str, Network]) -> None:
    """Raises `OptionsError` if an order's parts don't fit together, or the limits."""
    many = max(len(order.paintings), len(order.masks))
    if many > limits.paintings:
        raise OptionsError(
            f"{counted(many, 'painting')}: give {limits.paintings} or fewer"
        )
    if order.kind == "apply":
        _check_pass(order, limits, networks)
        return
    if order.preset is not None and order.preset not in PRESETS:
        raise OptionsError(
            f"preset={order.preset!r:.60} is not known; choose one of "
            f"{', '.join(PRESETS)}"
        )
    options = order.chosen()
    if options.init not in STARTS:
        raise OptionsError(f"init is one of {', '.join(STARTS)}; or give a start")
    try:
        jobs.check_options(options, len(order.paintings))
    except WeightsError as error:
        raise OptionsError(str(error)) from error
    _check_bounds(options, limits)


def check_size(order: Order, shape: Shape, limits: Limits) -> None:
    """Raises `OptionsError` if a size in words is beyond the limits.

    Args:
      order: that was checked.
      shape: height and width of its photo.
      limits: of the server.
    """
    if order.options.get("size") == "original" and max(shape) > limits.side:
        raise OptionsError(
            f"size=original is {max(shape)} pixels; give {limits.side} or fewer"
        )


def _check_bounds(options: Options, limits: Limits) -> None:
    side = options.size if isinstance(options.size, int) else limits.side
    found = [
        ("size", side, limits.side),
        ("steps", options.steps, limits.steps),
        ("pyramid", options.pyramid, _MOST_SIZES),
    ]
    for name, value, most in found:
        if value > most:
            raise OptionsError(f"{name}={value} is too much here: give {most} or less")
    if round(side * options.style_scale) > limits.painting_side:
        raise OptionsError(
            f"style_scale={options.style_scale:g}: paintings of "
            f"{side * options.style_scale:.0f} pixels are too much here; "
            f"{limits.painting_side} is the most"
        )


def _check_pass(order: Order, limits: Limits, networks: Mapping[str, Network]) -> None:
    network = networks.get(order.network or "")
    if network is None:
        raise OptionsError(
            f"network={order.network!r:.60} is not here; choose one of "
            f"{', '.join(networks)}"
        )
    if "model" in order.options:
        raise OptionsError("the network is named by network, not by options")
    if network.takes == "painting":
        if "style" in order.options:
            raise OptionsError("style: give the painting that was sent, as painting")
        if not order.paintings:
            raise OptionsError(f"{network.name} paints in any style: give a painting")
    elif order.paintings:
        raise OptionsError(f"{network.name} has its own styles: leave painting out")
    options = order.chosen_of_pass()
    network.check_style(options.style)
    if (options.longest or 0) > limits.side:
        raise OptionsError(f"size={options.longest}: give {limits.side} or less")
    small = (options.longest or limits.side) / options.stroke_size
    if small > limits.painting_side:
        raise OptionsError(f"stroke_size={options.stroke_size:g} is too little here")
    if len(order.masks) > 1:
        raise OptionsError("masks: one pass takes one, of where it paints")


def _missing(name: str) -> Any:
    raise OptionsError(f"{name} is missing: send a picture, and give its id")


def _name(asked: Mapping[str, Any], key: str) -> str | None:
    value = asked.get(key)
    if value is not None and not (isinstance(value, str) and 0 < len(value) <= 80):
        raise OptionsError(f"{key}={value!r:.60}: give the id or name of one")
    return value


def _names_of_one(asked: Mapping[str, Any], key: str) -> tuple[str, ...]:
    one = _name(asked, key)
    return (one,) if one else ()


def _names(asked: Mapping[str, Any], key: str) -> tuple[str, ...]:
    given = asked.get(key) or ()
    if not isinstance(given, list | tuple):
        raise OptionsError(f"{key}={given!r:.60}: give a list of ids")
    found = tuple(_name({key: one}, key) for one in given)
    if None in found:
        raise OptionsError(f"{key} has an empty place: give ids only")
    return tuple(one for one in found if one)


def _shares(given: Any) -> tuple[float, ...]:
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise OptionsError(f"shares={given!r:.60}: give a list of numbers")
    for one in given:
        number = isinstance(one, int | float) and not isinstance(one, bool)
        if not number or not math.isfinite(one):
            raise OptionsError(f"shares={given!r:.60}: give numbers, 0 or more")
    return tuple(given)


def _options(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping) or len(given) > 200:
        raise OptionsError(f"options={given!r:.60}: give an object, name: value")
    return {str(name): value for name, value in given.items()}
