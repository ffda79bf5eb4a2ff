"""What the page offers: options, presets, networks, examples, limits."""

import dataclasses
import typing
from typing import Any

from nst_jax.feedforward.options import Options as PassOptions
from nst_jax.fields import base_type, words
from nst_jax.options import FIELDS, GROUPS, STARTS, Options
from nst_jax.presets import PRESETS
from nst_jax.version import __version__
from nst_jax.web import examples, networks
from nst_jax.web.limits import Limits
from nst_jax.web.settings import differing
from weights_convert.architectures import NETWORKS

_URL = "/api/examples/"
_SLIDERS = (
    ("size", "Size", 64, 2048, "log"),
    ("style_weight", "Style strength", 0.05, 50, "log"),
    ("style_scale", "Stroke size", 0.25, 4, "log"),
    ("steps", "Iterations", 10, 2000, "log"),
)
_PASS_SLIDERS = (
    ("size", "Size", 64, 2048, "log"),
    ("strength", "Style strength", 0, 1, "linear"),
    ("stroke_size", "Stroke size", 0.25, 4, "log"),
)
_MOST = {"size": "side", "steps": "steps"}
"""Options whose largest value is a limit of the server."""


def catalogue(limits: Limits) -> dict[str, Any]:
    """What a page needs to ask for anything, as JSON has it."""
    known = networks.here()
    return {
        "version": __version__,
        "limits": dataclasses.asdict(limits),
        "sliders": [
            _slider(*one, default=FIELDS[one[0]].default, limits=limits)
            for one in _SLIDERS
        ],
        "pass_sliders": [
            _slider(*one, default=_default_of_pass(one[0]), limits=limits)
            for one in _PASS_SLIDERS
        ],
        "groups": [_group(name, limits) for name in GROUPS],
        "presets": [_preset(name) for name in PRESETS],
        "networks": [_network(one) for one in known.values()],
        "examples": {
            f"{kind}s": [
                {"id": one, "name": path.name, "picture": _URL + one}
                for one, path in examples.found().items()
                if one.startswith(f"{kind}-")
            ]
            for kind in ("photo", "painting")
        },
    }


def _slider(
    name: str,
    title: str,
    low: float,
    high: float,
    scale: str,
    *,
    default: Any,
    limits: Limits,
) -> dict[str, Any]:
    if name in _MOST:
        high = min(high, getattr(limits, _MOST[name]))
    found = {"name": name, "title": title, "low": low, "high": high}
    return {**found, "scale": scale, "default": default}


def _default_of_pass(name: str) -> Any:
    default = getattr(PassOptions(), name)
    return "original" if name == "size" and default is None else default


def _group(name: str, limits: Limits) -> dict[str, Any]:
    fields = [one for one in FIELDS.values() if one.metadata["group"] == name]
    return {
        "name": name,
        "title": GROUPS[name],
        "fields": [_field(field, limits) for field in fields],
    }


def _field(field: dataclasses.Field, limits: Limits) -> dict[str, Any]:
    kind, check = base_type(field.type), field.metadata["check"]
    choices = [*field.metadata["choices"]]
    if field.name == "init":
        choices = [*STARTS]  # A file of the server is none.
    if field.name == "network":
        choices = [*NETWORKS]
    default = field.default
    told = {
        "name": field.name,
        "flag": f"--{field.name}",
        "kind": "choice" if choices else _kind(kind),
        "default": [*default] if isinstance(default, tuple) else default,
        "choices": [*choices, *words(field.type)],
        "low": _bound(field, kind, limits, least=True),
        "high": _bound(field, kind, limits, least=False),
        "allowed": check[1] if check else "",
        "help": field.metadata["help"],
    }
    if typing.get_origin(kind) is tuple:
        told["items"] = _kind(typing.get_args(kind)[0])
    return told


def _kind(kind: Any) -> str:
    if typing.get_origin(kind) is tuple:
        return "list"
    return {int: "integer", float: "number", str: "text"}[kind]


def _bound(
    field: dataclasses.Field, kind: Any, limits: Limits, *, least: bool
) -> float | None:
    """The least or the largest number that a field allows; None: there is none.

    The check of an option is a function: it is asked for the borders that there are.
    """
    if kind not in (int, float) or field.metadata["check"] is None:
        return None
    if not least and field.name in _MOST:
        return float(getattr(limits, _MOST[field.name]))
    allows = field.metadata["check"][0]
    borders = (0, 1, 2, 4, 8, 10, 16, 64, 256, 1024, 10**4, 65536, 10**7)
    both = sorted({*borders, *(-one for one in borders)}, reverse=not least)
    step = 1 if kind is int else 1e-3
    beyond = -step if least else step
    for border in both:
        if allows(border) and not allows(border + beyond):
            return float(border)
    return None


def _preset(name: str) -> dict[str, Any]:
    preset = PRESETS[name]
    identifier = f"preset-{name}"
    has_picture = identifier in examples.found()
    return {
        "name": name,
        "title": name,
        "text": preset.look,
        "source": preset.source,
        "deviations": [*preset.deviations],
        "picture": _URL + identifier if has_picture else None,
        "options": differing(preset.options, Options()),
    }


def _network(one: networks.Network) -> dict[str, Any]:
    picture = networks.picture_of(one.name)
    return {
        "name": one.name,
        "title": one.name.replace("_", " "),
        "text": one.origin,
        "picture": _URL + picture if picture in examples.found() else None,
        "takes": one.takes,
        "styles": [*one.styles],
    }
