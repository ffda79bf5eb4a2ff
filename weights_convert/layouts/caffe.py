"""Caffe's names: a layer's own, as in the networks' published prototxt files.

VGG's gists (ksimonyan/211839e770f7b538e2d8 and 3785162f95cd2d5fee77) call the layers
`conv1_1`, bvlc_reference_caffenet `conv1`, bvlc_googlenet `inception_3a/1x1`. Blob 0 is
the kernel, blob 1 the bias. Caffe reads images by OpenCV, so they take B, G, R. Gatys's
`vgg_normalised.caffemodel`, rescaled, has VGG's names too.
"""

from nst_jax.networks.tables import NetworkTable
from weights_convert.layouts.layout import OIHW, Keys, Layout


def _blobs(table: NetworkTable) -> Keys:
    keys: Keys = {}
    for layer in table.convolutions:
        keys[f"{layer.name}/kernel"] = (f"{layer.name}.blobs.0",)
        keys[f"{layer.name}/bias"] = (f"{layer.name}.blobs.1",)
    return keys


CAFFE = Layout(
    "caffe",
    None,
    ("caffe",),
    _blobs,
    OIHW,
    "bgr",
    claims=("conv", "inception"),
    normalized=None,
)
