"""What a network shows of a picture at a tap: the one thing that losses look at."""

import dataclasses

import jax
import jax.numpy as jnp


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class View:
    """Features, what each position counts, and what sums are divided by.

    Padding, masks, tiles and row shards are all this: a padded picture's weight is 0
    outside of it, a mask's is its share, a part of a picture has the sums and the count
    of that part. Of a picture by itself nothing has to be said: its weight is None.

    Attributes:
      features: `[..., h, w, c]`, any float dtype.
      weight: `[..., h, w]` float32, what each position counts; None: 1 everywhere.
      count: `[...]` float32, the sum of the weight.
      clean: whether each weight is 0 or 1, and the features are 0 wherever it is 0, as
        networks leave them in padding: sums over positions need no weight then. Static.
      draw: `[..., 2]` uint32, a random key by which losses that draw positions do so
        anew; None: they draw the same ones always.
    """

    features: jax.Array
    weight: jax.Array | None
    count: jax.Array
    clean: bool = dataclasses.field(default=False, metadata={"static": True})
    draw: jax.Array | None = None

    @classmethod
    def of(
        cls,
        features: jax.Array,
        extents: jax.Array | None = None,
        *,
        clean: bool = False,
    ) -> "View":
        """The view of pictures that fill their array, or of padded ones.

        Args:
          features: `[b, h, w, c]`.
          extents: `[b, 2]` int32, height and width of each picture's own part, from the
            top left corner; None where all fill theirs.
          clean: whether the features are 0 outside of them.
        """
        lanes, height, width, _ = features.shape
        if extents is None:
            count = jnp.full(lanes, height * width, jnp.float32)
            return cls(features, None, count)
        weight = inside((height, width), extents).astype(jnp.float32)
        count = jnp.prod(extents, axis=-1).astype(jnp.float32)
        return cls(features, weight, count, clean)


def inside(shape: tuple[int, int], extents: jax.Array) -> jax.Array:
    """Which positions belong to each picture: `[b, h, w]` bool.

    Args:
      shape: height and width.
      extents: `[b, 2]` int32, as in `View.of`.
    """
    height, width = shape
    rows = jnp.arange(height)[:, None] < extents[:, 0, None, None]
    columns = jnp.arange(width) < extents[:, 1, None, None]
    return rows & columns
