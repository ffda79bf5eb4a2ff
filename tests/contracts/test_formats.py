"""Every format: what its library wrote is read back; what is damaged is one line."""

from pathlib import Path

import numpy as np
import pytest
from fuzz import fuzz_weights
from support.weights_samples import SAMPLES, Sample

from weights_convert import formats
from weights_convert.errors import WeightsError

# Nothing in a protobuf message says where it ends: cut between two layers, it is one of
# fewer layers. What is missing is said by the mapping.
WITHOUT_END = {"caffe"}

QUICK = ("caffe", "keras", "pytorch zip")
"""Those whose readers are given mutated files by default, in processes."""


@pytest.fixture
def samples(kind: str, tmp_path: Path) -> list[Sample]:
    (tmp_path / "samples").mkdir()
    return list(SAMPLES[kind](tmp_path / "samples"))


def test_every_format_has_good_files():
    known = [format_.name for format_ in formats.FORMATS]
    assert {kind.split()[0] for kind in SAMPLES} == set(known)
    assert len(set(known)) == len(known)


@pytest.mark.parametrize("kind", SAMPLES)
def test_what_was_written_is_read_back(kind, samples, tmp_path):
    assert samples
    path = tmp_path / "file"
    for sample in samples:
        path.write_bytes(sample.content)
        format_ = formats.detect(path)
        assert format_.name == kind.split()[0], sample.name
        found = format_.read(path)
        assert found.keys() == sample.arrays.keys(), sample.name
        for key, expected in sample.arrays.items():
            assert found[key].dtype == expected.dtype, (sample.name, key)
            np.testing.assert_array_equal(found[key], expected, strict=True)


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_truncated_file_is_refused(kind, samples, tmp_path):
    path = tmp_path / "file"
    for sample in samples:
        path.write_bytes(sample.content)
        format_ = formats.detect(path)
        end = len(sample.content)
        for length in {*range(8, end, 97), end - 1}:
            path.write_bytes(sample.content[:length])
            arrays, refusal = {}, ""
            try:
                arrays = format_.read(path)
            except WeightsError as error:
                refusal = str(error)
            assert refusal or kind in WITHOUT_END, (sample.name, length)
            assert not refusal or refusal.startswith(f"{path}: ")
            assert "\n" not in refusal
            for key, array in arrays.items():
                np.testing.assert_array_equal(array, sample.arrays[key])


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=() if kind in QUICK else pytest.mark.slow)
        for kind in SAMPLES
    ],
)
def test_a_mutated_file_gives_arrays_or_a_refusal(kind):
    """A few of the files that `fuzz_weights.py` gives a reader by the thousand."""
    tally = fuzz_weights.fuzz(kind, inputs=20, seed=2)
    assert tally.faults == []
    assert sum(tally.counts.values()) == 20
