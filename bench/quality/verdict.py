"""Two systems compared pair by pair: by medians, signs and resampling."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from scipy import stats

_DRAWS, _SEED = 2000, 0
_LIKELY = (5.0, 95.0)  # Percentiles of the interval.


@dataclasses.dataclass(frozen=True)
class Verdict:
    """How a system's values differ from another's on the same pairs; less is better.

    Attributes:
      pairs: on which both have a value.
      median: of the differences; below 0 the first is better.
      low: of the 90 % interval of that median, by resampling pairs.
      high: of it.
      wins: pairs on which the first is better.
      losses: on which it is worse; the others are ties.
      chance: how likely so many wins or more are where both are alike: one-sided sign
        test, ties dropped; 1 where there are only ties.
    """

    pairs: int
    median: float
    low: float
    high: float
    wins: int
    losses: int
    chance: float


def compare(first: Mapping[str, float], second: Mapping[str, float]) -> Verdict | None:
    """Compares values by pair; None where no pair has both."""
    common = sorted(first.keys() & second.keys())
    if not common:
        return None
    apart = np.array([first[pair] - second[pair] for pair in common])
    rng = np.random.default_rng(_SEED)
    drawn = apart[rng.integers(len(apart), size=(_DRAWS, len(apart)))]
    low, high = np.percentile(np.median(drawn, axis=1), _LIKELY)
    wins, losses = int((apart < 0).sum()), int((apart > 0).sum())
    middle = float(np.median(apart))
    signs = sign_test(wins, losses)
    return Verdict(len(apart), middle, float(low), float(high), wins, losses, signs)


def sign_test(wins: int, losses: int) -> float:
    """Probability of so many wins or more by chance: 9 of 10 are .011, 8 are .055."""
    if not wins + losses:
        return 1.0
    test = stats.binomtest(wins, wins + losses, alternative="greater")
    return float(test.pvalue)
