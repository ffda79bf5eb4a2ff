"""What every solver keeps, on every kind of problem: a new one is tested by its line.

The problems are lanes of one run: bowls whose least point is within the box and beyond
it, a curved valley, and a painting's Gram matrix seen through a network. All but the
last are pictures smaller than the common frame.
"""

import dataclasses
import functools
import itertools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.classic import classic
from support.compilations import compilations

from nst_jax.fields import unmet
from nst_jax.losses.gram import Gram
from nst_jax.losses.view import inside
from nst_jax.optimize import begin, checkpoint, chunk, engine
from nst_jax.options import Options, chosen
from nst_jax.transfer.run import solver

STEPS = 24
FRAME = (12, 10)
PADDED = ("inside", "outside", "valley")
SHAPES = dict.fromkeys(PADDED, (9, 8)) | {"painting": FRAME}
LANES = tuple(SHAPES)
_TAP = "relu1_2"
_GRAM = Gram()
_RNG = np.random.default_rng(11)
_FIELDS = {field.name: field for field in dataclasses.fields(Options)}


def solvers() -> list[Options]:
    """Every solver in every setting that is a choice."""
    found = []
    for name in _FIELDS["solver"].metadata["choices"]:
        kind = chosen(Options(solver=name), "solver")
        named = [n for n in kind.settings if _FIELDS[n].metadata["choices"]]
        values = (_FIELDS[setting].metadata["choices"] for setting in named)
        for settings in itertools.product(*values):
            given = dict(zip(named, settings, strict=True))
            found.append(classic(solver=name, steps=STEPS, history=4, **given))
    return found


def name_of(options: Options) -> str:
    kind = chosen(options, "solver")
    chosen_names = [n for n in kind.settings if _FIELDS[n].metadata["choices"]]
    return "-".join([options.solver, *(getattr(options, n) for n in chosen_names)])


def keeps_to_the_box(options: Options) -> bool:
    """As the help of `bounds` has it: where it can be chosen, if it is; else always."""
    return "bounds" not in chosen(options, "solver").settings or options.bounds == "box"


QUICK = ("lbfgs-multiscale-box", "adam")

every_solver = pytest.mark.parametrize(
    "options",
    [
        pytest.param(one, marks=() if name_of(one) in QUICK else pytest.mark.slow)
        for one in solvers()
    ],
    ids=name_of,
)


def objective(images, problem, iteration=0):
    """Losses of which each lane has its share; the network's, if there is one."""
    mask = inside(images.shape[1:3], problem["extents"])[..., None]
    away = problem["curvature"] * (images - problem["centre"]) ** 2
    y = 2 * images
    steps = mask[:, :, 1:] * (y[:, :, 1:] - y[:, :, :-1] ** 2) ** 2
    values = {
        "bowl": jnp.sum(mask * away, (1, 2, 3)),
        "valley": jnp.sum(10 * steps, (1, 2, 3))
        + jnp.sum(mask * (1 - y) ** 2, (1, 2, 3)),
    }
    if "network" in problem:
        views = problem["network"](images, (_TAP,), problem["extents"])
        seen = jax.vmap(_GRAM.statistic)(views[_TAP])
        values["painting"] = jax.vmap(_GRAM.distance)(seen, problem["wanted"])
    terms = {name: problem["shares"][name] * values[name] for name in values}
    return sum(terms.values()), terms


@pytest.fixture(scope="module")
def problem(tiny_network):
    """Of all lanes, in the frame."""
    count = len(LANES)
    painting = jnp.asarray(_RNG.random((1, 13, 11, 3), np.float32))
    seen = jax.vmap(_GRAM.statistic)(tiny_network(painting, (_TAP,))[_TAP])
    low_high = {"outside": (-0.5, 1.5)}
    centre = [
        _RNG.uniform(*low_high.get(name, (0.3, 0.7)), (*FRAME, 3)) for name in LANES
    ]
    return {
        "network": tiny_network,
        "extents": jnp.array(list(SHAPES.values()), jnp.int32),
        "curvature": jnp.asarray(_RNG.uniform(0.2, 5, (count, *FRAME, 3)), jnp.float32),
        "centre": jnp.asarray(np.stack(centre), jnp.float32),
        "wanted": jax.tree.map(lambda leaf: jnp.repeat(leaf, count, 0), seen),
        "shares": {
            "bowl": jnp.array([1.0, 1, 0, 0]),
            "valley": jnp.array([0.0, 0, 1, 0]),
            "painting": jnp.array([0.0, 0, 0, 100]),
        },
    }


