"""`nst-weights fetch` from servers that are slow, cut, or lie: a line each."""

import dataclasses
import hashlib
import os
from pathlib import Path

import pytest
from support import servers
from support.program import run_weights
from support.stored_weights import SMALL

from weights_convert import architectures, download, export, fetch, sources, store

NAME = "net.safetensors"
PATIENT = download.Patience(attempts=2, backoff=0.01)
QUICK = dataclasses.replace(PATIENT, connect=0.5, slowest=1e5, window=0.3)


@pytest.fixture(scope="module")
def published(home, tmp_path_factory) -> bytes:
    """The file of random weights that is published."""
    path = tmp_path_factory.mktemp("published") / NAME
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NST_JAX_HOME", str(home))
        export.export(architectures.find(SMALL), path, report=lambda line: None)
    return path.read_bytes()


@pytest.fixture
def fetched(published, tmp_path, monkeypatch, capsys):
    """Fetches it from a server; gives the status and the lines."""
    copy = dataclasses.replace(
        sources.SOURCES[SMALL][0],
        url=f"http://published/{NAME}",
        filename=NAME,
        size=len(published),
        algorithm="sha256",
        digest=hashlib.sha256(published).hexdigest(),
    )
    monkeypatch.setattr(fetch, "SOURCES", {**sources.SOURCES, SMALL: (copy,)})
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path / "store"))
    for name in [n for n in os.environ if n.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)

    def ask(answer, patience=PATIENT):
        monkeypatch.setattr(download, "Patience", lambda: patience)
        with servers.answering(answer) as url:
            monkeypatch.setenv("NST_JAX_MIRROR", url)
            status = run_weights("fetch", SMALL)
        return status, capsys.readouterr().err.splitlines()

    return ask


def kept(tmp_path) -> list[str]:
    store_ = tmp_path / "store"
    return sorted(str(p.relative_to(store_)) for p in store_.rglob("*") if p.is_file())


def truncated(handler, content):
    servers.send(handler, content[: 1 << 20], length=len(content))


def longer(handler, content):
    servers.send(handler, content + b"more")


def shorter_as_it_says(handler, content):
    servers.send(handler, content[: 1 << 20])


def other(handler, content):
    servers.send(handler, content[:-1] + bytes([content[-1] ^ 1]))


def page(handler, content):
    servers.send(handler, b"<!DOCTYPE html><html>Log in" + b" " * 2000)


def to_a_file(handler, content):
    handler.send_response(302)
    handler.send_header("Location", "file:///etc/hostname")
    handler.end_headers()


def in_a_circle(handler, content):
    handler.send_response(302)
    handler.send_header("Location", handler.path)
    handler.end_headers()


def packed(handler, content):
    handler.send_response(200)
    handler.send_header("Content-Encoding", "gzip")
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(b"\x1f\x8b" + content[2:])


def drips(handler, content):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    for place in range(0, 100, 10):
        handler.wfile.write(content[place : place + 10])
        handler.wfile.flush()
        handler.rfile.raw._sock.settimeout(0.1)  # Waits, or sees the other's end.
        try:
            if not handler.rfile.raw._sock.recv(1):
                return
        except TimeoutError:
            continue


def hangs(handler, content):
    handler.rfile.raw._sock.settimeout(5)
    handler.rfile.raw._sock.recv(1)


def refuses(handler, content):
    handler.send_error(503)


PART = [f"downloads/{SMALL}/{NAME}.part"]


@pytest.mark.parametrize(
    ("answer", "line", "left"),
    [
        (truncated, "truncated: the connection ended early, got 1048576 of ", PART),
        (
            shorter_as_it_says,
            "truncated: the connection ended early, got 1048576 of ",
            PART,
        ),
        (longer, "longer than the ", []),
        (other, "wrong hash: expected sha256 ", []),
        (page, "the server sent a web page, not the file", []),
        (packed, "wrong hash: expected sha256 ", []),
        (to_a_file, "No connection adapters were found for 'file:///etc/hostname'", []),
        (in_a_circle, "Exceeded 30 redirects", []),
        (drips, "bytes a second are too slow, got ", PART),
        (hangs, "no answer within 0.5 s", []),
        (refuses, "the server answers 503 Service Unavailable", []),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_server_that_does_not_give_the_file(
    fetched, published, tmp_path, answer, line, left
):
    patience = QUICK if answer in (drips, hangs) else PATIENT
    status, lines = fetched(lambda handler: answer(handler, published), patience)
    assert status == 1
    assert len(lines) == 2, lines  # What is fetched, and what became of it.
    assert line in lines[1]
    assert kept(tmp_path) == left
    # From one that gives it, it comes; what was kept is not asked for again.
    asked = []

    def right(handler):
        start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
        asked.append(start)
        servers.send(handler, published[start:], status=206 if start else 200)

    status, _ = fetched(right)
    assert status == 0
    assert (len(asked), asked[0] > 0) == (1, bool(left))
    weights = f"weights/{SMALL}"
    assert {*kept(tmp_path)} - {f"{weights}.verified"} == {f"{weights}.safetensors"}
    assert store.verify(architectures.find(SMALL)).path == Path(
        tmp_path, f"store/{weights}.safetensors"
    )


def test_a_slow_server_is_waited_for(fetched, published):
    def slow(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(published)))
        handler.end_headers()
        half = len(published) // 2
        handler.wfile.write(published[:half])
        handler.rfile.raw._sock.settimeout(0.25)
        try:
            handler.rfile.raw._sock.recv(1)
        except TimeoutError:
            handler.wfile.write(published[half:])

    assert fetched(slow)[0] == 0
