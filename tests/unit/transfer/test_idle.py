"""Options that can't matter are said, and no others: shown by what comes out."""

import dataclasses
import functools

import numpy as np
import pytest
from support.tiny import built, random_weights

import nst_jax
from nst_jax.errors import ImageError
from nst_jax.fields import named
from nst_jax.images.source import Source
from nst_jax.options import FIELDS, STARTS, Options, changed, chosen
from nst_jax.presets import PRESETS
from nst_jax.transfer import idle
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.regions import Regions
from nst_jax.transfer.run import solver
from nst_jax.transfer.sizes import scales
from weights_convert.architectures import CAFFE, Architecture, Convolution, vgg_layers

BASE = {
    **{"size": 32, "steps": 3, "solver": "adam", "network": "vgg19"},
    **{"content_taps": ("relu1_1",), "style_taps": ("conv1_2", "relu2_1")},
    **{"content_loss": "mean", "style_loss": "gram", "pyramid": 1},
    **{"content_weight_at": 0},
}
LBFGS = {"solver": "lbfgs", "style_weight": 1e-3}
NOISE = {"init": "noise"}
NO_STYLE = {**NOISE, "style_weight": 0}
NO_CONTENT = {"content_weight": 0}

OF_MASKS = ("mask_feather", "mask_reach", "mask_grow", "mask_balance", "unmatched")

MATTERS = {
    "size": ({}, 40),
    "crop": ({}, "1:1"),
    "steps": ({}, 2),
    "pyramid": ({"size": 128}, 2),
    "network": ({}, "vgg16"),
    "content_taps": ({}, ("conv1_1",)),
    "style_taps": ({}, ("conv1_1",)),
    "content_weight": ({}, 500.0),
    "style_weight": ({}, 1e-3),
    "content_tap_weights": ({}, (300.0,)),
    "style_tap_weights": ({}, (1.0, 5.0)),
    "style_blend": ({}, (3.0, 1.0)),
    "style_scale": ({}, 2.0),
    "style_tap_decay": ({}, 0.5),
    "content_loss": ({}, "half_sum"),
    "gram": ({}, "hw"),
    "tv": ({"tv_weight": 9.0}, "l1"),
    "tv_range": ({"tv_weight": 9.0}, 255.0),
    "tv_weight": ({}, 900.0),
    "color": ({}, "luminance"),
    "color_after": ({}, "histogram"),
    "init": ({}, "pink"),
    "seed": (NOISE, 4),
    "pooling": ({}, "avg"),
    "input_gain": ({}, 1.5),
    "precision": ({"precision": "float32"}, "bfloat16"),
    "solver": ({}, "lbfgs"),
    "learning_rate": ({}, 0.01),
    "learning_rate_decay": ({}, "none"),
    "history": ({**LBFGS, "steps": 5}, 1),
    "preconditioner": (LBFGS, "none"),
    "bounds": ({"solver": "lbfgs", "init": "noise"}, "none"),
    "adam_epsilon": ({}, 1.0),
    "style_loss": ({}, "w2"),
    "finish_loss": ({}, "w2"),
    "finish_length": ({"finish_loss": "w2", "steps": 6}, 2.0),
    "style_turns": ({}, 4),
    "content_share": (
        {**NOISE, "style_loss": "neighbors", "size": 128, "pyramid": 2},
        0.2,
    ),
    "pyramid_step": ({"size": 128, "pyramid": 2}, 1.5),
    "pyramid_from": ({"size": 128, "pyramid": 3}, 16),
    "pyramid_first": ({"size": 128, "pyramid": 2}, 2.0),
    "adam_beta2": ({}, 0.1),
    "features": ({**NOISE, "style_loss": "remd"}, "hypercolumns"),
    "palette_weight": ({"style_loss": "remd", "features": "hypercolumns"}, 9.0),
    "content_weight_at": ({}, 300),
    "coordinates": ({}, "laplacian"),
    "laplacian_levels": ({"coordinates": "laplacian"}, 1),
    "carry": ({"size": 128, "pyramid": 2}, "moments"),
    "average": ({}, 0.9),
    "border": ({}, "reflect"),
    "bits": ({}, 16),
    "transparency": ({}, "keep"),
    "edge_weight": ({}, 25.0),
    "edge_pools": ({"edge_weight": 25.0}, (1, 2)),
    **dict.fromkeys(OF_MASKS, ({}, None)),  # Shown where there are masks.
}
"""Of each option: others with which it matters, and a value that shows it."""

