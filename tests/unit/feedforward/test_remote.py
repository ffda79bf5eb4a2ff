"""Pictures and clips painted on other machines: the tasks, and what comes back."""

import numpy as np
import pytest
from support.batch_pictures import picture
from support.machines import Machines, renamed
from support.stylizers import put

from nst_jax.errors import ImageError, LostError
from nst_jax.feedforward import jobs, many, remote
from nst_jax.feedforward.apply import Painter
from nst_jax.feedforward.load import load_stylizer
from nst_jax.feedforward.options import Options
from nst_jax.images import encode, files
from nst_jax.images.source import Source
from nst_jax.images.video import Frame


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Photos of two frames, and what is none; a mask of one; a network."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for n, shape in enumerate([(24, 32), (24, 32), (24, 31), (40, 20)]):
        files.write(tmp_path / f"in/{n}.png", picture(n, *shape))
    (tmp_path / "in/none.png").write_bytes(b"none")
    put(tmp_path / "network.safetensors")
    return tmp_path


def painter_of(**options):
    given = Options(model="network.safetensors", style="munch", **options)
    return Painter(load_stylizer(given.model), given)


def machines(folder, painter):
    given = remote.given(painter, {}, offline=True, cache="off")
    return Machines(remote.Worker(*given), renamed(folder / "in"))


class Failing:
    about = 2**16

    def run(self, task):
        return LostError("three were lost")


@pytest.mark.slow  # Compiles.
def test_other_machines_paint_what_one_paints(folder):
    painter = painter_of(stroke_size=1.25)
    asked = [jobs.job(f"in/{n}.png", {}, painter.options) for n in range(4)]
    asked.append(jobs.job("in/none.png", {}, painter.options))
    looks = dict.fromkeys(asked, painter.own("munch"))
    lines: list[str] = []
    rest = looks, lambda job, painted: painted, lines.append
    local = dict(many.paint_jobs(asked, painter, *rest))
    pool = machines(folder, painter)
    far = remote.paint_jobs(asked, painter, looks, lines.append, pool, lambda: False)
    made = dict(far)
    assert made.keys() == local.keys() == {*asked}
    assert isinstance(made[asked[-1]], ImageError)
    for job in asked[:4]:
        wanted = encode.quantize(local[job].image).astype(int)
        apart = encode.quantize(made[job].image) - wanted
        assert np.abs(apart).max() <= 1
        assert made[job].description() == local[job].description()
    frames = [{*task.joined.values()} for task in pool.tasks]
    assert all(len(one) == 1 for one in frames)
    assert sum(len(task.jobs) for task in pool.tasks) == 4

    # A clip, of segments in their order.
    images = [np.float32(np.rint(picture(n, 24, 32) * 255) / 255) for n in range(40)]
    clip = [Frame(image, 7 * n, 7) for n, image in enumerate(images)]
    look = painter.own("munch")
    painter.keep_style(painter.prepare(images[0], look))
    given = clip, painter, look, pool
    found = list(remote.paint_clip(*given, bits=8, stopped=lambda: False))
    assert [frame.start for frame, _ in found] == [frame.start for frame in clip]
    assert [len(task.frames) for task in pool.tasks[-2:]] == [32, 8]
    for n in (0, 31, 32, 39):
        (prepared,) = [painter.prepare(images[n], look)]
        frame = painter.frame(prepared.small.shape[:2])
        (alone,) = np.asarray(painter.paint([prepared], 1, frame))
        wanted = encode.quantize(painter.finish(prepared, alone)).astype(int)
        assert np.abs(encode.quantize(found[n][1]) - wanted).max() <= 1


def test_what_is_lost_is_its_own(folder):
    painter = painter_of()
    asked = [jobs.job(f"in/{n}.png", {}, painter.options) for n in (0, 3)]
    looks = dict.fromkeys(asked, painter.own("munch"))
    pool = Machines(Failing(), renamed(folder / "in"))
    lost = remote.paint_jobs(asked, painter, looks, print, pool, lambda: False)
    assert {job: str(of) for job, of in lost} == dict.fromkeys(asked, "three were lost")
    clip = [Frame(picture(0, 24, 32), 0, 1)]
    given = clip, painter, painter.own("munch"), pool
    with pytest.raises(LostError):
        list(remote.paint_clip(*given, bits=8, stopped=lambda: False))


def test_masks_are_sent_with_what_their_files_hold(folder):
    white = np.ones((24, 32, 3), np.float32)
    files.write(folder / "in/mask.png", white * 0.5)
    masks = {name: Source.of("in/mask.png") for name in ("mask", "color_mask")}
    *_, kept, contents, _ = remote.given(
        painter_of(color="luminance"), masks, offline=True, cache=None
    )
    assert set(kept) == {"mask"}  # The colours are the photo's everywhere.
    assert contents == {"in/mask.png": (folder / "in/mask.png").read_bytes()}
