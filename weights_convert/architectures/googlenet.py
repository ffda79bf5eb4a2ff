"""GoogLeNet (Szegedy et al. 2015, arXiv:1409.4842) as Caffe and torchvision have it.

Taps of `googlenet` are the layer names of Caffe's bvlc_googlenet: `conv1/7x7_s2`
(before the ReLU), `conv1/relu_7x7` (after it), `pool1/norm1`, `inception_3a/output`.
fzliu/style-transfer's prototxt of it has no normalisation, and mean pooling throughout.

Taps of `googlenet-torchvision` are the names of torchvision's feature extraction
(`get_graph_node_names`): `conv1.bn` (the convolution with its batch norm, before the
ReLU), `conv1.relu` (after it), `maxpool1`, `inception3a.branch2.1.relu`,
`inception3a.branch4.0` (the pooling), and `inception3a` for a module's output. The
batch norms are folded into the convolutions when the weights are converted. Where the
paper has 5x5 convolutions it has 3x3 (torchvision#906), and its last pooling is 2x2.
"""

from collections.abc import Sequence

from weights_convert.architectures.table import (
    Architecture,
    Concatenation,
    Convolution,
    Layer,
    LocalResponseNorm,
    Pooling,
    Preprocessing,
    Relu,
    caffe_colors,
)

# The mean_value of Caffe's train_val.prototxt.
_CAFFE_COLORS = caffe_colors(123, 117, 104)

# The pretrained model has transform_input=True: it turns torchvision's normalised
# colours back into those that its weights, ported from TensorFlow, expect.
_TENSORFLOW_COLORS = Preprocessing(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))

# Table 1: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool proj.
_INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def _square(
    name: str, inputs: int, outputs: int, size: int, bottom: str = ""
) -> Convolution:
    """A convolution that keeps the image's size."""
    return Convolution(
        name, inputs, outputs, size, size, padding=size // 2, bottom=bottom
    )


def _caffe() -> tuple[Layer, ...]:
    """The layers of caffe/models/bvlc_googlenet/deploy.prototxt."""
    layers: list[Layer] = [
        Convolution("conv1/7x7_s2", 3, 64, 7, 7, stride=2, padding=3),
        Relu("conv1/relu_7x7"),
        Pooling("pool1/3x3_s2", 3, 2, ceil=True),
        LocalResponseNorm("pool1/norm1"),
        _square("conv2/3x3_reduce", 64, 64, 1),
        Relu("conv2/relu_3x3_reduce"),
        _square("conv2/3x3", 64, 192, 3),
        Relu("conv2/relu_3x3"),
        LocalResponseNorm("conv2/norm2"),
        Pooling("pool2/3x3_s2", 3, 2, ceil=True),
    ]
    inputs = 192
    for block, widths in _INCEPTIONS.items():
        below = layers[-1].name
        layers += _caffe_inception(f"inception_{block}", inputs, widths, below)
        inputs = widths[0] + widths[2] + widths[4] + widths[5]
        if block in ("3b", "4e"):
            layers.append(Pooling(f"pool{block[0]}/3x3_s2", 3, 2, ceil=True))
    return tuple(layers)


def _caffe_inception(
    name: str, inputs: int, widths: tuple[int, ...], below: str
) -> list[Layer]:
    parts = ("1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool_proj")
    names = [(f"{name}/{part}", f"{name}/relu_{part}") for part in parts]
    return _inception(
        names, f"{name}/pool", f"{name}/output", inputs, widths, below, five=5
    )


def _torchvision() -> tuple[Layer, ...]:
    """The modules of torchvision/models/googlenet.py."""
    layers: list[Layer] = [
        Convolution("conv1.bn", 3, 64, 7, 7, stride=2, padding=3),
        Relu("conv1.relu"),
        Pooling("maxpool1", 3, 2, ceil=True),
        _square("conv2.bn", 64, 64, 1),
        Relu("conv2.relu"),
        _square("conv3.bn", 64, 192, 3),
        Relu("conv3.relu"),
        Pooling("maxpool2", 3, 2, ceil=True),
    ]
    inputs = 192
    for block, widths in _INCEPTIONS.items():
        below = layers[-1].name
        layers += _torchvision_inception(f"inception{block}", inputs, widths, below)
        inputs = widths[0] + widths[2] + widths[4] + widths[5]
        if block == "3b":
            layers.append(Pooling("maxpool3", 3, 2, ceil=True))
        if block == "4e":
            layers.append(Pooling("maxpool4", 2, 2, ceil=True))
    return tuple(layers)


def _torchvision_inception(
    name: str, inputs: int, widths: tuple[int, ...], below: str
) -> list[Layer]:
    parts = ("1", "2.0", "2.1", "3.0", "3.1", "4.1")
    names = [(f"{name}.branch{part}.bn", f"{name}.branch{part}.relu") for part in parts]
    return _inception(names, f"{name}.branch4.0", name, inputs, widths, below, five=3)


def _inception(
    names: Sequence[tuple[str, str]],
    pool: str,
    output: str,
    inputs: int,
    widths: tuple[int, ...],
    below: str,
    *,
    five: int,
) -> list[Layer]:
    """The module of the paper's figure 2b.

    Args:
      names: of each convolution and its ReLU, in the order of `_INCEPTIONS`.
      pool: name of the pooling.
      output: name of the concatenation.
      inputs: channels of the layer below.
      widths: channels of each convolution.
      below: name of the layer below.
      five: size of the paper's 5x5 convolution.
    """
    channels = (inputs, inputs, widths[1], inputs, widths[3], inputs)
    sizes = (1, 1, 3, 1, five, 1)
    bottoms = (below, below, "", below, "", "")
    layers: list[Layer] = []
    for (convolution, relu), of, to, size, bottom in zip(
        names, channels, widths, sizes, bottoms, strict=True
    ):
        layers += [_square(convolution, of, to, size, bottom), Relu(relu)]
    # The projection comes after the pooling.
    layers.insert(-2, Pooling(pool, 3, 1, 1, ceil=True, bottom=below))
    ends = tuple(names[branch][1] for branch in (0, 2, 4, 5))
    return [*layers, Concatenation(output, ends)]


TABLES = (
    Architecture("googlenet", "googlenet", _CAFFE_COLORS, _caffe()),
    Architecture(
        "googlenet-torchvision", "googlenet-bn", _TENSORFLOW_COLORS, _torchvision()
    ),
)