IDLE = [
    ("history", {}, 3, "--history has no effect with --solver=adam"),
    ("preconditioner", {}, "none", "--preconditioner has no effect with --solver=adam"),
    ("bounds", {}, "none", "--bounds has no effect with --solver=adam"),
    ("adam_epsilon", LBFGS, 1, "--adam_epsilon has no effect with --solver=lbfgs"),
    ("adam_beta2", LBFGS, 0.9, "--adam_beta2 has no effect with --solver=lbfgs"),
    ("carry", LBFGS, "moments", "--carry has no effect with --pyramid=1"),
    (
        *("carry", {**LBFGS, "pyramid": 2, "size": 128}, "moments"),
        "--carry has no effect with --solver=lbfgs",
    ),
    ("carry", {"pyramid": 2}, "moments", "--carry has no effect with --size=32"),
    (
        *("carry", {"pyramid": 2, "size": 128, "coordinates": "laplacian"}, "moments"),
        "--carry has no effect with --coordinates=laplacian",
    ),
    (
        *("features", {}, "hypercolumns"),
        "--features has no effect with --style_loss=gram and --content_loss=mean",
    ),
    (
        *("features", {**NO_STYLE, "style_loss": "remd"}, "hypercolumns"),
        "--features has no effect with --style_loss=remd and --content_loss=mean",
    ),
    (
        *("palette_weight", {"style_loss": "remd"}, 2),
        "--palette_weight has no effect with --features=taps",
    ),
    (
        *("content_weight_at", NO_CONTENT, 300),
        "--content_weight_at has no effect with --content_weight=0",
    ),
    (
        *("coordinates", LBFGS, "laplacian"),
        "--coordinates has no effect with --solver=lbfgs",
    ),
    (
        *("laplacian_levels", {}, 2),
        "--laplacian_levels has no effect with --coordinates=pixels",
    ),
    ("pyramid_step", {}, 1.5, "--pyramid_step has no effect with --pyramid=1"),
    ("pyramid_from", {}, 16, "--pyramid_from has no effect with --pyramid=1"),
    ("pyramid_first", {}, 2, "--pyramid_first has no effect with --pyramid=1"),
    ("pyramid_first", {"pyramid": 2}, 2, "--pyramid_first has no effect with --size=3"),
    ("pyramid", {}, 0, "--pyramid has no effect with --size=32"),
    ("average", {"steps": 0}, 0.9, "--average has no effect with --steps=0"),
    ("tv", {}, "l1", "--tv has no effect with --tv_weight=0"),
    ("tv_range", {}, 255, "--tv_range has no effect with --tv_weight=0"),
    ("seed", {}, 4, "--seed has no effect with --init=content"),
    ("seed", {"init": "style"}, 4, "--seed has no effect with --init=style"),
    ("gram", NO_STYLE, "hw", "--gram has no effect with --style_weight=0"),
    (
        *("style_taps", NO_STYLE, ("conv1_1",)),
        "--style_taps has no effect with --style_weight=0",
    ),
    (
        *("style_tap_weights", NO_STYLE, (1, 2)),
        "--style_tap_weights has no effect with --style_weight=0",
    ),
    ("style_loss", NO_STYLE, "w2", "--style_loss has no effect with --style_weight=0"),
    (
        *("finish_loss", NO_STYLE, "w2"),
        "--finish_loss has no effect with --style_weight=0",
    ),
    (
        *("finish_length", {}, 2),
        "--finish_length has no effect with --finish_loss=none",
    ),
    ("style_turns", NO_STYLE, 4, "--style_turns has no effect with --style_weight=0"),
    (
        *("content_share", {}, 0.2),
        "--content_share has no effect with --style_loss=gram",
    ),
    (
        *("content_share", {"style_loss": "neighbors"}, 0.2),
        "--content_share has no effect with --size=32",
    ),
    (
        *("style_tap_weights", {"style_loss": "neighbors"}, (1, 2)),
        "--style_tap_weights has no effect with --style_loss=neighbors",
    ),
    ("gram", {"style_loss": "w2"}, "hw", "--gram has no effect with --style_loss=w2"),
    (
        *("style_tap_decay", {"style_taps": ("conv1_2",)}, 0.5),
        "--style_tap_decay has no effect with --style_taps=conv1_2",
    ),
    ("edge_pools", {}, (1,), "--edge_pools has no effect with --edge_weight=0"),
    (
        *("edge_weight", {"edge_pools": (11,)}, 25),
        "--edge_weight has no effect with --size=32 and --edge_pools=11",
    ),
    ("style_blend", NO_STYLE, (1, 2), "--style_blend has no effect with --style_weig"),
    ("style_scale", NO_STYLE, 2, "--style_scale has no effect with --style_weight=0"),
    (
        *("gram", {**NOISE, "style_tap_weights": (0, 0)}, "hw"),
        "--gram has no effect with --style_tap_weights=0,0",
    ),
    (
        *("style_weight", {**NOISE, "style_tap_weights": (0, 0)}, 9),
        "--style_weight has no effect with --style_tap_weights=0,0",
    ),
    (
        *("style_weight", {**NOISE, "style_taps": ()}, 9),
        "--style_weight has no effect with --style_taps=",
    ),
    ("color", NO_STYLE, "linear", "--color=linear has no effect with --style_weight=0"),
    (
        *("content_loss", NO_CONTENT, "half_sum"),
        "--content_loss has no effect with --content_weight=0",
    ),
    (
        *("content_taps", NO_CONTENT, ("conv1_1",)),
        "--content_taps has no effect with --content_weight=0",
    ),
    (
        *("content_tap_weights", NO_CONTENT, (2,)),
        "--content_tap_weights has no effect with --content_weight=0",
    ),
    (
        *("content_weight", {"content_tap_weights": (0,)}, 9),
        "--content_weight has no effect with --content_tap_weights=0",
    ),
    ("pyramid", {}, 9, "--pyramid has no effect with --size=32"),
    (
        *("pyramid", {"size": 128, "pyramid": 2}, 9),
        "--pyramid=9 is --pyramid=2 with --size=128",
    ),
    (
        *("pooling", {"style_taps": ("conv1_2",)}, "avg"),
        "--pooling has no effect with the taps relu1_1, conv1_2",
    ),
    (
        *("precision", {"precision": "float32"}, "tf32"),
        "--precision=tf32 is --precision=float32 on this device",
    ),
    ("learning_rate", {"steps": 0}, 9, "--learning_rate has no effect with --steps=0"),
    (
        *("learning_rate_decay", {"steps": 1}, "none"),
        "--learning_rate_decay has no effect with --steps=1",
    ),
]
"""Options that can't matter with others: a value that would show it, and the line."""


