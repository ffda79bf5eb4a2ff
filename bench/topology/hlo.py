"""Reading a program that XLA has compiled: what it does, and what that moves.

The text is XLA's own (`Compiled.as_text()`): a block for each computation, a line for
each instruction, `%name = shape opcode(operands), attributes`.
"""

import dataclasses
import functools
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

COUNTED = ("copy", "transpose", "convert", "slice", "fusion", "custom-call")
"""Opcodes that are counted one by one."""

COLLECTIVES = (
    *("all-reduce", "all-gather", "reduce-scatter", "all-to-all"),
    *("collective-permute", "collective-broadcast"),
)
"""Opcodes by which chips speak to each other, counted together."""

_SLICES = ("slice", "dynamic-slice", "dynamic-update-slice")
_RUNS = ("while", "conditional", "call")
_FREE = (
    *("parameter", "tuple", "get-tuple-element", "bitcast", "constant"),
    *("after-all", "partition-id", "replica-id", *_RUNS),
)
"""Opcodes that move nothing by themselves."""
_STARTED = ("copy-start", "slice-start")

_COMPUTATION = re.compile(r"^(ENTRY )?%?([\w.\-]+) \(.*\{$")
_INSTRUCTION = re.compile(r"^\s+(?:ROOT )?%?([\w.\-]+) = (.*)$")
_ARRAY = re.compile(r"\b([a-z]+\d*\w*)\[([\d,]*)\](\{[^}]*\})?")
_CALLED = re.compile(r"\b(?:calls|to_apply|body|condition)=%?([\w.\-]+)")
_BRANCHES = re.compile(r"\bbranch_computations=\{([^}]*)\}")
_BITS = re.compile(r"\d+")


@dataclasses.dataclass(frozen=True)
class Array:
    """An array of an instruction.

    Attributes:
      dtype: such as "bf16".
      shape: without padding.
      layout: as XLA writes it, such as "{3,2,1,0:T(8,128)(2,1)S(1)}".
    """

    dtype: str
    shape: tuple[int, ...]
    layout: str = ""

    @property
    def bytes(self) -> int:
        """Its size without padding."""
        bits = _BITS.search(self.dtype)
        return math.prod(self.shape) * (int(bits[0]) if bits else 8) // 8

    @property
    def on_chip(self) -> bool:
        """Whether it is in the chip's fast memory, which isn't counted as moved."""
        return "S(1)" in self.layout

    def __str__(self) -> str:
        shape = ",".join(map(str, self.shape))
        return f"{self.dtype}[{shape}]{self.layout}"


@dataclasses.dataclass(frozen=True)
class Instruction:
    """A line of a computation.

    Attributes:
      name: of it.
      opcode: what it does, "fusion" where that is several things.
      arrays: what it gives; of a tuple its parts.
      operands: names of what it takes.
      called: names of the computations that it runs.
      target: of a custom call, the library's function.
      origin: the operation of the source that it comes from.
    """

    name: str
    opcode: str
    arrays: tuple[Array, ...]
    operands: tuple[str, ...]
    called: tuple[str, ...]
    target: str
    origin: str


@dataclasses.dataclass(frozen=True)
class Computation:
    """Instructions by name, in the order of the text."""

    name: str
    instructions: Mapping[str, Instruction]

    def moved(self) -> Iterator[tuple[Instruction, int]]:
        """Bytes that each instruction reads from memory and writes there.

        Without padding, and each array whole, where a fusion may read a slice of it.
        """
        for one in self.instructions.values():
            if one.opcode in _FREE or one.opcode.endswith("-done"):
                continue
            if one.opcode in _STARTED:  # From here to there, the smaller of them.
                both = one.arrays[:2]
                outside = sum(not array.on_chip for array in both)
                yield one, outside * min(array.bytes for array in both)
                continue
            taken = [self.instructions.get(name) for name in one.operands]
            arrays = [a for other in taken if other for a in other.arrays]
            yield one, sum(a.bytes for a in (*arrays, *one.arrays) if not a.on_chip)


