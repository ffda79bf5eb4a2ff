"""The programs that `killed.py` kills: what they are given, make, and go on with.

Everything is tiny, so that a run takes seconds and most of them are Python's start.
Iterations come in chunks of a twentieth of a second, after each of which the state is
written, instead of every half minute; the published copy that is fetched is one of
random weights; the rest is the program.
"""

import contextlib
import dataclasses
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from support import batch_folder, clips, servers, stylizers
from support.program import QUICK
from support.stored_weights import SMALL, put_random

from nst_jax.collection import manifest
from nst_jax.images import files
from weights_convert import architectures, export, store

_STATES = """
import dataclasses
from nst_jax.commands import main
from nst_jax.transfer import states
def often(made):
    def found(*positional, **named):
        from nst_jax.optimize import engine
        from nst_jax.transfer import autosave
        engine.run.__kwdefaults__["chunk_seconds"] = 0.05
        autosave._SHARE = 1.0
        return dataclasses.replace(made(*positional, **named), every=0.0)
    return found
states.in_file, states.in_folder = often(states.in_file), often(states.in_folder)
main.run()
"""
_FETCH = """
import dataclasses, os
from nst_jax.commands import weights
from weights_convert import fetch, sources
size, digest = os.environ["SERVED"].split()
copy = dataclasses.replace(
    sources.SOURCES[{name!r}][0], url="http://published/net.safetensors",
    filename="net.safetensors", size=int(size), algorithm="sha256", digest=digest)
fetch.SOURCES = {{**sources.SOURCES, {name!r}: (copy,)}}
weights.run()
"""
_QUICK = tuple(flag for flag in QUICK if "cache" not in flag)
_SEEN = tuple(f for f in _QUICK if "network" in f or "taps" in f)

Faults = list[str]


@dataclasses.dataclass(frozen=True)
class Run:
    """What is known of a killed run and of the one after it.

    Attributes:
      work: folder that both ran in.
      left: what the killed one left there and in the store, and when it was written.
      output: of the second, both streams.
      asked: what the second asked a server for: its `Range`, or "".
    """

    work: Path
    left: Mapping[str, tuple[bytes, int]]
    output: str
    asked: tuple[str, ...] = ()

    def touched(self, names: Iterator[str] | list[str]) -> Faults:
        """Those of these files that the second run has written anew."""
        base = self.work.parent
        return [
            f"{name} was made twice"
            for name in names
            if (base / name).stat().st_mtime_ns != self.left[name][1]
        ]


@dataclasses.dataclass(frozen=True)
class Case:
    """A command that is killed.

    Attributes:
      program: Python that runs it.
      arguments: of it.
      prepare: fills the folder that it runs in; the store is that of the environment.
      again: further arguments of the run after the kill, from what was left.
      finished: what the second run did though it was done.
      varies: names of files that may differ from run to run, by pattern.
      begins: a name that says that it writes what matters, by pattern.
      serves: whether a server has what `prepare` put into `served`.
    """

    program: str
    arguments: tuple[str, ...]
    prepare: Callable[[Path], None]
    finished: Callable[[Run], Faults]
    again: Callable[[Path], tuple[str, ...]] = lambda work: ()
    varies: str = r"$^"
    begins: str = r".*"
    serves: bool = False


def _pictures(work: Path) -> None:
    batch_folder.fill(work)
    put_random()


def _batch_finished(run: Run) -> Faults:
    content = run.left.get("work/out/manifest.jsonl", (b"", 0))[0]
    (run.work.parent / "before.jsonl").write_bytes(content)
    entries = manifest.read(run.work.parent / "before.jsonl").values()
    done = [f"work/out/{e.output}" for e in entries if e.status == manifest.DONE]
    now = (run.work / "out/manifest.jsonl").read_bytes()
    faults = run.touched(done)
    whole = content[: content.rfind(b"\n") + 1]
    if not now.startswith(whole):
        faults.append("lines of the manifest are lost")
    told = re.search(r"nst-jax: (\d+) of 4 (?:is|are) done already", run.output)
    if int(told[1] if told else 0) != len(done):
        faults.append(f"{len(done)} were done, and it said: {told and told[0]}")
    names = [json.loads(line)["output"] for line in now[len(whole) :].splitlines()[-4:]]
    return faults + [f"{n} was made twice" for n in names if f"work/out/{n}" in done]


def _stylize_again(work: Path) -> tuple[str, ...]:
    if not (work / "out.png.state").exists():
        return ()
    return ("--resume", "--trace=../trace.jsonl")


def _stylize_finished(run: Run) -> Faults:
    trace = run.work.parent / "trace.jsonl"
    if not trace.exists():
        return []
    first = json.loads(trace.read_text().splitlines()[0])["iteration"]
    made = [
        name
        for name in run.left
        if (at := re.search(r"out_(\d{6})\.png$", name)) and int(at[1]) <= first
    ]
    return run.touched(made) + ([] if first > 0 else ["the state was not gone on from"])


_CLIP = clips.Kind(shape=(32, 48), frames=40)