def job(paintings: int = 2, **options) -> Job:
    styles = tuple(Source(f"{n}.png") for n in range(paintings))
    return Job(Source("photo.png"), styles, Options(**options))


def said(name: str, paintings: int = 2, **options) -> list[str]:
    return idle.lines([job(paintings, **options)], [name])


def test_every_option_is_shown_to_matter_and_those_with_needs_not_to():
    assert MATTERS.keys() == FIELDS.keys()
    needing = {name for name, field in FIELDS.items() if field.metadata["needs"]}
    assert needing - {name for name, *_ in IDLE} == {"solver"}
    assert said("solver", steps=0) == ["--solver has no effect with --steps=0"]
    # The settings of solvers are those that need one.
    for word in FIELDS["solver"].metadata["choices"]:
        settings = chosen(Options(solver=word), "solver").settings
        given = {"solver": word, "tv_weight": 1, "coordinates": "laplacian", **NOISE}
        kept = {n for n in needing if not said(n, **given)}
        of_others = {
            *("history", "preconditioner", "bounds", "adam_epsilon", "adam_beta2"),
            *("coordinates", "laplacian_levels"),
        }
        assert kept & of_others == set(settings)


def test_what_matters_is_not_said():
    wrong = {
        name: lines
        for name, (context, other) in MATTERS.items()
        if other is not None
        if (lines := said(name, **{**BASE, **context, name: other}))
    }
    assert not wrong


