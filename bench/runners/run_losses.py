"""Measures what a step costs by a loss, beside Gram matrices.

The loss is the job's options; `record.py` says how runners are used.
"""

from typing import Any

import jax

from bench import style_losses
from bench.runners.record import peak_host_bytes, serve
from bench.runners.run_jax import environment
from bench.workload import Job

_STEPS = {"cpu": 2, "other": 50}


def measure(job: Job) -> dict[str, Any]:
    """Seconds a step, and of Gram's in turn; programs of neighbours are kept."""
    used = jax.devices()[0]
    steps = _STEPS["cpu" if used.platform == "cpu" else "other"]
    losses = {style_losses.GRAM: {}, job.variant: job.options}
    found = style_losses.measure(
        job.workload.height,
        losses=losses,
        precision=job.precision,
        turns=job.repeats,
        steps=steps,
    )
    device = (used.memory_stats() or {}).get("peak_bytes_in_use")
    return {
        "seconds_per_step": found[job.variant]["seconds_per_step"],
        "gram_seconds_per_step": found[style_losses.GRAM]["seconds_per_step"],
        "of_gram": found[job.variant]["of_gram"],
        "peak_bytes": {"host": peak_host_bytes(), "device": device},
    }


if __name__ == "__main__":
    serve(measure, environment)
