"""A cluster of machines, by Ray: reached, and asked what it has.

Ray (Moritz et al. 2018, "Ray: A Distributed Framework for Emerging AI Applications") is
an extra, `pip install 'nst-jax[ray]'`. What its workers do is in `workers`.
"""

import contextlib
import importlib.metadata
import os
import socket
from collections.abc import Iterator
from typing import Any

from nst_jax.errors import ClusterError

_REACHED = 5.0  # Seconds within which an address has to answer.
_SAME = ("nst-jax", "jax")  # Versions that all machines have to share.
_LONGEST = 300  # Characters of what is cited.
_VARIABLES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # A lost worker is a line of ours.
}


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Within it this process is connected to a cluster that is there already.

    Nothing of it is reported to Ray's makers, and no cluster is started.

    Args:
      address: HOST:PORT of the cluster's head; None: the one of this machine.

    Raises:
      ClusterError: Ray isn't installed, or no cluster of its version answers.
    """
    ray = imported()
    where = address or os.environ.get("RAY_ADDRESS") or "auto"
    _check_answers(where)
    try:
        ray.init(address=where, log_to_driver=False, logging_level="CRITICAL")
    except Exception as error:  # Of many kinds.
        line = one_line(error)
        if "ersion mismatch" in line:
            line = (
                f"{line}; install the same versions of Ray and Python on all machines"
            )
        elif where == "auto":
            line = (
                "no Ray cluster is here: give --ray_address, or start one by ray start"
            )
        raise ClusterError(f"ray_address={where}: {line}") from error
    try:
        yield
    finally:
        ray.shutdown()  # Its workers end with it.


def imported() -> Any:
    """Ray, which is told to report nothing to its makers.

    Raises:
      ClusterError: it isn't installed.
    """
    os.environ |= _VARIABLES
    try:
        import ray
    except ImportError:
        raise ClusterError(
            "executor=ray needs Ray: install it with pip install 'nst-jax[ray]'"
        ) from None
    return ray


def _check_answers(where: str) -> None:
    """Raises `ClusterError` if there is no HOST:PORT, or it doesn't answer soon."""
    if where == "auto":
        return
    host, colon, port = where.rpartition(":")
    if not (colon and host and port.isdecimal()) or "/" in host:
        raise ClusterError(
            f"ray_address={where}: give HOST:PORT of the cluster's head, such as "
            "10.0.0.1:6379"
        )
    try:
        socket.create_connection((host, int(port)), _REACHED).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(
            f"ray_address={where}: nothing answers there ({error}); is the cluster up?"
        ) from error


def room(ray: Any) -> tuple[bool, int, int]:
    """Whether workers have GPUs, the CPUs of each, and how many there is room for.

    Raises:
      ClusterError: none.
    """
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = sum(int(node.get("GPU", 0)) for node in nodes)
    if gpus:
        return True, 1, gpus
    cpus = [int(node["CPU"]) for node in nodes if node.get("CPU", 0) >= 1]
    if not cpus:
        raise ClusterError(
            "the cluster has neither GPUs nor CPUs for workers: add machines to it by "
            "ray start --address=HOST:PORT"
        )
    each = min(cpus)  # A machine's cores share the work on a picture.
    return False, each, sum(count // each for count in cpus)


def versions() -> dict[str, str]:
    """Versions of this machine that others have to share."""
    return {name: importlib.metadata.version(name) for name in _SAME}


def check_versions(wanted: dict[str, str]) -> None:
    """Raises `ClusterError` if this machine has others than those `wanted`."""
    for name, version in versions().items():
        if version != wanted[name]:
            raise ClusterError(
                f"{socket.gethostname()} has {name} {version}, and who sends the work "
                f"{wanted[name]}: install the same version on all machines"
            )


def one_line(error: Exception) -> str:
    """What an error says, without line breaks, and not too long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
