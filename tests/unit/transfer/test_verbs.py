import dataclasses
import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from nst_jax.errors import ImageError

from nst_jax import Options
from nst_jax.images import files, resize
from nst_jax.networks import extract
from nst_jax.networks.extract import NetworkError
from nst_jax.optimize import chunk
from nst_jax.optimize.checkpoint import CheckpointError
from nst_jax.options import OptionsError
from nst_jax.transfer import problem, verbs
from weights_convert import architectures

_OPTIONS = Options(size=32, steps=6, history=4)


@pytest.fixture
def stylize(photo, painting, tiny_network):
    """`verbs.stylize` of the two pictures by the tiny network."""

    def run(options=_OPTIONS, content=photo, styles=painting, **keywords):
        return verbs.stylize(content, styles, options, network=tiny_network, **keywords)

    return run


def test_lowers_the_loss_and_reports_it(stylize, photo, painting, tiny_network):
    result = stylize()
    assert result.image.shape == (23, 32, 3)
    assert result.image.dtype == np.float32
    assert result.losses.shape == (7,)
    assert result.iterations == 6
    assert result.loss == result.losses.min() < 0.9 * result.losses[0]
    assert result.events == ()
    # The reported loss is that of the objective of these pictures.
    content = resize.resize_longest(photo, 32)
    style = resize.resize_longest(painting, 32)
    objective, data = problem.pose(content, [style], _OPTIONS, tiny_network)
    (total,), _ = objective(jnp.asarray(content)[None], data)
    np.testing.assert_allclose(result.losses[0], total, rtol=1e-5)


@pytest.mark.parametrize("shape", [(17, 40), (40, 17), (16, 16), (20, 51)])
def test_any_aspect_ratio(stylize, shape):
    content = np.random.default_rng(0).random((*shape, 3), np.float32)
    result = stylize(dataclasses.replace(_OPTIONS, size=40, steps=1), content=content)
    assert result.image.shape == (*resize.fit(*shape, 40), 3)


def test_starts(stylize, photo, painting, tmp_path):
    def start(init, seed=0):
        return stylize(
            dataclasses.replace(_OPTIONS, steps=0, init=init, seed=seed)
        ).image

    np.testing.assert_array_equal(start("content"), resize.resize_longest(photo, 32))
    np.testing.assert_array_equal(start("style"), resize.resize(painting, (23, 32)))
    np.testing.assert_array_equal(start("noise"), start("noise"))
    assert np.abs(start("noise") - start("noise", seed=1)).mean() > 0.2
    files.write(tmp_path / "start.png", painting)
    from_file = start(str(tmp_path / "start.png"))
    np.testing.assert_allclose(from_file, start("style"), atol=0.01)
    with pytest.raises(OptionsError, match=r"init='nowhere.png' is neither content"):
        start("nowhere.png")


def test_style_scale_sizes_the_painting(stylize, photo, painting, tiny_network):
    options = dataclasses.replace(_OPTIONS, style_scale=0.6, steps=0)
    smaller = resize.resize_longest(painting, round(0.6 * 32))
    content = resize.resize_longest(photo, 32)
    objective, data = problem.pose(content, [smaller], options, tiny_network)
    (total,), _ = objective(jnp.asarray(content)[None], data)
    np.testing.assert_allclose(stylize(options).losses[0], total, rtol=1e-5)
    assert stylize().losses[0] != pytest.approx(float(total), rel=1e-3)


def test_blend_of_one_painting_alone_is_that_painting(stylize, photo, painting):
    other = np.ascontiguousarray(painting[::-1, :, ::-1])
    alone = stylize()
    blended = stylize(
        dataclasses.replace(_OPTIONS, style_blend=(2.0, 0.0)), styles=[painting, other]
    )
    np.testing.assert_allclose(blended.losses[0], alone.losses[0], rtol=1e-5)
    equal = stylize(styles=[painting, other])
    assert abs(equal.losses[0] / alone.losses[0] - 1) > 1e-3


