"""What JAX computes on and programs are made for, or why there is no device."""

import contextlib
import logging
import os
import re
from collections.abc import Iterator
from typing import Any

import jax

from nst_jax.errors import DeviceError

_FINDS = logging.getLogger("jax._src.xla_bridge")
_LONGEST = 300  # Characters of what is cited.
_KINDS = ("cpu", "gpu", "tpu")
_MADE_FOR = jax.make_user_context(None)  # A part of the key of what is traced.


def kind() -> str:
    """What programs are made for: "cpu", "gpu" or "tpu".

    That is what JAX computes on here, unless `made_for` says otherwise. Other rooms ask
    what follows from it: `suited`, `memory`.

    Raises:
      DeviceError: see `here`.
    """
    return _MADE_FOR.value or here()


def made_for(kind: str) -> contextlib.AbstractContextManager[Any]:
    """While it lasts, this thread makes programs for another kind of device.

    For programs that are compiled and not run, such as those for TPUs on a machine
    without one. Networks have to be built and prepared in it too. What is traced in it
    and out of it is kept apart. `jax.lax.platform_dependent`, which the losses choose
    by, goes by what a program is lowered for, in it or not.

    Args:
      kind: "cpu", "gpu" or "tpu".

    Raises:
      ValueError: another one.
    """
    if kind not in _KINDS:
        raise ValueError(f"kind={kind!r}: must be one of {', '.join(_KINDS)}")
    return _MADE_FOR(kind)


def here() -> str:
    """What JAX computes on here: "cpu", "gpu" or "tpu".

    Raises:
      DeviceError: what is asked for isn't here, or doesn't work.
    """
    try:
        with _plugins_in_a_line():
            return jax.default_backend()
    except Exception as error:  # JAX and its plugins raise almost any kind.
        raise DeviceError(_line(os.environ.get("JAX_PLATFORMS"), error)) from error


def leave_accelerators() -> None:
    """Has this process compute on the CPU, before it computes anything.

    JAX would take most of a GPU's memory, which others are to have.
    """
    jax.config.update("jax_platforms", "cpu")


def count() -> int:
    """How many devices of the default kind there are."""
    return len(jax.devices())


def name() -> str:
    """The default device as its maker calls it, such as "NVIDIA H100 80GB HBM3"."""
    return jax.devices()[0].device_kind


def _line(asked: str | None, error: Exception) -> str:
    line = re.sub(r" \((set|you may need).*JAX_PLATFORMS=.*\)$", "", one_line(error))
    why = f" ({line})" if line else ""
    if not asked:
        return f"no device can be used{why}; JAX_PLATFORMS=cpu computes on the CPU"
    plugin = ""
    if {"cuda", "gpu"} & set(asked.split(",")):
        plugin = "; for NVIDIA's: a driver, and pip install 'nst-jax[cuda13]'"
    return (
        f"JAX_PLATFORMS={asked}: no such device can be used here{why}; set it to cpu, "
        f"or leave it out for what there is{plugin}"
    )


def one_line(error: Exception) -> str:
    """What an error says, without line breaks, and not too long."""
    text = " ".join(str(error).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


@contextlib.contextmanager
def _plugins_in_a_line() -> Iterator[None]:
    """What JAX logs of plugins that are broken is a line each, without traceback."""

    def shorten(record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(error := record.exc_info[1], Exception):
            said = record.getMessage().replace("%s ", "")
            record.msg, record.args = f"{said}: {one_line(error)}", ()
        record.exc_info = record.exc_text = None
        return True

    _FINDS.addFilter(shorten)
    try:
        yield
    finally:
        _FINDS.removeFilter(shorten)
