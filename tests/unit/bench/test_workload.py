import numpy as np
from PIL import Image

from bench.workload import NETWORK, Job, Workload, cropped

REAL = Workload(
    48,
    64,
    lanes=32,
    photo="examples/photos/cat.jpg",
    paintings=("examples/styles/swirls.jpg", "examples/styles/dots.jpg"),
)


def test_pictures_have_the_shape_and_range():
    for workload in (Workload(40, 56, lanes=3), REAL):
        content, styles = workload.content(), workload.styles()
        assert content.shape == (workload.height, workload.width, 3)
        assert styles.shape == (workload.lanes, *content.shape)
        for picture in (content, *styles):
            assert picture.dtype == np.float32
            assert 0 <= picture.min() < picture.max() <= 1


def test_lanes_have_paintings_of_their_own():
    styles = Workload(32, 32, lanes=5).styles()
    assert len({style.tobytes() for style in styles}) == 5
    two_known = REAL.styles()
    assert len({style.tobytes() for style in two_known}) == 24  # 12 of each.
    np.testing.assert_array_equal(two_known[2], two_known[0][::-1])


def test_programs_that_read_files_see_the_same_numbers(tmp_path):
    photo, paintings = REAL.write_pictures(tmp_path)
    assert len(paintings) == 32
    for path, array in [(photo, REAL.content()), (paintings[7], REAL.styles()[7])]:
        with Image.open(path) as opened:
            np.testing.assert_array_equal(np.float32(opened) / 255, array)


def test_cropping_takes_the_middle(tmp_path):
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 255
    Image.fromarray(wide).save(tmp_path / "wide.png")
    np.testing.assert_array_equal(cropped(tmp_path / "wide.png", (10, 10)), 1)


def test_random_weights_are_those_of_the_network_and_he_normal():
    weights = Workload().network_weights()
    assert {key: array.shape for key, array in weights.items()} == NETWORK.shapes
    kernel = weights["conv4_2/kernel"]
    assert kernel.dtype == np.float32
    assert np.isclose(kernel.std(), np.sqrt(2 / (9 * 512)), rtol=0.01)
    assert 0 < np.abs(weights["conv4_2/bias"]).max() < 0.1


def test_least_memory_counts_pixels_lanes_and_history():
    one = Workload(100, 100).least_bytes("float32")
    assert one == 10_000 * (320 * 4 + 12 * 4)
    assert Workload(100, 200, lanes=3).least_bytes("float32") == 6 * one
    lbfgs = Workload(100, 100, solver="lbfgs", history=10).least_bytes("bfloat16")
    assert lbfgs == 10_000 * (320 * 2 + 12 * 24)


def test_a_job_survives_json():
    import json

    job = Job("set", "PyTorch", "eager", REAL, "tf32", together=8, options={"size": 3})
    assert Job.parse(json.dumps(job.fields())) == job
