"""NumPy's `.npz`: a zip archive with a `.npy` file for each array.

Layout: numpy/lib/_format_impl.py. NumPy's own reader sets aside what a header claims
before it looks whether the file has it; here the header is held against the file.
"""

import io
import math
import zipfile
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from weights_convert.errors import WeightsError
from weights_convert.formats.limits import check_archive

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_MAX_AXES = 16


def matches(path: Path) -> bool:
    """Whether a file is a zip archive of nothing but `.npy` files."""
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception:  # A damaged directory, which makes zipfile raise many things.
        return False
    return bool(names) and all(name.endswith(".npy") for name in names)


def read(path: Path) -> dict[str, np.ndarray]:
    """Every array, by its name.

    Raises:
      WeightsError: damaged, or with arrays of objects, which would have to be run.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_archive(path, archive)
            return {
                name.removesuffix(".npy"): _array(name, archive.read(name))
                for name in archive.namelist()
            }
    except WeightsError as error:
        if str(error).startswith(str(path)):
            raise
        raise WeightsError(f"{path}: {error}") from error
    except MemoryError:
        raise WeightsError(f"{path}: asks for more memory than there is") from None
    except Exception as error:  # zipfile and numpy let struct, zlib and more through
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        raise WeightsError(f"{path}: damaged ({reason}); get it again") from error


def _array(name: str, content: bytes) -> np.ndarray:
    file = io.BytesIO(content)
    version = npy.read_magic(file)
    if version not in _HEADERS:
        raise WeightsError(f"{name!r:.80} has the version {version}, not known here")
    shape, by_columns, dtype = _HEADERS[version](file)
    if dtype.hasobject or dtype.kind not in "fiub":
        raise WeightsError(f"{name!r:.80} holds {dtype!s:.40}, not numbers")
    size = math.prod(shape) if len(shape) <= _MAX_AXES else -1
    rest = len(content) - file.tell()
    if size < 0 or size * dtype.itemsize != rest:
        raise WeightsError(
            f"damaged: {name!r:.80} has {rest} bytes for {dtype} {shape!s:.80}"
        )
    flat = np.frombuffer(content, dtype, offset=file.tell())
    return flat.reshape(shape, order="F" if by_columns else "C")