@pytest.fixture(scope="module")
def starts():
    """`[n, *FRAME, 3]`, zero around each picture."""
    images = _RNG.uniform(0.1, 0.9, (len(LANES), *FRAME, 3)).astype(np.float32)
    for image, (height, width) in zip(images, SHAPES.values(), strict=True):
        image[height:] = 0
        image[:, width:] = 0
    return images


@dataclasses.dataclass(frozen=True)
class Ran:
    """Losses `[n, iterations]`, images after each chunk, and the last state."""

    losses: np.ndarray
    images: np.ndarray
    state: chunk.State


def run(options, problem, state, *, steps=STEPS, chunk_seconds=1e3) -> Ran:
    """Chunks are as long as can be, or with 0 seconds of an iteration each."""
    losses, images = [], []
    for done in engine.run(
        *(objective, problem, solver(options), state),
        steps=steps,
        chunk_seconds=chunk_seconds,
    ):
        losses.append(np.stack([lane.losses for lane in done.lanes]))
        images.append(np.array(done.state.image))
    return Ran(np.concatenate(losses, 1), np.array(images), jax.device_get(done.state))


@pytest.fixture(scope="module")
def whole(problem, starts):
    """The run of all lanes in long chunks, made once for each solver."""

    @functools.cache
    def made(options: Options) -> Ran:
        return run(options, problem, begun(options, starts))

    return made


def begun(options, images):
    return begin.start(solver(options), jnp.asarray(images))


def of_lane(problem, lane):
    """The data of a lane whose picture fills its array."""
    height, width = SHAPES[LANES[lane]]
    rest = {name: leaf for name, leaf in problem.items() if name != "network"}
    rest = jax.tree.map(lambda leaf: leaf[lane : lane + 1], rest)
    cut = {n: rest[n][:, :height, :width] for n in ("centre", "curvature")}
    return rest | cut


@every_solver
def test_the_loss_falls(options, whole, problem):
    """By most of the way to the least that there is, within the box if it is kept."""
    ran, low, high = whole(options), -np.inf, np.inf
    if keeps_to_the_box(options):
        low, high = 0, 1
    closest, _ = jax.jit(objective)(jnp.clip(problem["centre"], low, high), problem)
    assert ran.losses.shape == (len(LANES), STEPS + 1)
    assert np.isfinite(ran.losses).all()
    for lane, name in enumerate(LANES):
        first, best = ran.losses[lane, 0], ran.state.best_loss[lane]
        least = closest[lane] if name in ("inside", "outside") else 0
        assert best == ran.losses[lane].min(), name
        assert least * (1 - 1e-5) <= best < least + 0.2 * (first - least), name


@every_solver
def test_a_picture_in_a_frame_beside_others_is_as_alone(
    options, whole, problem, starts
):
    together = whole(options)
    for lane, name in enumerate(PADDED):
        height, width = SHAPES[name]
        image = starts[lane : lane + 1, :height, :width]
        alone = run(options, of_lane(problem, lane), begun(options, image))
        small = 1e-5 * alone.losses[0, 0]  # XLA sums in another order.
        np.testing.assert_allclose(
            *(together.losses[lane], alone.losses[0], 1e-3, small), err_msg=name
        )
        padded = together.state.image[lane]
        # That rounding grows with the steps: 1.1e-4 is the most that was seen.
        np.testing.assert_allclose(
            padded[:height, :width], alone.state.image[0], atol=3e-4, err_msg=name
        )
        assert not padded[height:].any(), name
        assert not padded[:, width:].any(), name


