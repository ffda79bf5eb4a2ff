"""Pictures for `nst-jax apply`: one into a file, or many into a folder."""

import argparse
import contextlib
import dataclasses
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from nst_jax.commands import executor, remote
from nst_jax.commands.asked import made_before, picture_files
from nst_jax.errors import NstError, OptionsError, plain
from nst_jax.feedforward import jobs as asked
from nst_jax.feedforward.jobs import Job
from nst_jax.feedforward.options import Options
from nst_jax.images import files, outputs
from nst_jax.images.source import Source
from nst_jax.transfer.stop import StopRequest
from weights_convert import store

if TYPE_CHECKING:
    from nst_jax.collection.folder import Folder
    from nst_jax.feedforward.apply import Painter
    from nst_jax.feedforward.prepared import Look
    from nst_jax.feedforward.results import Painted
    from nst_jax.feedforward.stylizer import Stylizer


class Pictures:
    """One picture into a file, or many into a folder."""

    def __init__(self, arguments: argparse.Namespace, options: Options):
        """Finds early what would fail late."""
        self.arguments, self.options = arguments, options
        output = arguments.output
        self.folder = Path(output) if output and _is_folder(output) else None
        made: set[str] = made_before(self.folder) if self.folder else set()
        self.photos = picture_files("PHOTO", arguments.photos, made, say)
        if not self.folder:
            self._check_alone()

    def _check_alone(self) -> None:
        many = len(self.photos) > 1 or self.options.style == "all"
        if many and not self.arguments.output:
            raise OptionsError(
                "several pictures need a folder: give one with -o FOLDER"
            )
        if many:
            raise OptionsError(
                f"output={self.arguments.output}: several pictures need a folder"
            )
        files.shape(self.photos[0])
        if self.arguments.output:
            files.check_writable(self.arguments.output)
            alpha = self.options.transparency == "keep"
            files.check_holds(
                self.arguments.output, bits=self.options.bits, alpha=alpha
            )

    def run(self) -> int:
        """Paints them; returns the exit status."""
        began = time.perf_counter()
        if self.arguments.smooth > 1:
            say("nst-jax: --smooth has no effect on pictures")
        with StopRequest(say) as request:
            painter = load(self.arguments, self.options)
            jobs, looks, wrong = self._asked(painter)
            if self.folder:
                return self._into_folder(painter, jobs, looks, wrong, request, began)
            for error in wrong.values():
                raise error
            return self._into_file(painter, jobs, looks, began)

    def _asked(
        self, painter: "Painter"
    ) -> tuple[list[Job], dict[Job, "Look"], dict[Job, NstError]]:
        """The jobs, what each is painted like, and what is wrong with paintings."""
        found: list[tuple[Options, Mapping[str, float], Any]] = []
        style = self.options.style
        if painter.stylizer.predictor is None:
            names = painter.stylizer.names if style == "all" else (style,)
            for name in names:
                options = dataclasses.replace(self.options, style=name)
                found.append((options, {}, painter.own(name)))
        else:
            for shares in _paintings(style, self.folder):
                found.append((self.options, shares, _look_of(painter, shares)))
        jobs, looks, wrong = [], {}, {}
        given: dict[str, Any] = {**masks(self.arguments)}
        for photo in self.photos:
            for options, shares, look in found:
                plain = asked.job(photo, shares, options)
                job = dataclasses.replace(plain, **given)
                jobs.append(job)
                if isinstance(look, NstError):
                    wrong[job] = look
                else:
                    looks[job] = look
        return jobs, looks, wrong

    def _into_file(
        self,
        painter: "Painter",
        jobs: list[Job],
        looks: dict[Job, "Look"],
        began: float,
    ) -> int:
        from nst_jax.feedforward.many import paint_jobs

        (job,) = jobs
        label = job.styles[0].key
        name = f"{Path(self.photos[0]).stem}_{Path(label).stem}.png"
        output = Path(self.arguments.output or name)
        files.check_writable(output)
        outputs.check_apart([output], [source.key for source in job.sources])
        chosen = bool(self.arguments.output)
        written = outputs.Output(output, files.is_ours, chosen)
        if replaced := outputs.replaced([written], self.arguments.overwrite):
            say(outputs.told(replaced))

        def save(job: Job, painted: "Painted") -> "Painted":
            painted.save(output)
            return painted

        ((_, painted),) = paint_jobs(jobs, painter, looks, save, say)
        if isinstance(painted, NstError):
            raise painted
        height, width, _ = painted.image.shape
        total = time.perf_counter() - began
        print(f"{output}: {width}x{height}; {times(painter, 1, total)}")
        return 0

    def _into_folder(
        self,
        painter: "Painter",
        jobs: list[Job],
        looks: dict[Job, "Look"],
        wrong: dict[Job, NstError],
        request: StopRequest,
        began: float,
    ) -> int:
        from nst_jax.collection import lock, manifest, naming
        from nst_jax.collection.folder import Folder
        from nst_jax.collection.wanted import named

        assert self.folder is not None
        path = self.folder
        known = manifest.read(path / naming.MANIFEST) if path.is_dir() else {}
        wanted = named(jobs, [{}] * len(jobs), naming.DEFAULT_TEMPLATE, known)
        weights = {self.options.model: painter.stylizer.about["tensors_sha256"]}
        with lock.held(path):
            folder = Folder(
                path,
                wanted,
                weights=weights,
                say=say,
                overwrite=self.arguments.overwrite,
            )
            left = [job for job in jobs if not folder.is_done(job)]
            for job in left:
                if job in wrong:
                    folder.add(job, wrong[job])
            made = self._made(painter, left, looks, folder, request)
            folder.say = say
            folder.finish()
        print(times(painter, made, time.perf_counter() - began))
        if request.signal is not None and folder.unfinished:
            print("stopped early; the same command goes on from here")
            return 128 + request.signal
        return 1 if folder.failed else 0

    def _made(
        self,
        painter: "Painter",
        left: list[Job],
        looks: dict[Job, "Look"],
        folder: "Folder",
        request: StopRequest,
    ) -> int:
        """Paints what the folder lacks; returns how many that were."""
        from nst_jax.commands.screen import Screen
        from nst_jax.feedforward.many import paint_jobs

        made = 0
        with Screen(len(left), unit=" pictures") as screen:
            folder.say = screen.say
            request.say = screen.say
            if executor.is_remote(self.arguments):
                given = left, painter, looks, folder, request, screen
                return remote.paint_jobs(self.arguments, *given)

            def take(job: Job, painted: "Painted") -> None:
                request.defer()  # From now on there is something to keep.
                folder.add(job, painted)

            painted = paint_jobs(left, painter, looks, take, screen.say)
            with contextlib.closing(painted):
                for job, result in painted:
                    if isinstance(result, NstError):
                        folder.add(job, result)
                    else:
                        made += 1
                    screen.advance()
                    if request.signal is not None:
                        break
        return made


