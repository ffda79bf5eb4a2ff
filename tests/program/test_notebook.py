"""The notebook of `examples/` runs from top to bottom, and shows what it promises."""

import base64
import io
import json
import re
from pathlib import Path

import pytest
from PIL import Image
from support.stored_weights import SMALL, put_random

_EXAMPLES = Path(__file__).parents[2] / "examples"
_NOTEBOOK = _EXAMPLES / "notebook.ipynb"
_OPTIONS = (
    f'options = nst_jax.Options(size=64, steps=5, network="{SMALL}", solver="adam", '
    'content_taps=["relu_conv1"], style_taps=["relu_conv1"], pyramid=1, '
    'content_loss="mean", style_loss="gram", style_weight=1e6)'
)
_QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"


def test_it_is_kept_small_and_without_outputs():
    assert _NOTEBOOK.stat().st_size < 10_000
    cells = json.loads(_NOTEBOOK.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) > 5
    assert not [c for c in code if c["outputs"] or c["execution_count"] is not None]


@pytest.fixture
def cells(tmp_path, monkeypatch):
    """Its cells of code, run by options that take a moment."""
    import nbclient
    import nbformat

    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / "jupyter"))
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path))
    monkeypatch.setenv("XLA_FLAGS", _QUICK)
    put_random()
    for name in ("photos", "styles"):
        (tmp_path / name).symlink_to(_EXAMPLES / name)
    notebook = nbformat.read(_NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    (asked,) = (c for c in code if "parameters" in c.metadata.get("tags", ()))
    asked.source, found = re.subn(r"(?m)^options = .*", _OPTIONS, asked.source)
    assert found == 1
    place = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=120, resources=place).execute()
    return code


def _html(cells: list, source: str) -> str:
    """What the one cell with this in its source shows."""
    (cell,) = (cell for cell in cells if source in cell.source)
    shown = [output for output in cell.outputs if "data" in output]
    return "".join(output.data.get("text/html", "") for output in shown)


def _sizes(html: str) -> list[tuple[int, int]]:
    found = re.findall('data:image/(?:jpeg|png);base64,([^"]*)', html)
    return [Image.open(io.BytesIO(base64.b64decode(one))).size for one in found]


@pytest.mark.slow
def test_it_runs_and_shows_pictures_as_they_come(cells, tmp_path):
    streams = [o for cell in cells for o in cell.outputs if o.output_type == "stream"]
    assert [o.text for o in streams if o.name == "stderr"] == []
    alone, several = _html(cells, "watch(progress)"), _html(cells, "stylize_batch")
    # One picture at the end: each took the place of the one before.
    for html, count in ((alone, 1), (several, 3)):
        assert _sizes(html) == [(64, 43)] * count
        assert html.count("iteration 5 of 5, loss ") == count
    result = next(cell for cell in cells if cell.source == "result")
    assert "<svg" in result.outputs[0].data["text/html"]
    (painted,) = next(c for c in cells if "load_stylizer" in c.source).outputs
    assert painted.data["image/png"]
    saved = sorted(path.name for path in tmp_path.glob("painted*"))
    styles = ("glass", "swirls", "woodcut")
    assert saved == ["painted.png", *(f"painted_{name}.jpg" for name in styles)]
