"""Events: latest wins, at most four a second, whoever is slow."""

import asyncio
import json
import threading
import time

import pytest
from support.ateliers import until
from support.web_server import TOKEN, events, site

from nst_jax.web import events as module
from nst_jax.web.events import PACE, WATCHERS, Event, Hub, Watcher
from nst_jax.web.refusals import LimitError

JOB = "0123456789abcdef"


def progress(iteration, *, job=JOB, state="painting", losses=None):
    if losses is None:
        losses = [[iteration, 1.0]]
    told = {"id": job, "state": state, "iteration": iteration}
    return {"type": "progress", "job": told, "losses": losses}


def jobs(*states):
    return {"type": "jobs", "jobs": [{"id": JOB, "state": state} for state in states]}


def taken(watcher):
    return [event.told for event in asyncio.run(watcher.next(0))]


def test_of_each_kind_and_job_the_latest_waits_with_all_losses():
    watcher = Watcher()
    for n in range(1000):
        watcher.put(Event(progress(n)))
        watcher.put(Event(progress(n, job="other")))
        watcher.put(Event(jobs("painting")))
    waiting = taken(watcher)
    assert len(waiting) == 3
    assert waiting[0]["job"]["iteration"] == 999
    losses = waiting[0]["losses"]
    assert (losses[0], losses[-1]) == ([0, 1.0], [999, 1.0])
    assert len(losses) <= 500
    assert taken(watcher) == []


def test_losses_that_came_already_come_once():
    watcher = Watcher()
    watcher.put(Event(progress(5, losses=[[4, 2.0], [5, 1.0]])))
    watcher.put_first(Event(progress(4, losses=[[n, 3.0] for n in range(5)])))
    (told,) = taken(watcher)
    assert told["job"]["iteration"] == 5
    assert [point[0] for point in told["losses"]] == [0, 1, 2, 3, 4, 5]


def test_what_came_meanwhile_is_newer_than_the_first():
    watcher = Watcher()
    watcher.put(Event(jobs("done")))
    watcher.put_first(Event(jobs("painting")))
    assert [told["jobs"][0]["state"] for told in taken(watcher)] == ["done"]


def test_of_one_job_nothing_else_is_told_and_its_end_is_the_end():
    watcher = Watcher(JOB)
    watcher.put(Event(progress(1, job="other")))
    watcher.put(Event(progress(1)))
    watcher.put(Event(jobs("painting")))
    (told,) = taken(watcher)
    assert (told["type"], told["losses"]) == ("progress", [[1, 1.0]])
    assert not watcher.is_over
    watcher.put(Event(jobs("done")))
    assert watcher.is_over
    assert taken(watcher)[0]["job"]["state"] == "done"
    gone = Watcher(JOB)
    gone.put(Event({"type": "jobs", "jobs": []}))
    assert (gone.is_over, taken(gone)) == (True, [])


def test_the_text_is_one_line_of_data_whatever_is_told():
    title = "a\n\ndata: b\r\udcff\u2028"
    told = {"type": "jobs", "jobs": [{"id": JOB, "title": title}]}
    name, data, *rest = Event(told).text.split("\n")
    assert (name, rest) == ("event: jobs", ["", ""])
    assert "\r" not in data
    assert data.isascii()
    assert json.loads(data.removeprefix("data: ")) == {"jobs": told["jobs"]}


@pytest.mark.slow
def test_a_flood_is_told_at_most_four_times_a_second():
    async def run():
        hub = Hub(lambda tell: lambda: None)
        watcher = hub.join()
        flood = threading.Thread(
            target=lambda: [
                (hub.tell(progress(n)), time.sleep(0.0005)) for n in range(1000)
            ]
        )
        flood.start()
        found, ends = [], time.monotonic() + 1.0
        while time.monotonic() < ends:
            for event in await watcher.next(0.05):
                found.append(event.told)
        flood.join()
        await asyncio.sleep(2 * PACE)
        return [*found, *(event.told for event in await watcher.next(0))]

    told = asyncio.run(run())
    assert 3 <= len(told) <= 7
    assert told[-1]["job"]["iteration"] == 999
    points = [point[0] for one in told for point in one["losses"]]
    assert points == sorted(set(points))
    assert (points[0], points[-1]) == (0, 999)


def test_events_are_asked_for_while_anybody_looks_on_and_only_then():
    log = []

    def watch(tell):
        log.append("watch")
        return lambda: log.append("unwatch")

    async def run():
        hub = Hub(watch)
        both = [hub.join(), hub.join()]
        await hub.settle()
        await hub.settle()
        for watcher in both:
            hub.leave(watcher)
            log.append("left")
        await hub.settle()
        hub.tell(jobs("done"))
        return hub.join()

    asyncio.run(run())
    assert log == ["watch", "left", "left", "unwatch"]


def test_so_many_look_on_and_no_more():
    async def run():
        hub = Hub(lambda tell: lambda: None)
        watchers = [hub.join() for _ in range(WATCHERS)]
        with pytest.raises(LimitError, match=f"{WATCHERS} pages look on"):
            hub.join()
        hub.leave(watchers[0])
        hub.join()
        hub.close()
        assert all(watcher.is_over for watcher in watchers[1:])

    asyncio.run(run())


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with site(tmp_path_factory.mktemp("site") / "kept") as made:
        yield made


def test_a_page_sees_a_job_from_its_beginning_to_its_end(served):
    with served.get("/api/events", stream=True) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        assert answer.headers["cache-control"] == "no-store"
        stream = events(answer)
        assert next(stream) == ("jobs", {"jobs": []})
        job = served.submit()["id"]
        states, points = [], []
        for name, told in stream:
            if name == "jobs":
                states += [one["state"] for one in told["jobs"] if one["id"] == job]
            else:
                points += told["losses"]
            if states[-1:] == ["done"]:
                break
    assert [point[0] for point in points][-3:] == [1, 2, 3]
    # Closed, it is not asked for any more: nobody encodes pictures for nobody.
    until(lambda: not served.atelier._ledger.watchers._watchers)
    with served.get(f"/api/jobs/{job}/events", stream=True) as answer:
        ((name, told),) = events(answer)  # It ends by itself.
    assert (name, told["job"]["id"], told["job"]["state"]) == ("progress", job, "done")
    assert [point[0] for point in told["losses"]] == [0, 1, 2, 3]


def test_silence_is_kept_alive_by_comments(served, monkeypatch):
    monkeypatch.setattr(module, "COMMENT", 0.05)
    with served.get("/api/events", stream=True) as answer:
        lines = answer.iter_lines(chunk_size=1, decode_unicode=True)
        found = [next(lines) for _ in range(9)]
    assert found[0] == "retry: 2000"
    assert found[2].startswith("id: ")
    assert found[3] == "event: jobs"
    assert found[6] == found[8] == ": nothing new"


def test_a_server_that_ends_ends_its_streams(tmp_path):
    with site(tmp_path / "kept") as made:
        answer = made.get("/api/events", stream=True)
        stream = events(answer)
        next(stream)
        began = time.monotonic()
        made.server.stop()
        assert list(stream) == []
        made.thread.join(5)
        assert time.monotonic() - began < 2
        answer.close()
    assert TOKEN not in str(made.logged)
