"""The kind of device that JAX computes on, or why there is none."""

import contextlib
import logging
import os
import re
from collections.abc import Iterator

import jax

from nst_jax.errors import DeviceError

_FINDS = logging.getLogger("jax._src.xla_bridge")
_LONGEST = 300  # Characters of what is cited.


def kind() -> str:
    """What JAX computes on here: "cpu", "gpu" or "tpu".

    Raises:
      DeviceError: what is asked for isn't here, or doesn't work.
    """
    try:
        with _plugins_in_a_line():
            return jax.default_backend()
    except Exception as error:  # JAX and its plugins raise almost any kind.
        raise DeviceError(_line(os.environ.get("JAX_PLATFORMS"), error)) from error


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
