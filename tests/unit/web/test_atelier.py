"""The atelier as a server asks it: jobs, their queue, restarts, watchers."""

import json
import threading
import time

import pytest
from support.ateliers import Grey, atelier, ended, png, refused, until

from nst_jax.errors import ImageError, NoRoomError, OptionsError
from nst_jax.images import files
from nst_jax.web.refusals import AbsentError, ConflictError, LimitError

ASKED = {
    "kind": "optimise",
    "photo": "photo-cat",
    "paintings": ["painting-swirls"],
    "options": {"size": 32, "steps": 3},
}
LONG = {**ASKED, "options": {"size": 32, "steps": 10_000}}


@pytest.fixture
def grey():
    return Grey()


@pytest.fixture
def opened(tmp_path, grey):
    """Opens ateliers of one folder, and closes them in the end."""
    found = []

    def made(**how):
        found.append(atelier(tmp_path / "atelier", grey, **how))
        return found[-1]

    yield made
    grey.held.set()
    for one in found:
        one.close()


@pytest.fixture
def one(opened):
    return opened()


def at_work(one, identifier):
    until(lambda: one.job(identifier)["state"] == "painting")


def test_a_job_is_painted_and_told_of(one):
    events = []
    end = one.watch(events.append)
    job = one.submit(ASKED)
    assert (job["state"], job["width"], job["height"]) == ("waiting", 32, 21)
    assert (job["title"], job["steps"]) == ("cat, swirls", 3)
    done = ended(one, job["id"])
    assert (done["state"], done["iteration"], done["can_go_on"]) == ("done", 3, True)
    assert done["losses"] == [[n, 1 / (1 + n)] for n in range(4)]
    until(lambda: events[-1].get("jobs", [{}])[0].get("state") == "done")
    end()
    states = [job["state"] for event in events for job in event.get("jobs", ())]
    assert [*dict.fromkeys(states)] == ["waiting", "preparing", "painting", "done"]
    points = [point for e in events for point in e.get("losses", ())]
    assert points == done["losses"]
    assert done["preview"] == 1
    for event in (*events, one.catalogue()):
        json.dumps(event, allow_nan=False)
    count = len(events)
    one.submit(ASKED)
    assert len(events) == count
    path, name = one.result(job["id"])
    assert name == "cat_swirls.png"
    assert files.shape(path) == (21, 32)
    for kind in ("live", "thumbnail", "preview", "photo"):
        shown = one.picture(job["id"], kind)
        assert shown.media_type == "image/jpeg"
        assert max(files.shape(shown.bytes)) <= 1024
        assert shown.etag == one.picture(job["id"], kind).etag


def test_live_pictures_are_made_while_somebody_looks(opened, grey):
    one = opened(live_seconds=0.0)
    ended(one, one.submit(ASKED)["id"])
    assert not any(grey.seen)
    grey.seen.clear()
    with_watcher = one.watch(lambda event: None)
    ended(one, one.submit(ASKED)["id"])
    with_watcher()
    assert all(grey.seen)
    grey.seen.clear()
    grey.held.clear()
    job = one.submit(LONG)
    at_work(one, job["id"])
    assert not any(grey.seen)
    # Who asks for one by hand gets the next one.
    assert "no such picture yet" in refused(
        lambda: one.picture(job["id"], "live"), AbsentError
    )
    grey.held.set()
    until(lambda: one.job(job["id"])["version"])
    assert files.shape(one.picture(job["id"], "live").bytes) == (21, 32)
    one.discard(job["id"])


def test_pictures_come_no_faster_than_they_may(opened, grey):
    one = opened(live_seconds=1000.0)
    one.watch(lambda event: None)
    ended(one, one.submit(ASKED)["id"])
    assert grey.seen.count(True) == 1


def test_stopping_keeps_the_picture_and_the_place(one, grey):
    grey.held.clear()
    job = one.submit(LONG)
    at_work(one, job["id"])
    assert one.stop(job["id"])["phase"] == "stopping"
    grey.held.set()
    done = ended(one, job["id"])
    assert (done["state"], done["can_go_on"]) == ("stopped", True)
    assert one.result(job["id"])[0].is_file()
    assert "stopped: nothing" in refused(lambda: one.stop(job["id"]), ConflictError)
    # A pyramid that is unfinished goes on through its sizes, by what it was asked.
    again = one.go_on(job["id"], 5)
    assert (again["id"], again["state"], again["steps"]) == (
        *(job["id"], "waiting", 10_000),
    )
    at_work(one, job["id"])
    one.stop(job["id"])
    assert ended(one, job["id"])["iteration"] >= done["iteration"]


