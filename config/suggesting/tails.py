"""The template of a shape's names, and of the folders that belong to them. Pure."""

import re
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from config.suggesting.reading import Element
from config.suggesting.shapes import NamedFile, Shape
from config.suggesting.vocabulary import Role

#: A well has no more fields than this.
_MOST_FIELDS = 2_000
#: Time points that are written with their unit: `A1_24h`.
_TIMED = re.compile(
    r"(?P<count>[0-9]{1,4})(?P<unit> ?(?:h|hrs?|hours?|hpi|hpf|hpt|min|mins|std|d|days?|dpi|dpf|tage?))", re.IGNORECASE
)
#: A number, perhaps behind a word: `image12`.
_NUMBERED = re.compile(r"(?P<word>(?:[^\W\d]+[ _\-]?)?)(?P<number>[0-9]{1,6})")
_SPECIAL = frozenset("?*([{])}|\\")
_OPENED_BY = {")": "(", "]": "["}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """The end of a rule's match. ``sets`` are targets that it gives by other names than their own.

    ``names_plate``: the plate's name stands in the file's name.
    """

    template: str
    sets: Mapping[str, str] = field(default_factory=dict)
    names_plate: bool = False
    assumed: tuple[str, ...] = ()


PLAIN = Tail(template="{image}.{ext}")


def literal(text: str) -> str:
    """Write a text for a template, so that it means itself."""
    return "".join(f"\\{character}" if character in _SPECIAL else character for character in text)


def tail_of(shape: Shape) -> Tail | None:
    """Write the template of a shape; None when the language can't say it (the names are then plain)."""
    if not shape.files[0].elements:
        return PLAIN
    return _Writer(shape).write()


