"""Made-up records for the tests of tables, goals and report."""

from typing import Any

from bench.workload import Job, Workload

H100 = {"platform": "gpu", "name": "NVIDIA H100 80GB HBM3", "driver": "580"}
CPU = {"platform": "cpu", "name": "cpu"}


def record(
    case: str = "step",
    framework: str = "nst_jax",
    variant: str = "default",
    precision: str = "float32",
    *,
    side: int = 256,
    lanes: int = 1,
    solver: str = "adam",
    steps: int = 0,
    together: int = 1,
    session: str = "2026-01-01T00:00:00Z",
    device: dict[str, Any] | None = None,
    **figures: Any,
) -> dict[str, Any]:
    """A record as `bench.launch` writes it; `figures` are what was measured."""
    real = case != "step"
    workload = Workload(
        side,
        side,
        lanes,
        solver,
        photo="examples/photos/cat.jpg" if real else "",
        paintings=("examples/styles/swirls.jpg",) if real else (),
    )
    job = Job(
        *(case, framework, variant, workload, precision),
        steps=steps,
        together=together,
    )
    return {
        **job.fields(),
        "at": session,
        "commit": "abc",
        "load": 0.5,
        "host": {"processor": "p", "cores": 2},
        "device": device or CPU,
        "versions": {"jax": "1"},
        "warm_up_seconds": 3.0,
        "peak_bytes": {"host": 2**30, "device": 2**31 if device else None},
        "session": session,
        **figures,
    }
