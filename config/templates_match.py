"""The reference matcher: the first way, from left to right, that fits a whole path. Bounded by steps.

Where neither `where` nor a repeated name constrains a value, a (place in the program, place in the path) that was once
left without success is never entered again: length times parts. Constrained values add the place where the value
began and the values bound so far; then `MOST_STEPS` bounds the search, and going beyond it is an answer, not a miss.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple, TypeAlias, assert_never

from config.patterns import Capture, Chars, CharSet, Choice, Node, PartOf, Repeat, Sequence, Text, has

#: A search under constraints gives up after so many steps (well under a second).
MOST_STEPS = 250_000

Spans: TypeAlias = Mapping[int, tuple[int, int]]


class Op(IntEnum):
    """What an instruction does."""

    TEXT = 0
    CHAR = 1
    SPLIT = 2
    JUMP = 3
    OPEN = 4
    CLOSE = 5
    END = 6


@dataclass(frozen=True, slots=True)
class Instruction:
    """One step: ``text`` or ``chars`` to consume, where to go on (``to``, preferred), ``other`` way, ``slot``."""

    op: Op
    part: int
    text: str = ""
    chars: CharSet = CharSet.ANY
    to: int = 0
    other: int = 0
    slot: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """What a slot must fulfil: ``accepts`` its text, and the same ``value`` in all slots of one ``name``."""

    name: str
    is_repeated: bool
    accepts: Callable[[str], bool] | None
    value: Callable[[str], object]


@dataclass(slots=True)
class Result:
    """What a search found: ``spans`` by slot or None; whether it gave up; how far it came.

    ``part`` is the last part that was entered at all, ``at`` the place in the path where it was first,
    ``so_far`` the spans by slot at that moment, newest first.
    """

    spans: dict[int, tuple[int, int]] | None = None
    part: int = -1
    at: int = 0
    so_far: dict[int, tuple[int, int]] = field(default_factory=dict)
    steps: int = 0
    gave_up: bool = False


class _Link(NamedTuple):
    """The captures so far, newest first."""

    slot: int
    start: int
    end: int
    before: "_Link | None"


_Bound: TypeAlias = tuple[tuple[str, object], ...]


class _State(NamedTuple):
    """A place in the search. ``start`` is where the open capture began; ``kept`` the same if that is constrained."""

    pc: int
    at: int
    start: int = -1
    kept: int = -1
    links: _Link | None = None
    bound: _Bound = ()


def fold(text: str) -> str:
    """Fold a text's case character by character, so that its length stays."""
    return "".join(map(_fold_character, text)) if not text.isascii() else text.lower()


def _fold_character(character: str) -> str:
    for folded in (character.casefold(), character.lower()):
        if len(folded) == 1:
            return folded
    return character


class Program:
    """A pattern as instructions; made once, used by any number of searches."""

    def __init__(self, sequence: Sequence, constraints: Mapping[int, Constraint]) -> None:
        self.constraints = constraints
        self._code: list[Instruction] = []
        self._emit_all(sequence, 0)
        last = max((instruction.part for instruction in self._code), default=0)
        self._add(Op.END, last + 1)
        self.code = tuple(self._code)

    def search(self, text: str) -> Result:
        """Find the first way in which the pattern fits the whole of a text."""
        return _Search(self, text).run()

    def _add(self, op: Op, part: int, **fields: object) -> int:
        self._code.append(Instruction(op, part, **fields))  # type: ignore[arg-type] # fields are those of the class
        return len(self._code) - 1

    def _patch(self, index: int, **fields: int) -> None:
        old = self._code[index]
        self._code[index] = Instruction(
            old.op, old.part, old.text, old.chars, fields.get("to", old.to), fields.get("other", old.other), old.slot
        )

    def _emit_all(self, sequence: Sequence, part: int) -> None:
        for node in sequence:
            self._emit(node, part)

    def _emit(self, node: Node, part: int) -> None:
        match node:
            case Text():
                self._add(Op.TEXT, part, text=fold(node.text))
            case Chars():
                self._emit_chars(node, part)
            case Choice():
                self._emit_choice(node, part)
            case Repeat():
                self._emit_loop(lambda: self._emit_all(node.body, part), part, is_greedy=False)
            case Capture():
                self._add(Op.OPEN, part, slot=node.slot)
                self._emit_all(node.body, part)
                self._add(Op.CLOSE, part, slot=node.slot)
            case PartOf():
                self._emit_all(node.body, node.part)
            case _:
                assert_never(node)

    def _emit_chars(self, node: Chars, part: int) -> None:
        for _ in range(node.low):
            self._add(Op.CHAR, part, chars=node.chars)
        if node.high is None:
            self._emit_loop(lambda: self._add(Op.CHAR, part, chars=node.chars), part, is_greedy=node.is_greedy)
            return
        splits = []
        for _ in range(node.high - node.low):
            splits.append(self._add(Op.SPLIT, part))
            self._add(Op.CHAR, part, chars=node.chars)
        for split in splits:
            self._fork(split, split + 1, len(self._code), is_greedy=node.is_greedy)

    def _emit_loop(self, body: Callable[[], object], part: int, *, is_greedy: bool) -> None:
        split = self._add(Op.SPLIT, part)
        body()
        self._add(Op.JUMP, part, to=split)
        self._fork(split, split + 1, len(self._code), is_greedy=is_greedy)

    def _fork(self, split: int, inside: int, beyond: int, *, is_greedy: bool) -> None:
        to, other = (inside, beyond) if is_greedy else (beyond, inside)
        self._patch(split, to=to, other=other)

    def _emit_choice(self, node: Choice, part: int) -> None:
        jumps = []
        for way in node.ways[:-1]:
            split = self._add(Op.SPLIT, part)
            self._emit_all(way, part)
            jumps.append(self._add(Op.JUMP, part))
            self._patch(split, to=split + 1, other=len(self._code))
        self._emit_all(node.ways[-1], part)
        for jump in jumps:
            self._patch(jump, to=len(self._code))


