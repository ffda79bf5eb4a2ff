"""The triangular factor of L-BFGS's compact form.

Byrd, Nocedal & Schnabel 1994, "Representations of quasi-Newton matrices and their use
in limited memory methods", eq. 3.1.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Factor(NamedTuple):
    """The triangular factor of the compact form, of pairs from oldest to newest.

    Attributes:
      ages: `[m]`, rows of the pairs in that order.
      upper: `[m, m]`, products s_i . y_j for j no older than i; identity where empty.
      empty: `[m]`, whether there is no such pair yet.
    """

    ages: jax.Array
    upper: jax.Array
    empty: jax.Array

    @classmethod
    def of(cls, pairs: jax.Array, products: jax.Array) -> "Factor":
        """The factor of pairs of which so many were stored, pair k in row k % m.

        Args:
          pairs: stored so far.
          products: `[m, m]`, s_i . y_j, for j no older than i.
        """
        history = len(products)
        ages = (pairs + jnp.arange(history)) % history
        empty = jnp.diagonal(products)[ages] == 0
        upper = jnp.triu(products[jnp.ix_(ages, ages)])
        return cls(ages, upper + jnp.diag(empty.astype(upper.dtype)), empty)

    def solve(self, vector: jax.Array, *, transposed: bool = False) -> jax.Array:
        """The inverse of the factor, or its transpose's, times `[m]` in rows' order."""
        found = jax.scipy.linalg.solve_triangular(
            self.upper, vector[self.ages], trans="T" if transposed else "N"
        )
        return jnp.zeros_like(found).at[self.ages].set(jnp.where(self.empty, 0, found))

    def curvatures(self) -> jax.Array:
        """`[m]`, products s_i . y_i in rows' order."""
        found = jnp.where(self.empty, 0, jnp.diagonal(self.upper))
        return jnp.zeros_like(found).at[self.ages].set(found)
