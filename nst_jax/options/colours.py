"""Options of colours: whose they are."""

import dataclasses

from nst_jax import fields
from nst_jax.fields import choices


@dataclasses.dataclass(frozen=True)
class Colours:
    """The colours of the result."""

    color: str = fields.colours(
        "style",
        "Colours of the result. style: the painting's. The others keep the photo's: "
        "luminance paints light and dark alone and lays the photo's colours over them, "
        "with the painting's luminance first shifted and scaled to the photo's mean "
        "and contrast, or left as it is (luminance_unmatched); histogram and linear "
        "match the painting to the photo first, each channel's histogram or mean and "
        "covariance. linear treats all channels alike; linear_cholesky depends on "
        "their order and can turn hues. nnst, for photos that are to keep their hues "
        "apart but have the painting's: what was painted is light and dark, hues are "
        "the photo's, matched to the painting's mean and covariance.",
        choices=choices(
            "images.coloring",
            "style=STYLE luminance=LUMINANCE luminance_unmatched=LUMINANCE_UNMATCHED "
            "histogram=HISTOGRAM linear=LINEAR linear_cholesky=LINEAR_CHOLESKY "
            "nnst=NNST",
        ),
    )
    color_after: str = fields.colours(
        "none",
        "histogram matches the finished picture to the photo, channel by channel. "
        "Results are mixed: it moves the picture off the optimum that was found, "
        "smooth colours can band, and contrast and noise can grow.",
        choices=choices("images.color", "none histogram=match_histograms"),
    )
