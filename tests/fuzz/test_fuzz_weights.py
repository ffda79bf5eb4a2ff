"""A short run of fuzz_weights.py, and whether it would find what it is for."""

import dataclasses
import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fuzz import fuzz_weights
from fuzz.weights_mutations import SEEDS, mutate
from support.style_networks import NETWORKS, arrays_of

from weights_convert import formats
from weights_convert.errors import WeightsError
from weights_convert.stylizers import files, lengstrom
from weights_convert.stylizers.stylizer import Stylizer

INPUTS = 300


@pytest.mark.slow  # A few files of each are read in tests/contracts/test_formats.py.
@pytest.mark.parametrize("reader", SEEDS)
def test_mutated_files_give_arrays_or_a_weights_error(reader: str) -> None:
    tally = fuzz_weights.fuzz(reader, INPUTS, seed=1)
    assert tally.faults == []
    assert sum(tally.counts.values()) == INPUTS
    # Neither so little that all can be read, nor so much that nothing gets far.
    assert 0.1 * INPUTS < tally.counts["read"] < 0.6 * INPUTS
    # Readers in a process of their own may go as far as that process lets them.
    assert tally.peak < (300e6 if fuzz_weights.format_of(reader).isolated else 100e6)


@pytest.mark.parametrize("reader", SEEDS)
def test_the_files_it_begins_with_are_good(reader: str, tmp_path: Path) -> None:
    for content in SEEDS[reader](tmp_path):
        path = tmp_path / "whole"
        path.write_bytes(content)
        module = b"modules.linear" in content
        expected = "refused" if module else "read"
        chosen = fuzz_weights.format_of(reader)
        assert fuzz_weights.try_out(chosen, path) == (expected, "")
        assert formats.detect(path).name in (reader.split()[0], "palette")


def _fail(error: BaseException) -> object:
    def read(path: Path) -> dict[str, np.ndarray]:
        raise error

    return read


@pytest.mark.parametrize(
    ("read", "outcome"),
    [
        (_fail(KeyError("x")), ("error", "KeyError: 'x'")),
        (_fail(RecursionError()), ("error", "RecursionError: ")),
        (_fail(WeightsError("no name")), ("error", "refused without a name or in two")),
        (lambda path: {"w": np.zeros(1 << 24)}, ("error", "arrays of more bytes than")),
        (lambda path: {"w": None}, ("error", "after reading: AttributeError")),
        (lambda path: _fail(WeightsError(f"{path}: no"))(path), ("refused", "")),
    ],
)
def test_it_sees_what_may_not_be(
    tmp_path: Path, read: object, outcome: tuple[str, str]
) -> None:
    bad = dataclasses.replace(formats.FORMATS[0], read=read)
    (path := tmp_path / "input").write_bytes(b"\x89HDF\r\n\x1a\n")
    found = fuzz_weights.try_out(bad, path)
    assert found[0] == outcome[0]
    assert found[1].startswith(outcome[1])


def test_only_isolated_readers_may_crash(tmp_path: Path) -> None:
    (path := tmp_path / "input").write_bytes(b"\x89HDF\r\n\x1a\n damaged")
    caffe, keras = map(fuzz_weights.format_of, ("caffe", "keras"))
    for outcome in ("crash", "hang", "memory"):
        assert fuzz_weights.fault(caffe, path, outcome, "here") == f"{outcome} here"
        assert fuzz_weights.fault(keras, path, outcome, "here") == ""
    assert fuzz_weights.fault(keras, path, "error", "here") == "error here"


def _read_or_refused(read: Callable[[Path], object], path: Path) -> bool:
    """Whether a file was read; if not, one line that begins with its name says why."""
    refusal = ""
    try:
        read(path)
    except WeightsError as error:
        refusal = str(error)
    assert not refusal or refusal.startswith(str(path))
    assert "\n" not in refusal
    return not refusal


def test_mutated_folders_of_variables(tmp_path: Path) -> None:
    arrays = {"Variable": np.ones((2, 3), "<f4"), "Variable_1": np.ones(5, "<f4")}
    manifest = {
        name: {"filename": name, "shape": [*a.shape]} for name, a in arrays.items()
    }
    for name, array in arrays.items():
        array.tofile(tmp_path / name)
    whole, good = json.dumps(manifest).encode(), 0
    for seed in range(400):
        content = mutate(whole, random.Random(seed)) if seed else whole
        (tmp_path / "manifest.json").write_bytes(content)
        good += _read_or_refused(lengstrom.read_folder, tmp_path)
    assert 1 <= good < 200


def test_mutated_files_of_our_own(tmp_path: Path) -> None:
    made = NETWORKS["adaptive"]
    path, good = tmp_path / "one.safetensors", 0
    files.save(path, Stylizer(made, arrays_of(made), "a test"), {"styles": "null"})
    whole = path.read_bytes()
    for seed in range(400):
        path.write_bytes(mutate(whole, random.Random(seed)) if seed else whole)
        good += _read_or_refused(files.load, path)
    assert 1 <= good < 200


def test_a_seed_makes_the_same_files() -> None:
    data = bytes(range(200))
    made = [mutate(data, random.Random(seed)) for seed in (1, 1, 2)]
    assert made[0] == made[1]
    assert len(set(made)) == 2
