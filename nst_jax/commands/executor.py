"""Where a command's work is done: here, or on the machines of a cluster."""

import argparse
import contextlib
from collections.abc import Iterator

from nst_jax.errors import OptionsError

_OF_RAY = ("ray_address", "ray_workers")
_OF_ONE = {"devices": "auto", "hosts": 1, "coordinator": None}
"""Flags of runs without a cluster, which has its own workers; and their defaults."""


def check(arguments: argparse.Namespace) -> None:
    """Raises `OptionsError` if flags of a cluster are given without one, or others."""
    for name, usual in _OF_ONE.items():
        if is_remote(arguments) and getattr(arguments, name, usual) != usual:
            raise OptionsError(
                f"{name} has no effect with --executor=ray: leave it out"
            )
    for name in _OF_RAY:
        if getattr(arguments, name) is not None and not is_remote(arguments):
            raise OptionsError(f"{name} is of a cluster: give --executor=ray with it")


def is_remote(arguments: argparse.Namespace) -> bool:
    """Whether other machines do the work."""
    return bool(arguments.executor != "local")


@contextlib.contextmanager
def connected(arguments: argparse.Namespace) -> Iterator[None]:
    """Within it the machines that do the work can be reached.

    This one's accelerator is left to them.

    Raises:
      ClusterError: they can't be.
    """
    if not is_remote(arguments):
        yield
        return
    from nst_jax.devices import backend, cluster

    backend.leave_accelerators()
    with cluster.connected(arguments.ray_address):
        yield