def _clip(work: Path) -> None:
    stylizers.put(work / "net.safetensors")
    clips.make(work / "clip.mp4", _CLIP)


def _apply_finished(run: Run) -> Faults:
    """A clip is begun anew: it must be whole, whatever came before."""
    found = clips.look(run.work / "new.mp4")
    return [] if len(found.images) == _CLIP.frames else ["frames are missing"]


def _photos(work: Path) -> None:
    (work / "photos").mkdir()
    for number in range(4):
        files.write(work / f"photos/{number}.png", batch_folder.picture(number, 40, 36))
    files.write(work / "painting.png", batch_folder.picture(9, 32, 32))
    put_random()


def _train_finished(run: Run) -> Faults:
    folder = "work/net.training/"
    steps = [
        int(found[1])
        for name in run.left
        if (found := re.fullmatch(rf"{folder}step_(\d+)\.state", name))
    ]
    faults = []
    if steps and f"nst-jax: going on from step {max(steps)}\n" not in run.output:
        faults.append(f"it did not go on from step {max(steps)}")
    lines = (run.work / "net.training/losses.jsonl").read_text().splitlines()
    told = [json.loads(line)["step"] for line in lines]
    if told != [*range(1, _STEPS + 1)]:
        faults.append(f"losses of the steps {told}")
    made = [
        name
        for name in run.left
        if (at := re.search(r"(?:step|sheet)_(\d+)\.\w+$", name))
        and int(at[1]) <= max(steps, default=0)
        and (run.work.parent / name).exists()  # The last three states are kept.
    ]
    return faults + run.touched(made)


_STEPS = 24


def _served(work: Path) -> None:
    """A published copy of random weights; nothing of it is in the store."""
    put_random()
    architecture = architectures.find(SMALL)
    file = work.parent / "served"
    export.export(architecture, file, report=lambda line: None)
    store.weights_path(architecture).unlink()


def _fetch_finished(run: Run) -> Faults:
    name = f"home/weights/{SMALL}.safetensors"
    if name in run.left:
        faults = run.touched([name])
        return faults + (["it was fetched twice"] if run.asked else [])
    part = run.left.get(f"home/downloads/{SMALL}/net.safetensors.part", (b"", 0))[0]
    whole = (run.work.parent / "served").read_bytes()
    if part == whole or f"home/downloads/{SMALL}/net.safetensors" in run.left:
        return ["what had arrived was fetched again"] if run.asked else []
    wanted = f"bytes={len(part)}-" if part else ""
    return [] if run.asked == (wanted,) else [f"asked for {run.asked}, not {wanted}"]


CASES: Mapping[str, Case] = {
    "batch": Case(
        _STATES,
        (
            *("batch", "--contents", "photos", "--styles", "paintings", *_QUICK),
            *("--steps=120", "--output_dir=out", "--lanes=1", "--offline"),
        ),
        _pictures,
        _batch_finished,
        varies=r".*/(manifest\.jsonl|index\.html)",
    ),
    "stylize": Case(
        _STATES,
        (
            *("stylize", "photos/a.png", "paintings/p.png", "-o", "out.png", *_QUICK),
            *("--steps=240", "--snapshot_every=12", "--offline"),
        ),
        _pictures,
        _stylize_finished,
        _stylize_again,
    ),
    "apply": Case(
        _STATES,
        ("apply", "clip.mp4", "--model=net.safetensors", "--style=1", "-o", "new.mp4"),
        _clip,
        _apply_finished,
    ),
    "train": Case(
        _STATES,
        (
            *("train", "--style=painting.png", "--images=photos", "--offline"),
            *("-o", "net.safetensors", "--size=32", "--style_size=32", "--width=4"),
            *("--blocks=1", "--batch=1", f"--steps={_STEPS}", "--save_every=3"),
            *_SEEN,
        ),
        _photos,
        _train_finished,
        varies=r".*/losses\.jsonl",
        begins=r".*/sheet.*",  # Its log is there before the long compilation.
    ),
    "fetch": Case(
        _FETCH.format(name=SMALL),
        ("fetch", SMALL),
        _served,
        _fetch_finished,
        serves=True,
    ),
}
"""By what is said for `--what`."""


@dataclasses.dataclass
class Server:
    """Has a file at every path, and sends it slowly. `asked`: Ranges, or ""."""

    url: str
    asked: list[str]


@contextlib.contextmanager
def serving(path: Path, *, pause: float) -> Iterator[Server]:
    """A server of a file on this machine; `pause` seconds between 32 KB."""
    content = path.read_bytes()
    asked: list[str] = []

    def answer(handler: servers.Handler) -> None:
        wanted = handler.headers.get("Range", "")
        asked.append(wanted)
        start = int(wanted[6:-1]) if wanted else 0
        handler.send_response(206 if wanted else 200)
        handler.send_header("Content-Length", str(len(content) - start))
        handler.end_headers()
        for place in range(start, len(content), 1 << 15):
            handler.wfile.write(content[place : place + (1 << 15)])
            time.sleep(pause)

    with servers.answering(answer) as url:
        yield Server(url, asked)
