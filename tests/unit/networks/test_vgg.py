"""The VGG networks against a float64 reference, tap by tap."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal
from jax import lax

from nst_jax.networks import extract
from weights_convert import architectures


def reference(weights, image, *, pooling: str = "max") -> dict[str, np.ndarray]:
    """Every tap of VGG-19 for `[h, w, 3]` in [0, 1], in float64, Caffe's colours."""
    x = 255 * image.astype(np.float64) - [123.68, 116.779, 103.939]
    found = {}
    for block, depth in enumerate((2, 2, 4, 4, 4), 1):
        for index in range(1, depth + 1):
            name = f"{block}_{index}"
            kernel = weights[f"conv{name}/kernel"].astype(np.float64)
            padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
            x = np.concatenate(
                [
                    scipy.signal.correlate(padded, kernel[..., o], "valid", "direct")
                    for o in range(kernel.shape[-1])
                ],
                axis=-1,
            )
            x = found[f"conv{name}"] = x + weights[f"conv{name}/bias"]
            x = found[f"relu{name}"] = np.where(x > 0, x, 0)
        h, w = x.shape[0] // 2 * 2, x.shape[1] // 2 * 2
        corners = [x[i:h:2, j:w:2] for i in (0, 1) for j in (0, 1)]
        reduce = {"max": np.max, "avg": np.mean}[pooling]
        x = found[f"pool{block}"] = reduce(corners, axis=0)
    return found


def convolutions(network, taps) -> int:
    program = jax.make_jaxpr(lambda n, x: extract.extract(n, x, taps))
    return str(program(network, jnp.zeros((1, 32, 32, 3)))).count("conv_general_dil")


@pytest.mark.parametrize("pooling", ["max", "avg"])
def test_every_tap(pooling, tiny_table, tiny_weights, photo):
    network = extract.build(tiny_table, tiny_weights, pooling=pooling)
    expected = reference(tiny_weights, photo, pooling=pooling)
    taps = tuple(expected)
    assert extract.tap_names("vgg19") == taps
    found = jax.jit(extract.extract, static_argnums=2)(network, photo[None], taps)
    assert list(found) == sorted(taps)  # jit sorts; nothing more and nothing less
    for tap in taps:
        assert found[tap].dtype == jnp.float32
        assert found[tap].shape == (1, *expected[tap].shape)
        scale = np.linalg.norm(expected[tap])
        assert scale > 1
        assert np.linalg.norm(found[tap][0] - expected[tap]) < 1e-5 * scale, tap


def test_torchvisions_colours(tiny_table, tiny_weights, photo):
    table = dataclasses.replace(tiny_table, preprocessing=architectures.TORCHVISION)
    network = extract.build(table, tiny_weights)
    (found,) = extract.extract(network, photo[None], ["conv1_1"]).values()
    # The same colours as Caffe's arithmetic would have to see.
    image = (photo - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    caffe = (image + np.array([123.68, 116.779, 103.939])) / 255
    expected = reference(tiny_weights, caffe)["conv1_1"]
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-4)


def test_images_of_a_batch_are_seen_one_by_one(tiny_network, photo):
    batch = np.stack([photo, photo[::-1], 1 - photo])
    see = jax.jit(extract.extract, static_argnums=2)
    together = see(tiny_network, batch, ("relu2_1",))["relu2_1"]
    for image, features in zip(batch, together, strict=True):
        alone = extract(tiny_network, image[None], ("relu2_1",))["relu2_1"]
        np.testing.assert_allclose(features, alone[0], rtol=1e-5, atol=1e-4)
    assert not np.allclose(together[0], together[2])


@pytest.mark.parametrize(
    ("taps", "count"),
    [
        ((), 0),
        (("conv1_1",), 1),
        (("relu1_1",), 1),
        (("relu1_2",), 2),
        (("pool1",), 2),
        (("conv2_1",), 3),
        (("relu5_1", "relu1_1"), 13),
        (("pool5",), 16),
    ],
)
def test_runs_no_deeper_than_the_deepest_tap(taps, count, tiny_network):
    assert convolutions(tiny_network, taps) == count


@pytest.mark.parametrize(
    ("tap", "count"), [("relu1_2", 0), ("pool1", 1), ("relu5_4", 4), ("pool5", 5)]
)
def test_pools_no_more_than_it_must(tap, count, tiny_network):
    program = jax.make_jaxpr(lambda n, x: extract.extract(n, x, [tap]))
    text = str(program(tiny_network, jnp.zeros((1, 32, 32, 3))))
    assert len(re.findall(r"\breduce_window_max\b", text)) == count


def test_a_tap_asked_for_once_more_and_in_any_order(tiny_network, photo):
    taps = ("relu1_1", "conv1_1", "relu1_1")
    assert list(extract.extract(tiny_network, photo[None], taps)) == [
        "relu1_1",
        "conv1_1",
    ]


def test_other_weights_do_not_compile_again(tiny_table, tiny_network, photo):
    traces = []

    @jax.jit
    def features(network, images):
        traces.append(1)
        return extract.extract(network, images, ["relu2_1"])["relu2_1"]

    other = extract.random_weights(tiny_table, np.random.default_rng(1))
    first = features(tiny_network, photo[None])
    second = features(extract.build(tiny_table, other), photo[None])
    assert not np.allclose(first, second)
    np.testing.assert_allclose(
        second[0], reference(other, photo)["relu2_1"], rtol=1e-4, atol=1e-3
    )
    assert len(traces) == 1


