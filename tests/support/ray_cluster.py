"""A Ray cluster on this machine, in processes of its own, and a worker that fails."""

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from nst_jax.errors import DeviceError, OptionsError

NODES = 3
_TESTS = Path(__file__).parents[1]


@dataclasses.dataclass(frozen=True)
class Running:
    """A cluster that runs: its address, and the number of the process that has it."""

    address: str
    number: int

    def workers(self, at: str = "") -> list[int]:
        """The numbers of its workers' processes, which are `at` a method."""
        found = []
        for process in psutil.Process(self.number).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if "".join(process.cmdline()).startswith(f"ray::Actor{at}"):
                    found.append(process.pid)
        return found

    def wait_for(self, wanted: Callable[[list[int]], bool], at: str = "") -> list[int]:
        """The numbers of its workers, once they are as `wanted`."""
        until = time.monotonic() + 120
        while not wanted(found := self.workers(at)):
            assert time.monotonic() < until, found
            time.sleep(0.02)
        return found


@contextlib.contextmanager
def running() -> Iterator[Running]:
    """Starts a head and three machines with a CPU each; stops them at the end."""
    paths = [str(_TESTS), str(_TESTS.parent), os.environ.get("PYTHONPATH", "")]
    variables = {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": os.pathsep.join(paths)}
    process = subprocess.Popen(
        [sys.executable, "-m", "support.ray_cluster"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **variables},
    )
    assert process.stdin
    assert process.stdout
    address = process.stdout.readline().strip()
    assert address, "the cluster did not start"
    family = psutil.Process(process.pid)
    try:
        yield Running(address, process.pid)
    finally:
        children = family.children(recursive=True)
        process.stdin.close()
        try:
            process.wait(60)
        finally:
            for left in [family, *children]:
                with contextlib.suppress(psutil.Error):
                    left.kill()
            process.stdout.close()


@dataclasses.dataclass
class Counting:
    """A worker that squares numbers; words make it end, fail, or find fault."""

    about: int = 7

    def run(self, task: Any) -> int:
        match task:
            case "end":
                os.kill(os.getpid(), signal.SIGKILL)
            case "fail":
                raise DeviceError("a device that fails")
            case "fault":
                raise OptionsError("a fault of the task")
            case "late":
                time.sleep(1)
                return -1
        square: int = task**2
        return square


def _run() -> None:
    from ray.cluster_utils import Cluster

    small = {"object_store_memory": 80 * 2**20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
    for _ in range(NODES):
        cluster.add_node(num_cpus=1, **small)
    print(cluster.address, flush=True)
    sys.stdin.read()
    cluster.shutdown()


if __name__ == "__main__":
    _run()
