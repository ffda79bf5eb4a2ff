"""What a naming says: which key of a file is which of ours, axes, channel order."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np

from weights_convert.architectures import Architecture

Channels = Literal["rgb", "bgr"]

# Our key -> the source keys it may come from, in order of preference.
Keys = dict[str, tuple[str, ...]]

# Made of a file's arrays before they are mapped; raises WeightsError.
Prepare = Callable[[Mapping[str, np.ndarray], Architecture], Mapping[str, np.ndarray]]

HWIO = (0, 1, 2, 3)
OIHW = (2, 3, 1, 0)


@dataclasses.dataclass(frozen=True)
class Layout:
    """A naming that files use for the networks of one family.

    `family` None is every family. `formats` are the file formats it occurs in; `axes`
    brings a kernel to HWIO; `channels` is the order that its first kernel takes, None
    where it is ours already, whatever the network's preprocessing. Every key that
    starts with one of `claims` must be a layer of the network: VGG-19's file under
    Keras's names holds all of VGG-16's. `prepare` makes the arrays that `keys` names of
    the file's: folds batch norms into convolutions, checks what comes with the weights
    and drops it. `normalized` says whether the filters of such files are rescaled, None
    where both occur.
    """

    name: str
    family: str | None
    formats: tuple[str, ...]
    keys: Callable[[Architecture], Keys]
    axes: tuple[int, int, int, int]
    channels: Channels | None
    claims: tuple[str, ...]
    prepare: Prepare | None = None
    normalized: bool | None = False
