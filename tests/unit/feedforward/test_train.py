"""Training: the loss falls, and goes on bit for bit where it was cut."""

import dataclasses
import json

import jax
import numpy as np
import pytest

from nst_jax.errors import CheckpointError, DivergenceError
from nst_jax.feedforward import checkpoints, log, train
from nst_jax.feedforward.load import load_stylizer
from nst_jax.feedforward.recipe import Recipe
from nst_jax.feedforward.train import State
from nst_jax.feedforward.training import Task, Training
from nst_jax.images import files
from nst_jax.options import Options

pytestmark = pytest.mark.slow  # A step compiles for long.

LOSSES = Options(
    content_taps=("relu2_1",),
    style_taps=("relu1_1", "relu2_1"),
    content_weight=1.0,
    style_weight=1.0,
    tv_weight=1.0,
)
RECIPE = Recipe(size=32, style_size=32, batch=2, steps=6, width=4, blocks=1)


@pytest.fixture
def task(tmp_path, photo, painting) -> Task:
    """Three photos and two paintings in a folder, and what to make of them."""
    for name, image in ("a", photo), ("b", photo[::-1]), ("c", painting):
        files.write(tmp_path / f"{name}.png", image)
    paths = [tmp_path / f"{name}.png" for name in "abc"]
    return Task(
        tmp_path / "made.safetensors",
        RECIPE,
        LOSSES,
        {"waves": paths[2], "disc": paths[0]},
        paths,
        paths[:2],
        save_every=2,
    )


def losses(task: Task) -> list[dict]:
    lines = (task.folder / "losses.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def ignore(_):
    """Never stops."""


def test_a_network_is_trained_kept_and_loaded(task, tiny_network):
    said = []
    training = Training(task, tiny_network, say=said.append)
    training.run(ignore)
    training.write()
    assert (training.made, training.finished, said) == (6, True, [])
    found = losses(task)
    assert [line["step"] for line in found] == [1, 2, 3, 4, 5, 6]
    parts = [v for k, v in found[0].items() if "/" in k or k == "total_variation"]
    np.testing.assert_allclose(sum(parts), found[0]["total"], rtol=1e-5)
    names = sorted(path.name for path in task.folder.iterdir())
    assert names == [
        "losses.jsonl",
        *(f"sheet_{n:07d}.png" for n in (2, 4, 6)),
        *(f"step_{n:07d}.state" for n in (2, 4, 6)),
    ]
    sheet = files.read(task.folder / "sheet_0000006.png")
    assert sheet.shape == (2 * 32, 3 * 32, 3)  # Two photos; each in two styles.
    stylizer = load_stylizer(task.output)
    assert stylizer.names == ("waves", "disc")
    painted = stylizer(sheet[:32, :32], "disc")
    np.testing.assert_allclose(painted, sheet[:32, 64:], atol=0.02)


def test_a_small_painting_is_enlarged_and_that_is_said(task, tiny_network, tmp_path):
    files.write(tmp_path / "tiny.png", files.read(tmp_path / "c.png")[:14, :20])
    small = dataclasses.replace(task, paintings={"tiny": tmp_path / "tiny.png"})
    said = []
    Training(small, tiny_network, say=said.append)
    (line,) = said
    assert "tiny.png is enlarged, from 20x14 pixels to 32x22: a larger one" in line


def test_what_a_network_was_trained_for_is_in_its_file(task, tiny_network):
    training = Training(task, tiny_network, say=ignore)
    training.run(ignore)
    training.write()
    told = json.loads(load_stylizer(task.output).about["recipe"])
    assert told["steps"] == 6
    assert told["style_weight"] == LOSSES.style_weight
    assert told["style_loss"] == LOSSES.style_loss  # Defaults may change.
    assert "precision" not in told  # Of how it is computed, what isn't the default.


@pytest.mark.parametrize(
    "cut",
    [3, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 5))],
)
def test_it_goes_on_bit_for_bit(task, tiny_network, cut):
    whole = dataclasses.replace(task, output=task.output.with_name("whole.safetensors"))
    one = Training(whole, tiny_network, say=ignore)
    one.run(ignore)
    one.write()

    first = Training(task, tiny_network, say=ignore)
    first.run(lambda progress: progress.step == cut)
    assert (first.made, first.finished) == (cut, False)
    said = []
    second = Training(task, tiny_network, say=said.append)
    assert said == [f"nst-jax: going on from step {cut}"]
    second.run(ignore)
    second.write()
    expected, found = (load_stylizer(t.output).network.arrays() for t in (whole, task))
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array, key)


def test_another_training_of_the_folder_is_refused(task, tiny_network):
    Training(task, tiny_network, say=ignore).run(ignore)
    other = dataclasses.replace(task, recipe=dataclasses.replace(RECIPE, seed=1))
    with pytest.raises(CheckpointError, match="with other pictures or options"):
        Training(other, tiny_network, say=ignore)
    longer = dataclasses.replace(task, recipe=dataclasses.replace(RECIPE, steps=7))
    assert Training(longer, tiny_network, say=ignore).steps == 7


