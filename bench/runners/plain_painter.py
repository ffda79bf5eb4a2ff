"""A plain script that paints a folder with a one-pass network, as its users write it.

    python -m bench.runners.plain_painter photos/ out/ --engine=eager --model=FILE

After pytorch/examples' `neural_style.py eval`, over the files of a folder: read, paint,
write, one after the other. The file is safetensors for PyTorch, ONNX for onnxruntime.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

ENGINES = ("eager", "eager channels_last", "compile", "onnxruntime")


def by_torch(engine: str, model: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Paints `[1, 3, h, w]` in 0..255."""
    import torch
    from safetensors.numpy import load_file

    from bench.runners.torch_painter import VARIANTS, PainterNet

    channels_last, compiled = VARIANTS[engine]
    layout = torch.channels_last if channels_last else torch.contiguous_format
    device = "cuda" if torch.cuda.is_available() else "cpu"
    arrays = {k.removeprefix("painter/"): v for k, v in load_file(model).items()}
    net = PainterNet(arrays).eval().requires_grad_(False)
    net = net.to(device, memory_format=layout)
    run = torch.compile(net) if compiled else net

    def paint(photo: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            given = torch.from_numpy(photo).to(device, memory_format=layout)
            return run(given).clamp(0, 255).cpu().numpy()

    return paint


def by_onnxruntime(model: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Paints `[1, 3, h, w]` in 0..255."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    providers = onnxruntime.get_available_providers()
    network = onnxruntime.InferenceSession(str(model), options, providers=providers)
    return lambda photo: 255 * network.run(None, {"images": photo / 255})[0]


def main() -> None:
    """Paints the folder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--engine", choices=ENGINES, default="eager")
    parser.add_argument("--model", type=Path, required=True)
    flags = parser.parse_args()

    if flags.engine == "onnxruntime":
        paint = by_onnxruntime(flags.model)
    else:
        paint = by_torch(flags.engine, flags.model)
    flags.output.mkdir(exist_ok=True)
    for path in sorted(flags.photos.iterdir()):
        pixels = np.array(Image.open(path).convert("RGB"), np.float32)
        photo = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
        found = paint(photo)[0].transpose(1, 2, 0)
        Image.fromarray(found.round().astype(np.uint8)).save(
            flags.output / f"{path.stem}.png"
        )


if __name__ == "__main__":
    main()
