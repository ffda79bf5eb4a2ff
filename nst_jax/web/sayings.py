"""A job as others write it: a command for a shell, and a few lines of Python."""

import shlex
from collections.abc import Mapping
from typing import Any

from nst_jax.web.orders import PAINTING, Order
from nst_jax.web.pictures import Pictures


def said(
    order: Order, pictures: Pictures, steps: int, *, longest: int | None = None
) -> dict[str, str]:
    """`{"command": ..., "python": ...}` with the names that pictures were sent with.

    Args:
      order: of the job.
      pictures: that it names.
      steps: iterations that it was asked for in all.
      longest: side of the result in pixels; it is said where it is neither asked for
        nor the photo's own.
    """
    options = _given(order, steps)
    names = {one: pictures.name(one) for one in order.pictures}
    start = None
    if order.start is not None:
        known = order.start in pictures
        start = pictures.name(order.start) if known else "start.png"
    if order.kind == "apply":
        own = longest is None or longest == max(pictures.shape(order.photo))
        if not own and options.get("size") is None:
            options["size"] = longest
        return _of_pass(order, names, options)
    return {
        "command": _command(order, names, options, start),
        "python": _python(order, names, options, start),
    }


def _given(order: Order, steps: int) -> dict[str, Any]:
    """The options that differ from the base, those that a job was given later too."""
    options = dict(order.options)
    if order.shares:
        options["style_blend"] = order.shares
    if order.kind == "optimise" and order.chosen().steps != steps:
        options["steps"] = steps
    return options


def _command(
    order: Order, names: Mapping[str, str], options: Mapping[str, Any], start: Any
) -> str:
    words = ["nst-jax", "stylize", _file(names[order.photo])]
    words += [_file(names[one]) for one in order.paintings]
    words += _masks(order, names)
    if order.preset:
        words.append(f"--preset={order.preset}")
    if start is not None:
        words.append(f"--init={_file(start)}")
    return _line(words, options)


def _of_pass(
    order: Order, names: Mapping[str, str], options: dict[str, Any]
) -> dict[str, str]:
    words = ["nst-jax", "apply", _file(names[order.photo]), f"--model={order.network}"]
    if order.paintings:
        words.append(f"--style={_file(names[order.paintings[0]])}")
    words += _masks(order, names)
    lines = _python_of_pass(order, names, options)
    return {"command": _line(words, options), "python": "\n".join(lines) + "\n"}


def _python_of_pass(
    order: Order, names: Mapping[str, str], options: Mapping[str, Any]
) -> list[str]:
    given = {"model": order.network, **options}
    written = ", ".join(f"{name}={_value(value)}" for name, value in given.items())
    load, photo = "options.model", repr(names[order.photo])
    if "precision" in options:
        load += ", precision=options.precision"
    call = ["[photo]"]
    if order.paintings:
        call.append("style")
    elif options.get("style") is not None:
        call.append("options.style")
    call.append("options=options")
    if order.masks:
        call.append(f"mask={names[order.masks[0]]!r}")
    for name in ("keep_mask", "color_mask"):
        if one := getattr(order, name):
            call.append(f"{name}={names[one]!r}")
    painted = "painted, options"
    alpha = []
    if options.get("transparency") == "keep":
        painted += ", alpha=alpha"
        alpha = [f"alpha = files.read_opacity({photo}, size=painted.shape[:2])"]
    return [
        "import nst_jax",
        "from nst_jax.feedforward.options import Options",
        "from nst_jax.feedforward.results import Painted",
        f"from nst_jax.images import files{', resize' if order.paintings else ''}",
        "",
        f"options = Options({written})",
        f"network = nst_jax.load_stylizer({load})",
        f"photo = files.read({photo})",
        *_style_lines(order, names, options),
        f"(painted,) = network.stream({', '.join(call)})",
        *alpha,
        f'Painted({painted}).save("painted.png")',
    ]


def _style_lines(
    order: Order, names: Mapping[str, str], options: Mapping[str, Any]
) -> list[str]:
    """Lines that make the style of a painting, as a network of any style takes it."""
    if not order.paintings:
        return []
    matched = []
    if order.chosen_of_pass().coloring.match:
        sized = "photo"
        if options.get("size") is not None:
            sized = "resize.resize_longest(photo, options.size)"
        matched = [
            "coloring = options.coloring",
            f"content = coloring.of_content({sized})",
            "painting = coloring.of_painting(painting, content)",
        ]
    painting = names[order.paintings[0]]
    return [
        f"painting = files.read_small({painting!r}, {PAINTING})",
        *matched,
        f"side = network.predictor.architecture.size or {PAINTING}",
        "style = network.style_of(resize.square(painting, side))",
    ]


def _python(
    order: Order, names: Mapping[str, str], options: dict[str, Any], start: Any
) -> str:
    if start is not None:
        options = {**options, "init": start}
    written = ", ".join(f"{name}={_value(value)}" for name, value in options.items())
    lines = ["import nst_jax"]
    made = f"nst_jax.Options({written})"
    if order.preset:
        lines = [
            "import dataclasses",
            "",
            *lines,
            "from nst_jax.presets import PRESETS",
        ]
        made = f"PRESETS[{order.preset!r}].options"
        if written:
            made = f"dataclasses.replace({made}, {written})"
    call = [repr(names[order.photo]), repr([names[one] for one in order.paintings])]
    call.append("options")
    if order.masks:
        call.append(f"masks={[names[one] for one in order.masks]!r}")
    for name in ("keep_mask", "color_mask"):
        if one := getattr(order, name):
            call.append(f"{name}={names[one]!r}")
    lines += [
        "",
        f"options = {made}",
        f"result = nst_jax.stylize({', '.join(call)})",
        'result.save("painted.png")',
    ]
    return "\n".join(lines) + "\n"


def _masks(order: Order, names: Mapping[str, str]) -> list[str]:
    words = []
    if order.masks:
        # A comma is between two files: no name may have one.
        masks = (_file(names[one]).replace(",", "_") for one in order.masks)
        words.append(f"--mask={','.join(masks)}")
    for name in ("keep_mask", "color_mask"):
        if one := getattr(order, name):
            words.append(f"--{name}={_file(names[one])}")
    return words


def _line(words: list[str], options: Mapping[str, Any]) -> str:
    words += [f"--{name}={_text(value)}" for name, value in options.items()]
    return " ".join(map(shlex.quote, words))


def _file(name: str) -> str:
    """A file's name that is no flag and no home."""
    return f"./{name}" if name.startswith(("-", "~")) else name


def _text(value: Any) -> str:
    if value is None:
        return ""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else f"{value}"


def _value(value: Any) -> str:
    return repr(tuple(value)) if isinstance(value, list) else repr(value)
