"""Jobs that a style network paints in one pass, and previews of the others."""

import dataclasses
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from nst_jax.feedforward.apply import Painter
from nst_jax.feedforward.load import load_stylizer
from nst_jax.feedforward.masked import Where
from nst_jax.feedforward.options import Options
from nst_jax.feedforward.prepared import Look
from nst_jax.feedforward.results import Painted
from nst_jax.feedforward.stylizer import Stylizer
from nst_jax.images import files
from nst_jax.images.frames import Shape
from nst_jax.images.source import Source
from nst_jax.recent import Recent
from nst_jax.transfer.sizes import ratio
from nst_jax.web import networks, records
from nst_jax.web.easel import Easel
from nst_jax.web.orders import PAINTING, Order
from nst_jax.web.pictures import Pictures

_KEPT = 4  # Networks, and as many ways to apply them, between jobs.
_PREVIEW = 384  # Pixels of its longest side.
_FRAME = (_PREVIEW, _PREVIEW)  # Of all: one program serves them.


class Passes:
    """Paints in one pass; what it loaded and compiled serves the next job."""

    def __init__(self) -> None:
        self._stylizers: Recent[Hashable, Stylizer] = Recent(_KEPT)
        self._painters: Recent[Hashable, Painter] = Recent(_KEPT)

    def paint(self, easel: Easel) -> dict[str, Any]:
        """Paints a job; returns what its record is to change.

        Raises:
          NstError: it can't be painted.
          DiscardedError: it isn't wanted any more.
        """
        easel.phase("painting in one pass")
        order = easel.record.order
        options = order.chosen_of_pass()
        sized = dataclasses.replace(options, size=_longest(easel))
        source = Source.of(easel.pictures.path(order.photo))
        photo = source.read(easel.line)
        where = _where(easel, options)
        image = self._painted(
            photo, self._look(easel.pictures, order, sized), sized, where
        )
        alpha = None
        if options.transparency == "keep":
            opacity = source.opacity(size=image.shape[:2])
            alpha = opacity if opacity.min() < 1 else None
        _ = easel.is_to_end
        painted = Painted(image, options, alpha=alpha)
        kept = easel.keep(
            image, description=painted.description(), bits=options.bits, alpha=alpha
        )
        return {"state": records.DONE, "phase": "done", **kept}

    def preview(self, easel: Easel) -> bool:
        """Shows about what an optimisation will give, where a network has the style.

        Returns whether there is one.
        """
        order = easel.record.order
        found = [networks.of_painting(one, networks.here()) for one in order.paintings]
        if not found or found[0] is None or found.count(found[0]) < len(found):
            return False
        options = order.chosen()
        how = Options(model=found[0].name, color=_color(options.color))
        with_paintings = found[0].takes == "painting"
        asked = dataclasses.replace(
            order, paintings=order.paintings if with_paintings else ()
        )
        path, part = easel.pictures.path(order.photo), ratio(options.crop)
        photo = files.read_small(path, _PREVIEW, ratio=part)
        look = self._look(easel.pictures, asked, how)
        easel.preview(self._painted(photo, look, how, None, frame=_FRAME))
        return True

    def _painted(
        self,
        photo: np.ndarray,
        look: Look,
        options: Options,
        where: Where | None,
        *,
        frame: Shape | None = None,
    ) -> np.ndarray:
        """The result; in a frame that others share, if the network takes any."""
        painter = self._painter(options, where)
        prepared = painter.prepare(photo, look)
        small = prepared.small.shape
        own = painter.frame((small[0], small[1]))
        if frame is None or not painter.exact:
            frame = own
        mixed = frame != own
        lanes = painter.lanes(frame, 1, mixed=mixed)
        painted = painter.paint([prepared], lanes, frame, mixed=mixed)
        return painter.finish(prepared, np.asarray(painted)[0])

    def _look(self, pictures: Pictures, order: Order, options: Options) -> Look:
        painter = self._painter(options, None)
        if not order.paintings:
            return painter.own(options.style)
        shares: Sequence[float] = order.shares or [1.0] * len(order.paintings)
        return painter.like(
            [
                (files.read_small(pictures.path(one), PAINTING), share / sum(shares))
                for one, share in zip(order.paintings, shares, strict=True)
            ]
        )

    def _painter(self, options: Options, where: Where | None) -> Painter:
        """One for these options; with masks it is for one job."""
        options = dataclasses.replace(options, style=None)
        found = self._painters.get(options) if where is None else None
        if found is None:
            key = options.model, options.precision
            stylizer = self._stylizers.get(key)
            if stylizer is None:
                stylizer = load_stylizer(
                    options.model, precision=options.precision, offline=True
                )
                self._stylizers[key] = stylizer
            found = Painter(stylizer, options, where=where)
            if where is None:
                self._painters[options] = found
        return found


def _longest(easel: Easel) -> int:
    """Longest side of a job's result."""
    return max(easel.record.width, easel.record.height)


def _where(easel: Easel, options: Options) -> Where | None:
    order = easel.record.order

    def source(picture: str | None) -> Source | None:
        return Source.of(easel.pictures.path(picture)) if picture else None

    return Where.of(
        source(order.masks[0] if order.masks else None),
        source(order.keep_mask),
        source(order.color_mask),
        feather=options.mask_feather,
        report=easel.line,
    )


def _color(color: str) -> str:
    """The nearest way of colour that one pass has."""
    return "luminance" if color == "nnst" else color
