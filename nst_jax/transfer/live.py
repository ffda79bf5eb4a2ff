"""The pictures of a run in a notebook's cell, as they come."""

import base64
import html
import time
from collections.abc import Callable

from nst_jax.errors import OptionsError
from nst_jax.images import encode, resize
from nst_jax.transfer.results import BatchProgress, Progress

Begin = Callable[[str], Callable[[str], object]]
"""Shows HTML; returns what shows other in its place."""


def live(
    *, seconds: float = 1.0, longest: int = 512
) -> Callable[[Progress | BatchProgress], None]:
    """What shows the best pictures so far in a notebook: for `on_progress`.

    `nst_jax.stylize(photo, painting, on_progress=nst_jax.live())`, and so
    `stylize_batch`, of which it shows those that are at work side by side.

    Args:
      seconds: between one look and the next, at least; the first and the last picture
        are always shown.
      longest: side of a picture in pixels, at most.

    Raises:
      OptionsError: this is no notebook.
    """
    try:
        from IPython import display, get_ipython

        shell = get_ipython()
    except ImportError:
        shell = None
    if shell is None:
        raise OptionsError("live shows pictures in a notebook, and this is none")

    def begin(text: str) -> Callable[[str], object]:
        handle = display.display(display.HTML(text), display_id=True)
        return lambda later: handle.update(display.HTML(later))

    return Live(begin, seconds=seconds, longest=longest)


class Live:
    """Shows the pictures of a run, and of the next one in a place of its own."""

    def __init__(self, begin: Begin, *, seconds: float, longest: int):
        """See `live`; `begin` is what shows HTML."""
        self._begin, self._seconds, self._longest = begin, seconds, longest
        self._show: Callable[[str], object] | None = None
        self._iteration, self._shown = 0, 0.0

    def __call__(self, progress: Progress | BatchProgress) -> None:
        """Takes in the end of a chunk."""
        lanes = progress.lanes if isinstance(progress, BatchProgress) else [progress]
        iteration = lanes[0].iteration
        if iteration < self._iteration:
            self._show = None  # Another run, or another group of a batch.
        self._iteration = iteration
        is_last = iteration >= lanes[0].lane.job.options.steps
        waited = time.monotonic() - self._shown
        if self._show and not is_last and waited < self._seconds:
            return
        text = "".join(self._figure(lane) for lane in lanes)
        text = f'<div style="display: flex; flex-wrap: wrap; gap: 1em">{text}</div>'
        if self._show:
            self._show(text)
        else:
            self._show = self._begin(text)
        self._shown = time.monotonic()

    def _figure(self, lane: Progress) -> str:
        job = lane.lane.job
        # What is still small is shown as large as it will be: nothing moves about.
        full = lane.pictures.full(job)
        scale = min(1, self._longest / max(full))
        picture = lane.image()
        if max(picture.shape[:2]) > self._longest:
            picture = resize.resize_longest(picture, self._longest)
        content = base64.b64encode(encode.encode(picture, "JPEG", description=None))
        told = (
            f"iteration {lane.iteration} of {job.options.steps}, loss {lane.loss:.6g}"
        )
        lines = [told, lane.event] if lane.event else [told]
        return _figure(content.decode(), round(full[1] * scale), lines)


def _figure(content: str, width: int, lines: list[str]) -> str:
    return (
        f'<figure style="margin: 0"><img src="data:image/jpeg;base64,{content}" '
        f'style="width: {width}px; max-width: 100%"><figcaption>'
        f"{'<br>'.join(map(html.escape, lines))}</figcaption></figure>"
    )
