"""The pictures that a folder is to have: of which job, by which name."""

import dataclasses
import errno
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nst_jax.collection import blends, earlier, naming, remembered
from nst_jax.collection.kinds import AnyJob
from nst_jax.collection.manifest import Entry
from nst_jax.collection.naming import varied_text
from nst_jax.errors import OptionsError
from nst_jax.images import files, outputs
from nst_jax.transfer.jobs import Job, can_grow

ABOUT_PICTURES = (naming.MANIFEST, naming.GALLERY, naming.SHEET)
"""Files of a folder besides its pictures."""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A picture that a folder is to have.

    Attributes:
      job: that makes it.
      name: of its file, relative to the folder.
      varied: what tells it from the others of its set, by name.
      at: the iteration of the job at which it is taken; None: the last.
    """

    job: AnyJob
    name: str
    varied: Mapping[str, Any] = dataclasses.field(hash=False)
    at: int | None = None

    @property
    def made(self) -> AnyJob:
        """The job as if it ended with this picture, if it can."""
        if not isinstance(self.job, Job):
            return self.job  # One pass has no other end.
        if self.at is None or not can_grow(self.job.options):
            return dataclasses.replace(self.job, at=())
        options = dataclasses.replace(self.job.options, steps=self.at)
        return dataclasses.replace(self.job, options=options, at=())

    def key(self, contents: Mapping[str, str], weights: str) -> str:
        """`Job.digest` of what makes it."""
        if self.at is None or can_grow(self.job.options):
            return self.made.digest(contents, weights)
        return f"{self.job.digest(contents, weights)}@{self.at}"

    def earlier_key(self, contents: Mapping[str, str], weights: str) -> str | None:
        """What `key` was before jobs had digests, see `earlier.key`."""
        if self.at is not None and not can_grow(self.job.options):
            return None
        return earlier.key(self.made, contents, weights)


def named(
    jobs: Sequence[AnyJob],
    varied: Sequence[Mapping[str, Any]],
    template: str,
    known: Mapping[str, Entry] | None = None,
) -> list[Wanted]:
    """The last pictures of jobs, named by a template; see `naming.file_names`.

    What has a name already keeps it, whatever comes in beside it.

    Args:
      jobs: of one painting each, or several that are blended.
      varied: what tells each from the others.
      template: with {content}, {style}, {index}, {varied} and the options.
      known: what the folder holds already, by name.

    Raises:
      OptionsError: a template that doesn't work.
    """
    before = remembered.names(template, (known or {}).values())
    contents = remembered.labels([job.content.key for job in jobs], before.contents)
    paintings = [style.key for job in jobs for style in job.styles]
    label = dict(
        zip(paintings, remembered.labels(paintings, before.styles), strict=True)
    )
    styles = [blends.AND.join(label[style.key] for style in job.styles) for job in jobs]
    slots = [
        remembered.slot(job.content.key, blends.joined(job), of)
        for job, of in zip(jobs, varied, strict=True)
    ]
    numbers = before.indices(slots)
    values = [
        {
            "content": content,
            "style": style,
            "index": f"{number:04d}",
            "varied": varied_text(of, "_"),
            **{k: f"{v}" for k, v in _plain(job.options).items()},
        }
        for number, job, of, content, style in zip(
            numbers, jobs, varied, contents, styles, strict=True
        )
    ]
    names = naming.file_names(template, values, reserved=ABOUT_PICTURES, option="name")
    return [
        Wanted(job, name, of) for job, name, of in zip(jobs, names, varied, strict=True)
    ]


def _plain(options: Any) -> dict[str, Any]:
    """Options by name; `style` is what the painting is called."""
    found = dataclasses.asdict(options)
    return {name: value for name, value in found.items() if name != "style"}


def check(
    path: Path, wanted: Sequence[Wanted], others: Sequence[str] = ABOUT_PICTURES
) -> None:
    """Finds out early, before anything is fetched or made, that a set can't be kept.

    Args:
      path: of the folder; it needn't exist.
      wanted: pictures.
      others: names of files that are written besides them.

    Raises:
      OptionsError: a folder that can't be made.
      ImageError: a picture that couldn't be written, by its format or in its place, or
        would be on one that is read.
    """
    for one in wanted:
        options = one.job.options
        alpha = options.transparency == "keep"
        files.check_holds(path / one.name, bits=options.bits, alpha=alpha)
    for place in folders(path, wanted):
        there = next(p for p in (place, *place.parents) if os.path.lexists(p))
        if not there.is_dir():
            raise no_folder(place, errno.EEXIST if there == place else errno.ENOTDIR)
        if there != place and not os.access(there, os.W_OK | os.X_OK):
            raise no_folder(place, errno.EACCES)
    sources = {source.key for one in wanted for source in one.job.sources}
    names = (*(one.name for one in wanted), *others)
    advice = "choose another --output_dir or --name"
    outputs.check_apart((path / name for name in names), sources, advice=advice)
    for one in wanted:
        if (path / one.name).parent.is_dir():
            files.check_writable(path / one.name)


def folders(path: Path, wanted: Sequence[Wanted]) -> set[Path]:
    """The folder of the results, and those within it that their names ask for."""
    return {path, *((path / one.name).parent for one in wanted)}


def no_folder(folder: Path, number: int | None) -> OptionsError:
    """What to say of a folder that can't be made, by the system's error number."""
    reason = os.strerror(number) if number else "unknown"
    return OptionsError(
        f"output_dir={folder}: can't be made ({reason}); choose another folder"
    )
