"""What the fuzzer begins with, and what may be done to the bytes of a file."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from support.weights_samples import FIXTURES, SAMPLES

Seeds = Callable[[Path], list[bytes]]

_ZIP = b"PK\x03\x04"
_MAT_HEADER, _MAT_COMPRESSED = 128, 15


def _samples(kind: str) -> Seeds:
    return lambda folder: [sample.content for sample in SAMPLES[kind](folder)]


def _fixtures(pattern: str) -> Seeds:
    return lambda _: [path.read_bytes() for path in sorted(FIXTURES.glob(pattern))]


# Reader (a kind of `SAMPLES`) -> its files, given an empty folder. PyTorch's reader
# begins with palettes, too, and with a pickled module, which it refuses.
SEEDS: Mapping[str, Seeds] = {
    **{kind: _samples(kind) for kind in SAMPLES},
    "pytorch zip": _fixtures("*_zip.pth"),
    "pytorch legacy": _fixtures("*_legacy.pth"),
}


def mutate(data: bytes, generator: random.Random) -> bytes:
    """A file with some of its bytes changed, cut out, put in, moved or cut off.

    Half the time the change is made below the compression and the checksums that would
    give it away: in a member of a zip archive, in an element of a MAT-file, behind the
    length of a safetensors header.
    """
    if generator.random() < 0.5:
        if data.startswith(_ZIP):
            return _in_zip(data, generator)
        if data.startswith(b"MATLAB"):
            return _in_mat(data, generator)
        if data[8:9] == b"{":
            return _in_header(data, generator)
    return changed(data, generator)


def changed(data: bytes, generator: random.Random) -> bytes:
    """Any file with some of its bytes changed, cut out, put in, moved or cut off."""
    result = bytearray(data)
    for _ in range(generator.choice((1, 1, 2, 4, 8))):
        if not result:
            break
        place, kind = generator.randrange(len(result)), generator.random()
        if kind < 0.4:
            flipped = result[place] ^ (1 << generator.randrange(8))
            byte = generator.randrange(256)
            result[place] = generator.choice((0, 255, byte, flipped))
        elif kind < 0.7:
            number = _number(len(data), generator)
            result[place : place + len(number)] = number
        elif kind < 0.75:
            del result[place + 1 :]
        elif kind < 0.85:
            del result[place + 1 : place + generator.randrange(2, 16)]
        elif kind < 0.95:
            result[place:place] = generator.randbytes(generator.randrange(1, 9))
        else:
            start, size = generator.randrange(len(result)), generator.randrange(1, 64)
            result[place : place + size] = result[start : start + size]
    return bytes(result)


def _number(size: int, generator: random.Random) -> bytes:
    """A length, count or offset that a reader may trust too much."""
    width = generator.choice((1, 2, 4, 8))
    top = 1 << 8 * width
    value = generator.choice(
        (0, 1, size, size - 1, top - 1, top // 2, top // 2 - 1, top - size, 1 << 20)
    )
    order = generator.choice(("little", "little", "big"))
    return (value % top).to_bytes(width, order)


def _in_zip(data: bytes, generator: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(item, archive.read(item)) for item in archive.infolist()]
    # The pickle, and of a Keras file the HDF5 file, more often than the rest.
    weights = [
        4 if item.filename.endswith((".pkl", ".h5")) else 1 for item, _ in members
    ]
    (chosen,) = generator.choices(range(len(members)), weights)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for index, (item, content) in enumerate(members):
            new = changed(content, generator) if index == chosen else content
            archive.writestr(item.filename, new)
    return out.getvalue()


def _in_mat(data: bytes, generator: random.Random) -> bytes:
    out, position = [data[:_MAT_HEADER]], _MAT_HEADER
    elements = []
    while position < len(data):
        kind, size = struct.unpack_from("<II", data, position)
        elements.append((kind, data[position + 8 : position + 8 + size]))
        position += 8 + size
    chosen = generator.randrange(len(elements))
    for index, (kind, content) in enumerate(elements):
        if index == chosen and kind == _MAT_COMPRESSED:
            content = zlib.compress(changed(zlib.decompress(content), generator))
        elif index == chosen:
            content = changed(content, generator)
        out += [struct.pack("<II", kind, len(content)), content]
    return b"".join(out)


def _in_header(data: bytes, generator: random.Random) -> bytes:
    size = int.from_bytes(data[:8], "little")
    header = changed(data[8 : 8 + size], generator)
    return len(header).to_bytes(8, "little") + header + data[8 + size :]
