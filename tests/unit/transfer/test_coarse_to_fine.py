"""Runs through the sizes of a pyramid, alone and with lanes of several shapes."""

import dataclasses
import functools

import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax import Options
from nst_jax.images import resize
from nst_jax.images.frames import frames
from nst_jax.optimize import chunk
from nst_jax.optimize.checkpoint import CheckpointError
from nst_jax.options import OptionsError
from nst_jax.transfer import framing, problem, sizes, verbs
from nst_jax.transfer.framing import Framing
from nst_jax.transfer.pictures import Reader
from nst_jax.transfer.problem import Studio
from nst_jax.transfer.run import Run

_OPTIONS = Options(size=128, steps=7, pyramid=2, history=4)
_ADAM = dataclasses.replace(_OPTIONS, solver="adam", learning_rate=0.01)
_COARSE, _FULL = (47, 64), (94, 128)  # Of the photo.


@pytest.fixture
def stylize(photo, painting, tiny_network):
    """`verbs.stylize` of the two pictures by the tiny network."""

    def run(options=_OPTIONS, content=photo, **keywords):
        return verbs.stylize(
            content, painting, options, network=tiny_network, **keywords
        )

    return run


def record(stylize, options=_OPTIONS, **keywords):
    """The result, and all progress with the picture at that point."""
    seen = []

    def keep(progress):
        seen.append((progress, progress.image()))

    return stylize(options, on_progress=keep, **keywords), seen


def test_goes_through_the_sizes_and_counts_on(stylize):
    result, seen = record(stylize, every=(2,))
    assert result.image.shape == (*_FULL, 3)
    assert result.iterations == 7
    # Each size scores its last picture too.
    assert result.losses.shape == (7 + 2,)
    iterations, shapes = [], []
    for progress, image in seen:
        last = progress.iteration
        iterations += range(last + 1 - len(progress.losses), last + 1)
        shapes += [image.shape[:2]] * len(progress.losses)
    assert iterations == [0, 1, 2, 3, 3, 4, 5, 6, 7]
    assert shapes == [_COARSE] * 4 + [_FULL] * 5
    seconds = [progress.seconds for progress, _ in seen]
    compiling = [progress.compile_seconds for progress, _ in seen]
    assert seconds == sorted(seconds)
    assert compiling == sorted(compiling)
    assert (result.seconds, result.compile_seconds) == (seconds[-1], compiling[-1])
    # The loss is of the full size: the lowest of these, whatever the coarse ones were.
    assert result.loss == result.losses[4:].min() < 0.9 * result.losses[4]
    np.testing.assert_array_equal(result.image, seen[-1][1])


def test_the_next_size_begins_with_the_best_picture_of_the_last(
    stylize, photo, painting, tiny_network
):
    options = dataclasses.replace(_ADAM, init="style")
    result, seen = record(stylize, options, every=(1,))
    coarse = result.losses[:4]
    assert 0 < coarse.argmin() < 3  # So it is not the last one here.
    assert seen[3][0].best_loss == coarse.min()
    start = resize.resize(seen[3][1], _FULL)
    content, style = (resize.resize_longest(image, 128) for image in (photo, painting))
    objective, data = problem.pose(content, [style], options, tiny_network)
    (total,), _ = objective(jnp.asarray(start)[None], data)
    np.testing.assert_allclose(result.losses[4], total, rtol=1e-5)
    # And the coarse losses are of the pictures at the coarse size.
    content, style = (resize.resize_longest(image, 64) for image in (content, style))
    objective, data = problem.pose(content, [style], options, tiny_network)
    (total,), _ = objective(jnp.asarray(seen[0][1])[None], data)
    np.testing.assert_allclose(result.losses[0], total, rtol=1e-5)


@pytest.mark.parametrize("init", ["content", "style", "noise"])
def test_starts_at_the_coarsest_size(stylize, photo, painting, init):
    options = dataclasses.replace(_OPTIONS, init=init, seed=3, steps=0)
    result, seen = record(stylize, options)
    expected = {
        "content": resize.resize(resize.resize_longest(photo, 128), _COARSE),
        "style": resize.resize(painting, _COARSE),
        "noise": np.random.default_rng(3).random((*_COARSE, 3), np.float32),
    }[init]
    np.testing.assert_array_equal(seen[0][1], expected)
    # Without steps, that enlarged is the result.
    np.testing.assert_array_equal(result.image, resize.resize(expected, _FULL))
    assert result.losses.shape == (2,)


