"""The programs of docs/serve.md do what they say."""

import re
from pathlib import Path

from support.ateliers import png
from support.web_server import TOKEN, site

from nst_jax.images import files

DOCUMENT = Path(__file__).parents[3] / "docs/serve.md"


def test_the_program_in_python_gets_its_picture(tmp_path, monkeypatch, capsys):
    text = DOCUMENT.read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NST_JAX_TOKEN", TOKEN)
    for name in ("photo.jpg", "painting.jpg"):
        Path(name).write_bytes(png(24, 32))
    with site(tmp_path / "kept") as served:
        found = program.replace("http://127.0.0.1:8321", served.url)
        assert found != program
        names: dict = {}
        exec(compile(found, str(DOCUMENT), "exec"), names)
        names["session"].close()
    assert files.shape(Path("painted.png")) == (192, 256)
    assert capsys.readouterr().out.splitlines()[-1].startswith("done 100 of 100 ")


def test_all_routes_are_told_and_no_others():
    from nst_jax.web.app import application

    routes = {
        (method, route.path.replace("{id}", "ID"))
        for route in application(None, None).routes
        for method in route.methods - {"HEAD"}
        if route.path.startswith("/api")
    }
    text = DOCUMENT.read_text(encoding="utf-8")
    told = set(re.findall(r"`(GET|POST|DELETE) (/api/[\w/]+)", text))
    one = "/api/jobs/ID"
    actions = {("POST", f"{one}/{name}") for name in ("stop", "discard", "go_on")}
    actions |= {("POST", f"{one}/move")}
    assert actions <= told
    assert ("GET", f"{one}/picture") in told
    by_kind = {("GET", f"{one}/{{kind}}"), ("POST", f"{one}/{{action}}")}
    assert by_kind <= routes
    rest = routes - by_kind - {("GET", "/api/examples/ID")}
    assert rest == told - actions - {("GET", f"{one}/picture")}
