"""PyTorch's files that are damaged or hostile; good ones: tests/contracts."""

import pickle
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.weights_files import legacy, tensor_pickle, zipped

from weights_convert.errors import WeightsError
from weights_convert.formats import pytorch


def _write(path: Path, pickled: bytes, kind: str, *storages: bytes) -> None:
    if kind == "zip":
        zipped(path, pickled, {str(i): item for i, item in enumerate(storages)})
    else:
        keys = tuple(str(i) for i in range(len(storages)))
        path.write_bytes(legacy(pickled, keys, storages))


def _global(module: str, name: str, argument: str) -> bytes:
    """`module.name(argument)`, as GLOBAL + REDUCE."""
    body = pickle.dumps((argument,), protocol=2)[2:-1]
    return b"\x80\x02c" + f"{module}\n{name}\n".encode() + body + b"R."


def _stack_global(module: str, name: str, argument: str) -> bytes:
    parts = [pickle.dumps(item, protocol=4)[11:-2] for item in (module, name)]
    body = pickle.dumps((argument,), protocol=2)[2:-1]
    return b"\x80\x04" + parts[0] + parts[1] + b"\x93" + body + b"R."


def _nested(module: str, name: str, argument: str) -> bytes:
    """The call deep inside a state dict, behind an allowed name."""
    call = _global(module, name, argument)[2:-1]
    ordered = b"ccollections\nOrderedDict\n)R"
    return (
        b"\x80\x02"
        + ordered
        + b"X\x01\x00\x00\x00w}X\x01\x00\x00\x00v"
        + (call + b"ss.")
    )


def _inst(module: str, name: str, argument: str) -> bytes:
    """The oldest way to call: INST."""
    body = pickle.dumps(argument, protocol=2)[2:-1]
    return b"\x80\x02(" + body + b"i" + f"{module}\n{name}\n".encode() + b"."


@pytest.mark.parametrize("kind", ["zip", "legacy"])
@pytest.mark.parametrize("make", [_global, _stack_global, _nested, _inst])
@pytest.mark.parametrize(
    ("module", "name", "code"),
    [
        ("os", "system", "touch {}"),
        ("posix", "system", "touch {}"),
        ("builtins", "eval", "open('{}', 'w')"),
        ("builtins", "exec", "open('{}', 'w')"),
        ("torch._utils", "_rebuild_tensor_v2.__globals__", "{}"),
        ("collections", "namedtuple", "{}"),
    ],
)
def test_other_names_are_refused_by_name_and_not_run(
    tmp_path: Path,
    kind: str,
    make: Callable[[str, str, str], bytes],
    module: str,
    name: str,
    code: str,
) -> None:
    canary = tmp_path / "canary"
    pickled = make(module, name, code.format(canary))
    _write(tmp_path / "evil.pth", pickled, kind)
    with pytest.raises(WeightsError, match="refused, nothing of it was run") as caught:
        pytorch.read(tmp_path / "evil.pth")
    assert f"{module}.{name}" in str(caught.value)
    assert not canary.exists()


def test_the_canary_would_sing(tmp_path: Path) -> None:
    # The plain unpickler does run these pickles, so the test above can fail.
    for number, make in enumerate((_global, _stack_global, _nested, _inst)):
        canary = tmp_path / f"canary{number}"
        pickle.loads(make("builtins", "eval", f"open('{canary}', 'w').close()"))
        assert canary.exists()


def test_build_cannot_change_what_names_stand_for(
    tmp_path: Path, fixtures: Path
) -> None:
    path = tmp_path / "build.pth"
    name = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n"
    for state in (["x", "y"], {"build": 1}, (None, {"build": 1})):
        body = pickle.dumps(state, protocol=2)[2:-1]
        _write(path, name + body + b"b.", "legacy")
        with pytest.raises(WeightsError, match="tries to alter tensor"):
            pytorch.read(path)
    assert len(pytorch.read(fixtures / "tiny_zip.pth")) == 6


def test_build_cannot_change_a_tensor_after_its_check(tmp_path: Path) -> None:
    path = tmp_path / "build.pth"
    whole = tensor_pickle()
    for place in (b"tQ", b"tR"):  # behind the storage, behind the tensor
        for state in (["0", "x", 9, 9], {"offset": 9}, (None, {"offset": 9})):
            body = pickle.dumps(state, protocol=2)[2:-1]
            _write(path, whole.replace(place, place + body + b"b"), "legacy", bytes(16))
            with pytest.raises(WeightsError, match="pickle is damaged"):
                pytorch.read(path)


