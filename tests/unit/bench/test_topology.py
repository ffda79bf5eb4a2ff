"""What is read of compiled programs, and what is said of them; libtpu isn't needed."""

import json

import jax
import jax.numpy as jnp
import pytest

from bench.report import estimates as report
from bench.report import tables
from bench.report.page import page
from bench.topology import __main__ as topology
from bench.topology import cuda, hlo
from bench.topology.chips import CHIPS, Chip, roofline

TEXT = """\
HloModule jit_run, is_scheduled=true

%fused (p.0: bf16[4,8], p.1: f32[4]) -> f32[4,8] {
  %p.0 = bf16[4,8]{1,0:T(8,128)(2,1)} parameter(0)
  %p.1 = f32[4]{0} parameter(1)
  %convert.1 = f32[4,8]{1,0} convert(%p.0)
  %copy.9 = f32[4,8]{1,0} copy(%convert.1)
  ROOT %add.1 = f32[4,8]{1,0} add(%copy.9, %copy.9), metadata={op_name="a(b)/add"}
}

%body (state: (s32[], f32[4,8], bf16[4,8])) -> (s32[], f32[4,8], bf16[4,8]) {
  %state = (s32[], f32[4,8]{1,0}, bf16[4,8]{1,0}) parameter(0)
  %n = s32[] get-tuple-element(%state), index=0
  %x = f32[4,8]{1,0} get-tuple-element(%state), index=1
  %y = bf16[4,8]{1,0} get-tuple-element(%state), index=2
  %near = bf16[4,8]{1,0:T(8,128)S(1)} copy(%y)
  %row = f32[4]{0} slice(%x), slice={[0:4], [0:1]}
  %all = f32[4]{0} all-reduce-start(%row), to_apply=%sum
  %sent = f32[4]{0} all-reduce-done(%all)
  %f.1 = f32[4,8] fusion(%near, %sent), calls=%fused, metadata={op_name="jit(r)/conv"}
  %sent.2 = (f32[4,8]{1,0:S(1)}, f32[4,8]{1,0}, u32[]{:S(2)}) copy-start(%x)
  %kept = f32[4,8]{1,0:S(1)} copy-done(%sent.2)
  ROOT %next = (s32[], f32[4,8]{1,0}, bf16[4,8]{1,0}) tuple(%n, %f.1, %y)
}

%condition (state: (s32[], f32[4,8], bf16[4,8])) -> pred[] {
  %state = (s32[], f32[4,8]{1,0}, bf16[4,8]{1,0}) parameter(0)
  ROOT %more = pred[] constant(true)
}

ENTRY %main (a: f32[4,8]) -> f32[8,4] {
  %a = f32[4,8]{1,0} parameter(0)
  %zero = s32[] constant(0)
  %half = bf16[4,8]{1,0} convert(%a)
  %begin = (s32[], f32[4,8], bf16[4,8]) tuple(%zero, %a, %half)
  %loop = (s32[], f32[4,8], bf16[4,8]) while(%begin), condition=%condition, body=%body
  %x = f32[4,8]{1,0} get-tuple-element(%loop), index=1
  ROOT %t = f32[8,4]{1,0} transpose(%x), dimensions={1,0}
}
"""


def test_what_the_loop_and_all_of_a_program_do_is_counted():
    module = hlo.parse(TEXT)
    body = module.loop
    assert body.name == "body"
    inside, every = module.counts("body"), module.counts("main")
    assert (inside["copy"], inside["copy alone"]) == (3, 2)
    assert (inside["convert"], every["convert"]) == (1, 2)
    assert (inside["transpose"], every["transpose"]) == (0, 1)
    assert (inside["slice"], inside["collective"], inside["fusion"]) == (1, 1, 1)


def test_what_moves_is_counted_but_not_what_stays_on_the_chip():
    moved = {one.name: size for one, size in hlo.parse(TEXT).loop.moved()}
    # bf16 is read, and written to the chip's own memory; read from there.
    assert moved["near"] == 4 * 8 * 2
    assert moved["f.1"] == 4 * 4 + 4 * 8 * 4
    assert moved["sent.2"] == 4 * 8 * 4  # To the chip's own memory, once.
    assert moved["row"] == 4 * 8 * 4 + 4 * 4
    assert not {"n", "sent", "kept", "next"} & moved.keys()
    module, outside = hlo.parse(TEXT), 4 * 8 * (4 + 2) + 2 * 4 * 8 * 4
    assert module.memory_bytes("body") == sum(moved.values())
    assert module.memory_bytes("main") == sum(moved.values()) + outside
    largest = {one.name: one.origin for one, _ in hlo.largest(hlo.parse(TEXT).loop, 2)}
    assert largest == {"row": "", "f.1": "jit(r)/conv"}


def test_a_program_of_xla_is_read():
    def run(x):
        return jax.lax.fori_loop(0, x.shape[0], lambda n, y: jnp.sort(y.T @ y), x)

    text = jax.jit(run).lower(jnp.ones((8, 8))).compile().as_text()
    module = hlo.parse(text)
    names = {one.opcode for one in module.loop.instructions.values()}
    assert names & {"dot", "fusion", "custom-call", "call", "sort"}
    assert {one.name for one in module.reached(module.entry)} == set(
        module.computations
    )


