"""`minimize`: any loss of an image, by any solver."""

import functools

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support.batch_pictures import PHOTOS, picture
from support.compilations import compilations

from nst_jax import losses, minimize
from nst_jax.errors import DivergenceError, ImageError, OptionsError
from nst_jax.images import files

START, GOAL = (picture(seed, 6, 7) for seed in (1, 2))


def distance(image, goal):
    return jnp.sum((image - goal) ** 2)


SGD = optax.sgd(0.3)


@pytest.mark.parametrize(
    "solver",
    [*(pytest.param(s, marks=pytest.mark.slow) for s in ("lbfgs", "adam")), SGD],
)
def test_the_image_goes_where_the_loss_is_least(solver):
    found = minimize(START, distance, (GOAL,), solver=solver, steps=99)
    np.testing.assert_allclose(found.image, GOAL, atol=0.06)
    assert found.loss == found.losses.min() == pytest.approx(0, abs=0.01)
    assert found.losses[0] == pytest.approx(np.sum((START - GOAL) ** 2), rel=1e-5)
    assert (len(found.losses), found.iterations, found.events) == (100, 99, ())
    assert (found.image.dtype, found.image.shape) == (np.float32, (6, 7, 3))


@pytest.mark.slow
def test_named_solvers_keep_to_the_box_and_others_do_as_they_do():
    beyond = np.full_like(START, 1.5)
    found = minimize(START, distance, (beyond,), steps=20)
    np.testing.assert_array_equal(found.image, np.ones_like(START))
    free = minimize(START, distance, (beyond,), solver=SGD, steps=20)
    np.testing.assert_allclose(free.image, beyond, atol=1e-3)


def test_terms_are_told_and_a_true_answer_stops():
    def two(image):
        terms = {"down": jnp.sum(image), "apart": jnp.var(image)}
        return sum(terms.values()), terms

    seen = []

    def stop(numbers):
        seen.append(numbers)
        return True

    found = minimize(START, two, solver="adam", steps=50, on_progress=stop)
    assert found.iterations == 0
    assert seen[0].terms == pytest.approx({"down": START.sum(), "apart": START.var()})
    np.testing.assert_array_equal(found.image, START)


@pytest.mark.slow
def test_other_data_compiles_nothing_and_a_bar_is_drawn_when_asked(tmp_path, capsys):
    files.write(tmp_path / "start.png", START)
    run = functools.partial(minimize, tmp_path / "start.png", distance, steps=3)
    run((GOAL,))
    assert capsys.readouterr().err == ""
    with compilations() as compiled:
        run((1 - GOAL,), progress=True)
    assert not compiled
    assert "3/3" in capsys.readouterr().err


def test_terms_of_style_transfer_by_themselves(tiny_network):
    """A Gram matrix of a network's view, and variation, of one image."""
    gram, variation = losses.Gram(), losses.TotalVariation()

    def statistic(image, network):
        return gram.statistic(network(image, ["relu1_1"])["relu1_1"])

    def loss(image, network, target):
        seen = losses.View.of(image[None])
        one = losses.View(image, None, seen.count[0])
        terms = {
            "style": 1e-4 * gram.distance(statistic(image, network), target),
            "variation": variation.distance(variation.statistic(one), None),
        }
        return sum(terms.values()), terms

    target = statistic(jnp.asarray(GOAL), tiny_network)
    found = minimize(START, loss, (tiny_network, target), solver="adam", steps=4)
    assert found.loss < 0.9 * found.losses[0]


def test_what_does_not_work_is_said_before_anything_runs():
    def of(value):
        return lambda image: value(image)

    for message, run in {
        r"is not known; choose one of lbfgs, adam": {"solver": "sgd"},
        r"^solver: .* more than gradients \(.*\); give one without a line search$": {
            "solver": optax.lbfgs()
        },
        r"^steps=-1 is out of range": {"steps": -1},
        r"^objective: the loss is float32 of shape \(6, 7, 3\); return a scalar": {
            "objective": of(lambda image: image)
        },
        r"the loss is int32 of shape \(\);": {
            "objective": of(lambda image: jnp.argmax(image))
        },
        r"objective: far is float32 of shape \(7, 3\)": {
            "objective": of(lambda image: (jnp.sum(image), {"far": image[0]}))
        },
        r"a term can't be named total": {
            "objective": of(lambda image: (jnp.sum(image), {"total": jnp.sum(image)}))
        },
    }.items():
        with pytest.raises(OptionsError, match=message):
            minimize(START, **{"objective": of(jnp.sum)} | run)
    with pytest.raises(DivergenceError):
        minimize(START, of(lambda image: jnp.nan * jnp.sum(image)), solver="adam")
    with pytest.raises(ImageError, match=r"^no\.png: no such file"):
        minimize("no.png", of(jnp.sum))


def test_a_network_shows_one_image_as_it_shows_several(tiny_network):
    photo, taps = jnp.asarray(PHOTOS[0]), ("conv1_1", "relu2_1")
    (one, several) = (tiny_network(x, taps) for x in (photo, photo[None]))
    assert one.keys() == several.keys() == set(taps)
    for tap, view in one.items():
        for field in ("features", "count"):
            of_several = getattr(several[tap], field)
            np.testing.assert_array_equal(getattr(view, field), of_several[0])
        assert view.weight is None
