"""The options of a style transfer, with their defaults, help and checks.

This is the only place where a default is written, and the only one where the values of
an option are: command-line flags, docs/options.md and the benchmarks are derived from
these fields. A value that stands for something of another room is written with the
place of that, which `chosen` imports when it is asked for: a style loss, a solver, a
way of colour, a start is its definition and a line here.
"""

import dataclasses
import functools
from typing import Any, Literal

from nst_jax import fields, masking, written
from nst_jax.fields import above, choices, one_of

STARTS = choices(
    "images.noise", "content style noise=uniform mean=mean gaussian=gaussian pink=pink"
)
"""What `init` may be besides a file."""

STYLE: fields.Needs = {
    "style_weight": bool,
    "style_taps": bool,
    "style_tap_weights": fields.some,
}
"""What the style loss needs to weigh anything; its own options need that."""

CONTENT: fields.Needs = {
    "content_weight": bool,
    "content_taps": bool,
    "content_tap_weights": fields.some,
}
"""The same of the content loss."""

_style_option = functools.partial(fields.losses, needs=STYLE)
_content_option = functools.partial(fields.losses, needs=CONTENT)
_STEPS: fields.Needs = {"steps": bool}
_SIZES: fields.Needs = {"pyramid": lambda sizes: sizes != 1}
_LBFGS: fields.Needs = {"solver": one_of("lbfgs"), **_STEPS}