def test_weights_and_taps_reach_the_objective(stylize):
    terms = {}

    def keep(progress):
        terms.update(progress.terms)

    options = dataclasses.replace(
        _OPTIONS,
        steps=0,
        content_taps=("relu3_1", "conv4_2"),
        content_tap_weights=(1.0, 0.0),
        style_taps=("relu1_1", "relu2_1"),
        style_tap_weights=(0.0, 3.0),
        tv_weight=2.0,
        init="noise",
    )
    stylize(options, on_progress=keep)
    assert set(terms) == {
        "content/relu3_1",
        "content/conv4_2",
        "style/relu1_1",
        "style/relu2_1",
        "total_variation",
    }
    assert terms["content/conv4_2"] == terms["style/relu1_1"] == 0
    assert min(terms["content/relu3_1"], terms["style/relu2_1"]) > 0
    before = dict(terms)
    stylize(
        dataclasses.replace(options, tv_weight=6.0, style_weight=10.0), on_progress=keep
    )
    assert terms["total_variation"] == pytest.approx(3 * before["total_variation"])
    assert terms["style/relu2_1"] == pytest.approx(0.1 * before["style/relu2_1"])


def test_new_weights_and_pictures_do_not_recompile(stylize, photo):
    def compiled():
        targets = problem._content_targets, problem._style_targets
        return len(chunk._programs), *(f._cache_size() for f in targets)

    stylize()
    before = compiled()
    stylize(dataclasses.replace(_OPTIONS, style_weight=7.0, tv_weight=1.0, steps=9))
    stylize(content=np.ascontiguousarray(photo[:, ::-1]))
    assert compiled() == before
    # The counts do go up when they have to.
    stylize(dataclasses.replace(_OPTIONS, size=30, steps=0))
    assert all(now > then for now, then in zip(compiled(), before, strict=True))


def test_the_network_is_asked_once_for_each_tap(
    photo, painting, tiny_network, monkeypatch
):
    asked, extract = [], extract.extract

    def spying(network, images, taps, extents=None):
        asked.append((images.shape[0], tuple(taps)))
        return extract(network, images, taps, extents)

    taps = {"content_taps": ("relu1_1", "relu2_1"), "style_taps": ("relu2_1", "pool1")}
    options = dataclasses.replace(_OPTIONS, **taps)
    objective, data = problem.pose(photo, [painting], options, tiny_network)
    monkeypatch.setattr(extract, "extract", spying)
    objective(jnp.asarray(photo)[None], data)
    assert asked == [(1, ("relu1_1", "relu2_1", "pool1"))]


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_stopped_and_resumed_is_the_whole_run(stylize, tmp_path, solver):
    options = dataclasses.replace(_OPTIONS, solver=solver, steps=9)
    state_file = tmp_path / "run.state"

    def stop_at_4(progress):
        return progress.iteration >= 4

    part = stylize(options, on_progress=stop_at_4, every=(4,), state_file=state_file)
    assert part.iterations == 4
    assert state_file.exists()
    rest = stylize(options, state_file=state_file, resume=True)
    assert not state_file.exists()
    whole = stylize(options)
    np.testing.assert_array_equal(
        np.concatenate([part.losses, rest.losses]), whole.losses
    )
    np.testing.assert_array_equal(rest.image, whole.image)


def test_resuming_another_run_is_refused(stylize, tmp_path):
    state_file = tmp_path / "run.state"
    with pytest.raises(CheckpointError, match="nothing to resume from"):
        stylize(state_file=state_file, resume=True)
    with pytest.raises(OptionsError, match="resume needs"):
        stylize(resume=True)
    stylize(on_progress=lambda _: True, state_file=state_file)
    with pytest.raises(CheckpointError, match="other pictures or options"):
        stylize(
            dataclasses.replace(_OPTIONS, style_weight=1.0),
            state_file=state_file,
            resume=True,
        )
    # More steps of the same run are fine.
    longer = dataclasses.replace(_OPTIONS, steps=8)
    assert stylize(longer, state_file=state_file, resume=True).iterations == 8


def test_bfloat16_network_sees_nearly_the_same(
    photo, painting, tiny_table, tiny_weights
):
    def value_and_gradient(precision):
        network = extract.build(tiny_table, tiny_weights, precision=precision)
        options = dataclasses.replace(_OPTIONS, precision=precision)
        objective, data = problem.pose(photo, [painting], options, network)

        def loss(image, data):
            (total,), terms = objective(image[None], data)
            return total, terms

        evaluate = jax.jit(jax.value_and_grad(loss, has_aux=True))
        (total, _), gradient = evaluate(jnp.asarray(photo), data)
        assert total.dtype == gradient.dtype == jnp.float32
        return float(total), np.ravel(gradient)

    total, gradient = value_and_gradient("bfloat16")
    exact_total, exact_gradient = value_and_gradient("float32")
    assert total == pytest.approx(exact_total, rel=0.02)
    assert total != exact_total
    assert np.corrcoef(gradient, exact_gradient)[0, 1] > 0.9


