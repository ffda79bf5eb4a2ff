"""Which style is meant, and what is no style or no picture."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.style_networks import NETWORKS, arrays_of

from nst_jax.errors import OptionsError
from nst_jax.feedforward import load
from nst_jax.feedforward.stylizer import Stylizer
from weights_convert.errors import WeightsError
from weights_convert.stylizers import files
from weights_convert.stylizers.stylizer import Stylizer as Stored

NAMES = {"styles": '["monet", "munch", "la muse"]'}


def _stylizer(network: str, metadata: dict[str, str] | None = None) -> Stylizer:
    made = NETWORKS[network]
    return Stylizer.of(Stored(made, arrays_of(made), "a test"), metadata or {})


@pytest.fixture(scope="module")
def three() -> Stylizer:
    return _stylizer("conditional", NAMES)


@pytest.mark.parametrize(
    ("style", "shares"),
    [
        ("munch", [0, 1, 0]),
        (1, [0, 1, 0]),
        ("1", [0, 1, 0]),
        ("la muse", [0, 0, 1]),
        ("monet:0.75,munch:0.25", [0.75, 0.25, 0]),
        (" monet : 3 , 1:1", [0.75, 0.25, 0]),
        ("monet:3,1:1", [0.75, 0.25, 0]),
        ("monet,munch", [0.5, 0.5, 0]),
        ("monet,monet,munch", [2 / 3, 1 / 3, 0]),
        ({"monet": 1, 0: 1, "munch": 2}, [0.5, 0.5, 0]),
        ([2, 1, 1], [0.5, 0.25, 0.25]),
        ((0, 0, 5), [0, 0, 1]),
        (np.float32([0.2, 0.3, 0.5]), [0.2, 0.3, 0.5]),
        (np.int64(2), [0, 0, 1]),
    ],
)
def test_what_a_style_may_be(three, style, shares):
    np.testing.assert_allclose(three.vector(style), shares, atol=1e-6)


@pytest.mark.parametrize(
    ("style", "why"),
    [
        (None, "style is missing; choose one of monet, munch, la muse"),
        ("monnet", "style=monnet is not known; it has monet, munch, la muse"),
        (3, "style=3 is not known"),
        (-1, "style=-1 is not known"),
        (1.5, "style=1.5 is not known"),
        ("", "style= is not known"),
        ("monet:", "give names with shares, such as"),
        ("monet:x", "give names with shares"),
        ("monet:-1", "shares are 0 or more, not all 0"),
        ("monet:0", "shares are 0 or more, not all 0"),
        ("monet:nan", "shares are 0 or more"),
        ("monet:inf", "shares are 0 or more"),
        ({"monet": "much"}, "shares are 0 or more"),
        ({"monet": None}, "shares are 0 or more"),
        ({}, "shares are 0 or more"),
        ([1, 2], "2 shares of styles: this network has 3"),
        ([1, "x", 2], "shares are 0 or more"),
        ([[1, 0], [0, 1], [1, 1]], "shares are 0 or more"),
        (np.ones(4), r"style of shape \(4,\): this network takes 3 numbers"),
        (np.array(["a", "b", "c"]), "no numbers"),
    ],
)
def test_what_is_no_style(three, style, why):
    with pytest.raises(OptionsError, match=why) as caught:
        three.vector(style)
    assert "\n" not in str(caught.value)


def test_networks_of_one_style_and_of_any():
    one = _stylizer("pytorch/examples")
    assert one.names == ("0",)
    for style in (None, 0, "0"):
        assert one.vector(style) is None
    with pytest.raises(OptionsError, match="style=monet is not known; it has 0"):
        one.vector("monet")
    with pytest.raises(OptionsError, match="this network has its own styles: 0"):
        one.style_of(np.zeros((32, 32, 3), np.float32))
    many = _stylizer("conditional")
    with pytest.raises(OptionsError, match="style=7 is not known; it has 0 to 2"):
        many.vector(7)
    arbitrary = _stylizer("adain")
    assert arbitrary.names == ()
    for style in (None, 0, "monet", {"monet": 1}):
        with pytest.raises(OptionsError, match="in any style: give a painting"):
            arbitrary.vector(style)
    np.testing.assert_array_equal(arbitrary.vector([1.0] * 10), np.ones(10))
    with pytest.raises(OptionsError, match="this network takes 10 numbers"):
        arbitrary.vector(np.ones(9))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((32, 32, 3), np.uint8),
        np.zeros((32, 32, 4), np.float32),
        np.zeros((32, 32), np.float32),
        np.zeros((3, 32, 32), np.float32),
        np.zeros((15, 32, 3), np.float32),
        np.zeros((1, 1, 32, 32, 3), np.float32),
    ],
    ids=lambda image: f"{image.dtype} {image.shape}",
)
def test_what_is_no_picture(three, image):
    with pytest.raises(OptionsError, match=r"images of .*: pictures are float, "):
        three(image, "monet")
    with pytest.raises(OptionsError, match=r"painting of .*: pictures are float, "):
        _stylizer("adain").style_of(image)


def test_a_style_for_each_picture(three):
    images = jnp.zeros((2, 16, 16, 3))
    styles = np.eye(3, dtype=np.float32)
    with pytest.raises(OptionsError, match="3 styles for 2 pictures"):
        three(images, styles)
    both = jax.eval_shape(lambda: three(images, styles[:2]))
    assert both.shape == images.shape


def test_paintings_are_told_by_the_network_itself():
    """AdaIN's encoder is one, whether it looks at photos or at paintings."""
    adain = _stylizer("adain")
    assert adain.predictor is adain.network.encoder
    assert adain.predictor.architecture.size is None
    assert _stylizer("adaptive").predictor is None


def test_loading_by_file_and_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))
    made = NETWORKS["conditional"]
    stored = Stored(made, arrays_of(made), "a test")
    for path in (tmp_path / "one.safetensors", files.path_of("three")):
        files.save(path, stored, NAMES)
    for model in (tmp_path / "one.safetensors", "~/one.safetensors", "three"):
        found = load.load_stylizer(model)
        assert found.names == ("monet", "munch", "la muse")
        kernel = found.network.blocks["last"]["kernel"][...]
        np.testing.assert_array_equal(kernel, stored.arrays["last/kernel"])
    half = load.load_stylizer("three", precision="bfloat16").network.blocks["last"]
    assert half["kernel"][...].dtype == jnp.bfloat16
    assert half["scale"][...].dtype == jnp.float32
    assert load.known()["three"] == "stored here"
    with pytest.raises(OptionsError, match="neither a file nor a network; known are"):
        load.load_stylizer("four")
    with pytest.raises(OptionsError, match="precision='half' is not known"):
        load.load_stylizer("three", precision="half")
    with pytest.raises(WeightsError, match="--offline forbids fetching them"):
        load.load_stylizer("styles26", offline=True)
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(WeightsError, match=r"photo\.jpg: "):
        load.load_stylizer(tmp_path / "photo.jpg")
