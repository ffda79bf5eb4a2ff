"""The routes of the page and of programs: what is asked of the atelier by HTTP."""

import asyncio
import hashlib
import json
import mimetypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import jinja2
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from nst_jax.display import look
from nst_jax.errors import NstError, OptionsError
from nst_jax.version import __version__
from nst_jax.web.atelier import KINDS, Atelier
from nst_jax.web.events import Hub, Stream
from nst_jax.web.guard import FAULT, UPLOADS, BodyError
from nst_jax.web.refusals import AbsentError, ConflictError, LimitError
from nst_jax.web.shown import Shown
from weights_convert.errors import WeightsError

Answer = TypeVar("Answer")

_FOLDER = Path(__file__).parent
_STATUS: dict[type[Exception], int] = {
    AbsentError: 404,
    LimitError: 429,
    ConflictError: 409,
}
_LONGEST = 8192  # Pixels of a picture that is shown.
_AT_ONCE, _WAITING = 2, 32
"""Uploads whose bodies are in memory, and that wait for it."""
# What the system has registered for an ending is not asked for.
_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def application(atelier: Atelier, hub: Hub) -> Starlette:
    """The routes of an atelier, for whoever has passed the guard."""
    doors, of_job = _Doors(atelier, hub), "/api/jobs/{id}"
    app = Starlette(
        routes=[
            Route("/", doors.page),
            Route("/static/{name:path}", doors.static),
            Route("/api/catalogue", doors.catalogue),
            Route("/api/examples/{id}", doors.example),
            Route(UPLOADS, doors.upload, methods=["POST"]),
            Route(UPLOADS + "/{id}", doors.uploaded),
            Route("/api/jobs", doors.jobs),
            Route("/api/jobs", doors.submit, methods=["POST"]),
            Route("/api/events", doors.events),
            Route(of_job, doors.job),
            Route(of_job, doors.remove, methods=["DELETE"]),
            Route(of_job + "/result", doors.result),
            Route(of_job + "/command", doors.command),
            Route(of_job + "/events", doors.events),
            Route(of_job + "/{kind}", doors.picture),
            Route(of_job + "/{action}", doors.act, methods=["POST"]),
        ],
        exception_handlers={
            NstError: _refused,
            WeightsError: _refused,
            HTTPException: _not_there,
            ClientDisconnect: _gone,
            Exception: _fault,  # Raised on, to be reported by the guard.
        },
    )
    app.router.redirect_slashes = False
    return app


class _Doors:
    """What answers, a method a route."""

    def __init__(self, atelier: Atelier, hub: Hub):
        self._atelier, self._hub = atelier, hub
        self._static = _static()
        self._page = _page()
        self._at_once, self._sending = asyncio.Semaphore(_AT_ONCE), 0

    # The page.

    async def page(self, request: Request) -> Response:
        return Response(self._page, media_type="text/html")

    async def static(self, request: Request) -> Response:
        made = self._static.get(request.path_params["name"])
        if made is None:
            raise AbsentError("there is no such file")
        content, kind = await run_in_threadpool(made)
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        return _cached(request, Shown(content, kind, etag))

    async def catalogue(self, request: Request) -> Response:
        return _told(await run_in_threadpool(self._atelier.catalogue))

    # Pictures.

    async def upload(self, request: Request) -> Response:
        if self._sending >= _WAITING:
            raise LimitError(f"{_WAITING} pictures are being sent: wait for them")
        name = request.query_params.get("name", "")
        self._sending += 1
        try:
            async with self._at_once:
                body = await request.body()
                told = await run_in_threadpool(self._atelier.upload, body, name)
        finally:
            self._sending -= 1
        return _told(told, 201)

    async def uploaded(self, request: Request) -> Response:
        return await self._sized(request, self._atelier.upload_picture)

    async def example(self, request: Request) -> Response:
        return await self._sized(request, self._atelier.example_picture)

    async def _sized(
        self, request: Request, shown: Callable[[str, int | None], Shown]
    ) -> Response:
        longest = _longest(request.query_params.get("longest"))
        identifier = request.path_params["id"]
        return _cached(request, await run_in_threadpool(shown, identifier, longest))

    # Jobs.

    async def jobs(self, request: Request) -> Response:
        return _told(await run_in_threadpool(self._atelier.jobs))

    async def submit(self, request: Request) -> Response:
        asked = await _json(request)
        return _told(await run_in_threadpool(self._atelier.submit, asked), 201)

    async def job(self, request: Request) -> Response:
        return await self._of_job(request, self._atelier.job)

    async def remove(self, request: Request) -> Response:
        return await self._of_job(request, self._atelier.remove)

    async def command(self, request: Request) -> Response:
        return await self._of_job(request, self._atelier.command)

    async def _of_job(
        self, request: Request, method: Callable[..., Any], *arguments: Any
    ) -> Response:
        identifier = request.path_params["id"]
        return _told(await run_in_threadpool(method, identifier, *arguments))

    async def act(self, request: Request) -> Response:
        action = request.path_params["action"]
        if action not in ("stop", "discard", "go_on", "move"):
            raise HTTPException(405 if action in _SHOWN else 404)
        asked = await _json(request)
        arguments = []
        if action == "go_on":
            arguments = [asked.get("steps", 100)]
        if action == "move":
            arguments = [asked.get("before")]
        return await self._of_job(request, getattr(self._atelier, action), *arguments)

    async def picture(self, request: Request) -> Response:
        identifier, kind = (request.path_params[name] for name in ("id", "kind"))
        if kind not in ("picture", *KINDS[1:]):
            raise HTTPException(404)
        kind = KINDS[0] if kind == "picture" else kind
        shown = await run_in_threadpool(self._atelier.picture, identifier, kind)
        return _cached(request, shown)

    async def result(self, request: Request) -> Response:
        identifier = request.path_params["id"]

        def found() -> tuple[Path, str, os.stat_result]:
            path, name = self._atelier.result(identifier)
            try:
                return path, name, path.stat()
            except OSError:
                raise AbsentError(f"job {identifier} has no picture any more") from None

        path, name, status = await run_in_threadpool(found)
        return FileResponse(
            path, filename=name, media_type="image/png", stat_result=status
        )

    # Events.

    async def events(self, request: Request) -> Stream:
        identifier = request.path_params.get("id")

        async def first() -> dict[str, Any]:
            if identifier is None:
                jobs = await run_in_threadpool(self._atelier.jobs)
                return {"type": "jobs", "jobs": jobs}
            job = await run_in_threadpool(self._atelier.job, identifier)
            return {"type": "progress", "losses": job.pop("losses"), "job": job}

        if identifier is not None:
            await run_in_threadpool(self._atelier.job, identifier)
        return Stream(self._hub, first, identifier)


