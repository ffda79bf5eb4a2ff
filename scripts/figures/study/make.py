"""Makes the pictures of a study, going on from where an earlier attempt ended."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from nst_jax.errors import ImageError

from nst_jax.collection.folder import Collection
from nst_jax.commands import stop
from nst_jax.commands.asked import Pair, fetched
from nst_jax.devices import programs
from nst_jax.optimize.engine import DivergenceError
from nst_jax.transfer import batch, verbs
from nst_jax.transfer.results import Record, Result
from study.plan import Run, Study, programs


@dataclasses.dataclass(frozen=True)
class Made:
    """What came of it.

    Attributes:
      folder: with what is known about each picture.
      signal: that stopped it before all pictures were made, or None.
    """

    folder: Collection
    signal: int | None


def make(study: Study, folder: Path, *, lanes: int | None, offline: bool) -> Made:
    """Makes what is missing in `folder`; what can be lanes of one program, is.

    Args:
      study: what to make.
      folder: of the pictures; made if need be.
      lanes: results side by side; None for as many as help and fit.
      offline: don't fetch weights.

    Raises:
      As `batch.run_jobs` and `folder.check`.
    """
    for pair in study.pairs:
        verbs.check(pair.options, paintings=1)
    folder.check(folder, study.pairs, study.names)
    with stop.StopRequest(_say):
        weights = fetched(study.pairs, offline=offline, report=_say)
    planned = programs(study.pairs)
    work = _work(study, planned)
    made = Collection(folder, study.pairs, study.names, weights=weights, work=work)
    with made, stop.StopRequest(made.say) as request:
        programs.report_missing_accelerator(made.say)
        for runs in planned:
            program = _Program(runs, study.pairs, made, request)
            for job, result in batch.run_jobs(
                program.jobs,
                done=program.done,
                every=program.every,
                lanes=lanes,
                offline=offline,
                on_progress=program.show,
                report=made.say,
                state_folder=folder,
            ):
                program.add(job, result)
            if request.signal is not None:
                break
    return Made(made, request.signal if made.unfinished else None)


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _work(study: Study, planned: Sequence[Sequence[Run]]) -> list[int]:
    """Iterations that each picture adds to its run."""
    work = [0] * len(study.pairs)
    for run in (run for runs in planned for run in runs):
        for index, place in enumerate(run.places):
            work[place] = run.ends[index] - run.begins(index)
    return work


class _Program:
    """Runs that share a program, their pictures taken as they come by."""

    def __init__(
        self,
        runs: Sequence[Run],
        pairs: Sequence[Pair],
        folder: Collection,
        request: stop.StopRequest,
    ):
        self._runs, self._pairs = runs, pairs
        self._folder, self._request = folder, request
        self._records: dict[int, Record] = {}
        last = [pairs[run.places[-1]] for run in runs]
        self.jobs = [batch.Job(p.content, (p.style,), p.options) for p in last]
        self.every = sorted({end for run in runs for end in run.ends[:-1]})
        self.done = [
            job for job, run in enumerate(runs) if folder.done.issuperset(run.places)
        ]

    def show(self, progress: batch.BatchProgress) -> bool:
        """Takes in the end of a chunk; says whether to stop."""
        self._request.defer()
        places, lanes = [], []
        for job, lane in zip(progress.jobs, progress.lanes, strict=True):
            run = self._runs[job]
            index = run.at(lane.iteration)
            of_picture = lane.iteration - run.begins(index)
            places.append(run.places[index])
            lanes.append(dataclasses.replace(lane, iteration=of_picture))
        shown = dataclasses.replace(progress, jobs=tuple(places), lanes=tuple(lanes))
        self._folder.show(shown)
        for job, lane in zip(progress.jobs, progress.lanes, strict=True):
            run = self._runs[job]
            if len(run.places) == 1:
                continue
            record = self._records.setdefault(job, Record(self.jobs[job].options))
            record.add(lane)
            if lane.iteration in run.ends[:-1]:
                self._take(run, record.result())
        return self._request.signal is not None

    def add(self, job: int, result: Result | ImageError | DivergenceError) -> None:
        """Takes in what came of a run."""
        run = self._runs[job]
        self._records.pop(job, None)
        if not isinstance(result, Result):
            for place in run.places:
                self._folder.add(place, result)
        elif result.iterations not in run.ends[:-1]:  # Those are taken already.
            self._take(run, result)

    def _take(self, run: Run, result: Result) -> None:
        place = run.places[run.at(result.iterations)]
        options = self._pairs[place].options
        self._folder.add(place, dataclasses.replace(result, options=options))
