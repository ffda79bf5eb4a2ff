"""Many machines by Ray: a cluster of three, of which one is killed, and its driver."""

import collections
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import clips, ray_cluster, stylizers
from support.batch_folder import picture, working_in
from support.program import QUICK, installed, run, start
from support.stored_weights import home

from nst_jax.images import files

__all__ = ["home"]
pytestmark = pytest.mark.parity

PHOTOS, STEPS = 12, 60
COMMAND = ("batch", "--contents", "many", "--styles", "paintings", *QUICK)
COMMAND = (*COMMAND, f"--steps={STEPS}", "--lanes=2", "--learning_rate=0.01")
ABOUT = {"contact_sheet.jpg", "index.html", "manifest.jsonl"}
NAMES = {f"{n:02}_{style}.png" for n in range(PHOTOS) for style in "pq"}
LOST = "nst-jax: a worker was lost; another goes on with what it was at"


@pytest.fixture(scope="module")
def cluster(home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NST_JAX_HOME", str(home))
        with ray_cluster.running() as found:
            yield found


@pytest.fixture(scope="module")
def folder(home, tmp_path_factory):
    """A working folder, with what one machine makes in `whole`."""
    place = tmp_path_factory.mktemp("work")
    with working_in(place, home):
        (place / "many").mkdir()
        for n in range(PHOTOS):
            files.write(place / f"many/{n:02}.png", picture(20 + n))
        assert run(*COMMAND, "--output_dir=whole") == 0
        yield place


def begin(cluster, *command, workers=2):
    remote = "--executor=ray", f"--ray_address={cluster.address}"
    remote = *remote, f"--ray_workers={workers}"
    return start(installed("nst-jax"), *command, *remote)


def finished(process, status=0):
    output, errors = process.communicate(timeout=300)
    assert process.returncode == status, errors
    lines = errors.splitlines()
    slow = "nst-jax: waits for a worker to begin"  # On machines with other work.
    return output, [line for line in lines if not line.startswith(slow)]


def check_whole(name):
    """Every picture once, whole, as one machine makes it, and nothing else."""
    lines = Path(name, "manifest.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    assert collections.Counter(e["output"] for e in entries) == dict.fromkeys(NAMES, 1)
    assert {entry["status"] for entry in entries} == {"done"}
    assert {*os.listdir(name)} == NAMES | ABOUT
    alone = Path("whole/manifest.jsonl").read_text().splitlines()
    keys = {e["output"]: e["key"] for e in map(json.loads, alone)}
    assert {entry["output"]: entry["key"] for entry in entries} == keys
    for output in NAMES:
        image, wanted = (files.read(f"{of}/{output}") for of in (name, "whole"))
        # A core each: sums in another order.
        np.testing.assert_allclose(image, wanted, atol=1.01 / 255)
        about = [files.read_description(f"{of}/{output}") for of in (name, "whole")]
        losses = [one.pop("loss") for one in about]
        assert losses[0] == pytest.approx(losses[1], rel=1e-3)
        assert about[0] == about[1]


def test_a_worker_killed_on_its_way_costs_no_picture(cluster, folder):
    process = begin(cluster, *COMMAND, "--output_dir=killed", workers=3)
    assert process.stdout.readline().startswith("killed/")
    os.kill(cluster.wait_for(bool, at=".run")[-1], signal.SIGKILL)
    output, errors = finished(process)
    assert errors == [LOST]
    assert all(line.startswith("killed/") for line in output.splitlines())
    check_whole("killed")


def test_a_driver_that_is_stopped_or_killed_goes_on(cluster, folder):
    command = *COMMAND, "--output_dir=again"
    process = begin(cluster, *command)
    assert process.stdout.readline().startswith("again/")
    process.send_signal(signal.SIGINT)
    output, errors = finished(process, 130)
    assert output.endswith("stopped early; the same command goes on from here\n")
    assert errors == ["nst-jax: stopping; Ctrl-C once more gives up without saving"]
    made = {path: path.stat().st_mtime_ns for path in Path("again").glob("*.png")}
    assert 0 < len(made) < len(NAMES)

    process = begin(cluster, *command)
    assert process.stdout.readline().startswith("again/")
    process.kill()
    process.communicate(timeout=60)
    cluster.wait_for(lambda found: not found)

    _, errors = finished(begin(cluster, *command))
    assert errors[0].endswith("are done already")
    assert made.items() <= {p: p.stat().st_mtime_ns for p in made}.items()
    check_whole("again")


def test_one_pass_paints_folders_and_clips(cluster, folder):
    stylizers.put(Path("network.safetensors"))
    clips.make(Path("clip.mp4"), clips.Kind(frames=70))
    (folder / "bad").mkdir()
    (folder / "bad/none.png").write_bytes(b"none")
    which = (
        "--model=network.safetensors",
        "--style=munch",
        "--compilation_cache_dir=off",
    )
    for photos, made in ((("many", "bad"), "one"), (("clip.mp4",), "one.mp4")):
        command = "apply", *photos, *which
        status = int(made == "one")
        assert run(*command, f"-o={made}") == status
        _, errors = finished(begin(cluster, *command, f"-o=far_{made}"), status)
        assert len(errors) == status
    for path in Path("one").glob("*.png"):
        pair = files.read(path), files.read(Path("far_one", path.name))
        np.testing.assert_allclose(*pair, atol=1.01 / 255)
    assert {*os.listdir("one")} == {*os.listdir("far_one")}
    local, far = clips.look(Path("one.mp4")), clips.look(Path("far_one.mp4"))
    assert far.times == local.times
    assert far.sound == local.sound
    # Where a pixel is a level apart, the codec makes several of it in later frames.
    apart = np.abs(np.subtract(far.images, local.images)).mean(axis=(1, 2, 3))
    assert apart.max() < 8 / 255


DRIVER = """
import sys
from support.ray_cluster import Counting
from nst_jax.devices import cluster, workers
with cluster.connected(sys.argv[1]):
    pool = workers.Pool(Counting, [7], say=print)
    print(pool.about, pool.size)
    for ordered in (True, False):
        tasks = ["late", *range(40), "end", "fail", "fault", *range(40, 60)]
        made = list(pool.run(iter(tasks), ordered=ordered))
        same = [task for task, _ in made] == tasks
        assert sorted(map(str, tasks)) == sorted(str(task) for task, _ in made)
        assert all(of == task ** 2 for task, of in made if isinstance(task, int))
        words = {t: type(of).__name__ for t, of in made if isinstance(t, str)}
        print(ordered, same, words)
"""


def test_what_loses_three_workers_is_given_up_and_the_rest_done(cluster):
    paths = os.pathsep.join(map(str, (Path(__file__).parents[1], Path.cwd())))
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, cluster.address],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    words = "{'late': 'int', 'end': 'LostError', 'fail': 'LostError', "
    words += "'fault': 'OptionsError'}"
    assert [line for line in lines if line != LOST] == [
        "7 3",
        f"True True {words}",
        lines[-1],
    ]
    assert lines[-1].startswith("False False ")
    assert eval(lines[-1].removeprefix("False False ")) == eval(words)
    # Three for each, one fewer each time that a worker was lost with both.
    assert 10 <= lines.count(LOST) <= 12


def test_a_cluster_that_is_not_there_is_a_line(folder, capsys):
    remote = *COMMAND, "--output_dir=none", "--executor=ray"
    for address, line in (
        ("127.0.0.1:1", "nothing answers there"),
        ("head", "give HOST:PORT of the cluster's head"),
    ):
        process = start(installed("nst-jax"), *remote, f"--ray_address={address}")
        _, errors = finished(process, 1)
        assert len(errors) == 1
        assert errors[0].startswith(f"nst-jax: ray_address={address}: {line}")
    assert not Path("none").exists()