class _Writer:
    """Writes one template; ``None`` anywhere makes the whole None."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.sets: dict[str, str] = {}
        self.parts: list[str] = []
        self.kinds: list[str] = []
        self.names_plate = False
        self._assumed: list[str] = []
        self._well_is_written = False
        self._field_values: list[str] | None = None
        #: What is captured of each file of a plate so far: two that are the same could not both stay.
        self._captured: list[Hashable] = [_counted(file) for file in shape.files]

    def write(self) -> Tail | None:
        """Write texts and elements in turn."""
        elements = self.shape.files[0].elements
        texts = [_texts_before(self.shape.files, number) for number in range(len(elements) + 1)]
        slashes = [values[0].count("/") for values in texts]
        written = ""
        for number, values in enumerate(texts):
            is_in_name = sum(slashes[number + 1 :]) == 0
            is_lead = is_in_name and _is_lead(slashes, number) and not self._is_behind_well(number)
            text = self._text(values, is_in_name=is_in_name, is_lead=is_lead)
            if text is None:
                return None
            written += text
            if number < len(elements):
                element = self._element(number, following=texts[number + 1])
                if element is None:
                    return None
                written += element
        return self._named(written + ".{ext}")

    def _is_behind_well(self, number: int) -> bool:
        return any(role in (Role.WELL, Role.WELL_NUMBER) for role in self.shape.roles[:number])

    def _named(self, template: str) -> Tail:
        """Join the name's parts to one image name."""
        sets = {} if len(self.parts) < 2 else {"image": " ".join(f"{{{part}}}" for part in self.parts)}
        if len(self.parts) == 1:
            template = template.replace(f"{{{self.parts[0]}}}", "{image}")
        if len(self.kinds) > 1:
            sets["run"] = "".join(f"[{' ' * (number > 0)}{{{kind}}}]" for number, kind in enumerate(self.kinds))
        elif self.kinds:
            template = template.replace(f"{{{self.kinds[0]}}}", "{run}")
        assumed = ["the plate's name stands in the file's name, before the well"] if self.names_plate else []
        assumed += self._assumed
        return Tail(template=template, sets=sets, names_plate=self.names_plate, assumed=tuple(assumed))

    def _text(self, values: Sequence[str], *, is_in_name: bool, is_lead: bool) -> str | None:
        """Write the text between two elements; its slashes are the same in all files."""
        columns = zip(*(value.split("/") for value in values), strict=True)
        pieces = [list(column) for column in columns]
        written = []
        for number, column in enumerate(pieces):
            is_name = is_in_name and number == len(pieces) - 1
            written.append(self._piece(column, is_name=is_name, is_lead=is_name and is_lead))
        return None if any(piece is None for piece in written) else "/".join(map(str, written))

    def _piece(self, values: Sequence[str], *, is_name: bool, is_lead: bool) -> str | None:
        before, after = _edges(values)
        inner = [value[len(before) : len(value) - len(after)] for value in values]
        if after[:1] in _OPENED_BY and all(_is_open(text, after[0]) for text in inner):
            inner, after = [text + after[0] for text in inner], after[1:]
        if not any(inner) or (len(set(inner)) == 1 and not is_lead):
            return literal(before + inner[0] + after)
        if not all(inner):
            return f"{literal(before)}{self._perhaps(inner)}{literal(after)}" if self.shape.is_plate else None
        return literal(before) + self._placeholder(inner, is_name=is_name, is_lead=is_lead) + literal(after)

    def _placeholder(self, values: Sequence[str], *, is_name: bool, is_lead: bool) -> str:
        if self.shape.is_plate:
            if is_lead and _differ_below_one_folder(self.shape.files, values):
                self.names_plate = True
                self._tells_apart(values)
                return "{plate}"
            return self._field(values) or (self._kind(values) if self._tells_apart(values) else "{:text}")
        if not is_name:
            return "{:text}"
        part = ("name", "part", "part2", "part3")[min(len(self.parts), 3)]
        self.parts.append(part)
        return f"{{{part}}}"

    def _field(self, values: Sequence[str]) -> str | None:
        """Write a bare number in a well's name as its field, where nothing else says the field."""
        found = [_NUMBERED.fullmatch(value) for value in values]
        numbers = [one["number"] for one in found if one]
        words = {one["word"] for one in found if one}
        is_said = self._field_values is not None or Role.FIELD in self.shape.roles
        if is_said or not all(found) or len(words) > 1 or max(map(int, numbers)) > _MOST_FIELDS:
            return None
        (word,) = words
        if word and not self._tells_apart(values):
            return None
        self._field_values = sorted(set(numbers), key=int)
        self._assumed.append(f"the number from {self._field_values[0]} to {self._field_values[-1]} is the field")
        self._tells_apart(values)
        return f"{literal(word)}{{field}}"

    def _tells_apart(self, values: Sequence[str]) -> bool:
        """Tell whether a text tells files apart that are the same in all that is captured: then it is captured, too."""
        joined: list[Hashable] = list(zip(self._captured, values, strict=True))
        is_needed = len(set(joined)) > len(set(self._captured))
        if is_needed:
            self._captured = joined
        return is_needed

    def _kind(self, values: Sequence[str]) -> str:
        """Write a text that tells the pictures of one well apart: as the time point, or as a run of the plate."""
        shown = f"'{min(values)}' to '{max(values)}'"
        timed = [_TIMED.fullmatch(value) for value in values]
        units = {found["unit"] for found in timed if found}
        if all(timed) and len(units) == 1 and Role.T not in self.shape.roles:
            self._assumed.append(f"{shown} is the time point")
            return f"{{t}}{units.pop()}"
        self._assumed.append(
            f"{shown} tell pictures of one well apart: each is a run of the plate; put {{channel}} or {{field}} there"
            " if it is that"
        )
        self.kinds.append(("kind", "kind2", "kind3", "kind4")[min(len(self.kinds), 3)])
        return f"{{{self.kinds[-1]}}}"

    def _perhaps(self, values: Sequence[str]) -> str:
        """Write a text that some names lack."""
        if not self._tells_apart(values):
            return "*"
        given = [value for value in values if value]
        before, _ = _edges(given)
        return f"[{literal(before)}{self._kind([value[len(before) :] for value in given])}]"

    def _element(self, number: int, *, following: Sequence[str]) -> str | None:
        element = self.shape.files[0].elements[number]
        if element.role is Role.GUID:
            return "{:guid}"
        values = [file.elements[number].value for file in self.shape.files]
        prefix = literal(element.prefix)
        if element.role is Role.WELL:
            return prefix + "{well}"
        if element.role is Role.WELL_NUMBER:
            return prefix + self._running()
        if not element.is_number:
            words = sorted({value.casefold(): value for value in sorted(values, reverse=True)}.values())
            # A list has two words at least: a channel that was seen alone is joined by its own spelling.
            return f"{{channel:{'|'.join(map(literal, words))}}}" if len(words) > 1 else literal(words[0])
        return self._number(element, values, prefix, _may_begin_with_digit(following, self._is_before_guid(number)))

    def _running(self) -> str:
        if self.shape.plate_wells is None or self._well_is_written:
            return "{:int}"
        self._well_is_written = True
        return f"{{well:{self.shape.plate_wells}}}"

    def _number(self, element: Element, values: Sequence[str], prefix: str, needs_width: bool) -> str | None:
        widths = {len(value) for value in values}
        if needs_width:
            return f"{prefix}{{{element.role.value}:{widths.pop()}d}}" if len(widths) == 1 else None
        kind = ":int" if element.role is Role.CHANNEL else ""
        return f"{prefix}{{{element.role.value}{kind}}}"

    def _is_before_guid(self, number: int) -> bool:
        elements = self.shape.files[0].elements
        return number + 1 < len(elements) and elements[number + 1].role is Role.GUID


