"""What stands before every route: token, names, other sites, sizes."""

import time

import pytest
import requests
from starlette.routing import Route
from support.web_server import TOKEN, site

from nst_jax.web import guard
from nst_jax.web.app import application
from nst_jax.web.guard import Keys

EVIL = "http://evil.example"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with site(tmp_path_factory.mktemp("site") / "kept") as made:
        yield made


def doors(served) -> list[tuple[str, str]]:
    """Method and address of every route."""
    routes = application(served.atelier, None).routes
    assert all(isinstance(route, Route) for route in routes)
    found = []
    for route in routes:
        path = route.path.replace("{name:path}", "look.css").replace("{id}", "0" * 16)
        path = path.replace("{kind}", "photo").replace("{action}", "stop")
        found += [(method, path) for method in route.methods - {"HEAD"}]
    assert ("POST", "/api/jobs") in found
    assert len(found) >= 16
    return found


def asked(served, method, path, **headers):
    """An answer to what has the token, and what a page sends along."""
    given = {"Authorization": f"Bearer {TOKEN}", "X-NST-JAX": "1", **headers}
    given = {name: value for name, value in given.items() if value is not None}
    return requests.request(
        method, served.url + path, headers=given, timeout=20, allow_redirects=False
    )


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (401, {"Authorization": None}),
        (401, {"Authorization": "Bearer wrong"}),
        (401, {"Authorization": f"Basic {TOKEN}"}),
        (401, {"Authorization": None, "Cookie": f"nst_jax_1={TOKEN}"}),
        (401, {"Authorization": "Bearer \xff"}),
        (403, {"Host": "evil.example"}),
        (403, {"Host": "127.0.0.1.evil.example"}),
        (403, {"Host": "192.168.0.7"}),  # It listens on loopback alone.
        (403, {"Host": "127.0.0.1@evil.example"}),
        (403, {"Host": ""}),
    ],
)
def test_every_address_is_shut_to_strangers(served, status, headers):
    for method, path in doors(served):
        answer = asked(served, method, path, **headers)
        assert answer.status_code == status, (method, path)
        assert TOKEN not in answer.text + str(answer.headers)
    assert served.is_alive()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},  # Another server of this machine.
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_pages_of_other_sites_get_nothing(served, headers):
    for method, path in doors(served):
        answer = asked(served, method, path, **headers)
        assert answer.status_code == (200 if path == "/" else 403), (method, path)
        allowed = {name for name in answer.headers if name.startswith("access-control")}
        assert not allowed


def test_what_acts_needs_its_header(served):
    acting = [(method, path) for method, path in doors(served) if method != "GET"]
    for method, path in acting:
        for value in (None, "0", ""):
            answer = asked(served, method, path, **{"X-NST-JAX": value})
            assert answer.status_code == 403, (method, path)
            assert "X-NST-JAX" in answer.json()["error"]


@pytest.mark.parametrize(
    "name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "studio.test"]
)
def test_its_own_names_are_known_at_any_port(served, name):
    for host in (name, f"{name}:{served.port}", f"{name}:9"):
        answer = asked(served, "GET", "/api/jobs", Host=host, Origin=f"http://{host}")
        assert answer.status_code == 200, host


def test_of_several_names_none_is_believed(served):
    head = f"GET /api/jobs HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n"
    two = "Host: localhost\r\nHost: evil.example\r\n\r\n"
    assert served.raw(head + two).startswith((b"HTTP/1.1 400", b"HTTP/1.1 403"))


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "PUT", "PATCH", "TRACE", "X"])
def test_other_methods_are_unknown_and_no_preflight_is_granted(served, method):
    given = {"Access-Control-Request-Method": "POST"}
    for path in ("/", "/api/jobs", "/api/uploads"):
        answer = asked(served, method, path, **given)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, POST, DELETE"
        assert "access-control-allow-origin" not in answer.headers


def test_every_answer_has_the_headers(served):
    for method, path in [*doors(served), ("GET", "/nowhere"), ("PUT", "/")]:
        if path.endswith("/events") and "jobs" not in path:
            continue  # It doesn't end.
        headers = asked(served, method, path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "no-" in headers["cache-control"]  # no-store, or no-cache by etag.
        assert "server" not in headers


def test_the_token_is_exchanged_for_a_cookie_that_scripts_cannot_read(served):
    answer = requests.get(
        f"{served.url}/?token={TOKEN}", timeout=20, allow_redirects=False
    )
    # Browsers withhold strict cookies where another site's link is redirected.
    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0;url=/">' in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"]
    parts = {part.strip() for part in cookie.split(";")}
    assert f"nst_jax_{served.port}={TOKEN}" in parts
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= parts
    assert TOKEN not in answer.text
    jar = {f"nst_jax_{served.port}": TOKEN, "other": "x"}
    assert requests.get(served.url, cookies=jar, timeout=20).status_code == 200


@pytest.mark.parametrize("query", ["token=", "token=wrong", "token=%ff", "token=a&b"])
def test_a_wrong_token_lets_nobody_in(served, query):
    answer = requests.get(f"{served.url}/?{query}", timeout=20)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "open the address" in answer.text


def test_a_ticket_lets_in_once():
    keys = Keys(1, "the-token")
    ticket = keys.ticket()
    assert ticket != keys.ticket()
    assert not keys.holds([(b"authorization", b"Bearer " + ticket.encode())])
    assert keys.enters(ticket)
    assert not keys.enters(ticket)
    assert keys.enters("the-token")
    assert keys.enters("the-token")
    assert len(Keys(1).token) >= 43
    assert Keys(1).token != Keys(1).token


def test_the_log_has_no_token(served):
    wanted = {("GET", "/", "200"), ("GET", "/api/\\nforged\\x1b[31m", "404")}

    def told():
        lines = [line.rpartition(" ")[0].split()[:3] for line in [*served.logged]]
        return set(map(tuple, lines))

    served.logged.clear()
    requests.get(f"{served.url}/?token={TOKEN}&x=%0Aforged", timeout=20)
    asked(served, "GET", "/api/%0Aforged%1b[31m")
    until = (
        time.monotonic() + 20
    )  # A line comes after its answer, those before as well.
    while not wanted <= told() and time.monotonic() < until:
        time.sleep(0.01)
    assert wanted <= told()
    assert not [line for line in served.logged if TOKEN in line]


def test_a_body_that_does_not_come_is_given_up(served, monkeypatch):
    monkeypatch.setattr(guard, "IDLE_SECONDS", 0.2)
    head = "POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nX-NST-JAX: 1\r\n"
    head += f"Authorization: Bearer {TOKEN}\r\nContent-Length: 9\r\n\r\n{{"
    answer = served.raw(head)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in answer
    assert served.is_alive()
