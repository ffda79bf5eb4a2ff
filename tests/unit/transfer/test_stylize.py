"""`stylize`: one photo, as a user of the library meets it."""

import concurrent.futures
import dataclasses
import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from support.batch_pictures import LBFGS, PAINTINGS, PHOTOS
from support.classic import classic
from support.posing import pose
from support.tiny import built

from nst_jax import stylize, stylize_batch
from nst_jax.errors import CheckpointError, ImageError, OptionsError
from nst_jax.images import files, resize
from nst_jax.networks import extract
from nst_jax.options import chosen
from weights_convert.architectures import find
from weights_convert.errors import NetworkError

PHOTO, PAINTING = PHOTOS[2], PAINTINGS[0]


@pytest.fixture
def paint(tiny_network):
    """`stylize` of the two pictures by the tiny network."""

    def run(options=LBFGS, content=PHOTO, styles=PAINTING, **keywords):
        return stylize(content, styles, options, network=tiny_network, **keywords)

    return run


def test_lowers_the_loss_and_reports_it(paint, tiny_network):
    seen = []
    result = paint(on_progress=seen.append, every=(4,))
    assert (result.image.shape, result.image.dtype) == ((25, 33, 3), np.float32)
    assert result.losses.shape == (7,)
    assert result.iterations == 6
    assert result.finished
    assert result.loss == result.losses.min() < 0.9 * result.losses[0]
    assert result.events == ()
    assert 4 in [progress.iteration for progress in seen]
    assert np.concatenate([progress.losses for progress in seen]) == pytest.approx(
        result.losses
    )
    np.testing.assert_array_equal(seen[-1].image(), result.image)
    # The reported loss is that of the objective of these pictures.
    style = resize.resize_longest(PAINTING, 33)
    objective, data = pose(PHOTO, [style], LBFGS, tiny_network)
    (total,), _ = jax.jit(objective)(jnp.asarray(PHOTO)[None], data)
    np.testing.assert_allclose(result.losses[0], total, rtol=1e-5)


def test_a_bar_is_drawn_when_asked_from_a_thread_too(paint, capsys):
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        result = threads.submit(paint, progress=True).result()
    assert "6/6" in (shown := capsys.readouterr().err)
    assert "loss " in shown
    np.testing.assert_array_equal(paint().image, result.image)
    assert capsys.readouterr().err == ""


def test_pictures_may_be_given_in_many_ways(paint, tmp_path):
    expected = paint().image
    found = paint(content=jnp.asarray(PHOTO), styles=(jnp.asarray(PAINTING),))
    np.testing.assert_array_equal(found.image, expected)
    for name, pixels in {"photo.png": PHOTO, "painting.png": PAINTING}.items():
        files.write(tmp_path / name, pixels)
    found = paint(content=tmp_path / "photo.png", styles=str(tmp_path / "painting.png"))
    np.testing.assert_allclose(found.image, expected, atol=0.05)
    content = (tmp_path / "photo.png").read_bytes()
    with Image.open(tmp_path / "painting.png") as picture:
        again = paint(content=content, styles=picture)
        levels = np.asarray(picture)
    np.testing.assert_array_equal(again.image, found.image)
    with (tmp_path / "photo.png").open("rb") as file:
        again = paint(content=file, styles=[levels])
    np.testing.assert_array_equal(again.image, found.image)


def test_a_saved_file_says_what_made_it(paint, tmp_path):
    result = paint()
    result.save(tmp_path / "painted.png")
    description = files.read_description(tmp_path / "painted.png")
    assert description["options"]["size"] == 33
    assert description["options"]["style_taps"] == list(LBFGS.style_taps)
    assert description["loss"] == pytest.approx(result.loss)
    assert description["versions"]["jax"] == jax.__version__
    assert json.loads(json.dumps(description)) == description
    np.testing.assert_allclose(
        files.read(tmp_path / "painted.png"), result.image, atol=0.5 / 255 + 1e-6
    )


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_stopped_and_resumed_is_the_whole_run(paint, tmp_path, solver):
    options = dataclasses.replace(LBFGS, solver=solver, steps=9)
    state_file = tmp_path / "run.state"

    def stop_at_4(progress):
        return progress.iteration >= 4

    part = paint(options, on_progress=stop_at_4, every=(4,), state_file=state_file)
    assert (part.iterations, part.finished) == (4, False)
    rest = paint(options, state_file=state_file, resume=True)
    assert not state_file.exists()
    whole = paint(options)
    losses = np.concatenate([part.losses, rest.losses])
    np.testing.assert_array_equal(losses, whole.losses)
    np.testing.assert_array_equal(rest.image, whole.image)


