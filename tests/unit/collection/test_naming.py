"""Labels and names of a batch's pictures."""

import itertools

import pytest

from nst_jax.collection import naming
from nst_jax.errors import OptionsError


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["photos/cat.jpg", "b/dog.png"], ["cat", "dog"]),
        (["cat.jpg", "cat.png", "dog.png"], ["cat_jpg", "cat_png", "dog"]),
        (["home/cat.jpg", "zoo/cat.jpg"], ["home_cat", "zoo_cat"]),
        (["cat.jpg", "zoo/cat.jpg"], ["cat", "zoo_cat"]),
        (["a/x/cat.jpg", "b/x/cat.jpg"], ["a_x_cat", "b_x_cat"]),
        (
            ["home/cat.jpg", "zoo/cat.jpg", "zoo/cat.png"],
            ["home_cat", "zoo_cat", "cat_png"],
        ),
        (["A.jpg", "a.jpg"], ["A_1", "a_2"]),
        (["stra\u00dfe.jpg", "STRASSE.jpg"], ["stra\u00dfe_2", "STRASSE_1"]),
        (["e\u0301.jpg", "\u00e9.jpg"], ["\u00e9_1", "\u00e9_2"]),
        (["/abs/cat.jpg", "../cat.jpg"], ["abs_cat", "cat"]),
        (["a.jpg", "a.jpg"], ["a", "a"]),
        # A number that is somebody's name is not given away.
        (["A.jpg", "a.jpg", "a_1.jpg"], ["A_2", "a_3", "a_1"]),
        # cat_jpg is the name of the third, too.
        (
            ["x/cat.jpg", "x/cat.png", "x/cat_jpg.gif"],
            ["x_cat", "cat_png", "cat_jpg_gif"],
        ),
        (["a/x.jpg", "b/x.jpg", "a/X.jpg"], ["x_2", "b_x", "X_1"]),
    ],
)
def test_labels_are_short_and_distinct(paths, expected):
    for order in itertools.permutations(range(len(paths))):
        made = naming.labels([paths[i] for i in order])
        assert made == [expected[i] for i in order]


@pytest.mark.parametrize(
    ("path", "label"),
    [
        (".hidden.jpg", "hidden"),
        ("...", "picture"),
        ("a/.jpg", "jpg"),
        ("two\nlines\x1b[31m.jpg", "two_lines_[31m"),
        ("C:\\pictures\\a.jpg", "C__pictures_a"),
        ("<img onerror=x>.jpg", "_img onerror=x_"),
        ("byte\udcff.jpg", "byte_"),
        ("gpj.\u202exe.jpg", "gpj._xe"),
        ("v1.2.jpg", "v1.2"),
        ("trailing .jpg", "trailing"),
        ("\u00e9" * 80 + ".jpg", "\u00e9" * 50),
    ],
)
def test_labels_are_fit_for_file_names(path, label):
    assert naming.labels([path]) == [label]


def test_cut_labels_are_distinct():
    paths = [f"{'x' * 120}{i}.jpg" for i in range(12)]
    assert len(set(naming.labels(paths))) == 12


def jobs(**lists: str) -> list[dict[str, str]]:
    """`jobs(content="a b", style="c")`: every combination, with index and varied."""
    values = itertools.product(*(text.split(",") for text in lists.values()))
    made = [dict(zip(lists, value, strict=True)) for value in values]
    return [{"varied": "", **job, "index": f"{i:03d}"} for i, job in enumerate(made)]


def test_the_default_template():
    names = naming.file_names(
        naming.DEFAULT_TEMPLATE,
        jobs(content="cat,dog", style="dots", varied=",_style_weight=10"),
    )
    assert names == [
        "cat_dots.png",
        "cat_dots_style_weight=10.png",
        "dog_dots.png",
        "dog_dots_style_weight=10.png",
    ]


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{style}/{content}_{style_weight}.jpg", "dots/cat_10.0.jpg"),
        ("{{{index}}}.WEBP", "{000}.WEBP"),
        ("./x//{content}.tif", "x/cat.tif"),
        ("{init}.png", ".._a_b.png"),
        ("{content}_{content}.png", "cat_cat.png"),
    ],
)
def test_templates_are_filled(template, name):
    job = jobs(content="cat", style="dots", style_weight="10.0", init="../a/b")
    assert naming.file_names(template, job) == [name]


