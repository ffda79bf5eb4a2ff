"""A plain PyTorch script for style transfer, as one would write it from the tutorial.

    python -m bench.runners.plain_torch photo.png painting.png out.png --steps=500 \
        --weights ~/.cache/nst_jax/weights/vgg19.safetensors

Written after PyTorch's "Neural Transfer Using PyTorch" in its manner: a sequential
network with losses between the layers, L-BFGS, a closure. It differs from the tutorial
where that is slow or another loss: frozen weights, the network cut after its last loss,
VGG-19's original weights on pixels in 0..255, a history of 100, the losses of this
benchmark. Nothing of `nst_jax` is used.
"""

import argparse

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

MEAN = (123.68, 116.779, 103.939)  # Of R, G and B.
BLOCKS = (2, 2, 4, 4, 1)  # VGG-19's convolutions, up to conv5_1.
CONTENT_LAYERS = ("4_2",)
STYLE_LAYERS = ("1_1", "2_1", "3_1", "4_1", "5_1")


class ContentLoss(nn.Module):
    """Compares activations with those of the photo."""

    def __init__(self, target):
        super().__init__()
        self.target = target.detach()

    def forward(self, x):
        """Keeps the loss; `x` goes on."""
        self.loss = F.mse_loss(x, self.target)
        return x


class StyleLoss(nn.Module):
    """Compares Gram matrices with those of the painting."""

    def __init__(self, target):
        super().__init__()
        self.target = gram_matrix(target).detach()

    def forward(self, x):
        """Keeps the loss; `x` goes on."""
        self.loss = F.mse_loss(gram_matrix(x), self.target)
        return x


def gram_matrix(x):
    """`[1, c, h, w]` -> `[c, c]`, divided by the number of values."""
    b, c, h, w = x.size()
    features = x.view(b * c, h * w)
    return torch.mm(features, features.t()).div(b * c * h * w)


def load_image(path, size, device):
    """`[1, 3, h, w]` in 0..255 less the mean, the longest side `size` pixels."""
    image = Image.open(path).convert("RGB")
    scale = size / max(image.size)
    image = image.resize([round(side * scale) for side in image.size], Image.BICUBIC)
    pixels = torch.from_numpy(np.array(image, np.float32)).to(device)
    return (pixels - pixels.new_tensor(MEAN)).permute(2, 0, 1)[None].contiguous()


def save_image(x, path):
    """The inverse of `load_image`."""
    pixels = x.detach()[0].permute(1, 2, 0)
    pixels = (pixels + pixels.new_tensor(MEAN)).clamp(0, 255).round()
    Image.fromarray(pixels.byte().cpu().numpy()).save(path)


def build(weights, content, style, device):
    """The network with its losses, and these losses."""
    weights = load_file(weights)
    model, content_losses, style_losses = nn.Sequential(), [], []
    for block, count in enumerate(BLOCKS, 1):
        for index in range(1, count + 1):
            name = f"{block}_{index}"
            kernel = weights[f"conv{name}/kernel"].permute(3, 2, 0, 1)
            convolution = nn.Conv2d(kernel.shape[1], kernel.shape[0], 3, padding=1)
            convolution.weight.data = kernel.contiguous()
            convolution.bias.data = weights[f"conv{name}/bias"]
            layers = nn.Sequential(convolution, nn.ReLU()).to(device)
            content, style = layers(content), layers(style)
            model.extend(layers)
            if name in CONTENT_LAYERS:
                content_losses.append(ContentLoss(content))
                model.append(content_losses[-1])
            if name in STYLE_LAYERS:
                style_losses.append(StyleLoss(style))
                model.append(style_losses[-1])
        if block < len(BLOCKS):
            pool = nn.MaxPool2d(2)
            content, style = pool(content), pool(style)
            model.append(pool)
    return model.eval().requires_grad_(False), content_losses, style_losses


def main():
    """Paints the picture."""
    parser = argparse.ArgumentParser()
    parser.add_argument("content")
    parser.add_argument("style")
    parser.add_argument("output")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--content_weight", type=float, default=5)
    parser.add_argument("--style_weight", type=float, default=100)
    flags = parser.parse_args()

    device = "cuda" if torch.cuda.is_available() else "cpu"
    content = load_image(flags.content, flags.size, device)
    style = load_image(flags.style, flags.size, device)
    with torch.no_grad():
        model, content_losses, style_losses = build(
            flags.weights, content, style, device
        )
    image = content.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([image], history_size=100)

    run = 0
    while run < flags.steps:

        def closure():
            nonlocal run
            optimizer.zero_grad()
            model(image)
            content_score = sum(layer.loss for layer in content_losses)
            style_score = sum(layer.loss for layer in style_losses)
            loss = (
                flags.content_weight * content_score + flags.style_weight * style_score
            )
            loss.backward()
            run += 1
            if run % 50 == 0:
                print(f"run {run}: loss {loss.item():.6g}")
            return loss

        optimizer.step(closure)
    save_image(image, flags.output)


if __name__ == "__main__":
    main()
