"""Every preset of a known system: its loss and gradient against that system's formula.

`-s` prints the table of errors.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from support import caffe_networks, kinks
from support.posing import pose
from support.references import TorchVGG, relative_error, tensor, torchvision_input
from support.systems import LAST_PASSES, ONE_SIZE, SYSTEMS, System
from support.tiny import built, random_weights
from torch import Tensor

from nst_jax.networks.convolution import FrozenConvolution
from nst_jax.networks.network import Network
from nst_jax.options import Options, chosen
from nst_jax.presets import PRESETS
from weights_convert.architectures import CAFFE, find

pytestmark = pytest.mark.parity

Sides = Mapping[str, Tensor]

OURS = {"fast", "best", "classic"}
_LAST = ", last pass"
CASES = [*SYSTEMS, *(name + _LAST for name in LAST_PASSES)]
KINDS = ("content/", "style/", "total_variation")


def options_of(case: str) -> Options:
    """Those of a preset, or of its last pass."""
    options = PRESETS[case.removesuffix(_LAST)].options
    if case in SYSTEMS:
        return options
    last = {"style_loss": options.finish_loss, "finish_loss": "none"}
    return dataclasses.replace(options, **last)


def system_of(case: str) -> System:
    """The system of a preset, or its last pass."""
    return SYSTEMS.get(case) or LAST_PASSES[case.removesuffix(_LAST)]


@functools.cache
def weights_of(network: str) -> dict[str, np.ndarray]:
    """Of full width: some presets' weights depend on the number of channels."""
    return random_weights(find(network), np.random.default_rng(5))


def in_float64(name: str, pooling: str) -> Network:
    """As `extract.build`, in a precision that it doesn't offer."""
    architecture, weights = find(name), weights_of(name)
    convolutions = {
        layer.name: FrozenConvolution(
            *(jnp.float64(weights[f"{layer.name}/{p}"]) for p in ("kernel", "bias")),
            stride=layer.stride,
            padding=layer.padding,
            groups=layer.groups,
        )
        for layer in architecture.convolutions
    }
    digest = jnp.zeros(32, jnp.uint8)
    mode = chosen(Options(pooling=pooling), "pooling")
    return Network(architecture, convolutions, pooling=mode, digest=digest)


def pictures(name: str) -> tuple[np.ndarray, ...]:
    """Photo, painting and picture; of odd sizes, for some systems of one size only."""
    rng = np.random.default_rng(8)
    if options_of(name).features == "hypercolumns":
        # So small that all pixels are there, not some that are drawn.
        return tuple(rng.random((3, 32, 32, 3), np.float32))
    # Networks that stride early need more to see anything.
    size = (45, 37) if options_of(name).network.startswith("vgg") else (87, 75)
    # Of a larger painting the last pass sees some places alone.
    one_size = name in ONE_SIZE or name not in SYSTEMS
    other = size if one_size else (53, 59)
    return tuple(rng.random((*s, 3), np.float32) for s in (size, other, size))


@dataclasses.dataclass(frozen=True)
class Caffe:
    """A network of `caffe_networks` in float64."""

    network: str
    pooling: str

    def taps(self, image: Tensor, sides: Sides = MappingProxyType({})) -> Sides:
        """As `TorchVGG.taps`."""
        layers = caffe_networks.CaffeNetwork(
            weights_of(self.network), self.pooling, torch.float64, sides
        )
        return caffe_networks.NETWORKS[self.network](layers, image)


def reference(options: Options) -> TorchVGG | Caffe:
    network, pooling = options.network, options.pooling
    if network in caffe_networks.NETWORKS:
        return Caffe(network, pooling)
    stored = TorchVGG.from_stored(weights_of(network), pooling).to(torch.float64)
    if find(network).preprocessing == CAFFE:
        return stored
    kernel, bias = stored.layers["conv1_1"]
    layers = stored.layers | {"conv1_1": (kernel.flip(1), bias)}  # RGB again.
    return dataclasses.replace(stored, layers=layers, preprocess=torchvision_input)


def seen_by(options: Options) -> TorchVGG | Caffe:
    """The network with what its first convolution sees around a picture."""
    network = reference(options)
    if options.border == "zero":
        return network
    assert options.border == "replicate_first"
    return dataclasses.replace(network, border="replicate")