def test_whole_module_is_refused_with_advice(fixtures: Path) -> None:
    with pytest.raises(WeightsError, match=r"Linear.*save the model's state_dict\(\)"):
        pytorch.read(fixtures / "module_zip.pth")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": (3, 2)}, "beyond its storage"),
        ({"offset": 1}, "beyond its storage"),
        ({"strides": (3, 1)}, "beyond its storage"),
        ({"shape": (1 << 40, 1 << 40), "strides": (0, 0)}, "declares"),
        ({"strides": (-1, 1)}, "offset, size or stride"),
        ({"shape": (-2, -2)}, "offset, size or stride"),
        ({"strides": (1,)}, "2 sizes and 1 strides"),
        ({"numel": 1 << 40}, "truncated"),
        ({"numel": 5}, "truncated"),
        ({"kind": "ComplexFloatStorage"}, "torch.ComplexFloatStorage"),
    ],
)
@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_tensor_must_stay_inside_its_storage(
    tmp_path: Path, kind: str, change: dict[str, object], message: str
) -> None:
    path = tmp_path / "w.pth"
    data = np.arange(4, dtype="<f4").tobytes()
    _write(path, tensor_pickle(), kind, data)
    np.testing.assert_array_equal(pytorch.read(path)["w"], [[0, 1], [2, 3]])
    _write(path, tensor_pickle(**change), kind, data)  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match=message):
        pytorch.read(path)


def test_hostile_sizes_do_not_reach_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    # A memo index of 4 billion makes the plain unpickler allocate 64 GiB.
    memo = b"\x80\x02}r" + struct.pack("<I", 0xFFFFFFFF) + b"."
    # Hashing a million nested tuples overruns the C stack.
    tuples = b"\x80\x02})" + b"\x85" * 1_000_000 + b"K\x01s."
    # 2**40 elements behind 40 lists of two: repr of it never ends.
    laughs = b"\x80\x02]q\x00" + b"".join(
        b"]q" + bytes([n]) + b"(h" + bytes([n - 1]) + b"h" + bytes([n - 1]) + b"e"
        for n in range(1, 41)
    )
    for pickled in (memo, tuples, laughs + b"Q."):
        _write(path, pickled, "legacy")
        with pytest.raises(WeightsError, match=r"its pickle|persistent"):
            pytorch.read(path)


def test_zip_bomb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", tensor_pickle(numel=8 << 20))
        archive.writestr("archive/data/0", bytes(32 << 20))
    with pytest.raises(WeightsError, match=r"declares 335\d* bytes of contents"):
        pytorch.read(path)


def test_claimed_lengths_are_not_allocated(tmp_path: Path) -> None:
    # A string of 1 GiB, and a stored member of 1 GiB, in files of a few bytes: what
    # Python's own buffered files and zipfile would set aside before reading.
    claim = (1 << 30).to_bytes(4, "little")
    path = tmp_path / "string.pth"
    path.write_bytes(legacy(b"\x80\x02X" + claim + b"abc."))
    member = tmp_path / "member.pth"
    zipped(member, tensor_pickle(), {"0": bytes(16)})
    content = bytearray(member.read_bytes())
    entry = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 1)
    content[entry + 20 : entry + 24] = claim  # compressed size in the directory
    member.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(WeightsError, match="pickle is damaged"):
            pytorch.read(path)
        with pytest.raises(WeightsError, match="said to take 1073741824 bytes of it"):
            pytorch.read(member)
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


def test_a_pickle_of_megabytes_is_no_state_dict(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    text = b"X" + (1 << 20).to_bytes(4, "little") + bytes(1 << 20)
    path.write_bytes(legacy(b"\x80\x02(" + 20 * text + b"t."))
    with pytest.raises(WeightsError, match="too large for a state dict"):
        pytorch.read(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04 and nothing more", "truncated or damaged zip"),
        (legacy(b"\x80\x02K\x01."), "holds a int, not a state dict"),
        (legacy(b"\x80\x02}."), "holds no tensors"),
        (legacy(b"\x80\x02}.")[:-20], "pickle is damaged"),
        (b"\x80\x02\x8a\x0a" + bytes(10) + b".", "magic number"),
    ],
)
def test_no_state_dict(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=message):
        pytorch.read(path)
