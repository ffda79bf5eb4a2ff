"""Ways of computing that suit one kind of device and not another: a question for each.

They are about what programs are made for (`backend.kind`). The losses, which import
nothing, choose by `jax.lax.platform_dependent` within the program.
"""

from nst_jax.devices import backend, processor


def winograd() -> bool:
    """Whether large 3x3 convolutions of float32 are quicker by Winograd's method.

    On CPUs, whose arithmetic is the bound. Accelerators' matrix units are quicker at
    the direct one than memory at Winograd's tiles.
    """
    return backend.kind() == "cpu"


def rounded_gradients() -> bool:
    """Whether Winograd's products are quicker of bfloat16 numbers than of float32.

    On processors that multiply these (AVX512-BF16), in half the time. Gradients are
    enough: values stay those of float32.
    """
    return winograd() and processor.multiplies_bfloat16()


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


def im2col() -> bool:
    """Whether a small convolution of few channels is quicker as a product of matrices.

    Its gradient is so everywhere. On GPUs: their library fills up channels to eight, in
    a pass of its own. On TPUs by their compiler's estimate: a step of 256x256 pixels
    moves 1.44 GB for 1.63, and of its own memory 0.03 for 0.06.
    """
    return backend.kind() != "cpu"


def space_to_depth() -> bool:
    """Whether a large convolution of few channels is quicker with pixels as channels.

    On GPUs: 9x9 ones of three channels take a third of a style network's time there.
    """
    return backend.kind() == "gpu"


def few_large_passes() -> bool:
    """Whether to pad and to enlarge pictures in one pass pays for more arithmetic.

    On GPUs, where memory is the bound. XLA's concatenations of pixels are slow there.
    """
    return backend.kind() == "gpu"


def barriers() -> bool:
    """Whether programs compute what a barrier is around once, and early.

    On CPUs, with `programs.compiler_options`: XLA's fusions there compute cheap things
    anew for each use, and keep the larger ones that they are computed from. Compilers
    for accelerators fuse better left alone.
    """
    return backend.kind() == "cpu"


def lapack() -> bool:
    """Whether matrices are decomposed by the host's LAPACK, within programs."""
    return backend.kind() == "cpu"
