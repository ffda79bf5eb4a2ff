"""The settings that a result of ours tells of; anybody may have written them."""

import dataclasses
import json
from collections.abc import Collection, Mapping
from typing import Any

from nst_jax.errors import NstError
from nst_jax.feedforward.options import Options as PassOptions
from nst_jax.options import FIELDS, STARTS, Options
from nst_jax.presets import PRESETS
from nst_jax.web import networks

_LONGEST = 20_000
"""Characters of all options together; ours have 1500."""


def settings(description: Any) -> dict[str, Any] | None:
    """What a page is to be set to, from the description in a picture's file.

    Options that aren't known, or whose values aren't allowed, are left out; a start
    that is a file's path is one. Of all else nothing is believed.

    Args:
      description: as `images.files.read_description` gives it.

    Returns:
      `{"kind": "optimise", "preset": name or None, "network": None, "options": {...},
      "shares": [...]}`: the options that differ from those of the preset, or from the
      defaults, and the shares of several paintings, which are no option here. Of a
      picture painted in one pass `{"kind": "apply", "preset": None, "network": name,
      "options": {...}, "shares": []}`, if that network is here. None: it tells of none.
    """
    told = description.get("options") if isinstance(description, Mapping) else None
    if not isinstance(told, Mapping):
        return None
    if "model" in told:
        return _of_pass(told)
    options = _believed(told, Options, FIELDS)
    if options is None:
        return None
    shares = [*options.style_blend]
    options = dataclasses.replace(options, style_blend=Options.style_blend)
    apart: dict[str | None, dict[str, Any]] = {None: differing(options, Options())}
    for name, preset in PRESETS.items():
        apart[name] = differing(options, preset.options)
    nearest = min(apart, key=lambda name: len(apart[name]))
    found = {"preset": nearest, "network": None, "options": apart[nearest]}
    return {"kind": "optimise", **found, "shares": shares}


def _of_pass(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """The same of a picture painted in one pass."""
    model = told["model"]
    network = networks.here().get(model) if isinstance(model, str) else None
    if network is None:
        return None
    known = [field.name for field in dataclasses.fields(PassOptions)]
    options = _believed(told, PassOptions, known)
    if options is None:
        return None
    style = None if network.takes == "painting" else options.style
    try:
        network.check_style(style)
    except NstError:
        style = None
    base = PassOptions(model=network.name)
    options = dataclasses.replace(options, model=network.name, style=style)
    found = {"network": network.name, "options": differing(options, base)}
    return {"kind": "apply", "preset": None, **found, "shares": []}


def differing(options: Any, base: Any) -> dict[str, Any]:
    """The options that differ from a base's, by name, as JSON has them."""
    return {
        field.name: list(value) if isinstance(value, tuple) else value
        for field in dataclasses.fields(base)
        if (value := getattr(options, field.name)) != getattr(base, field.name)
    }


def _believed(told: Mapping[str, Any], kind: Any, known: Collection[str]) -> Any:
    """Options of a kind with what is allowed of it; None: it is no good as a whole."""
    good = {n: v for n, v in told.items() if n in known and _is_allowed(n, v, kind)}
    try:
        options = kind(**good)
        if len(json.dumps(good, allow_nan=False)) > _LONGEST:
            return None
    except (NstError, ValueError):
        return None
    return options


def _is_allowed(name: str, value: Any, kind: Any) -> bool:
    if name == "init" and value not in STARTS:
        return False
    try:
        kind(**{name: value})
    except (NstError, ValueError, TypeError):
        # Taps belong together with their factors: those are looked at in the end.
        return name.endswith(("_taps", "_tap_weights")) and isinstance(value, list)
    return True
