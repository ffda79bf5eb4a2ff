"""Compiled programs that are kept, and a device that is not used."""

import atexit
import os
import shutil
import stat
import warnings
from collections.abc import Callable
from pathlib import Path

import jax

from nst_jax.devices import backend, entries, suited

_LARGE = 2**16
_CACHE_BYTES = 2 * 2**30  # The programs used longest ago make room beyond that.


def keep_compiled_programs(folder: str | None, default: Path) -> None:
    """Turns on JAX's persistent compilation cache.

    Args:
      folder: where; None for the default, unless JAX's environment variable names
        another; "off" for no cache. A place that can't be written to is not used.
      default: the project's own place, made for the user alone: who can write there can
        run code here. It isn't used where it is somebody else's.
    """
    if folder == "off" or (
        folder is None and "JAX_COMPILATION_CACHE_DIR" in os.environ
    ):
        return
    place = Path(folder) if folder else default
    try:
        for missing in reversed((place, *place.parents)):
            if not missing.exists():
                missing.mkdir(mode=0o700, exist_ok=True)
        private = folder is not None or _is_private(place)
    except OSError:
        return  # A store that can only be read: everything is compiled anew.
    if not private or not os.access(place, os.W_OK):
        return
    # Found and dropped below; JAX would tell of it in four lines, at every start.
    about = "Error (reading|writing) persistent compilation cache entry"
    warnings.filterwarnings("ignore", message=about)
    entries.drop_damaged(place)
    atexit.register(entries.drop_damaged, place)
    jax.config.update("jax_compilation_cache_dir", str(place))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.config.update("jax_compilation_cache_max_size", _CACHE_BYTES)


def _is_private(place: Path) -> bool:
    """Whether nobody else can write there; others are shut out of one's own folder."""
    status = place.stat()
    if status.st_uid != os.getuid():
        return False
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        place.chmod(stat.S_IMODE(status.st_mode) & ~(stat.S_IWGRP | stat.S_IWOTH))
    return True


def compiler_options(pixels: int) -> dict[str, bool | str] | None:
    """How XLA is to compile a program of so many pixels, of all lanes together.

    On CPUs barriers are kept (`suited.barriers`), which XLA otherwise drops before it
    fuses; and large programs are put in the order that needs the least memory, not in
    one that lets small operations run side by side. Both together halve what a step
    needs beyond its arguments (docs/scale.md).
    """
    if not suited.barriers():
        return None
    kept: dict[str, bool | str] = {"xla_disable_hlo_passes": "cse_barrier_expander"}
    if pixels >= _LARGE:
        kept["xla_cpu_enable_concurrency_optimized_scheduler"] = False
    return kept


def report_missing_accelerator(report: Callable[[str], None]) -> None:
    """Says so where an NVIDIA driver is there but JAX computes on the CPU.

    Raises:
      DeviceError: see `backend.here`.
    """
    if backend.here() != "cpu" or os.environ.get("JAX_PLATFORMS") == "cpu":
        return
    if shutil.which("nvidia-smi"):
        report(
            "nst-jax: an NVIDIA driver is here, but JAX runs on the CPU; install its "
            "plugin with: pip install 'nst-jax[cuda13]'"
        )
