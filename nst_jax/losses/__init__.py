"""Content, style and total-variation losses: pure functions of views.

A network shows views of a picture, `network(image, taps) -> {tap: View}`. A term makes
a statistic of a view, and says how far it is from what others ask for:

    gram = losses.Gram()
    painted = gram.statistic(network(painting, ["relu2_1"])["relu2_1"])
    target = gram.blend([painted], [1.0])
    loss = gram.distance(gram.statistic(network(image, ["relu2_1"])["relu2_1"]), target)

`Objective` is a weighted sum of terms at taps, each a `Part`. A term of one's own is
anything with the three functions of `Term`.
"""

from nst_jax.losses.content import Content, HalfSum, Share
from nst_jax.losses.edges import Edges
from nst_jax.losses.gram import Gram, GramScale
from nst_jax.losses.histogram import Histogram
from nst_jax.losses.iterated import IteratedW2
from nst_jax.losses.objective import IMAGE, Objective, Part
from nst_jax.losses.palette import Palette
from nst_jax.losses.remd import RelaxedEMD
from nst_jax.losses.self_similarity import SelfSimilarity
from nst_jax.losses.sliced import Sliced, sliced_w2
from nst_jax.losses.strotss import Strotss
from nst_jax.losses.terms import Sums, Term
from nst_jax.losses.total_variation import Norm, TotalVariation
from nst_jax.losses.view import View
from nst_jax.losses.wasserstein import W2

__all__ = [
    "IMAGE",
    "W2",
    "Content",
    "Edges",
    "Gram",
    "GramScale",
    "HalfSum",
    "Histogram",
    "IteratedW2",
    "Norm",
    "Objective",
    "Palette",
    "Part",
    "RelaxedEMD",
    "SelfSimilarity",
    "Share",
    "Sliced",
    "Strotss",
    "Sums",
    "Term",
    "TotalVariation",
    "View",
    "sliced_w2",
]
