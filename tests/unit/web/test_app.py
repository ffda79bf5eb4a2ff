"""The routes: what programs and the page get, and the status of what is refused."""

import re
from pathlib import Path

import pytest
from support.ateliers import ended, png, until
from support.web_server import BODY, site

from nst_jax import display
from nst_jax.web import app


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with site(tmp_path_factory.mktemp("site") / "kept", queue=2) as made:
        yield made


@pytest.fixture
def done(served):
    """A job that has ended."""
    return ended(served.atelier, served.submit()["id"])["id"]


@pytest.fixture
def held(served):
    """A job at work, held there until the test is over."""
    served.grey.held.clear()
    job = served.submit()["id"]
    until(lambda: served.atelier.job(job)["state"] == "painting")
    yield job
    served.grey.held.set()
    for one in served.atelier.jobs():
        served.post(f"/api/jobs/{one['id']}/discard")
    until(lambda: not served.atelier.jobs())


def test_the_page_and_all_that_it_names_are_there(served):
    page = served.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    named = set(re.findall(r'(?:href|src)="(/[^"]+)"', page.text))
    assert "/static/look.css" in named
    for path in named:
        assert served.get(path).status_code == 200, path
    # What the policy of the page forbids isn't in it.
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script>", page.text)


def test_static_files_have_their_kinds(served):
    kinds = {".css": "text/css", ".js": "text/javascript", ".jpg": "image/jpeg"}
    folder = Path(app.__file__).with_name("static")
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*.*")}
    files["look.css"] = Path(display.__file__).with_name("templates") / "look.css"
    for name, path in files.items():
        answer = served.get(f"/static/{name}")
        assert answer.content == path.read_bytes()
        kind = kinds.get(path.suffix, "image/svg+xml")
        assert answer.headers["content-type"].partition(";")[0] == kind
    etag = {"If-None-Match": answer.headers["etag"]}
    again = served.get(f"/static/{name}", headers=etag)
    assert (again.status_code, again.content) == (304, b"")


def test_the_way_of_a_picture(served, done):
    job = served.get(f"/api/jobs/{done}").json()
    assert (job["state"], job["losses"][-1]) == ("done", [3, 0.25])
    assert job["id"] in {one["id"] for one in served.get("/api/jobs").json()}
    result = served.get(f"/api/jobs/{done}/result")
    assert result.content.startswith(b"\x89PNG")
    shown = result.headers["content-disposition"]
    assert shown == 'attachment; filename="photo_painting.png"'
    for kind in ("picture", "thumbnail", "photo"):
        answer = served.get(f"/api/jobs/{done}/{kind}?v=3")
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.content.startswith(b"\xff\xd8")
    assert served.get(f"/api/jobs/{done}/command").json().keys() == {
        *("command", "python")
    }
    assert "private" in served.get(f"/api/jobs/{done}/photo").headers["cache-control"]
    header = {"X-NST-JAX": "1"}
    gone = served.session.delete(f"{served.url}/api/jobs/{done}", headers=header)
    assert gone.status_code == 200
    assert served.get(f"/api/jobs/{done}").status_code == 404


def test_a_result_has_the_name_of_its_picture_in_any_letters(served):
    photo, painting = served.upload('Zoë "x";\r\n.png'), served.upload("猫.png")
    asked = {"kind": "optimise", "photo": photo, "paintings": [painting]}
    job = served.post("/api/jobs", {**asked, "options": {"size": 64, "steps": 1}})
    ended(served.atelier, job.json()["id"])
    answer = served.get(f"/api/jobs/{job.json()['id']}/result")
    shown = answer.headers["content-disposition"]
    assert shown.startswith("attachment; filename*=utf-8''Zo%C3%AB")
    assert shown.isascii()
    assert not set(shown.partition("''")[2]) & set("\"; '")


def test_uploads_are_shown_at_a_size(served):
    made = served.post("/api/uploads?name=../x/cat.png", png(24, 32))
    assert made.status_code == 201
    told = made.json()
    assert (told["name"], told["width"], told["height"]) == ("cat.png", 32, 24)
    path = f"/api/uploads/{told['id']}"
    small = served.get(f"{path}?longest=16")
    assert small.headers["content-type"] == "image/jpeg"
    etag = {"If-None-Match": small.headers["etag"]}
    assert served.get(f"{path}?longest=16", headers=etag).status_code == 304
    for wrong in ("0", "-1", "1e3", "x", "", "9999999", "٣"):
        answer = served.get(path, params={"longest": wrong})
        assert answer.status_code == 400
        assert "longest" in answer.json()["error"]


