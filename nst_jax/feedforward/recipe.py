"""How a style network is trained: what is asked for besides the losses."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from nst_jax import fields
from nst_jax.errors import OptionsError
from nst_jax.options import Options
from weights_convert.architectures.transformer import Transformer

LOSSES = (
    *("network", "content_taps", "style_taps", "content_weight", "style_weight"),
    *("content_tap_weights", "style_tap_weights", "style_tap_decay"),
    *("content_loss", "style_loss"),
    *("gram", "tv", "tv_range", "tv_weight", "pooling", "input_gain", "precision"),
    *("edge_weight", "edge_pools"),
)
"""Fields of `Options` that say what a network is trained for."""

FOLDER, LOG = ".training", "losses.jsonl"
"""Ending of the folder beside a network that is trained, and a file in it."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to train a style network; every field is also a flag of `nst-jax train`.

    Raises:
      OptionsError: a value is outside of what its field allows.
    """

    size: int = fields.picture(
        256,
        "Side of the squares of photos that it is trained on, in pixels.",
        check=(
            lambda value: 32 <= value <= 2048 and value % 4 == 0,
            "a multiple of 4, 32 to 2048",
        ),
    )
    style_size: int = fields.picture(
        256,
        "Longest side of the painting: larger gives finer strokes in larger pictures.",
        check=(lambda value: 32 <= value <= 4096, "a whole number, 32 to 4096"),
    )
    batch: int = fields.solver(
        4,
        "Photos a step, over all devices.",
        check=(lambda value: 1 <= value <= 4096, "a whole number, 1 to 4096"),
    )
    steps: int = fields.solver(
        40_000,
        "Updates of the network.",
        check=(lambda value: 1 <= value <= 10**8, "a whole number, 1 to 100000000"),
    )
    learning_rate: float = fields.solver(
        1e-3,
        "Of Adam at the start; it falls to 0 along a cosine.",
        check=fields.POSITIVE,
    )
    width: int = fields.network(
        32,
        "Channels of the first layer; the others follow: 32, 64, 128.",
        check=(lambda value: 4 <= value <= 256, "a whole number, 4 to 256"),
    )
    blocks: int = fields.network(
        5,
        "Residual blocks.",
        check=(lambda value: 1 <= value <= 64, "a whole number, 1 to 64"),
    )
    steady: float = fields.losses(
        0.0,
        "Weight of a consistency loss, for video: a photo that is moved a little is to "
        "be painted as its painted picture is moved.",
        check=fields.NOT_NEGATIVE,
    )
    seed: int = fields.picture(
        0, "Seed of the network and of what it sees.", check=fields.NOT_NEGATIVE_INT
    )

    def __post_init__(self) -> None:
        """Checks every field for itself."""
        for field in dataclasses.fields(self):
            fields.check(field, getattr(self, field.name))

    def architecture(self, styles: int) -> Transformer:
        """The network of so many styles: Johnson's, without what leaves artefacts.

        Nearest-neighbour upsampling (Odena et al. 2016) and reflection, as
        pytorch/examples; conditional instance normalisation of several styles
        (Dumoulin et al. 2017). The output is linear: a tanh saturates, and leaves white
        spots that no gradient takes away.
        """
        return Transformer(
            (self.width, 2 * self.width, 4 * self.width),
            self.blocks,
            (2 * self.width, self.width),
            norm="conditional" if styles > 1 else "instance",
            styles=styles,
        )


_LENGSTROM = Options(
    content_loss="mean",
    content_weight=7.5,
    style_loss="gram",
    style_weight=100.0,
    style_tap_decay=1.0,
    tv_weight=200.0,
    tv_range=255.0,
)

RECIPES: Mapping[str, tuple[Recipe, Options]] = MappingProxyType(
    {
        "lengstrom": (Recipe(), _LENGSTROM),
        "pytorch-examples": (
            Recipe(),
            Options(
                network="vgg16-torchvision",
                content_taps=("relu2_2",),
                style_taps=("relu1_2", "relu2_2", "relu3_3", "relu4_3"),
                content_loss="mean",
                content_weight=1e5,
                style_loss="gram",
                style_weight=1e10,
                style_tap_decay=1.0,
            ),
        ),
    }
)
"""Losses of the systems that people know, by name.

lengstrom: VGG-19, content relu4_2 x 7.5, style relu1_1..relu5_1 x 100, total variation
x 200 of 0..255. pytorch-examples: VGG-16 of torchvision, content relu2_2 x 1e5, style
x 1e10 summed over four taps. The default is lengstrom's."""


def check(recipe: Recipe, styles: int, devices: int) -> None:
    """Raises `OptionsError` if a batch can't be shared by devices, or no style is."""
    if not styles:
        raise OptionsError("style is missing: name a painting, or several")
    if recipe.batch % devices:
        raise OptionsError(
            f"batch={recipe.batch} can't be shared by {devices} devices: give a "
            "multiple"
        )


def check_losses(options: Options) -> None:
    """Raises `OptionsError` if a network can't be trained for a loss."""
    if options.style_loss == "neighbors":
        raise OptionsError(
            "style_loss=neighbors looks for targets of one picture, and a network "
            "paints many: give another style_loss, such as remd"
        )
