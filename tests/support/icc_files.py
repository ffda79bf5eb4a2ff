"""Small ICC profiles written byte by byte, and float64 colour science to check them.

References: ICC.1:2001-04 (version 2 profiles), IEC 61966-2-1 (sRGB), Bradford
adaptation (Lam 1985).
"""

import struct
from collections.abc import Mapping, Sequence

import numpy as np

D50 = np.array([0.9642, 1.0, 0.8249])
D65_XY = (0.3127, 0.3290)
SRGB_XY = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
ADOBE_XY = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
ADOBE_GAMMA = 563 / 256

_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def xyz_of_primaries(primaries: Sequence[tuple[float, float]]) -> np.ndarray:
    """[3, 3]: linear RGB under D65 (a column) to XYZ adapted to D50."""

    def xyz(x: float, y: float) -> np.ndarray:
        return np.array([x / y, 1, (1 - x - y) / y])

    white = xyz(*D65_XY)
    columns = np.stack([xyz(*xy) for xy in primaries], axis=1)
    matrix = columns * np.linalg.solve(columns, white)
    ratio = (_BRADFORD @ D50) / (_BRADFORD @ white)
    return np.linalg.inv(_BRADFORD) @ np.diag(ratio) @ _BRADFORD @ matrix


def srgb_encode(linear: np.ndarray) -> np.ndarray:
    linear = np.clip(linear, 0, 1)
    return np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    )


def srgb_of_xyz(xyz: np.ndarray) -> np.ndarray:
    """[..., 3] XYZ under D50 -> [..., 3] sRGB in [0, 1], clipped to the gamut."""
    return srgb_encode(xyz @ np.linalg.inv(xyz_of_primaries(SRGB_XY)).T)


def srgb_of_lab(lab: np.ndarray) -> np.ndarray:
    """[..., 3] CIE L*a*b* under D50 -> [..., 3] sRGB in [0, 1]."""
    return srgb_of_xyz(xyz_of_lab(lab))


def xyz_of_lab(lab: np.ndarray) -> np.ndarray:
    """[..., 3] CIE L*a*b* -> [..., 3] XYZ, both under D50."""
    y = (lab[..., 0] + 16) / 116
    f = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    return D50 * np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))


def matrix_profile(
    primaries: Sequence[tuple[float, float]], curve: bytes, *, order: str = "rgb"
) -> bytes:
    columns = xyz_of_primaries(primaries).T
    tags = {b"wtpt": _xyz(D50)}
    for channel, column in zip(order, columns, strict=True):
        tags[f"{channel}XYZ".encode()] = _xyz(column)
        tags[f"{channel}TRC".encode()] = curve
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def grey_profile(curve: bytes) -> bytes:
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"wtpt": _xyz(D50), b"kTRC": curve})


def cmyk_profile(corners: np.ndarray, *, kind: bytes = b"prtr") -> bytes:
    """A profile for paper that is not white, and with two intents.

    `corners`: [2, 2, 2, 2, 3] the Lab colour, relative to the paper, of each mix of
    full or no ink. The perceptual intent asks for other colours than these.
    """
    ramp = bytes(range(256))

    def table(lab: np.ndarray) -> bytes:
        encoded = np.rint(lab * [255 / 100, 1, 1] + [0, 128, 128]).astype(np.uint8)
        head = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + _fixed(*np.eye(3).ravel())
        return head + ramp * 4 + encoded.tobytes() + ramp * 3

    tags = {
        b"wtpt": _xyz(D50 * [0.8, 0.8, 0.6]),
        b"A2B0": table(corners * 0.5),
        b"A2B1": table(corners),
    }
    return _profile(kind, b"CMYK", b"Lab ", tags)


def gamma_curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def srgb_curve(points: int = 1024) -> bytes:
    encoded = np.linspace(0, 1, points)
    linear = np.where(
        encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4
    )
    table = np.rint(linear * 65535).astype(">u2").tobytes()
    return b"curv\0\0\0\0" + struct.pack(">I", points) + table


def _fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(v * 65536) for v in values))


def _xyz(values: np.ndarray) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(*values)


def _profile(
    kind: bytes, space: bytes, connection: bytes, tags: Mapping[bytes, bytes]
) -> bytes:
    name = b"test\0"
    described = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(78)
    tags = {b"desc": described, b"cprt": b"text\0\0\0\0CC0\0", **tags}
    table, data = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for signature, content in tags.items():
        table += signature + struct.pack(">II", start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    head = struct.pack(">I4xI4s4s4s", start + len(data), 0x02400000, kind, space,
                       connection)  # fmt: skip
    head += struct.pack(">6H4s28x", 2024, 1, 1, 0, 0, 0, b"acsp") + _fixed(*D50)
    return head.ljust(128, b"\0") + table + data
