"""Jobs: what tells them apart, what they may vary, what is refused."""

import dataclasses
import hashlib
import json
import pickle
import re

import numpy as np
import pytest
from support.batch_pictures import ADAM, PAINTINGS, PHOTOS, job

from nst_jax.errors import OptionsError
from nst_jax.images import files
from nst_jax.images.source import Source
from nst_jax.options import VARYING, Options
from nst_jax.transfer import jobs
from weights_convert.errors import NetworkError

FILES = {"a.png": "11", "b.png": "22", "c.png": "33", "start.png": "44"}


def digest(content="a.png", styles=("b.png",), weights="w", files=FILES, **options):
    one = jobs.Job(Source(content), tuple(map(Source, styles)), Options(**options))
    return one.digest(files, weights)


def test_a_digest_tells_apart_what_gives_other_pictures():
    others = [
        digest(),
        digest(content="c.png"),
        digest(styles=("c.png",)),
        digest(styles=("b.png", "c.png")),
        digest(styles=("c.png", "b.png")),
        digest(weights="others"),
        digest(files={**FILES, "a.png": "12"}),
        digest(size=64),
        digest(steps=199),
        digest(seed=1),
        digest(init="pink"),
        digest(init="start.png"),
        digest(init="start.png", files={**FILES, "start.png": "45"}),
        digest(style_tap_weights=(1.0,) * 5),
    ]
    assert len(set(others)) == len(others)
    assert all(re.fullmatch("[0-9a-f]{64}", one) for one in others)


def test_a_digest_is_the_same_for_the_same_picture():
    renamed = {**FILES, "z.png": "11"}
    assert digest(content="z.png", files=renamed) == digest()
    assert digest(style_weight=10) == digest(style_weight=10.0)
    # What is at its default has no part, so that a new option changes nothing.
    assert digest(style_loss="w2", size=512) == digest()


def test_digests_and_defaults_change_together():
    """Manifests and states keep them; options at their defaults have no part."""
    defaults = {f.name: f.default for f in dataclasses.fields(Options)}
    table = json.dumps(defaults, sort_keys=True)
    seal = hashlib.sha256(f"{jobs.SCHEME} {table}".encode()).hexdigest()[:12]
    # Another seal: raise SCHEME if a default changed, then write both anew.
    assert (seal, digest()[:12]) == ("75a081e1a1a1", "3f42efc03c3c")


