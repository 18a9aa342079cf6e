"""Path templates (`match:`) as parts with their place in the source."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from config.patterns import ONE_FOLDER, WHOLE_FOLDERS, Capture, Chars, CharSet, Choice, PartOf, Repeat, Sequence, Text
from config.patterns import one_of as list_of
from config.value_types import ValueType

MOST_PLACEHOLDERS = 64


class PartKind(StrEnum):
    """The parts of RULES' table."""

    LITERAL = "text"
    ONE = "?"
    RUN = "*"
    FOLDERS = "**/"
    REST = "**"
    ONE_OF = "(a|b)"
    OPTIONAL = "[ ]"
    PLACEHOLDER = "{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part; ``source`` is its text in the template, ``offset`` where that begins (characters).

    ``text`` is what a literal matches, ``texts`` the alternatives, ``children`` what an optional part holds.
    A placeholder without a name matches and keeps nothing.
    """

    kind: PartKind
    source: str
    offset: int
    text: str = ""
    texts: tuple[str, ...] = ()
    children: tuple["Part", ...] = ()
    name: str | None = None
    type: ValueType | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A parsed template: ``parts`` as they nest."""

    source: str
    parts: tuple[Part, ...]

    def walk(self) -> Iterator[tuple[Part, bool]]:
        """Give all parts in the order of the source, each with whether it lies inside ``[ ]``."""
        return _walk(self.parts, False)

    def placeholders(self) -> tuple[Part, ...]:
        """Give the placeholders that keep something, in order: their slots count so."""
        return tuple(part for part, _ in self.walk() if part.kind is PartKind.PLACEHOLDER and part.name)

    def always(self) -> frozenset[str]:
        """Give the names that have a value in every match."""
        return frozenset(part.name for part, is_optional in self.walk() if part.name and not is_optional)


def _walk(parts: tuple[Part, ...], is_optional: bool) -> Iterator[tuple[Part, bool]]:
    for part in parts:
        yield part, is_optional
        yield from _walk(part.children, True)


@dataclass(slots=True)
class _Counter:
    """Numbers parts and slots in the order of the source."""

    part: int = -1
    slot: int = -1


def pattern_of(template: Template) -> Sequence:
    """Translate a template: every part is a `PartOf`, every placeholder with a name a `Capture`."""
    return _patterns(template.parts, _Counter())


def _patterns(parts: tuple[Part, ...], counter: _Counter) -> Sequence:
    return tuple(_pattern(part, counter) for part in parts)


def _pattern(part: Part, counter: _Counter) -> PartOf:
    counter.part += 1
    return PartOf(counter.part, _body(part, counter))


def _body(part: Part, counter: _Counter) -> Sequence:
    match part.kind:
        case PartKind.LITERAL:
            return (Text(part.text),)
        case PartKind.ONE:
            return (Chars(CharSet.ANY, 1, 1, True),)
        case PartKind.RUN:
            return (Chars(CharSet.ANY, 0, None, False),)
        case PartKind.FOLDERS:
            return (Repeat(ONE_FOLDER),)
        case PartKind.REST:
            return WHOLE_FOLDERS
        case PartKind.ONE_OF:
            return (list_of(part.texts),)
        case PartKind.OPTIONAL:
            return (Choice((_patterns(part.children, counter), ())),)
        case PartKind.PLACEHOLDER:
            return _placeholder(part, counter)


def _placeholder(part: Part, counter: _Counter) -> Sequence:
    pattern = part.type.pattern if part.type else ()
    if part.name is None:
        return pattern
    counter.slot += 1
    return (Capture(counter.slot, pattern),)
