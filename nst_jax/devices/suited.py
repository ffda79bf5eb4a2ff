"""Ways of computing that suit one kind of device and not another: a question for each.

They are about what programs are made for (`backend.kind`). The losses, which import
nothing, choose by `jax.lax.platform_dependent` within the program.
"""

from nst_jax.devices import backend


def winograd() -> bool:
    """Whether large 3x3 convolutions of float32 are quicker by Winograd's method.

    On CPUs, whose arithmetic is the bound. Accelerators' matrix units are quicker at
    the direct one than memory at Winograd's tiles.
    """
    return backend.kind() == "cpu"


def rounded_products() -> bool:
    """Whether products of TF32 and bfloat16 numbers are quicker than those of float32.

    They are by matrix units, which CPUs have none of that XLA uses.
    """
    return backend.kind() != "cpu"


def padded_convolutions() -> bool:
    """Whether a convolution without padding is quicker as one with it, cropped.

    On CPUs: there XLA's takes 1.5 to 25 times longer (bench/results/cpu_layers.json).
    """
    return backend.kind() == "cpu"


def lapack() -> bool:
    """Whether matrices are decomposed by the host's LAPACK, within programs."""
    return backend.kind() == "cpu"
