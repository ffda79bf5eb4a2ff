"""The real networks with few channels: every layer and every tap, quickly computed."""

import dataclasses

from weights_convert import architectures


def narrow(
    table: architectures.Architecture, divisor: int = 24
) -> architectures.Architecture:
    """The table with about so many times fewer channels, and the name "narrow"."""
    channels, layers = {"": 3}, []
    for layer in table.layers:
        seen = [channels[name] for name in table.bottoms[layer.name]]
        outputs = sum(seen)
        if isinstance(layer, architectures.Convolution):
            outputs = layer.groups * (2 + layer.outputs // divisor // layer.groups)
            (inputs,) = seen
            layer = dataclasses.replace(layer, inputs=inputs, outputs=outputs)
        channels[layer.name] = outputs
        layers.append(layer)
    return dataclasses.replace(table, name="narrow", layers=tuple(layers))
