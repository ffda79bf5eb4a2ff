"""Results of one device and of eight virtual ones, for a process that has these.

python devices.py CHECK...
"""

import dataclasses
import sys
from pathlib import Path

import jax
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import nst_jax
from bench.topology import hlo
from nst_jax.devices import memory, sharding
from nst_jax.feedforward import train
from nst_jax.feedforward.apply import Painter
from nst_jax.feedforward.options import Options
from nst_jax.feedforward.recipe import Recipe
from nst_jax.feedforward.transformer import TransformerNetwork
from nst_jax.images.source import Source
from nst_jax.networks.network import Network
from nst_jax.optimize import chunk
from nst_jax.transfer import estimate, needs, room
from nst_jax.transfer.fitting import Fit
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.run import Run
from nst_jax.transfer.sizes import Scale
from support import stylizers
from support.tiny import built, random_weights, tiny_vgg


def _pictures() -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(0)
    photos = [rng.random((h, w, 3), np.float32) for h, w in ((47, 80), (45, 80))]
    return photos, rng.random((45, 37, 3), np.float32)


def _network() -> Network:
    architecture = tiny_vgg()
    weights = random_weights(architecture, np.random.default_rng(0))
    return built(architecture, weights)


def _compare(devices: str, *, atol: float, **options: object) -> None:
    """Prints how far pictures by several devices are from those by one."""
    network = _network()
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


def _compare_positions() -> None:
    """Prints that losses that need all positions are the same by divided rows."""
    network = _network()
    photos, painting = _pictures()
    programs = _watched()
    for name in ("sliced", "remd"):
        options = nst_jax.Options(style_loss=name, size=40, solver="adam", steps=3)
        alone, shared = (
            nst_jax.stylize(
                photos[0], painting, options, network=network, devices=asked
            )
            for asked in ("1", "1x2")
        )
        np.testing.assert_allclose(shared.losses, alone.losses, rtol=1e-3)
        assert np.ptp(alone.losses) > 0.1 * alone.losses[0]  # They do change.
        found = programs[-1].collectives(programs[-1].loop.name)
        assert set(found) == {"collective-permute", "all-reduce"}, found
    print("positions agree")


def _watched() -> list[hlo.Module]:
    """Takes in what is compiled from now on."""
    modules, plain = [], chunk.program

    def program(*arguments: object, **how: object) -> object:
        compiled = plain(*arguments, **how)
        modules.append(hlo.parse(compiled.as_text()))
        return compiled

    chunk.program = program
    return modules


_LAYOUTS = sharding.side_by_side, lambda lanes: sharding.ONE
"""All devices, and one."""


