"""Regions of photos: what is asked for, what comes of it, what is refused."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.batch_pictures import (
    LARGE,
    PAINTINGS,
    PHOTOS,
    PYRAMID,
    SHALLOW,
    assert_close,
    assert_same,
    picture,
)
from support.classic import classic
from support.masks import divided_job, halves, lane_of_job

from nst_jax import stylize, stylize_batch
from nst_jax.errors import ImageError, OptionsError
from nst_jax.images import color, files, resize
from nst_jax.options import FIELDS
from nst_jax.transfer import jobs as asked
from nst_jax.transfer.problem import Studio
from nst_jax.transfer.regions import Regions

PHOTO = PHOTOS[0]
SHAPE = PHOTO.shape[:2]
WHITE = np.ones(SHAPE, np.float32)
LEFT = halves(*SHAPE)
RIGHT = 1 - LEFT
LABELS = LEFT.astype(int)
NEARLY = np.array([[0, 0, 0], [255, 0, 0]], np.uint8)
TAPS = ("relu1_1", "relu2_1")
DEEP = dataclasses.replace(SHALLOW, style_tap_decay=1.0, style_taps=TAPS)


@pytest.fixture
def paint(tiny_network):
    """`stylize` of a photo and two paintings by the tiny network."""

    def run(options=SHALLOW, content=PHOTO, styles=tuple(PAINTINGS), **given):
        return stylize(content, [*styles], options, network=tiny_network, **given)

    return run


def posed(network, job):
    """Objective, data, and the lane of a job alone."""
    studio, lane = Studio(network, job.options), lane_of_job(job)
    return studio.of_form(lane.form), studio.pose([lane]), lane


def gradient_of(objective, problem, image):
    """The gradient of the losses of an image."""

    @jax.jit
    def pull(image, problem):
        return jax.grad(lambda image: objective(image[None], problem)[0][0])(image)

    return np.asarray(pull(image, problem))


def test_a_white_mask_of_one_painting_is_none(paint):
    plain = paint(styles=PAINTINGS[:1])
    assert_same(paint(styles=PAINTINGS[:1], masks=[WHITE]), plain)
    assert_same(paint(styles=PAINTINGS[:1], masks=WHITE.astype(bool)), plain)
    assert_same(paint(styles=PAINTINGS[:1], keep_mask=0 * WHITE), plain)
    assert_same(paint(styles=PAINTINGS[:1], color_mask=WHITE), plain)


@pytest.mark.slow
def test_regions_in_another_order_and_other_colours_are_the_same(paint):
    expected = paint(masks=[LEFT, RIGHT])
    turned = paint(styles=PAINTINGS[::-1], masks=[RIGHT, LEFT])
    assert_close(turned, dataclasses.replace(expected, options=turned.options))
    for labels in (LABELS, 7 - 3 * LABELS):
        left, right = labels[0, 0], labels[0, -1]
        regions = {left: 0, f"{right}": [1]}
        assert_close(paint(content_regions=labels, regions=regions), expected)
    colours = np.array([[0, 0, 255], [255, 255, 0]], np.uint8)[LABELS]
    named = {"yellow": 0, "#0000ff": 1}
    assert_close(paint(content_regions=colours, regions=named), expected)
    shares = np.stack([RIGHT, LEFT], axis=-1)
    assert_close(paint(content_regions=shares, regions={1: 0, 0: 1}), expected)
    # They are not what a blend gives.
    assert np.abs(paint().image - expected.image).max() > 0.02


@pytest.mark.slow
def test_darker_masks_and_larger_files_are_the_same(paint):
    expected = paint(masks=[LEFT, RIGHT])
    assert_close(paint(masks=[0.25 * LEFT, 0.25 * RIGHT]), expected)
    twice = [mask.repeat(2, 0).repeat(2, 1) for mask in (LEFT, RIGHT)]
    assert_same(paint(masks=twice), expected)


@pytest.mark.slow
def test_complementary_masks_of_one_painting_share_its_loss(tiny_network):
    """By numpy: Gram matrices of regions, weighted by their areas."""
    soft = np.linspace(0, 1, SHAPE[1], dtype=np.float32) * np.ones(SHAPE, np.float32)
    masks, style = (soft, 1 - soft), PAINTINGS[0]
    job = divided_job(PHOTO, [style, style], DEEP, masks=list(masks))
    objective, problem, lane = posed(tiny_network, job)
    image = picture(40, *SHAPE)
    _, found = jax.jit(objective)(jnp.asarray(image)[None], problem)
    parts = {name: float(part[0]) for name, part in found.items()}
    views = tiny_network(jnp.asarray(image), TAPS)
    painted = tiny_network(jnp.asarray(lane.styles[0].pixels), TAPS)
    for tap, side in zip(TAPS, (1, 2), strict=True):
        features, wanted = (
            np.asarray(of[tap].features, float) for of in (views, painted)
        )
        channels = features.shape[-1]
        gram = np.einsum("hwi,hwj->ij", wanted, wanted) / wanted[..., 0].size
        for n, mask in enumerate(masks, 1):
            down, across = (length // side for length in SHAPE)
            cut = mask[: down * side, : across * side].astype(float)
            weight = cut.reshape(down, side, across, side).mean((1, 3))
            own = np.einsum("hw,hwi,hwj->ij", weight, features, features) / weight.sum()
            apart = np.mean(((own - gram) / channels) ** 2)
            expected = DEEP.style_weight * weight.mean() * apart
            assert parts[f"style/{tap}/{n}"] == pytest.approx(expected, rel=1e-3)


def test_style_pulls_nothing_outside_of_its_region(tiny_network):
    """But for what the kernels of the first layer see: one pixel."""
    options = dataclasses.replace(SHALLOW, content_weight=0.0)
    job = divided_job(PHOTO, PAINTINGS[:1], options, masks=LEFT)
    objective, problem, _ = posed(tiny_network, job)
    gradient = gradient_of(objective, problem, PHOTO)
    edge = int(LEFT[0].sum())
    assert np.abs(gradient[:, :edge]).max() > 0
    np.testing.assert_array_equal(gradient[:, edge + 1 :], 0)


EVERY = [
    *(
        {"style_loss": name}
        for name in FIELDS["style_loss"].metadata["choices"]
        if name != "neighbors"  # Its targets follow: see test_following.py.
    ),
    *({"gram": name} for name in FIELDS["gram"].metadata["choices"] if name != "caffe"),
]


@pytest.mark.slow  # A program for each.
@pytest.mark.parametrize("loss", EVERY, ids=lambda of: "-".join(of.values()))
def test_each_half_is_pulled_by_its_own_painting_whatever_the_loss(tiny_network, loss):
    job = divided_job(
        *(PHOTO, PAINTINGS, dataclasses.replace(SHALLOW, **loss)),
        masks=[LEFT, RIGHT],
    )
    objective, problem, _ = posed(tiny_network, job)

    @jax.jit
    def pulled(image, problem):
        def style(image):
            _, parts = objective(image[None], problem)
            return jnp.stack([parts[f"style/relu1_1/{n}"][0] for n in (1, 2)])

        return style(image), jax.jacrev(style)(image)

    values, gradients = pulled(picture(40, *SHAPE), problem)
    edge = int(LEFT[0].sum())
    assert np.isfinite(values).all()
    assert np.isfinite(gradients).all()
    assert values.min() > 0
    for place, (own, other) in enumerate(
        [(slice(0, edge), slice(edge + 1, None)), (slice(edge, None), slice(edge - 1))]
    ):
        assert np.abs(gradients[place][:, own]).max() > 0
        np.testing.assert_array_equal(gradients[place][:, other], 0)


@pytest.mark.slow
def test_a_region_like_a_region(paint, tiny_network):
    """The left like the painting's upper half: as if that were all of it."""
    height, width, _ = PAINTINGS[0].shape
    labels = np.arange(height)[:, None] // (height // 2) * np.ones(width, int)
    maps = {"content_regions": 1 - LABELS, "style_regions": [np.minimum(labels, 1)]}
    options = dataclasses.replace(DEEP, size=max(SHAPE), content_weight=0.0)
    job = divided_job(PHOTO, PAINTINGS[:1], options, **maps)
    _, problem, lane = posed(tiny_network, job)
    upper = lane.styles[0].pixels
    features = np.asarray(
        tiny_network(jnp.asarray(upper), TAPS[:1])["relu1_1"].features
    )
    weight = lane.masks.styles[0][0][1].pixels[..., None]
    expected = np.einsum("hwi,hwj->ij", weight * features, features)
    (found,) = np.asarray(problem.targets["style/relu1_1/1"].values)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert lane.masks.names == ("region 0", "region 1")
    paint(styles=PAINTINGS[:1], **maps)  # Takes the same.


