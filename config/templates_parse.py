"""From the text of a path template to its parts, or the problems with their places in it."""

import re
from dataclasses import dataclass, replace

from config.path_text import nfc
from config.patterns import END, CharSet, Sequence, edge, has_any
from config.templates import MOST_PLACEHOLDERS, Part, PartKind, Template, pattern_of
from config.value_types import DIGIT_POSITION, LETTER_POSITION, POSITION, TEXT, UnknownType, type_of

LONGEST_TEMPLATE = 4096
DEEPEST_NESTING = 20
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateProblem:
    """What is wrong at a place of a template (``offset`` in characters), and what to do."""

    offset: int
    message: str
    hint: str | None = None


class TemplateError(Exception):
    """A template can't be used; all that is wrong with it."""

    def __init__(self, *problems: TemplateProblem) -> None:
        self.problems = problems
        super().__init__("; ".join(problem.message for problem in problems))


def parse(source: str) -> Template:
    """Parse and check a path template.

    Raises:
        TemplateError: with everything that is wrong.

    """
    if len(source) > LONGEST_TEMPLATE:
        raise TemplateError(TemplateProblem(offset=0, message=f"longer than {LONGEST_TEMPLATE} characters"))
    reader = _Reader(source)
    template = Template(source=source, parts=_specialised(reader.sequence(0), ()))
    problems = (*reader.problems, *_shape_problems(template))
    if not problems:
        problems = tuple(_neighbour_problems(template.parts, frozenset({END, "/"}), frozenset({END})))
    if problems:
        raise TemplateError(*problems)
    return template