def test_stop_go_on_and_discard(served, held):
    stopped = served.post(f"/api/jobs/{held}/stop", {})
    assert stopped.status_code == 200
    assert ended(served.atelier, held)["state"] == "stopped"
    assert served.post(f"/api/jobs/{held}/stop", {}).status_code == 409
    more = served.post(f"/api/jobs/{held}/go_on", {"steps": 2})
    assert (more.status_code, more.json()["state"]) == (200, "waiting")
    for wrong in (0, -1, 1.5, True, "5", None, 10**9):
        answer = served.post(f"/api/jobs/{held}/go_on", {"steps": wrong})
        assert answer.status_code in (400, 409), wrong


def test_the_queue_is_moved_and_bounded(served, held):
    first, second = served.submit()["id"], served.submit()["id"]
    photo = served.upload()
    asked = {"kind": "optimise", "photo": photo, "paintings": [photo]}
    full = served.post("/api/jobs", asked)
    assert (full.status_code, full.json()["error"]) == (
        429,
        "2 jobs wait: try again later",
    )
    moved = served.post(f"/api/jobs/{second}/move", {"before": first})
    assert moved.json()["place"] == 0
    assert served.post(f"/api/jobs/{second}/move", {"before": None}).status_code == 200
    assert served.get(f"/api/jobs/{second}").json()["place"] == 1
    assert served.post(f"/api/jobs/{held}/move", {"before": first}).status_code == 409
    for wrong in (3, [], "0" * 16):
        answer = served.post(f"/api/jobs/{second}/move", {"before": wrong})
        assert answer.status_code in (400, 404), wrong


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"3",
        b'"x"',
        b"null",
        b'{"kind": NaN}',
        b'{"steps": Infinity}',
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"steps": ' + b"9" * 5000 + b"}",
        b'{"a":' * 12_000,
        b'{"kind": "\\ud800"}',
        b'{"kind": "optimise", "photo": "\\ud800", "paintings": ["\\u0000"]}',
        b'{"kind": ["optimise"], "photo": {}, "paintings": 3, "options": []}',
    ],
)
def test_a_body_that_is_not_what_is_asked_for_is_one_line(served, body):
    for path in ("/api/jobs", f"/api/jobs/{'0' * 16}/go_on"):
        answer = served.post(path, body)
        assert answer.status_code in (400, 404), answer.text
        assert answer.json().keys() == {"error"}
        assert "\n" not in answer.json()["error"]
        assert len(answer.json()["error"]) < 500
    assert served.is_alive()
    assert not served.said


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/api", 404),
        ("GET", "/api/jobs/", 404),
        ("GET", "/api/jobs/none", 404),
        ("GET", "/api/jobs/none/nothing", 404),
        ("GET", "/api/jobs/none/live", 404),
        ("POST", "/api/jobs/none/eat", 404),
        ("POST", "/api/jobs/none/photo", 405),
        ("POST", "/api/jobs/none/stop", 404),
        ("POST", "/", 405),
        ("POST", "/api/catalogue", 405),
        ("POST", "/static/look.css", 405),
        ("GET", "/api/uploads", 405),
        ("DELETE", "/api/jobs", 405),
        ("GET", "/api/jobs/none/events", 404),
        ("GET", "/api/examples/none", 404),
    ],
)
def test_what_is_not_there_is_said_as_json(served, method, path, status):
    headers = {"X-NST-JAX": "1"}
    answer = served.session.request(method, served.url + path, headers=headers)
    assert answer.status_code == status
    assert answer.json().keys() == {"error"}


def test_a_fault_of_ours_is_told_to_who_runs_the_server_alone(served, monkeypatch):
    def broken():
        raise ValueError("secret")

    monkeypatch.setattr(served.atelier, "jobs", broken)
    answer = served.get("/api/jobs")
    assert answer.status_code == 500
    assert answer.json() == {"error": "a fault of the server: its terminal says more"}
    assert "nosniff" in answer.headers["x-content-type-options"]
    until(lambda: served.said)
    (line,) = served.said
    served.said.clear()
    assert "ValueError: secret" in line


def test_a_picture_may_be_as_large_as_the_limit_and_no_larger(served):
    body = png(8, 8)
    most = body + bytes(BODY - len(body))
    assert served.post("/api/uploads", most).status_code == 201
    answer = served.post("/api/uploads", most + b"x")
    assert (answer.status_code, answer.json()["error"]) == (
        413,
        "the body is larger than 1 MB",
    )