def test_saved_file_says_what_made_it(stylize, tmp_path):
    result = stylize()
    result.save(tmp_path / "painted.png")
    description = files.read_description(tmp_path / "painted.png")
    assert description["options"]["size"] == 32
    assert description["options"]["style_taps"] == list(_OPTIONS.style_taps)
    assert description["loss"] == pytest.approx(result.loss)
    assert description["versions"]["jax"] == jax.__version__
    assert json.loads(json.dumps(description)) == description
    np.testing.assert_allclose(
        files.read(tmp_path / "painted.png"), result.image, atol=0.5 / 255 + 1e-6
    )


def test_what_does_not_fit(stylize, photo, painting):
    with pytest.raises(OptionsError, match="32x4 is too small for relu4_2"):
        stylize(content=photo[:5])
    with pytest.raises(OptionsError, match="2x32 is too small for relu3_1"):
        stylize(styles=painting[:, :2])
    with pytest.raises(OptionsError, match="no painting"):
        stylize(styles=[])
    with pytest.raises(OptionsError, match="3 shares for 1"):
        stylize(dataclasses.replace(_OPTIONS, style_blend=(1.0, 2.0, 3.0)))
    with pytest.raises(NetworkError, match="has no tap relu9_9; it has conv1_1"):
        stylize(dataclasses.replace(_OPTIONS, content_taps=("relu9_9",)))
    with pytest.raises(NetworkError, match="'vgg99' is not known; choose one of vgg19"):
        stylize(dataclasses.replace(_OPTIONS, network="vgg99"))
    with pytest.raises(ImageError, match="divide uint8 values by 255"):
        stylize(content=np.zeros((20, 20, 3), np.uint8))
    with pytest.raises(ImageError, match=r"float \[h, w, 3\]"):
        stylize(content=photo[..., 0])
    with pytest.raises(ImageError, match=r"outside of \[0, 1\]"):
        stylize(styles=painting * 255)


def test_auto_precision_is_float32_on_a_cpu():
    assert problem.resolve_precision("auto") == "float32"
    assert problem.resolve_precision("bfloat16") == "bfloat16"


@pytest.mark.parametrize(
    ("precision", "expected"),
    [("float32", "HIGHEST"), ("tf32", "HIGH"), ("bfloat16", "HIGHEST")],
)
def test_precision_holds_in_the_backward_pass_too(
    photo, painting, tiny_table, tiny_weights, precision, expected
):
    options = dataclasses.replace(_OPTIONS, precision=precision)
    network = extract.build(tiny_table, tiny_weights, precision=precision)
    objective, data = problem.pose(photo, [painting], options, network)

    def loss(image):
        (total,), _ = objective(image[None], data)
        return total

    jaxpr = str(jax.make_jaxpr(jax.grad(loss))(jnp.asarray(photo)))
    products = re.findall(
        r"(?:conv_general_dilated|dot_general)\[.*?precision=(.*?)\n", jaxpr, re.DOTALL
    )
    # 13 convolutions to relu5_1 and 5 Gram matrices, forward and backward.
    assert len(products) == 2 * (13 + 5)
    assert all(re.search(rf"\b{expected}\b", product) for product in products), products


def test_a_network_for_other_options_is_refused(photo, painting):
    table = architectures.NETWORKS["vgg16"]
    network = extract.build(
        table, {key: np.zeros(shape, np.float32) for key, shape in table.shapes.items()}
    )
    with pytest.raises(OptionsError, match="network is vgg16 with max pooling, but"):
        verbs.stylize(photo, painting, _OPTIONS, network=network)


def test_jax_arrays_are_pictures(stylize, photo, painting):
    found = stylize(content=jnp.asarray(photo), styles=(jnp.asarray(painting),))
    np.testing.assert_array_equal(found.image, stylize().image)


def test_resuming_needs_more_steps(stylize, tmp_path):
    state_file = tmp_path / "run.state"
    stylize(on_progress=lambda p: p.iteration >= 4, every=(4,), state_file=state_file)
    with pytest.raises(OptionsError, match="made 4 already; give more"):
        stylize(
            dataclasses.replace(_OPTIONS, steps=3), state_file=state_file, resume=True
        )
    assert state_file.exists()


def test_a_state_that_does_not_fit_loses_no_picture(stylize, tmp_path, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(verbs.checkpoint.os, "replace", full)
    lines = []
    result = stylize(
        on_progress=lambda _: True, state_file=tmp_path / "s", report=lines.append
    )
    assert result.image.shape == (23, 32, 3)
    assert "can't be resumed" in lines[0]
