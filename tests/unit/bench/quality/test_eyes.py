import pytest

import nst_jax
from bench.quality.eyes import EYES
from nst_jax.presets import PRESETS
from weights_convert import architectures


@pytest.mark.parametrize("eye", EYES, ids=lambda eye: eye.name)
def test_eyes_look_where_networks_have_taps(eye):
    assert set(eye.taps) <= set(architectures.find(eye.network).taps)
    assert eye.style
    assert eye.content


def test_styles_are_measured_where_none_is_optimised():
    """But for what looks through all of VGG-16: two others see that too."""
    seen = {
        (name, eye.name)
        for name, options in (
            ("default", nst_jax.Options()),
            *((name, preset.options) for name, preset in PRESETS.items()),
        )
        for eye in EYES
        if options.network == eye.network
        if set(eye.style) & set(options.style_taps)
    }
    assert seen == {("strotss", "vgg16"), ("nnst", "vgg16")}
