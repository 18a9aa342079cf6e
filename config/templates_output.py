"""Output templates (`set`, tags, key-values, description): texts with values, filters, formats and optional parts."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from config.dates import write
from config.path_text import nfc
from config.templates_compile import Captured
from config.templates_parse import TemplateError, TemplateProblem
from config.value_types import Kind, ValueType, well_name


def _spaces(text: str) -> str:
    return text.replace("_", " ")


FILTERS: Mapping[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "title": str.title,
    "spaces": _spaces,
    "strip": str.strip,
}
_NUMBER_FORMAT = re.compile("0?([1-9][0-9]?)?d")
_VALUE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::([^|{}]*))?((?:\|[^|{}]*)*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputContext:
    """What an output may refer to: types by name, names that always have a value, and the lookup tables."""

    types: Mapping[str, ValueType]
    always: frozenset[str]
    lookups: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    name: str
    format: str | None
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Optional:
    parts: tuple["_Part", ...]


_Part = str | _Value | _Optional


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """An output's text; None when a value outside ``[ ]`` is missing. ``held``: a lookup has no such entry."""

    text: str | None
    held: str | None = None


def _names(parts: tuple[_Part, ...]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, _Value):
            yield part.name
        elif isinstance(part, _Optional):
            yield from _names(part.parts)


class _MissingValue(Exception):  # noqa: N818 - a way out of nested parts, never seen outside
    pass


class _MissingEntry(Exception):  # noqa: N818 - a way out of nested parts, never seen outside
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputTemplate:
    """A checked output template."""

    source: str
    parts: tuple[_Part, ...]
    lookups: Mapping[str, Mapping[str, str]]

    @property
    def names(self) -> frozenset[str]:
        """Give the names of the values that it may write."""
        return frozenset(_names(self.parts))

    @property
    def ending(self) -> str:
        """Give the text with which it ends whatever the values are."""
        last = self.parts[-1] if self.parts else ""
        return last if isinstance(last, str) else ""

    def render(self, captures: Mapping[str, Captured]) -> Rendered:
        """Write the text for what a match captured."""
        try:
            return Rendered(text=self._write(self.parts, captures))
        except _MissingValue:
            return Rendered(text=None)
        except _MissingEntry as miss:
            return Rendered(text=None, held=str(miss))

    def _write(self, parts: tuple[_Part, ...], captures: Mapping[str, Captured]) -> str:
        return "".join(self._write_part(part, captures) for part in parts)

    def _write_part(self, part: _Part, captures: Mapping[str, Captured]) -> str:
        if isinstance(part, str):
            return part
        if isinstance(part, _Value):
            return self._write_value(part, captures)
        try:
            return self._write(part.parts, captures)
        except _MissingValue:
            return ""

    def _write_value(self, part: _Value, captures: Mapping[str, Captured]) -> str:
        captured = captures.get(part.name)
        if captured is None:
            raise _MissingValue
        text = _formatted(captured, part.format)
        for name in part.filters:
            text = FILTERS[name](text) if name in FILTERS else self._look_up(name, text)
        return text

    def _look_up(self, name: str, text: str) -> str:
        found = self.lookups[name].get(text)
        if found is None:
            raise _MissingEntry(f"the lookup '{name}' has no entry '{text}'")
        return found


def as_text(captured: Captured) -> str:
    """Give a captured value as people write it: a well as B3, anything else as it stands in the path."""
    return well_name(captured.value) if isinstance(captured.value, tuple) else captured.text


def _formatted(captured: Captured, form: str | None) -> str:
    if form is None:
        return as_text(captured)
    if isinstance(captured.value, datetime):
        return write(captured.value, form)
    if isinstance(captured.value, int):
        return format(captured.value, form)
    return captured.text


def compile_output(source: str, context: OutputContext) -> OutputTemplate:
    """Parse and check an output template.

    Raises:
        TemplateError: with everything that is wrong with it.

    """
    reader = _Reader(source, context)
    parts = reader.parts(0)
    if reader.problems:
        raise TemplateError(*reader.problems)
    return OutputTemplate(source=source, parts=parts, lookups=context.lookups)


