"""Parts of a solver's state that are kept in the host's memory.

L-BFGS has 2 m pictures in its history, Adam two in its moments: of a large picture more
than a device's memory holds. The host's holds them too, and a part of them at a time is
brought to the device, which costs time (as ZeRO-Offload does, Ren et al. 2021,
arXiv:2101.06840; XLA moves them, by the memory spaces of JAX).

A program that has such parts has a single lane.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from nst_jax.devices import spaces

_EXACT = lax.Precision.HIGHEST


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class OnHost:
    """An array in the host's memory, without an axis of lanes.

    Attributes:
      value: the array; `[m, n]` where rows are asked for.
    """

    value: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        shape: tuple[int, ...] = self.value.shape
        return shape

    @classmethod
    def of(cls, value: jax.Array) -> "OnHost":
        """An array of the device, sent to the host, within a program."""
        return cls(jax.device_put(value, jax.memory.Space.Host))

    def fetched(self) -> jax.Array:
        """The array, brought to the device, within a program."""
        return jax.device_put(self.value, jax.memory.Space.Device)

    def row(self, place: jax.Array) -> jax.Array:
        """One row, `[n]`, brought to the device."""
        row = lax.dynamic_index_in_dim(self.value, place, keepdims=False)
        return jax.device_put(row, jax.memory.Space.Device)

    def with_row(self, place: jax.Array, row: jax.Array) -> "OnHost":
        """With a row, `[n]`, in the place of another."""
        sent = jax.device_put(row[None], jax.memory.Space.Host)
        return OnHost(lax.dynamic_update_slice_in_dim(self.value, sent, place, 0))

    def times(self, vectors: jax.Array) -> jax.Array:
        """Its rows times vectors, `[k, n]`: `[k, m]`."""

        def product(place: Any, found: jax.Array) -> jax.Array:
            made = jnp.matmul(vectors, self.row(place), precision=_EXACT)
            return found.at[:, place].set(made)

        count = self.shape[0]
        none = jnp.zeros((vectors.shape[0], count), vectors.dtype)
        return lax.fori_loop(0, count, product, none)

    def mixed(self, weights: jax.Array) -> jax.Array:
        """Its rows, each times its weight, `[m]`, added up: `[n]`."""

        def add(place: Any, total: jax.Array) -> jax.Array:
            return total + weights[place] * self.row(place)

        none = jnp.zeros(self.shape[1:], weights.dtype)
        return lax.fori_loop(0, self.shape[0], add, none)


def _is_on_host(part: Any) -> bool:
    return isinstance(part, OnHost)


def found(tree: Any) -> bool:
    """Whether parts of a tree are kept in the host's memory."""
    return any(map(_is_on_host, jax.tree.leaves(tree, is_leaf=_is_on_host)))


def _map(of_host: Callable[..., Any], of_rest: Callable[..., Any], *trees: Any) -> Any:
    def of(part: Any, *others: Any) -> Any:
        return (of_host if _is_on_host(part) else of_rest)(part, *others)

    return jax.tree.map(of, *trees, is_leaf=_is_on_host)


def solver(inner: optax.GradientTransformation) -> optax.GradientTransformation:
    """A solver whose arrays of more than one axis are kept in the host's memory.

    They come to the device for its step, all at once, and are sent back after it.
    """

    def sent(tree: Any) -> Any:
        return jax.tree.map(lambda x: OnHost.of(x) if jnp.ndim(x) > 1 else x, tree)

    def init(params: optax.Params) -> Any:
        return sent(inner.init(params))

    def update(
        updates: optax.Updates, state: Any, params: optax.Params | None = None
    ) -> tuple[optax.Updates, Any]:
        here = _map(OnHost.fetched, lambda x: x, state)
        updates, here = inner.update(updates, here, params)
        return updates, sent(here)

    return optax.GradientTransformation(init, update)


# Of lanes: the other leaves have a leading axis of them.


def init(solver: optax.GradientTransformation, images: jax.Array) -> Any:
    """The first state of a solver for lanes of images, `[n, h, w, 3]`.

    Raises:
      ValueError: several, where parts are kept in the host's memory.
    """
    of_one = jax.eval_shape(solver.init, images[0])
    if not found(of_one):
        return jax.vmap(solver.init)(images)
    if images.shape[0] > 1:
        raise ValueError("a solver with a state on the host takes one image at a time")
    return _with_lane(solver.init(images[0]))


