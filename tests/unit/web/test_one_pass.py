"""Jobs of one pass, and previews, by the networks that come with the package."""

import numpy as np
import pytest
from support.ateliers import ended, until

from nst_jax.images import files
from nst_jax.web.atelier import Atelier

pytestmark = pytest.mark.slow

APPLIED = {"kind": "apply", "photo": "photo-cat", "network": "glass"}


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """An atelier that optimises nothing: it waits to be stopped."""
    from nst_jax.web.one_pass import Passes
    from nst_jax.web.painter import Hands

    class Waits:
        def paint(self, easel):
            easel.reach([(0, 1.0)], iteration=0)
            until(lambda: easel.is_to_end, 120)
            return {"state": "stopped", "phase": "stopped"}

    hands = Hands(Waits(), Passes(), Passes())
    found = Atelier(tmp_path_factory.mktemp("a"), makers=lambda: hands)
    yield found
    found.close()


def test_a_job_of_one_pass(one):
    job = one.submit({**APPLIED, "options": {"size": "64", "color": "luminance"}})
    assert (job["title"], job["width"], job["height"]) == ("cat, glass", 64, 43)
    done = ended(one, job["id"], 120)
    assert (done["state"], done["error"], done["can_go_on"]) == ("done", None, False)
    path, name = one.result(job["id"])
    assert name == "cat_glass.png"
    image = files.read(path)
    assert image.shape == (43, 64, 3)
    assert image.std() > 0.05
    about = files.read_description(path)["options"]
    assert (about["model"], about["size"]) == ("glass", 64)
    told = one.upload(path.read_bytes(), name)["settings"]
    assert (told["kind"], told["network"]) == ("apply", "glass")
    assert told["options"] == {"size": 64, "color": "luminance"}
    half = {**APPLIED, "options": {"size": 64, "strength": 0}}
    plain = ended(one, one.submit(half)["id"], 120)
    kept = files.read(one.result(plain["id"])[0])
    photo = files.read_small(one._pictures.path("photo-cat"), 64)
    np.testing.assert_allclose(kept, photo, atol=1 / 255)


def test_a_preview_is_there_while_the_program_is_made(one):
    end = one.watch(lambda event: None)
    asked = {"kind": "optimise", "photo": "photo-cat"}
    job = one.submit({**asked, "paintings": ["painting-glass"]})["id"]
    until(lambda: one.job(job)["preview"], 120)
    assert one.job(job)["state"] == "painting"
    preview = files.read(one.picture(job, "preview").bytes)
    assert preview.shape == (255, 384, 3)
    one.stop(job)
    ended(one, job)
    # No network has that style; and it is made for who looks on only.
    other = one.submit({**asked, "paintings": ["painting-swirls"]})["id"]
    until(lambda: one.job(other)["state"] == "painting")
    one.stop(other)
    assert ended(one, other)["preview"] == 0
    end()
    unseen = one.submit({**asked, "paintings": ["painting-glass"]})["id"]
    until(lambda: one.job(unseen)["state"] == "painting")
    one.stop(unseen)
    assert ended(one, unseen)["preview"] == 0


def test_the_lines_of_python_make_the_same_picture(one, tmp_path, monkeypatch):
    clear = np.random.default_rng(0).random((48, 64, 3))
    alpha = np.linspace(0, 1, 48 * 64).reshape(48, 64)
    files.write(tmp_path / "photo.png", clear, alpha=alpha)
    mask = np.zeros((48, 64, 3))
    mask[:, :32] = 1
    files.write(tmp_path / "mask.png", mask)

    def sent(name):
        return one.upload((tmp_path / name).read_bytes(), name)["id"]

    asked = {"kind": "apply", "photo": sent("photo.png"), "network": "glass"}
    options = {"strength": 0.6, "stroke_size": 1.5, "color": "luminance", "bits": 16}
    options |= {"transparency": "keep", "mask_feather": 2.0}
    asked |= {"options": options, "masks": [sent("mask.png")]}
    job = ended(one, one.submit(asked)["id"], 120)["id"]
    monkeypatch.chdir(tmp_path)
    exec(one.command(job)["python"], {})
    made, kept = tmp_path / "painted.png", one.result(job)[0]
    np.testing.assert_allclose(files.read(made), files.read(kept), atol=2 / 65535)
    np.testing.assert_array_equal(files.read_opacity(made), files.read_opacity(kept))
    about = [files.read_description(path)["options"] for path in (made, kept)]
    assert about[0] == about[1]