@pytest.mark.parametrize("init", ["style", "noise"])
def test_lowers_the_loss_from_any_start(stylize, init):
    result = stylize(dataclasses.replace(_OPTIONS, init=init))
    assert result.image.shape == (*_FULL, 3)
    assert result.losses[3] < 0.9 * result.losses[0]
    assert result.losses[-1] < 0.9 * result.losses[4]


@pytest.fixture(scope="module")
def whole_runs():
    """Uninterrupted runs by their options, each made once."""
    return {}


# After 2, the 4 of the first size, the first of the second, and in the midst of it.
@pytest.mark.parametrize("count", [2, 4, 5, 7])
@pytest.mark.parametrize("options", [_OPTIONS, _ADAM], ids=["lbfgs", "adam"])
def test_stopped_and_resumed_is_the_whole_run(
    stylize, tmp_path, whole_runs, options, count
):
    state_file, calls = tmp_path / "run.state", []

    def stop(progress):
        calls.append(progress)
        return len(calls) == count

    part = stylize(options, on_progress=stop, every=(1,), state_file=state_file)
    assert len(part.losses) == count
    assert part.image.shape[:2] == (_COARSE if count <= 4 else _FULL)
    assert state_file.exists()
    rest = stylize(options, state_file=state_file, resume=True)
    assert not state_file.exists()
    if options not in whole_runs:
        whole_runs[options] = stylize(options)
    whole = whole_runs[options]
    np.testing.assert_array_equal(
        np.concatenate([part.losses, rest.losses]), whole.losses
    )
    np.testing.assert_array_equal(rest.image, whole.image)
    assert rest.iterations == whole.iterations == 7


def test_resuming_with_other_sizes_or_steps_is_refused(stylize, tmp_path):
    state_file = tmp_path / "run.state"
    stylize(on_progress=lambda _: True, state_file=state_file)
    for change in ({"pyramid": 1}, {"steps": 9}, {"size": 144}):
        other = dataclasses.replace(_OPTIONS, **change)
        with pytest.raises(CheckpointError, match="other pictures or options"):
            stylize(other, state_file=state_file, resume=True)
    assert stylize(state_file=state_file, resume=True).iterations == 7


def test_a_picture_too_small_for_the_coarsest_size_is_refused(stylize, photo):
    with pytest.raises(OptionsError, match="64x15 is too small for relu5_1"):
        stylize(content=photo[:10, :43])


def test_each_size_is_compiled_once(tiny_network, photo, painting):
    """The programs compiled ahead, from shapes, are those that the engine asks for."""
    # A rate that no other test has.
    options = dataclasses.replace(_ADAM, learning_rate=0.03, steps=2)
    before = len(chunk._programs)
    run, _ = run_of(tiny_network, [(photo, painting)], options)
    for scale in run.scales:
        run.stage(scale)
    assert len(chunk._programs) == before + 2
    list(run.chunks())
    assert len(chunk._programs) == before + 2


# Lanes of several shapes.


def run_of(network, pairs, options, each=({},), **keywords):
    """A run of lanes, and their pictures; `each` changes options of a lane."""
    reader = Reader()
    lanes = [
        reader.read(photo, [painting], dataclasses.replace(options, **change))
        for (photo, painting), change in zip(pairs, each, strict=True)
    ]
    framed = Framing(lanes, [scale.size for scale in sizes.scales(options)])
    return Run(Studio(network, options), framed, lanes, **keywords), lanes


def follow(run):
    """Terms `[lanes, n]` by name with the total, and the last pictures of each size."""
    seen, pictures = [], {}
    for done in run.chunks(every=(1,)):
        seen.append([{"total": lane.loss} | lane.terms for lane in done.lanes])
        images = [lane.image() for lane in done.lanes]
        pictures[max(images[0].shape)] = images
    terms = {
        name: np.array([[lane[name] for lane in lanes] for lanes in seen]).T
        for name in seen[0][0]
    }
    return terms, list(pictures.values())


# Weights under which every term counts at the sizes here.
_BALANCED = Options(
    steps=10,
    history=5,
    content_weight=1e4,
    style_weight=30.0,
    tv_weight=1e8,
    learning_rate_decay="none",
)


