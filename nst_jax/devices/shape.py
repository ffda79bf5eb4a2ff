"""The shape of a mesh of devices, as it is asked for; no JAX."""

import re

from nst_jax.errors import OptionsError


def parsed(asked: str) -> tuple[int, int] | None:
    """Devices for lanes and for rows: of "4x2", 4 and 2; of "4", 4 and 1; of "auto",
    None.

    Raises:
      OptionsError: anything else.
    """
    if asked == "auto":
        return None
    match = re.fullmatch(r"([1-9]\d{0,5})(?:x([1-9]\d{0,5}))?", asked)
    if match is None:
        raise OptionsError(
            f"devices={asked}: give auto, a number, or LANESxROWS such as 4x2"
        )
    return int(match[1]), int(match[2] or 1)