@dataclasses.dataclass(frozen=True)
class Options:
    """What to make and how; every field is also a flag of `nst-jax stylize`.

    The losses by default are those of Johnson's `neural-style` (VGG-19, content relu4_2
    x 5, style relu1_1..relu5_1 x 100) without its total variation, which the field's
    users know; start, step count and solver are what was measured to do best.

    Raises:
      OptionsError: a value is outside of what its field allows.
    """

    size: int | Literal["original"] = fields.picture(
        512,
        "Longest side of the result in pixels; the other follows from the aspect ratio "
        "of the photo, or of --crop. original: as many as the photo, or its crop, has.",
        check=(lambda value: 16 <= value <= 65536, "a whole number, 16 to 65536"),
    )
    crop: str | None = fields.picture(
        None,
        "Aspect ratio, as width:height, that photo and paintings are cropped to, from "
        "the middle, before they are resized: --crop=1:1 --size=550 gives 550x550 "
        "(default: no crop).",
        check=fields.RATIO,
    )
    steps: int = fields.picture(
        500,
        "Iterations: one gradient of the loss each.",
        check=fields.NOT_NEGATIVE_INT,
    )
    pyramid: int = fields.picture(
        1,
        "Sizes to go through, coarse to fine, each half of the next, with equal shares "
        "of --steps; 1: the full size only; 0: as many as --pyramid_from leaves. "
        "--pyramid alone means 3.",
        check=fields.NOT_NEGATIVE_INT,
        bare="3",
    )
    network: str = fields.network(
        "vgg19",
        "Pretrained network that sees content and style; `nst-weights list` shows all.",
    )
    content_taps: tuple[str, ...] = _content_option(
        ("relu4_2",),
        "Activations compared with the photo's. conv4_2 is before, relu4_2 after "
        "the ReLU.",
    )
    style_taps: tuple[str, ...] = _style_option(
        ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"),
        "Activations that are compared with the painting's, as --style_loss has it.",
    )
    content_weight: float = _content_option(
        5.0,
        "Weight of the content loss: higher keeps more.",
        check=fields.NOT_NEGATIVE,
    )
    style_weight: float = _style_option(
        100.0,
        "Weight of the style loss: higher paints more.",
        check=fields.NOT_NEGATIVE,
    )
    content_tap_weights: tuple[float, ...] = _content_option(
        (),
        "One factor for each content tap (default: 1 each).",
        check=fields.WEIGHTS,
    )
    style_tap_weights: tuple[float, ...] = _style_option(
        (),
        "One factor for each style tap (default: 1 each). Early taps hold fine "
        "texture, late ones large shapes.",
        check=fields.WEIGHTS,
    )
    style_blend: tuple[float, ...] = _style_option(
        (),
        "Shares of several paintings in the style, such as 3,1 (default: equal).",
        check=fields.BLEND,
    )
    style_scale: float = _style_option(
        1.0,
        "Longest side of the painting as a multiple of --size: larger gives coarser "
        "strokes.",
        check=fields.SCALE,
    )
    content_loss: str = _content_option(
        "mean",
        "What of the content taps is compared with the photo's: features, by the mean "
        "of the squared differences, or half_sum, the paper's half the sum; or "
        "self_similarity, which places are alike: colours may go, where things are "
        "stays.",
        choices=choices(
            "losses",
            "mean=content:Content half_sum=content:HalfSum "
            "self_similarity=self_similarity:SelfSimilarity",
        ),
    )
    gram: str = _style_option(
        "chw",
        "Scale of the Gram matrices: chw = G/(C*H*W), hw = G/(H*W), both with the mean "
        "squared difference; paper = Gatys's 1/(4*N^2*M^2) sum; caffe = the same with "
        "the painting's Gram matrix by the picture's size; article = 1/(4*M^2) sum; "
        "normalized = the sum as a share of both matrices' squares.",
        choices=choices(
            "losses.gram",
            "chw=CHW hw=HW paper=PAPER caffe=CAFFE article=ARTICLE "
            "normalized=NORMALIZED",
        ),
        needs={**STYLE, "style_loss": one_of("gram")},
    )
    tv: str = fields.losses(
        "l2",
        "Total variation between neighbouring pixels: absolute (l1) or squared (l2), "
        "averaged over the picture; l1_sum and l2_sum add it up instead; l2_inner_sum "
        "leaves out what lies along the far edges, as neural-style does; nine_point "
        "has the diagonals too, squared and averaged.",
        choices=choices(
            "losses.total_variation",
            "l1=L1 l2=L2 l1_sum=L1_SUM l2_sum=L2_SUM l2_inner_sum=L2_INNER_SUM "
            "nine_point=NINE_POINT",
        ),
        needs={"tv_weight": bool},
    )
    tv_range: float = fields.losses(
        1.0,
        "White, to the total variation: 255 gives --tv_weight the meaning it has in "
        "systems whose pixels are 0 to 255.",
        check=fields.POSITIVE,
        needs={"tv_weight": bool},
    )
    tv_weight: float = fields.losses(
        0.0,
        "Weight of the total variation: higher is smoother.",
        check=fields.NOT_NEGATIVE,
    )
    color: str = fields.colours(
        "style",
        "Colours of the result. style: the painting's. The others keep the photo's: "
        "luminance paints light and dark alone and lays the photo's colours over them, "
        "with the painting's luminance first shifted and scaled to the photo's mean "
        "and contrast, or left as it is (luminance_unmatched); histogram and linear "
        "match the painting to the photo first, each channel's histogram or mean and "
        "covariance. linear treats all channels alike; linear_cholesky depends on "
        "their order and can turn hues.",
        choices=choices(
            "images.coloring",
            "style=STYLE luminance=LUMINANCE luminance_unmatched=LUMINANCE_UNMATCHED "
            "histogram=HISTOGRAM linear=LINEAR linear_cholesky=LINEAR_CHOLESKY",
        ),
    )
    color_after: str = fields.colours(
        "none",
        "histogram matches the finished picture to the photo, channel by channel. "
        "Results are mixed: it moves the picture off the optimum that was found, "
        "smooth colours can band, and contrast and noise can grow.",
        choices=choices("images.color", "none histogram=match_histograms"),
    )
    init: str = fields.picture(
        "content",
        "Where to start: content; style; noise of even colours; mean, the mean colour "
        "of ImageNet's photos (Caffe's); gaussian noise around it; pink noise, which "
        "is cloudy; or the path of a picture.",
    )
    seed: int = fields.picture(
        0,
        "Seed of the starting noise.",
        check=fields.NOT_NEGATIVE_INT,
        needs={"init": one_of("noise", "mean", "gaussian", "pink")},
    )
    pooling: str = fields.network(
        "max",
        "Pooling of the network, wherever it has any. The 2015 paper found average "
        "pooling smoother. With _ceil an odd last row or column counts, as in Caffe; "
        "without, the network's own rounding stays.",
        choices=choices(
            "networks.pooling", "max=MAX avg=AVG max_ceil=MAX_CEIL avg_ceil=AVG_CEIL"
        ),
    )
    input_gain: float = fields.network(
        1.0,
        "Factor of the pixels before the network's preprocessing: neural-style shows "
        "Caffe's networks 0 to 256.",
        check=fields.POSITIVE,
    )
    precision: str = fields.network(
        "auto",
        "Arithmetic of the network; image, statistics, losses and solver are always "
        "float32. auto = float32 on CPUs, bfloat16 on GPUs and TPUs.",
        choices=choices(
            "networks.precision",
            "auto=AUTO float32=FLOAT32 tf32=TF32 bfloat16=BFLOAT16",
        ),
    )
    solver: str = fields.solver(
        "lbfgs",
        "lbfgs needs the fewest steps; adam the least memory.",
        choices=choices("optimize.solvers", "lbfgs=LBFGS adam=ADAM"),
        needs=_STEPS,
    )
    learning_rate: float | None = fields.solver(
        None,
        "Step size (default: 1 for lbfgs; 0.04 of the pixel range for adam).",
        check=fields.POSITIVE,
        needs=_STEPS,
    )
    learning_rate_decay: str | None = fields.solver(
        None,
        "Decay of the step size to 0 over --steps (default: none for lbfgs, cosine for "
        "adam).",
        choices=choices("optimize.solvers", "none cosine=cosine"),
        needs={"steps": above(1)},
    )
    history: int = fields.solver(
        20,
        "L-BFGS: steps remembered, two images of memory each.",
        check=fields.AT_LEAST_1,
        needs={**_LBFGS, "steps": above(1)},
    )
    preconditioner: str = fields.solver(
        "multiscale",
        "L-BFGS: multiscale moves large shapes first and needs 1.3 to 1.9 times fewer "
        "iterations for the same loss; none is the plain method.",
        choices=choices("optimize.preconditioner", "multiscale=multiscale none"),
        needs=_LBFGS,
    )
    bounds: str = fields.solver(
        "box",
        "L-BFGS: box keeps every iterate within [0, 1], so that nothing is lost when "
        "the result is confined to it; none is the plain method, which confines the "
        "result only. Adam always keeps to the box.",
        choices=choices("optimize.solvers", "box=PIXEL_BOX none"),
        needs=_LBFGS,
    )
    adam_epsilon: float = fields.solver(
        1e-8,
        "Adam: added to the root of the second moment. Larger ones, such as 1e-4, "
        "avoid grey spots.",
        check=fields.POSITIVE,
        needs={"solver": one_of("adam"), **_STEPS},
    )

    style_loss: str = _style_option(
        "gram",
        "What of the style taps is compared with the painting's: gram, their Gram "
        "matrices; w2, means and covariances, by the optimal transport between them: "
        "its --style_weight is about 3e6, whatever the network and the painting; "
        "w2_iterated, the same with 12 iterations for the root, as Crowson has it; "
        "sliced, distributions along directions; histogram, each channel's, and Gram "
        "matrices; remd, each feature with the nearest. docs/quality.md has weights.",
        choices=choices(
            "losses",
            "gram=gram:Gram w2=wasserstein:W2 w2_iterated=iterated:IteratedW2 "
            "sliced=sliced:Sliced histogram=histogram:Histogram remd=remd:RelaxedEMD",
        ),
    )
    pyramid_step: float = fields.picture(
        2.0,
        "Each size of the pyramid is so many times the next smaller one.",
        check=(lambda value: 1.05 <= value <= 8, "a number, 1.05 to 8"),
        needs=_SIZES,
    )
    pyramid_from: int = fields.picture(
        64,
        "Longest side in pixels below which the pyramid has no size: the deep taps see "
        "next to nothing there.",
        check=(lambda value: 16 <= value <= 65536, "a whole number, 16 to 65536"),
        needs=_SIZES,
    )
    pyramid_first: float = fields.picture(
        1.0,
        "Iterations at the smallest size, as a multiple of those at each of the "
        "others.",
        check=fields.SCALE,
        needs={**_SIZES, **_STEPS},
    )
    adam_beta2: float = fields.solver(
        0.999,
        "Adam: decay of the second moment.",
        check=(lambda value: 0 <= value < 1, "a number, 0 or more and below 1"),
        needs={"solver": one_of("adam"), **_STEPS},
    )
    carry: str = fields.solver(
        "none",
        "What the solver takes along from one size of the pyramid to the next: none, "
        "or Adam's moments, enlarged.",
        choices=choices("optimize.carried", "none moments=moments"),
        needs={**_SIZES, "solver": one_of("adam"), **_STEPS},
    )
    average: float = fields.solver(
        0.0,
        "Decay of a moving average of the iterates, such as 0.99, which is the result "
        "then, and where the next size begins; 0: the iterate of the lowest loss is.",
        check=(lambda value: 0 <= value < 1, "a number, 0 or more and below 1"),
        needs=_STEPS,
    )
    border: str = fields.network(
        "zero",
        "What the network's convolutions see beyond a picture: zero, as in training; "
        "reflect, what they see, mirrored at its border; replicate, its border "
        "repeated; replicate_first, that ahead of the first convolution alone.",
        choices=choices(
            "networks.borders",
            "zero=ZERO reflect=REFLECT replicate=REPLICATE "
            "replicate_first=REPLICATE_FIRST",
        ),
    )
    bits: int = written.bits()
    transparency: str = written.transparency()
    edge_weight: float = fields.losses(
        0.0,
        "Weight of the difference of edges, the photo's Laplacian: higher keeps thin "
        "lines; 25 beside --content_weight=5 is Laplacian style transfer's, 2500 is "
        "seen beside the default style.",
        check=fields.NOT_NEGATIVE,
    )
    edge_pools: tuple[int, ...] = fields.losses(
        (4,),
        "Sides in pixels of the squares that pictures are averaged over before edges "
        "are taken, such as 4,16.",
        check=fields.POOLS,
        needs={"edge_weight": bool},
    )
    mask_feather: float = masking.feather()
    mask_reach: str = masking.reach()
    mask_balance: str = masking.balance()
    unmatched: str = masking.unmatched()

    def __post_init__(self) -> None:
        """Makes each value plain and checks it, then those that belong together."""
        for field in dataclasses.fields(self):
            value = fields.plain(field, getattr(self, field.name))
            fields.check(field, value)
            object.__setattr__(self, field.name, value)
        fields.check_taps(self)