@pytest.mark.parametrize(("name", "context", "other", "line"), IDLE)
def test_what_can_not_matter_is_said(name, context, other, line):
    (found,) = said(name, **{**BASE, **context, name: other})
    assert found.startswith(line)


def test_presets_and_defaults_are_silent():
    """As nothing of them was given; what a preset changes takes effect in it."""
    for name, preset in PRESETS.items():
        one = Job(Source("a.png"), (Source("b.png"),), preset.options)
        assert not idle.lines([one], []), name
        assert not idle.lines([one], changed(preset.options)), name


def test_one_step_remembers_none_before():
    (line,) = said("history", steps=1, history=3)
    assert line == "--history has no effect with --steps=1"
    assert not said("history", steps=2, history=3)


def test_options_of_masks_need_some():
    for name in OF_MASKS:
        (line,) = said(name)
        assert line == f"--{name} has no effect without masks"
    masks = tuple(Source(f"mask{n}.png") for n in range(2))
    plain = dataclasses.replace(job(style_blend=(1, 2)), regions=Regions(masks))
    assert not idle.lines([plain], OF_MASKS[:4])
    assert idle.lines([plain], ["unmatched", "style_blend"]) == [
        "--unmatched has no effect without --content_mask",
        "--style_blend has no effect with --mask: each painting has its own",
    ]
    assigned = (("#ff0000", (0, 1)),)
    mapped = Regions(content=Source("map.png"), assigned=assigned)
    one = dataclasses.replace(job(style_blend=(1, 2)), regions=mapped)
    assert not idle.lines([one], [*OF_MASKS, "style_blend"])


def test_one_painting_needs_no_blend():
    (line,) = said("style_blend", 1, style_blend=(2,))
    assert line == "--style_blend has no effect with one painting"
    assert not said("style_blend", 2, style_blend=(2, 1))


def test_rounding_that_a_network_has_already():
    taps = {"content_taps": ("pool1/3x3_s2",), "style_taps": ("conv1/relu_7x7",)}
    google = {"network": "googlenet", **taps}
    (line,) = said("pooling", pooling="avg_ceil", **google)
    assert line == "--pooling=avg_ceil is --pooling=avg with --network=googlenet"
    assert not said("pooling", pooling="avg", **google)


def test_a_border_where_nothing_pads():
    first = {"content_taps": ("relu1",), "style_taps": ("relu1",)}
    (line,) = said("border", network="caffenet", border="reflect", **first)
    assert line == "--border=reflect is --border=zero with --network=caffenet"
    deeper = {"content_taps": ("relu2",), "style_taps": ("relu1",)}
    assert not said("border", network="caffenet", border="reflect", **deeper)
    (line,) = said("border", network="caffenet", border="replicate_first", **deeper)
    assert line == "--border=replicate_first is --border=zero with --network=caffenet"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("style_weight", {"style_weight": 0}),
        ("style_taps", {"style_taps": ()}),
        ("style_tap_weights", {"style_tap_weights": (0,) * 5}),
    ],
)
def test_the_photo_alone_stays_as_it_is(name, options):
    (line,) = said(name, pyramid=1, **options)
    assert line.endswith(" leaves the photo as it is with --init=content")
    for moving in ({"init": "noise"}, {"tv_weight": 1}, {"pyramid": 2}):
        assert not said(name, **{"pyramid": 1, **options, **moving})


def test_what_a_batch_varies_has_to_matter_in_every_picture():
    jobs = [
        job(init=init, seed=seed) for init in ("content", "noise") for seed in (1, 2)
    ]
    swept = [("init", "seed")] * 4
    (line,) = idle.lines(jobs, ["seed"], swept)
    assert line == "--seed has no effect with --init=content, as in 2 of 4 pictures"
    # Where each picture was given its own, those without have no part.
    rows = [("init",), ("init",), ("init", "seed"), ("init", "seed")]
    assert idle.lines(jobs, [], rows) == []
    assert idle.lines(jobs[:2], [], swept[:2]) == [
        "--seed has no effect with --init=content"
    ]
    # What is the same for all may matter in some alone.
    assert idle.lines(jobs, ["seed"]) == []


