"""Options of the network that sees the pictures."""

import dataclasses

from nst_jax import fields
from nst_jax.fields import choices


@dataclasses.dataclass(frozen=True)
class Seeing:
    """The network, and how it is computed."""

    network: str = fields.network(
        "vgg19",
        "Pretrained network that sees content and style; `nst-weights list` shows all.",
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
    input_gain: float = fields.network(
        1.0,
        "Factor of the pixels before the network's preprocessing: neural-style shows "
        "Caffe's networks 0 to 256.",
        check=fields.POSITIVE,
    )
    precision: str = fields.network(
        "auto",
        "Arithmetic of the network; image, statistics, losses and solver are always "
        "float32. bfloat16_gradients = float32 but for gradients through large "
        "convolutions, on CPUs that multiply bfloat16 (AVX512-BF16). auto = bfloat16 "
        "on GPUs and TPUs, bfloat16_gradients on such CPUs, float32 on others.",
        choices=choices(
            "networks.precision",
            "auto=AUTO float32=FLOAT32 tf32=TF32 bfloat16=BFLOAT16 "
            "bfloat16_gradients=BFLOAT16_GRADIENTS",
        ),
    )