def test_other_pooling_does_compile_again(tiny_table, tiny_weights, photo):
    features = jax.jit(lambda n, x: extract.extract(n, x, ["pool1"])["pool1"])
    by_max, by_mean = (
        features(extract.build(tiny_table, tiny_weights, pooling=pooling), photo[None])
        for pooling in ("max", "avg")
    )
    assert np.all(by_max >= by_mean)
    assert not np.allclose(by_max, by_mean)


def test_the_leaves_are_the_weights(tiny_network, tiny_weights):
    leaves = jax.tree.leaves(tiny_network)
    shapes = sorted(leaf.shape for leaf in leaves)
    assert shapes == sorted(value.shape for value in tiny_weights.values())


def test_gradients_in_a_loop_compile_to_fast_convolutions(tiny_network, photo):
    """What `test_layers` shows of the convolution holds for the network around it."""

    def loss(image, network):
        return jnp.sum(extract.extract(network, image[None], ["relu2_1"])["relu2_1"])

    def descend(image, network):
        gradient = jax.grad(loss)
        return lax.fori_loop(0, 3, lambda _, x: x - gradient(x, network), image)

    program = jax.jit(descend).lower(photo, tiny_network).compile().as_text()
    layouts = re.findall(r"dim_labels=b01f_(01\w\w)->b01f", program)
    assert set(layouts) == {"01io"}
    assert len(layouts) >= 6
    assert " select-and-scatter(" not in program
    assert " scatter(" not in program


def test_bfloat16(tiny_table, tiny_weights, photo):
    network = extract.build(tiny_table, tiny_weights, precision="bfloat16")
    assert {leaf.dtype for leaf in jax.tree.leaves(network)} == {jnp.dtype("bfloat16")}
    taps = ("conv1_1", "relu2_1")
    found = jax.jit(extract.extract, static_argnums=2)(network, photo[None], taps)
    expected = reference(tiny_weights, photo)
    for tap in taps:
        assert found[tap].dtype == jnp.bfloat16
        error = np.linalg.norm(np.float64(found[tap][0]) - expected[tap])
        assert 1e-4 < error / np.linalg.norm(expected[tap]) < 0.02
    gradient = jax.eval_shape(
        jax.grad(lambda x: jnp.sum(extract.extract(network, x, taps)["relu2_1"])),
        photo[None],
    )
    assert gradient.dtype == jnp.float32


# Names, and weights that don't fit.


def test_unknown_networks_are_named_with_the_known():
    with pytest.raises(extract.NetworkError) as caught:
        extract.build("vgg99", {})
    assert str(caught.value) == (
        "network 'vgg99' is not known; choose one of vgg19, vgg16, vgg19-torchvision, "
        "vgg16-torchvision, vgg19-normalized, vgg16-normalized, caffenet, alexnet, "
        "googlenet, googlenet-torchvision, squeezenet1_0, squeezenet1_1"
    )


def test_unknown_taps_are_named_with_the_known():
    with pytest.raises(extract.NetworkError) as caught:
        extract.check_taps("vgg16", ["relu1_1", "relu3_4", "prob"])
    line = str(caught.value)
    assert line.startswith("vgg16 has no tap relu3_4, prob; it has conv1_1, relu1_1, ")
    assert line.endswith("relu5_3, pool5")
    extract.check_taps("vgg19", ["relu1_1", "relu3_4"])


def test_of_many_taps_those_outside_of_branches_are_named():
    with pytest.raises(extract.NetworkError) as caught:
        extract.check_taps("squeezenet1_1", ["relu4_2", "fire2/concat"])
    line = str(caught.value)
    assert line.startswith(
        "squeezenet1_1 has no tap relu4_2; it has conv1, relu_conv1, pool1, "
        "fire2/squeeze1x1, fire2/relu_squeeze1x1, fire2/concat, fire3/squeeze1x1, "
    )
    assert line.endswith(
        "fire9/concat, and 32 in the branches between these; "
        "`nst-weights taps squeezenet1_1` lists all"
    )


def test_taps_from_the_image_up():
    names = extract.tap_names("vgg16")
    assert names[:6] == ("conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1", "conv2_1")
    assert len(names) == len(set(names)) == 13 * 2 + 5
    assert len(extract.tap_names("vgg19")) == 16 * 2 + 5


def test_all_faults_of_weights_are_told_at_once(tiny_table, tiny_weights):
    weights = dict(tiny_weights)
    del weights["conv1_2/bias"], weights["conv5_4/kernel"]
    weights["conv3_1/kernel"] = np.zeros((3, 3, 6, 5), np.float32)
    with pytest.raises(extract.NetworkError) as caught:
        extract.build(tiny_table, weights)
    assert str(caught.value) == (
        "weights of tiny don't fit: conv1_2/bias: missing, expected (4,); "
        "conv3_1/kernel: (3, 3, 6, 5), expected (3, 3, 5, 6); "
        "conv5_4/kernel: missing, expected (3, 3, 8, 8)"
    )


@pytest.mark.parametrize(
    ("name", "depth", "parameters"),
    [("vgg16", 13, 14_714_688), ("vgg19", 16, 20_024_384)],
)
def test_sizes_as_published(name, depth, parameters):
    for table in (extract.table(name), extract.table(f"{name}-torchvision")):
        assert len(table.convolutions) == depth
        assert sum(np.prod(shape) for shape in table.shapes.values()) == parameters


def test_random_weights_keep_the_scale_of_activations(tiny_table):
    weights = extract.random_weights(tiny_table, np.random.default_rng(3))
    assert {key: value.shape for key, value in weights.items()} == tiny_table.shapes
    kernels = [v for k, v in weights.items() if k.endswith("kernel")]
    whitened = [k / np.sqrt(2 / np.prod(k.shape[:-1])) for k in kernels]
    assert np.std(np.concatenate([w.ravel() for w in whitened])) == pytest.approx(
        1, abs=0.05
    )
