"""Why a template does not fit a path: the part at which it stops, what is wanted there, and what was read before."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from config.dates import write
from config.expression_stops import expression_stop
from config.templates import Part, PartKind
from config.templates_compile import TOO_MANY_WAYS, CompiledExpression, CompiledTemplate, NoFit, PathView
from config.templates_match import Result
from config.value_types import DIGIT_POSITION, LETTER_POSITION, TEXT, Kind, ValueType

_MOST_TEXTS = 8
_WANTED = {
    "text": "one or more characters inside one folder or file name",
    "int": "digits",
    "word": "letters and digits",
    "well": "a well such as B3, B03 or r02c03",
    "row": "a letter, or a number from 1",
    "int0": "a number from 0",
    "ext": "an ending that a reader knows",
    "path": "one or more whole folders",
    "guid": "a GUID",
}
_WANTED_BY_KIND = {
    PartKind.ONE: "one character",
    PartKind.RUN: "characters inside one folder or file name",
    PartKind.FOLDERS: "whole folders",
    PartKind.REST: "whole folders",
    PartKind.OPTIONAL: "what may be left out",
}
#: A date of which every part looks different.
_EXAMPLE = datetime(2024, 5, 13, 16, 48, 59)  # noqa: DTZ001 - as dates in names are


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Where a template stops at a path, in characters of each."""

    part: str | None
    template_offset: int | None
    path_offset: int | None
    message: str


def stop_of(matcher: CompiledTemplate | CompiledExpression, view: PathView) -> Stop:
    """Say where a template or a regular expression, which does not fit, stops."""
    if isinstance(matcher, CompiledExpression):
        return _of_expression(matcher, view)
    result = matcher.search(view.text)
    if result.gave_up:
        return _Stopped(matcher, view, result).nowhere(str(TOO_MANY_WAYS.message))
    if result.spans is not None:
        return _without_search(matcher, view, "a value can't be read")
    return _Stopped(matcher, view, result).stop()


def _of_expression(matcher: CompiledExpression, view: PathView) -> Stop:
    value = _without_search(matcher, view, "the regular expression does not match the whole path")
    outcome = matcher.fit(view)
    found = expression_stop(matcher, view) if isinstance(outcome, NoFit) and outcome.message is None else None
    if found is None:
        return value
    part = None if found.part is None else found.part.source
    return Stop(part=part, template_offset=found.offset, path_offset=found.path_offset, message=found.message)


