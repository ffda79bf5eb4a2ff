"""torchvision's names of AlexNet, SqueezeNet and GoogLeNet, whose batch norms fold."""

import numpy as np
import pytest

from weights_convert import layouts, mapping
from weights_convert.architectures import (
    NETWORKS,
    TORCHVISION,
    Architecture,
    Convolution,
    Relu,
)
from weights_convert.errors import WeightsError
from weights_convert.export import export

FOLDED = Architecture(
    "folded",
    "googlenet-bn",
    TORCHVISION,
    (
        Convolution("conv1.bn", 3, 4, stride=2),
        Relu("conv1.relu"),
        Convolution("inception3a.branch2.0.bn", 4, 2, 1, 1, padding=0),
    ),
)


def layout_of(family: str) -> layouts.Layout:
    (found,) = (
        layout
        for layout in layouts.LAYOUTS
        if (layout.name, layout.family) == ("torchvision", family)
    )
    return found


def first_keys(name: str) -> dict[str, str]:
    table = NETWORKS[name]
    keys = layout_of(table.family).keys(table)
    assert keys.keys() == table.shapes.keys()
    return {target: sources[0] for target, sources in keys.items()}


def test_alexnets_modules_are_counted() -> None:
    keys = first_keys("alexnet")
    assert [keys[f"conv{n}/kernel"] for n in range(1, 6)] == [
        f"features.{n}.weight" for n in (0, 3, 6, 8, 10)
    ]
    assert keys["conv5/bias"] == "features.10.bias"


@pytest.mark.parametrize(
    ("name", "fires"),
    [
        ("squeezenet1_0", (3, 4, 5, 7, 8, 9, 10, 12)),
        ("squeezenet1_1", (3, 4, 6, 7, 9, 10, 11, 12)),
    ],
)
def test_squeezenets_fire_modules_count_once(name: str, fires: tuple) -> None:
    keys = first_keys(name)
    assert keys["conv1/kernel"] == "features.0.weight"
    for fire, module in enumerate(fires, 2):
        for ours, theirs in (
            ("squeeze1x1", "squeeze"),
            ("expand1x1", "expand1x1"),
            ("expand3x3", "expand3x3"),
        ):
            expected = f"features.{module}.{theirs}.bias"
            assert keys[f"fire{fire}/{ours}/bias"] == expected


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    """A file's arrays for `FOLDED`, with what else such files hold."""
    rng = np.random.default_rng(2)
    found: dict[str, np.ndarray] = {"aux1.conv.bn.bias": np.zeros(9, np.float32)}
    for layer in FOLDED.convolutions:
        module = layer.name.removesuffix(".bn")
        shape = [layer.kernel_shape[axis] for axis in (3, 2, 0, 1)]
        found[f"{module}.conv.weight"] = rng.normal(size=shape).astype(np.float32)
        for part in ("weight", "bias", "running_mean", "running_var"):
            values = rng.uniform(0.5, 2, layer.outputs).astype(np.float32)
            found[f"{module}.bn.{part}"] = values
        found[f"{module}.bn.num_batches_tracked"] = np.array(7)
    return found


def mapped(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    layout = mapping.choose_layout(arrays, "pytorch", FOLDED)
    return mapping.map_arrays(arrays, layout, FOLDED, origin="net.pth")


def test_a_folded_convolution_does_its_batch_norms_work(
    arrays: dict[str, np.ndarray],
) -> None:
    kept = {key: value.copy() for key, value in arrays.items()}
    weights = mapped(arrays)
    for key, value in kept.items():  # The file's arrays are not touched.
        np.testing.assert_array_equal(arrays[key], value)
    x = np.random.default_rng(3).normal(size=(3, 3, 3))
    # One output position, as the two layers compute it.
    plain = np.einsum("hwi,oihw->o", x, np.float64(arrays["conv1.conv.weight"]))
    norm = {
        part: np.float64(arrays[f"conv1.bn.{part}"])
        for part in ("weight", "bias", "running_mean", "running_var")
    }
    centred = (plain - norm["running_mean"]) / np.sqrt(norm["running_var"] + 0.001)
    expected = centred * norm["weight"] + norm["bias"]
    kernel = np.float64(weights["conv1.bn/kernel"])
    found = np.einsum("hwi,hwio->o", x, kernel) + weights["conv1.bn/bias"]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert {array.dtype for array in weights.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("conv1.bn.running_mean", None, "conv1.bn.running_mean missing"),
        ("conv1.bn.weight", np.ones(3, np.float32), "conv1.bn.bias and what goes"),
        ("conv1.bn.weight", np.ones(4, np.int64), "isn't floating point"),
        ("conv1.bn.running_var", -np.ones(4, np.float32), "4 values that are not fin"),
        ("conv1.conv.weight", np.float32(1), "conv1.bn.bias and what goes with it"),
        ("conv9.conv.weight", np.ones(4, np.float32), "'conv9.conv.weight' is no la"),
    ],
)
def test_batch_norms_that_do_not_fit_are_refused(
    key: str, value: np.ndarray | None, said: str, arrays: dict[str, np.ndarray]
) -> None:
    if value is None:
        del arrays[key]
    else:
        arrays[key] = value
    with pytest.raises(WeightsError) as caught:
        mapped(arrays)
    assert str(caught.value).startswith("net.pth: does not fit network 'folded': ")
    assert said in str(caught.value)


def test_all_missing_says_what_the_file_has() -> None:
    with pytest.raises(WeightsError, match="it has 'encoder'"):
        mapped({"encoder": np.ones(3, np.float32)})


def test_folded_networks_are_not_exported(tmp_path) -> None:
    with pytest.raises(WeightsError, match="batch norms are folded"):
        export(FOLDED, tmp_path / "net.safetensors", report=print)
    assert not list(tmp_path.iterdir())