def test_discarding_keeps_nothing(one, grey, tmp_path):
    grey.held.clear()
    job = one.submit(LONG)
    at_work(one, job["id"])
    one.stop(job["id"])
    one.discard(job["id"])
    grey.held.set()
    until(lambda: not one.jobs())
    assert not [*(tmp_path / "atelier/jobs").iterdir()]
    for call in (one.job, one.stop, one.discard, one.remove, one.command):
        refused(lambda call=call: call(job["id"]), AbsentError)


def test_jobs_wait_in_an_order(one, grey):
    grey.held.clear()
    first = one.submit(LONG)["id"]
    at_work(one, first)
    a, b, c = (one.submit(ASKED)["id"] for _ in range(3))
    assert [job["id"] for job in one.jobs()] == [first, a, b, c]
    assert one.picture(a, "thumbnail") == one.picture(a, "photo")
    assert one.move(c, a)["place"] == 0
    assert [job["id"] for job in one.jobs()] == [first, c, a, b]
    one.move(c, None)
    one.remove(b)
    assert [job["id"] for job in one.jobs()] == [first, a, c]
    assert "remove it" in refused(lambda: one.stop(a), ConflictError)
    assert "being painted" in refused(lambda: one.remove(first), ConflictError)
    assert "doesn't wait" in refused(lambda: one.move(first, a), ConflictError)
    refused(lambda: one.move(a, "unknown"), AbsentError)
    refused(lambda: one.move(a, 5), OptionsError)
    one.discard(a)
    one.stop(first)
    grey.held.set()
    assert ended(one, c)["state"] == "done"
    assert [job["state"] for job in one.jobs()] == ["done", "stopped"]


def test_what_is_too_much_is_refused(opened, grey, tmp_path):
    one = opened(queue=2, history=2)
    grey.held.clear()
    first = one.submit(LONG)["id"]
    at_work(one, first)
    for _ in range(2):
        one.submit(ASKED)
    started = {**ASKED, "start": "photo-cat"}
    assert "2 jobs wait" in refused(lambda: one.submit(started), LimitError)
    assert len([*(tmp_path / "atelier/jobs").iterdir()]) == 3
    one.stop(first)
    grey.held.set()
    until(lambda: all(job["state"] == "done" for job in one.jobs()))
    # The history has two, of which none is the oldest.
    assert len(one.jobs()) == 2
    assert first not in [job["id"] for job in one.jobs()]


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (ImageError("it is damaged"), "it is damaged"),
        (NoRoomError(), "the memory is too small"),
        (MemoryError(), "the memory is too small"),
        (OSError(28, "No space left", "x"), "x: No space left"),
        (
            RuntimeError("a fault\nof ours"),
            "internal error: RuntimeError: a fault\\nof",
        ),
    ],
)
def test_a_job_that_fails_has_a_line_and_the_next_is_painted(opened, grey, wrong, line):
    lines = []
    one = opened(lines=lines)
    grey.wrong = wrong
    failed = ended(one, one.submit(ASKED)["id"])
    assert failed["state"] == "failed"
    assert failed["error"].startswith(line)
    assert not failed["can_go_on"]
    assert ended(one, one.submit(ASKED)["id"])["state"] == "done"
    assert len(lines) == (type(wrong) is RuntimeError)
    assert "can't go on" in refused(lambda: one.go_on(failed["id"]), ConflictError)


def test_going_on_from_a_picture_is_a_job_of_its_own(one):
    job = ended(one, one.submit(ASKED)["id"])
    more = one.go_on(job["id"], 7)
    assert more["id"] != job["id"]
    assert (more["parent"], more["steps"]) == (job["id"], 7)
    assert more["options"] == {"size": 32, "steps": 7, "pyramid": 1}
    assert ended(one, more["id"])["state"] == "done"
    one.remove(job["id"])
    started = one.submit({**ASKED, "start": more["id"]})
    assert started["parent"] == more["id"]
    for steps in (0, -1, 10_001, True, "5", None):
        refused(lambda steps=steps: one.go_on(more["id"], steps), OptionsError)
    refused(lambda: one.submit({**ASKED, "start": "f" * 16}), AbsentError)


