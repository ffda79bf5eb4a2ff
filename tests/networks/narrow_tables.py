"""The real networks with few channels: every layer and every tap, quickly computed."""

import dataclasses

from nst_jax.networks import tables


def narrow(table: tables.NetworkTable, divisor: int = 24) -> tables.NetworkTable:
    """The table with about so many times fewer channels, and the name "narrow"."""
    channels, layers = {"": 3}, []
    for layer in table.layers:
        seen = [channels[name] for name in table.bottoms[layer.name]]
        outputs = sum(seen)
        if isinstance(layer, tables.Convolution):
            outputs = layer.groups * (2 + layer.outputs // divisor // layer.groups)
            (inputs,) = seen
            layer = dataclasses.replace(layer, inputs=inputs, outputs=outputs)
        channels[layer.name] = outputs
        layers.append(layer)
    return dataclasses.replace(table, name="narrow", layers=tuple(layers))
