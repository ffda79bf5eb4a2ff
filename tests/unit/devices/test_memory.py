"""How many lanes fit: needs as compilers tell them, and as made up here."""

import itertools
import resource
import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import psutil
import pytest

from nst_jax.devices import memory
from nst_jax.errors import DeviceError, NoRoomError, OptionsError


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


@pytest.mark.parametrize("most", [1, 2, 7, 64])
def test_as_many_as_fit(most):
    for base, lane in itertools.product((0, 3, 250, 799), (1, 10, 99, 400)):
        programs = Programs(base, lane)
        found = memory.fitting_lanes(most, programs, 1000)
        fitting = [n for n in range(1, most + 1) if base + lane * n <= 850]
        assert found == max(fitting, default=1), (base, lane)
        # Compiling takes long: no program twice, and few.
        assert len(programs.compiled) == len(set(programs.compiled))
        assert len(programs.compiled) <= 3


@pytest.mark.parametrize("power", [0.3, 1.7, 3, 8])
@pytest.mark.parametrize("most", [2, 9, 1000])
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


@pytest.fixture
def memories(monkeypatch):
    """Sets what the device has in all, and free."""

    def of(whole, free):
        monkeypatch.setattr(memory, "whole_bytes", lambda: whole)
        monkeypatch.setattr(memory, "free_bytes", lambda: free)

    return of


@pytest.mark.parametrize("free", [1000, 960])
def test_lanes_go_by_the_whole_memory_whatever_is_free(memories, free):
    memories(1000, free)
    programs, said = Programs(base=100, lane=65), []
    assert memory.lanes_side_by_side(20, programs, said.append) == 11
    assert said == []


def test_it_is_said_where_less_is_free_than_lanes_need(memories):
    memories(1000, 500)
    programs, said = Programs(base=100, lane=65), []
    assert memory.lanes_side_by_side(20, programs, said.append) == 5
    (line,) = said
    assert line == (
        "little memory is free, 0.00 GB: 5 side by side, not 11 as usual here, so that "
        "the last bits may differ"
    )
    assert memory.lanes_side_by_side(20, programs) == 5


def test_one_lane_is_one_whatever_is_free(memories):
    memories(0, 0)
    programs, said = Programs(base=0, lane=1), []
    assert memory.lanes_side_by_side(1, programs, said.append) == 1
    assert (programs.compiled, said) == ([], [])


def test_a_program_has_room_by_the_whole_memory(memories):
    program, said = Programs(base=0, lane=100)(8), []
    for whole, free, room in ((1000, 950, 1), (900, 900, 0), (1000, 900, 0)):
        memories(whole, free)
        assert memory.has_room(program, said.append, "in tiles, not at once") == room
    assert said == [
        "little memory is free, 0.00 GB: in tiles, not at once as usual here, so that "
        "the last bits may differ"
    ]


def test_the_whole_memory_is_the_devices_or_the_machines():
    device = device_that_tells({"bytes_limit": 1000, "bytes_in_use": 300})
    assert memory.whole_bytes(device) == 1000
    found = {memory.whole_bytes(device_that_tells(None)) for _ in range(3)}
    assert len(found) == 1
    assert found.pop() <= psutil.virtual_memory().total
    assert memory.free_bytes() <= memory.whole_bytes()


def test_what_gpus_get_of_the_host_has_a_limit(monkeypatch):
    monkeypatch.setattr(memory, "host_bytes", lambda: 300 * 2**30)
    monkeypatch.setattr(memory.spaces, "most_on_host", lambda: 0)
    variable = "XLA_PJRT_GPU_HOST_MEMORY_LIMIT_GB"
    for kind, asked, found in (
        ("gpu", None, 128),
        ("gpu", "80", 160),
        ("gpu", "400", 300),
        ("tpu", None, 300),
    ):
        monkeypatch.delenv(variable, raising=False)
        if asked:
            monkeypatch.setenv(variable, asked)
        monkeypatch.setattr(memory.backend, "kind", lambda kind=kind: kind)
        assert memory.pinned_bytes() == found * 2**30
    memory.expect_pinned_room(150 * 2**30)
    monkeypatch.setattr(memory.backend, "kind", lambda: "gpu")
    memory.expect_pinned_room(64 * 2**30)
    with pytest.raises(NoRoomError, match=f"there are 137.44 \\({variable} may be"):
        memory.expect_pinned_room(64 * 2**30 + 1)


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


def device_that_tells(statistics):
    return types.SimpleNamespace(memory_stats=lambda: statistics)


def test_free_memory_is_the_devices():
    device = device_that_tells({"bytes_limit": 1000, "bytes_in_use": 300})
    assert memory.free_bytes(device) == 700


@pytest.mark.parametrize("statistics", [None, {}, {"bytes_in_use": 3}])
def test_free_memory_is_the_machines_where_the_device_knows_none(statistics):
    found = memory.free_bytes(device_that_tells(statistics))
    assert 10**6 < found <= psutil.virtual_memory().total
    assert found <= memory.container_bytes() + 2**30