VARYING = (
    *("content_weight", "style_weight", "content_tap_weights", "style_tap_weights"),
    *("tv_weight", "style_blend", "style_scale", "init", "seed"),
    *("color", "color_after", "edge_weight"),
    *("mask_feather", "mask_reach", "mask_balance", "unmatched"),
)
"""Options that lanes of one program may differ in. The names of a batch's pictures have
them in this order: new ones go to the end."""


FIELDS = {field.name: field for field in dataclasses.fields(Options)}
"""The fields of `Options` by name."""


def chosen(options: Options, name: str) -> Any:
    """What an option stands for: its value, or what its line in `Options` names.

    `chosen(options, "solver")` -> `nst_jax.optimize.solvers.LBFGS`; "none" is None.
    """
    return fields.named(FIELDS[name].metadata["choices"], getattr(options, name))


def word(name: str, meaning: Any) -> str:
    """The value of an option that stands for `meaning`: `chosen` turned round."""
    choices = FIELDS[name].metadata["choices"]
    return next(one for one in choices if fields.named(choices, one) == meaning)


def changed(options: Options) -> dict[str, Any]:
    """The options that differ from the defaults, by name, sorted."""
    values = {name: getattr(options, name) for name in sorted(FIELDS)}
    return {n: v for n, v in values.items() if v != FIELDS[n].default}
