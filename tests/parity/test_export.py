"""Exported style networks in programs without this project: onnxruntime, JAX alone."""

import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import onnx
import onnxruntime
import pytest
from support import program
from support.style_networks import NETWORKS, arrays_of, vector_of

from nst_jax.feedforward import export
from nst_jax.feedforward.load import load_stylizer
from nst_jax.feedforward.stylizer import Stylizer
from weights_convert.stylizers import files
from weights_convert.stylizers.stylizer import Stylizer as Stored

pytestmark = pytest.mark.parity

SIZES = [(2, 48, 64), (1, 37, 50), (1, 16, 31)]


def _stored(name: str) -> Stored:
    architecture = NETWORKS[name]
    return Stored(architecture, arrays_of(architecture), "a test")


def _given(architecture, size) -> list[np.ndarray]:
    images = np.random.default_rng(1).random((*size, 3), np.float32)
    style = vector_of(architecture)
    if style is None:
        return [images]
    return [images, np.ascontiguousarray(np.broadcast_to(style, (size[0], len(style))))]


@pytest.mark.parametrize("name", NETWORKS)
def test_onnxruntime_paints_the_same(name):
    painter = jax.jit(Stylizer.of(_stored(name), {}).network)
    content = export.export(_stored(name), {"licence": "none", "empty": ""}, "onnx")
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    assert [one.version for one in model.opset_import] == [13]
    assert {one.key: one.value for one in model.metadata_props} == {"licence": "none"}
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for size in SIZES:
        images, *style = _given(NETWORKS[name], size)
        fed = {"images": images.transpose(0, 3, 1, 2)}
        if style:
            fed["style"] = style[0]
        (found,) = session.run(None, fed)
        np.testing.assert_allclose(
            found.transpose(0, 2, 3, 1), painter(images, *style), atol=1e-4
        )


_ALONE = {
    "onnx": """
import onnxruntime
providers = ["CPUExecutionProvider"]
session = onnxruntime.InferenceSession(sys.argv[1], providers=providers)
def paint(images, style):
    fed = {"images": images.transpose(0, 3, 1, 2), "style": style}
    return session.run(["painted"], fed)[0].transpose(0, 2, 3, 1)
""",
    "stablehlo": """
import jax.export
program = jax.export.deserialize(bytearray(open(sys.argv[1], "rb").read()))
assert set(program.platforms) == {"cpu", "cuda", "tpu"}
paint = program.call
""",
}
_BEGIN = "import sys\nimport numpy as np\n"
_END = """
given = np.load(sys.argv[2])
for number in range(int(given["count"])):
    found = paint(given[f"images{number}"], given[f"style{number}"])
    np.save(f"{number}.npy", np.asarray(found))
ours = ("nst_jax", "weights_convert", "flax", "optax")
assert not [name for name in sys.modules if name.partition(".")[0] in ours]
"""


@pytest.mark.slow
@pytest.mark.parametrize("format", export.FORMATS)
def test_a_fresh_process_without_the_project_paints_the_same(
    format, tmp_path: Path, capsys
):
    stored = tmp_path / "three.safetensors"
    files.save(stored, _stored("conditional"), {"licence": "none"})
    output = tmp_path / f"three.{format}"
    command = ("export", f"--model={stored}", f"--format={format}", "-o", output)
    assert program.run(*command) == 0
    assert "style [batch, 3]\nlicence of the weights: none" in capsys.readouterr().out
    given = {"count": np.int64(len(SIZES))}
    for number, size in enumerate(SIZES):
        images, style = _given(NETWORKS["conditional"], size)
        given |= {f"images{number}": images, f"style{number}": style}
    np.savez(tmp_path / "given.npz", **given)
    subprocess.run(
        [
            *(sys.executable, "-c", _BEGIN + _ALONE[format] + _END),
            *(output, tmp_path / "given.npz"),
        ],
        cwd=tmp_path,
        check=True,
        timeout=100,
    )
    stylizer = load_stylizer(stored)
    for number in range(len(SIZES)):
        images, style = given[f"images{number}"], given[f"style{number}"]
        found = np.load(tmp_path / f"{number}.npy")
        np.testing.assert_allclose(found, stylizer(images, style), atol=1 / 255)