def update(
    solver: optax.GradientTransformation,
    gradients: jax.Array,
    state: Any,
    images: jax.Array,
) -> tuple[jax.Array, Any]:
    """The step of lanes, each with a state of its own, and their next states."""
    if not found(state):
        return jax.vmap(solver.update)(gradients, state, images)
    of_one = _map(lambda part: part, lambda x: x[0], state)
    updates, of_one = solver.update(gradients[0], of_one, images[0])
    return updates[None], _with_lane(of_one)


def _with_lane(state: Any) -> Any:
    return _map(lambda part: part, lambda x: x[None], state)


def opened(tree: Any) -> Any:
    """A tree as it is where nothing is on the host: its arrays, or shapes, alone.

    What is on the host comes as arrays of numpy, as programs alone compute with it.
    """

    def open_part(part: OnHost) -> Any:
        value = part.value
        if isinstance(value, jax.ShapeDtypeStruct):
            return jax.ShapeDtypeStruct((1, *value.shape), value.dtype)
        return _numpy(value)[None]

    return _map(open_part, lambda x: x, tree)


def get(tree: Any) -> Any:
    """`jax.device_get`, but for what is on the host, of which numpy has copies.

    It would be seen where it lies; then the next step couldn't have its memory, or
    would change it under the reader.
    """
    rest = jax.device_get(without(tree))
    return _map(lambda part, _: OnHost(_numpy(part.value)), lambda _, x: x, tree, rest)


def _numpy(value: Any) -> np.ndarray:
    """A copy of what is on the host, by way of the device: rows one by one."""
    if isinstance(value, np.ndarray):
        return value
    if value.ndim != 2:
        return np.asarray(_whole(value))
    found = np.empty(value.shape, value.dtype)
    for place in range(len(found)):
        found[place] = _row(value, place)
    return found


_row = jax.jit(lambda value, place: OnHost.of(value).row(place))
_whole = jax.jit(lambda value: OnHost.of(value).fetched())


def closed(tree: Any, like: Any) -> Any:
    """What `opened` gave, in numpy or on the device, put to where `like` has it."""

    def close_part(_: OnHost, value: Any) -> OnHost:
        return OnHost(jax.device_put(value[0], spaces.on_host()))

    made = _map(close_part, lambda _, x: jax.device_put(x), like, tree)
    spaces.note_on_host(bytes_of(made))
    return made


def without(tree: Any) -> Any:
    """A tree whose parts on the host are left out."""
    return _map(lambda _: OnHost(None), lambda x: x, tree)


def shapes(tree: Any) -> Any:
    """A tree's arrays as shapes."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), tree)


def delete(tree: Any) -> None:
    """Gives back the memory of what is on the host, whoever still has it."""
    for part in jax.tree.leaves(tree, is_leaf=_is_on_host):
        if _is_on_host(part):
            part.value.delete()


def zeros(tree: Any, like: Any) -> Any:
    """What `without` left, with zeros in the host's memory, as `like` has them."""

    def fill(part: OnHost, here: Any) -> OnHost:
        # Of pages that nobody wrote: they take no memory besides the result's.
        none = np.zeros(part.value.shape, part.value.dtype)
        return OnHost(jax.device_put(none, spaces.on_host()))

    filled = _map(fill, lambda _, x: x, like, tree)
    spaces.note_on_host(bytes_of(filled))
    return filled


def placed(tree: Any, device: jax.Device | None = None) -> Any:
    """Shapes of arrays, those on the host with their place, beside a device."""
    where = spaces.on_host(device)

    def place(part: OnHost) -> OnHost:
        shape, dtype = part.value.shape, part.value.dtype
        return OnHost(jax.ShapeDtypeStruct(shape, dtype, sharding=where))

    return _map(place, lambda x: x, tree)


def shardings(tree: Any) -> Any:
    """Where all of a tree lies that has parts on the host, and the rest on a device."""
    parts = jax.tree.leaves(tree, is_leaf=_is_on_host)
    first = next(part.value for part in parts if _is_on_host(part))
    (device,) = first.sharding.device_set
    there, here = OnHost(spaces.on_host(device)), spaces.on_device(device)
    return _map(lambda _: there, lambda _: here, tree)


def sent(tree: Any) -> Any:
    """Within a program: a tree whose parts on the host are known to be there."""
    return _map(lambda part: OnHost.of(part.value), lambda x: x, tree)


def bytes_of(tree: Any) -> int:
    """How much of the host's memory a tree, or its shapes, has."""
    parts = jax.tree.leaves(tree, is_leaf=_is_on_host)
    return sum(
        int(np.prod(part.shape, dtype=np.int64)) * np.dtype(part.value.dtype).itemsize
        for part in parts
        if _is_on_host(part)
    )