class _Search:
    """One search: the states still to try, those known to fail, and how far it came."""

    def __init__(self, program: Program, text: str) -> None:
        self.program = program
        self.text = text
        self.folded = fold(text)
        self.result = Result()
        self.seen: set[tuple[int, int, int, _Bound]] = set()
        self.stack = [_State(0, 0)]

    def run(self) -> Result:
        """Try the states in order of preference."""
        limit = MOST_STEPS if self.program.constraints else len(self.program.code) * (len(self.text) + 1)
        while self.stack:
            state = self.stack.pop()
            key = (state.pc, state.at, state.kept, state.bound)
            if key in self.seen:
                continue
            self.seen.add(key)
            self.result.steps += 1
            if self.result.steps > limit:
                self.result.gave_up = True
                return self.result
            if self._step(state):
                self.result.spans = _spans(state.links)
                return self.result
        return self.result

    def _step(self, state: _State) -> bool:
        """Do one instruction; tell whether it is the end of the program at the end of the path."""
        instruction = self.program.code[state.pc]
        self._note(instruction.part, state)
        match instruction.op:
            case Op.TEXT:
                if self.folded.startswith(instruction.text, state.at):
                    self._go(state, state.pc + 1, state.at + len(instruction.text))
            case Op.CHAR:
                if state.at < len(self.text) and has(instruction.chars, self.text[state.at]):
                    self._go(state, state.pc + 1, state.at + 1)
            case Op.SPLIT:
                self._go(state, instruction.other, state.at)
                self._go(state, instruction.to, state.at)
            case Op.JUMP:
                self._go(state, instruction.to, state.at)
            case Op.OPEN:
                kept = state.at if instruction.slot in self.program.constraints else -1
                self.stack.append(_State(state.pc + 1, state.at, state.at, kept, state.links, state.bound))
            case Op.CLOSE:
                self._close(state, instruction.slot)
            case Op.END:
                return state.at == len(self.text)
            case _:
                assert_never(instruction.op)
        return False

    def _go(self, state: _State, pc: int, at: int) -> None:
        self.stack.append(_State(pc, at, state.start, state.kept, state.links, state.bound))

    def _close(self, state: _State, slot: int) -> None:
        bound = state.bound
        constraint = self.program.constraints.get(slot)
        if constraint:
            text = self.text[state.start : state.at]
            if constraint.accepts and not constraint.accepts(text):
                return
            if constraint.is_repeated:
                value = constraint.value(text)
                known = dict(bound)
                if known.setdefault(constraint.name, value) != value:
                    return
                bound = tuple(known.items())
        links = _Link(slot, state.start, state.at, state.links)
        self.stack.append(_State(state.pc + 1, state.at, -1, -1, links, bound))

    def _note(self, part: int, state: _State) -> None:
        if part > self.result.part:
            self.result.part, self.result.at, self.result.so_far = part, state.at, _spans(state.links)


def _spans(links: _Link | None) -> dict[int, tuple[int, int]]:
    spans: dict[int, tuple[int, int]] = {}
    while links:
        spans.setdefault(links.slot, (links.start, links.end))
        links = links.before
    return spans
