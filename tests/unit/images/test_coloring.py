"""`--color` in runs: what the network sees, and what is shown of what it makes."""

import dataclasses

import numpy as np
import pytest

import nst_jax
from nst_jax.images import color, coloring, resize
from nst_jax.options import Options
from nst_jax.transfer import batch
from nst_jax.transfer.pictures import Reader

_OPTIONS = Options(
    size=33,
    steps=4,
    solver="adam",
    content_taps=("relu1_2",),
    style_taps=("relu1_1",),
)

_MADE = {
    "luminance": color.match_luminance,
    "luminance_unmatched": lambda style, content: color.grey(style),
    "histogram": color.match_histograms,
    "linear": color.match_linear,
    "linear_cholesky": lambda style, content: color.match_linear(
        style, content, "cholesky"
    ),
}
_LUMINANCE = ("luminance", "luminance_unmatched")


@pytest.fixture
def stylize(photo, painting, tiny_network):
    """`nst_jax.stylize` of the two pictures by the tiny network."""

    def run(options, content=photo, style=painting, **keywords):
        return nst_jax.stylize(
            content, style, options, network=tiny_network, **keywords
        )

    return run


def of(way, **others):
    return dataclasses.replace(_OPTIONS, color=way, **others)


def seen(way, photo, style):
    """A photo, and a painting in `way`, as the network is to see them."""
    grey = way in _LUMINANCE
    return color.grey(photo) if grey else photo, _MADE[way](style, photo)


def shown(way, photo, image):
    return color.with_luminance(photo, image) if way in _LUMINANCE else image


def test_all_are_tested():
    (field,) = (f for f in dataclasses.fields(Options) if f.name == "color")
    assert {"style", *_MADE} == set(field.metadata["choices"])


@pytest.mark.parametrize("way", _MADE)
def test_a_run_is_that_of_the_pictures_changed(stylize, photo, painting, way):
    content, style = (resize.resize_longest(i, 33) for i in (photo, painting))
    found = stylize(of(way))
    expected = stylize(_OPTIONS, *seen(way, content, style))
    np.testing.assert_allclose(found.losses, expected.losses, rtol=1e-5)
    np.testing.assert_allclose(
        found.image, shown(way, content, expected.image), atol=1e-4
    )
    assert np.abs(found.image - stylize(_OPTIONS).image).mean() > 3e-3


@pytest.mark.parametrize("way", _MADE)
def test_a_start_from_the_painting_is_changed_too(stylize, photo, painting, way):
    content = resize.resize_longest(photo, 33)
    start = resize.resize(painting, content.shape[:2])
    _, expected = seen(way, content, start)
    found = stylize(of(way, init="style", steps=0))
    np.testing.assert_allclose(found.image, shown(way, content, expected), atol=1e-5)


def test_another_start_is_grey_where_only_luminance_is_painted(photo, painting):
    start = resize.resize(painting, photo.shape[:2])
    for way in _LUMINANCE:
        grey = coloring.of_start(start, photo, of(way, init="start.png"))
        np.testing.assert_array_equal(grey, color.grey(start))
    for way in ("histogram", "linear"):
        assert coloring.of_start(start, photo, of(way, init="start.png")) is start


def test_photos_that_look_the_same_are_one(photo, painting):
    reader = Reader()
    seen = {way: reader.read(photo, [painting], of(way)).content for way in _MADE}
    assert len({id(content) for content in seen.values()}) == 2
    assert seen["luminance"] is seen["luminance_unmatched"]


def test_previews_of_every_size_have_the_photos_colours(
    stylize, photo, painting, tmp_path
):
    options = of("luminance_unmatched", size=128, pyramid=2)
    raw, previews = [], []
    every_step = {"every": (1,)}
    stylize(
        dataclasses.replace(options, color="style"),
        *(color.grey(photo), color.grey(painting)),
        on_progress=lambda progress: raw.append(progress.image()),
        **every_step,
    )
    whole = stylize(
        options,
        on_progress=lambda progress: previews.append(progress.image()),
        **every_step,
    )
    assert {image.shape for image in previews} == {(47, 64, 3), (94, 128, 3)}
    for image, unfinished in zip(previews, raw, strict=True):
        own = resize.resize(resize.resize_longest(photo, 128), image.shape[:2])
        expected = color.with_luminance(own, unfinished)
        # Rounding turns single pixels of Adam's first step.
        assert np.abs(image - expected).mean() < 1e-4
        assert np.abs(image - unfinished).mean() > 0.02
    np.testing.assert_array_equal(previews[-1], whole.image)

    # What is kept to go on from is the optimised image itself.
    state = {"state_file": tmp_path / "run.state"}
    part = stylize(
        options, on_progress=lambda p: p.image().shape[0] == 94, **every_step, **state
    )
    assert part.iterations < options.steps
    np.testing.assert_array_equal(part.image, previews[len(part.losses) - 1])
    rest = stylize(options, resume=True, **every_step, **state)
    np.testing.assert_array_equal(rest.image, whole.image)


def test_matching_the_result_is_the_last_thing_done(stylize, photo):
    own = resize.resize_longest(photo, 33)
    for way in ("luminance", "linear"):
        found = stylize(of(way, color_after="histogram"))
        plain = stylize(of(way))
        np.testing.assert_array_equal(
            found.image, color.match_histograms(plain.image, own)
        )
        assert found.loss == plain.loss
        assert found.iterations == _OPTIONS.steps


def test_lanes_of_every_kind_side_by_side(photo, painting, tiny_network):
    # The second photo has padding in their frame; it counts for nothing.
    photos = [resize.resize(photo, (height, 33)) for height in (24, 23)]
    kinds = [{}, *({"color": way} for way in _MADE), {"color_after": "histogram"}]
    jobs = [
        batch.Job(content, (painting,), dataclasses.replace(_OPTIONS, **kind))
        for content in photos
        for kind in kinds
    ]
    found = dict(batch.run_jobs(jobs, lanes=5, network=tiny_network))
    assert len({result.image.tobytes() for result in found.values()}) == len(jobs)
    for place in range(len(kinds), len(jobs)):
        job = jobs[place]
        alone = nst_jax.stylize(
            job.content, job.styles, job.options, network=tiny_network
        )
        np.testing.assert_allclose(found[place].losses, alone.losses, rtol=1e-4)
        np.testing.assert_allclose(found[place].image, alone.image, atol=1e-3)


@pytest.mark.parametrize("way", _MADE)
def test_a_painting_depends_on_this_option_alone(photo, painting, way):
    weighed = of(way, style_weight=3.0, color_after="histogram")
    np.testing.assert_array_equal(
        coloring.of_painting(painting, photo, weighed), seen(way, photo, painting)[1]
    )
