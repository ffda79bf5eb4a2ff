"""Jobs that are really optimised, by a tiny network: stopped, gone on, masked."""

import numpy as np
import pytest
from PIL import Image
from support.ateliers import ended, png, until

import nst_jax
from nst_jax.images import encode, files
from nst_jax.web import orders
from nst_jax.web.atelier import Atelier

pytestmark = pytest.mark.slow

OPTIONS = {
    "size": 32,
    "steps": 4,
    "pyramid_from": 16,
    "style_taps": ["relu1_1", "relu2_1"],
    "content_taps": ["relu2_1"],
}


@pytest.fixture(scope="module")
def hands(tiny_network):
    """What paints all jobs, as a server's."""
    from nst_jax.web.one_pass import Passes
    from nst_jax.web.optimising import Optimiser
    from nst_jax.web.painter import Hands

    return Hands(Optimiser(lambda options, report: tiny_network), Passes(), Passes())


@pytest.fixture
def opened(tmp_path, hands):
    """Opens ateliers of one folder, and closes them in the end."""
    found = []

    def made():
        found.append(Atelier(tmp_path / "a", report=print, makers=lambda: hands))
        return found[-1]

    yield made
    for one in found:
        one.close()


@pytest.fixture
def one(opened):
    return opened()


@pytest.fixture
def asked(one, photo, painting):
    """What is asked for: the photo in the style of the painting."""
    sent = [
        one.upload(encode.encode(image, "PNG", description=None), f"{name}.png")["id"]
        for name, image in (("photo", photo), ("painting", painting))
    ]

    def of(**options):
        return {
            **{"kind": "optimise", "photo": sent[0], "paintings": sent[1:]},
            "preset": "classic",  # Compiles soonest.
            "options": {**OPTIONS, **options},
        }

    return of


@pytest.fixture
def by_hand(one, asked, tiny_network, tmp_path):
    """The picture of the library, as levels."""

    def made(steps, **options):
        wanted = asked(steps=steps, **options)
        order = orders.parsed(wanted, limits=one._limits, networks={})
        paths = [one._pictures.path(picture) for picture in order.pictures]
        result = nst_jax.stylize(
            *(paths[0], paths[1:], order.chosen()), network=tiny_network
        )
        result.save(tmp_path / "by_hand.png")
        return levels(tmp_path / "by_hand.png")

    return made


def levels(path):
    return np.asarray(Image.open(path))


def test_it_is_what_the_library_makes_and_goes_on_exactly(one, asked, by_hand, hands):
    events = []
    end = one.watch(events.append)
    job = one.submit(asked())
    done = ended(one, job["id"], 120)
    assert (done["state"], done["error"], done["iteration"]) == ("done", None, 4)
    assert [at for at, _ in done["losses"]] == [0, 1, 2, 3, 4]
    path, _ = one.result(job["id"])
    np.testing.assert_array_equal(levels(path), by_hand(4))
    about = files.read_description(path)
    assert (about["options"]["steps"], about["options"]["init"]) == (4, "content")
    assert done["version"] >= 2
    phases = [event["job"]["phase"] for event in events if "job" in event]
    assert phases[0] == "painting at 32 px"
    # Its state is there: the next iterations are those of one run.
    again = one.go_on(job["id"], 3)
    assert (again["id"], again["steps"]) == (job["id"], 7)
    more = ended(one, job["id"], 120)
    end()
    assert (more["state"], more["iteration"]) == ("done", 7)
    assert [at for at, _ in more["losses"]] == [*range(8)]
    np.testing.assert_array_equal(levels(path), by_hand(7))
    assert files.read_description(path)["options"]["steps"] == 7
    # What was prepared for that job serves another, and changes nothing of it.
    studio = hands.optimiser._studio
    others = {"style_weight": 30.0, "init": "noise", "seed": 3}
    other = ended(one, one.submit(asked(**others))["id"], 120)
    assert hands.optimiser._studio is studio
    picture = levels(one.result(other["id"])[0])
    np.testing.assert_array_equal(picture, by_hand(4, **others))
    # A result that is sent sets the page to what made it.
    told = one.upload(path.read_bytes(), "result.png")["settings"]
    assert told["options"]["steps"] == 7
    assert told["options"]["style_taps"] == OPTIONS["style_taps"]


