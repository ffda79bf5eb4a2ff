"""torchvision's own AlexNet, GoogLeNet, SqueezeNet: random inside, and their taps."""

import contextlib
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from support.references import tensor, torchvision_input

try:
    import torchvision
except RuntimeError:
    # Its operators are compiled for CUDA; beside PyTorch's CPU build they don't load,
    # and the import looks for one of them.
    torch.library.define(
        "torchvision::nms",
        "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    )
    torch.library.define(
        "torchvision::qnms",
        "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    )
    import torchvision
from torchvision.models import feature_extraction

# Our name -> torchvision's model as the published weights want it built.
MODELS = {
    "alexnet": torchvision.models.alexnet,
    "squeezenet1_0": torchvision.models.squeezenet1_0,
    "squeezenet1_1": torchvision.models.squeezenet1_1,
    "googlenet-torchvision": lambda: torchvision.models.googlenet(
        init_weights=False, transform_input=True, aux_logits=True
    ),
}


def model(name: str) -> torch.nn.Module:
    """The model with seeded weights and batch norm statistics, in evaluation mode."""
    generator = torch.Generator().manual_seed(len(name))

    def normal(value: Tensor, mean: float, std: float) -> None:
        torch.nn.init.normal_(value, mean, std, generator=generator)

    made = MODELS[name]().eval()
    with torch.no_grad():
        for module in made.modules():
            if isinstance(module, torch.nn.Conv2d):
                fan = module.weight[0].numel()
                normal(module.weight, 0, (2 / fan) ** 0.5)
                if module.bias is not None:
                    normal(module.bias, 0, 0.1)
            if isinstance(module, torch.nn.BatchNorm2d):
                normal(module.weight, 1, 0.2)
                normal(module.bias, 0, 0.2)
                normal(module.running_mean, 0, 0.2)
                module.running_var.uniform_(0.3, 2, generator=generator)
    return made


def taps(name: str, made: torch.nn.Module, names: tuple[str, ...], image: np.ndarray):
    """`{tap: [1, h, w, c]}` of `image`, `[h, w, 3]`."""
    find = _googlenet_taps if name.startswith("googlenet") else _feature_taps
    with torch.no_grad():
        found = find(made, names, torchvision_input(tensor(image)))
    return {tap: value.permute(0, 2, 3, 1).numpy() for tap, value in found.items()}


def _googlenet_taps(
    made: torch.nn.Module, names: tuple[str, ...], inputs: Tensor
) -> dict[str, Tensor]:
    """Our names are torchvision's, of the graph's nodes and of the modules."""
    extractor = feature_extraction.create_feature_extractor(
        made, list(names), suppress_diff_warning=True
    )
    for node in extractor.graph.nodes:
        if node.target is F.relu:  # In place it would overwrite what is before it.
            node.kwargs = {**node.kwargs, "inplace": False}
    extractor.recompile()
    return extractor(inputs)


def _feature_taps(
    made: torch.nn.Module, names: tuple[str, ...], inputs: Tensor
) -> dict[str, Tensor]:
    """Our names, in order, are those of `features`, fire modules looked into."""
    modules = []
    for module in made.features:
        if isinstance(module, torchvision.models.squeezenet.Fire):
            modules += module.children()
        modules.append(module)
    found: dict[str, Tensor] = {}
    with contextlib.ExitStack() as hooks:
        for tap, module in zip(names, modules, strict=True):
            if isinstance(module, torch.nn.ReLU):
                module.inplace = False
            hooks.enter_context(_hook(module, tap, found))
        made.features(inputs)
    return found


@contextlib.contextmanager
def _hook(
    module: torch.nn.Module, tap: str, found: dict[str, Tensor]
) -> Iterator[None]:
    handle = module.register_forward_hook(
        lambda _, inputs, output: found.update({tap: output})
    )
    yield
    handle.remove()