class _Reader:
    def __init__(self, source: str, context: OutputContext) -> None:
        self.source = source
        self.context = context
        self.at = 0
        self.problems: list[TemplateProblem] = []

    def parts(self, depth: int) -> tuple[_Part, ...]:
        found: list[_Part] = []
        while self.at < len(self.source):
            character = self.source[self.at]
            if character == "]" and depth:
                break
            if character == "[" and depth < 20:
                found.append(self._optional(depth))
            elif character == "{":
                found.append(self._value(depth))
            else:
                found.append(self._text())
        return tuple(found)

    def _text(self) -> str:
        start, text = self.at, ""
        while self.at < len(self.source) and self.source[self.at] not in "[]{":
            if self.source[self.at] == "\\":
                self.at += 1
            elif self.source[self.at] == "}":
                self._problem(self.at, "'}' has no beginning", "for the character itself write '\\}'")
            text += self.source[self.at : self.at + 1]
            self.at += 1
        if self.at == start:
            self._problem(start, f"'{self.source[start]}' is out of place", f"write '\\{self.source[start]}'")
            self.at += 1
        return nfc(text)

    def _optional(self, depth: int) -> _Optional:
        start = self.at
        self.at += 1
        inside = self.parts(depth + 1)
        if self.at >= len(self.source):
            self._problem(start, "'[' is never closed", "for the character itself write '\\['")
        self.at += 1
        return _Optional(parts=inside)

    def _value(self, depth: int) -> _Part:
        start, end = self.at, self.source.find("}", self.at)
        if end < 0:
            self._problem(start, "'{' is never closed", "for the character itself write '\\{'")
            self.at = len(self.source)
            return ""
        self.at = end + 1
        found = _VALUE.fullmatch(self.source[start + 1 : end])
        if found is None:
            self._problem(
                start,
                f"'{self.source[start : end + 1]}' is not a value",
                "write {name}, {name|filter} or {name:format}",
            )
            return ""
        value = _Value(name=found[1], format=found[2], filters=tuple(name.strip() for name in found[3].split("|")[1:]))
        self._check(value, start, depth)
        return value

    def _check(self, value: _Value, start: int, depth: int) -> None:
        if value.name not in self.context.types:
            known = ", ".join(sorted(self.context.types)) or "nothing"
            self._problem(start, f"'{value.name}' is captured by no part of the match", f"it captures {known}")
            return
        if value.name not in self.context.always and depth == 0:
            self._problem(start, f"'{value.name}' may be missing", f"put it into brackets: [{{{value.name}}}]")
        for name in value.filters:
            if name not in FILTERS and name not in self.context.lookups:
                known = ", ".join((*FILTERS, *self.context.lookups))
                self._problem(start, f"'{name}' is neither a filter nor a lookup", f"there are {known}")
        if value.format is not None:
            self._check_format(value, value.format, start)

    def _check_format(self, value: _Value, form: str, start: int) -> None:
        value_type = self.context.types[value.name]
        if value_type.date:
            missing = value_type.date.missing_for(form)
            if "%" not in form or form.replace("%%", "").endswith("%"):
                self._problem(start, f"'{form}' is no format for a date", "write one such as %Y-%m-%d")
            elif missing:
                self._problem(start, f"'{form}' asks for {missing}, which '{value_type.name}' does not give")
        elif value_type.kind not in (Kind.NUMBER, Kind.POSITION_FROM_0):
            hint = f"give '{value.name}' a type in the match: {{{value.name}:int}} or {{{value.name}:%Y%m%d}}"
            self._problem(start, f"'{value.name}' is text and can't be formatted as '{form}'", hint)
        elif not _NUMBER_FORMAT.fullmatch(form):
            self._problem(start, f"'{form}' is no format for a number", "write one such as 03d")

    def _problem(self, offset: int, message: str, hint: str | None = None) -> None:
        self.problems.append(TemplateProblem(offset=offset, message=message, hint=hint))