def _without_search(matcher: CompiledTemplate | CompiledExpression, view: PathView, otherwise: str) -> Stop:
    """Tell of a value that can't be; ``otherwise`` where that is not the cause."""
    outcome = matcher.fit(view)
    if not isinstance(outcome, NoFit) or outcome.message is None:
        return Stop(part=None, template_offset=None, path_offset=None, message=otherwise)
    if outcome.part is None:
        return Stop(part=None, template_offset=None, path_offset=None, message=outcome.message)
    message = f"{outcome.message}, which wants {wanted(outcome.part)}"
    return Stop(part=outcome.part.source, template_offset=outcome.part.offset, path_offset=None, message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entered:
    """A part, with those that stand before it in its row and in the rows around that."""

    part: Part
    before: tuple[Part, ...]

    @property
    def skipped(self) -> tuple[Part, ...]:
        """Give the optional parts directly before, which did not fit either."""
        skipped: list[Part] = []
        for part in reversed(self.before):
            if part.kind is not PartKind.OPTIONAL:
                break
            skipped.insert(0, part)
        return tuple(skipped)

    @property
    def stretched(self) -> Part | None:
        """Give the part before, when it is text that could have taken more: this one was not found in it."""
        kept = [part for part in self.before if part.kind is not PartKind.OPTIONAL]
        return kept[-1] if kept and (kept[-1].kind is PartKind.RUN or kept[-1].type is TEXT) else None


class _Stopped:
    """One search that found no way: what to say about it."""

    def __init__(self, template: CompiledTemplate, view: PathView, result: Result) -> None:
        self.template = template
        self.text = view.text
        self.result = result
        self.entered = tuple(_rows(template.template.parts, ()))

    def nowhere(self, message: str) -> Stop:
        return Stop(part=None, template_offset=None, path_offset=None, message=message)

    def stop(self) -> Stop:
        if self.result.part >= len(self.entered):
            return self._end()
        found = self.entered[self.result.part]
        at = self._begins(found)
        rest = f"finds '{self.text[at:]}'" if self.text[at:] else "the path ends"
        message = f"stops at {found.part.source}: wants {self._wanted(found)}, {rest}{self._so_far(at)}"
        return Stop(part=found.part.source, template_offset=found.part.offset, path_offset=at, message=message)

    def _end(self) -> Stop:
        at = self.result.at
        parts = self.template.template.parts
        if parts and parts[-1].type is TEXT:
            at = self.text.find("/", at)
        message = f"the rule ends here, and the path goes on with '{self.text[at:]}'{self._so_far(at)}"
        return Stop(part=None, template_offset=len(self.template.source), path_offset=at, message=message)

    def _begins(self, found: _Entered) -> int:
        """Give where the text begins in which the part was looked for."""
        slots = self.template.slots
        starts = (span[0] for slot, span in self.result.so_far.items() if slots[slot] is found.stretched)
        return next(starts, self.result.at)

    def _wanted(self, found: _Entered) -> str:
        name, part = found.part.name, found.part
        said = wanted(part)
        if name in self.template.where:
            said += f" that `where` allows ('{self.template.where[name]}')"
        same = [span for slot, span in self.result.so_far.items() if self.template.slots[slot].name == name]
        if name and same:
            said += f", the same as before ('{self.text[slice(*same[0])]}')"
        if found.stretched:
            said += f" after {found.stretched.source}"
        if found.skipped:
            said += f" (or {' or '.join(part.source for part in found.skipped)} before it)"
        return said

    def _so_far(self, at: int) -> str:
        """Say how the path was read up to a place."""
        kept = sorted((slot, span) for slot, span in self.result.so_far.items() if span[0] < at)
        read = {self.template.slots[slot].name: self.text[slice(*span)] for slot, span in kept}
        said = ", ".join(f"{name} '{text}'" for name, text in read.items())
        return f"; before it: {said}" if said else ""


def _rows(parts: tuple[Part, ...], before: tuple[Part, ...]) -> Iterator[_Entered]:
    """Give all parts in the order of the source, as they are numbered."""
    for index, part in enumerate(parts):
        yield _Entered(part=part, before=before + parts[:index])
        yield from _rows(part.children, before + parts[:index])


def wanted(part: Part) -> str:
    """Say in words what a part matches."""
    if part.kind is PartKind.LITERAL:
        return f"'{part.text}'"
    if part.kind is PartKind.ONE_OF:
        return _one_of(part.texts)
    if part.kind is PartKind.PLACEHOLDER and part.type:
        return _wanted_type(part.type)
    return _WANTED_BY_KIND.get(part.kind, f"'{part.source}'")


def _wanted_type(value_type: ValueType) -> str:
    if value_type.texts:
        return _one_of(value_type.texts)
    if value_type.date:
        return f"a date such as {write(_EXAMPLE, value_type.name)}"
    if value_type.plate:
        rows, columns = value_type.plate
        return f"a number from 1 to {rows * columns}"
    if value_type is LETTER_POSITION:
        return "one or two letters"
    if value_type is DIGIT_POSITION or (value_type.kind is Kind.POSITION and value_type.name == "int"):
        return "a number from 1"
    if value_type.name in _WANTED:
        return _WANTED[value_type.name]
    count = value_type.name.removesuffix("d")
    digits = f"exactly {count} digit{'' if count == '1' else 's'}"
    return f"{digits}, counted from 1" if value_type.kind is Kind.POSITION else digits


def _one_of(texts: tuple[str, ...]) -> str:
    shown = " or ".join(f"'{text}'" for text in texts[:_MOST_TEXTS])
    return shown if len(texts) <= _MOST_TEXTS else f"{shown} or one of {len(texts) - _MOST_TEXTS} more"
