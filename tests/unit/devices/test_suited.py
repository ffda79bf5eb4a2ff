"""What is asked of kinds of devices, and what networks and losses make of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.tiny import random_weights

from nst_jax.devices import backend, memory, processor, suited
from nst_jax.feedforward import convolutions
from nst_jax.losses import nearest, roots
from nst_jax.networks import extract
from nst_jax.networks.precision import (
    AUTO,
    BFLOAT16,
    BFLOAT16_GRADIENTS,
    FLOAT32,
    TF32,
)
from weights_convert.architectures import CAFFE, Architecture, Convolution, vgg_layers

KINDS = ("cpu", "gpu", "tpu")

WIDE = Architecture(
    "wide",
    "vgg",
    CAFFE,
    vgg_layers([Convolution("conv1_1", 3, 64), Convolution("conv1_2", 64, 64)]),
)


@pytest.mark.parametrize("kind", KINDS)
def test_the_answers(kind):
    with backend.made_for(kind):
        cpu = kind == "cpu"
        assert suited.rounded_gradients() == (cpu and processor.multiplies_bfloat16())
        assert suited.winograd() == suited.padded_convolutions() == cpu
        assert suited.lapack() == suited.barriers() == cpu
        assert suited.rounded_products() != cpu
        gpu = kind == "gpu"
        assert suited.im2col() != cpu
        assert suited.space_to_depth() == suited.few_large_passes() == gpu
        assert memory.helping_pixels() == (2**16 if cpu else 2**22)
        assert memory.tile_side() == (512 if cpu else 1024)
        here = [one.here() for one in (AUTO, FLOAT32, TF32, BFLOAT16)]
    assert here[1:] == [FLOAT32, FLOAT32 if cpu else TF32, BFLOAT16]
    if not cpu:
        assert here[0] == AUTO


@pytest.mark.parametrize("multiplies", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_products_are_rounded_where_the_processor_multiplies_them(
    kind, multiplies, monkeypatch
):
    monkeypatch.setattr(processor, "multiplies_bfloat16", lambda: multiplies)
    rounded = BFLOAT16_GRADIENTS if kind == "cpu" and multiplies else FLOAT32
    weights = random_weights(WIDE, np.random.default_rng(0))
    with backend.made_for(kind):
        assert BFLOAT16_GRADIENTS.here() == rounded
        assert AUTO.here() == (rounded if kind == "cpu" else AUTO)
        built = extract.build(WIDE, weights, precision=BFLOAT16_GRADIENTS)
        prepared = extract.prepare(built, ["conv1_2"])
    layer = prepared.convolutions["conv1_2"]
    assert layer.kernel[...].dtype == jnp.float32
    if kind == "cpu":
        dtype = jnp.bfloat16 if multiplies else jnp.float32
        found = [{part.dtype for part in way} for way in layer.transformed[0]]
        assert found == [{jnp.dtype(jnp.float32)}, {jnp.dtype(dtype)}]


def test_the_processor_is_asked_once_and_answers_where_nothing_is_told(
    tmp_path, monkeypatch
):
    told = tmp_path / "cpuinfo"
    for text, expected in [
        ("flags\t: fpu avx512f avx512_bf16 sse\nflags\t: fpu\n", True),
        ("flags\t: fpu avx512f\n", False),
        ("Features\t: fp asimd bf16\n", False),
        (None, False),
    ]:
        told.unlink(missing_ok=True)
        if text:
            told.write_text(text)
        monkeypatch.setattr(processor, "_TOLD", told)
        assert processor.multiplies_bfloat16.__wrapped__() == expected


@pytest.mark.parametrize("kind", KINDS)
def test_networks_are_built_and_prepared_for_a_kind(kind):
    weights = random_weights(WIDE, np.random.default_rng(0))
    with backend.made_for(kind):
        built = extract.build(WIDE, weights, precision=AUTO)
        prepared = extract.prepare(built, ["conv1_2"])
    layer = prepared.convolutions["conv1_2"]
    assert (layer.transformed is not None) == (kind == "cpu")
    assert layer.kernel[...].dtype == (jnp.float32 if kind == "cpu" else jnp.bfloat16)


def test_style_networks_convolve_as_suits_the_kind():
    images, kernel = jnp.zeros((1, 12, 12, 3)), jnp.zeros((5, 5, 3, 8))

    def text(kind: str) -> str:
        with backend.made_for(kind):
            return str(
                jax.make_jaxpr(lambda x, k: convolutions.convolved(x, k, 1, "VALID"))(
                    images, kernel
                )
            )

    plain = "padding=((0, 0), (0, 0))"
    assert plain in text("tpu")
    assert plain not in text("cpu")
    # Blocks of 4x4 pixels: of the picture, of its 8x8 outputs, of an 8x8 kernel.
    assert "f32[1,2,2,128]" in text("gpu")
    assert "f32[2,2,48,128]" in text("gpu")


@pytest.mark.parametrize(
    ("loss", "on_cpu"),
    [
        (roots.root_trace, "lapack_ssyevd"),
        (roots.nuclear_norm, "lapack_sgesdd"),
        (lambda x: nearest.nearest(x, x, x[:, 0])[1], "precision = [HIGHEST"),
    ],
)
def test_losses_choose_by_what_a_program_is_lowered_for(loss, on_cpu):
    traced = jax.jit(loss).trace(jnp.eye(8))
    for platform in ("cpu", "cuda", "tpu"):
        text = traced.lower(lowering_platforms=(platform,)).as_text()
        assert (on_cpu in text) == (platform == "cpu"), platform
