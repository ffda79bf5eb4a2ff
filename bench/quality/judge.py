"""Answers to blind sheets, scored: what counts, who won, and how likely by chance.

An answer counts if it is the same system in both orders. A rater who prefers one of two
identical pictures, or doesn't tell noise from none, isn't counted at all. The raters'
counted answers to a pair are summed; the sign of the sum is the pair's.
"""

import csv
import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.quality.sheets import ANSWERS, COMPARED, NOISY, QUESTIONS, SAME
from bench.quality.verdict import sign_test
from bench.report.tables import table
from nst_jax.errors import OptionsError, counted

FIRST, SECOND, EQUAL = 1, -1, 0
"""What an answer is for, whatever the side: votes for the first system or against."""

Votes = Mapping[tuple[str, str, str, str], Sequence[int]]
"""`(rater, kind, pair, question)` -> the votes of its sheets."""


@dataclasses.dataclass(frozen=True)
class Tally:
    """How a question came out.

    Attributes:
      wins: pairs of which the first system won more counted answers.
      losses: of which the second did.
      ties: the others that have a counted answer.
      counted: answers that are the same in both orders.
      dropped: that aren't.
      chance: of so many wins or more, see `verdict.sign_test`.
    """

    wins: int
    losses: int
    ties: int
    counted: int
    dropped: int

    @property
    def chance(self) -> float:
        """See the class."""
        return sign_test(self.wins, self.losses)


def votes(rows: Iterable[Mapping[str, str]], key: Mapping[str, Any]) -> Votes:
    """Answers as votes for the first system, by what was shown.

    Args:
      rows: with "sheet", "rater" and the questions; those without an answer are left
        out.
      key: as `sheets.write` writes it.

    Raises:
      OptionsError: an unknown sheet or answer; a sheet that a rater answered twice.
    """
    found: dict[tuple[str, str, str, str], list[int]] = {}
    seen = set()
    for row in rows:
        name, rater = (row.get(one) or "" for one in ("sheet", "rater"))
        given = {one: (row.get(one) or "").strip().upper() for one in QUESTIONS}
        if not any(given.values()):
            continue
        if name not in key["sheets"]:
            raise OptionsError(f"sheet {name!r}: not in the key; is it another key's?")
        if (name, rater) in seen:
            raise OptionsError(f"sheet {name}: answered twice by {rater!r}")
        seen.add((name, rater))
        shown = key["sheets"][name]
        for question, answer in given.items():
            if answer not in ANSWERS:
                raise OptionsError(
                    f"sheet {name}, {question}: {answer!r} is no answer; give one of "
                    f"{', '.join(ANSWERS)}"
                )
            vote = {"A": FIRST, "B": SECOND, "=": EQUAL}[answer]
            place = rater, shown["kind"], shown["pair"], question
            found.setdefault(place, []).append(-vote if shown["swapped"] else vote)
    return found


def failed(found: Votes) -> dict[str, str]:
    """Raters who aren't counted, and why."""
    wrong = {}
    for (rater, kind, _, question), given in found.items():
        if kind == SAME and question == "hang" and set(given) != {EQUAL}:
            wrong[rater] = "preferred one of two identical pictures"
        if kind == NOISY and question == "flaws" and set(given) != {FIRST}:
            wrong[rater] = "didn't see noise"
    for rater in {rater for rater, *_ in found} - wrong.keys():
        if not {SAME, NOISY} <= {kind for who, kind, *_ in found if who == rater}:
            wrong[rater] = "left out the sheets that tell"
    return wrong


def tally(found: Votes, question: str) -> Tally:
    """A question's outcome over pairs, by the raters who count."""
    left_out = failed(found)
    sums: dict[str, int] = {}
    agreed = dropped = 0
    for (rater, kind, pair, asked), given in found.items():
        if kind != COMPARED or asked != question or rater in left_out:
            continue
        if len(given) == 2 and given[0] == given[1]:
            agreed += 1
            sums[pair] = sums.get(pair, 0) + given[0]
        else:
            dropped += 1
    wins = sum(total > 0 for total in sums.values())
    losses = sum(total < 0 for total in sums.values())
    return Tally(wins, losses, len(sums) - wins - losses, agreed, dropped)


def judged(answers: Sequence[Path], key: Path) -> str:
    """A Markdown report of answers.

    Raises:
      OptionsError: files that can't be read, or aren't what they should be.
    """
    try:
        held = json.loads(key.read_text())
        rows = []
        for path in answers:
            with path.open(newline="") as file:
                rows += list(csv.DictReader(file))
        first, second = held["systems"]
        found = votes(rows, held)
    except OSError as error:
        raise OptionsError(f"{error.filename}: {error.strerror}") from error
    except (ValueError, KeyError) as error:
        if isinstance(error, OptionsError):
            raise
        raise OptionsError(f"{key}: is no key of sheets ({error})") from error
    raters = sorted({rater for rater, *_ in found})
    lines = [f"{first} against {second}, {counted(len(raters), 'rater')}."]
    lines += [
        f"Not counted: {who or '?'}, who {why}." for who, why in failed(found).items()
    ]
    rows_of = []
    for question in QUESTIONS:
        out = tally(found, question)
        numbers = out.wins, out.losses, out.ties, out.counted, out.dropped
        rows_of.append([question, *map(str, numbers), f"{out.chance:.3f}"])
    header = ["question", "pairs won", "lost", "even", "answers", "dropped", "chance"]
    return "\n".join(lines) + "\n\n" + table(header, rows_of)
