"""Connections that are given up when nothing moves: uvicorn alone waits for ever."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class Connection(H11Protocol):
    """One connection, by HTTP/1.1.

    Attributes:
      head_seconds: for the lines before a request's body to come.
      write_seconds: for what is written to be taken, some 64 kB at a time.
    """

    head_seconds = 20.0
    write_seconds = 20.0
    _head: asyncio.TimerHandle | None = None
    _write: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Has a request come in time."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Takes bytes."""
        super().data_received(data)
        self._await_head()

    def _await_head(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._head = _cancelled(self._head)
        elif self._head is None:
            self._head = self.loop.call_later(self.head_seconds, self._give_up)

    def pause_writing(self) -> None:
        """Has what is written be taken in time."""
        super().pause_writing()
        self._write = self.loop.call_later(self.write_seconds, self._give_up)

    def resume_writing(self) -> None:
        """There is room again."""
        super().resume_writing()
        self._write = _cancelled(self._write)

    def connection_lost(self, error: Exception | None) -> None:
        """It is over."""
        self._head, self._write = _cancelled(self._head), _cancelled(self._write)
        super().connection_lost(error)

    def _give_up(self) -> None:
        self.transport.abort()


def _cancelled(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """No timer any more."""
    if timer is not None:
        timer.cancel()
    return None
