"""AlexNet (Krizhevsky et al. 2012) in Caffe's form and in torchvision's.

Taps of both are the layer names of Caffe's bvlc_reference_caffenet: `conv1` (before the
ReLU), `relu1` (after it), `pool1`, `norm1`. torchvision only counts modules
(`features.0`), and what is one layer in both keeps one name; its pooling after the
fifth convolution is `pool5` therefore, though it is the third.
"""

from weights_convert.architectures.table import (
    TORCHVISION,
    Architecture,
    Convolution,
    LocalResponseNorm,
    Pooling,
    Relu,
    caffe_colors,
)

# The average of the training images' mean that Caffe subtracts, imagenet_mean.
_CAFFENET_COLORS = caffe_colors(122.67891434, 116.66876762, 104.00698793)

# Pooling goes before normalisation, other than in the paper
# (caffe/models/bvlc_reference_caffenet/deploy.prototxt).
_CAFFENET = (
    Convolution("conv1", 3, 96, 11, 11, stride=4, padding=0),
    Relu("relu1"),
    Pooling("pool1", 3, 2, ceil=True),
    LocalResponseNorm("norm1"),
    Convolution("conv2", 96, 256, 5, 5, padding=2, groups=2),
    Relu("relu2"),
    Pooling("pool2", 3, 2, ceil=True),
    LocalResponseNorm("norm2"),
    Convolution("conv3", 256, 384),
    Relu("relu3"),
    Convolution("conv4", 384, 384, groups=2),
    Relu("relu4"),
    Convolution("conv5", 384, 256, groups=2),
    Relu("relu5"),
    Pooling("pool5", 3, 2, ceil=True),
)

# Krizhevsky 2014 (arXiv:1404.5997), one column, no normalisation.
_TORCHVISION = (
    Convolution("conv1", 3, 64, 11, 11, stride=4, padding=2),
    Relu("relu1"),
    Pooling("pool1", 3, 2),
    Convolution("conv2", 64, 192, 5, 5, padding=2),
    Relu("relu2"),
    Pooling("pool2", 3, 2),
    Convolution("conv3", 192, 384),
    Relu("relu3"),
    Convolution("conv4", 384, 256),
    Relu("relu4"),
    Convolution("conv5", 256, 256),
    Relu("relu5"),
    Pooling("pool5", 3, 2),
)

TABLES = (
    Architecture("caffenet", "caffenet", _CAFFENET_COLORS, _CAFFENET),
    Architecture("alexnet", "alexnet", TORCHVISION, _TORCHVISION),
)