@dataclasses.dataclass(frozen=True)
class Sided:
    """A network that takes sides of kinks in the picture that is made.

    What a system does to the picture before the network is the network's `preprocess`.
    """

    network: TorchVGG | Caffe
    sides: Sides

    def taps(self, image: Tensor) -> Sides:
        sides = self.sides if image.requires_grad else {}
        return self.network.taps(image, sides)

    def preprocessed(self, preprocess: Callable[[Tensor], Tensor]) -> "Sided":
        return Sided(
            dataclasses.replace(self.network, preprocess=preprocess), self.sides
        )

    def bordered(self, border: str) -> "Sided":
        return Sided(dataclasses.replace(self.network, border=border), self.sides)


def expected(
    name: str, sides: Sides = MappingProxyType({})
) -> tuple[np.ndarray, np.ndarray]:
    """The system's three losses, and the gradient of each, `[3, h, w, 3]`.

    With sides that were taken: that of their sum alone, `[1, h, w, 3]`.
    """
    photo, painting, image = (tensor(p).double() for p in pictures(name))
    network = Sided(reference(options_of(name)), sides)
    leaf = image.requires_grad_()
    terms = system_of(name)(network, photo, painting)(leaf)
    looked_at = [sum(terms)] if sides else terms
    gradients = [torch.autograd.grad(t, leaf, retain_graph=True)[0] for t in looked_at]
    return np.array([t.item() for t in terms]), torch.stack(gradients).numpy()


def losses_of(objective, problem, image) -> jax.Array:
    """Ours of the same three kinds, `[3]`."""
    total, terms = objective(image[None], problem)
    kinds = [
        sum((term[0] for key, term in terms.items() if key.startswith(kind)), 0.0)
        for kind in KINDS
    ]
    return jnp.stack([jnp.asarray(kind, total.dtype) for kind in kinds])


def test_every_preset_of_a_system_is_restated():
    assert PRESETS.keys() - OURS == SYSTEMS.keys()


@pytest.mark.parametrize("name", CASES)
def test_every_term_and_its_gradient_in_float64(name):
    """No rounding decides on which side of a kink: formulas agree to the digits."""
    options = options_of(name)
    photo, painting, image = pictures(name)
    losses, gradients = expected(name)
    with jax.enable_x64(True):
        network = in_float64(options.network, options.pooling)
        objective, problem = pose(
            *(np.float64(photo), [np.float64(painting)], options, network)
        )
        evaluate = functools.partial(losses_of, objective, problem)

        @jax.jit  # One program; back through the network go two of the three.
        def look(image):
            seen = jax.jacrev(lambda image: evaluate(image)[:2])(image)
            smooth = jax.grad(lambda image: evaluate(image)[2])(image)
            return evaluate(image), jnp.concatenate([seen, smooth[None]])

        found, slopes = look(jnp.asarray(np.float64(image)))
    np.testing.assert_allclose(found, losses, rtol=1e-6)
    for kind, slope, gradient in zip(KINDS, slopes, gradients, strict=True):
        if not np.any(gradient):
            weight = {"content/": options.content_taps, KINDS[2]: options.tv_weight}
            assert not weight.get(kind, True)
            assert not np.any(slope)
        else:
            assert relative_error(slope, gradient) < 1e-6, kind


@pytest.mark.parametrize("name", CASES)
def test_the_whole_loss_and_its_gradient_as_the_program_computes_them(name, report):
    options = dataclasses.replace(options_of(name), precision="float32")
    photo, painting, image = pictures(name)
    network = built(
        find(options.network), weights_of(options.network), pooling=options.pooling
    )
    objective, problem = pose(photo, [painting], options, network)
    names = kinks.names(network, objective.losses.taps())
    evaluate = jax.jit(functools.partial(kinks.evaluation, objective, names))
    total, _, gradient, seen = evaluate(jnp.asarray(image), problem)
    gained = options.input_gain * tensor(image).double()
    exact = seen_by(options).taps(gained)
    losses, gradients = expected(name, kinks.sides(exact, seen, options.pooling))
    errors = (
        abs(float(total) - losses.sum()) / losses.sum(),
        relative_error(gradient, gradients[0]),
    )
    report.append((name, *errors))
    assert max(errors) < 1e-4, errors


@pytest.fixture(scope="module")
def report():
    """Lines of the table, printed at the end."""
    lines: list[tuple[str, float, float]] = []
    yield lines
    print("\n| preset | loss | gradient |\n|---|---|---|")
    for name, loss, gradient in lines:
        print(f"| `{name}` | {loss:.1e} | {gradient:.1e} |")
