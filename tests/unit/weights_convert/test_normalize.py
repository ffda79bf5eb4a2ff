"""Rescaling by given means: what becomes of every activation, exactly."""

import numpy as np
import pytest

from weights_convert import normalize, store
from weights_convert.architectures import CAFFE, Architecture, Convolution, find
from weights_convert.errors import WeightsError

DEEP = Architecture(
    "vgg19",
    "vgg",
    CAFFE,
    (
        Convolution("conv1_1", 3, 4),
        Convolution("conv1_2", 4, 5),
        Convolution("conv2_1", 5, 6),
    ),
)


def _weights(generator: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        key: generator.normal(0, 0.3, shape).astype(np.float32)
        for key, shape in DEEP.shapes.items()
    }


def _convolve(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """`[h, w, in]` to `[h, w, out]` in float64, by the definition."""
    height, width, _ = x.shape
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    total = np.broadcast_to(bias.astype(np.float64), (height, width, bias.size)).copy()
    for i in range(3):
        for j in range(3):
            total += padded[i : i + height, j : j + width] @ kernel[i, j]
    return total


def _activations(
    weights: dict[str, np.ndarray], x: np.ndarray
) -> dict[str, np.ndarray]:
    """Before the ReLU, by layer; average pooling after block 1."""
    found = {}
    for layer in DEEP.convolutions:
        if layer.name == "conv2_1":
            height, width, channels = x.shape
            x = x.reshape(height // 2, 2, width // 2, 2, channels).mean((1, 3))
        kernel = weights[f"{layer.name}/kernel"]
        found[layer.name] = _convolve(x, kernel, weights[f"{layer.name}/bias"])
        x = np.maximum(found[layer.name], 0)
    return found


@pytest.fixture
def weights() -> dict[str, np.ndarray]:
    return _weights(np.random.default_rng(0))


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (8, 6, 3))


def _means(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.maximum(a, 0).mean((0, 1)) for name, a in found.items()}


def test_every_activation_is_divided_by_its_mean(
    weights: dict[str, np.ndarray], image: np.ndarray
) -> None:
    before = _activations(weights, image)
    means = _means(before)
    assert min(mean.min() for mean in means.values()) > 0
    rescaled = normalize.rescale(weights, DEEP, means)
    after = _activations(rescaled, image)
    for name, mean in means.items():
        np.testing.assert_allclose(
            after[name], before[name] / mean, rtol=1e-4, atol=1e-5
        )
        # Rectifiers open where they opened before; zeros are within rounding.
        clear = np.abs(before[name]) > 1e-5
        assert clear.mean() > 0.99
        assert (np.sign(after[name]) == np.sign(before[name]))[clear].all()
        np.testing.assert_allclose(_means(after)[name], 1, rtol=1e-5)
        assert not np.allclose(mean, 1, rtol=0.1)


def test_a_filter_that_never_answers_is_left_alone(
    weights: dict[str, np.ndarray], image: np.ndarray
) -> None:
    weights["conv1_2/bias"][2] = -1e3
    before = _activations(weights, image)
    means = _means(before)
    assert means["conv1_2"][2] == 0
    rescaled = normalize.rescale(weights, DEEP, means)
    assert rescaled["conv1_2/bias"][2] == -1e3
    after = _activations(rescaled, image)
    np.testing.assert_allclose(
        after["conv2_1"], before["conv2_1"] / means["conv2_1"], rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("bad", [np.nan, -1.0, np.inf])
def test_refuses_means_that_are_none(
    weights: dict[str, np.ndarray], image: np.ndarray, bad: float
) -> None:
    means = _means(_activations(weights, image))
    means["conv1_2"][3] = bad
    with pytest.raises(WeightsError, match="of conv1_2 must be 5 numbers from 0 on"):
        normalize.rescale(weights, DEEP, means)
    means["conv1_2"] = np.ones(4)
    with pytest.raises(WeightsError, match="of conv1_2 must be 5 numbers from 0 on"):
        normalize.rescale(weights, DEEP, means)


def test_weights_that_leave_float32_are_refused(weights: dict[str, np.ndarray]) -> None:
    means = {layer.name: np.ones(layer.outputs) for layer in DEEP.convolutions}
    means["conv1_1"] = np.full(4, 1e-300)
    with pytest.raises(WeightsError, match=r"conv1_1/kernel: .* too large for float32"):
        normalize.rescale(weights, DEEP, means)


def test_is_stored_beside_the_network_it_was_made_of(
    weights: dict[str, np.ndarray],
) -> None:
    target = Architecture("vgg19-normalized", "vgg", CAFFE, DEEP.layers)
    store.save(DEEP, weights, {"licence": "free", "note": "8-bit"})
    means = {layer.name: np.full(layer.outputs, 2.0) for layer in DEEP.convolutions}
    means["conv2_1"][1] = 0
    lines: list[str] = []
    path = normalize.normalize(DEEP, means, images="3 images", report=lines.append)
    assert path == store.weights_path(target)
    assert len(lines) == 1
    arrays, metadata = store.load(target)
    np.testing.assert_array_equal(arrays["conv1_1/bias"], weights["conv1_1/bias"] / 2)
    np.testing.assert_array_equal(arrays["conv1_2/kernel"], weights["conv1_2/kernel"])
    assert metadata["licence"] == "free"
    assert metadata["network"] == "vgg19-normalized"
    assert metadata["note"] == (
        "8-bit; rescaled to mean activations of 1 over 3 images;"
        " 1 filters that never answer were left as they are"
    )
    store.verify(target)


def test_only_some_networks_have_a_rescaled_form() -> None:
    assert normalize.normalized(find("vgg16")) == find("vgg16-normalized")
    for name in ("vgg19-torchvision", "vgg19-normalized", "googlenet"):
        with pytest.raises(WeightsError, match=r"those that have: vgg19, vgg16$"):
            normalize.normalized(find(name))
