"""Systems whose style loss is of optimal transport."""

from nst_jax.options import Options
from nst_jax.presets.preset import RELU, Preset

_HYPERCOLUMN = (
    *("image", "relu1_1", "relu1_2", "relu2_1", "relu2_2"),
    *("relu3_1", "relu3_2", "relu3_3", "relu4_3", "relu5_3"),
)

CROWSONKB = Preset(
    Options(
        network="vgg19-torchvision",
        content_taps=("relu4_2",),
        style_taps=RELU,
        content_loss="mean",
        content_weight=0.015,
        content_weight_at=0,
        style_weight=1 / 341,
        style_tap_weights=(256.0, 64.0, 16.0, 4.0, 1.0),
        style_tap_decay=1.0,
        style_loss="w2_iterated",
        border="replicate_first",
        tv="nine_point",
        tv_weight=2.0,
        init="content",
        pyramid=0,
        pyramid_step=2**0.5,
        pyramid_from=128,
        pyramid_first=2.0,
        steps=3000,
        solver="adam",
        learning_rate=0.02,
        learning_rate_decay="none",
        adam_beta2=0.99,
        carry="moments",
        average=0.99,
    ),
    source="K. Crowson's style-transfer-pytorch with its defaults: means and "
    "covariances compared by optimal transport, sizes by the root of 2 from 128 "
    "pixels, Adam taken along from one to the next, an average of the iterates.",
    look="Large coherent strokes and soft transitions, colours near the painting's; a "
    "slight haze, as averages have. --style_loss=w2 --style_weight=3 "
    "--style_tap_weights=1,1,1,1,1 --content_loss=share --content_weight=1 is exact "
    "where its 12 iterations aren't.",
    deviations=(
        "--steps is of all sizes together: its 1000 and 500 for each further size are "
        "--steps=3000 at --size=512, 4000 at 1024, 5000 at 2048",
        "sizes are multiples of 16: 128, 176, 256, 368, 512 where it has 128, 181, "
        "256, 362, 512",
        "a painting that is smaller than the picture is enlarged",
    ),
)

STROTSS = Preset(
    Options(
        network="vgg16-torchvision",
        content_taps=_HYPERCOLUMN,
        style_taps=_HYPERCOLUMN,
        features="hypercolumns",
        content_loss="self_similarity",
        style_loss="strotss",
        content_weight=1.0,
        content_weight_at=1024,
        style_weight=1.0,
        style_tap_decay=1.0,
        palette_weight=1.0,
        init="details",
        pyramid=0,
        steps=1000,
        solver="rmsprop",
        learning_rate=0.002,
        coordinates="laplacian",
        laplacian_levels=5,
    ),
    source='Kolkin, Salavon and Shakhnarovich 2019, "Style transfer by relaxed optimal '
    "transport and self-similarity\" (arXiv:1904.12785), as the authors' code has it "
    "and futscdav's port: hypercolumns of VGG-16 at 1024 places drawn anew at each "
    "step, sizes by 2 from 64 pixels, RMSprop on a Laplacian pyramid.",
    look="The painting's colours and strokes, and the photo's layout: which places are "
    "alike stays, what they look like doesn't. Small detail is soft; --content_weight "
    "of 2 to 4 keeps more of it. A step costs as much at any size, seconds on a CPU.",
    deviations=(
        "--steps is of all sizes together: its 250 at each of four sizes are "
        "--steps=1000 at --size=512",
        "the network sees pixels as it was trained to, as in the port, where the "
        "authors feed it pixels less a half",
        "the step size is 0.002 at the last size too, where theirs is 0.001",
        "every iterate is kept in [0, 1], where theirs is confined at the end",
        "places are drawn evenly, one of each of 1024 runs of pixels, row and column "
        "together, where theirs are shuffled apart",
        "the sum isn't divided by the content's weight + 2, which RMSprop doesn't see",
    ),
)