@dataclasses.dataclass(frozen=True)
class Module:
    """A compiled program."""

    entry: str
    computations: Mapping[str, Computation]

    def reached(self, name: str) -> list[Computation]:
        """A computation and all that it runs, each once."""
        found, left = {}, [name]
        while left:
            here = left.pop()
            if here in found or here not in self.computations:
                continue
            found[here] = self.computations[here]
            for one in found[here].instructions.values():
                left += one.called
        return list(found.values())

    @functools.cached_property
    def loop(self) -> Computation | None:
        """The body of the outermost loop that has the most instructions, if any."""
        loops = [
            self.computations[name]
            for one in self.computations[self.entry].instructions.values()
            if one.opcode == "while"
            for name in one.called[:1]
        ]
        return max(loops, key=lambda body: len(body.instructions), default=None)

    def memory_bytes(self, name: str) -> int:
        """What a computation reads from memory and writes there; see `moved`.

        What it runs counts too, a loop within once, as XLA counts one.
        """
        here = self.computations[name]
        within = [
            called
            for one in here.instructions.values()
            if one.opcode in _RUNS
            for called in one.called
        ]
        own = sum(size for _, size in here.moved())
        return own + sum(self.memory_bytes(called) for called in within)

    def calls(self, name: str) -> dict[str, int]:
        """How often a computation, and what it runs, calls each library function."""
        every = Counter(
            one.target
            for computation in self.reached(name)
            for one in computation.instructions.values()
            if one.target
        )
        return dict(every.most_common())

    def collectives(self, name: str) -> dict[str, dict[str, int]]:
        """What chips say to each other in a computation, and what it runs, by kind.

        Returns:
          `{kind: {"count": how often, "bytes": of all results of one chip}}`.
        """
        found: dict[str, dict[str, int]] = {}
        for computation in self.reached(name):
            for one in computation.instructions.values():
                kind = one.opcode.removesuffix("-start")
                if kind in COLLECTIVES:
                    # What starts one has operand, result, and perhaps flags.
                    arrays = one.arrays
                    if kind != one.opcode and kind == "collective-permute":
                        arrays = arrays[1:2]
                    sums = found.setdefault(kind, {"count": 0, "bytes": 0})
                    sums["count"] += 1
                    sums["bytes"] += sum(array.bytes for array in arrays)
        return found

    def counts(self, name: str) -> dict[str, int]:
        """How often a computation, and what it runs, does what `COUNTED` names.

        Slices and collectives are each counted together; what runs asynchronously
        counts by its start. Those within a fusion are passes over registers, the
        others, under "alone", over memory.
        """
        every: Counter[str] = Counter()
        alone: Counter[str] = Counter()
        fused = {
            called
            for computation in self.reached(name)
            for one in computation.instructions.values()
            if one.opcode == "fusion"
            for called in one.called
        }
        for computation in self.reached(name):
            for one in computation.instructions.values():
                if kind := _kind(one.opcode):
                    every[kind] += 1
                    alone[kind] += computation.name not in fused
        kinds = (*COUNTED, "collective")
        return {
            **{kind: every[kind] for kind in kinds},
            **{f"{kind} alone": alone[kind] for kind in ("copy", "transpose", "slice")},
        }


def parse(text: str) -> Module:
    """The module of a program's text.

    Raises:
      ValueError: a text without an entry.
    """
    computations: dict[str, Computation] = {}
    entry, name, lines = "", "", {}
    for line in text.splitlines():
        if started := _COMPUTATION.match(line):
            name, lines = started[2], {}
            entry = name if started[1] else entry
        elif line.startswith("}") and name:
            computations[name] = Computation(name, lines)
            name = ""
        elif name and (found := _INSTRUCTION.match(line)):
            lines[found[1]] = _instruction(found[1], found[2])
    if not entry:
        raise ValueError("no compiled program: the text has no ENTRY")
    return Module(entry, computations)


def _instruction(name: str, rest: str) -> Instruction:
    shape, rest = _balanced(rest) if rest.startswith("(") else _plain(rest)
    opcode, _, after = rest.partition("(")
    operands, attributes = _balanced("(" + after)
    called = [*_CALLED.findall(attributes)]
    for branches in _BRANCHES.findall(attributes):
        called += re.findall(r"[\w.\-]+", branches)
    if opcode.strip() == "while":  # The body first.
        bodies = re.findall(r"\bbody=%?([\w.\-]+)", attributes)
        called = [*bodies, *(c for c in called if c not in bodies)]
    target = re.search(r'custom_call_target="([^"]*)"', attributes)
    origin = re.search(r'op_name="([^"]*)"', attributes)
    return Instruction(
        name,
        opcode.strip(),
        tuple(_arrays(shape)),
        tuple(re.findall(r"%([\w.\-]+)", operands)),
        tuple(called),
        target[1] if target else "",
        origin[1] if origin else "",
    )


def _plain(text: str) -> tuple[str, str]:
    """A shape that is no tuple, and what follows it."""
    shape, _, rest = text.partition(" ")
    return shape, rest


def _balanced(text: str) -> tuple[str, str]:
    """What is in the bracket that a text begins with, and what follows it."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if not depth:
            return text[: place + 1], text[place + 1 :].strip()
    return text, ""


def _arrays(shape: str) -> Iterator[Array]:
    for dtype, sizes, layout in _ARRAY.findall(shape):
        whole = tuple(int(size) for size in sizes.split(",") if size)
        yield Array(dtype, whole, layout)


def _kind(opcode: str) -> str | None:
    if opcode.endswith("-done"):
        return None
    opcode = opcode.removesuffix("-start")
    if opcode in COLLECTIVES:
        return "collective"
    if opcode in _SLICES:
        return "slice"
    return opcode if opcode in COUNTED else None


def largest(computation: Computation, count: int) -> Sequence[tuple[Instruction, int]]:
    """The instructions that move the most bytes, the first ones first."""
    return sorted(computation.moved(), key=lambda found: -found[1])[:count]