@every_solver
def test_chunks_and_the_order_of_lanes_make_no_difference(
    options, whole, problem, starts
):
    together = whole(options)
    turned = {
        name: leaf if name == "network" else jax.tree.map(lambda x: x[::-1], leaf)
        for name, leaf in problem.items()
    }
    single = run(options, turned, begun(options, starts[::-1]), chunk_seconds=0.0)
    assert len(single.images) == STEPS + 1
    assert len(together.images) < 6
    np.testing.assert_array_equal(single.losses[::-1], together.losses)
    np.testing.assert_array_equal(single.state.image[::-1], together.state.image)
    if keeps_to_the_box(options):
        assert single.images.min() >= 0
        assert single.images.max() <= 1


@every_solver
def test_a_resumed_run_is_the_whole_run(options, whole, problem, starts, tmp_path):
    path = tmp_path / "run.state"
    half = run(options, problem, begun(options, starts), steps=STEPS // 2)
    path.write_bytes(b"".join(checkpoint.encode(half.state, "digest")))
    shapes = jax.eval_shape(lambda: begun(options, starts))
    _, state = checkpoint.load(path, [shapes], "digest")
    rest = run(options, problem, state)
    np.testing.assert_array_equal(
        np.concatenate([half.losses, rest.losses], 1), whole(options).losses
    )
    for found, expected in zip(
        jax.tree.leaves(rest.state), jax.tree.leaves(whole(options).state), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@every_solver
def test_new_data_never_recompile_nor_leave_the_device(options, whole, problem, starts):
    whole(options)
    other = jax.tree.map(lambda leaf: leaf.copy(), problem)
    other["centre"] = 0.9 * problem["centre"]
    other["shares"] = jax.tree.map(lambda leaf: 1 + leaf, problem["shares"])
    state = begun(options, starts[::-1])
    with compilations() as compiled, jax.transfer_guard("disallow"):
        for done in engine.run(
            *(objective, other, solver(options), state), steps=STEPS + 7
        ):
            assert np.isfinite(done.lanes[0].loss)
        assert not compiled
        with pytest.raises(Exception, match=r"[Dd]isallowed host-to-device"):
            jnp.float32(1) + 1  # The guard is on.
        one, two = jax.device_put((np.float32(1), np.float32(2)))
        jax.jit(lambda x, y: x * y + x)(one, two)
        assert compiled  # They are counted.
    program = chunk.program(objective, solver(options), begun(options, starts), problem)
    text = program.as_text()
    assert re.search(r"\bwhile\(", text)
    assert not re.search(r"\b(infeed|outfeed|send|recv)\(|callback", text)


@every_solver
def test_equal_options_give_the_same_solver_and_no_others(options):
    assert solver(options) is solver(dataclasses.replace(options))
    kind = chosen(options, "solver")
    made = [solver(other) for other in solvers()]
    made += [solver(dataclasses.replace(options, learning_rate=0.5))]
    for name in kind.settings:
        field, value = _FIELDS[name], getattr(options, name)
        matters = not unmet(field.metadata["needs"], options)
        if matters and not field.metadata["choices"]:
            half = type(value)(value / 2)
            made.append(solver(dataclasses.replace(options, **{name: half})))
    assert sum(one is solver(options) for one in made) == 1
    assert len(set(map(id, made))) == len(made)


@every_solver
def test_steps_matter_to_decaying_solvers_only(options):
    for decay in (None, *_FIELDS["learning_rate_decay"].metadata["choices"]):
        of_all = dataclasses.replace(options, learning_rate_decay=decay)
        of_fewer = dataclasses.replace(of_all, steps=3)
        by_default = chosen(options, "solver").decay is not None
        decays = by_default if decay is None else decay != "none"
        assert (solver(of_all) is solver(of_fewer)) != decays