def test_stopped_by_the_end_of_the_server_it_goes_on(opened, asked, by_hand, one):
    job = one.submit(asked(steps=5000))["id"]
    until(lambda: one.job(job)["iteration"] > 3, 120)
    one.close(60)
    again = opened()
    stopped = again.job(job)
    assert (stopped["state"], stopped["can_go_on"]) == ("stopped", True)
    made = stopped["iteration"]
    assert 3 < made < 5000
    again.go_on(job, 2)
    more = ended(again, job, 120)
    assert (more["state"], more["iteration"], more["error"]) == ("done", made + 2, None)
    np.testing.assert_array_equal(levels(again.result(job)[0]), by_hand(made + 2))
    # What is discarded in the midst of it leaves nothing, and the next one is painted.
    gone = again.submit(asked(steps=5000))["id"]
    until(lambda: again.job(gone)["iteration"] > 3, 120)
    again.discard(gone)
    until(lambda: [one["id"] for one in again.jobs()] == [job], 60)
    assert not again._ledger.shelf.path(gone).exists()
    assert ended(again, again.submit(asked())["id"], 60)["state"] == "done"


def test_a_pyramid_goes_on_to_its_end_and_then_from_its_picture(one, asked):
    job = one.submit(asked(pyramid=2, steps=3000))["id"]
    until(lambda: one.job(job)["iteration"] > 1, 120)
    one.stop(job)
    stopped = ended(one, job, 60)
    assert stopped["phase"] == "stopped"
    assert one.go_on(job)["steps"] == 3000
    until(lambda: one.job(job)["state"] == "painting", 60)
    assert one.job(job)["phase"].endswith(("of 2)", "32 px"))
    assert one.job(job)["seconds_left"] > 0
    one.stop(job)
    ended(one, job, 60)
    # Without a state a new job begins with the picture.
    one._ledger.shelf.path(job, "run.state").write_bytes(b"damaged")
    one.go_on(job)
    damaged = ended(one, job, 60)
    assert damaged["state"] == "stopped"
    assert "not a saved run" in damaged["events"][-1]
    assert str(one._ledger.shelf.path(job)) not in damaged["events"][-1]
    child = one.go_on(job, 2)
    assert child["parent"] == job
    done = ended(one, child["id"], 120)
    assert (done["state"], done["error"]) == ("done", None)
    assert done["losses"][0][1] < one.job(job)["losses"][0][1]


def test_masks_are_pictures_that_were_sent(one, asked, photo):
    half = np.zeros((33, 45, 3), np.float32)
    half[:, 22:] = 1
    mask = one.upload(encode.encode(half, "PNG", description=None), "brush.png")["id"]
    done = ended(one, one.submit({**asked(steps=12), "keep_mask": mask})["id"], 120)
    assert (done["state"], done["error"]) == ("done", None)
    path, _ = one.result(done["id"])
    shown = files.read(path)
    kept = nst_jax.images.resize.resize(photo, shown.shape[:2])
    apart = np.abs(shown - kept).max(axis=(0, 2))
    assert apart[-10:].max() < 1 / 255
    assert apart[:10].min() > 4 / 255
    assert files.read_description(path)["masks"] == {"keep_mask": "brush.png"}
    wrong = one.upload(png(64, 16), "wide.png")["id"]
    failed = ended(one, one.submit({**asked(), "keep_mask": wrong})["id"], 60)
    assert failed["state"] == "failed"
    assert failed["error"].startswith("wide.png: is 16x64 pixels, of another")
