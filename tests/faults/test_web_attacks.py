"""Attacks on `nst-jax serve`: each is refused or bounded, and the server answers on."""

import contextlib
import os
import socket
import tracemalloc

import pytest
import requests
from support.ateliers import png, until
from support.png_files import GREY, png_bytes
from support.web_server import TOKEN, site

from nst_jax.web import events, server
from nst_jax.web.connections import Connection
from nst_jax.web.uploads import IDENTIFIER

EVIL = "http://evil.example"
MB = 1 << 20


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("site") / "kept"


@pytest.fixture(scope="module")
def running(kept):
    with site(kept, queue=50) as made:
        yield made


@pytest.fixture
def served(running):
    """The server of all attacks, which answers after each."""
    yield running
    assert running.is_alive()
    assert not running.said


def head(served, method, path, *more, host="localhost"):
    lines = (f"Host: {host}", f"Authorization: Bearer {TOKEN}", "X-NST-JAX: 1", *more)
    return "\r\n".join((f"{method} {path} HTTP/1.1", *lines, "", "")).encode("latin-1")


def test_a_form_of_another_site_does_nothing(served):
    """What a browser sends for it, cookie included, as older ones would."""
    jobs = served.atelier.jobs()
    for path in ("/api/jobs", "/api/uploads?name=x", f"/api/jobs/{'0' * 16}/discard"):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/x"):
            for where in ({"Origin": EVIL}, {"Origin": "null"}, {}):
                answer = served.session.post(
                    served.url + path,
                    data='{"kind": "optimise"}',
                    headers={"Content-Type": kind, **where},
                    timeout=20,
                )
                assert answer.status_code == 403, (path, kind, where)
    assert served.atelier.jobs() == jobs


def test_a_name_that_leads_here_is_not_ours(served):
    """DNS rebinding: the page of `evil.example`, whose name now is 127.0.0.1."""
    for host in ("evil.example", f"evil.example:{served.port}", "2130706433", "0x7f.1"):
        answer = served.get("/api/jobs", headers={"Host": host, "Origin": EVIL})
        assert answer.status_code == 403, host
        assert "--allowed_host" in answer.json()["error"]


@pytest.mark.parametrize(
    "name",
    [
        *("../app.py", "..%2fapp.py", "%2e%2e/app.py", "%2e%2e%2fapp.py", "..\\app.py"),
        *("....//app.py", "/etc/passwd", "%2fetc%2fpasswd", "//etc/passwd"),
        *("cards/../../app.py", "look.css%00.png", "%00", "look.css/", ".", "..", ""),
        *(
            "%c0%ae%c0%ae/app.py",
            "%252e%252e/app.py",
            "\xff",
            "x" * 5000,
            "cards",
            "C:",
        ),
    ],
)
def test_no_name_leads_out_of_a_folder(served, name):
    shut = ("/static/", "/api/uploads/", "/api/jobs/", "/api/examples/")
    for path in (*shut, "/"):
        if path == "/" and name in ("", "."):
            continue
        answer = served.raw(head(served, "GET", path + name, "Connection: close"))
        status, body = answer.split(b" ", 2)[1], answer.partition(b"\r\n\r\n")[2]
        assert status in (b"404", b"400", b"405"), (path, answer[:200])
        assert b"root:" not in body
        assert b"import" not in body


def test_a_name_of_an_upload_is_no_path(served, kept):
    names = ("../../x.png", "/etc/cron.d/x.png", "..", "x\x00.png", "a" * 3000)
    for place, name in enumerate(names):  # The same picture would be one upload.
        body = png(24, 32 + place)
        answer = served.post("/api/uploads", body, params={"name": name})
        assert answer.status_code == 201
        shown = answer.json()["name"]
        assert "/" not in shown
        assert len(shown) <= 80
    stems = {path.name.split(".")[0] for path in (kept / "uploads").iterdir()}
    assert all(IDENTIFIER.fullmatch(stem) for stem in stems)
    assert len(stems) >= len(names)
    assert {path.name for path in kept.parent.iterdir()} == {"kept"}


@pytest.mark.parametrize("path", ["/api/uploads", "/api/jobs", "/nowhere"])
def test_100_mb_that_are_claimed_are_refused_unread(served, path):
    with socket.create_connection(("127.0.0.1", served.port), 20) as connection:
        given = head(served, "POST", path, f"Content-Length: {100 * MB}")
        connection.sendall(given)
        answer = b""
        while part := connection.recv(65536):  # It ends without a byte of the body.
            answer += part
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"\r\nconnection: close\r\n" in answer


