"""Where an array lies: in the memory of a device, or in that of its host."""

import jax
from jax.sharding import SingleDeviceSharding


def on_device(device: jax.Device | None = None) -> SingleDeviceSharding:
    """In a device's own memory; None: of the default device."""
    return _place(device, "device")


def on_host(device: jax.Device | None = None) -> SingleDeviceSharding:
    """In the memory of a device's host, from where the device can fetch it itself."""
    return _place(device, "pinned_host")


def _place(device: jax.Device | None, kind: str) -> SingleDeviceSharding:
    return SingleDeviceSharding(device or jax.local_devices()[0], memory_kind=kind)


_most = [0]


def note_on_host(size: int) -> None:
    """Notes that parts of so many bytes lie on the host."""
    _most[0] = max(_most[0], size)


def most_on_host() -> int:
    """The most bytes that parts took there so far, which XLA keeps for the next."""
    return _most[0]
