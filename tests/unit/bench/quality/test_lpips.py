import pickle

import numpy as np
import pytest

from bench.quality import lpips
from weights_convert import store
from weights_convert.errors import WeightsError

RNG = np.random.default_rng(0)
WIDTHS = (64, 128, 256, 512, 512)


@pytest.fixture(autouse=True)
def _home(monkeypatch, tmp_path):
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path / "home"))


def package(tmp_path, *, left_out=()):
    """What brings the file of the package."""
    held = {
        f"NetLinLayer_{n}": {"Conv_0": {"kernel": RNG.random((1, 1, w, 1), np.float32)}}
        for n, w in enumerate(WIDTHS)
        if n not in left_out
    }
    path = tmp_path / "vgg16.ckpt"
    path.write_bytes(pickle.dumps(held))
    brought = []

    def bring(folder):
        brought.append(folder)
        return path

    return held, bring, brought


def test_the_layers_are_kept(tmp_path):
    held, bring, brought = package(tmp_path)
    said: list[str] = []
    first = lpips.heads(bring=bring, report=said.append)
    again = lpips.heads(bring=bring, offline=True)
    assert len(brought) == len(said) == 1
    assert [len(layer) for layer in again] == list(WIDTHS)
    for number, layer in enumerate(first):
        wanted = held[f"NetLinLayer_{number}"]["Conv_0"]["kernel"].reshape(-1)
        np.testing.assert_array_equal(layer, wanted)


def test_without_them_it_says_so(tmp_path):
    with pytest.raises(WeightsError, match="leave out --offline"):
        lpips.heads(offline=True)
    _, bring, _ = package(tmp_path, left_out=(3,))
    with pytest.raises(WeightsError, match="no NetLinLayer_3/Conv_0/kernel"):
        lpips.heads(bring=bring)
    assert not (store.home() / "weights").exists()


def test_the_distance_is_the_papers():
    shapes = [(4, 5, 3), (2, 2, 6)]
    one, photo = ([RNG.random(shape) for shape in shapes] for _ in "ab")
    layers = [RNG.random(shape[-1]) for shape in shapes]
    expected = 0.0
    for a, b, w in zip(one, photo, layers, strict=True):
        values = [
            sum(
                w[c]
                * (
                    a[i, j, c] / np.linalg.norm(a[i, j])
                    - b[i, j, c] / np.linalg.norm(b[i, j])
                )
                ** 2
                for c in range(len(w))
            )
            for i in range(a.shape[0])
            for j in range(a.shape[1])
        ]
        expected += np.mean(values)
    assert lpips.distance(one, photo, layers) == pytest.approx(expected, rel=1e-6)
    assert lpips.distance(one, one, layers) == 0
    # Brightness of features doesn't count.
    scaled = [3 * features for features in one]
    assert lpips.distance(scaled, one, layers) == pytest.approx(0, abs=1e-12)