def test_the_library_reports_what_differs_from_the_defaults():
    lines = []
    options = Options(solver="adam", history=3, steps=0)
    with pytest.raises(ImageError, match="no such file"):
        nst_jax.stylize("no.png", "no.png", options, report=lines.append)
    with pytest.raises(ImageError, match="no such file"):
        nst_jax.stylize_batch(
            *("no.png", "no.png", Options(steps=1)),
            sweep={"seed": [1, 2], "init": ["content", "pink"]},
            report=lines.append,
        )
    assert lines == [
        "history has no effect with solver=adam",
        "solver has no effect with steps=0",
        "seed has no effect with init=content, as in 2 of 4 pictures",
    ]


@pytest.fixture(scope="module")
def picture(photo, painting):
    """The picture that options make of two paintings, by a network of three layers."""
    names = ("conv1_1", "conv1_2", "conv2_1")
    layers = vgg_layers([Convolution(name, 3, 3) for name in names])
    architecture = Architecture("three", "vgg", CAFFE, layers)
    weights = random_weights(architecture, np.random.default_rng(2))

    @functools.cache
    def made(options: Options) -> np.ndarray:
        words = {"pooling": options.pooling, "precision": options.precision}
        network = built(architecture, weights, **words)
        both = [painting, painting[::-1, :, ::-1] ** 2]
        return nst_jax.stylize(photo, both, options, network=network).image

    return made


def plan(name: str, options: Options) -> object:
    """What shows, without a picture, what an option does; None: a picture does."""
    if name.startswith("pyramid"):
        return scales(options)
    if name in ("bits", "transparency"):  # Of the file; see `test_written.py`.
        return options.bits, options.transparency
    # Equal ones are one object.
    of_solver = FIELDS[name].metadata["group"] == "solver" and options.steps > 1
    of_solver &= name not in ("carry", "average")  # They aren't the solver's own.
    return solver(options) if of_solver else None


def both(name: str, context: dict, other: object) -> tuple[Options, Options]:
    """The options with and without a value that shows what one of them does."""
    options = {**BASE, **context}
    assert options.get(name) != other
    return Options(**options), Options(**{**options, name: other})


def test_what_matters_makes_another_plan_and_nothing_else():
    for name, (context, other) in MATTERS.items():
        if other is not None:
            plain, changed = (plan(name, one) for one in both(name, context, other))
            assert plain is None or plain != changed, name
    for name, context, other, _ in IDLE:
        plain, changed = (plan(name, one) for one in both(name, context, other))
        assert plain == changed, name


SHOWN = [
    name
    for name, (context, _) in MATTERS.items()
    if name not in ("network", *OF_MASKS)  # The network is given here.
    if plan(name, Options(**{**BASE, **context})) is None
]


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOWN)
def test_what_matters_changes_the_picture(name, picture):
    plain, changed = both(name, *MATTERS[name])
    assert not np.array_equal(picture(plain), picture(changed))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "context", "other", "line"),
    [e for e in IDLE if plan(e[0], Options(**{**BASE, **e[1]})) is None],
)
def test_what_is_said_to_be_idle_changes_nothing(name, context, other, line, picture):
    """But for rounding: a loss that counts nothing is still another program."""
    plain, changed = both(name, context, other)
    np.testing.assert_allclose(picture(plain), picture(changed), rtol=0, atol=1e-6)


def test_starts_that_take_no_seed_are_said():
    shape = (4, 5)
    for name, home in STARTS.items():
        makes = named(STARTS, name) if home else None
        seeded = makes is not None and not np.array_equal(
            *(makes(np.random.default_rng(seed), shape) for seed in (0, 1))
        )
        assert bool(said("seed", init=name)) != seeded, name
    assert said("seed", init="start.png")