def _compare_passes() -> None:
    """Likewise of photos that a style network paints in one pass."""
    stylizer = stylizers.stylizer(stylizers.SEVERAL)
    options = Options()
    photos = np.random.default_rng(0).random((5, 32, 24, 3), np.float32)
    found = []
    for layout in _LAYOUTS:
        sharding.side_by_side = layout
        painter = Painter(stylizer, options)
        look = painter.own(0)
        prepared = [painter.prepare(photo, look) for photo in photos]
        lanes = painter.lanes((32, 24), len(photos))
        painted = painter.paint(prepared, lanes, (32, 24))
        prepared[0] = painter.prepare(photos[0, :20], look)
        mixed = painter.paint(prepared, lanes, (32, 24), mixed=True)
        pair = np.asarray(painted)[:5], np.asarray(mixed)[:5]
        found.append((lanes, len(painted.sharding.device_set), *pair))
    assert [one[:2] for one in found] == [(8, 8), (5, 1)], found
    for one, other in zip(found[0][2:], found[1][2:], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    np.testing.assert_allclose(found[0][2][1:], found[0][3][1:], atol=1e-4)
    print("passes agree")


def _compare_training() -> None:
    """Likewise of a network's training: losses, and what it has learnt."""
    rng = np.random.default_rng(0)
    architecture = tiny_vgg()
    seeing = built(architecture, random_weights(architecture, rng))
    recipe = Recipe(size=32, batch=8, width=4, blocks=1)
    losses = nst_jax.Options(
        content_taps=("relu2_1",), style_taps=("relu1_1", "relu2_1"), style_loss="gram"
    )
    paintings = list(rng.random((2, 32, 24, 3), np.float32))
    photos = rng.integers(0, 256, (3, 8, 32, 32, 3), np.uint8)
    found, parts, plain = [], [], train.step
    for layout in _LAYOUTS:
        sharding.side_by_side = layout
        first = train.initial(recipe.architecture(2), 0)
        graph, state = train.begin(TransformerNetwork(recipe.architecture(2), first))
        objective, wanted = train.wanted(losses, seeing, paintings)
        plan = train.Plan(graph, objective, steady=False)

        def step(plan: train.Plan, state: train.State, *data: object) -> object:
            parts.append(len(data[1].addressable_shards[0].data))
            return plain(plan, state, *data)

        train.step = step
        made = list(
            train.run(recipe, plan, state, wanted, _Batches(photos), steps=lambda: 3)
        )
        gradients = jax.device_get(jax.tree.leaves(made[-1].state.adam.mu))
        found.append(([one.losses["total"] for one in made], gradients))
    assert parts == [1] * 3 + [8] * 3, parts
    (shared, gradients), (alone, others) = found
    np.testing.assert_allclose(shared, alone, rtol=1e-4)
    assert alone[2] < alone[0]
    # Weights themselves would not do: Adam's steps are as long where a gradient is 0,
    # as of biases before a normalization, and its sign is that of the rounding.
    largest = max(np.abs(gradient).max() for gradient in others)
    for gradient, other in zip(gradients, others, strict=True):
        np.testing.assert_allclose(gradient, other, atol=1e-3 * largest)
    print("training agrees")


def _plan() -> None:
    """What is planned of runs by several devices, and what else would fit."""
    network = _network()
    plain = memory.is_shared
    alone, shared = (_planned(network, "1x4" if rows else "1") for rows in (0, 1))
    assert (alone.layout.count, shared.layout.count) == (1, 4)
    assert shared.pictures.frame(shared.jobs[0])[0] % 64 == 0
    bytes_of = [needs.program_bytes(run, *_largest(run)) for run in (alone, shared)]
    # In one memory, of all; halos and padding are more.
    assert 0.8 * bytes_of[0] < bytes_of[1] < 2.5 * bytes_of[0], bytes_of
    memory.is_shared = lambda: False
    each = needs.program_bytes(shared, *_largest(shared))
    memory.is_shared = plain
    assert each < 0.7 * bytes_of[0], (each, bytes_of)
    # In tiles it is on one device, as the run is.
    assert _planned(network, "1x4", tile=256, size=640).layout.count == 1
    for devices, jobs, solver in (("4", 4, "lbfgs"), ("1x4", 1, "lbfgs")):
        run = _planned(network, devices, jobs=jobs, solver=solver)
        before = estimate.Baseline.now()
        told = estimate.timed(estimate.of_run((0,), run, before), run)
        assert (told.devices, told.lanes) == (4, jobs)
        assert told.seconds > 0
        # A little less than it needs: something else would do.
        short = dataclasses.replace(told, free=told.needed - 1)
        assert "--solver=adam" in room.ways(short, run), devices
        assert room.ways(dataclasses.replace(told, free=0), run) == []
    print("plan agrees")


def _planned(
    network: Network,
    devices: str,
    *,
    jobs: int = 1,
    solver: str = "adam",
    size: int = 160,
    tile: int | None = None,
) -> Run:
    """The run that `nst-jax plan` finds of some jobs, which differ in a weight."""
    (photo, _), painting = _pictures()
    asked = [
        Job(
            Source.of(photo),
            (Source.of(painting),),
            nst_jax.Options(
                style_loss="gram",
                size=size,
                pyramid=1,
                solver=solver,
                style_weight=1.0 + number,
            ),
        )
        for number in range(jobs)
    ]
    how = {"devices": devices, "fit": Fit(tile), "report": print}
    ((_, run),) = estimate.runs(asked, lambda: network, **how)
    return run


def _largest(run: Run) -> tuple[Scale, jax.stages.Compiled]:
    scale = run.scales[-1]
    return scale, run.program(scale)


class _Batches:
    """Photos as `train.run` asks for them, without files."""

    def __init__(self, batches: np.ndarray):
        self._left, self.position, self.waited = list(batches), 0, 0.0

    def __next__(self) -> np.ndarray:
        return self._left.pop(0)


CHECKS = {
    "plan": _plan,
    "train": _compare_training,
    "apply": _compare_passes,
    "positions": _compare_positions,
    # Both heights are odd, and padded to 4 pieces of 16 rows, the last of them
    # nothing but padding.
    "adam": lambda: _compare("2x4", solver="adam", steps=5, atol=1e-3),
    "lbfgs": lambda: _compare("2x4", solver="lbfgs", steps=5, atol=5e-3),
}

if __name__ == "__main__":
    for name in sys.argv[1:]:
        CHECKS[name]()
