"""Systems whose style loss is of nearest features."""

from nst_jax.options import Options
from nst_jax.presets.preset import Preset

NNST = Preset(
    Options(
        network="vgg16-torchvision",
        content_taps=(),
        style_taps=(
            *("relu1_1", "relu1_2", "relu2_1", "relu2_2"),
            *("relu3_1", "relu3_2", "relu3_3", "relu4_1", "relu4_2", "relu4_3"),
        ),
        style_weight=1.0,
        style_tap_decay=1.0,
        style_loss="neighbors",
        style_turns=4,
        finish_loss="neighbors_split",
        color="nnst",
        pyramid=0,
        steps=1000,
        solver="adam",
        learning_rate=0.002,
        learning_rate_decay="none",
        coordinates="laplacian",
        laplacian_levels=8,
    ),
    source="Kolkin et al., Neural Neighbor Style Transfer (arXiv:2203.13215, 2022), "
    "NNST-Opt, with the numbers of its public code: hypercolumns of VGG-16, those of "
    "the photo replaced by the painting's nearest at sizes from 64 pixels on, by 2; a "
    "last pass with each layer by itself; hues of the photo, matched to the "
    "painting's. Its --alpha is --content_share, --no_flip is --style_turns=1.",
    look="The painting's own strokes, laid along the photo's shapes, and its colours; "
    "small and faint things go. --color=style keeps the hues as they were painted.",
    deviations=(
        "--steps is of all passes together: its 200 at each size and 200 for the last "
        "pass are --steps=1000 at --size=512, 1200 at 1024",
        "its last pass compares layers of at most 64 places a side with what it drew "
        "of the layer before, reshaped; here each layer has its own, as in the paper",
        "in the last pass the painting's offsets are a few that are drawn once, at "
        "most 64 places a side are compared (its strides are rounded down), and they "
        "aren't the picture's own",
        "pixels are kept in [0, 1]; each size goes on with the iterate of the lowest "
        "loss, not with the last but one",
        "at --size=1024 its sizes of 128 and 256 pixels begin with the photo's finest "
        "details; here none does, as at 512",
        "pictures are resized by the bicubic filter; its content loss, off by default, "
        "isn't here",
    ),
)
