"""A weights file of any known format into the store."""

from collections.abc import Callable
from pathlib import Path

from weights_convert import mapping, store
from weights_convert.architectures import NETWORKS, Architecture
from weights_convert.errors import WeightsError
from weights_convert.files import file_digest
from weights_convert.formats import Format, safetensors_file
from weights_convert.isolated import read_file
from weights_convert.layouts import Channels
from weights_convert.origin import Origin, by_digest
from weights_convert.sources import Source
from weights_convert.version import version


def convert(
    path: Path,
    architecture: Architecture,
    *,
    report: Callable[[str], None],
    source: Source | None = None,
    channels: Channels | None = None,
) -> Path:
    """Reads, maps, checks and stores a file as the weights of a network.

    Args:
      path: the file; its format is found by its content.
      architecture: the network to store it as.
      report: takes one line about what was done.
      source: the published copy that this file is, for the metadata.
      channels: order that the first kernel takes, where neither the layout's own is
        right nor the weights are known.

    Returns:
      The path of the stored file.

    Raises:
      WeightsError: unknown format, damaged file, layers that do not fit, or weights
        that are known to be another network's.
    """
    format_, arrays = read_file(path)
    digest = file_digest(path, "sha256")
    try:
        layout = mapping.choose_layout(arrays, format_.name, architecture)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    known = by_digest(digest) or _declared(path, format_)
    if source is not None:
        known = Origin(source.network, None, "it was published as that")
    mapped = mapping.map_arrays(
        arrays, layout, architecture, origin=path, channels=channels, known=known
    )
    metadata = {
        "network": architecture.name,
        "source": source.origin if source else path.name,
        "source_url": source.url if source else "",
        "source_sha256": digest,
        "licence": source.licence if source else "unknown: that of the converted file",
        "citation": source.citation if source else "",
        "format": format_.name,
        "layout": layout.name,
        "note": source.note if source else "",
        "converter": f"nst-jax {version()}",
    }
    stored = store.save(architecture, mapped, metadata)
    size = megabytes(stored.stat().st_size)
    report(f"stored {architecture.name} in {stored} ({size})")
    return stored


def _declared(path: Path, format_: Format) -> Origin | None:
    """What a file of this project's own says that it is: a stored one or an export."""
    if format_.name != "safetensors":
        return None
    metadata = safetensors_file.read_metadata(path)
    network = metadata.get("network", "")
    own = "tensors_sha256" in metadata or {"channels", "mean", "std"} <= metadata.keys()
    if network not in NETWORKS or not own:
        return None
    order: Channels = "bgr" if metadata.get("channels") == "bgr" else "rgb"
    return Origin(network, order, f"its metadata says: weights of network {network!r}")


def megabytes(size: int | None) -> str:
    """A length in bytes as text: `80.1 MB`; None is an unknown one."""
    return "size unknown" if size is None else f"{size / 1e6:.1f} MB"
