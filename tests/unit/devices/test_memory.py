"""How many lanes fit: needs as compilers tell them, and as made up here."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import psutil
import pytest

from nst_jax.devices import memory


class Programs:
    """Programs that need a base and so much a lane; keeps account of compilations."""

    def __init__(self, base, lane):
        self.base, self.lane = base, lane
        self.compiled = []

    def __call__(self, lanes):
        self.compiled.append(lanes)
        analysis = types.SimpleNamespace(
            temp_size_in_bytes=self.lane * lanes,
            argument_size_in_bytes=self.base + 7,
            output_size_in_bytes=5,
            alias_size_in_bytes=12,
        )
        return types.SimpleNamespace(memory_analysis=lambda: analysis)


def test_the_first_is_used_where_it_fits():
    programs = Programs(base=200, lane=65)
    assert memory.fitting_lanes(10, programs, 1000) == 10
    assert programs.compiled == [10]


def test_a_share_of_the_free_memory_is_left():
    assert memory.fitting_lanes(10, Programs(base=201, lane=65), 1000) == 9


@pytest.mark.parametrize("base", [0, 3, 250, 799])
@pytest.mark.parametrize("lane", [1, 10, 99, 400])
@pytest.mark.parametrize("most", [1, 2, 7, 64])
def test_as_many_as_fit(base, lane, most):
    programs = Programs(base, lane)
    found = memory.fitting_lanes(most, programs, 1000)
    fitting = [n for n in range(1, most + 1) if base + lane * n <= 850]
    assert found == max(fitting, default=1)
    # Compiling takes long: no program twice, and few.
    assert len(programs.compiled) == len(set(programs.compiled))
    assert len(programs.compiled) <= 3


@pytest.mark.parametrize("power", [0.3, 1.7, 3, 8])
@pytest.mark.parametrize("most", [2, 9, 64, 1000])
def test_few_are_compiled_whatever_the_needs(most, power):
    compiled = []

    def need(lanes):
        return 100 + lanes**power

    def program(lanes):
        compiled.append(lanes)
        analysis = types.SimpleNamespace(
            temp_size_in_bytes=need(lanes),
            argument_size_in_bytes=0,
            output_size_in_bytes=0,
            alias_size_in_bytes=0,
        )
        return types.SimpleNamespace(memory_analysis=lambda: analysis)

    found = memory.fitting_lanes(most, program, 200)
    assert 1 <= found <= most
    assert found == 1 or need(found) <= 170
    assert len(compiled) == len(set(compiled)) <= 4


@pytest.mark.parametrize("free", [0, -5])
def test_one_lane_is_tried_whatever_it_needs(free):
    programs = Programs(base=10**9, lane=1)
    assert memory.fitting_lanes(6, programs, free) == 1
    assert 1 not in programs.compiled


def test_one_lane_needs_no_estimate():
    programs = Programs(base=0, lane=1)
    assert memory.fitting_lanes(1, programs, 100) == 1
    assert programs.compiled == []


def test_a_compiled_program_needs_arguments_results_and_what_is_between():
    n = 300

    def squares(matrix):
        between = matrix @ matrix
        return between @ between.T + matrix

    matrix = jax.ShapeDtypeStruct((n, n), jnp.float32)
    program = jax.jit(squares).lower(matrix).compile()
    size = 4 * n * n
    assert 3 * size <= memory.needed_bytes(program) < 8 * size
    # What is donated is counted once.
    donated = jax.jit(lambda m: m + 1, donate_argnums=0).lower(matrix).compile()
    assert size <= memory.needed_bytes(donated) < 1.5 * size


def test_free_memory_is_the_devices(monkeypatch):
    statistics = {"bytes_limit": 1000, "bytes_in_use": 300}
    device = types.SimpleNamespace(memory_stats=lambda: statistics)
    monkeypatch.setattr(memory.jax, "local_devices", lambda: [device])
    assert memory.free_bytes() == 700


@pytest.mark.parametrize("statistics", [None, {}, {"bytes_in_use": 3}])
def test_free_memory_is_the_machines_where_the_device_knows_none(
    monkeypatch, statistics
):
    device = types.SimpleNamespace(memory_stats=lambda: statistics)
    monkeypatch.setattr(memory.jax, "local_devices", lambda: [device])
    monkeypatch.setattr(
        memory.psutil, "virtual_memory", lambda: types.SimpleNamespace(available=55)
    )
    assert memory.free_bytes() == 55


@pytest.fixture
def control_groups(tmp_path, monkeypatch):
    """Gives the process a group, and groups their limits; the device knows none."""
    device = types.SimpleNamespace(memory_stats=lambda: None)
    monkeypatch.setattr(memory.jax, "local_devices", lambda: [device])
    monkeypatch.setattr(
        memory.psutil, "virtual_memory", lambda: types.SimpleNamespace(available=9000)
    )
    monkeypatch.setattr(memory, "_GROUP", tmp_path / "cgroup")
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "groups")

    def give(line, **groups):
        (tmp_path / "cgroup").write_text(line)
        for path, (limit, used, files) in groups.items():
            folder = tmp_path / "groups" / path.replace("_", "/").strip("/")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "memory.max").write_text(f"{limit}\n")
            (folder / "memory.current").write_text(f"{used}\n")
            (folder / "memory.stat").write_text(f"anon 1\ninactive_file {files}\n")

    return give


def test_free_memory_is_what_the_containers_limit_leaves(control_groups):
    control_groups("0::/\n", _=(1000, 400, 50))
    assert memory.free_bytes() == 650


def test_the_tightest_of_nested_limits_counts(control_groups):
    groups = {"_": ("max", 1, 0), "a": (5000, 4500, 100), "a_b": (3000, 1000, 0)}
    control_groups("0::/a/b\n", **groups)
    assert memory.free_bytes() == 600
    control_groups("0::/a/b\n", a=(5000, 5300, 100))
    assert memory.free_bytes() == 0


@pytest.mark.parametrize(
    ("line", "limit"),
    [("0::/\n", "max"), ("0::/\n", 10**9), ("3:memory:/x\n", 10), ("0::/gone\n", "")],
)
def test_no_limit_leaves_what_the_machine_has(control_groups, line, limit):
    control_groups(line, _=(limit, 5, 0))
    assert memory.free_bytes() == 9000


def test_no_control_groups_leave_what_the_machine_has(control_groups):
    assert memory.free_bytes() == 9000


def test_free_memory_of_this_machine():
    held = np.ones(1000)
    assert held.nbytes < memory.free_bytes() <= psutil.virtual_memory().total
