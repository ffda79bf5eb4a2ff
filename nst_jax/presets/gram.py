"""Systems whose style loss is of Gram matrices."""

import dataclasses
from typing import Any

from nst_jax.options import Options
from nst_jax.presets.preset import RELU, Preset

_CONV = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
_CHANNELS = (64, 128, 256, 512, 512)
_FIFTHS = (0.2,) * 5

CLASSIC = Preset(
    Options(
        content_loss="mean",
        content_weight=5.0,
        content_weight_at=0,
        style_loss="gram",
        gram="chw",
        style_weight=100.0,
        style_tap_decay=1.0,
        pyramid=1,
        steps=500,
    ),
    source="Gatys's loss (2016) at one size, with J. Johnson's weights; this project's "
    "default up to version 0.1.",
    look="Strokes of one size, small in a large picture, on the photo's outlines.",
)

# The loss of the known systems, and their L-BFGS.
_PLAIN = dataclasses.replace(
    CLASSIC.options, history=100, preconditioner="none", bounds="none"
)

PYTORCH_TUTORIAL = Preset(
    dataclasses.replace(
        _PLAIN,
        network="vgg19-torchvision",
        content_taps=("conv2_2",),
        style_taps=("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"),
        content_weight=1.0,
        style_weight=1e6,
        gram="chw",
        steps=300,
        init="content",
    ),
    source="Neural Transfer Using PyTorch (A. Jacq), the tutorial of pytorch.org; its "
    "conv_1 to conv_5 are conv1_1 to conv3_1, content conv_4 is conv2_2.",
    look="Broad patches of the painting's colours in small strokes, the photo sharp: "
    "all its layers are early ones.",
    deviations=(
        "the tutorial's size is of the short side, and both pictures must share it",
        "it clamps the picture inside of the loss, which spoils L-BFGS's memory after "
        "some hundred iterations; here only the result is clamped",
        "its 300 iterations are 320 in fact",
    ),
)

ARTICLE = Preset(
    dataclasses.replace(
        _PLAIN,
        network="vgg16",
        content_taps=("relu4_2",),
        style_taps=RELU,
        content_loss="half_sum",
        content_weight=0.06,
        gram="article",
        style_weight=0.2,
        style_tap_weights=(20000.0, 500.0, 12.0, 1.0, 1.0),
        tv="l2_inner_sum",
        tv_range=255.0,
        tv_weight=0.05,
        init="noise",
        pooling="avg",
        history=10,
        steps=1000,
    ),
    source="Neural Style Transfer and Visualization of Convolutional Networks (M. "
    "Stewart, Towards Data Science 2019), after the exercise of Stanford's CS231n. Its "
    "convnet, content_layer, content_weight, style_layers, style_weights, tv_weight "
    "are --network, --content_taps, --content_weight, --style_taps, "
    "--style_tap_weights, --tv_weight; block4_conv2 of Keras is relu4_2.",
    look="The painting's strokes with hints of the photo, which comes through only "
    "where its edges are strong; the grain of the start takes some hundred iterations "
    "to go. VGG-19 instead: --network=vgg19.",
    deviations=(
        "--content_weight is twice the article's 0.03, as half_sum halves the sum",
        "a painting of another size than the photo counts by its own pixels; the "
        "article resizes it",
        "the article calls SciPy's L-BFGS-B 50 times for 20 evaluations each, with a "
        "fresh memory each time; here 1000 iterations with one memory of 10",
        "average pooling is what its text advises; its code has --pooling=max",
    ),
)

NEURAL_STYLE = Preset(
    dataclasses.replace(
        _PLAIN,
        network="vgg19",
        content_taps=("relu4_2",),
        style_taps=RELU,
        content_weight=5.0,
        style_weight=100.0,
        gram="chw",
        input_gain=256 / 255,
        tv="l2_inner_sum",
        tv_range=256.0,
        tv_weight=5e-4,
        pooling="max_ceil",
        init="mean",
        steps=1000,
    ),
    source="J. Johnson's neural-style (Torch), neural_style.lua with its defaults.",
    look="The look most pictures of 2015 to 2017 have: the photo's outlines, filled "
    "with the painting's strokes.",
    deviations=(
        "its total variation is a gradient only, of half a sum with weight 1e-3: "
        "--tv_weight=5e-4 has that gradient, and here counts in the loss",
        "pixels are [0, 1] to the solver, not 0 to 256 less the mean: L-BFGS's first "
        "step is another; with --solver=adam its learning rate 10 is "
        "--learning_rate=0.039 --learning_rate_decay=none",
        "the start is the mean colour; the system's is 0.4 % darker, as the network is "
        "shown 0 to 256",
        "-normalize_gradients isn't covered",
    ),
)

NEURAL_STYLE_PT = dataclasses.replace(
    NEURAL_STYLE,
    options=dataclasses.replace(
        NEURAL_STYLE.options,
        input_gain=1.0,
        tv="l1_sum",
        tv_range=255.0,
        tv_weight=1e-3,
        pooling="max",
    ),
    source="ProGamerGov's neural-style-pt (PyTorch), neural_style.py with its "
    "defaults.",
    look="As neural-style, with a little less fine grain: its total variation is of "
    "absolute differences.",
    deviations=(
        "pixels are [0, 1] to the solver, not 0 to 255 less the mean: L-BFGS's first "
        "step is another; with --solver=adam its learning rate (1 in the code, "
        "whatever its README says) is "
        "--learning_rate=0.0039 --learning_rate_decay=none",
        "-normalize_gradients isn't covered: it makes each weight its square",
    ),
)

