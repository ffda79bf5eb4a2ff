"""What holds for any options and any shapes, tried by hypothesis.

The examples are the same in every run (`derandomize`); more of them by
`HYPOTHESIS_EXAMPLES=2000 pytest tests/unit/test_properties.py`.
"""

import dataclasses
import json
import os

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.any_options import anything, options

from nst_jax import fields
from nst_jax.collection import naming
from nst_jax.errors import NstError, OptionsError, plain
from nst_jax.feedforward.tiles import spans
from nst_jax.images import frames, resize
from nst_jax.images.source import Source
from nst_jax.options import FIELDS, Options, changed
from nst_jax.transfer import idle, sizes
from nst_jax.transfer.jobs import Job, check_options, check_start
from weights_convert.errors import WeightsError

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", 20))
some = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
SIDES = st.integers(1, 40)
SHAPES = st.tuples(SIDES, SIDES)


def job_of(given: Options) -> Job:
    return Job(Source.of("photo.png"), (Source.of("painting.png"),), given)


def digest(given: Options) -> str:
    contents = {name: name for name in ("photo.png", "painting.png", given.init)}
    return job_of(given).digest(contents, "weights")


# Options.


@st.composite
def named_values(draw: st.DrawFn) -> tuple[str, object]:
    name = draw(st.sampled_from([*FIELDS]))
    return name, draw(anything(FIELDS[name]))


@settings(some, max_examples=3 * EXAMPLES)
@given(named_values())
def test_any_value_is_taken_or_refused_in_a_line(named):
    name, value = named
    line = ""
    try:
        made = Options(**{name: value})
    except OptionsError as error:
        line = str(error)
    if line:
        assert line == plain(line)
        assert name.split("_")[0] in line
        return
    found = getattr(made, name)
    assert found == fields.plain(FIELDS[name], value)
    assert Options(**{name: found}) == made


@settings(some, max_examples=5 * EXAMPLES)
@given(
    st.sampled_from([*FIELDS]),
    st.text(max_size=12) | st.integers().map(str) | st.floats().map(str),
)
def test_any_text_is_a_value_or_refused_in_a_line(name, text):
    line = ""
    try:
        made = Options(**{name: fields.parse(FIELDS[name], text)})
    except OptionsError as error:
        line = str(error)
    assert line == plain(line)
    assert line or getattr(made, name) == fields.parse(FIELDS[name], text)


@some
@given(options())
def test_options_come_back_from_metadata_flags_and_tables(made):
    told = json.loads(json.dumps(dataclasses.asdict(made)))
    assert Options(**told) == made
    assert Options(**changed(made)) == made
    assert hash(Options(**told)) == hash(made)
    for name, value in changed(made).items():
        field = FIELDS[name]
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        # A name may have spaces and commas; a list's items have none around them.
        if fields.base_type(field.type) is not str and text.strip():
            assert fields.parse(field, text) == value


@some
@given(options(), options())
def test_digests_are_equal_where_options_are(one, two):
    assert digest(Options(**changed(one))) == digest(one)
    assert (digest(one) == digest(two)) == (one == two)


@some
@given(options())
def test_any_options_have_a_plan_or_a_line(made):
    """Before a picture is read: what doesn't fit, what has no effect, the sizes."""
    line = ""
    try:
        check_start(made)
        check_options(made, 1)
    except (NstError, WeightsError) as error:
        line = str(error)
    assert line == plain(line)
    if line:
        return
    for line in idle.lines([job_of(made)], [*changed(made)]):
        assert line.startswith("--")
        assert line == plain(line)
    if made.size == "original":
        return
    found = sizes.scales(made)
    assert [scale.size for scale in found] == sorted(scale.size for scale in found)
    assert found[-1].size == made.size
    assert found[-1].until == made.steps
    ends = [scale.until for scale in found]
    assert ends == sorted(ends)
    assert len(sizes.sides(made)) == len(set(sizes.sides(made)))


# Shapes.