def test_free_memory_of_this_machine():
    held = np.ones(1000)
    assert held.nbytes < memory.free_bytes() <= psutil.virtual_memory().total


@pytest.fixture
def left(tmp_path):
    """What a process whose group is in `line` has left, of groups with limits."""

    def of(line, **groups):
        (tmp_path / "process").write_text(line)
        for path, (limit, used, files) in groups.items():
            folder = tmp_path / "groups" / path.replace("_", "/").strip("/")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "memory.max").write_text(f"{limit}\n")
            (folder / "memory.current").write_text(f"{used}\n")
            (folder / "memory.stat").write_text(f"anon 1\ninactive_file {files}\n")
        where = tmp_path / "process", tmp_path / "groups"
        return memory.container_bytes(*where)

    return of


def test_the_tightest_limit_itself(tmp_path, left):
    assert left("0::/a\n", _=(900, 100, 0), a=(5000, 4500, 0)) == 500
    where = tmp_path / "process", tmp_path / "groups"
    assert memory.container_bytes(*where, whole=True) == 900


def test_a_containers_limit_leaves_what_is_not_used(left):
    assert left("0::/\n", _=(1000, 400, 50)) == 650


def test_the_tightest_of_nested_limits_counts(left):
    groups = {"_": ("max", 1, 0), "a": (5000, 4500, 100), "a_b": (3000, 1000, 0)}
    assert left("0::/a/b\n", **groups) == 600
    assert left("0::/a/b\n", a=(5000, 5300, 100)) == 0
    # Of the host, unknown in here; that of the top is in force.
    assert left("0::/a/gone\n", _=(800, 300, 0)) == 0
    assert left("0::/gone\n", _=(800, 300, 0)) == 500


def test_no_limit(left, tmp_path):
    assert left("0::/\n", _=("max", 5, 0)) == sys.maxsize
    assert left("3:memory:/x\n", x=(10, 5, 0)) == sys.maxsize
    assert left("0::/gone\n") == sys.maxsize
    nothing = tmp_path / "nothing"
    assert memory.container_bytes(nothing, nothing) == sys.maxsize


def limited(kind, room):
    """What is left where a limit leaves so much more than is taken now."""
    used = psutil.Process().memory_info()
    before = resource.getrlimit(kind)
    taken = used.vms if kind == resource.RLIMIT_AS else used.data
    resource.setrlimit(kind, (taken + room, before[1]))
    try:
        return memory.limit_bytes(), memory.host_bytes(), memory.room_bytes()
    finally:
        resource.setrlimit(kind, before)


@pytest.mark.skipif(sys.platform != "linux", reason="others keep no such limits")
@pytest.mark.parametrize("kind", [resource.RLIMIT_AS, resource.RLIMIT_DATA])
def test_the_limit_of_a_shell_counts(kind):
    assert memory.limit_bytes() == sys.maxsize
    for left in limited(kind, 2**29):
        assert left == pytest.approx(2**29, rel=0.1)


def test_what_needs_more_than_there_is_is_not_begun():
    matrix = jax.ShapeDtypeStruct((300, 300), jnp.float32)
    program = jax.jit(lambda x: x @ x).lower(matrix).compile()
    needed = memory.needed_bytes(program)
    memory.expect_room(program, needed)
    with pytest.raises(NoRoomError, match="try a smaller --size"):
        memory.expect_room(program, needed - 1)


# What runtimes say.


@pytest.mark.parametrize(
    "said", ["INTERNAL: CUDA_ERROR_ILLEGAL_ADDRESS", "UNAVAILABLE:"]
)
def test_a_device_that_fails_is_explained(said):
    error = jax.errors.JaxRuntimeError(f"{said} the device\nis lost")
    line = rf"the device failed \({said} the device is lost\); .*JAX_PLATFORMS=cpu"
    with pytest.raises(DeviceError, match=line) as caught, memory.explained():
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9"),
        RuntimeError("XLA: Out of memory while trying to allocate"),
        MemoryError(),
    ],
)
def test_too_little_memory_is_explained(error):
    line = "try a smaller --size"
    with pytest.raises(NoRoomError, match=line) as caught, memory.explained():
        raise error
    assert caught.value.__cause__ is error
    with pytest.raises(NoRoomError, match=r"^too wide$"), memory.explained("too wide"):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        ValueError("shapes don't fit"),
        jax.errors.JaxRuntimeError("INVALID_ARGUMENT: a program of ours is wrong"),
        RuntimeError("INTERNAL: not of a runtime"),
        KeyboardInterrupt(),
        NoRoomError(),
        OptionsError("Out of memory is no option"),
    ],
)
def test_other_errors_stay_what_they_are(error):
    with pytest.raises(type(error)) as caught, memory.explained():
        raise error
    assert caught.value is error