def mixed(photo, painting):
    """Landscape, portrait, and the first once more with other options."""
    turned, upright = painting[::-1, ::-1], np.rot90(photo)[:, :29]
    pairs = [(photo, painting), (upright, turned[:25]), (photo, turned[:25])]
    each = [{}, {"style_weight": 90.0}, {"tv_weight": 2e8, "content_weight": 5e3}]
    return [tuple(map(np.ascontiguousarray, pair)) for pair in pairs], each


# Padding changes the order of sums, no more: 3e-6 of a term's peak at the outset. Adam
# keeps to that (seen: 3e-6, pictures 5e-6). L-BFGS enlarges it from step to step, as it
# divides by small differences of gradients (seen after 12: 5e-5 of the total, 6e-4 of a
# term, pictures 3e-4).
_TOLERANCES = {
    "lbfgs": {"total": 3e-4, "term": 3e-3, "image": 2e-3},
    "adam": {"total": 1e-5, "term": 2e-5, "image": 5e-5},
}


@pytest.mark.parametrize(("size", "sizes"), [(64, 1), (128, 2)])
@pytest.mark.parametrize(("solver", "rate"), [("lbfgs", None), ("adam", 0.003)])
def test_lanes_of_several_shapes_are_runs_of_their_own(
    photo, painting, tiny_network, monkeypatch, solver, rate, size, sizes
):
    # One frame for all, however much padding that makes.
    monkeypatch.setattr(framing, "frames", functools.partial(frames, limit=1))
    options = dataclasses.replace(
        _BALANCED, size=size, pyramid=sizes, solver=solver, learning_rate=rate
    )
    pairs, each = mixed(photo, painting)
    run, lanes = run_of(tiny_network, pairs, options, each)
    for scale in run.scales:
        for lane in run.stage(scale).lanes:
            assert lane.content.pixels.shape == (scale.size, scale.size, 3)
            assert np.prod(lane.content.extent) < 0.8 * scale.size**2
    terms, pictures = follow(run)
    assert terms["total"].shape == (3, 10 + sizes)
    assert (terms["total"].min(axis=1) < 0.9 * terms["total"][:, 0]).all()
    for kind in ("content", "style/relu1_1", "total_variation"):
        (values,) = (terms[name] for name in terms if name.startswith(kind))
        assert (values.max(axis=1) > 0.02 * terms["total"][:, 0]).all(), kind
    for lane, (pair, change) in enumerate(zip(pairs, each, strict=True)):
        alone, _ = run_of(tiny_network, [pair], options, [change])
        expected, own = follow(alone)
        tolerance = _TOLERANCES[solver]
        for name, (values,) in expected.items():
            errors = np.abs(terms[name][lane] - values) / values.max()
            assert errors[:4].max() < 2e-5, name
            assert errors.max() < tolerance.get(name, tolerance["term"]), name
        for found, (image,) in zip(pictures, own, strict=True):
            np.testing.assert_allclose(found[lane], image, atol=tolerance["image"])
    assert [image.shape for image in pictures[-1]] == [p.content.shape for p in lanes]


def test_lanes_of_one_photo_may_share_its_targets(photo, painting, tiny_network):
    pairs = [(photo, painting), (photo, np.ascontiguousarray(painting[:25]))]
    options = dataclasses.replace(
        _BALANCED, size=64, solver="adam", learning_rate=0.005, steps=4
    )
    each = [{}, {"content_weight": 5e4}]
    found = {}
    for share in (True, False):
        run, _ = run_of(tiny_network, pairs, options, each, share=share)
        (target,) = run.stage(run.scales[0]).problem.targets.content.values()
        assert target.ndim == (3 if share else 4)
        found[share] = follow(run)
    for name, values in found[True][0].items():
        np.testing.assert_allclose(values, found[False][0][name], rtol=1e-5)
    for lane in (0, 1):
        shared, own = found[True][1][0][lane], found[False][1][0][lane]
        np.testing.assert_allclose(shared, own, atol=1e-5)


def test_lanes_of_different_photos_share_no_targets(photo, painting, tiny_network):
    mirrored = np.ascontiguousarray(photo[:, ::-1])
    pairs = [(photo, painting), (mirrored, painting)]
    run, _ = run_of(tiny_network, pairs, dataclasses.replace(_ADAM, size=64), ({}, {}))
    (target,) = run._studio.pose(run._lanes(run.scales[0])).targets.content.values()
    assert target.shape[0] == 2
    assert not np.allclose(target[0], target[1])
