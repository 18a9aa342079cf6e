"""Path templates and regular expressions made ready: matched by RE2, explained by the reference matcher.

RE2 finds the same first way as the reference matcher does, many times faster, unless `where` or a repeated name
constrains what it found: then the reference matcher has the word.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import re2

from config.path_text import nfc
from config.patterns import to_re2
from config.templates import Part, PartKind, Template, pattern_of
from config.templates_match import Constraint, Program, Result, fold
from config.templates_parse import TemplateError, TemplateProblem, parse
from config.value_types import BY_PLACEHOLDER, EXTENSION, TEXT, Value, ValueType

Span: TypeAlias = tuple[int, int]
#: What in an expression looks at its surroundings, so that it can't be put into a larger one.
_LOOKS_AROUND = re.compile(r"[\^$]|\\[AzbB]")


class PathView:
    """A path's text in the forms that matchers need, each made once for all rules."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.encoded = text.encode("utf-8")
        self.is_ascii = len(self.encoded) == len(text)
        self.slashes = text.count("/")

    @cached_property
    def folded(self) -> str:
        """Give the text with its case folded."""
        return fold(self.text)

    def piece(self, start: int, end: int) -> str:
        """Give the text between two places counted in bytes."""
        return self.text[start:end] if self.is_ascii else self.encoded[start:end].decode("utf-8")

    def components(self, start: int, end: int) -> range:
        """Give the numbers, from 0, of the components that hold what lies between two places counted in bytes."""
        return _components(self.encoded.count(b"/", 0, start), self.encoded.count(b"/", start, end))


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """A placeholder's text in a path, its value, and whether it lies in a folder's name (not the file's).

    ``components`` are the numbers, from 0, of the path's components that hold it; empty for what no path holds.
    """

    text: str
    value: Value
    is_folder: bool
    components: range = range(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A way in which a template fits a path."""

    captures: Mapping[str, Captured]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoFit:
    """The template does not fit. ``message`` is set when it does but a value can't be, or nobody can tell.

    ``part`` is the placeholder whose value can't be. ``is_undecided``: the search gave up; nothing may be concluded,
    not even that a later rule has the word.
    """

    message: str | None = None
    part: Part | None = None
    is_undecided: bool = False


NO_FIT = NoFit()
TOO_MANY_WAYS = NoFit(message="the name can be read in too many ways by this rule", is_undecided=True)


def options() -> Any:
    """Give RE2's options: silent, and with its own bound on memory."""
    made = re2.Options()
    made.log_errors = False
    return made


def compile_expression(expression: str) -> Any:
    """Compile an expression in RE2's syntax for bytes in UTF-8.

    Raises:
        ValueError: it is not one; the message says why.

    """
    try:
        return re2.compile(nfc(expression).encode("utf-8"), options())
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0] if error.args else error
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(text) from error


def matching(regex: Any) -> Callable[[bytes], Sequence[Span] | None]:
    """Give what matches a whole text with an expression and tells where all of it and each of its groups lies.

    RE2 gives all places at once; the objects that its Python package makes of them cost more than the match. Where the
    package is another than the known one, its own way is taken.
    """
    inner = getattr(regex, "_regexp", None)
    if inner is None or not hasattr(re2, "_Anchor"):
        return lambda text: (
            None if (m := regex.fullmatch(text)) is None else [m.span(n) for n in range(regex.groups + 1)]
        )
    match, whole = inner.Match, re2._Anchor.ANCHOR_BOTH

    def places(text: bytes) -> Sequence[Span] | None:
        found: Sequence[Span] = match(whole, text, 0, len(text))
        return None if found[0][0] < 0 else found

    return places


