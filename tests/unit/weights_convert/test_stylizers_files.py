"""Our own files of style networks: back as they went in; damaged ones a line."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from support.stored_weights import kept
from support.style_networks import EXAMPLES, NETWORKS, arrays_of

from weights_convert import store
from weights_convert.architectures.mobilenet import Predictor
from weights_convert.errors import WeightsError
from weights_convert.stylizers import files
from weights_convert.stylizers.stylizer import Stylizer


def _stored(network: str = "pytorch/examples") -> Stylizer:
    made = NETWORKS[network]
    return Stylizer(made, arrays_of(made), "a test", "made up")


def _with_predictor() -> Stylizer:
    predictor = Predictor(outputs=5)
    arrays = {
        key: np.resize(np.float32([0.5, -1, 2]), shape)
        for key, shape in predictor.shapes.items()
    }
    return dataclasses.replace(
        _stored("adaptive"), predictor=predictor, predictor_arrays=arrays
    )


def _same(found: Stylizer, expected: Stylizer) -> None:
    assert dataclasses.replace(
        found, arrays={}, predictor_arrays={}
    ) == dataclasses.replace(expected, arrays={}, predictor_arrays={})
    for ours, theirs in (
        (found.arrays, expected.arrays),
        (found.predictor_arrays, expected.predictor_arrays),
    ):
        assert ours.keys() == theirs.keys()
        for key, array in theirs.items():
            np.testing.assert_array_equal(ours[key], array, strict=True)


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_comes_back(tmp_path: Path, network: str) -> None:
    path = tmp_path / "deep" / "one.safetensors"
    files.save(path, _stored(network), {"licence": "none"})
    found, metadata = files.load(path)
    _same(found, _stored(network))
    assert metadata["licence"] == "none"
    assert files.matches(path)
    assert kept(path.parent) == [path.name]


def test_a_network_with_a_predictor_comes_back(tmp_path: Path) -> None:
    files.save(tmp_path / "one", _with_predictor(), {})
    _same(files.load(tmp_path / "one")[0], _with_predictor())


def test_halves_take_half_the_room(tmp_path: Path) -> None:
    stored = _stored("conditional")
    files.save(tmp_path / "whole", stored, {})
    files.save(tmp_path / "half", stored, {}, dtype="float16")
    sizes = [(tmp_path / name).stat().st_size for name in ("half", "whole")]
    header = sizes[0] - 2 * sum(array.size for array in stored.arrays.values())
    assert sizes[1] - header == pytest.approx(2 * (sizes[0] - header), rel=0.02)
    for key, array in files.load(tmp_path / "half")[0].arrays.items():
        assert array.dtype == np.float32
        np.testing.assert_allclose(array, stored.arrays[key], rtol=1e-3, atol=1e-6)


def test_a_file_of_before_kinds_had_names(tmp_path: Path) -> None:
    text = json.dumps(dataclasses.asdict(EXAMPLES))
    _write(tmp_path / "old", architecture=text)
    _same(files.load(tmp_path / "old")[0], dataclasses.replace(_stored(), note=""))


def _write(path: Path, *, arrays: dict | None = None, **metadata: str) -> None:
    """A file as `save` writes it, with other metadata."""
    found = arrays_of(EXAMPLES) if arrays is None else arrays
    named = {f"painter/{key}": array for key, array in found.items()}
    described = {
        "nst_jax_stylizer": "1",
        "architecture": json.dumps(dataclasses.asdict(EXAMPLES)),
        "layout": "a test",
        "tensors_sha256": store.tensors_digest(named),
        **metadata,
    }
    path.write_bytes(safetensors.numpy.save(named, described))


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ({"nst_jax_stylizer": "2"}, "of a later version of nst-jax"),
        ({"tensors_sha256": "0" * 64}, "wrong hash: expected sha256 00000"),
        ({"architecture": ""}, "describes no style network"),
        ({"architecture": "[1]"}, "describes no style network"),
        ({"architecture": "[" * 9_000}, "describes no style network"),
        ({"architecture": '{"kind": "vit"}'}, "a kind not known here, 'vit'"),
        ({"architecture": '{"kind": ["adain"]}'}, "describes no style network"),
        ({"architecture": '{"depth": 3}'}, "describes no style network"),
        ({"architecture": '{"blocks": 100000}'}, "no image transformation network"),
        ({"architecture": '{"blocks": "5"}'}, "no image transformation network has"),
        ({"architecture": '{"contract": 3}'}, "describes no style network"),
        ({"architecture": '{"epsilon": NaN}'}, "no image transformation network has"),
        ({"architecture": '{"epsilon": "x"}'}, "describes no style network"),
        ({"architecture": '{"kind": "adain", "widths": [1, 2]}'}, "no AdaIN has the"),
        ({"architecture": '{"kind": "microast", "width": 0}'}, "no MicroAST has the"),
        ({"architecture": '{"blocks": 2}'}, "isn't the network of a test: "),
        ({"predictor": '{"size": "wide"}'}, "no predictor of styles has the values"),
        ({"predictor": '{"kind": "mobilenet"}'}, "stem/kernel is missing"),
        ({"styles": '["a", "b"]'}, "2 names of styles, 2 of them different; the netw"),
        ({"styles": "[1]"}, "names are neither empty nor numbers"),
        ({"styles": '["a:b"]'}, "names are neither empty nor numbers"),
        ({"styles": "x"}, "names are neither empty nor numbers"),
    ],
)
def test_metadata_that_doesnt_fit(
    tmp_path: Path, metadata: dict[str, str], why: str
) -> None:
    _write(tmp_path / "one", **metadata)
    assert why in _refusal(tmp_path / "one")


def _refusal(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        files.load(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    assert len(line) < 900
    return line


def test_damaged_files(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    assert "No such file" in _refusal(path)
    files.save(path, _stored(), {})
    whole = path.read_bytes()
    for length in (0, 4, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert _refusal(path)
    path.write_bytes(b"<html>not found</html>")
    assert _refusal(path)
    flipped = bytearray(whole)
    flipped[-3] ^= 1
    path.write_bytes(flipped)
    assert "wrong hash: expected sha256 " in _refusal(path)
    path.write_bytes(safetensors.numpy.save({}, {"made": "elsewhere"}))
    assert "no style network; `nst-weights convert`" in _refusal(path)


def test_what_the_metadata_say_is_guarded_too(tmp_path: Path) -> None:
    """A digit of how arrays are computed with would be another picture, unseen."""
    path = tmp_path / "one.safetensors"
    files.save(path, _stored("lengstrom"), {"licence": "none"})
    whole = path.read_bytes()
    refused: list[str] = []
    for place in range(8, 8 + int.from_bytes(whole[:8], "little"), 17):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 7
        path.write_bytes(damaged)
        try:
            found, _ = files.load(path)
        except WeightsError as error:
            refused.append(str(error))
        else:  # The name of the sum itself, such as "metadatb_sha256".
            _same(found, _stored("lengstrom"))
    assert len(refused) > 50
    assert not [line for line in refused if "\n" in line]


def test_arrays_that_dont_fit_are_not_stored(tmp_path: Path) -> None:
    arrays = arrays_of(EXAMPLES)
    for change in (
        {"last/kernel": np.ones((9, 9, 2, 4), "f4")},
        {"last/kernel": np.ones((9, 9, 2, 3), "i4")},
        {"last/kernel": np.full((9, 9, 2, 3), np.inf, "f4")},
        {"last/kernel": np.full((9, 9, 2, 3), 1e300)},
        {"more/kernel": np.ones(3, "f4")},
    ):
        bad = dataclasses.replace(_stored(), arrays={**arrays, **change})
        with pytest.raises(WeightsError, match=next(iter(change))):
            files.save(tmp_path / "one", bad, {})
    large = {**arrays, "last/bias": np.full(3, 1e5, "f4")}
    bad = dataclasses.replace(_stored(), arrays=large)
    with pytest.raises(WeightsError, match="last/bias has values too large for floa"):
        files.save(tmp_path / "one", bad, {}, dtype="float16")
    assert list(tmp_path.iterdir()) == []


def test_names_of_styles() -> None:
    three = {"styles": '["la muse", "rain", "wave"]'}
    assert files.style_names(three, 3) == ("la muse", "rain", "wave")
    assert files.style_names({}, 3) == ("0", "1", "2")
    for names in (["a", "a", "b"], ["a", "b"], ["a", "", "b"], ["a", "0", "b"], "abc"):
        with pytest.raises(WeightsError, match="names"):
            files.checked_names(names, 3)
