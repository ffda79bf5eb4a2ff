"""What stands before the page's routes: who may ask, from where, and how much.

Jupyter's habits: a token in the first address, exchanged for a cookie that scripts
can't read and other sites can't use; the Host header is checked, as a stranger's page
may have its own name lead to this machine (DNS rebinding).
"""

import asyncio
import hmac
import ipaddress
import itertools
import json
import re
import secrets
import time
import traceback
from collections.abc import Callable, Collection, Iterable
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nst_jax.errors import NstError, plain

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
HEAD_BYTES = 16 * 1024
"""Of a request before its body."""
JSON_BYTES = 64 * 1024
"""Of a body that is no picture."""
IDLE_SECONDS, BODY_SECONDS = 20.0, 300.0
"""Longest wait for more of a body, and for all of it."""

UPLOADS = "/api/uploads"
FAULT = "a fault of the server: its terminal says more"
_METHODS = ("GET", "POST", "DELETE")
_FOREIGN = (b"cross-site", b"same-site")  # Another port of this machine is same-site.
_HOST = re.compile(rb"(\[[0-9a-fA-F:.]+\]|[^:\[\]/@?#\\\s]+)(:\d{1,5})?")
_LOCKED = "open the address that `nst-jax serve` printed, with its token"
_ENTERED = (
    b'<!doctype html><html lang="en"><title>nst_jax</title>'
    b'<link rel="icon" href="data:,">'
    b'<meta http-equiv="refresh" content="0;url=/"><a href="/">nst_jax</a>'
)
"""Leads on to the page. A redirect would be of the site that the address was opened on,
such as a mail's or a notebook's, and the strict cookie be withheld."""
_HEADERS = {
    b"content-security-policy": b"default-src 'self'; img-src 'self' blob: data:; "
    b"style-src 'self'; script-src 'self'; object-src 'none'; frame-ancestors 'none'; "
    b"base-uri 'none'; form-action 'self'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cache-control": b"no-store",
}


class BodyError(NstError):
    """A body that is larger than what is taken, or doesn't come.

    Attributes:
      status: of HTTP.
    """

    def __init__(self, status: int, line: str):
        super().__init__(line)
        self.status = status


