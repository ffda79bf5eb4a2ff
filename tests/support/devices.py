"""Results of one device and of eight virtual ones, for a process that has these.

python devices.py CHECK...
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import nst_jax
from bench.topology import hlo
from nst_jax.devices import sharding
from nst_jax.feedforward.apply import Painter
from nst_jax.feedforward.options import Options
from nst_jax.optimize import chunk
from support import stylizers
from support.tiny import built, random_weights, tiny_vgg


def _pictures() -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(0)
    photos = [rng.random((h, w, 3), np.float32) for h, w in ((47, 80), (45, 80))]
    return photos, rng.random((45, 37, 3), np.float32)


def _compare(devices: str, *, atol: float, **options: object) -> None:
    """Prints how far pictures by several devices are from those by one."""
    architecture = tiny_vgg()
    weights = random_weights(architecture, np.random.default_rng(0))
    network = built(architecture, weights)
    photos, painting = _pictures()
    programs = _watched()
    meant = nst_jax.Options(style_loss="gram", size=80, **options)
    found = [
        nst_jax.stylize_batch(photos, painting, meant, network=network, devices=asked)
        for asked in ("1", devices)
    ]
    for alone, shared in zip(*found, strict=True):
        np.testing.assert_allclose(shared.losses, alone.losses, rtol=1e-3)
        np.testing.assert_allclose(shared.image, alone.image, atol=atol)
        assert np.abs(alone.image - alone.image[:1, :1]).max() > 0.1
    found = programs[-1].collectives(programs[-1].loop.name)
    assert set(found) == {"collective-permute", "all-reduce"}, found
    assert found["all-reduce"]["bytes"] < 2**12, found  # No picture is among them.
    print(devices, "agree")


def _watched() -> list[hlo.Module]:
    """Takes in what is compiled from now on."""
    modules, plain = [], chunk.program

    def program(*arguments: object, **how: object) -> object:
        compiled = plain(*arguments, **how)
        modules.append(hlo.parse(compiled.as_text()))
        return compiled

    chunk.program = program
    return modules


def _compare_passes() -> None:
    """Likewise of photos that a style network paints in one pass."""
    stylizer = stylizers.stylizer(stylizers.SEVERAL)
    options = Options()
    photos = np.random.default_rng(0).random((5, 32, 24, 3), np.float32)
    found = []
    for layout in (sharding.side_by_side, lambda lanes: sharding.ONE):
        sharding.side_by_side = layout
        painter = Painter(stylizer, options)
        look = painter.own(0)
        prepared = [painter.prepare(photo, look) for photo in photos]
        lanes = painter.lanes((32, 24), len(photos))
        painted = painter.paint(prepared, lanes, (32, 24))
        found.append((lanes, len(painted.sharding.device_set), np.asarray(painted)[:5]))
    assert [one[:2] for one in found] == [(8, 8), (5, 1)], found
    np.testing.assert_allclose(found[0][2], found[1][2], atol=1e-4)
    print("passes agree")


CHECKS = {
    "apply": _compare_passes,
    # Both heights are odd, and padded to 4 pieces of 16 rows, the last of them
    # nothing but padding.
    "adam": lambda: _compare("2x4", solver="adam", steps=5, atol=1e-3),
    "lbfgs": lambda: _compare("2x4", solver="lbfgs", steps=5, atol=5e-3),
}

if __name__ == "__main__":
    for name in sys.argv[1:]:
        CHECKS[name]()
