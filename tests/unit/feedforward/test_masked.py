"""Pictures of one pass that are painted in part."""

import dataclasses

import jax
import numpy as np
import pytest
from PIL import Image
from support import stylizers
from support.batch_folder import folder, picture
from support.masks import halves
from support.program import run
from support.stored_weights import home

from nst_jax.errors import ImageError, OptionsError
from nst_jax.feedforward import jobs, masked
from nst_jax.feedforward.apply import Painter
from nst_jax.feedforward.masked import Where
from nst_jax.feedforward.options import Options
from nst_jax.images import color, files
from nst_jax.images.source import Source

__all__ = ["folder", "home"]

PHOTO, PAINTED = picture(5, 48, 40), picture(6, 48, 40)
LEFT = halves(48, 40)


def where(mask=None, keep=None, feather=0.0, colours=None) -> Where:
    given = (mask, keep, colours)
    *sources, own = (None if of is None else Source.of(of) for of in given)
    return Where(*sources, feather, color_mask=own)


def test_a_mask_is_painted_and_what_is_kept_is_not():
    kept = np.where(LEFT[..., None] == 1, PHOTO, PAINTED)
    found = where(keep=LEFT).laid_over(PAINTED, PHOTO)
    np.testing.assert_allclose(found, kept, atol=1e-7)
    assert found.dtype == np.float32
    found = where(mask=1 - LEFT).laid_over(PAINTED, PHOTO)
    np.testing.assert_allclose(found, kept, atol=1e-7)
    upper = np.arange(48)[:, None] < 24
    found = where(mask=upper * np.ones(40, np.float32), keep=LEFT)
    share = (upper & (LEFT == 0))[..., None]
    expected = np.where(share, PAINTED, PHOTO)
    np.testing.assert_allclose(found.laid_over(PAINTED, PHOTO), expected, atol=1e-7)


def test_colours_are_the_photos_where_a_mask_says_so():
    found = where(colours=LEFT, keep=LEFT[::-1] * (np.arange(48) < 9)[:, None])
    made = found.laid_over(PAINTED, PHOTO)
    np.testing.assert_array_equal(made[:9, :20], PHOTO[:9, :20])
    np.testing.assert_array_equal(made[9:, :20], PAINTED[9:, :20])
    expected = color.with_luminance(PHOTO, PAINTED)[:, 20:]
    np.testing.assert_allclose(made[:, 20:], expected, atol=1e-6)
    found.check((24, 20))
    with pytest.raises(ImageError, match="of another aspect ratio than the picture"):
        where(colours=LEFT.T).check((48, 40))


def test_soft_edges_are_between():
    found = where(keep=LEFT, feather=8).laid_over(np.ones((48, 40, 3)), 0 * PHOTO)
    across = found[10, :, 0]
    assert (np.diff(across) >= 0).all()
    assert 0.2 < across[18] < 0.8
    np.testing.assert_array_equal(across[:4], 0)


def test_other_sizes_and_other_shapes():
    small = where(mask=halves(24, 20)).laid_over(PAINTED, PHOTO)
    np.testing.assert_array_equal(small, where(mask=LEFT).laid_over(PAINTED, PHOTO))
    with pytest.raises(ImageError, match="is 48x40 pixels, of another aspect ratio"):
        where(mask=LEFT.T).check((48, 40))
    white = np.ones_like(LEFT)
    for masks, colour in (({"mask": 0 * white}, "black"), ({"keep": white}, "white")):
        with pytest.raises(ImageError, match=f"the mask is {colour} everywhere: noth"):
            where(**masks)


def test_a_painter_lays_its_picture_over_the_photo():
    stylizer = stylizers.stylizer(stylizers.SEVERAL)
    painter = Painter(stylizer, Options(size=24), where=where(keep=LEFT))
    prepared = painter.prepare(PHOTO, painter.own(0))
    found = painter.finish(prepared, PAINTED[:24, :20])
    np.testing.assert_array_equal(found[:, :10], prepared.photo[:, :10])
    np.testing.assert_array_equal(found[:, 10:], PAINTED[:24, 10:20])
    with pytest.raises(ImageError, match="of another aspect ratio than the picture"):
        painter.prepare(PHOTO[:30], painter.own(0))


