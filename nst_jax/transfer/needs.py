"""Bytes of what a run holds: of its programs, its network, its pictures."""

import math
from typing import Any

import jax

from nst_jax.devices import memory
from nst_jax.images.frames import Shape
from nst_jax.optimize import hosted
from nst_jax.transfer.run import Run
from nst_jax.transfer.sizes import Scale


def program_bytes(run: Run, scale: Scale, program: jax.stages.Compiled) -> int:
    """Bytes that a program of a run takes while it runs, but for the network.

    Of a device, where several share the run; of all where these are in one memory.
    """
    _, _, state, problem = run.shapes(scale)
    state = hosted.without(state)
    found: Any = program.memory_analysis()
    results = found.output_size_in_bytes - found.alias_size_in_bytes
    data = tree_bytes((state, problem)) - tree_bytes(problem.network)
    return _copies(run) * (found.temp_size_in_bytes + results + data)


def host_bytes(run: Run) -> int:
    """Bytes of a solver's state in the host's memory, and of what is saved of it."""
    return 2 * run.host_bytes


def _copies(run: Run) -> int:
    """How many devices of a run are in one memory."""
    return run.layout.count if memory.is_shared() else 1


def network_bytes(run: Run) -> int:
    """Bytes of the network's kernels, plain and transformed."""
    network = run.studio.network
    further = (_copies(run) - 1) * tree_bytes(network.shapes)
    return tree_bytes((network.plain, network.shapes)) + further


def pictures_bytes(run: Run) -> int:
    """Bytes of photos and paintings at the full size, float32."""
    size = run.scales[-1].size
    lanes = {job: run.pictures.lane(job, size) for job in run.jobs}
    framed = {
        (one.key, one.frame): math.prod(one.frame) * 12
        for lane in lanes.values()
        for one in (lane.content, *lane.styles)
    }
    return sum(framed.values())


def tree_bytes(tree: Any) -> int:
    """Bytes of a device's parts of a tree's arrays, or of shapes; each array once."""
    leaves = {id(leaf): leaf for leaf in jax.tree.leaves(tree)}
    return sum(math.prod(_part(x)) * x.dtype.itemsize for x in leaves.values())


def _part(leaf: Any) -> Shape:
    """The shape of what a device has of an array."""
    where = getattr(leaf, "sharding", None)
    shape: Shape = leaf.shape if where is None else where.shard_shape(leaf.shape)
    return shape
