"""Jobs of one pass, and previews, by the networks that come with the package."""

from pathlib import Path

import numpy as np
import pytest
from support import stylizers
from support.ateliers import ended, until

from nst_jax.images import files
from nst_jax.web.atelier import Atelier
from weights_convert.stylizers import files as stored

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


@pytest.mark.parametrize(
    ("network", "asked", "options"),
    [
        ("three", {}, {"style": "monet:1,klee:3", "transparency": "keep"}),
        ("any", {"painting": "painting.png"}, {"color": "histogram", "size": 48}),
    ],
)
def test_the_lines_of_python_make_the_same_picture(
    one, tmp_path, monkeypatch, network, asked, options
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path / "home"))
    stylizers.put(stored.path_of("three"))
    stored.save(stored.path_of("any"), stylizers.stored(stylizers.ADAIN), {})
    noise = np.random.default_rng(0).random((48, 64, 3))
    alpha = np.linspace(0, 1, 48 * 64).reshape(48, 64)
    files.write("photo.png", noise, alpha=alpha)
    files.write("painting.png", np.sqrt(noise[:40]))
    files.write("mask.png", np.repeat(alpha.reshape(48, 64, 1) > 0.5, 3, 2) * 1.0)

    def sent(name):
        return one.upload(Path(name).read_bytes(), name)["id"]

    options = {"strength": 0.6, "stroke_size": 1.5, "bits": 16, **options}
    asked = {
        **{"kind": "apply", "network": network, "photo": sent("photo.png")},
        **{name: sent(file) for name, file in asked.items()},
        **{"masks": [sent("mask.png")], "options": {**options, "mask_feather": 2}},
    }
    done = ended(one, one.submit(asked)["id"], 120)
    assert (done["state"], done["error"]) == ("done", None)
    exec(one.command(done["id"])["python"], {})
    made, kept = "painted.png", one.result(done["id"])[0]
    image = files.read(made)
    assert image.std() > 0.05
    np.testing.assert_allclose(image, files.read(kept), atol=2e-4)
    np.testing.assert_array_equal(files.read_opacity(made), files.read_opacity(kept))
    about = [files.read_description(path)["options"] for path in (made, kept)]
    assert about[0] == about[1]