class _Reader:
    """Reads a template from left to right; ``problems`` collects what is wrong."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.open_brackets = 0
        self.problems: list[TemplateProblem] = []

    def sequence(self, depth: int) -> tuple[Part, ...]:
        parts: list[Part] = []
        while self.at < len(self.source):
            if self.source[self.at] == "]" and depth:
                break
            parts.append(self._part(depth))
        return tuple(part for part in parts if part.source)

    def _part(self, depth: int) -> Part:
        match self.source[self.at]:
            case "?":
                return self._single(PartKind.ONE, 1)
            case "*":
                return self._stars()
            case "(":
                return self._one_of()
            case "[":
                return self._optional(depth)
            case "{":
                return self._placeholder()
            case _:
                return self._literal()

    def _single(self, kind: PartKind, length: int) -> Part:
        start, self.at = self.at, self.at + length
        return Part(kind=kind, source=self.source[start : self.at], offset=start)

    def _stars(self) -> Part:
        if self.source.startswith("**/", self.at):
            return self._single(PartKind.FOLDERS, 3)
        if self.source.startswith("**", self.at):
            is_end = self.at + 2 == len(self.source)
            if not is_end:
                self._problem(self.at, "'**' stands between slashes", "inside a name write '*'")
            return self._single(PartKind.REST, 2)
        return self._single(PartKind.RUN, 1)

    def _literal(self) -> Part:
        start, text = self.at, ""
        while self.at < len(self.source) and self.source[self.at] not in "?*([{":
            character = self.source[self.at]
            if character == "]":
                if self.open_brackets:
                    break
                self._problem(self.at, "']' closes nothing", "for the character itself write '\\]'")
            elif character in ")}|":
                self._problem(
                    self.at, f"'{character}' has no beginning", f"for the character itself write '\\{character}'"
                )
            elif character == "\\":
                character = self._escaped()
            text += character
            self.at += 1
        return Part(kind=PartKind.LITERAL, source=self.source[start : self.at], offset=start, text=nfc(text))

    def _escaped(self) -> str:
        if self.at + 1 >= len(self.source):
            self._problem(self.at, "'\\' at the end: nothing follows it")
            return ""
        self.at += 1
        return self.source[self.at]

    def _optional(self, depth: int) -> Part:
        start = self.at
        self.at += 1
        if depth >= DEEPEST_NESTING:
            self._problem(start, f"'[' nested more than {DEEPEST_NESTING} deep")
            self.at = len(self.source)
            return Part(kind=PartKind.OPTIONAL, source=self.source[start:], offset=start)
        self.open_brackets += 1
        children = self.sequence(depth + 1)
        self.open_brackets -= 1
        if self.at >= len(self.source):
            self._problem(start, "'[' is never closed", "for the character itself write '\\['")
        elif not children:
            self._problem(start, "'[ ]' holds nothing")
        self.at += 1
        return Part(kind=PartKind.OPTIONAL, source=self.source[start : self.at], offset=start, children=children)

    def _one_of(self) -> Part:
        start = self.at
        self.at += 1
        texts = self._alternatives(")")
        hint = "for the character itself write '\\('"
        if texts is None:
            self._problem(start, "'(' is never closed", hint)
        elif len(texts) < 2:
            self._problem(start, "'( )' with one text only: it lists several, as in (a|b)", hint)
        return Part(kind=PartKind.ONE_OF, source=self.source[start : self.at], offset=start, texts=tuple(texts or ()))

    def _alternatives(self, end: str) -> list[str] | None:
        """Read texts divided by '|' up to ``end``, which is passed; None where it is missing."""
        texts = [""]
        while self.at < len(self.source):
            character = self.source[self.at]
            if character == end:
                self.at += 1
                return [nfc(text) for text in texts]
            if character == "|":
                texts.append("")
            else:
                if character in "([{*?" and end == ")":
                    self._problem(
                        self.at, f"'{character}' inside '( )': it lists plain texts only", "use '[ ]' or two matches"
                    )
                texts[-1] += self._escaped() if character == "\\" else character
            self.at += 1
        return None

    def _placeholder(self) -> Part:
        start = self.at
        self.at += 1
        found = _NAME.match(self.source, self.at)
        self.at = found.end() if found else self.at
        name = found[0] if found else None
        has_type = self.source.startswith(":", self.at)
        type_start = self.at + 1
        texts: list[str] | None = []
        if has_type:
            self.at += 1
            texts = self._alternatives("}")
        elif self.source.startswith("}", self.at):
            self.at += 1
        else:
            self._bad_name(start)
            texts = self._alternatives("}")
            return Part(kind=PartKind.PLACEHOLDER, source=self.source[start : self.at], offset=start, name=name)
        part = Part(kind=PartKind.PLACEHOLDER, source=self.source[start : self.at], offset=start, name=name, type=TEXT)
        if texts is None:
            self._problem(start, "'{' is never closed", "for the character itself write '\\{'")
            return part
        if name is None and not has_type:
            self._problem(start, "'{}' has no name", "write {name}, or {:type} to keep nothing")
            return part
        return self._typed(part, texts if has_type else None, type_start)

    def _typed(self, part: Part, texts: list[str] | None, type_start: int) -> Part:
        try:
            source = None if texts is None else "|".join(texts)
            return replace(part, type=type_of(part.name, source, tuple(texts or ())))
        except UnknownType as error:
            self._problem(type_start, str(error))
            return part

    def _bad_name(self, start: int) -> None:
        if "}" not in self.source[start:]:
            self._problem(start, "'{' is never closed", "for the character itself write '\\{'")
            return
        end = self.source.index("}", start)
        name = self.source[start + 1 : end]
        hint = (
            "filters belong into set, tags and key_values"
            if "|" in name
            else "letters, digits and '_', then ':' and a type"
        )
        self._problem(start, f"'{{{name}}}' is not a placeholder", hint)

    def _problem(self, offset: int, message: str, hint: str | None = None) -> None:
        self.problems.append(TemplateProblem(offset=offset, message=message, hint=hint))


def _specialised(parts: tuple[Part, ...], after: tuple[Part, ...]) -> tuple[Part, ...]:
    """Decide which of a row and its neighbour are letters and which digits, where no text stands between them."""
    done: list[Part] = []
    for index, part in enumerate(parts):
        before, rest = parts[index - 1] if index else None, parts[index + 1 :] + after
        following = rest[0] if rest else None
        if part.children:
            done.append(replace(part, children=_specialised(part.children, rest)))
        elif part.type is POSITION and part.name == "row" and _is_next_to_digits(before, following):
            done.append(replace(part, type=LETTER_POSITION))
        elif part.type is POSITION and part.name == "column" and "row" in (_name(before), _name(following)):
            done.append(replace(part, type=DIGIT_POSITION))
        else:
            done.append(part)
    return tuple(done)


def _name(part: Part | None) -> str | None:
    return part.name if part else None


def _is_next_to_digits(before: Part | None, following: Part | None) -> bool:
    if "column" in (_name(before), _name(following)):
        return True
    return bool(following and following.type and following.type.open_with is CharSet.DIGIT)


def _shape_problems(template: Template) -> list[TemplateProblem]:
    """Find what makes a template match nothing at all, or too much."""
    source, problems = template.source, []
    if not source:
        problems.append(TemplateProblem(offset=0, message="an empty template matches nothing"))
    if source.startswith("/"):
        problems.append(TemplateProblem(offset=0, message="begins with '/'", hint="it is relative to the root"))
    if source.endswith("/"):
        hint = "go on with the file's name, such as {image}.{ext}"
        problems.append(TemplateProblem(offset=len(source) - 1, message="ends with '/': no file matches it", hint=hint))
    if "//" in source:
        problems.append(TemplateProblem(offset=source.index("//"), message="'//' matches nothing", hint="write '/'"))
    problems += [
        TemplateProblem(offset=found.start(), message=f"'{found[0]}' is no folder's name in a path")
        for found in re.finditer(r"(?<![^/])\.\.?(?![^/])", source)
    ]
    if "\0" in source:
        problems.append(TemplateProblem(offset=source.index("\0"), message="a NUL is in no path"))
    count = sum(part.kind is PartKind.PLACEHOLDER for part, _ in template.walk())
    if count > MOST_PLACEHOLDERS:
        problems.append(TemplateProblem(offset=0, message=f"{count} placeholders, at most {MOST_PLACEHOLDERS} can be"))
    return problems


def _neighbour_problems(
    parts: tuple[Part, ...], before: frozenset[str], after: frozenset[str]
) -> list[TemplateProblem]:
    """Find parts of open length before a part that may begin alike, and whole folders not between slashes."""
    problems: list[TemplateProblem] = []
    for index, part in enumerate(parts):
        left = edge(_sequence(parts[:index]), before, is_last=True)
        right = edge(_sequence(parts[index + 1 :]), after)
        if part.children:
            problems += _neighbour_problems(part.children, left, right)
        elif part.kind in (PartKind.FOLDERS, PartKind.REST) or (part.type and part.type.is_path):
            problems += _folder_problems(part, left, right)
        elif part.type and part.type.open_with and has_any(part.type.open_with, right):
            following = parts[index + 1].source if index + 1 < len(parts) else "what follows"
            message = f"'{part.source}' takes as much as it can and '{following}' after it may begin alike"
            hint = "put a text between them, or give it a fixed length such as :3d"
            problems.append(TemplateProblem(offset=part.offset, message=message, hint=hint))
    return problems


def _folder_problems(part: Part, left: frozenset[str], right: frozenset[str]) -> list[TemplateProblem]:
    is_bordered = left <= {"/", END} and (part.kind is PartKind.FOLDERS or right <= {"/", END})
    if is_bordered:
        return []
    message = f"'{part.source}' stands for whole folders and must stand between slashes"
    return [TemplateProblem(offset=part.offset, message=message, hint="inside a name write '*' or {name}")]


def _sequence(parts: tuple[Part, ...]) -> Sequence:
    return pattern_of(Template(source="", parts=parts))
