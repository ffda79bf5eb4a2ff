"""The networks as data: wiring, names, shapes, and counts that others publish."""

import numpy as np
import pytest

from weights_convert.architectures import (
    NETWORKS,
    Concatenation,
    Convolution,
    Pooling,
    Relu,
    find,
)
from weights_convert.errors import NetworkError


def parameters(name: str) -> int:
    return sum(int(np.prod(shape)) for shape in NETWORKS[name].shapes.values())


def outputs(name: str) -> int:
    return sum(layer.outputs for layer in NETWORKS[name].convolutions)


def test_parameters_are_as_many_as_published():
    """torchvision's num_params and Caffe's counts, less the classifiers."""
    assert parameters("alexnet") == 61_100_840 - 58_631_144
    assert parameters("squeezenet1_0") == 1_248_424 - 513_000
    assert parameters("squeezenet1_1") == 1_235_496 - 513_000
    assert parameters("caffenet") == 2_334_080
    assert parameters("googlenet") == 6_998_552 - 1_025_000
    # A batch norm has a weight more a channel than the bias that it becomes.
    bn = parameters("googlenet-torchvision") + outputs("googlenet-torchvision")
    assert bn == 6_624_904 - 1_025_000


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_see_what_stands_before_them(name):
    known = NETWORKS[name]
    assert len(set(known.taps)) == len(known.layers)
    channels = {"": 3}
    for layer in known.layers:
        seen = [channels[bottom] for bottom in known.bottoms[layer.name]]
        assert isinstance(layer, Concatenation) == (len(seen) > 1)
        if isinstance(layer, Convolution):
            assert [layer.inputs] == seen
            assert layer.inputs % layer.groups == layer.outputs % layer.groups == 0
        wide = isinstance(layer, Convolution)
        channels[layer.name] = layer.outputs if wide else sum(seen)
    # Every convolution has its ReLU.
    relus = [known.bottoms[x.name] for x in known.layers if isinstance(x, Relu)]
    assert relus == [(x.name,) for x in known.convolutions]


def test_names_and_channels_as_published():
    googlenet = NETWORKS["googlenet"]
    taps = googlenet.taps
    assert taps[:5] == (
        *("conv1/7x7_s2", "conv1/relu_7x7", "pool1/3x3_s2", "pool1/norm1"),
        "conv2/3x3_reduce",
    )
    assert taps[-1] == "inception_5b/output"
    assert len(googlenet.convolutions) == 57
    assert len(NETWORKS["googlenet-torchvision"].convolutions) == 57
    assert [x.name for x in googlenet.layers if isinstance(x, Pooling)][-4:] == [
        *("inception_4e/pool", "pool4/3x3_s2", "inception_5a/pool"),
        "inception_5b/pool",
    ]
    assert NETWORKS["caffenet"].taps == (
        *("conv1", "relu1", "pool1", "norm1", "conv2", "relu2", "pool2", "norm2"),
        *("conv3", "relu3", "conv4", "relu4", "conv5", "relu5", "pool5"),
    )
    last = NETWORKS["squeezenet1_1"].taps[-2:]
    assert last == ("fire9/relu_expand3x3", "fire9/concat")


def test_what_leads_to_a_tap():
    found = NETWORKS["squeezenet1_1"].leading_to(["fire2/relu_expand3x3"])
    assert [layer.name for layer in found] == [
        *("conv1", "relu_conv1", "pool1", "fire2/squeeze1x1"),
        *("fire2/relu_squeeze1x1", "fire2/expand3x3", "fire2/relu_expand3x3"),
    ]
    assert NETWORKS["googlenet"].leading_to([]) == ()


def test_the_trunk_is_what_lies_outside_of_branches():
    for name in ("vgg19", "caffenet"):
        assert NETWORKS[name].trunk == NETWORKS[name].taps
    trunk = NETWORKS["googlenet"].trunk
    assert trunk[:10] == NETWORKS["googlenet"].taps[:10]
    assert trunk[10:13] == (
        *("inception_3a/output", "inception_3b/output", "pool3/3x3_s2"),
    )
    assert len(trunk) == 10 + 9 + 2


def test_the_colours_that_pretrained_googlenet_expects():
    """torchvision normalises, then undoes it: transform_input=True."""
    image = np.array([0.1, 0.5, 0.9])
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    normalised = (image - mean) / std
    transformed = normalised * (std / 0.5) + (mean - 0.5) / 0.5
    colors = NETWORKS["googlenet-torchvision"].preprocessing
    found = (image - colors.mean) / colors.std
    np.testing.assert_allclose(found, transformed, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "depth", "count"),
    [("vgg16", 13, 14_714_688), ("vgg19", 16, 20_024_384)],
)
def test_the_vggs_sizes_as_published(name, depth, count):
    for known in (name, f"{name}-torchvision"):
        assert len(NETWORKS[known].convolutions) == depth
        assert parameters(known) == count
    taps = NETWORKS[name].taps
    assert taps[:6] == ("conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1", "conv2_1")
    assert len(taps) == len(set(taps)) == depth * 2 + 5


# What isn't there.


def test_unknown_networks_are_named_with_the_known():
    with pytest.raises(NetworkError) as caught:
        find("vgg99")
    assert str(caught.value) == (
        f"network 'vgg99' is not known; choose one of {', '.join(NETWORKS)}"
    )
    assert find("vgg19") is NETWORKS["vgg19"]


def test_unknown_taps_are_named_with_the_known():
    with pytest.raises(NetworkError) as caught:
        find("vgg16").check_taps(["relu1_1", "relu3_4", "prob"])
    line = str(caught.value)
    assert line.startswith("vgg16 has no tap relu3_4, prob; it has conv1_1, relu1_1, ")
    assert line.endswith("relu5_3, pool5")
    find("vgg19").check_taps(["relu1_1", "relu3_4"])


def test_of_many_taps_those_outside_of_branches_are_named():
    with pytest.raises(NetworkError) as caught:
        find("squeezenet1_1").check_taps(["relu4_2", "fire2/concat"])
    line = str(caught.value)
    assert line.startswith(
        "squeezenet1_1 has no tap relu4_2; it has conv1, relu_conv1, pool1, "
        "fire2/squeeze1x1, fire2/relu_squeeze1x1, fire2/concat, fire3/squeeze1x1, "
    )
    assert line.endswith(
        "fire9/concat, and 32 in the branches between these; "
        "`nst-weights taps squeezenet1_1` lists all"
    )
