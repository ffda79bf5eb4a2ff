"""Compiling a program for a chip that isn't here, and what the compiler says of it."""

import contextlib
import importlib.metadata
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

import jax
from jax.experimental import topologies

import nst_jax
from bench.runners.record import machine, one_line
from bench.topology import cuda, hlo
from bench.topology.chips import CHIPS, roofline
from bench.topology.programs import CASES, Devices, Program

_ALONE = {
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_ACCELERATOR_TYPE": "v5litepod-4",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
}
"""Without these libtpu asks Google's cloud which machine this is, and waits for an
answer, or complains; and one process alone may load it, as if it had the TPUs. The type
has no part in it, as topologies are named."""
_LIBRARIES = ("jax", "jaxlib", "flax", "optax", "libtpu", "jax-cuda13-pjrt")
_PLUGINS = {
    "tpu": "libtpu isn't installed, which compiles for TPUs: pip install "
    "'nst-jax[tpu]'",
    "cuda": "JAX's CUDA plugin isn't installed, which compiles for GPUs: pip install "
    "jax-cuda13-plugin and jax-cuda13-pjrt of jax's version",
}


class NoTopologyError(Exception):
    """Chips that nothing can be compiled for here, with what to do."""


def devices(topology: str) -> Devices:
    """The chips of a topology such as "v5e:2x2" or "h100", for compiling only.

    Raises:
      NoTopologyError: one that its compiler doesn't know; no compiler.
    """
    platform = platform_of(topology)
    for name, value in _ALONE.items():
        os.environ.setdefault(name, value)
    try:
        if platform == "cuda":
            found = cuda.topology(topology)
        else:
            found = topologies.get_topology_desc(platform="tpu", topology_name=topology)
    except Exception as error:  # JAX's own is of several kinds.
        missing = (
            "not installed",
            "unknown backend",
            "not in the list",
            "not implemented",
        )
        if any(text in str(error) for text in missing):
            raise NoTopologyError(
                f"{_PLUGINS[platform]}, on Linux with an x86-64 processor"
            ) from error
        said = " ".join(str(error).split())[:200]
        raise NoTopologyError(f"topology={topology!r}: {said}") from error
    return tuple(found.devices)


def platform_of(topology: str) -> str:
    """What a topology's chips are: "tpu" or "cuda".

    Raises:
      NoTopologyError: a chip that isn't known; several GPUs.
    """
    chip, several, _ = topology.partition(":")
    known = CHIPS.get(chip)
    if known is None or (several and known.platform == "cuda"):
        raise NoTopologyError(
            f"topology={topology!r}: give a chip of {', '.join(CHIPS)}, and of TPUs "
            "how many, such as v5e:2x2"
        )
    return known.platform


def estimate(
    program: Program, topology: str, *, largest: int = 0
) -> tuple[dict[str, Any], list[str]]:
    """What the compiler says of a program, as a record.

    FLOPs and bytes are those of one run of the loop's body, as XLA counts a loop of
    unknown length once; and of one chip, where several share the work. For GPUs it
    counts neither: bytes are those that instructions name. What doesn't
    compile, or needs more memory than a chip has, is a record too, with the reason
    under "skipped".

    Args:
      program: to compile.
      topology: whose chips it was placed on.
      largest: how many of its instructions to tell of, which move the most bytes.

    Returns:
      The record, and a line for each of these instructions.
    """
    record = {
        "estimate": "of the compiler",
        **about(program, topology),
        **machine(),
        "versions": {"nst_jax": nst_jax.__version__, **_versions()},
    }
    began = time.perf_counter()
    lowered = program.lower()
    if platform_of(topology) == "cuda":
        cuda.mark_hosted(lowered)
    traced, used = time.perf_counter(), time.process_time()
    try:
        compiled = lowered.compile()
    except jax.errors.JaxRuntimeError as error:
        return {**record, "skipped": one_line(error)}, []
    seconds, used = time.perf_counter() - traced, time.process_time() - used
    module = hlo.parse(compiled.as_text())
    figures = {
        "trace_seconds": traced - began,
        "compile_seconds": seconds,
        "compile_cpu_seconds": used,
        **_figures(
            compiled,
            module,
            module.loop if CASES[program.case].iterated else None,
            topology.partition(":")[0],
        ),
    }
    return {**record, **figures}, list(_largest(module, largest))


def about(program: Program, topology: str) -> dict[str, Any]:
    """What tells a program's record from others."""
    return {
        "case": program.case,
        "step": CASES[program.case].step,
        "topology": topology,
        "side": program.side,
        "lanes": program.lanes,
        "chips": program.chips,
        "options": dict(program.options),
    }


def _figures(
    compiled: jax.stages.Compiled,
    module: hlo.Module,
    loop: hlo.Computation | None,
    chip: str,
) -> dict[str, Any]:
    cost: Mapping[str, float] = compiled.cost_analysis() or {}
    plan: Any = compiled.memory_analysis()
    inner = loop.name if loop else module.entry
    named = module.memory_bytes(inner)
    flops, moved = cost.get("flops"), cost.get("bytes accessed", named)
    seconds, bound = roofline(CHIPS[chip], flops or 0.0, moved)
    return {
        "flops": flops,
        "bytes_accessed": moved,
        "memory_bytes": named,
        "calls": module.calls(inner),
        "collectives": module.collectives(inner),
        "temporary_bytes": plan.temp_size_in_bytes,
        "argument_bytes": plan.argument_size_in_bytes,
        "host_argument_bytes": plan.host_argument_size_in_bytes,
        "output_bytes": plan.output_size_in_bytes,
        "aliased_bytes": plan.alias_size_in_bytes,
        "code_bytes": plan.generated_code_size_in_bytes,
        "counts": {
            "all": module.counts(module.entry),
            **({"loop": module.counts(loop.name)} if loop else {}),
        },
        "roofline": {
            "seconds": seconds,
            "bound": bound,
            "flops": CHIPS[chip].flops,
            "bandwidth": CHIPS[chip].bandwidth,
            "source": CHIPS[chip].source,
        },
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _largest(module: hlo.Module, count: int) -> Iterator[str]:
    body = module.loop or module.computations[module.entry]
    for one, moved in hlo.largest(body, count):
        arrays = " ".join(map(str, one.arrays))
        yield f"{moved / 1e6:9.1f} MB  {one.opcode} {one.name} {arrays}  {one.origin}"