def _counted(file: NamedFile) -> Hashable:
    """Give what a file's elements say, and the folders it lies in."""
    return (file.head, *(element.value.casefold() for element in file.elements if element.role is not Role.GUID))


def _is_open(text: str, closing: str) -> bool:
    return text.count(_OPENED_BY[closing]) > text.count(closing)


def _texts_before(files: Sequence[NamedFile], number: int) -> list[str]:
    """Give the text before an element (or after the last) of each file."""
    found = []
    for file in files:
        start = file.elements[number - 1].end if number else 0
        end = file.elements[number].start if number < len(file.elements) else len(file.tail)
        found.append(file.tail[start:end])
    return found


def _is_lead(slashes: Sequence[int], number: int) -> bool:
    """Tell whether the last piece of a text begins the file's name."""
    return slashes[number] > 0 or not number


def _may_begin_with_digit(following: Sequence[str], is_before_guid: bool) -> bool:
    before, _ = _edges(following)
    if all(text.startswith("/") for text in following):
        return False
    if len(set(following)) == 1:
        return following[0][:1].isdigit() or (not following[0] and is_before_guid)
    return not before


def _edges(values: Sequence[str]) -> tuple[str, str]:
    """Find the separators that all texts begin and end with."""
    first = _common(values)
    before = first[: len(first) - len(first.lstrip("_-. ()[]#=+"))]
    rest = [value[len(before) :] for value in values]
    last = _common([value[::-1] for value in rest])
    after = last[: len(last) - len(last.lstrip("_-. ()[]#=+"))][::-1]
    return before, after


def _common(values: Sequence[str]) -> str:
    """Find the characters that all texts begin with."""
    low, high = min(values), max(values)
    count = next((n for n, pair in enumerate(zip(low, high, strict=False)) if pair[0] != pair[1]), len(low))
    return low[:count]


def _differ_below_one_folder(files: Sequence[NamedFile], values: Sequence[str]) -> bool:
    seen: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for file, value in zip(files, values, strict=True):
        seen[file.head].add(value)
    return any(len(names) > 1 for names in seen.values())