def test_values_are_not_filled_again():
    job = jobs(content="{style}", style="dots")
    assert naming.file_names("{content}.png", job) == ["{style}.png"]


def test_no_jobs():
    assert naming.file_names("{content}.png", []) == []


_SINGLE = "single '}' encountered in format string; write {{ or }} for a brace"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (
            "{contnet}.png",
            "{contnet} is not known; there are {varied}, {content}, {style}, {index}",
        ),
        ("{}.png", "{} is not known; there are"),
        ("{0}.png", "{0} is not known; there are"),
        ("{content.x}.png", "{content.x} is not known; there are"),
        ("{content[0]}.png", "{content[0]} is not known; there are"),
        ("{content!r}.png", "{content!r} is more than a name; write {content}"),
        ("{content:>9}.png", "{content:>9} is more than a name; write {content}"),
        ("{content:{style}}.png", "is more than a name; write {content}"),
        ("{content}}.png", _SINGLE),
        ("{content.png", "expected '}' before end of string"),
        ("{content}", "'cat' has no ending; give one of .png, .jpg, .jpeg, .webp"),
        ("{content}.gif", "'cat.gif' has the ending '.gif'; give one of .png"),
        ("{varied}.png", "'.png' has no ending"),
        ("/tmp/{content}.png", "'/tmp/cat.png' is an absolute path; give one inside"),
        ("{varied}/{content}.png", "'/cat.png' is an absolute path"),
        ("C:/{content}.png", "'C:/cat.png' is an absolute path"),
        ("../{content}.png", "'../cat.png' leaves the output folder"),
        ("a/{up}/{content}.png", "'a/../cat.png' leaves the output folder"),
        ("SHEET.png", "SHEET.png is the name of another file of the batch"),
    ],
)
def test_bad_templates(template, message):
    job = jobs(content="cat", style="dots")
    if "{up}" in template:
        job[0]["up"] = ".."
    with pytest.raises(OptionsError) as caught:
        naming.file_names(template, job, reserved=["sheet.png"], option="names")
    assert str(caught.value).startswith(f"names={template!r}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("template", "varying", "message"),
    [
        (
            "{content}.png",
            {"content": "cat", "style": "dots,glass"},
            "cat.png is the name of two jobs (style=dots and style=glass); add {style}",
        ),
        (
            "{style}.png",
            {"content": "cat,dog", "style": "dots", "varied": "_a"},
            "dots.png is the name of two jobs (content=cat and content=dog); "
            "add {content}",
        ),
        (
            "{content}_{style}.png",
            {"content": "cat", "style": "dots", "style_weight": "1,10"},
            "(style_weight=1 and style_weight=10); add {style_weight}",
        ),
        (
            "{init}.png",
            {"content": "cat", "style": "dots", "init": "a/b,a:b"},
            "a_b.png is the name of two jobs (init=a/b and init=a:b); add {index}",
        ),
        (
            "{content}.png",
            {"content": "Cat,cat"},
            "cat.png is the name of two jobs (content=Cat and content=cat); "
            "add {index}",
        ),
        (
            "{content}.png",
            {"content": "cat,cat", "style": "dots"},
            "(content=cat, style=dots and content=cat, style=dots); add {index}",
        ),
    ],
)
def test_two_jobs_with_one_name(template, varying, message):
    with pytest.raises(OptionsError) as caught:
        naming.file_names(template, jobs(**varying))
    assert str(caught.value).endswith(message)


def test_varied_is_offered_where_it_differs():
    two = [{"content": "cat", "seed": seed, "varied": f"_seed={seed}"} for seed in "01"]
    with pytest.raises(OptionsError, match=r"add \{seed\} or \{varied\}$"):
        naming.file_names("{content}.png", two)


def test_the_same_job_twice():
    with pytest.raises(OptionsError, match="leave one of them out"):
        naming.file_names("{content}.png", [{"content": "cat"}] * 2)
