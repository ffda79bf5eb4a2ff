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
    optimised = [nst_jax.Options(), *(one.options for one in PRESETS.values())]
    for eye in EYES:
        for options in optimised:
            if options.network == eye.network:
                assert not set(eye.style) & set(options.style_taps)