def test_pictures_that_are_sent_are_kept_for_jobs(opened):
    one = opened(uploads=2)
    photo = one.upload(png(24, 32), "my photo.png")
    asked = {**ASKED, "photo": photo["id"], "paintings": [photo["id"]]}
    job = one.submit(asked)
    for _ in range(3):
        last = one.upload(png(), "b.png")
    assert one.upload_picture(photo["id"], 16).media_type == "image/jpeg"
    assert files.shape(one.upload_picture(last["id"]).bytes) == (24, 32)
    assert files.shape(one.upload_picture(last["id"], 16).bytes) == (12, 16)
    assert one.submit({**ASKED, "photo": photo["id"]})["title"] == "my photo, swirls"
    assert one.command(job["id"])["command"].startswith(
        "nst-jax stylize 'my photo.png' 'my photo.png' --size=32"
    )
    for bad in ("x", "../" + photo["id"], "photo-none", "preset-fast", photo["id"][:9]):
        refused(lambda bad=bad: one.submit({**ASKED, "photo": bad}), AbsentError)
        refused(lambda bad=bad: one.upload_picture(bad), AbsentError)
    refused(lambda: one.example_picture(photo["id"]), AbsentError)
    refused(lambda: one.picture(job["id"], "job.json"), OptionsError)
    large = {**ASKED, "photo": "photo-rocket", "options": {"size": "original"}}
    small = opened(side=600)
    assert "640 pixels" in refused(lambda: small.submit(large), OptionsError)


def test_queue_and_history_survive_a_restart(opened, grey):
    one = opened()
    done = ended(one, one.submit(ASKED)["id"])
    grey.held.clear()
    cut = one.submit(LONG)["id"]
    at_work(one, cut)
    a, b = one.submit(ASKED)["id"], one.submit(ASKED)["id"]
    one.move(b, a)
    one.close()
    again = opened()
    jobs = {job["id"]: job for job in again.jobs()}
    assert jobs[done["id"]] == {k: v for k, v in done.items() if k != "losses"}
    assert again.job(done["id"])["losses"] == done["losses"]
    assert (jobs[cut]["state"], jobs[cut]["can_go_on"]) == ("stopped", True)
    assert again.go_on(cut, 1)["state"] in ("waiting", "preparing")
    at_work(again, b)  # Those that wait go on by themselves.
    assert again.job(a)["place"] == 0
    again.discard(cut)
    grey.held.set()
    assert ended(again, a)["state"] == "done"


def test_a_server_that_was_killed_has_no_job_at_work(opened, tmp_path):
    one = opened()
    done = ended(one, one.submit(ASKED)["id"])["id"]
    lost = ended(one, one.submit(ASKED)["id"])["id"]
    one.close()
    folder = tmp_path / "atelier/jobs"
    for name in (done, lost):
        path = folder / name / "job.json"
        about = json.loads(path.read_text())
        path.write_text(json.dumps({**about, "state": "painting"}))
    (folder / lost / "result.png").unlink()
    again = opened()
    assert again.job(done)["state"] == "stopped"
    assert "the server ended" in again.job(done)["events"][0]
    assert again.job(lost)["state"] == "failed"
    assert "before there was a picture" in again.job(lost)["error"]


def test_what_is_prepared_when_the_server_ends_waits_again(opened, grey, monkeypatch):
    one = opened()
    compiling, began = threading.Event(), threading.Event()

    def paint(easel):
        began.set()
        compiling.wait(20)
        return {"state": "failed", "phase": "failed"}

    monkeypatch.setattr(grey, "paint", paint)
    first = one.submit(ASKED)["id"]
    second = one.submit(ASKED)["id"]
    assert began.wait(20)
    began = time.monotonic()
    one.close(0.05)
    assert time.monotonic() - began < 5
    assert [job["id"] for job in one.jobs()] == [first, second]
    assert one.job(first)["place"] == 0
    compiling.set()