def test_a_mask_makes_another_picture():
    plain = jobs.job("a.jpg", {}, Options())
    contents = {"a.jpg": "aa", "m.png": "bb"}
    made = [
        plain,
        dataclasses.replace(plain, mask=Source("m.png")),
        dataclasses.replace(plain, keep_mask=Source("m.png")),
        dataclasses.replace(plain, color_mask=Source("m.png")),
        dataclasses.replace(plain, options=Options(mask_feather=2.0)),
    ]
    assert len({job.digest(contents, "w") for job in made}) == 5
    assert [source.key for source in made[1].sources] == ["a.jpg", "m.png"]


@dataclasses.dataclass
class Negative:
    """A network that paints a negative: masks don't ask what is painted."""

    architecture: object

    def __call__(self, images, style):
        return 1 - images


def test_a_stylizer_takes_masks_by_itself():
    """As arrays under `jit`, of all pictures or for each; or of any size."""
    made = stylizers.stylizer(stylizers.SEVERAL)
    painter = dataclasses.replace(made, network=Negative(made.network.architecture))
    images = np.stack([picture(n, 16, 20) for n in range(2)])
    left = halves(16, 20)
    each = np.stack([left, 1 - left]) > 0

    plain, found = 1 - images, jax.jit(lambda m: painter(images, 1, mask=m))(left)
    kept = painter(images, 1, keep_mask=each)
    expected = np.where(left[..., None] == 1, plain, images)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(kept[1], expected[1], atol=1e-6)
    np.testing.assert_allclose(kept[0, :, :10], images[0, :, :10], atol=1e-7)
    np.testing.assert_allclose(kept[0, :, 10:], plain[0, :, 10:], atol=1e-6)
    coloured = np.repeat(left[..., None], 3, axis=-1)
    np.testing.assert_array_equal(
        masked.share(coloured, None, (2, 16, 20)), masked.share(left, None, (2, 16, 20))
    )
    large = halves(32, 40)
    both = masked.share(large, large[::-1] / 4, (1, 16, 20))
    np.testing.assert_allclose(both, 0.75 * left[None], atol=1e-7)
    for bad, error, line in (
        (left.T, ImageError, "is 16x20 pixels, of another aspect ratio than the pict"),
        (np.ones((3, 16, 20)), OptionsError, r"mask of shape \(3, 16, 20\): give \["),
        ("gone.png", ImageError, "gone.png: no such file"),
    ):
        with pytest.raises(error, match=line):
            painter(images, 1, mask=bad)
    with pytest.raises(OptionsError, match=r"mask of shape \(20, 16\): give \[h, w"):
        jax.eval_shape(lambda m: painter(images, 1, mask=m), left.T)


@pytest.mark.slow
def test_on_the_command_line(folder, capsys):
    stylizers.put(folder / "net.safetensors")
    mask = (255 * halves(66, 48)).astype(np.uint8)
    Image.fromarray(mask).save(folder / "m.png")
    command = ("apply", "photos/a.png", "--model=net.safetensors", "--style=1")
    off = "--compilation_cache_dir=off"
    given = ("--keep_mask=m.png", "-o", "o.png")
    assert run(*command, *given, off) == 0
    assert capsys.readouterr().err == ""
    photo, made = files.read("photos/a.png"), files.read("o.png")
    np.testing.assert_array_equal(made[:, :24], photo[:, :24])
    assert files.read_description("o.png")["masks"] == {"keep_mask": "m.png"}
    assert np.abs(made - photo)[:, 24:].mean() > 0.01
    given = ("--color_mask=m.png", "--color=luminance", "-o", "o.png")
    assert run(*command, *given, off, "--overwrite=yes") == 0
    assert capsys.readouterr().err.splitlines()[0] == (
        "nst-jax: --color_mask has no effect with --color=luminance"
    )
    assert run(*command, "--mask=gone.png", "-o", "p.png", off) == 1
    assert run(*command, "--mask=photos/a.png", "-o", "p.png", off) == 1
    assert run(*command, "--mask=m.png", "-o", "m.png", off, "--overwrite=yes") == 1
    missing, coloured, read = capsys.readouterr().err.splitlines()
    assert missing == "nst-jax: gone.png: no such file; check the name"
    assert coloured.startswith("nst-jax: photos/a.png: has colours, but a mask is grey")
    assert read.startswith("nst-jax: m.png: is read too (as m.png)")
    assert not (folder / "p.png").exists()