PASTICHE = Preset(
    dataclasses.replace(
        _PLAIN,
        network="vgg19",
        content_taps=("relu4_2",),
        style_taps=RELU,
        content_weight=1.0,
        content_tap_weights=(0.01,),
        style_weight=1.0,
        style_tap_weights=tuple(10 / channels**2 for channels in _CHANNELS),
        gram="hw",
        size=500,
        init="content",
        steps=1000,
    ),
    source="The PyPI program pastiche 1.6.0; the weights of Gatys's own notebook "
    "divided by 100.",
    look="Close to gatys-paper's balance with more of the photo kept, as it is the "
    "start.",
    deviations=("its size is of the square of equal area, here of the longest side",),
)

GATYS_PAPER = Preset(
    dataclasses.replace(
        _PLAIN,
        network="vgg19",
        content_taps=("conv4_2",),
        style_taps=_CONV,
        content_loss="half_sum",
        content_weight=1.0,
        style_weight=1e3,
        style_tap_weights=_FIFTHS,
        gram="paper",
        pooling="avg",
        init="noise",
        steps=500,
    ),
    source="Gatys, Ecker, Bethge: Image Style Transfer Using Convolutional Neural "
    "Networks, CVPR 2016, section 3 and figure 3: conv4_2, conv1_1 to conv5_1 with "
    "weight 1/5, alpha/beta = 1e-3, average pooling, from white noise.",
    look="The photo is rebuilt out of strokes, its fine detail gone; the grain of the "
    "noise goes slowly.",
    deviations=(
        "its network has rescaled filters, of mean activation 1: make it by "
        "`nst-weights normalize vgg19 PICTURES` and add --network=vgg19-normalized",
        "a painting of another size than the photo counts by its own pixels; the paper "
        "resizes it",
        "the number of iterations isn't in the paper",
    ),
)

GATYS_ADAM = Preset(
    dataclasses.replace(
        CLASSIC.options,
        network="vgg19-torchvision",
        content_taps=("conv4_2",),
        style_taps=_CONV,
        content_weight=1.0,
        style_weight=1e4,
        style_tap_weights=_FIFTHS,
        gram="paper",
        size=550,
        crop="1:1",
        init="content",
        solver="adam",
        learning_rate=0.05 * 0.226,
        learning_rate_decay="none",
        steps=800,
    ),
    source="A. Thakrar, S. Chen: A Neural Algorithm of Artistic Style, a course's "
    "reproduction (fall 2021): Adam with rate 0.05 on normalised pixels, alpha 1, beta "
    "1e4, 800 epochs, 550x550 crops. Average pooling: --pooling=avg; from noise: "
    "--init=gaussian.",
    look="Strokes of one size all over the photo's drawing, its colours half kept; "
    "flat parts keep some grain, as of all Adam runs with a constant rate.",
    deviations=(
        "--learning_rate is 0.05 by 0.226, the mean of the three standard deviations "
        "that normalise; it was a little different in each channel",
        "its report names no Gram scale in code: equation 4 of the paper, as it says",
    ),
)

CAFFE = Preset(
    dataclasses.replace(
        CLASSIC.options,
        network="vgg16",
        content_taps=("relu4_2",),
        style_taps=RELU,
        content_loss="half_sum",
        content_weight=1.0,
        style_weight=1e4,
        style_tap_weights=_FIFTHS,
        gram="caffe",
        style_scale=1.2,
        pooling="avg_ceil",
        init="content",
        solver="lbfgs",
        bounds="box",
        history=8,
        preconditioner="none",
        steps=512,
    ),
    source="F. Liu's style-transfer (Caffe), style.py with its defaults for VGG; the "
    "samples of its README have --style_weight=1e5. From 1/f noise: --init=pink.",
    look="Strong contrast and crisp strokes, a fifth larger than in the other systems, "
    "as the painting is enlarged.",
    deviations=(
        "its L-BFGS-B is SciPy's, with a line search and Cauchy points; here the "
        "projected method with fixed steps",
        "the painting is rescaled by 1.2 and its Gram matrix not divided by its own "
        "size, as in the system: --gram=paper mends that",
        "it subtracts the mean of ILSVRC 2012 for every network; here each has the "
        "mean that its authors give, up to 1 of 255 apart",
    ),
)


def _caffe(look: str, **changes: Any) -> Preset:
    options = dataclasses.replace(CAFFE.options, pooling="avg", **changes)
    return dataclasses.replace(CAFFE, options=options, look=look)


CAFFE_GOOGLENET = _caffe(
    "Fine, scratchy texture: GoogLeNet's first layer already strides.",
    network="googlenet",
    content_taps=("conv2/relu_3x3", "inception_3a/output"),
    content_tap_weights=(2e-4, 1 - 2e-4),
    style_taps=(
        *("conv1/relu_7x7", "conv2/relu_3x3"),
        *("inception_3a/output", "inception_4a/output", "inception_5a/output"),
    ),
)
CAFFE_GOOGLENET = dataclasses.replace(
    CAFFE_GOOGLENET,
    deviations=(
        *CAFFE.deviations,
        "its GoogLeNet is without the two normalisations (LRN) that the published "
        "network has; here they stay",
    ),
)
CAFFE_CAFFENET = _caffe(
    "Rough and patchy: eleven-pixel filters with a stride of four.",
    network="caffenet",
    content_taps=("relu4",),
    style_taps=("relu1", "relu2", "relu3", "relu4", "relu5"),
)