def test_a_damaged_checkpoint_is_passed_over(task, tiny_network):
    Training(task, tiny_network, say=ignore).run(ignore)
    last = task.folder / "step_0000006.state"
    content = bytearray(last.read_bytes())
    content[-5] ^= 64
    last.write_bytes(content)
    said = []
    assert Training(task, tiny_network, say=said.append).made == 4
    assert said == [
        f"nst-jax: {last}: damaged; passed over",
        "nst-jax: going on from step 4",
    ]
    for path in task.folder.glob("*.state"):
        path.write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match=r"not a state of a tr.* to begin anew"):
        Training(task, tiny_network, say=ignore)


def test_no_bit_of_a_checkpoint_is_another_unseen(tmp_path):
    like = checkpoints.Checkpoint(
        State({"a": np.ones(4, np.float32)}, (), np.int32(3)), 12, 9
    )
    path = checkpoints.save(tmp_path, like, "0" * 64)
    whole = path.read_bytes()
    assert checkpoints.latest(tmp_path, like.state, "0" * 64, ignore).position == 12
    assert len(whole) > 300
    for place in range(0, 8 * len(whole), 5):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"remove it|other pictures"):
            checkpoints.latest(tmp_path, like.state, "0" * 64, ignore)


def killed(task, network, step):
    """Trains until a step without anything being kept of the last steps."""

    class Killed(BaseException):
        pass

    def kill(progress):
        if progress.step == step:
            raise Killed

    training = Training(task, network, say=ignore)
    with pytest.raises(Killed):
        training.run(kill)


def test_killed_it_goes_on_and_tells_each_step_once(task, tiny_network):
    killed(task, tiny_network, step=3)
    with (task.folder / "losses.jsonl").open("a") as log:
        log.write('{"step": 4, "tot')  # As a crash may leave the last line.
    training = Training(task, tiny_network, say=ignore)
    assert training.made == 2
    training.run(ignore)
    assert [line["step"] for line in losses(task)] == [1, 2, 3, 4, 5, 6]


def test_a_sheet_is_there_for_each_checkpoint(task, tiny_network, monkeypatch):
    """Whatever is killed between the two: what follows no checkpoint is made again."""

    def killed_before(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("nst_jax.feedforward.checkpoints.save", killed_before)
        with pytest.raises(KeyboardInterrupt):
            Training(task, tiny_network, say=ignore).run(ignore)
    assert [p.name for p in task.folder.glob("s*")] == ["sheet_0000002.png"]


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ('{"step": 1, "total": 3.5}\n', True),
        ('{"step": ', True),
        ("", False),
        ("somebody's", False),
        ('{"iteration": 1}\n', False),
    ],
)
def test_a_log_is_known(tmp_path, text, ours):
    (tmp_path / "log").write_text(text)
    assert log.is_log(tmp_path / "log") is ours
    assert not log.is_log(tmp_path / "none")


def test_minutes_set_the_number_of_steps(task, tiny_network):
    recipe = dataclasses.replace(RECIPE, steps=10**6)
    timed = dataclasses.replace(task, recipe=recipe, minutes=0.02, save_every=1000)
    training = Training(timed, tiny_network, say=ignore)
    training.run(ignore)
    assert training.finished
    assert 20 < training.made < 10**4


def test_a_loss_that_is_no_number_ends_it(task, tiny_network):
    wild = dataclasses.replace(LOSSES, content_weight=3e38)
    with pytest.raises(DivergenceError, match="smaller --learning_rate"):
        Training(dataclasses.replace(task, options=wild), tiny_network, say=ignore).run(
            ignore
        )


@pytest.mark.slow  # A program of its own.
def test_the_loss_falls(tiny_network, photo, painting):
    recipe = dataclasses.replace(RECIPE, learning_rate=1e-2)
    architecture = recipe.architecture(1)
    from nst_jax.feedforward.transformer import TransformerNetwork

    network = TransformerNetwork(architecture, train.initial(architecture, 0))
    graph, state = train.begin(network)
    objective, wanted = train.wanted(LOSSES, tiny_network, [painting[:32, :32]])
    plan = train.Plan(graph, objective, steady=False)
    square = np.round(255 * photo[:32, :32]).astype(np.uint8)
    photos = _Endless(np.stack([square, square[::-1]]))
    steps = train.run(recipe, plan, state, wanted, photos, steps=lambda: 25)
    totals = [progress.losses["total"] for progress in steps]
    assert totals[-1] < 0.5 * totals[0]


class _Endless:
    """One batch for ever, without a wait."""

    waited, position = 0.0, 0

    def __init__(self, batch: np.ndarray):
        self._batch = batch

    def __next__(self) -> np.ndarray:
        return self._batch


def test_styles_are_drawn_evenly():
    drawn = [train.styles_of(Recipe(batch=50), made, 3) for made in range(40)]
    assert np.bincount(np.concatenate(drawn)).min() > 550
    np.testing.assert_array_equal(drawn[3], train.styles_of(Recipe(batch=50), 3, 3))


def test_a_network_begins_in_the_middle_of_the_range(photo):
    from nst_jax.feedforward.transformer import TransformerNetwork

    architecture = RECIPE.architecture(1)
    network = TransformerNetwork(architecture, train.initial(architecture, 3))
    painted = np.asarray(jax.jit(lambda n, x: n(x))(network, photo[None, :32, :32]))
    assert 0.4 < painted.mean() < 0.6
    assert painted.std() < 0.2
