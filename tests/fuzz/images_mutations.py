"""What the fuzzer of pictures begins with, and what may be done to a file's bytes."""

import functools
import random
import zlib
from collections.abc import Mapping

from fuzz.weights_mutations import changed
from support import odd_kinds, odd_pictures

_PNG = b"\x89PNG\r\n\x1a\n"
_LARGEST = 2**16


@functools.cache
def seeds() -> Mapping[str, tuple[bytes, ...]]:
    """Files by kind, good and odd ones: those of `odd_kinds`, none above 64 KB.

    Those of which nobody knows what they are lead nowhere.
    """
    found: dict[str, list[bytes]] = {}
    for ending, make in odd_pictures.ENCODED.items():
        found[ending] = [make()]
    for name, (content, outcome) in odd_kinds.pictures().items():
        ending = name.rpartition(".")[2]
        kind = ending if ending in found else "other"
        if outcome != odd_pictures.UNKNOWN and 0 < len(content) <= _LARGEST:
            found.setdefault(kind, []).append(content)
    return {kind: tuple(files) for kind, files in found.items()}


def mutate(data: bytes, generator: random.Random) -> bytes:
    """A file with some of its bytes changed.

    Half the time, of a PNG, in a chunk whose checksum fits again, and behind the
    compression of its pixels.
    """
    if data.startswith(_PNG) and generator.random() < 0.5:
        return _in_chunk(data, generator)
    return changed(data, generator)


def _in_chunk(data: bytes, generator: random.Random) -> bytes:
    chunks, place = [], len(_PNG)
    while place + 12 <= len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        name, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        chunks.append((name, body))
        place += 12 + size
    if not chunks:
        return changed(data, generator)
    chosen = generator.randrange(len(chunks))
    out = [_PNG]
    for index, (name, body) in enumerate(chunks):
        if index == chosen:
            body = _within(name, body, generator)
        crc = zlib.crc32(name + body).to_bytes(4, "big")
        out += [len(body).to_bytes(4, "big"), name, body, crc]
    return b"".join(out)


def _within(name: bytes, body: bytes, generator: random.Random) -> bytes:
    if name == b"IDAT" and generator.random() < 0.5:
        try:
            return zlib.compress(changed(zlib.decompress(body), generator))
        except zlib.error:
            pass
    return changed(body, generator)
