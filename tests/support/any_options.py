"""Strategies of hypothesis: any options, allowed ones and others."""

import dataclasses
import typing
from typing import Any

from hypothesis import strategies as st

from nst_jax import fields
from nst_jax.errors import OptionsError
from nst_jax.options import FIELDS, STARTS, Options
from weights_convert import architectures

_NUMBERS = {
    int: st.integers(-5, 80) | st.integers(),
    float: st.floats() | st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0]),
    str: st.text(max_size=12) | st.sampled_from(["1:1", "3:2", "conv1_1", *STARTS]),
}


def anything(field: dataclasses.Field) -> st.SearchStrategy[Any]:
    """Values of a field's type, allowed or not, and some of other types."""
    kind = fields.base_type(field.type)
    if typing.get_origin(kind) is tuple:
        item = _NUMBERS[typing.get_args(kind)[0]]
        return st.lists(item, max_size=5).map(tuple) | st.none() | item
    words = [*field.metadata["choices"], *fields.words(field.type)]
    known = st.sampled_from(words) if words else st.nothing()
    return known | _NUMBERS[kind] | st.none() | st.booleans()


def _is_allowed(field: dataclasses.Field, value: Any) -> bool:
    try:
        fields.check(field, fields.plain(field, value))
    except OptionsError:
        return False
    return True


def _allowed(field: dataclasses.Field) -> st.SearchStrategy[Any]:
    found = anything(field).filter(lambda value: _is_allowed(field, value))
    return found | st.just(field.default)


@st.composite
def options(draw: st.DrawFn) -> Options:
    """Options that are allowed, a few of which are no defaults."""
    names = draw(st.sets(st.sampled_from([*FIELDS]), max_size=6))
    given = {name: draw(_allowed(FIELDS[name])) for name in sorted(names)}
    for kind in ("content", "style"):
        given.pop(f"{kind}_tap_weights", None)
        if f"{kind}_taps" in given:
            taps = architectures.find("vgg19").taps
            picked = st.lists(
                st.sampled_from(taps), min_size=1, max_size=4, unique=True
            )
            given[f"{kind}_taps"] = tuple(draw(picked))
    return Options(**given)