@pytest.mark.parametrize("content_loss", ["mean", "self_similarity"])
def test_where_some_is_kept_the_photo_is_at_rest_by_its_own_content(
    tiny_network, content_loss
):
    """It is seen as the picture is, where it is painted; lanes as alone."""
    options = dataclasses.replace(
        SHALLOW, content_loss=content_loss, content_weight=1.0, style_weight=0.0
    )
    jobs = [
        divided_job(PHOTO, PAINTINGS[:1], options, keep_mask=mask)
        for mask in (LEFT, RIGHT)
    ]
    studio, lanes = Studio(tiny_network, options), [lane_of_job(job) for job in jobs]
    problem = studio.pose(lanes)
    objective = jax.jit(studio.of_form(lanes[0].form))
    there, _ = objective(jnp.stack([PHOTO, PHOTO]), problem)
    away, _ = objective(jnp.stack([PHOTO[::-1], PHOTO[::-1]]), problem)
    np.testing.assert_allclose(there, 0, atol=1e-5 * float(away.min()))
    shapes = studio.shapes(
        lanes[0].content.frame, 2, masked=False, share=True, form=lanes[0].form
    )
    leaves = [jax.tree.leaves(one) for one in (problem, shapes)]
    assert [x.shape for x in leaves[0]] == [x.shape for x in leaves[1]]
    assert jax.tree.structure(problem) == jax.tree.structure(shapes)


