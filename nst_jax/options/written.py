"""Options of how a picture is written, which all ways to make one share."""

import dataclasses

from nst_jax import fields
from nst_jax.fields import choices


@dataclasses.dataclass(frozen=True)
class Written:
    """How the file holds a picture."""

    bits: int = fields.picture(
        8,
        "Bits of each channel in the file: 8, or 16 (PNG and TIFF), which leave room "
        "for a retoucher's curves.",
        check=(lambda value: value in (8, 16), "8 or 16"),
    )
    transparency: str = fields.picture(
        "white",
        "Transparency of the photo: white composites it on white; keep paints it so, "
        "and gives the result the photo's alpha channel (PNG, WebP and TIFF).",
        choices=choices("images.decode", "white keep"),
    )