def load(arguments: argparse.Namespace, options: Options) -> "Painter":
    """The style network that the options name, ready to paint.

    Raises:
      ImageError: a mask that can't be read.
      NetworkError, WeightsError: no such network, or weights that don't fit.
    """
    # JAX is imported from here on: a mistyped command is answered at once.
    from nst_jax.devices import programs
    from nst_jax.feedforward.apply import Painter
    from nst_jax.feedforward.load import load_stylizer
    from nst_jax.feedforward.masked import Where

    given = masks(arguments)
    if "color_mask" in given and options.coloring.grey:
        say(f"nst-jax: --color_mask has no effect with --color={options.color}")
        del given["color_mask"]
    where = Where.of(**given, feather=options.mask_feather, report=say)
    if options.mask_feather and where is None:
        say("nst-jax: --mask_feather has no effect without masks")
    stylizer: Stylizer = load_stylizer(
        options.model,
        precision=options.precision,
        offline=arguments.offline,
        report=say,
    )
    programs.keep_compiled_programs(
        arguments.compilation_cache_dir, store.home() / "xla"
    )
    if not executor.is_remote(arguments):
        programs.report_missing_accelerator(say)
    tile, smooth = arguments.tile, arguments.smooth
    return Painter(stylizer, options, tile=tile, smooth=smooth, where=where, report=say)


def masks(arguments: argparse.Namespace) -> dict[str, Source]:
    """The masks that a command names, by flag."""
    given = {name: getattr(arguments, name) for name in asked.MASKS}
    return {name: Source.of(path) for name, path in given.items() if path is not None}


def look(painter: "Painter", style: str | None) -> "Look":
    """What a clip or a stream is painted like.

    Raises:
      OptionsError: a style that the network hasn't, or more than one.
      ImageError: a painting that can't be read.
    """
    if style == "all":
        raise OptionsError("style=all is for pictures: choose one for a clip")
    if painter.stylizer.predictor is None:
        return painter.own(style)
    (shares,) = _paintings(style, None)
    found = _look_of(painter, shares)
    if isinstance(found, NstError):
        raise found
    return found


def _look_of(painter: "Painter", shares: Mapping[str, float]) -> "Look | NstError":
    try:
        return painter.like([(files.read(path), n) for path, n in shares.items()])
    except NstError as error:
        return error


def _paintings(style: str | None, folder: Path | None) -> list[Mapping[str, float]]:
    """Paintings to be blended, of each style that is asked for."""
    if style is None:
        raise OptionsError(
            "this network paints in any style: give a painting, --style=painting.jpg"
        )
    if folder and (Path(style).is_dir() or "*" in style):
        made = made_before(folder)
        return [{path: 1.0} for path in picture_files("--style", [style], made, say)]
    return [asked.paintings_of(style)]


def _is_folder(output: str) -> bool:
    path = Path(output)
    return output.endswith("/") or path.is_dir() or not path.suffix


def times(painter: "Painter", pictures: int, total: float) -> str:
    """How long it took, in words."""
    spent = painter.spent
    if pictures and not spent.paint:  # Other machines painted.
        return f"{total:.1f} s; {pictures / total:.3g} pictures/s"
    working = max(1e-9, total - spent.compile)
    return (
        f"{total:.1f} s (compiling {spent.compile:.1f}, painting {spent.paint:.2f}, "
        f"reading {spent.read:.2f}, writing {spent.write:.2f})"
        + (
            f"; {pictures / working:.3g} pictures/s without compiling"
            if pictures
            else ""
        )
        + (
            f", {pictures / spent.paint:.3g} of the network alone"
            if spent.paint
            else ""
        )
    )


def say(line: str, *, file: TextIO | None = None) -> None:
    """Prints a line for the user."""
    print(plain(line), file=file or sys.stderr)
