"""Several devices: lanes over some, rows of each picture over others.

The one place that knows meshes. Arrays are placed, and XLA divides programs accordingly
(GSPMD; Xu et al. 2021, arXiv:2105.04663): devices that share a picture exchange the
rows at their borders, and sum statistics. Lanes need nothing of each other.
"""

import dataclasses
import functools
from typing import Any

import jax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from nst_jax.devices.shape import parsed
from nst_jax.errors import OptionsError

LANES, ROWS = "lanes", "rows"
_STRIDE = 16
"""Rows of a picture for one of VGG's deepest tap: pieces are whole multiples of it."""
_WORTH = 2**18
"""Pixels of a device's piece from which on rows are divided without being asked."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """How arrays lie on a mesh of devices.

    Attributes:
      lanes: devices, or rows of devices, that share the lanes.
      rows: devices that share each picture.
      devices: of the mesh, `lanes * rows`; none: the first that are here.
    """

    lanes: int = 1
    rows: int = 1
    devices: tuple[jax.Device, ...] = ()

    @property
    def count(self) -> int:
        """How many devices it has."""
        return self.lanes * self.rows

    @property
    def single(self) -> bool:
        """Whether it is the default device alone, where nothing has to be placed."""
        return self.count == 1 and not self.devices

    @property
    def multiple(self) -> int:
        """What heights of frames are multiples of, in pixels."""
        return self.rows * _STRIDE if self.rows > 1 else 1

    def images(self, tree: Any, frame: tuple[int, int]) -> Any:
        """Places what has values of each pixel.

        Args:
          tree: leaves with a leading axis of lanes, some with one of rows, or of all
            values of an image; others without any axis. Arrays, or their shapes.
          frame: height and width of the images.
        """
        height, width = frame
        divided = (height, height * width * 3)

        def spec(shape: tuple[int, ...]) -> PartitionSpec:
            axes: list[str | None] = [LANES] if shape else []
            for length in shape[1:]:
                rows = length in divided and ROWS not in axes
                axes.append(ROWS if rows else None)
            return PartitionSpec(*axes)

        return self._placed(tree, spec)

    def targets(self, tree: Any, *, shared: bool = False) -> Any:
        """Places features `[n, h', w', c]` by lanes and rows, all else by lanes.

        Args:
          tree: arrays, or their shapes.
          shared: whether leaves have no axis of lanes.
        """
        axes = (ROWS,) if shared else (LANES, ROWS)

        def spec(shape: tuple[int, ...]) -> PartitionSpec:
            place = len(axes) - 1
            dense = len(shape) == place + 3 and shape[place] % self.rows == 0
            return PartitionSpec(*(axes if dense else axes[:-1]))

        return self._placed(tree, spec)

    def everywhere(self, tree: Any) -> Any:
        """Places all of it on each device."""
        return self._placed(tree, lambda shape: PartitionSpec())

    def _placed(self, tree: Any, spec: Any) -> Any:
        if self.single:
            return tree
        mesh = _mesh(self)

        def put(leaf: Any) -> Any:
            where = NamedSharding(mesh, spec(leaf.shape))
            if isinstance(leaf, jax.ShapeDtypeStruct):
                return jax.ShapeDtypeStruct(
                    *(leaf.shape, leaf.dtype), sharding=where, weak_type=leaf.weak_type
                )
            return jax.device_put(leaf, where)

        return jax.tree.map(put, tree)


ONE = Layout()
"""The default device alone."""


@functools.cache
def _mesh(layout: Layout) -> Mesh:
    devices = layout.devices or tuple(jax.local_devices()[: layout.count])
    return jax.make_mesh(
        *((layout.lanes, layout.rows), (LANES, ROWS)),
        axis_types=(AxisType.Auto,) * 2,
        devices=devices,
    )


def chosen(asked: str, *, jobs: int, pixels: int, lanes: int | None = None) -> Layout:
    """How `jobs` are laid out.

    Lanes go first: they need nothing of each other. What devices are left share rows,
    by themselves where pictures are large.

    Args:
      asked: "auto", how many devices, or "LANESxROWS".
      jobs: that are to be done side by side, if there is room.
      pixels: of a picture.
      lanes: asked for; 1 by itself divides nothing.

    Raises:
      OptionsError: what isn't understood, or more devices than there are.
    """
    found = parsed(asked)
    here = jax.local_device_count()
    wanted = found[0] * found[1] if found else here
    if wanted > here:
        raise OptionsError(
            f"devices={asked}: there are {here} here; give a number up to that"
        )
    if found and "x" in asked:
        return Layout(*found)
    if not found and lanes == 1:
        return ONE
    most = min(jobs, lanes or jobs)
    over = max(n for n in range(1, wanted + 1) if wanted % n == 0 and n <= most)
    rows = wanted // over
    if not found and pixels < rows * _WORTH:
        rows = 1
    return Layout(over, rows)


def side_by_side(lanes: int) -> Layout:
    """All devices that are here, where so many lanes can be shared out equally."""
    here = jax.local_device_count()
    return ONE if lanes % here else Layout(here)
