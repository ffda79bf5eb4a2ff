"""Whether JAX computes on the device that is meant."""

import dataclasses
import os
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from bench.runners.record import gpu
from bench.smoke.outcome import LeftOutError, WrongError

NAMES = {"cpu": "the CPU", "gpu": "a GPU", "tpu": "a TPU"}
_SIDE = 256


@dataclasses.dataclass(frozen=True)
class Device:
    """What JAX computes on.

    Attributes:
      platform: "cpu", "gpu" or "tpu".
      name: as its maker calls it.
      memory: what it tells of its memory, in bytes.
      driver: the GPU that NVIDIA's driver tells of; "" if there is none.
      total: of 256 x 256 products of ones, which are 256 each, computed there.
    """

    platform: str
    name: str
    memory: Mapping[str, int]
    driver: str
    total: float


def here() -> Device:
    """JAX's default device, on which a product of matrices is computed."""
    ones = jnp.ones((_SIDE, _SIDE))
    products = jax.jit(jnp.matmul)(ones, ones)
    (device,) = products.devices()
    return Device(
        platform=device.platform,
        name=device.device_kind,
        memory=device.memory_stats() or {},
        driver=gpu().get("name", ""),
        total=float(jnp.sum(products)),
    )


def used(device: Device, asked: str) -> str:
    """The device, if it is the one that is meant, and can multiply.

    Args:
      device: of `here`.
      asked: "cpu", "gpu", "tpu" or "any": what there is, which isn't the CPU where a
        GPU is, unless JAX_PLATFORMS says so.

    Raises:
      WrongError: another one is used, or it computes something else.
    """
    meant, variable = asked, os.environ.get("JAX_PLATFORMS", "")
    if asked == "any" and device.driver and variable != "cpu":
        meant = "gpu"
    if meant not in ("any", device.platform):
        why = f"JAX_PLATFORMS is {variable}" if variable else "see `jax.devices()`"
        if meant == "gpu" and device.driver:
            why += f"; there is an {device.driver}: install jax's CUDA plugin"
        there = NAMES[device.platform]
        raise WrongError(f"asked for {NAMES[meant]}, JAX computes on {there} ({why})")
    if device.total != _SIDE**3:
        raise WrongError(f"the sum of {_SIDE}^3 ones is {device.total} on this device")
    return f"{device.platform}: {device.name}"


def memory(device: Device) -> str:
    """What the device's memory is; lanes are planned by it.

    Raises:
      WrongError: a device with a memory of its own doesn't tell.
      LeftOutError: a CPU, which tells of none.
    """
    if device.platform == "cpu":
        raise LeftOutError("CPUs tell of no memory of their own")
    needed = ("bytes_limit", "bytes_in_use", "peak_bytes_in_use")
    if missing := [name for name in needed if name not in device.memory]:
        raise WrongError(
            f"memory_stats() doesn't tell {', '.join(missing)}: lanes can't be planned "
            "by the memory that is free (XLA_PYTHON_CLIENT_ALLOCATOR=platform hides it)"
        )
    free = device.memory["bytes_limit"] - device.memory["bytes_in_use"]
    limit = device.memory["bytes_limit"]
    return f"{free / 2**30:.1f} of {limit / 2**30:.1f} GiB are free"
