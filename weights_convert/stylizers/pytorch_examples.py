"""pytorch/examples, `fast_neural_style`: `TransformerNet`'s state dict, of any width.

`conv{1,2,3}.conv2d`, `in{1,...,5}`, `res{K}.conv{1,2}.conv2d`, `res{K}.in{1,2}`,
`deconv{1,2,3}.conv2d`. Files of before PyTorch 0.4 have the running statistics of
instance normalisation too, which it never used.
"""

from collections.abc import Mapping

import numpy as np

from weights_convert.architectures.transformer import PYTORCH_EXAMPLES, Transformer
from weights_convert.errors import WeightsError
from weights_convert.stylizers.stylizer import Arrays, Stylizer

DESCRIPTION = "pytorch/examples (.pth, .model, .onnx)"

_OWN = ("conv1.conv2d.weight", "deconv3.conv2d.weight", "res1.conv1.conv2d.weight")
_UNUSED = ("running_mean", "running_var", "num_batches_tracked")


def matches(files: Mapping[str, Arrays]) -> bool:
    """Whether there is one state dict, and it has this network's names."""
    return len(files) == 1 and all(key in one for one in files.values() for key in _OWN)


def convert(files: Mapping[str, Arrays]) -> Stylizer:
    """The network of a state dict.

    Raises:
      WeightsError: parts of it are missing.
    """
    (arrays,) = files.values()
    blocks = 0
    while f"res{blocks + 1}.conv1.conv2d.weight" in arrays:
        blocks += 1
    names = {f"contract{n}": (f"conv{n}.conv2d", f"in{n}") for n in (1, 2, 3)}
    for block in range(1, blocks + 1):
        for place in (1, 2):
            source = f"res{block}.conv{place}.conv2d", f"res{block}.in{place}"
            names[f"residual{block}_{place}"] = source
    names |= {f"expand{n}": (f"deconv{n}.conv2d", f"in{n + 3}") for n in (1, 2)}
    names["last"] = ("deconv3.conv2d", "")
    found: dict[str, np.ndarray] = {}
    used = set()
    for layer, (convolution, norm) in names.items():
        parts = {
            "kernel": f"{convolution}.weight",
            "bias": f"{convolution}.bias",
            **({"scale": f"{norm}.weight", "offset": f"{norm}.bias"} if norm else {}),
        }
        for part, key in parts.items():
            if key not in arrays:
                raise WeightsError(f"{key!r} is missing; get the file again")
            array = arrays[key]
            if part == "kernel" and array.ndim == 4:
                array = array.transpose(2, 3, 1, 0)
            found[f"{layer}/{part}"] = array
            used.add(key)
    more = [key for key in arrays if key not in used and not key.endswith(_UNUSED)]
    if more:
        raise WeightsError(
            f"has {', '.join(map(repr, more[:3]))}, which pytorch/examples' network "
            "has not: it is another one"
        )
    return Stylizer(_architecture(found, blocks), found, "pytorch/examples")


def _architecture(found: Mapping[str, np.ndarray], blocks: int) -> Transformer:
    first, second, third = (found[f"contract{n}/kernel"].shape[-1] for n in (1, 2, 3))
    wide, narrow = (found[f"expand{n}/kernel"].shape[-1] for n in (1, 2))
    contract, expand = (first, second, third), (wide, narrow)
    base = PYTORCH_EXAMPLES
    return Transformer(contract, blocks, expand, epsilon=base.epsilon, white=base.white)
