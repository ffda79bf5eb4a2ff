"""An ONNX graph as it is written: nodes of opset 13, NCHW, and arrays in it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

OPSET = 13
_IR = 7  # The first version of the container that has this opset.


class Graph:
    """Nodes one after the other; each method adds some and returns the last's name.

    Attributes:
      nodes: `onnx.NodeProto`s.
      arrays: constants by name.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.arrays: dict[str, np.ndarray] = {}

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """A node of one output."""
        from onnx import helper

        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def constant(self, value: Any, name: str = "") -> str:
        """An array; numbers without a name are kept once."""
        array = np.asarray(value)
        name = name or f"{array.dtype}_{'_'.join(map(str, array.ravel().tolist()))}"
        self.arrays[name] = np.ascontiguousarray(array)
        return name

    def size(self, images: str) -> str:
        """Height and width, int64 `[2]`."""
        return self.add(
            "Slice", self.add("Shape", images), self.whole([2]), self.whole([4])
        )

    def whole(self, numbers: Sequence[int]) -> str:
        """Whole numbers."""
        return self.constant(np.array(numbers, np.int64))

    def number(self, value: float) -> str:
        """A number."""
        return self.constant(np.float32(value))

    def reflected(self, images: str, around: int) -> str:
        """So many pixels of reflection around."""
        if not around:
            return images
        pads = self.whole([0, 0, around, around] * 2)
        return self.add("Pad", images, pads, mode="reflect")

    def reflected_up(self, images: str, multiple: int) -> str:
        """Height and width made multiples, by reflection below and right."""
        left = self.add("Neg", self.size(images))
        more = self.add("Mod", left, self.whole([multiple]))
        pads = self.add("Concat", self.whole([0] * 6), more, axis=0)
        return self.add("Pad", images, pads, mode="reflect")

    def cropped(self, images: str, size: str) -> str:
        """The upper left part of a size."""
        start, axes = self.whole([0, 0]), self.whole([2, 3])
        return self.add("Slice", images, start, size, axes)

    def enlarged(self, images: str, mode: str) -> str:
        """Twice the size, "nearest" or "linear"."""
        how = {
            "nearest": {
                "coordinate_transformation_mode": "asymmetric",
                "nearest_mode": "floor",
            },
            "linear": {"coordinate_transformation_mode": "half_pixel"},
        }[mode]
        scales = self.constant(np.array([1, 1, 2, 2], np.float32))
        return self.add("Resize", images, "", scales, mode=mode, **how)

    def convolved(
        self,
        images: str,
        name: str,
        arrays: Mapping[str, np.ndarray],
        *,
        stride: int = 1,
        inputs: int | None = None,
        pads: Sequence[int] = (0, 0, 0, 0),
    ) -> str:
        """A convolution of the arrays `NAME/kernel` and, if there is one, `NAME/bias`.

        Args:
          images: what it sees.
          name: of the layer.
          arrays: kernels are `[h, w, inputs / groups, outputs]`.
          stride: down and across.
          inputs: channels; by default so many as the kernel sees.
          pads: zeros above, left, below, right.
        """
        kernel = arrays[f"{name}/kernel"]
        given = [
            images,
            self.constant(kernel.transpose(3, 2, 0, 1), f"{name}/kernel"),
            *self._bias(name, arrays),
        ]
        groups = (inputs or kernel.shape[2]) // kernel.shape[2]
        shape, strides = list(kernel.shape[:2]), [stride, stride]
        return self.add(
            "Conv",
            *given,
            kernel_shape=shape,
            strides=strides,
            pads=list(pads),
            group=groups,
        )

    def convolved_transposed(
        self, images: str, name: str, arrays: Mapping[str, np.ndarray]
    ) -> str:
        """TensorFlow's `conv2d_transpose`, 3x3, stride 2, SAME: twice the size."""
        kernel = arrays[f"{name}/kernel"].transpose(2, 3, 0, 1)
        given = [images, self.constant(kernel, f"{name}/kernel")]
        return self.add(
            "ConvTranspose",
            *given,
            *self._bias(name, arrays),
            kernel_shape=[3, 3],
            strides=[2, 2],
            pads=[0, 0, 1, 1],
        )

    def _bias(self, name: str, arrays: Mapping[str, np.ndarray]) -> list[str]:
        key = f"{name}/bias"
        return [self.constant(arrays[key], key)] if key in arrays else []

    def by_channel(self, numbers: str) -> str:
        """`[b, c]` -> `[b, c, 1, 1]`."""
        return self.add("Unsqueeze", numbers, self.whole([2, 3]))

    def part(self, numbers: str, start: int, end: int) -> str:
        """Columns of `[b, n]`."""
        places = self.whole([start]), self.whole([end]), self.whole([1])
        return self.add("Slice", numbers, *places)

    def file(
        self,
        styles: int,
        painted: str,
        name: str,
        metadata: Mapping[str, str],
    ) -> bytes:
        """The file: `images` `[batch, 3, height, width]` in, `painted` out.

        Args:
          styles: numbers of `style`, `[batch, styles]`; 0 if there is no such input.
          painted: the last node.
          name: of the graph.
          metadata: by name.
        """
        import onnx
        from onnx import helper, numpy_helper

        def described(name: str, *shape: Any) -> Any:
            return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

        pictures = ("batch", 3, "height", "width")
        inputs = [described("images", *pictures)]
        if styles:
            inputs.append(described("style", "batch", styles))
        graph = helper.make_graph(
            [*self.nodes, helper.make_node("Identity", [painted], ["painted"])],
            name,
            inputs,
            [described("painted", *pictures)],
            [numpy_helper.from_array(array, key) for key, array in self.arrays.items()],
        )
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=_IR)
        model.producer_name = "nst-jax"
        helper.set_model_props(model, dict(metadata))
        onnx.checker.check_model(model)
        return model.SerializeToString()