@some
@given(SHAPES, st.integers(1, 3), SIDES, SIDES)
def test_what_is_padded_is_cut_out_again(shape, depth, down, across):
    image = np.arange(np.prod([*shape, depth]), dtype=np.float32)
    image = image.reshape(*shape, depth) + 1
    frame = shape[0] + down - 1, shape[1] + across - 1
    padded = frames.pad(image, frame)
    assert padded.shape == (*frame, depth)
    np.testing.assert_array_equal(padded[: shape[0], : shape[1]], image)
    assert np.count_nonzero(padded) == image.size


@some
@given(st.lists(SHAPES, min_size=1, max_size=30))
def test_every_picture_has_a_frame_that_holds_it(shapes):
    found = frames.frames(shapes)
    assert found.keys() == set(shapes)
    assert len(set(found.values())) <= 6
    for (height, width), (down, across) in found.items():
        assert down >= height
        assert across >= width
    assert frames.frames(shapes[::-1]) == found


@some
@given(st.integers(1, 10**5), st.integers(1, 10**5), st.integers(1, 10**5))
def test_the_longest_side_is_what_was_asked_for(height, width, longest):
    found = resize.fit(height, width, longest)
    assert max(found) == longest
    assert min(found) >= 1
    short = min(height, width) * longest / max(height, width)
    assert abs(min(found) - short) <= 1


@some
@given(SHAPES, SHAPES)
def test_a_crop_has_the_ratio_and_touches_two_sides(shape, ratio):
    image = np.zeros((*shape, 3), np.float32)
    found = resize.crop(image, ratio).shape[:2]
    assert found == resize.cropped(shape, ratio)
    assert found[0] == shape[0] or found[1] == shape[1]
    height, width = found
    down, across = ratio
    near = abs(height * across - width * down) <= max(down, across)
    assert near or 1 in found


@some
@given(SHAPES, SHAPES | st.none(), SHAPES | st.none(), st.integers(0, 2**32))
def test_rows_give_what_the_whole_gives(shape, ratio, size, seed):
    image = np.random.default_rng(seed).random((*shape, 3), np.float32)

    def rows(top, bottom, channels):
        return image[top:bottom, :, channels]

    found = resize.resize_rows(rows, shape, ratio=ratio, size=size)
    part = resize.crop(image, ratio or shape)
    expected = resize.resize(part, size or part.shape[:2])
    np.testing.assert_array_equal(found, expected)
    assert 0 <= found.min() <= found.max() <= 1


@some
@given(st.integers(1, 400), st.integers(1, 80), st.integers(0, 30))
def test_tiles_own_every_pixel_once(length, tile, beyond):
    found = spans(length, tile, beyond)
    owned = [place for one in found for place in range(one.begin, one.end)]
    assert owned == list(range(length))
    assert len({one.size for one in found}) == 1
    for one in found:
        last = one.first + one.size
        assert 0 <= one.first <= one.begin < one.end <= last <= length
        # It sees so far beyond what is its own, or to the border.
        assert one.first in (0, length - one.size) or one.begin - one.first == beyond
        assert one.begin - one.first >= beyond or one.first == 0
        assert last - one.end >= beyond or last == length


# Names.


@some
@given(st.lists(st.text(min_size=1, max_size=300), min_size=1, max_size=8))
def test_labels_are_names_that_stay_in_a_folder(paths):
    found = naming.labels(paths)
    assert len({*zip(paths, found, strict=True)}) == len(set(paths))
    for label in found:
        assert label == plain(label)
        assert "/" not in label
        assert label not in ("", ".", "..")
        assert not label.startswith(".")
        assert len(label.encode()) <= 120
    jobs = [{"content": n, "style": "s", "varied": ""} for n in dict.fromkeys(found)]
    for name in naming.file_names(naming.DEFAULT_TEMPLATE, jobs):
        assert os.path.normpath(f"out/{name}") == f"out/{name}"


@some
@given(st.text(max_size=60))
def test_a_template_is_a_name_in_the_folder_or_a_line(template):
    line, name = "", "a.png"
    try:
        (name,) = naming.file_names(template, [{"content": "../a", "style": "/b"}])
    except OptionsError as error:
        line = str(error)
    assert line == plain(line)
    assert os.path.normpath(f"out/{name}").startswith("out/")