def test_a_job_whose_picture_is_lost_fails_alone(opened, grey, monkeypatch, tmp_path):
    one = opened()
    photo = one.upload(png(), "a.png")["id"]
    grey.held.clear()
    first = one.submit(LONG)["id"]
    at_work(one, first)
    lost = one.submit({**ASKED, "photo": photo})["id"]
    one.close()
    (tmp_path / "atelier/uploads" / f"{photo}.json").write_text("{")
    paint = grey.paint
    monkeypatch.setattr(
        *(grey, "paint"),
        lambda easel: (
            [*map(easel.pictures.path, easel.record.order.pictures)] and paint(easel)
        ),
    )
    grey.held.set()
    again = opened()
    failed = ended(again, lost)
    assert failed["state"] == "failed"
    assert "there is no picture" in failed["error"]
    refused(lambda: again.picture(lost, "photo"), AbsentError)
    refused(lambda: again.command(lost), AbsentError)
    assert ended(again, again.submit(ASKED)["id"])["state"] == "done"


def test_watchers_that_fail_hurt_nobody(opened):
    lines, seen = [], []
    one = opened(lines=lines)
    one.watch(lambda event: 1 / 0)
    one.watch(seen.append)
    assert ended(one, one.submit(ASKED)["id"])["state"] == "done"
    assert seen
    assert "a watcher failed (ZeroDivisionError" in lines[0]


def test_many_threads_ask_at_a_time(opened):
    one = opened(queue=30, live_seconds=0.0)
    one.watch(lambda event: None)
    wrong: list[BaseException] = []

    def ask():
        try:
            for _ in range(3):
                job = one.submit(ASKED)["id"]
                one.jobs()
                one.command(job)
                one.discard(job)
        except (AbsentError, ConflictError):
            pass  # It was done, or gone, before.
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not wrong
    until(lambda: all(j["state"] == "done" for j in one.jobs()))


@pytest.mark.parametrize("name", ["next", "end"])
def test_a_fault_of_the_ledger_ends_no_thread(opened, monkeypatch, name):
    lines = []
    one = opened(lines=lines)
    monkeypatch.setattr("nst_jax.web.painter._PAUSE", 0.01)
    method, wrong = getattr(one._ledger, name), [RuntimeError("a fault")]

    def fails(*given, **named):
        if wrong:
            raise wrong.pop()
        return method(*given, **named)

    monkeypatch.setattr(one._ledger, name, fails)
    first = ended(one, one.submit(ASKED)["id"])
    assert first["state"] == ("failed" if name == "end" else "done")
    assert (first["error"] or "").startswith("internal error" if name == "end" else "")
    assert ended(one, one.submit(ASKED)["id"])["state"] == "done"
    assert "RuntimeError: a fault" in lines[0]


def test_the_oldest_job_goes_where_uploads_are_full_of_needed_ones(opened, grey):
    one = opened(uploads=3)

    def painted(number):
        photo = one.upload(png(24, 32 + number), f"{number}.png")["id"]
        return one.submit({**ASKED, "photo": photo})["id"]

    first, *_ = done = [ended(one, painted(number))["id"] for number in range(3)]
    kept = ended(one, one.submit(ASKED)["id"])["id"]  # It needs none of them.
    fourth = painted(4)
    assert ended(one, fourth)["state"] == "done"
    assert {job["id"] for job in one.jobs()} == {*done[1:], kept, fourth}
    refused(lambda: one.job(first), AbsentError)
    grey.held.clear()
    for number in (5, 6, 7):
        painted(number)
    assert "too many" in refused(lambda: painted(8), LimitError)
    assert kept in {job["id"] for job in one.jobs()}


def test_the_photo_of_a_job_is_decoded_for_its_crop_alone(opened, monkeypatch):
    one, seen = opened(), []
    decoded = files.read

    def read(given, **how):
        seen.append(one._uploads.decoding.locked())
        return decoded(given, **how)

    photo = one.upload(png(64, 96), "a.png")["id"]
    monkeypatch.setattr(files, "read", read)
    plain = one.submit({**ASKED, "photo": photo})["id"]
    assert one.picture(plain, "photo") == one.upload_picture(photo)
    assert seen == []
    options = {**ASKED["options"], "crop": "1:1"}
    square = one.submit({**ASKED, "photo": photo, "options": options})["id"]
    for _ in range(2):
        assert files.shape(one.picture(square, "photo").bytes) == (64, 64)
    assert seen == [True]