@pytest.mark.parametrize("path", ["/api/uploads", "/api/jobs", "/nowhere", "/static/x"])
@pytest.mark.parametrize("token", [TOKEN, "wrong"])
def test_100_mb_in_chunks_are_not_read_on(served, path, token):
    """No length is said: what is taken is counted."""
    given = head(served, "POST", path, "Transfer-Encoding: chunked")
    given = given.replace(TOKEN.encode(), token.encode())
    piece = b"10000\r\n" + bytes(65536) + b"\r\n"
    sent, answer = 0, b""
    with socket.create_connection(("127.0.0.1", served.port), 20) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        connection.sendall(given)
        with contextlib.suppress(ConnectionError):
            while sent < 100 * MB:
                connection.sendall(piece)
                sent += 65536
        with contextlib.suppress(ConnectionError):
            answer = connection.recv(65536)
    # The limit, what the two sockets hold, and little else.
    assert sent < served.body + 12 * MB
    status = answer.split(b" ", 2)[1:2]
    assert status in ([], [b"413"], [b"404"], [b"405"], [b"401"])


def test_what_is_sent_slowly_past_the_limit_gets_its_answer(served):
    given = head(served, "POST", "/api/jobs", "Transfer-Encoding: chunked")
    piece = b"8000\r\n" + b" " * 32768 + b"\r\n"
    assert served.raw(given + 2 * piece + b"1\r\n \r\n").startswith(b"HTTP/1.1 413")


def test_a_head_without_end_is_refused(served):
    for more in ("X: " + "y" * 100_000, "\r\n".join(f"X{n}: y" for n in range(20_000))):
        with contextlib.suppress(ConnectionError):  # Which is an answer too.
            answer = served.raw(head(served, "GET", "/api/jobs", more), ends=False)
            assert answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 431", b"")
        assert served.is_alive()


@pytest.mark.parametrize(
    "text",
    [
        "GET http://evil.example/api/jobs HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1e9\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
        "Content-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01",
        "\r\n" * 5000,
    ],
)
def test_what_is_no_request_of_ours_is_shut_out(served, text, monkeypatch):
    monkeypatch.setattr(Connection, "head_seconds", 0.3)
    answer = served.raw(text, ends=False)
    assert answer == b"" or answer[:10] == b"HTTP/1.1 4", answer[:100]
    assert TOKEN.encode() not in answer


@pytest.mark.slow
def test_a_bomb_of_a_picture_is_refused(served, kept):
    before = os.listdir(kept / "uploads")
    row = bytes(30_000 // 8)
    bomb = png_bytes((30_000, 30_000), 1, GREY, [row] * 30_000)
    assert len(bomb) < 200_000  # 900 million pixels.
    tracemalloc.start()
    try:
        answer = served.post("/api/uploads?name=bomb.png", bomb)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer.status_code == 400
    assert "pixels" in answer.json()["error"]
    assert most < 4 * MB
    assert os.listdir(kept / "uploads") == before


@pytest.mark.slow
def test_of_200_jobs_no_more_wait_than_may(served):
    served.grey.held.clear()
    first = served.submit()
    until(lambda: served.atelier.job(first["id"])["state"] == "painting")
    asked = {"kind": "optimise", "photo": first["photo"], "paintings": [first["photo"]]}
    statuses = [served.post("/api/jobs", asked).status_code for _ in range(200)]
    assert statuses == [201] * 50 + [429] * 150
    assert len(served.get("/api/jobs").json()) == 51


@pytest.mark.slow
def test_50_slow_readers_of_events_are_bounded_and_given_up(served, monkeypatch):
    monkeypatch.setattr(Connection, "write_seconds", 0.5)
    monkeypatch.setattr(events, "PACE", 0.01)
    hub, told = served.server._hub, {"type": "jobs", "jobs": [{"text": "x" * MB}]}
    readers = [socket.socket() for _ in range(50)]
    answers = []
    for reader in readers:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.settimeout(20)
        reader.connect(("127.0.0.1", served.port))
        reader.sendall(head(served, "GET", "/api/events"))
        answers.append(reader.recv(12))
    assert answers == [b"HTTP/1.1 200"] * 32 + [b"HTTP/1.1 429"] * 18
    watchers = [*hub._watchers]
    assert len(watchers) == events.WATCHERS
    for _ in range(20):  # MB for each, of which none reads more than a few bytes.
        hub.tell(told)
        assert served.is_alive()
        assert all(len(watcher._waiting) <= 1 for watcher in watchers)
    until(lambda: not hub._watchers)
    for reader in readers:
        reader.close()
    with served.get("/api/events", stream=True) as answer:  # There is room again.
        assert answer.status_code == 200


def test_connections_that_say_nothing_are_given_up(served, monkeypatch):
    assert served.server.config.limit_concurrency == server.CONNECTIONS
    monkeypatch.setattr(served.server.config, "limit_concurrency", 20)
    monkeypatch.setattr(Connection, "head_seconds", 0.8)
    served.session.close()
    connections = served.server.server_state.connections
    with contextlib.ExitStack() as opened:
        for _ in range(30):
            one = socket.create_connection(("127.0.0.1", served.port))
            opened.enter_context(one).sendall(b"GET / HT")  # And no more.
        until(lambda: len(connections) >= 20)
        header = {"Authorization": f"Bearer {TOKEN}", "Connection": "close"}
        full = requests.get(f"{served.url}/api/jobs", headers=header, timeout=20)
        assert full.status_code == 503
        until(lambda: len(connections) < 5)
