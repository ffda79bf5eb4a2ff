"""Server-sent events: how far jobs are, for all who look on.

Of what isn't sent yet only the latest of each kind is kept, so that what a slow reader
takes doesn't grow. The format is that of the HTML standard, section 9.2.
"""

import asyncio
import functools
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from nst_jax.web import records
from nst_jax.web.refusals import LimitError

PACE = 0.25
"""Seconds from one event of a kind and job to the next, at least."""
COMMENT = 15.0
"""Seconds of silence after which a comment keeps the connection."""
RETRY = 2000
"""Milliseconds after which a browser tries again."""
WATCHERS = 32
_POINTS = 500  # Of losses that one event has.

Told = dict[str, Any]
Key = tuple[str, str]


class Event:
    """What is told, and the text of it, made once for all."""

    def __init__(self, told: Told):
        """Takes an event of the atelier."""
        self.told = told
        self.key: Key = told["type"], told["job"]["id"] if "job" in told else ""

    @functools.cached_property
    def text(self) -> str:
        """Its lines but for the number."""
        told = {name: value for name, value in self.told.items() if name != "type"}
        data = json.dumps(told, allow_nan=False, separators=(",", ":"))
        return f"event: {self.told['type']}\ndata: {data}\n\n"

    def after(self, earlier: "Event | None") -> "Event":
        """This one in place of an earlier that nobody got: with its losses too."""
        if earlier is None or not earlier.told.get("losses"):
            return self
        losses = [*earlier.told["losses"]]
        last = losses[-1][0]
        losses += [point for point in self.told["losses"] if point[0] > last]
        kept = records.thinned(losses, _POINTS)
        return Event({**self.told, "losses": [*map(list, kept)]})


class Watcher:
    """One who looks on.

    Attributes:
      is_over: whether nothing more will come.
    """

    def __init__(self, job: str | None = None):
        """Takes the job that is looked at; None: all."""
        self.is_over, self._job = False, job
        self._waiting: dict[Key, Event] = {}
        self._woken = asyncio.Event()

    def put(self, event: Event) -> None:
        """Has an event sent when there is room for it."""
        if self.is_over:
            return
        if self._job is not None:
            of_job = self._of_job(event)
            if of_job is None:
                return
            event = of_job
        earlier = self._waiting.pop(event.key, None)  # The latest goes last.
        self._waiting[event.key] = event.after(earlier)
        self._woken.set()

    def put_first(self, event: Event) -> None:
        """Has an event sent before those that came meanwhile, which are newer."""
        later, self._waiting = self._waiting, {}
        self.put(event)
        for one in later.values():
            self.put(one)

    def _of_job(self, event: Event) -> Event | None:
        """What an event says of the one job; what ends that ends this too."""
        told = event.told
        if "jobs" in told:
            jobs = [job for job in told["jobs"] if job["id"] == self._job]
            if not jobs:
                self.end()
                return None
            told = {"type": "progress", "job": jobs[0], "losses": []}
        if told["job"]["id"] != self._job:
            return None
        if told["job"]["state"] in records.ENDED:
            self.end()
        return Event(told)

    def end(self) -> None:
        """Nothing more will come."""
        self.is_over = True
        self._woken.set()

    async def next(self, seconds: float) -> list[Event]:
        """What waits, as soon as anything does; nothing after so many seconds."""
        seconds = 0 if self.is_over else seconds
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return []
        self._woken.clear()
        events, self._waiting = [*self._waiting.values()], {}
        return events


class Hub:
    """Takes events from any thread, and hands them to those who look on."""

    def __init__(self, watch: Callable[[Callable[[Told], None]], Callable[[], None]]):
        """Takes what has events told; it is asked for while anybody looks on."""
        self._watch = watch
        self._unwatch: Callable[[], None] | None = None
        self._watchers: set[Watcher] = set()
        self._settling: set[asyncio.Future[None]] = set()
        self._changing, self._lock = asyncio.Lock(), threading.Lock()
        self._waiting: dict[Key, Event] = {}
        self._is_due, self._last, self._number = False, 0.0, 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False

    def tell(self, told: Told) -> None:
        """Takes an event, in any thread."""
        event = Event(told)
        with self._lock:
            earlier = self._waiting.pop(event.key, None)
            self._waiting[event.key] = event.after(earlier)
            if self._is_due or self._loop is None or self._loop.is_closed():
                return
            self._is_due = True
            self._loop.call_soon_threadsafe(self._deliver, self._loop)

    def _deliver(self, loop: asyncio.AbstractEventLoop) -> None:
        early = self._last + PACE - loop.time()
        if early > 0:
            loop.call_later(early, self._deliver, loop)
            return
        self._last = loop.time()
        with self._lock:
            events, self._waiting = [*self._waiting.values()], {}
            self._is_due = False
        for event in events:
            for watcher in [*self._watchers]:
                watcher.put(event)

    def join(self, job: str | None = None) -> Watcher:
        """Somebody looks on, until `leave`.

        Args:
          job: that is looked at; None: all.

        Raises:
          LimitError: too many do.
        """
        if len(self._watchers) >= WATCHERS:
            raise LimitError(f"{WATCHERS} pages look on already: close one")
        watcher = Watcher(job)
        self._watchers.add(watcher)
        self._loop = asyncio.get_running_loop()
        if self._is_closed:
            watcher.end()
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """Somebody looks on no more."""
        self._watchers.discard(watcher)
        # By a task of its own, as the one of the request may be cancelled.
        settling = asyncio.ensure_future(self.settle())
        self._settling.add(settling)
        settling.add_done_callback(self._settling.discard)

    async def settle(self) -> None:
        """Asks for events if anybody looks on, and only then."""
        async with self._changing:
            if self._watchers and self._unwatch is None:
                self._unwatch = await run_in_threadpool(self._watch, self.tell)
            elif not self._watchers and self._unwatch is not None:
                unwatch, self._unwatch = self._unwatch, None
                await run_in_threadpool(unwatch)

    def numbered(self, event: Event) -> str:
        """The text of an event, with a number that no other has."""
        self._number += 1
        return f"id: {self._number}\n{event.text}"

    def close(self) -> None:
        """Ends all streams, as the server does."""
        self._is_closed = True
        for watcher in self._watchers:
            watcher.end()


class Stream:
    """The answer to one who looks on, as ASGI."""

    def __init__(
        self,
        hub: Hub,
        first: Callable[[], Awaitable[Told]],
        job: str | None = None,
    ):
        """Takes what they are told first, asked for when they are known to look on."""
        self._hub, self._first, self._watcher = hub, first, hub.join(job)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends events until either side has enough."""
        tasks: list[asyncio.Future[None]] = []
        try:
            await self._hub.settle()
            self._watcher.put_first(Event(await self._first()))
            tasks = [
                asyncio.ensure_future(self._write(send)),
                asyncio.ensure_future(_gone(receive)),
            ]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            self._hub.leave(self._watcher)

    async def _write(self, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        start: Told = {"type": "http.response.start", "status": 200}
        await send({**start, "headers": headers})
        text, watcher = f"retry: {RETRY}\n\n", self._watcher
        while text:
            part: Told = {"type": "http.response.body", "body": text.encode()}
            await send({**part, "more_body": True})
            events = await watcher.next(COMMENT)
            text = "".join(map(self._hub.numbered, events))
            if not text and not watcher.is_over:
                text = ": nothing new\n\n"
        await send({"type": "http.response.body", "body": b""})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