def test_what_is_no_program_is_said():
    with pytest.raises(ValueError, match="no ENTRY"):
        hlo.parse("HloModule nothing")


def test_the_larger_need_is_the_bound():
    chip = Chip(100.0, 10.0, 1.0, "")
    assert roofline(chip, 200.0, 10.0) == (2.0, "compute")
    assert roofline(chip, 200.0, 50.0) == (5.0, "memory")
    vendors = {"tpu": "https://cloud.google.com/", "cuda": "https://www.nvidia.com/"}
    for chip in CHIPS.values():
        assert chip.source.startswith(vendors[chip.platform])


def test_library_functions_are_counted_where_they_are_called():
    text = TEXT.replace(
        "  %row = f32[4]{0} slice(%x), slice={[0:4], [0:1]}",
        "  %a.1 = (f32[4,8]{1,0}, u8[0]{0}) custom-call(%x, %y), "
        'custom_call_target="__cudnn$convForward"\n'
        '  %row = f32[4]{0} custom-call(%x), custom_call_target="__cudnn$convForward"',
    ).replace(
        "  %half = bf16[4,8]{1,0} convert(%a)",
        '  %half = bf16[4,8]{1,0} custom-call(%a), custom_call_target="other"',
    )
    module = hlo.parse(text)
    assert module.calls("body") == {"__cudnn$convForward": 2}
    assert module.calls("main") == {"__cudnn$convForward": 2, "other": 1}
    assert hlo.parse(TEXT).calls("main") == {}


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("--cases=adams", "unknown cases: adams"),
        ("--sizes=256,10", "give multiples of 4 from 16"),
        ("--sizes=large", "give multiples of 4 from 16"),
        ("--output=nowhere/a.jsonl", "there is no such folder"),
        ("--resume", "--resume needs --output"),
        ("--platform=rocm", "invalid choice: 'rocm'"),
    ],
)
def test_bad_flags_are_said_in_a_line(flags, said, capsys):
    with pytest.raises(SystemExit) as stopped:
        topology.main([flags])
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_an_unknown_chip_is_said_in_a_line():
    for name in ("v9:2x2", "h100:2"):
        with pytest.raises(
            SystemExit, match="give a chip of v5e, v6e, h100, h200, and"
        ):
            topology.main([f"--topology={name}"])
    with pytest.raises(SystemExit, match="--platform=tpu: h200 is of cuda"):
        topology.main(["--topology=h200", "--platform=tpu"])


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("topology not implemented for cuda", "JAX's CUDA plugin isn't installed"),
        ("wrong\nfigures", "topology='h100': wrong figures"),
    ],
)
def test_a_compiler_that_fails_is_said_in_a_line(said, line, monkeypatch):
    def failing(chip):
        raise NotImplementedError(said)

    monkeypatch.setattr(cuda, "topology", failing)
    with pytest.raises(SystemExit) as stopped:
        topology.main(["--topology=h100"])
    assert line in str(stopped.value)
    assert "\n" not in str(stopped.value)


def record(**changes):
    counts = dict.fromkeys((*hlo.COUNTED, "collective", "copy alone"), 3)
    return {
        **{"case": "lanes", "step": "an iteration", "topology": "v5e:2x2"},
        **{"side": 512, "lanes": 8, "chips": 1, "options": {}, "commit": "abc"},
        **{"versions": {"libtpu": "1"}, "flops": 3e12, "bytes_accessed": 16e9},
        **{"memory_bytes": 8e9, "temporary_bytes": 1e9, "argument_bytes": 2e6},
        **{"compile_cpu_seconds": 90.0, "counts": {"all": counts}},
        "roofline": {
            **{"seconds": 0.02, "bound": "memory", "flops": 197e12},
            **{"bandwidth": 819e9, "source": "a page"},
        },
        **changes,
    }


def test_estimates_are_apart_from_measurements(tmp_path):
    lines = [record(flops=9e12), record(), record(side=256, skipped="no memory")]
    (tmp_path / "tpu_v5e.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    assert tables.read(tmp_path) == []
    text = page([], tmp_path, report.read(tmp_path))
    rows = [line for line in text.splitlines() if line.startswith("| lanes: ")]
    assert [row.split(" | ")[1] for row in rows] == ["doesn't compile: no memory", "3"]
    assert "| lanes: 512 px, 8 | 3 | 16 | 2 | 8 | 20 | memory | 15.2 |" in text
    assert "Nothing here was measured." in text
    assert "roofline 20 ms by memory" in report.described(record())
    assert "doesn't compile, no memory" in report.described(lines[2])
    assert not report._calls(record(calls={"AllocateBuffer": 2}))


def test_of_gpus_the_calls_are_said_and_no_flops(tmp_path):
    calls = {"__cudnn$convForward": 3, "__cublas$gemm": 1}
    line = json.dumps(record(topology="h100", flops=None, calls=calls))
    (tmp_path / "cuda_h100.jsonl").write_text(line + "\n")
    assert tables.read(tmp_path) == []
    text = report.section(report.read(tmp_path))
    assert "| lanes: 512 px, 8 |  | 16 | 2 | 8 | 20 | memory |" in text
    said = "3 `__cudnn$convForward`, 1 `__cublas$gemm`."
    assert f"lanes, 512 px, an iteration: {said}" in text
    assert "unknown TFLOP" in report.described(record(flops=None))
