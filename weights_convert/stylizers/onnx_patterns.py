"""What exporters write for one layer of an image transformation network in ONNX.

Each function looks at what makes a value, by its name, and gives what it is made of;
whatever isn't known is refused by the operation's name, so that nothing is left out.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from weights_convert.errors import WeightsError
from weights_convert.formats.onnx_graph import Graph, Node

_SAME = ("Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze")
_TINY = 1e-6  # What old exports add to a difference before they square it.
_NEAREST = {  # Of these, twice the size is each pixel made two.
    *(("asymmetric", "floor"), ("asymmetric", "round_prefer_floor")),
    *(("half_pixel", "round_prefer_floor"), ("half_pixel", "round_prefer_ceil")),
    *(("pytorch_half_pixel", "round_prefer_floor"),),
}


@dataclasses.dataclass(frozen=True)
class Norm:
    """A normalisation: scale and offset `[c]`, or `[styles, c]`, and its epsilon."""

    scale: np.ndarray
    offset: np.ndarray
    epsilon: float


class Walk:
    """A graph, looked at from its end.

    Attributes:
      constants: see `Graph`.
      inputs: see `Graph`.
      makers: the node that makes a value, by the value's name.
      depths: convolutions between the input and a value, at most, by its name.
    """

    def __init__(self, graph: Graph):
        """Takes the graph that is looked at."""
        self.constants = graph.constants
        self.inputs = graph.inputs
        self.makers: Mapping[str, Node] = {
            name: node
            for node in graph.nodes
            for name in (node.outputs if node.inputs else ())
        }
        self.depths: dict[str, int] = {}
        for node in graph.nodes:
            ahead = max((self.depths.get(one, 0) for one in node.inputs), default=0)
            self.depths |= dict.fromkeys(node.outputs, ahead + (node.op == "Conv"))

    def maker(self, name: str, *, through: tuple[str, ...] = ("Identity",)) -> Node:
        """The node that makes a value, those that only pass it on left out.

        Raises:
          WeightsError: it is made of nothing.
        """
        name = self.passed(name, through)
        if name not in self.makers:
            what = "the input" if name in self.inputs else "made of nothing"
            raise WeightsError(f"a layer is missing: {name!r:.40} is {what}")
        return self.makers[name]

    def passed(self, name: str, through: tuple[str, ...] = ("Identity",)) -> str:
        """The value that nodes of these operations pass on under a name."""
        for _ in range(len(self.makers) + 1):
            node = self.makers.get(name)
            if node is None or node.op not in through:
                return name
            name = node.inputs[0]
        raise WeightsError("damaged: a value is made of itself")

    def constant(self, name: str) -> np.ndarray | None:
        """A constant by its name or that of its copies in another shape."""
        return self.constants.get(self.passed(name, _SAME))

    def parts(self, node: Node) -> tuple[str, float | None]:
        """Of an operation on a value and a number: the value's name, the number."""
        for name, other in zip(node.inputs[:2], node.inputs[1::-1], strict=True):
            found = self.constant(other)
            if found is not None and found.size == 1:
                return name, float(found.ravel()[0])
        return node.inputs[0], None

    def norm(self, node: Node) -> tuple[Norm | None, Node]:
        """What a convolution's output is normalised with, and the convolution."""
        if node.op == "InstanceNormalization" and len(node.inputs) == 3:
            scale, offset = (self.constants.get(name) for name in node.inputs[1:])
            if scale is None or offset is None or scale.ndim != 1:
                raise WeightsError("a normalisation's scale is no constant vector")
            epsilon = node.number("epsilon", 1e-5)
            return Norm(scale, offset, epsilon), self.maker(node.inputs[0])
        if node.op != "Add":
            return None, node
        offset, value = self._parameter(node)
        scaled = self.maker(value)
        if scaled.op != "Mul":
            raise _unknown(scaled, "where a scale is expected")
        scale, value = self._parameter(scaled)
        source, epsilon = self._standardised(self.maker(value), scale.shape[-1])
        return Norm(scale, offset, epsilon), source

    def _parameter(self, node: Node) -> tuple[np.ndarray, str]:
        """The scale or offset of an operation, and the name of what it is done to."""
        if len(node.inputs) == 2:
            for name, other in (node.inputs, node.inputs[::-1]):
                if (found := self.parameter(other)) is not None:
                    return found, name
        raise _unknown(node, "without a scale or offset for each channel")

    def parameter(self, name: str) -> np.ndarray | None:
        """A scale or offset, `[c]` or `[styles, c]`, if a value is one."""
        found = self.constant(name)
        if found is not None:
            return found.reshape(-1) if found.size > 1 else None
        return self._styles(name)

    def _styles(self, name: str) -> np.ndarray | None:
        """Numbers of all styles, `[styles, c]`, of which an input makes a mean."""
        node = self.makers.get(self.passed(name, _SAME))
        if node is None:
            return None
        if node.op == "ReduceSum" and self._axes(node) == [0]:
            node = self.makers.get(self.passed(node.inputs[0]))
            if node is None or node.op != "Mul":
                return None
        elif node.op not in ("MatMul", "Gemm") or len(node.inputs) != 2:
            return None
        for weights, table in (node.inputs, node.inputs[::-1]):
            found = self.constants.get(table)
            fed = self.passed(weights, _SAME) in self.inputs
            if found is not None and found.ndim == 2 and fed:
                return found
        return None

    def _standardised(self, node: Node, channels: int) -> tuple[Node, float]:
        """Of `(x - mean) / sqrt(variance + epsilon)`: what makes x, and epsilon."""
        if node.op not in ("Div", "Mul") or len(node.inputs) != 2:
            raise _unknown(node, "where a normalisation is expected")
        centred, divisor = node.inputs
        if node.op == "Mul":  # By one over it, before or behind.
            subtracts = self.makers.get(centred, node).op == "Sub"
            centred, divisor = node.inputs[:: 1 if subtracts else -1]
        subtraction = self.maker(centred)
        if subtraction.op != "Sub" or len(subtraction.inputs) != 2:
            raise _unknown(node, "which takes no mean away")
        if node.op == "Mul":
            divisor = self._inverted(self.maker(divisor))
        root = self.maker(divisor)
        if root.op != "Sqrt":
            raise _unknown(root, "where a root is expected")
        added = self.maker(root.inputs[0])
        variance, epsilon = self.parts(added)
        if added.op != "Add" or epsilon is None or not 0 < epsilon < 1:
            raise _unknown(added, "where an epsilon is expected")
        source = self._mean(subtraction.inputs[1], channels)
        if source != self.passed(subtraction.inputs[0], _SAME):
            raise _unknown(subtraction, "of another value's mean")
        self._square(self._mean(variance, channels), of=centred)
        return self.maker(subtraction.inputs[0]), epsilon

    def _inverted(self, node: Node) -> str:
        """The name of the value that a node gives one over."""
        one = self.constant(node.inputs[0])
        if node.op == "Div" and one is not None and one.size and np.all(one == 1):
            return node.inputs[-1]
        if node.op != "Reciprocal":
            raise _unknown(node, "where one over a deviation is expected")
        return node.inputs[0]

    def _mean(self, name: str, channels: int) -> str:
        """The name of the value that a mean over all its pixels is taken of."""
        node = self.maker(name, through=_SAME)
        given = self.passed(node.inputs[0])
        shaped = self.makers.get(given)
        places = [2, 3]
        if shaped is not None and shaped.op == "Reshape":
            places = self._flattened(shaped, channels)
        axes = places if node.op == "GlobalAveragePool" else []
        if node.op == "ReduceMean":
            axes = sorted(axis % (1 + max(places)) for axis in self._axes(node))
        if not axes or axes != places:
            raise _unknown(node, "where a mean over all pixels is expected")
        return self.passed(given, _SAME)

    def _flattened(self, node: Node, channels: int) -> list[int]:
        """The axis that all pixels are on, `[n, c, p]` or `[n, c, 1, p]`."""
        shape = self.constants.get(node.inputs[-1], np.zeros(0)).ravel().tolist()
        if shape[1:-1] not in ([channels], [channels, 1]):
            raise _unknown(node, f"to {shape!s:.40} within a normalisation")
        return [len(shape) - 1]

    def _axes(self, node: Node) -> list[int]:
        given = self.constants.get(node.inputs[1]) if len(node.inputs) > 1 else None
        return node.integers("axes") if given is None else given.ravel().tolist()

    def _square(self, name: str, *, of: str) -> None:
        node = self.maker(name)
        if node.op == "Pow":
            square = self.parts(node) == (of, 2.0)
        else:
            square = node.op == "Mul" and all(
                one == of or self._nearly(one) == of for one in node.inputs
            )
        if not square:
            raise _unknown(node, "where a variance is expected")

    def _nearly(self, name: str) -> str:
        """What a name stands for, if next to nothing is added to it."""
        node = self.makers.get(name)
        if node is None or node.op != "Add":
            return name
        value, added = self.parts(node)
        return value if added is not None and abs(added) <= _TINY else name

    def padded(self, name: str) -> tuple[int, str]:
        """Pixels that a convolution's input is padded by, and what is padded."""
        node = self.maker(name)
        if node.op != "Pad":
            raise WeightsError("a convolution isn't padded by reflection")
        if node.attributes.get("mode") != "reflect":
            raise WeightsError("pads otherwise than by reflection")
        given = self.constants.get(node.inputs[1]) if len(node.inputs) > 1 else None
        widths = node.integers("pads") if given is None else given.ravel().tolist()
        if given is not None and given.dtype.kind != "i":
            raise WeightsError("damaged: pads by what are no whole numbers")
        if len(widths) != 8 or widths != [0, 0, *[widths[-1]] * 2] * 2:
            raise WeightsError(f"pads by {widths!s:.60}, not alike on all four sides")
        return int(widths[-1]), node.inputs[0]

    def enlarged(self, name: str) -> tuple[bool, str]:
        """Whether a value is another's of twice the size, and the other's name."""
        name = self.passed(name)
        node = self.makers.get(name)
        if node is not None and node.op in ("Resize", "Upsample"):
            self._check_nearest(node)
            return True, node.inputs[0]
        doubled = 0  # Each row, and each column, beside itself.
        for _ in range(len(self.makers)):
            if node is None or node.op not in ("Reshape", "Concat"):
                break
            sources = {self._nearly(one) for one in node.inputs}
            if node.op == "Concat" and (len(node.inputs) != 2 or len(sources) != 1):
                raise _unknown(node, "of different values")
            doubled += node.op == "Concat"
            name = self._nearly(node.inputs[0])
            node = self.makers.get(name)
        if doubled not in (0, 2):
            raise WeightsError("scales up otherwise than to twice the size")
        return doubled == 2, name

    def _check_nearest(self, node: Node) -> None:
        how = (
            str(node.attributes.get("coordinate_transformation_mode", "half_pixel")),
            str(node.attributes.get("nearest_mode", "round_prefer_floor")),
        )
        good = node.op == "Upsample" or how in _NEAREST
        if node.attributes.get("mode", "nearest") != "nearest" or not good:
            raise WeightsError("scales up otherwise than to the nearest pixel")
        if (scales := node.attributes.get("scales")) is None:
            scales = self._scales(node.inputs[-1])
        if np.ravel(scales).tolist() != [1, 1, 2, 2]:
            raise WeightsError("scales up otherwise than to twice the size")

    def _scales(self, name: str) -> np.ndarray:
        """How many times larger, down all axes.

        Some exporters compute that from the size at hand, `floor(2 * h) / h`: then the
        only number among what it is computed with must be 2.
        """
        if (constant := self.constants.get(name)) is not None:
            return constant
        pending, seen, numbers = [name], set[str](), set[float]()
        while pending:
            if (one := pending.pop()) in seen:
                continue
            seen.add(one)
            found, node = self.constants.get(one), self.makers.get(one)
            if found is not None and found.dtype.kind == "f":
                numbers |= set(found.ravel().tolist())
            elif node is not None and node.op != "Shape":
                pending += node.inputs
        return np.array([1, 1, 2, 2] if numbers - {1.0} == {2.0} else [])


def _unknown(node: Node, why: str) -> WeightsError:
    return WeightsError(
        f"no image transformation network known here: it has {node.op!r:.40} {why}"
    )
