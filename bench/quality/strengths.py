"""Systems compared over their strengths: a weaker style keeps more of the photo.

At one strength each, a system may have more style only as it keeps less content. So
style is compared at equal content, along the line through a system's strengths, and by
the area of what they come down to together.
"""

from collections.abc import Sequence

import numpy as np

Point = tuple[float, float]
"""Style (S1) and content (C1) of a picture; less is better, 1 as bad as nothing."""


def style_at(points: Sequence[Point], content: float) -> float | None:
    """The style of a system where its content is `content`, between its strengths.

    Args:
      points: of its strengths on one pair, in any order.
      content: to be compared at.

    Returns:
      Interpolated; None where the strengths don't reach so far.
    """
    ordered = sorted(points, key=lambda point: point[1])
    contents = [kept for _, kept in ordered]
    if not ordered or not contents[0] <= content <= contents[-1]:
        return None
    return float(np.interp(content, contents, [style for style, _ in ordered]))


def area(points: Sequence[Point]) -> float:
    """Hypervolume of a system's strengths on one pair, in [0, 1]; more is better.

    The share of the square from (0, 0) to (1, 1) of which some strength is better in
    both, so that 1 would be the painting's style with the photo's content.
    """
    inside = [(max(0.0, s), max(0.0, c)) for s, c in points if s < 1 and c < 1]
    covered, least = 0.0, 1.0
    for style, kept in sorted(inside):
        if kept < least:
            covered += (1 - style) * (least - kept)
            least = kept
    return covered