class CompiledTemplate:
    """One template of a rule, with its rule's `where` built in."""

    def __init__(self, template: Template, where: Mapping[str, str]) -> None:
        self.source = template.source
        self.template = template
        self.slots = template.placeholders()
        self.names = {part.name: part.type or TEXT for part in reversed(self.slots) if part.name}
        self.always = template.always()
        self.pattern = pattern_of(template)
        self.where = {name: text for name, text in where.items() if name in self.names}
        self._where = {name: compile_expression(f"(?i:{text})") for name, text in self.where.items()}
        #: Where a path's text (in UTF-8) fits, all of it and each placeholder by its number from 1; None: it does not.
        self.spans = matching(compile_expression(to_re2(self.pattern, {})))
        self._narrow = self._narrowed(where)
        self._constraints = self._made_constraints()
        self._prefix = _literal_prefix(template)
        self._needle = _longest_literal(template)
        self._fewest_slashes, self._most_slashes = _slashes(template.parts)

    def may_fit(self, view: PathView) -> bool:
        """Tell cheaply whether it is worth asking RE2."""
        if view.slashes < self._fewest_slashes:
            return False
        if self._most_slashes is not None and view.slashes > self._most_slashes:
            return False
        return view.folded.startswith(self._prefix) and self._needle in view.folded

    def fit(self, view: PathView) -> Fit | NoFit:
        """Find the first way that fits the whole path, and convert its values."""
        if not self.may_fit(view) or (self._narrow and self._narrow.fullmatch(view.encoded) is None):
            return NO_FIT
        found = self.spans(view.encoded)
        if found is None:
            return NO_FIT
        spans = {slot: span for slot, span in enumerate(found[1:]) if span[0] >= 0}
        texts = {slot: view.piece(*span) for slot, span in spans.items()}
        if self._constraints and not self._holds(texts):
            return self._search(view)
        places = {slot: view.components(*span) for slot, span in spans.items()}
        return self._converted(texts, places, view.slashes)

    @property
    def is_plain(self) -> bool:
        """Tell whether the first way that RE2 finds is the one that counts."""
        return not self._constraints and self._narrow is None

    @cached_property
    def program(self) -> Program:
        """Give the reference matcher's program."""
        return Program(self.pattern, self._constraints)

    def search(self, text: str) -> Result:
        """Search with the reference matcher."""
        return self.program.search(text)

    def _narrowed(self, where: Mapping[str, str]) -> Any:
        """Make an expression with the `where` put in, which must fit too; None where that can't be done."""
        insert = {
            slot: f"(?i:{nfc(where[part.name])})"
            for slot, part in enumerate(self.slots)
            if part.name in self._where and not _LOOKS_AROUND.search(where[part.name])
        }
        return compile_expression(to_re2(self.pattern, insert)) if insert else None

    def _made_constraints(self) -> dict[int, Constraint]:
        names = [part.name for part in self.slots]
        return {
            slot: Constraint(
                name=str(part.name),
                is_repeated=names.count(part.name) > 1,
                accepts=_accepts(self._where[part.name]) if part.name in self._where else None,
                value=_value_key(self.names[str(part.name)] if part.type is TEXT else part.type or TEXT),
            )
            for slot, part in enumerate(self.slots)
            if names.count(part.name) > 1 or part.name in self._where
        }

    def _holds(self, texts: Mapping[int, str]) -> bool:
        values: dict[str, object] = {}
        for slot, constraint in self._constraints.items():
            if slot not in texts:
                continue
            if constraint.accepts and not constraint.accepts(texts[slot]):
                return False
            value = constraint.value(texts[slot])
            if constraint.is_repeated and values.setdefault(constraint.name, value) != value:
                return False
        return True

    def _search(self, view: PathView) -> Fit | NoFit:
        result = self.search(view.text)
        if result.gave_up:
            return TOO_MANY_WAYS
        if result.spans is None:
            return NO_FIT
        texts = {slot: view.text[start:end] for slot, (start, end) in result.spans.items()}
        places = {
            slot: _components(view.text.count("/", 0, start), view.text.count("/", start, end))
            for slot, (start, end) in result.spans.items()
        }
        return self._converted(texts, places, view.slashes)

    def _converted(self, texts: Mapping[int, str], places: Mapping[int, range], slashes: int) -> Fit | NoFit:
        captures: dict[str, Captured] = {}
        for slot in sorted(texts):
            part = self.slots[slot]
            value = (part.type or TEXT).convert(texts[slot])
            if value is None:
                return NoFit(message=f"'{texts[slot]}' can't be {part.source}", part=part)
            captures.setdefault(str(part.name), _captured(texts[slot], value, places[slot], slashes))
        return Fit(captures=captures)


