"""What all threads share: wishes, as who paints comes to know them."""

import dataclasses
import json
import threading

import pytest

from nst_jax.web import ledger, records
from nst_jax.web.ledger import Ledger
from nst_jax.web.limits import Limits
from nst_jax.web.orders import Order
from nst_jax.web.records import Record
from nst_jax.web.refusals import ConflictError

ORDER = Order("optimise", "photo-cat", ("painting-swirls",))


def job(number: int, **how) -> Record:
    order = dataclasses.replace(ORDER, photo=how.pop("photo", "photo-cat"))
    record = Record(f"{number:016x}", order, float(number), "cat", 64, 48, 20)
    return dataclasses.replace(record, **how)


def painted(made: Ledger, number: int, *files: str, **how) -> str:
    """A job that was painted, with these files; returns its name."""
    made.add(job(number, **how))
    record = made.next()
    for name in files:
        made.shelf.path(record.id, name).write_bytes(b"x" * 100)
    made.end(record.id, state=records.STOPPED, phase="stopped")
    return record.id


@pytest.mark.parametrize(("wish", "left"), [(ledger.DISCARD, []), (ledger.STOP, [1])])
def test_a_wish_that_comes_at_the_very_end_counts(tmp_path, wish, left):
    made = Ledger(tmp_path / "kept", Limits(), pytest.fail)
    order = Order("optimise", "photo-cat", ("painting-swirls",))
    made.add(Record("0123456789abcdef", order, 1.0, "cat", 64, 48, 20))
    record = made.next()
    # Whoever paints it has looked for wishes before, and is done.
    made.wish(record.id, wish)
    made.end(record.id, state=records.DONE, phase="done")
    assert [1 for job in made.jobs() if job["state"] == records.DONE] == left
    assert made.shelf.path(record.id).exists() == bool(left)


@pytest.mark.parametrize(
    "taken_back",
    [
        lambda made, name: made.wish(name, ledger.STOP),
        lambda made, name: made.wish(name, ledger.DISCARD),
        lambda made, name: made.remove(name),
    ],
)
def test_what_waits_to_go_on_is_stopped_again_and_keeps_its_picture(
    tmp_path, taken_back
):
    made = Ledger(tmp_path / "kept", Limits(), pytest.fail)
    name = painted(made, 1, records.RESULT, records.STATE)
    made.go_on(name, lambda record: 30)
    assert made.told(made.get(name))["place"] == 0
    assert taken_back(made, name).state == records.STOPPED
    told = made.told(made.get(name))
    assert (told["state"], told["place"], told["can_go_on"]) == ("stopped", None, True)
    assert made.shelf.has(name, records.RESULT)
    assert made.waiting == 0
    # Once it doesn't wait it goes as any other.
    made.remove(name)
    assert not made.shelf.path(name).exists()


def test_of_two_who_have_it_go_on_one_does(tmp_path):
    made = Ledger(tmp_path / "kept", Limits(), pytest.fail)
    name = painted(made, 1, records.RESULT, records.STATE)
    both, found = threading.Barrier(2), []

    def until(record):
        return record.steps + 10

    def go_on():
        both.wait(20)
        try:
            found.append(made.go_on(name, until).steps)
        except ConflictError as error:
            found.append(str(error))

    threads = [threading.Thread(target=go_on) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(found, key=str) == [30, "the job is waiting: it can't go on"]
    assert made.waiting == 1
    assert made.next().id == name
    with pytest.raises(ConflictError, match="preparing: it can't go on"):
        made.go_on(name, until)
    assert made.get(name).state == records.PREPARING


def test_the_queue_names_no_job_that_is_gone(tmp_path):
    made = Ledger(tmp_path / "kept", Limits(), pytest.fail)
    for number in (1, 2):
        made.add(job(number))
    del made._records[job(1).id]
    assert made.next().id == job(2).id
    made.close()
    assert made.next() is None


def test_those_that_ended_longest_ago_go_first(tmp_path):
    made = Ledger(tmp_path / "kept", Limits(history=2), pytest.fail)
    old = painted(made, 1, records.RESULT, records.STATE)
    other = painted(made, 2, records.RESULT)
    made.go_on(old, lambda record: 30)
    made.next()
    made.end(old, state=records.DONE, phase="done")
    # The first that was asked for is the one that ended last.
    third = painted(made, 3, records.RESULT)
    assert {one["id"] for one in made.jobs()} == {old, third}
    assert not made.shelf.path(other).exists()
    again = Ledger(tmp_path / "kept", Limits(history=2), pytest.fail)
    assert again.get(old).ended == made.get(old).ended > again.get(old).created


def test_states_that_are_needed_stay(tmp_path):
    made = Ledger(tmp_path / "kept", Limits(state_bytes=150), pytest.fail)
    waits = painted(made, 1, records.RESULT, records.STATE)
    made.go_on(waits, lambda record: 30)
    made._queue.remove(waits)  # So that others come before it.
    bare = painted(made, 2, records.STATE)
    plain = painted(made, 3, records.RESULT, records.STATE)
    last = painted(made, 4, records.RESULT, records.STATE)
    states = [made.shelf.has(n, records.STATE) for n in (waits, bare, plain, last)]
    assert states == [True, True, False, True]


def test_a_live_picture_that_is_lost_is_none(tmp_path):
    made = Ledger(tmp_path / "kept", Limits(), pytest.fail)
    made.add(job(1))
    name = made.next().id
    made.put_live(name, b"jpeg")
    made.change(name, state=records.PAINTING)
    made.shelf.path(name, records.STATE).write_bytes(b"x")
    killed = Ledger(tmp_path / "kept", Limits(), pytest.fail).get(name)
    assert (killed.state, killed.version) == (records.STOPPED, 0)
    made.end(name, state=records.FAILED, phase="failed")
    assert made.get(name).version == 0


def test_a_job_of_an_older_version_is_read(tmp_path):
    made = Ledger(tmp_path / "kept", Limits(), pytest.fail)
    name = painted(made, 1, records.RESULT)
    path = made.shelf.path(name, "job.json")
    about = json.loads(path.read_text())
    del about["ended"]
    path.write_text(json.dumps(about))
    again = Ledger(tmp_path / "kept", Limits(), pytest.fail)
    assert (again.get(name).state, again.get(name).ended) == ("stopped", None)


def test_room_is_made_by_the_jobs_that_ended_longest_ago(tmp_path):
    made = Ledger(tmp_path / "kept", Limits(), pytest.fail)
    first, _, third = (
        painted(made, number, records.RESULT, photo=photo)
        for number, photo in ((1, "a"), (2, "photo-cat"), (3, "b"))
    )
    made.add(job(4, photo="c"))
    assert made.free({"a", "b", "c"}) >= {"b", "c", "painting-swirls"}
    assert first not in {one["id"] for one in made.jobs()}
    assert len(made.jobs()) == 3
    # What waits needs this one: forgetting others would help nobody.
    assert "c" in made.free({"c"})
    assert len(made.jobs()) == 3
    assert "b" not in made.free({"b"})
    assert third not in {one["id"] for one in made.jobs()}
