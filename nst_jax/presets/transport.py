"""Systems whose style loss is of optimal transport."""

from nst_jax.options import Options
from nst_jax.presets.preset import RELU, Preset

CROWSONKB = Preset(
    Options(
        network="vgg19-torchvision",
        content_taps=("relu4_2",),
        style_taps=RELU,
        content_loss="mean",
        content_weight=0.015,
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
