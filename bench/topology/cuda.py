"""NVIDIA's GPUs as XLA's compiler takes them, where there is none.

No driver and no library of CUDA is needed, but JAX's plugin, of JAX's own version. What
only a device can tell isn't known: nothing is tuned, so that which algorithms and tiles
are taken is not what a GPU would take. Calls, fusions, converts and transposes are.
"""

import os
from typing import Any

import jax
from jax.experimental import topologies
from jaxlib.mlir import ir

from bench.topology.chips import CHIPS

_HOST = "pinned_host"
_NAMES = {"h100": "NVIDIA H100 80GB HBM3", "h200": "NVIDIA H200"}

_HOPPER = """\
gpu_device_info {
  threads_per_block_limit: 1024 threads_per_warp: 32 threads_per_core_limit: 2048
  shared_memory_per_block: 49152 shared_memory_per_block_optin: 232448
  shared_memory_per_core: 233472 l2_cache_size: 52428800
  core_count: 132 fpus_per_core: 128 clock_rate_ghz: 1.98
  block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
  registers_per_core_limit: 65536 registers_per_block_limit: 65536
  memory_bandwidth: %d device_memory_size: %d
  cuda_compute_capability { major: 9 }
}
platform_name: "CUDA"
dnn_version_info { major: 9 minor: 10 patch: 0 }
device_description_str: "%s"
"""
"""XLA's `GpuTargetConfigProto`; figures of both are alike (CUDA C++ Programming Guide,
compute capability 9.0; NVIDIA's H100 architecture white paper), but their memories."""


def topology(chip: str) -> Any:
    """One GPU of a kind, "h100" or "h200", to compile for.

    Raises:
      Exception: of several kinds, where JAX's plugin isn't installed or can't be used.
    """
    # The plugin itself would ask for a driver.
    os.environ.setdefault("JAX_SKIP_CUDA_CONSTRAINTS_CHECK", "1")
    jax.devices()  # Loads the plugins.
    about = CHIPS[chip]
    figures = int(about.bandwidth), int(about.memory), _NAMES[chip]
    return topologies.get_topology_desc(
        platform="cuda",
        topology_name=chip,
        topology="1x1x1",
        target_config=_HOPPER % figures,
    )


def mark_hosted(lowered: jax.stages.Lowered) -> None:
    """Tells the compiler which arguments are in the host's memory, in place.

    JAX says so of results. Of arguments it forgets it here, as a GPU that there isn't
    names no memories; those that give their memory to a result are where it is.
    """
    module: Any = lowered.compiler_ir("stablehlo")
    with module.context:
        (main,) = [op for op in module.body if str(op.name) == '"main"']
        results = [_kind(one) for one in main.attributes["res_attrs"]]
        if _HOST not in results:
            return
        arguments = []
        for one in main.attributes["arg_attrs"]:
            found = {named.name: named.attr for named in one}
            place = found.get("tf.aliasing_output")
            kind = "device" if place is None else results[ir.IntegerAttr(place).value]
            found["mhlo.memory_kind"] = ir.StringAttr.get(kind)
            arguments.append(ir.DictAttr.get(found))
        main.attributes["arg_attrs"] = ir.ArrayAttr.get(arguments)


def _kind(about: Any) -> str:
    found = {one.name: one.attr for one in about}.get("mhlo.memory_kind")
    return "device" if found is None else ir.StringAttr(found).value