def test_resuming_another_run_is_refused(paint, tmp_path, tiny_architecture):
    state_file = tmp_path / "run.state"
    paint(on_progress=lambda p: p.iteration >= 4, every=(4,), state_file=state_file)
    other = np.random.default_rng(5)
    weights = {
        key: other.normal(0, 0.1, shape).astype(np.float32)
        for key, shape in tiny_architecture.shapes.items()
    }
    for change in (
        lambda: paint(
            dataclasses.replace(LBFGS, style_weight=1.0),
            state_file=state_file,
            resume=True,
        ),
        lambda: paint(content=PHOTO[::-1], state_file=state_file, resume=True),
        lambda: stylize(
            *(PHOTO, PAINTING, LBFGS),
            network=extract.build(tiny_architecture, weights),
            state_file=state_file,
            resume=True,
        ),
    ):
        with pytest.raises(CheckpointError, match="other pictures or options"):
            change()
    fewer = dataclasses.replace(LBFGS, steps=3)
    with pytest.raises(OptionsError, match=r"^steps=3: .* made 4 already; give more$"):
        paint(fewer, state_file=state_file, resume=True)
    assert state_file.exists()
    # More steps of the same run are fine.
    longer = dataclasses.replace(LBFGS, steps=8)
    assert paint(longer, state_file=state_file, resume=True).iterations == 8


def test_a_state_of_version_0_1_is_said_to_be_one(paint, tmp_path):
    import safetensors.numpy

    state_file = tmp_path / "run.state"
    old = {"fingerprint": "0" * 64}
    safetensors.numpy.save_file({"000": np.zeros(1)}, state_file, metadata=old)
    with pytest.raises(CheckpointError, match="by an earlier version of nst_jax, from"):
        paint(state_file=state_file, resume=True)


def test_what_does_not_fit(paint):
    deep = dataclasses.replace(LBFGS, content_taps=("relu4_2",))
    for message, run in {
        "33x3 pixels it is too small for relu4_2.*: give size=96 or more": lambda: (
            paint(deep, content=PHOTO[:3])
        ),
        "no painting": lambda: paint(styles=[]),
        "3 shares for 1": lambda: paint(
            dataclasses.replace(LBFGS, style_blend=(1.0, 2.0, 3.0))
        ),
        "init='nowhere.png' is neither": lambda: paint(
            dataclasses.replace(LBFGS, init="nowhere.png")
        ),
    }.items():
        with pytest.raises(OptionsError, match=message):
            run()
    for message, change in {
        "has no tap relu9_9; it has conv1_1": {"content_taps": ("relu9_9",)},
        "'vgg99' is not known; choose one of vgg19": {"network": "vgg99"},
    }.items():
        with pytest.raises(NetworkError, match=message):
            paint(dataclasses.replace(LBFGS, **change))
    for message, content in {
        r"shape \(25, 33, 2\) .* a picture is \[h, w, 3\], or": PHOTO[..., :2],
        "can't be decoded|is not an image": b"no picture",
        r"outside of \[0, 1\]": PHOTO * 255,
    }.items():
        with pytest.raises(ImageError, match=message):
            paint(content=content)


def test_a_network_for_other_options_is_refused():
    vgg16 = find("vgg16")
    zeros = {key: np.zeros(shape, np.float32) for key, shape in vgg16.shapes.items()}
    network = extract.build(vgg16, zeros)
    with pytest.raises(OptionsError, match="network is vgg16 with max pooling, but"):
        stylize(PHOTO, PAINTING, LBFGS, network=network)


@pytest.mark.parametrize(
    ("precision", "expected"),
    [
        pytest.param("float32", "HIGHEST", marks=pytest.mark.slow),
        ("tf32", "HIGH"),
        pytest.param("bfloat16", "HIGHEST", marks=pytest.mark.slow),
    ],
)
def test_precision_holds_in_the_backward_pass_too(
    tiny_architecture, tiny_weights, precision, expected
):
    options = classic(precision=precision)
    network = built(tiny_architecture, tiny_weights, precision=precision)
    objective, data = pose(PHOTO, [PAINTING], options, network)
    # As on a GPU: TF32 is float32 on a CPU.
    objective = dataclasses.replace(objective, precision=chosen(options, "precision"))

    def loss(image):
        (total,), _ = objective(image[None], data)
        return total

    jaxpr = str(jax.make_jaxpr(jax.grad(loss))(jnp.asarray(PHOTO)))
    products = re.findall(
        r"(?:conv_general_dilated|dot_general)\[.*?precision=(.*?)\n", jaxpr, re.DOTALL
    )
    # 13 convolutions to relu5_1 and 5 Gram matrices, forward and backward.
    assert len(products) == 2 * (13 + 5)
    assert all(re.search(rf"\b{expected}\b", product) for product in products), products


def test_a_state_file_is_no_picture_and_no_device(tmp_path):
    files.write(tmp_path / "photo.png", PHOTO)
    (tmp_path / "link").symlink_to("photo.png")
    (tmp_path / "null").symlink_to("/dev/null")
    for name, line in (("link", "is read too"), ("null", "is no regular file")):
        with pytest.raises(ImageError, match=line):
            stylize(tmp_path / "photo.png", PAINTING, state_file=tmp_path / name)
    (tmp_path / "notes.txt").write_text("somebody's")
    for resume in (False, True):
        with pytest.raises(
            CheckpointError, match=r"notes\.txt: is there, and not a sa"
        ):
            stylize(PHOTO, PAINTING, state_file=tmp_path / "notes.txt", resume=resume)
    assert (tmp_path / "notes.txt").read_text() == "somebody's"


@pytest.mark.parametrize("verb", [stylize, stylize_batch])
def test_options_are_options(verb):
    with pytest.raises(OptionsError, match=r"options={'size': 64}: give nst_jax\.Opt"):
        verb(PHOTO, PAINTING, {"size": 64})
