"""How many programs JAX compiles meanwhile, by its public monitoring."""

import contextlib
from collections.abc import Iterator

import jax.monitoring

_COMPILED = "/jax/core/compile/backend_compile_duration"


@contextlib.contextmanager
def compilations() -> Iterator[list[float]]:
    """A list that grows by the seconds of each program that XLA compiles."""
    seconds: list[float] = []

    def listen(event: str, duration: float, **_: object) -> None:
        if event == _COMPILED:
            seconds.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield seconds
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
