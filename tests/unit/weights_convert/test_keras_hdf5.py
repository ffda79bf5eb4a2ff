"""Keras's layouts, written with h5py as Keras writes them."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from support.weights_files import write_keras
from support.weights_tiny import ramp

from weights_convert import formats
from weights_convert.errors import WeightsError
from weights_convert.formats import keras_hdf5

KERNEL, BIAS = ramp((3, 3, 3, 4)).astype(np.float32), ramp((4,)).astype(np.float32)


@pytest.mark.parametrize(
    ("kernel", "bias"),
    [
        ("block1_conv1_W_1:0", "block1_conv1_b_1:0"),
        ("block1_conv1/kernel:0", "block1_conv1/bias:0"),
        ("block1_conv1/kernel", "block1_conv1/bias"),
    ],
)
def test_reads_layers_and_weights_by_name(
    tmp_path: Path, kernel: str, bias: str
) -> None:
    path = tmp_path / "w.h5"
    write_keras(path, {"block1_conv1": {kernel: KERNEL, bias: BIAS}})
    assert formats.detect(path).name == "keras"
    arrays = keras_hdf5.read(path)
    assert set(arrays) == {f"block1_conv1/{kernel}", f"block1_conv1/{bias}"}
    np.testing.assert_array_equal(arrays[f"block1_conv1/{kernel}"], KERNEL)
    np.testing.assert_array_equal(arrays[f"block1_conv1/{bias}"], BIAS)


def test_bfloat16_is_read_as_float32(tmp_path: Path) -> None:
    # As h5py writes ml_dtypes' bfloat16, and Keras with it: two opaque bytes.
    path = tmp_path / "w.weights.h5"
    halves = (KERNEL.view(np.uint32) >> 16).astype(np.uint16)
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/conv2d/vars")
        group.create_dataset("0", data=halves.view("V2"))
        group["1"] = BIAS
    arrays = keras_hdf5.read(path)
    kernel = arrays["layers/conv2d/vars/0"]
    assert kernel.dtype == np.float32
    np.testing.assert_array_equal(kernel, KERNEL)  # ramps are exact in bfloat16
    np.testing.assert_array_equal(arrays["layers/conv2d/vars/1"], BIAS)


def test_refuses_what_lies_in_other_files(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(bytes(64))
    write_keras(tmp_path / "other.h5", {"block1_conv1": {"w": KERNEL}})
    for kind in ("link", "soft", "raw"):
        path = tmp_path / f"{kind}.h5"
        with h5py.File(path, "w") as file:
            if kind == "link":
                file["block1_conv1"] = h5py.ExternalLink("other.h5", "/block1_conv1")
            elif kind == "soft":
                file["block1_conv1"] = h5py.SoftLink("/elsewhere")
            else:
                storage = [(str(tmp_path / "raw"), 0, 64)]
                file.create_dataset("w", (16,), "<f4", external=storage)
        with pytest.raises(WeightsError, match="refused"):
            keras_hdf5.read(path)


def test_refuses_declared_sizes_and_endless_groups(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "huge.h5", "w") as file:
        file.create_dataset("w", (1 << 20, 1 << 20), "<f4", chunks=(1, 64))
    with pytest.raises(WeightsError, match="declares 4398046511104 bytes"):
        keras_hdf5.read(tmp_path / "huge.h5")
    with h5py.File(tmp_path / "loop.h5", "w") as file:
        group = file.create_group("a")
        group["self"] = group["again"] = group
    with pytest.raises(WeightsError, match="over 10000 entries"):
        keras_hdf5.read(tmp_path / "loop.h5")
    with h5py.File(tmp_path / "empty.h5", "w") as file:
        file["text"] = "no numbers"
    with pytest.raises(WeightsError, match="without a single array"):
        keras_hdf5.read(tmp_path / "empty.h5")
