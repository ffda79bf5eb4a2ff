"""A stored network as a safetensors file under torchvision's names."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import safetensors.numpy

from weights_convert import store
from weights_convert.architectures import Architecture
from weights_convert.errors import WeightsError
from weights_convert.files import write_whole
from weights_convert.formats import safetensors_file
from weights_convert.layouts import LAYOUTS, Layout

_OURS = {"format", "network", "channels", "mean", "std"}
"""What the metadata of an export have, and those of other safetensors files haven't."""


def export(
    architecture: Architecture, path: Path, *, report: Callable[[str], None]
) -> Path:
    """Writes a stored network's weights as PyTorch would name and lay them out.

    Kernels are `[outputs, inputs, height, width]`, the first taking R, G, B whatever
    the order of the source; the metadata says `mean` and `std` of the input, which are
    not torchvision's for Caffe's weights, and where the weights come from. The file
    appears whole or not at all.

    Args:
      architecture: the network, which must be stored.
      path: the file; an earlier export that is there is replaced.
      report: takes a line that says so.

    Returns:
      `path`.

    Raises:
      WeightsError: not stored, damaged, no names of torchvision's for it, or the file
        cannot be written, is of the store, or is there and no export.
    """
    layout = _layout(architecture)
    replaces = _check_target(path)
    arrays, metadata = store.load(architecture)
    exported = {}
    for key, sources in layout.keys(architecture).items():
        axes = np.argsort(layout.axes) if key.endswith("/kernel") else (0,)
        exported[sources[0]] = np.ascontiguousarray(arrays[key].transpose(axes))
    described = {
        # What PyTorch's loaders ask for.
        "format": "pt",
        "network": architecture.name,
        "channels": "rgb",
        "mean": _numbers(architecture.preprocessing.mean),
        "std": _numbers(architecture.preprocessing.std),
        **{
            key: metadata[key]
            for key in ("source", "source_url", "licence", "citation", "note")
            if metadata.get(key)
        },
    }
    if replaces:
        report(f"{path} will be replaced")
    write_whole(path, safetensors.numpy.save(exported, described))
    return path


def _check_target(path: Path) -> bool:
    """Whether an earlier export lies there; nothing else is replaced."""
    if path.resolve().parent == store.weights_folder().resolve():
        raise WeightsError(f"{path}: is in the store; export to another folder")
    if not path.exists():
        return False
    if not path.is_file():
        raise WeightsError(f"{path}: is no regular file; choose another name")
    if not path.stat().st_size:
        return False
    if not (safetensors_file.matches(path) and _metadata(path).keys() >= _OURS):
        raise WeightsError(f"{path}: is there, and no export; choose another name")
    return True


def _metadata(path: Path) -> Mapping[str, str]:
    try:
        return safetensors_file.read_metadata(path)
    except WeightsError:  # Damaged, so whose it is can't be told.
        return {}


def _layout(architecture: Architecture) -> Layout:
    for layout in LAYOUTS:
        if layout.name != "torchvision" or layout.family != architecture.family:
            continue
        if layout.prepare is not None:
            raise WeightsError(
                f"{architecture.name} cannot be exported: its batch norms are folded"
                " into its convolutions, and torchvision has no names for those"
            )
        return layout
    raise WeightsError(f"torchvision has no names for {architecture.name}")


def _numbers(values: tuple[float, ...]) -> str:
    return ",".join(f"{value:.9g}" for value in values)
