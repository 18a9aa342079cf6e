"""What a rule said of a file, remembered for the others of its folder: they differ in what their own names give.

Nearly all files of a scan lie beside others that the same rule took. Where the expression finds the same parts of the
folder's path, these give the same values; where nothing that the rule writes uses what the name gives, all but the
image's name and its `channel z t` is the same, too. Anything else is asked of the rule as if there were no memory.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from config.rule_compile import CompiledRule
from config.rule_values import DIMENSIONS, TARGETS, RuleMatch, RuleSkip
from config.templates_compile import CompiledTemplate, Span
from config.value_types import TEXT, Kind, Value, read_number, well_name

#: Targets that may come from the file's name and be the only ones that do.
_OF_NAMES = frozenset({"image", "well", "field", *DIMENSIONS})
_AS_WRITTEN = frozenset({Kind.TEXT, Kind.NUMBER, Kind.DATE})
_WELLS = frozenset({Kind.WELL, Kind.WELL_NUMBER})
#: Folders that a rule remembers; beyond that all are forgotten, which costs time only.
_MOST_REMEMBERED = 4096


class Own(NamedTuple):
    """What a placeholder in the file's name gives: its number, its name, how its text is read (None: any text can be).

    ``is_target``: it is a target, as text or as what the name asks for.
    """

    slot: int
    name: str
    convert: Callable[[str], Value | None] | None
    is_target: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What a rule said of the first file. ``head`` are the places of what the folder's path gives, by placeholder."""

    head: Sequence[Span]
    own: tuple[Own, ...]
    #: Placeholders after those of the head that took nothing.
    empty: tuple[int, ...]
    said: RuleMatch | RuleSkip

    def again(self, encoded: bytes, spans: Sequence[Span]) -> RuleMatch | RuleSkip | None:
        """Say the same of another file of the folder; None when the rule has to be asked."""
        if spans[1 : len(self.head) + 1] != self.head or any(spans[slot][0] >= 0 for slot in self.empty):
            return None
        captures: dict[str, str] = {}
        targets: dict[str, str] = {}
        values: dict[str, Value] = {}
        for slot, name, convert, is_target in self.own:
            start, end = spans[slot]
            text = encoded[start:end].decode()
            value: Value | None = text if convert is None else convert(text)
            if start < 0 or value is None:
                return None
            captures[name] = text
            if is_target:
                told = _target(name, text, value, values)
                if told is None:
                    return None
                targets[name] = told
        said = self.said
        return said if isinstance(said, RuleSkip) else said.of_another(captures, targets, values)


def _target(name: str, text: str, value: Value, values: dict[str, Value]) -> str | None:
    """Give a target as text, and note what it is where it is more than that; None where the rule has to be asked."""
    if name == "image":
        return text if text.strip() else None
    if name == "well":
        if not isinstance(value, tuple):
            return None
        values["well"] = value
        return well_name(value)
    number = read_number(text)
    if name == "field":
        if number is None:
            return None
        values["field"] = number
    return (text if text.strip() else None) if number is None else str(number)


class RuleMemory:
    """What one rule said, by folder. Safe to share between threads: what is kept is never changed."""

    def __init__(self, rule: CompiledRule) -> None:
        self._rule = rule
        self._known: dict[bytes, dict[str, Remembered]] = {}

    @cached_property
    def _uses(self) -> frozenset[str]:
        return self._rule.uses

    def recall(self, encoded: bytes, folder: bytes) -> RuleMatch | RuleSkip | bool:
        """Say of a path what was said of another file of its folder; False: it fits no match, True: ask the rule.

        ``encoded`` is the path's text in UTF-8, ``folder`` its part up to the last slash.
        """
        known = self._known.get(folder)
        if known is None:
            return True
        for matcher in self._rule.matchers:
            if not isinstance(matcher, CompiledTemplate) or not matcher.is_plain:
                return True
            spans = matcher.spans(encoded)
            if spans is not None:
                remembered = known.get(matcher.source)
                return True if remembered is None else remembered.again(encoded, spans) or True
        return False

    def keep(self, encoded: bytes, folder: bytes, said: RuleMatch | RuleSkip) -> None:
        """Remember what the rule said of a file, if others of its folder can be told by it."""
        if isinstance(said, RuleMatch) and said.held is not None:
            return
        matcher = next(one for one in self._rule.matchers if one.source == said.template)
        if not isinstance(matcher, CompiledTemplate) or not matcher.is_plain:
            return
        made = _remembered(matcher, self._uses, self._rule.sets, encoded, said)
        if made is not None:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known.setdefault(folder, {})[matcher.source] = made


def _remembered(
    matcher: CompiledTemplate,
    uses: frozenset[str],
    sets: Mapping[str, object],
    encoded: bytes,
    said: RuleMatch | RuleSkip,
) -> Remembered | None:
    spans = matcher.spans(encoded)
    if spans is None:
        return None
    cut = encoded.rfind(b"/")
    inside = [slot for slot in range(1, len(spans)) if spans[slot][0] >= 0 and spans[slot][1] <= cut]
    after = range(max(inside, default=0) + 1, len(spans))
    if any(spans[slot][0] >= 0 and spans[slot][1] > cut for slot in range(1, after.start)):
        return None  # a part of the name comes before one of the folder's, or lies in both
    taken = [slot for slot in after if spans[slot][0] >= 0]
    own = [_own(matcher, slot, sets) for slot in taken]
    if any(spans[slot][0] <= cut for slot in taken) or not all(_is_alone(one, matcher, uses) for one in own):
        return None
    said = said.shared() if isinstance(said, RuleMatch) else said
    empty = tuple(slot for slot in after if spans[slot][0] < 0)
    return Remembered(head=spans[1 : after.start], own=tuple(own), empty=empty, said=said)


def _own(matcher: CompiledTemplate, slot: int, sets: Mapping[str, object]) -> Own:
    part = matcher.slots[slot - 1]
    name, kind = str(part.name), part.type or TEXT
    is_target = name in TARGETS and name not in sets
    convert = None if kind.kind is Kind.TEXT else kind.convert
    return Own(slot, name, convert, is_target)


def _is_alone(own: Own, matcher: CompiledTemplate, uses: frozenset[str]) -> bool:
    """Tell whether nothing but the value itself depends on what a placeholder in the name gives."""
    kind = (matcher.slots[own.slot - 1].type or TEXT).kind
    kinds = _WELLS if own.name == "well" else _AS_WRITTEN
    return own.name not in uses and (not own.is_target or (own.name in _OF_NAMES and kind in kinds))
