"""A style network as it is stored: what it is, its arrays, where it comes from."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from weights_convert.architectures.mobilenet import Predictor
from weights_convert.errors import WeightsError
from weights_convert.stylizers.architectures import Painter

Arrays = Mapping[str, np.ndarray]
"""A file's, by their names in it."""


@dataclasses.dataclass(frozen=True)
class Stylizer:
    """A style network in our own form.

    Attributes:
      architecture: what paints.
      arrays: by the keys of `architecture.shapes`, float32.
      layout: whose naming the file had.
      note: what a user should know of the conversion, or "".
      predictor: what tells the style of a painting, of a network of any style that has
        it apart.
      predictor_arrays: by the keys of `predictor.shapes`.
    """

    architecture: Painter
    arrays: Arrays
    layout: str
    note: str = ""
    predictor: Predictor | None = None
    predictor_arrays: Arrays = dataclasses.field(default_factory=dict)


def checked(stylizer: Stylizer) -> Stylizer:
    """The same with arrays as float32, C-contiguous.

    Raises:
      WeightsError: missing, misshapen, of another type, or not finite; the first five
        of all that is wrong.
    """
    arrays, faults = _fitting(stylizer.arrays, stylizer.architecture.shapes)
    shapes = stylizer.predictor.shapes if stylizer.predictor else {}
    telling, more = _fitting(stylizer.predictor_arrays, shapes)
    if faults := faults + more:
        many = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise WeightsError(
            f"isn't the network of {stylizer.layout or 'its description'}: "
            + "; ".join(faults[:5])
            + many
        )
    return dataclasses.replace(stylizer, arrays=arrays, predictor_arrays=telling)


def _fitting(
    arrays: Arrays, shapes: Mapping[str, tuple[int, ...]]
) -> tuple[dict[str, np.ndarray], list[str]]:
    found, faults = {}, []
    for key, shape in shapes.items():
        array = arrays.get(key)
        if array is None:
            faults.append(f"{key} is missing")
        elif array.dtype.kind != "f" or array.shape != shape:
            faults.append(f"{key} is {array.dtype} {array.shape}, expected {shape}")
        else:
            with np.errstate(over="ignore"):
                found[key] = np.ascontiguousarray(array, np.float32)
            if not np.isfinite(found[key]).all():
                faults.append(f"{key} has values that are not finite")
    faults += [f"{key!r:.60} is no layer of it" for key in arrays if key not in shapes]
    return found, faults