class CompiledExpression:
    """A rule's `regex:`: RE2 with named groups, fitting the whole path."""

    def __init__(self, expression: str) -> None:
        self.source = expression
        self._regex = compile_expression(expression)
        groups = sorted(self._regex.groupindex.items(), key=lambda item: item[1])
        self._groups = [(name.decode("utf-8"), index) for name, index in groups]
        self.names = {name: _type_by_name(name) for name, _ in self._groups}
        self.always = frozenset(self.names)

    def fit(self, view: PathView) -> Fit | NoFit:
        """Match the whole path and convert the groups with a meaning."""
        found = self._regex.fullmatch(view.encoded)
        if found is None:
            return NO_FIT
        captures: dict[str, Captured] = {}
        for name, index in self._groups:
            start, end = found.span(index)
            if start < 0 or start == end:
                continue
            text = view.piece(start, end)
            value = self.names[name].convert(text)
            if value is None:
                return NoFit(message=f"'{text}' can't be a {name}")
            captures[name] = _captured(text, value, view.components(start, end), view.slashes)
        return Fit(captures=captures)


def _components(slashes_before: int, slashes_inside: int) -> range:
    """Give the numbers of the components that hold a piece of a path."""
    return range(slashes_before, slashes_before + slashes_inside + 1)


def _captured(text: str, value: Value, components: range, slashes: int) -> Captured:
    return Captured(text=text, value=value, is_folder=components[-1] < slashes, components=components)


def check_repeats(template: Template) -> list[TemplateProblem]:
    """Find names used twice whose values can never be the same."""
    problems: list[TemplateProblem] = []
    first: dict[str | None, tuple[str, Part]] = {}
    for part in template.placeholders():
        kind = _comparable(part.type or TEXT)
        known = first.setdefault(part.name, (kind, part))
        if known[0] != kind and not (part.name not in BY_PLACEHOLDER and (part.type is TEXT or known[1].type is TEXT)):
            message = f"'{part.source}' can't have the same value as '{known[1].source}'"
            problems.append(TemplateProblem(offset=part.offset, message=message, hint="use one type, or another name"))
    return problems


def _comparable(value_type: ValueType) -> str:
    kind = value_type.kind.value
    return f"date {value_type.name}" if value_type.date else kind.removesuffix(" number").removesuffix(" from 0")


def _type_by_name(name: str) -> ValueType:
    found = BY_PLACEHOLDER.get(name, TEXT)
    return TEXT if found is EXTENSION else found


def _accepts(regex: Any) -> Any:
    return lambda text: regex.fullmatch(text.encode("utf-8")) is not None


def _value_key(value_type: ValueType) -> Any:
    def key(text: str) -> object:
        value = value_type.convert(text)
        return ("text", text) if value is None else value

    return key


def _literal_prefix(template: Template) -> str:
    first = template.parts[0] if template.parts else None
    return fold(first.text) if first and first.kind is PartKind.LITERAL else ""


def _longest_literal(template: Template) -> str:
    """Find the longest text that every path it fits must hold; the first text is the prefix already."""
    texts = (part.text for part in template.parts[1:] if part.kind is PartKind.LITERAL)
    return max((fold(text) for text in texts), key=len, default="")


def _slashes(parts: tuple[Part, ...]) -> tuple[int, int | None]:
    """Count the fewest and the most slashes (None: any number) in what the parts match."""
    fewest, most = 0, 0
    is_open = False
    for part in parts:
        low, high = _slashes_of(part)
        fewest += low
        is_open = is_open or high is None
        most += high or 0
    return fewest, None if is_open else most


def _slashes_of(part: Part) -> tuple[int, int | None]:
    if part.kind in (PartKind.FOLDERS, PartKind.REST) or (part.type and part.type.is_path):
        return 0, None
    if part.kind is PartKind.OPTIONAL:
        return 0, _slashes(part.children)[1]
    texts = part.texts or (part.type.texts if part.type else ()) or (part.text,)
    in_date = part.type.name.count("/") if part.type and part.type.date else 0
    counts = [text.count("/") + in_date for text in texts]
    return min(counts), max(counts)


def compile_template(source: str, where: Mapping[str, str]) -> CompiledTemplate:
    """Parse, check and compile a template.

    Raises:
        TemplateError: with everything that is wrong with it.

    """
    template = parse(source)
    problems = check_repeats(template)
    if problems:
        raise TemplateError(*problems)
    return CompiledTemplate(template, where)