def test_what_a_painting_shows_nothing_of_asks_for_nothing(tiny_network):
    """A stripe in the painting that a deep tap doesn't see: its weight is 0 there."""
    height, width, _ = PAINTINGS[0].shape
    stripe = np.zeros((height, width), int)
    stripe[:, : width // 6] = 1
    options = dataclasses.replace(
        SHALLOW, style_taps=("relu1_1", "relu2_1"), mask_reach="inside"
    )
    job = divided_job(
        *(PHOTO, PAINTINGS[:1], options),
        content_regions=LABELS,
        style_regions=[stripe],
    )
    _, problem, _ = posed(tiny_network, job)
    weights = {name: float(w[0]) for name, w in problem.weights.items()}
    assert weights["style/relu2_1/2"] == 0
    assert weights["style/relu1_1/2"] > 0
    assert weights["style/relu2_1/1"] > 0


def test_what_is_kept_stays_and_the_rest_is_painted(paint):
    for way in ("style", "luminance"):
        options = dataclasses.replace(SHALLOW, color=way, init="noise")
        found = paint(options, keep_mask=LEFT)
        np.testing.assert_array_equal(found.image[LEFT == 1], PHOTO[LEFT == 1])
        assert np.abs(found.image - PHOTO)[LEFT == 0].mean() > 0.05
    soft = paint(dataclasses.replace(SHALLOW, mask_feather=6), keep_mask=LEFT)
    plain = paint(keep_mask=LEFT)
    assert np.abs(soft.image - plain.image).max() > 1e-3
    np.testing.assert_array_equal(soft.image[:, 0], PHOTO[:, 0])


@pytest.mark.slow
def test_colours_are_the_photos_where_a_mask_says_so(paint):
    """The picture is painted as without; what is light and dark stays so."""
    plain, lines = paint().image, list[str]()
    found = paint(color_mask=LEFT, report=lines.append).image
    share = round(100 * (1 - LEFT.mean()))
    assert lines[0].endswith(f": {share} % of the photo keeps its colours")
    np.testing.assert_array_equal(found[LEFT == 1], plain[LEFT == 1])
    by_hand = color.with_luminance(PHOTO, plain)
    np.testing.assert_allclose(found[LEFT == 0], by_hand[LEFT == 0], atol=1e-6)
    assert np.abs(found - plain)[LEFT == 0].mean() > 0.01
    both = paint(color_mask=LEFT, keep_mask=halves(*SHAPE, 0.2)).image
    np.testing.assert_array_equal(both[:, 0], PHOTO[:, 0])
    # The photo's colours everywhere: there are no others.
    luminance = dataclasses.replace(SHALLOW, color="luminance")
    lines.clear()
    found = paint(luminance, color_mask=LEFT, report=lines.append)
    assert_same(found, paint(luminance))
    assert lines[0] == "color_mask has no effect with color=luminance"
    # Masks of losses are others than those of colours.
    reach = dataclasses.replace(SHALLOW, mask_reach="all")
    paint(reach, color_mask=LEFT, report=lines.append)
    assert "mask_reach has no effect with color_mask alone" in lines
    caffe = dataclasses.replace(SHALLOW, gram="caffe", steps=1)
    assert paint(caffe, color_mask=LEFT).image.shape == PHOTO.shape


@pytest.mark.slow
def test_photo_in_a_map_keeps_it(paint):
    found = paint(
        styles=PAINTINGS[:1], content_regions=LABELS, regions={1: "photo", 0: 0}
    )
    assert_close(found, paint(styles=PAINTINGS[:1], keep_mask=LEFT))
    options = dataclasses.replace(SHALLOW, unmatched="photo")
    by_match = paint(
        *(options, PHOTO, PAINTINGS[:1]),
        content_regions=LABELS,
        style_regions=np.zeros(PAINTINGS[0].shape[:2], int),
    )
    assert_close(dataclasses.replace(by_match, options=found.options), found)
    first = dataclasses.replace(SHALLOW, unmatched="first")
    both = paint(first, content_regions=LABELS, regions={0: [0, 1]})
    assert np.abs(both.image - PHOTO)[LEFT == 1].mean() > 0.01


@pytest.mark.slow
def test_lanes_are_what_they_are_alone(run_jobs, paint):
    """Of two shapes in one frame, by masks of their own, and with plain ones."""
    photos = PHOTOS[:2]
    left = [
        halves(*photo.shape[:2], share)
        for photo, share in zip(photos, (0.4, 0.6), strict=True)
    ]
    given = [{"masks": [mask, 1 - mask]} for mask in left]
    jobs = [
        *(
            divided_job(photo, PAINTINGS, SHALLOW, **of)
            for photo, of in zip(photos, given, strict=True)
        ),
        divided_job(PHOTOS[0], PAINTINGS, SHALLOW),
        divided_job(PHOTOS[0], PAINTINGS, SHALLOW, keep_mask=left[0]),
        divided_job(PHOTOS[1], PAINTINGS, SHALLOW, keep_mask=left[1]),
        divided_job(PHOTOS[1], PAINTINGS, SHALLOW, color_mask=left[1]),
    ]
    found = run_jobs(jobs)
    keeping = [{}, *({"keep_mask": mask} for mask in left), {"color_mask": left[1]}]
    contents = [*photos, PHOTOS[0], *photos, PHOTOS[1]]
    for place, of in enumerate([*given, *keeping]):
        assert_close(found[place], paint(content=contents[place], **of))


@pytest.mark.slow
def test_options_of_masks_may_vary_in_lanes(run_jobs, paint):
    varied = [
        {},
        {"mask_balance": "equal"},
        {"mask_reach": "all"},
        {"mask_feather": 9.0},
        {"mask_reach": "inside"},
        {"mask_grow": 3},
        {"mask_grow": -3},
    ]
    options = [dataclasses.replace(SHALLOW, **of) for of in varied]
    third = halves(*SHAPE, 0.3)
    masks = {"masks": [third, 1 - third]}
    jobs = [divided_job(PHOTO, PAINTINGS, one, **masks) for one in options]
    found = run_jobs(jobs, lanes=len(jobs))
    images = [found[place].image for place in range(len(jobs))]
    for place, image in enumerate(images[1:], 1):
        assert np.abs(image - images[0]).max() > 1e-3, varied[place]
    assert_close(found[3], paint(options[3], **masks))


@pytest.fixture
def thin():
    """A photo, and a mask of 0.1 % of it: a 64th of a place of relu5_1."""
    mask = np.zeros((64, 64), np.float32)
    mask[10:12, 20:22] = 1
    return picture(1, 64, 64), mask


def test_a_thin_region_is_a_line(tiny_network, thin):
    photo, mask = thin
    deep = dataclasses.replace(SHALLOW, size=64, style_taps=("relu1_1", "relu5_1"))
    studio = Studio(tiny_network, deep)

    def lines(mask, **options):
        one = dataclasses.replace(deep, **options)
        return studio.thin(
            lane_of_job(divided_job(photo, PAINTINGS, one, masks=[mask, 1 - mask]))
        )

    (line,) = lines(mask)
    assert re.fullmatch(
        r"array \w{8}: a thin region, 0\.016 of 16 places of relu5_1: a larger region "
        r"or size, or earlier taps, would show more",
        line,
    )
    with pytest.raises(ImageError, match="none sees it: draw it larger, or"):
        lines(mask, mask_reach="inside")
    with pytest.raises(ImageError, match="or give a larger size, or mask_grow=0"):
        lines(mask, mask_grow=-1)
    assert not lines(mask, mask_reach="all", mask_grow=1)
    mask[:24] = 1
    assert not lines(mask)
    (line, _) = lines(mask, mask_reach="inside")
    assert "relu5_1 sees nothing of that region alone and is left out there" in line


@pytest.mark.slow
@pytest.mark.parametrize("reach", ["simple", "inside"])
def test_a_thin_region_is_painted_without_nan(paint, thin, reach):
    photo, mask = thin
    mask[8:14, 18:24] = 1
    options = dataclasses.replace(
        DEEP, size=64, style_taps=("relu1_1", "relu2_2"), mask_reach=reach, steps=2
    )
    lines: list[str] = []
    given = {"content": photo, "masks": [mask, 1 - mask], "report": lines.append}
    found = paint(options, **given)
    assert np.isfinite(found.losses).all()
    assert np.isfinite(found.image).all()
    assert found.loss < found.losses[0]
    assert [line for line in lines if "relu2_2" in line] or reach == "simple"


@pytest.mark.slow
def test_what_there_is_is_said(paint):
    colours = np.array([[0, 0, 0], [255, 0, 0]], np.uint8)
    lines: list[str] = []
    paint(
        styles=PAINTINGS[:1],
        content_regions=colours[LABELS],
        style_regions=[colours[halves(*PAINTINGS[0].shape[:2], 0.25).astype(int)]],
        report=lines.append,
    )
    share = round(100 * LEFT.mean())
    assert lines[:2] == [
        f"#000000 black: {100 - share} % of the photo, 76 % of painting 1",
        f"#ff0000 red: {share} % of the photo, 24 % of painting 1",
    ]


@pytest.mark.slow
def test_a_crop_and_a_start_by_the_painting(paint):
    options = dataclasses.replace(SHALLOW, crop="1:1", init="style")
    found = paint(options, masks=[LEFT, RIGHT], keep_mask=halves(*SHAPE, 0.2))
    height, width, _ = found.image.shape
    assert height == width
    assert np.isfinite(found.losses).all()


@pytest.mark.slow
def test_through_a_pyramid_stopped_and_resumed(tiny_network, tmp_path):
    photo = LARGE[0]
    mask = halves(*photo.shape[:2])
    options = dataclasses.replace(PYRAMID, mask_feather=5)
    given = {
        "masks": [mask, 1 - mask],
        "keep_mask": halves(*photo.shape[:2], 0.2),
        "network": tiny_network,
    }
    whole = stylize(photo, PAINTINGS, options, **given)
    np.testing.assert_array_equal(whole.image[:, :10], photo[:, :10])
    run = {**given, "state_file": tmp_path / "run.state"}
    part = stylize(photo, PAINTINGS, options, on_progress=lambda p: True, **run)
    assert not part.finished
    assert_same(stylize(photo, PAINTINGS, options, resume=True, **run), whole)
    small = resize.resize_longest(photo, 64)  # Enlarged, as the size wasn't reached.
    enlarged = resize.resize(small, photo.shape[:2])
    np.testing.assert_allclose(part.image[:, :5], enlarged[:, :5], atol=1e-6)


@pytest.mark.slow
def test_a_batch_in_python(tiny_network):
    masks = [{"keep_mask": LEFT}, None]
    found = stylize_batch(
        PHOTOS[:2], PAINTINGS[:1], SHALLOW, masks=masks, network=tiny_network
    )
    np.testing.assert_array_equal(found[0].image[LEFT == 1], PHOTO[LEFT == 1])
    assert np.abs(found[1].image[:, 0] - PHOTOS[1][:, 0]).max() > 0.01
    with pytest.raises(OptionsError, match="masks are 1 for 2 photos: give for each"):
        stylize_batch(PHOTOS[:2], PAINTINGS, masks=masks[:1])


@pytest.mark.slow
def test_grey_pictures_stay_grey_and_what_is_kept_has_colour(paint):
    grey = [np.repeat(one.mean(-1, keepdims=True), 3, -1) for one in PAINTINGS]
    options = dataclasses.replace(SHALLOW, content_weight=0.0, init="noise")
    found = paint(options, styles=grey, keep_mask=LEFT).image
    np.testing.assert_array_equal(found[LEFT == 1], PHOTO[LEFT == 1])
    photo = np.repeat(PHOTO.mean(-1, keepdims=True), 3, -1)
    found = paint(content=photo, styles=grey, masks=[LEFT, RIGHT]).image
    assert np.ptp(found, axis=-1).max() == 0


BAD = [
    ({"masks": [LEFT]}, "mask has 1 mask for 2 paintings; give one for each"),
    (
        {"masks": [LEFT, RIGHT], "content_regions": LABELS, "regions": {0: 0, 1: 1}},
        "mask and content_mask both say where: give one of them",
    ),
    ({"style_regions": [LABELS, LABELS]}, "style_mask needs content_mask, the photo's"),
    ({"regions": {"red": 0, "blue": 1}}, "regions needs content_mask, the photo's"),
    ({"content_regions": LABELS}, "content_mask says where; what is painted there is"),
    (
        {"content_regions": LABELS, "regions": {0: 0, 1: 0}},
        "regions: painting 2 is in no region: name it, or leave it out",
    ),
    (
        {"content_regions": LABELS, "regions": {0: 0, 1: 2}},
        "regions: there is no painting 2: of 2 paintings the first is 0",
    ),
    (
        {"content_regions": LABELS, "regions": {"red": 0, "#ff0000": 1}},
        "regions: #ff0000 red is named twice",
    ),
    (
        {"content_regions": LABELS, "regions": {0: "monet"}},
        "regions: 0: 'monet' is no painting: give its place, from 0, several",
    ),
    (
        {"content_regions": LABELS, "regions": {0: [0, 1], 5: "photo"}},
        "has no region 5, as regions say; it has region 0, region 1",
    ),
    (
        {"content_regions": LABELS, "regions": {0: [0, 1]}},
        "region 1 is not in regions: give it there too, or unmatched=photo, which",
    ),
    (
        {"content_regions": NEARLY[LABELS], "regions": {"#ff0000": 0, "#fa0505": 1}},
        "regions name #ff0000 red twice, the second time as #fa0505",
    ),
    ({"masks": [0 * LEFT, RIGHT]}, "the mask is black everywhere: nothing would be"),
    ({"keep_mask": WHITE}, "the mask is white everywhere: all of the photo would be"),
    ({"masks": [LEFT.T, RIGHT.T]}, "is 33x24 pixels, of another aspect ratio than the"),
    ({"keep_mask": "gone.png"}, "gone.png: no such file; check the name"),
    ({"color_mask": LEFT.T}, "is 33x24 pixels, of another aspect ratio than the photo"),
    ({"color_mask": PHOTO}, "has colours, but a mask is grey: white where it counts"),
]


@pytest.mark.parametrize(("given", "line"), BAD)
def test_what_does_not_fit_is_refused(paint, given, line):
    with pytest.raises((OptionsError, ImageError)) as raised:
        paint(**given)
    assert line in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_grams_that_count_the_pictures_pixels_have_no_regions(paint):
    with pytest.raises(OptionsError, match="gram=caffe divides the painting's Gram"):
        paint(dataclasses.replace(SHALLOW, gram="caffe"), masks=[LEFT, RIGHT])


def test_a_result_tells_the_masks_that_divided_it(paint, tmp_path):
    paths = [tmp_path / name for name in ("left.png", "right.png", "map.png")]
    for path, mask in zip(paths, (LEFT, RIGHT, LEFT), strict=True):
        files.write(path, np.repeat(mask[..., None], 3, -1))
    left, right, colours = map(str, paths)
    found = paint(masks=[left, right], keep_mask=0 * LEFT, color_mask=left)
    told = found.description()["masks"]
    array = told.pop("keep_mask")
    assert re.fullmatch(r"array \w{8}", array)
    assert told == {"mask": [left, right], "color_mask": left}
    found.save(tmp_path / "made.png")
    assert files.read_description(tmp_path / "made.png")["masks"]["mask"][0] == left
    assert "masks" not in paint().description()
    job = divided_job(
        *("photo.jpg", ["a.jpg", "b.jpg"], SHALLOW),
        content_regions=colours,
        regions={"white": [0, 1], "black": "photo"},
    )
    assert job.mask_names == {
        "content_mask": colours,
        "regions": {"#ffffff": ["a.jpg", "b.jpg"], "#000000": "photo"},
    }
    matched = divided_job(
        "photo.jpg", ["a.jpg"], SHALLOW, content_regions=left, style_regions=[right]
    )
    assert matched.mask_names == {"content_mask": left, "style_mask": [right]}


def test_masks_make_another_picture():
    plain = divided_job(PHOTO, PAINTINGS, classic())
    assert plain.regions is None
    contents = {}
    jobs = [plain]
    for given in (
        {"masks": [LEFT, RIGHT]},
        {"masks": [RIGHT, LEFT]},
        {"keep_mask": LEFT},
        {"color_mask": LEFT},
        {"content_regions": LABELS, "regions": {0: 0, 1: 1}},
        {"content_regions": LABELS, "regions": {0: 1, 1: 0}},
        {"content_regions": LABELS, "style_regions": [LABELS, LABELS]},
    ):
        jobs.append(divided_job(PHOTO, PAINTINGS, classic(), **given))
    contents = asked.digests(jobs)
    found = {job.digest(contents, "w") for job in jobs}
    assert len(found) == len(jobs)
    assert Regions.of() is None
