"""The settings that a result of ours tells of; anybody may have written them."""

import json
from collections.abc import Mapping
from typing import Any

from nst_jax.errors import NstError
from nst_jax.options import FIELDS, STARTS, Options
from nst_jax.presets import PRESETS

_LONGEST = 20_000
"""Characters of all options together; ours have 1500."""


def settings(description: Any) -> dict[str, Any] | None:
    """What a page is to be set to, from the description in a picture's file.

    Options that aren't known, or whose values aren't allowed, are left out; a start
    that is a file's path is one. Of all else nothing is believed.

    Args:
      description: as `images.files.read_description` gives it.

    Returns:
      `{"kind": "optimise", "preset": name or None, "options": {...}}`: the options that
      differ from those of the preset, or from the defaults. None: it tells of none.
    """
    told = description.get("options") if isinstance(description, Mapping) else None
    if not isinstance(told, Mapping) or "model" in told:
        return None  # Of a picture painted in one pass.
    good = {name: value for name, value in told.items() if _is_allowed(name, value)}
    try:
        options = Options(**good)
        if len(json.dumps(good, allow_nan=False)) > _LONGEST:
            return None
    except (NstError, ValueError):
        return None
    apart: dict[str | None, dict[str, Any]] = {None: differing(options, Options())}
    for name, preset in PRESETS.items():
        apart[name] = differing(options, preset.options)
    nearest = min(apart, key=lambda name: len(apart[name]))
    return {"kind": "optimise", "preset": nearest, "options": apart[nearest]}


def differing(options: Options, base: Options) -> dict[str, Any]:
    """The options that differ from a base's, by name, as JSON has them."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name in FIELDS
        if (value := getattr(options, name)) != getattr(base, name)
    }


def _is_allowed(name: Any, value: Any) -> bool:
    if name not in FIELDS or (name == "init" and value not in STARTS):
        return False
    try:
        Options(**{name: value})
    except (NstError, ValueError, TypeError):
        # Taps belong together with their factors: those are looked at in the end.
        return name.endswith(("_taps", "_tap_weights")) and isinstance(value, list)
    return True