_SHOWN = ("picture", "result", "command", "events", *KINDS[1:])
"""What of a job is looked at, by GET."""


async def _json(request: Request) -> dict[str, Any]:
    """The object that is sent; nothing is an empty one.

    Raises:
      OptionsError: it is none, or has numbers that JSON hasn't.
    """
    body = await request.body()

    def unknown(word: str) -> None:
        raise ValueError(word)

    try:
        found = json.loads(body or b"{}", parse_constant=unknown)
    except (ValueError, RecursionError):
        raise OptionsError("the body is not JSON; send an object as JSON") from None
    if not isinstance(found, dict):
        raise OptionsError('the body is no object; send one, such as {"steps": 100}')
    return found


def _told(value: Any, status: int = 200) -> Response:
    """JSON, in ASCII: names may hold letters that no encoding has."""
    content = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return Response(content, status, media_type="application/json")


def _longest(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 5):
        raise OptionsError(f"longest={text[:20]!r}: give a number of pixels")
    if not 1 <= int(text) <= _LONGEST:
        raise OptionsError(f"longest={text}: give 1 to {_LONGEST} pixels")
    return int(text)


def _cached(request: Request, shown: Shown) -> Response:
    """A picture or file, unless the browser has it."""
    headers = {"ETag": shown.etag, "Cache-Control": "private, no-cache"}
    if shown.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(shown.bytes, media_type=shown.media_type, headers=headers)


def _static() -> dict[str, Callable[[], tuple[bytes, str]]]:
    """What gives each file and its kind, by name: no other name leads to a file."""
    folder = _FOLDER / "static"

    def of(path: Path) -> Callable[[], tuple[bytes, str]]:
        kind = _KINDS.get(path.suffix) or mimetypes.types_map[path.suffix]
        return lambda: (path.read_bytes(), kind)

    paths = [path for path in folder.rglob("*") if path.is_file()]
    found = {path.relative_to(folder).as_posix(): of(path) for path in paths}
    return {**found, "look.css": lambda: (look.css().encode(), "text/css")}


def _page() -> bytes:
    loader = jinja2.FileSystemLoader(_FOLDER / "templates")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("page.html").render(version=__version__).encode()


def _refused(request: Request, error: Exception) -> Response:
    status = _STATUS.get(type(error), 400)
    if isinstance(error, BodyError):
        status = error.status
    return _told({"error": str(error)}, status)


def _not_there(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    line = "there is no such address"
    if error.status_code == 405:
        line = f"this address has no {request.method}"
    answer = _told({"error": line}, error.status_code)
    answer.headers.update(error.headers or {})
    return answer


def _fault(request: Request, error: Exception) -> Response:
    return _told({"error": FAULT}, 500)


def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # Nobody is there to read it.