def test_what_decays_over_all_sizes_is_another_picture_than_it_was():
    """Once the decay began anew at each size; nothing else got another digest."""
    adam = {"solver": "adam", "pyramid": 2}
    parts = [jobs.SCHEME, "11", ["22"], "w", {"pyramid": 2.0}]

    def by_hand(parts):
        text = json.dumps(parts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    assert digest(pyramid=2) == by_hand(parts)
    parts[-1]["solver"] = "adam"
    assert digest(**adam) != by_hand(parts)
    parts[-1]["learning_rate_decay"] = "none"
    assert digest(**adam, learning_rate_decay="none") == by_hand(parts)


def test_a_trunk_is_the_course_that_more_steps_share():
    def trunk(**options):
        options = Options(**{"pyramid": 1, **options})
        one = jobs.Job(Source("a.png"), (Source("b.png"),), options, at=(3,))
        return one.trunk.digest(FILES, "w")

    assert trunk(steps=10) == trunk(steps=20) != trunk(steps=10, seed=1)
    # The step size falls over all steps, and sizes share them out.
    for change in (
        {"solver": "adam"},
        {"pyramid": 2},
        {"learning_rate_decay": "cosine"},
        {"finish_loss": "w2"},
    ):
        assert trunk(steps=10, **change) != trunk(steps=20, **change)
    constant = {"solver": "adam", "learning_rate_decay": "none"}
    assert trunk(steps=10, **constant) == trunk(steps=20, **constant)


def test_jobs_are_plain_data():
    one = jobs.Job(Source("a.png"), (Source("b.png"),), ADAM, at=(1, 2))
    assert pickle.loads(pickle.dumps(one)) == one
    assert len({one, dataclasses.replace(one), dataclasses.replace(one, at=())}) == 2
    start = dataclasses.replace(one, options=Options(init="c.png"))
    assert [s.key for s in start.sources] == ["a.png", "b.png", "c.png"]
    assert (
        jobs.Job(*(one.content, one.styles), Options(init="style")).start
        == one.styles[0]
    )


def test_arrays_are_told_apart_by_their_pixels():
    assert job(PHOTOS[0], PAINTINGS[0]) == job(PHOTOS[0].copy(), PAINTINGS[0])
    contents = jobs.digests([job(photo, PAINTINGS) for photo in PHOTOS])
    assert len(set(contents.values())) == len(PHOTOS) + len(PAINTINGS)


def test_variations_are_all_combinations_the_first_slowest():
    values = np.geomspace(1, 100, 3)
    found = jobs.variations(ADAM, {"style_weight": values, "seed": [4, 5]})
    assert [(o.style_weight, o.seed) for o in found] == [
        (weight, seed) for weight in (1, 10, 100) for seed in (4, 5)
    ]


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ({"solver": ["adam"]}, "solver can't vary within a batch; these can: "),
        ({"colour": [1]}, "colour can't vary within a batch; these can: "),
        ({"seed": []}, "seed: the sweep names no values"),
        ({"style_weight": [-1.0]}, "style_weight=-1.0 is out of range"),
    ],
)
def test_sweeps_that_are_refused(sweep, message):
    with pytest.raises(OptionsError) as raised:
        jobs.variations(ADAM, sweep)
    assert str(raised.value).startswith(message)
    if "these can" in message:
        assert str(raised.value).endswith(", ".join(VARYING))


def test_jobs_of_one_batch_differ_in_what_may_vary_only():
    one = job(PHOTOS[0], PAINTINGS[0])
    jobs.check(
        [one, dataclasses.replace(one, options=dataclasses.replace(ADAM, seed=3))]
    )
    other = dataclasses.replace(one, options=dataclasses.replace(ADAM, steps=7))
    for bad, message in (
        ([one, other], r"^steps can't vary within a batch: 6 and 7$"),
        ([], r"^the batch is empty: name photos and paintings$"),
        ([job(PHOTOS[0], [])], r"^no painting given: name one or more"),
        (
            [job(PHOTOS[0], PAINTINGS[0], Options(style_blend=(1.0, 2.0)))],
            r"^style_blend has 2 shares for 1 painting; give one for each$",
        ),
    ):
        with pytest.raises(OptionsError, match=message):
            jobs.check(bad)
    with pytest.raises(
        OptionsError, match=r"^lanes=0 is out of range: give 1 or more$"
    ):
        jobs.check([one], 0)
    with pytest.raises(NetworkError, match="has no tap relu9_9"):
        jobs.check([job(PHOTOS[0], PAINTINGS[0], Options(content_taps=("relu9_9",)))])
    with pytest.raises(NetworkError, match="'vgg99' is not known; choose one of vgg19"):
        jobs.check([job(PHOTOS[0], PAINTINGS[0], Options(network="vgg99"))])
    with pytest.raises(OptionsError, match=r"init='no\.png' is neither content, style"):
        jobs.check_start(Options(init="no.png"))


def test_a_start_may_lie_at_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    start = tmp_path / "s.png"
    files.write(start, np.zeros((3, 4, 3), np.float32))
    one, other = (
        job(PHOTOS[0], PAINTINGS[0], Options(init=i)) for i in (str(start), "~/s.png")
    )
    assert one.start == other.start == Source(str(start))
    jobs.check_start(other.options)
    found = [one.digest(jobs.digests([one]), "w") for one in (one, other)]
    assert found[0] == found[1]
    with pytest.raises(OptionsError, match=r"init='~/none\.png' is neither"):
        jobs.check_start(Options(init="~/none.png"))
