"""Options of the losses: what is compared, and what it weighs."""

import dataclasses
import functools

from nst_jax import fields
from nst_jax.fields import choices

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

JOINED = ("remd", "strotss", "self_similarity")
"""Losses that take all taps together where `features` are hypercolumns."""

_STYLE_LOSSES = (
    "w2=wasserstein:W2 gram=gram:Gram w2_iterated=iterated:IteratedW2 "
    "sliced=sliced:Sliced histogram=histogram:Histogram remd=remd:RelaxedEMD "
    "strotss=strotss:Strotss "
    "neighbors=neighbors:Neighbors neighbors_split=split_neighbors:SplitNeighbors"
)

_style = functools.partial(fields.losses, needs=STYLE)
_content = functools.partial(fields.losses, needs=CONTENT)


@dataclasses.dataclass(frozen=True)
class Losses:
    """Content, style, total variation and edges."""

    content_taps: tuple[str, ...] = _content(
        ("relu4_2",),
        "Activations compared with the photo's. conv4_2 is before, relu4_2 after "
        "the ReLU.",
    )
    style_taps: tuple[str, ...] = _style(
        ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"),
        "Activations that are compared with the painting's, as --style_loss has it.",
    )
    content_weight: float = _content(
        1.0,
        "Weight of the content loss: higher keeps more.",
        check=fields.NOT_NEGATIVE,
    )
    style_weight: float = _style(
        1.7,
        "Weight of the style loss: higher paints more.",
        check=fields.NOT_NEGATIVE,
    )
    content_tap_weights: tuple[float, ...] = _content(
        (),
        "One factor for each content tap (default: 1 each).",
        check=fields.WEIGHTS,
    )
    style_tap_weights: tuple[float, ...] = _style(
        (),
        "One factor for each style tap (default: as --style_tap_decay has them). Early "
        "taps hold fine texture, late ones large shapes.",
        check=fields.WEIGHTS,
    )
    style_blend: tuple[float, ...] = _style(
        (),
        "Shares of several paintings in the style, such as 3,1 (default: equal).",
        check=fields.BLEND,
    )
    style_scale: float = _style(
        1.0,
        "Longest side of the painting as a multiple of --size: larger gives coarser "
        "strokes.",
        check=fields.SCALE,
    )
    features: str = fields.losses(
        "taps",
        "What losses that compare angles (remd, strotss, self_similarity) take for a "
        "place: taps, the features of each by itself; or hypercolumns, those of all "
        "taps as one vector, at 1024 places drawn anew at each step, for solvers other "
        "than lbfgs. image, the pixels, may be one of the taps then.",
        choices=choices("", "taps hypercolumns"),
    )
    content_weight_at: int = _content(
        256,
        "Longest side in pixels at which --content_weight is what it says; at half of "
        "it it is twice that, at twice of it half, and so on: coarse sizes keep the "
        "layout, fine ones are painted. 0: it is the same at all sizes.",
        check=(
            lambda value: not value or 16 <= value <= 65536,
            "0, or a whole number, 16 to 65536",
        ),
    )
    content_loss: str = _content(
        "share",
        "What of the content taps is compared with the photo's: features, by the "
        "squared differences as a share of the photo's squares; mean, the mean of the "
        "squared differences; half_sum, the paper's half the sum; or self_similarity, "
        "which places are alike: colours may go, where things are stays.",
        choices=choices(
            "losses",
            "share=content:Share mean=content:Content half_sum=content:HalfSum "
            "self_similarity=self_similarity:SelfSimilarity",
        ),
    )
    style_loss: str = _style(
        "w2",
        "What of the style taps is compared with the painting's: w2, means and "
        "covariances, by the optimal transport between them; gram, Gram matrices, as "
        "Gatys: its --style_weight is about 20 beside --content_loss=mean; "
        "w2_iterated, w2 with 12 iterations for the root, as Crowson has it; sliced, "
        "distributions along directions; histogram, each channel's, and Gram matrices; "
        "remd, each feature with the nearest; strotss, that, means and covariances; "
        "neighbors, all taps together, with the painting's nearest to what a size "
        "begins with; neighbors_split, each tap with the nearest of each step. "
        "docs/quality.md has weights.",
        choices=choices("losses", _STYLE_LOSSES),
    )
    finish_loss: str = _style(
        "none",
        "Style loss of a last pass at the full size, from the picture that was made "
        "so far: none, or one of --style_loss.",
        choices=choices("losses", f"none {_STYLE_LOSSES}"),
    )
    finish_length: float = _style(
        1.0,
        "Iterations of the last pass, as a multiple of those at each size.",
        check=fields.SCALE,
        needs={**STYLE, "finish_loss": lambda loss: loss != "none", "steps": bool},
    )
    content_share: float = _style(
        0.75,
        "neighbors: share of the photo in what is matched with the painting; the rest "
        "is the picture so far. At the smallest size it is the photo alone.",
        check=(lambda value: 0 <= value <= 1, "a number, 0 to 1"),
    )
    style_turns: int = _style(
        1,
        "Ways that the painting is turned, each of which counts: 1, as it is; 2, "
        "upside down too; 4, by all quarters.",
        check=(lambda value: value in (1, 2, 4), "1, 2 or 4"),
    )
    palette_weight: float = _style(
        0.0,
        "Weight of the difference of colours, pixels near some of the painting's, as a "
        "multiple of --style_weight; of hypercolumns. With --content_weight_at it is "
        "less, as many times as the content's weight is larger than the style's.",
        check=fields.NOT_NEGATIVE,
        needs={
            **STYLE,
            "features": fields.one_of("hypercolumns"),
            "style_loss": fields.one_of("remd", "strotss"),
        },
    )
    gram: str = _style(
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
    style_tap_decay: float = _style(
        0.65,
        "Each style tap weighs so many times the one before it, 1 in the mean: below 1 "
        "colours and strokes count for more than shapes, 1 is all alike. Where "
        "--style_tap_weights says what they weigh, that counts.",
        check=(lambda value: 0 < value <= 10, "a number above 0, 10 at most"),
        needs={
            **STYLE,
            "style_taps": lambda taps: len(taps) > 1,
        },
    )
    edge_weight: float = fields.losses(
        0.0,
        "Weight of the difference of edges, the photo's Laplacian: higher keeps thin "
        "lines; 0.001 is seen. With --preset=classic 25 is Laplacian style transfer's.",
        check=fields.NOT_NEGATIVE,
    )
    edge_pools: tuple[int, ...] = fields.losses(
        (4,),
        "Sides in pixels of the squares that pictures are averaged over before edges "
        "are taken, such as 4,16.",
        check=fields.POOLS,
        needs={"edge_weight": bool},
    )