class Keys:
    """What lets in: a token, and tickets that do so once.

    Attributes:
      token: for as long as the server runs.
      cookie: name of the cookie that holds it; servers of several ports differ.
    """

    def __init__(self, port: int, token: str = ""):
        """Takes a token, or makes one of 256 random bits."""
        self.token, self.cookie = token or secrets.token_urlsafe(32), f"nst_jax_{port}"
        self._tickets: set[bytes] = set()

    def ticket(self) -> str:
        """Another ticket: what is on a browser's command line others may read."""
        ticket = secrets.token_urlsafe(32)
        self._tickets.add(ticket.encode())
        return ticket

    def enters(self, given: str) -> bool:
        """Whether what an address has lets in; a ticket does no more."""
        found = given.encode("utf-8", "replace")
        for ticket in self._tickets:
            if hmac.compare_digest(ticket, found):
                self._tickets.remove(ticket)
                return True
        return self._is_token(found)

    def holds(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether a request has the token, in its cookie or as a bearer."""
        for name, value in headers:
            if name == b"authorization" and value[:7].lower() == b"bearer ":
                if self._is_token(value[7:].strip()):
                    return True
            elif name == b"cookie":
                for cookie in value.split(b";"):
                    own, _, content = cookie.strip().partition(b"=")
                    if own == self.cookie.encode() and self._is_token(content):
                        return True
        return False

    def _is_token(self, given: bytes) -> bool:
        return hmac.compare_digest(given, self.token.encode())


class Guard:
    """ASGI middleware around all of the server."""

    def __init__(
        self,
        app: ASGIApp,
        keys: Keys,
        *,
        body_bytes: int,
        report: Callable[[str], None],
        names: Collection[str] = (),
        any_address: bool = False,
        log: Callable[[str], None] | None = None,
    ):
        """Takes what it guards.

        Args:
          app: the routes.
          keys: what lets in.
          body_bytes: of an upload, at most.
          report: takes what went wrong, for whoever runs the server.
          names: that the server has besides those of loopback.
          any_address: whether it has any IP address for a name too; nobody can make
            one lead elsewhere.
          log: takes a line a request, without what its address has after the `?`.
        """
        self._app, self._keys, self._body_bytes = app, keys, body_bytes
        self._names = {name.lower() for name in (*LOOPBACK, *names)}
        self._any_address, self._report, self._log = any_address, report, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or has the routes answer it."""
        if scope["type"] != "http":
            return
        asked = _Asked(scope)
        answer = _Answer(send, asked)
        began = time.monotonic()
        try:
            if refusal := self._refusal(asked):
                await answer.refuse(*refusal)
            elif asked.path == "/" and "token" in (query := asked.query()):
                await self._enter(query["token"][-1], answer)
            elif not self._keys.holds(asked.headers):
                await answer.refuse(401, _LOCKED)
            elif asked.acts and asked.first(b"x-nst-jax") != b"1":
                await answer.refuse(403, "what acts needs the header X-NST-JAX: 1")
            elif asked.length > (limit := self._limit(asked)):
                await answer.refuse(413, _too_large(limit))
            else:
                body = _Body(receive, limit, answer)
                await self._app(scope, body.receive, answer.send)
        except Exception:
            self._report(traceback.format_exc())
            if not answer.status:
                await answer.refuse(500, FAULT)
        finally:
            if self._log:
                took = 1000 * (time.monotonic() - began)
                line = (
                    f"{asked.method} {plain(asked.path)[:200]} {answer.status or '-'}"
                )
                self._log(f"{line} {took:.0f} ms")

    def _limit(self, asked: "_Asked") -> int:
        return self._body_bytes if asked.path == UPLOADS else JSON_BYTES

    def _refusal(self, asked: "_Asked") -> tuple[int, str] | None:
        """Status and line, for what nobody may ask whatever token they have."""
        hosts = asked.all(b"host")
        if len(hosts) != 1 or not self._is_own(hosts[0]):
            return 403, (
                "this server has another name; to give it more, start it with "
                "--allowed_host"
            )
        if asked.head_bytes > HEAD_BYTES:  # Of one that came at once h11 takes more.
            return 431, f"the lines before the body are more than {HEAD_BYTES} bytes"
        if asked.method not in _METHODS:
            return 405, f"methods are {', '.join(_METHODS)}"
        origins = asked.all(b"origin")
        own = {b"http://" + hosts[0].lower(), b"https://" + hosts[0].lower()}
        foreign = asked.first(b"sec-fetch-site") in _FOREIGN
        foreign |= any(origin.lower() not in own for origin in origins)
        if foreign and not (asked.method == "GET" and asked.path == "/"):
            return 403, "pages of other sites may ask for nothing"
        if asked.has_body and not asked.acts:
            return 400, "a GET has no body"
        return None

    def _is_own(self, host: bytes) -> bool:
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match[1].decode("latin-1").lower()
        if name in self._names:
            return True
        try:
            return self._any_address and bool(ipaddress.ip_address(name.strip("[]")))
        except ValueError:
            return False

    async def _enter(self, given: str, answer: "_Answer") -> None:
        if not self._keys.enters(given):
            await answer.refuse(401, f"that token is of another server: {_LOCKED}")
            return
        cookie = f"{self._keys.cookie}={self._keys.token}; HttpOnly; SameSite=Strict"
        await answer.whole(
            200,
            _ENTERED,
            (b"content-type", b"text/html; charset=utf-8"),
            (b"set-cookie", f"{cookie}; Path=/".encode()),
            (b"referrer-policy", b"no-referrer"),
        )


class _Asked:
    """What is asked for, as far as it is known before the body."""

    def __init__(self, scope: Scope):
        self.method, self.path = scope["method"], scope["path"]
        self.headers = scope["headers"]
        self._query = scope["query_string"]
        address = scope["raw_path"], self._query
        self.head_bytes = sum(map(len, (*address, *itertools.chain(*self.headers))))
        self.acts = self.method != "GET"
        length = self.first(b"content-length") or b"0"
        # As many digits are no length that h11 would let through and Python wouldn't.
        self.length = int(length) if len(length) < 20 else 10**20
        self.has_body = bool(self.length or self.all(b"transfer-encoding"))

    def all(self, name: bytes) -> list[bytes]:
        return [value for own, value in self.headers if own == name]

    def first(self, name: bytes) -> bytes | None:
        return next(iter(self.all(name)), None)

    def query(self) -> dict[str, list[str]]:
        return parse_qs(self._query.decode("latin-1"), max_num_fields=None)


class _Answer:
    """What is sent, with the headers that all answers have.

    Attributes:
      status: of HTTP; 0: nothing was sent yet.
      is_whole: whether all of the body that was sent to us has been read.
    """

    def __init__(self, send: Send, asked: _Asked):
        self.status, self.is_whole = 0, not asked.has_body
        self._send, self._asked = send, asked

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ())]
            known = {name.lower() for name, _ in headers}
            more = [one for one in _HEADERS.items() if one[0] not in known]
            if not self.is_whole:  # Else the rest of it would be read, and be dropped.
                more.append((b"connection", b"close"))
            message = {**message, "headers": [*headers, *more]}
        await self._send(message)

    async def whole(
        self, status: int, body: bytes, *headers: tuple[bytes, bytes]
    ) -> None:
        length = (b"content-length", str(len(body)).encode())
        start: dict[str, Any] = {"type": "http.response.start", "status": status}
        await self.send({**start, "headers": [*headers, length]})
        await self.send({"type": "http.response.body", "body": body})

    async def refuse(self, status: int, line: str) -> None:
        if self._asked.path == "/" and not self._asked.acts:
            kind, body = "text/plain; charset=utf-8", f"nst_jax: {line}\n"
        else:
            kind, body = "application/json", json.dumps({"error": line})
        headers = [(b"content-type", kind.encode())]
        if status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        if status == 405:
            headers.append((b"allow", ", ".join(_METHODS).encode()))
        await self.whole(status, body.encode(), *headers)


class _Body:
    """A body that comes in time, and is no larger than it may be."""

    def __init__(self, receive: Receive, limit: int, answer: _Answer):
        self._receive, self._limit, self._answer = receive, limit, answer
        self._read, self._until = 0, time.monotonic() + BODY_SECONDS

    async def receive(self) -> Message:
        """The next part.

        Raises:
          BodyError: there is more than the limit, or it takes too long.
        """
        if self._answer.is_whole:  # What is left is the end of the connection.
            return await self._receive()
        left = min(IDLE_SECONDS, self._until - time.monotonic())
        try:
            async with asyncio.timeout(max(left, 0)):
                message = await self._receive()
        except TimeoutError:
            raise BodyError(408, "the body took too long to come") from None
        self._read += len(message.get("body", b""))
        if self._read > self._limit:
            raise BodyError(413, _too_large(self._limit))
        if not message.get("more_body", False):
            self._answer.is_whole = message["type"] == "http.request"
        return message


def _too_large(limit: int) -> str:
    size = f"{limit >> 20} MB" if limit >= 1 << 20 else f"{limit >> 10} kB"
    return f"the body is larger than {size}"
