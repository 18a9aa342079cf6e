"""From the bytes of a YAML file to nodes that know where they stand.

Scalars stay the text that is written (``0012``, ``no``, ``12:30``). The nodes are built from the parser's events
and not by its recursive composer, so depth, number and expansion by aliases are bounded here, whatever the file says.
Anchors, aliases and merge keys (``<<``) are allowed as long as they stay small.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from config.problems import Problem, problem_at

LARGEST_FILE_BYTES = 2_000_000
DEEPEST_LEVEL = 40
MOST_NODES = 200_000
#: All but YAML's printable characters, without those that end a line for YAML and not for editors, and without
#: those that turn the direction of writing: what is shown would not be what is read.
_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_TEMPLATE_START = re.compile(
    r"^\s*(?:- +)*(?:[\w.-]+ *: +)?(?:- +)*"
    r"(?=\[?\{\w*(?::[^{} ,]*)?\}|\[[^\]]*/|[*?&!%@`])[\[{*?&!%@`]"
)
_DOUBLE_QUOTED = re.compile(r'"[^"]*\\')
QUOTES_HINT = "put it in single quotes, as in '{group}/{owner}/{image}.{ext}': YAML bends what stands without them"
BACKSLASH_HINT = "put it in single quotes: in double quotes YAML reads \\ as the start of an escape"


class Place(NamedTuple):
    """Where a node begins: the file as people named it, 1-based line and column."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A text. ``is_plain``: without quotes. ``is_bent``: double-quoted with a backslash. ``written``: its source."""

    place: Place
    text: str
    is_plain: bool = True
    is_bent: bool = False
    written: str = ""

    @property
    def is_nothing(self) -> bool:
        """Tell whether nothing was written after the key."""
        return self.is_plain and not self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A list."""

    place: Place
    items: tuple["Node", ...]
    is_flow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Keys with values, in the order of the file, each key once."""

    place: Place
    entries: tuple[tuple[Scalar, "Node"], ...]
    is_flow: bool = False

    def get(self, key: str) -> "Node | None":
        """Give the value of a key."""
        return next((value for name, value in self.entries if name.text == key), None)

    def key(self, key: str) -> Scalar | None:
        """Give the key itself, for where it stands."""
        return next((name for name, _ in self.entries if name.text == key), None)


Node = Scalar | Sequence | Mapping


class BrokenFileError(Exception):
    """The text is not the YAML that is expected; ``problems`` tells where."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


@dataclass(slots=True)
class _Open:
    """A list or mapping that has begun and not yet ended."""

    place: Place
    is_mapping: bool
    is_flow: bool
    anchor: str | None
    children: list[Node] = field(default_factory=list)
    size: int = 1
    #: Levels from here down to the deepest value, aliases counted.
    depth: int = 1


def problem(place: Place, message: str, hint: str | None = None, key: str = "") -> Problem:
    """Make the problem that stands at a place."""
    return problem_at(place, key, message, hint)


def parse(data: bytes, file: str) -> tuple[Mapping, tuple[Problem, ...]]:
    """Give the file's root and what is wrong without hindering the rest (duplicate keys).

    Raises BrokenFileError when nothing can be made of the text.
    """
    text = decode(data, file)
    builder = _Builder(file, text)
    try:
        for event in _events(text):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise BrokenFileError(_syntax_problem(error, file, text)) from None
    except yaml.YAMLError as error:
        raise BrokenFileError(problem(Place(file, 1, 1), f"this is not YAML: {error}")) from None
    return builder.finished(), tuple(builder.problems)


def decode(data: bytes, file: str) -> str:
    """Give the text of a file of at most LARGEST_FILE_BYTES in UTF-8, without control characters."""
    if len(data) > LARGEST_FILE_BYTES:
        size = f"the file is larger than {LARGEST_FILE_BYTES // 1_000_000} MB"
        raise BrokenFileError(problem(Place(file, 1, 1), size, "divide it with include:, or keep data elsewhere"))
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        place = _place_after(data[: error.start].decode("utf-8"), file)
        bytes_text = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        raise BrokenFileError(problem(place, bytes_text, "save the file as UTF-8")) from None
    odd = _UNPRINTABLE.search(text)
    if odd:
        place = _place_after(text[: odd.start()], file)
        message = f"the character U+{ord(odd[0]):04X} is not allowed in this file"
        raise BrokenFileError(problem(place, message, "remove it; it can't be seen in most editors"))
    return text


def _place_after(before: str, file: str) -> Place:
    before = before.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return Place(file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _events(text: str) -> Iterator[Any]:
    """Parse with libyaml where PyYAML has it: the same events and places, ten times as fast."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return iter(yaml.parse(text, Loader=loader))


def _syntax_problem(error: yaml.MarkedYAMLError, file: str, text: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)
    lines = re.split(r"\r\n|\r|\n", text)
    near = [m.line for m in (error.problem_mark, error.context_mark) if m and m.line < len(lines)]
    message = " ".join(part for part in (error.context, error.problem) if part)
    hint = _syntax_hint([lines[number] for number in near], message)
    if hint is QUOTES_HINT:
        # The parser stumbles behind the template; people want to see where it begins.
        place = next(Place(file, n + 1, f.end()) for n in near if (f := _TEMPLATE_START.match(lines[n])))
    return problem(place, f"this is not YAML: {message}", hint)


def _syntax_hint(near: list[str], message: str) -> str | None:
    if "escape" in message and any(_DOUBLE_QUOTED.search(line) for line in near):
        return BACKSLASH_HINT
    if "'\\t'" in message or any("\t" in line[: len(line) - len(line.lstrip())] for line in near):
        return "indent with spaces, YAML knows no tabs"
    if any(_TEMPLATE_START.match(line) for line in near):
        return QUOTES_HINT
    if "mapping values are not allowed" in message:
        return "a text that holds ': ' needs quotes, and keys of one section stand in one column"
    return None


class _Builder:
    """Builds the nodes of one document from the parser's events, without recursion."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.problems: list[Problem] = []
        self.open: list[_Open] = []
        self.anchors: dict[str, tuple[Node, int, int]] = {}
        self.root: Node | None = None
        self.count = 0
        self.documents = 0

    def take(self, event: Any) -> None:
        """Take the next event. Raises BrokenFileError."""
        match event:
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    self.refuse(event, "a second document begins here", "remove the --- line; use include: instead")
            case yaml.AliasEvent():
                self.alias(event)
            case yaml.ScalarEvent():
                self.check(event)
                self.add(self.scalar(event), 1, 0, event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self.check(event)
                self.begin(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self.end(event)

    def finished(self) -> Mapping:
        """Give the root, which has to be a mapping."""
        start = Place(self.file, 1, 1)
        if self.root is None or (isinstance(self.root, Scalar) and self.root.is_nothing):
            raise BrokenFileError(problem(start, "the file is empty", "`coverslip init` writes an example"))
        if not isinstance(self.root, Mapping):
            found = "a list" if isinstance(self.root, Sequence) else "a text"
            hint = "begin with keys such as watch:"
            raise BrokenFileError(problem(self.root.place, f"keys with values are expected here, not {found}", hint))
        return self.root

    def place(self, event: Any) -> Place:
        return Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def refuse(self, event: Any, message: str, hint: str | None = None) -> None:
        raise BrokenFileError(*self.problems, problem(self.place(event), message, hint))

    def check(self, event: Any) -> None:
        if event.tag is not None:
            self.refuse(event, f"the tag {event.tag!r} is not used here", "remove it, or put the text in single quotes")

    def scalar(self, event: Any) -> Scalar:
        written = self.text[event.start_mark.index : event.end_mark.index]
        is_bent = event.style == '"' and "\\" in written
        if is_bent and (odd := _UNPRINTABLE.search(event.value)):
            self.refuse(event, f"this text would hold the character U+{ord(odd[0]):04X}, which is not allowed")
        return Scalar(
            place=self.place(event), text=event.value, is_plain=not event.style, is_bent=is_bent, written=written
        )

    def begin(self, event: Any) -> None:
        if len(self.open) >= DEEPEST_LEVEL:
            self.refuse(event, f"this is nested more than {DEEPEST_LEVEL} levels deep")
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        flow = bool(event.flow_style)
        self.open.append(_Open(place=self.place(event), is_mapping=is_mapping, is_flow=flow, anchor=event.anchor))

    def end(self, event: Any) -> None:
        done = self.open.pop()
        node: Node
        if done.is_mapping:
            node = self.mapping(done)
        else:
            node = Sequence(place=done.place, items=tuple(done.children), is_flow=done.is_flow)
        self.add(node, done.size, done.depth, event, done.anchor)

    def alias(self, event: Any) -> None:
        if event.anchor in self.anchors:
            self.add(*self.anchors[event.anchor], event)
        else:
            self.refuse(event, f"there is no &{event.anchor} before this *{event.anchor}", QUOTES_HINT)

    def add(self, node: Node, size: int, depth: int, event: Any, anchor: str | None = None) -> None:
        """Hang a finished node below the one that is open; ``size`` and ``depth`` are what aliases expand to."""
        self.count += 1
        total = (self.open[-1].size if self.open else 0) + size
        if self.count > MOST_NODES or total > MOST_NODES:
            self.refuse(event, f"this file holds more than {MOST_NODES:,} values, aliases counted")
        anchor = anchor or getattr(event, "anchor", None)
        if anchor and not isinstance(event, yaml.AliasEvent):
            self.anchors[anchor] = (node, size, depth)
        if len(self.open) + depth > DEEPEST_LEVEL:
            self.refuse(event, f"this is nested more than {DEEPEST_LEVEL} levels deep, aliases counted")
        if self.open:
            self.open[-1].depth = max(self.open[-1].depth, depth + 1)
            self.open[-1].children.append(node)
            self.open[-1].size = total
        else:
            self.root = node

    def mapping(self, done: _Open) -> Mapping:
        """Pair keys and values; duplicates are noted, the first stays."""
        entries: dict[str, tuple[Scalar, Node]] = {}
        merged: list[Node] = []
        for key, value in zip(done.children[::2], done.children[1::2], strict=True):
            if not isinstance(key, Scalar):
                self.problems.append(problem(key.place, "a key has to be a text", QUOTES_HINT))
            elif key.is_plain and key.text == "<<":
                merged.append(value)
            else:
                self.enter(entries, key, value)
        for value in merged:
            self.merge(entries, value)
        return Mapping(place=done.place, entries=tuple(entries.values()), is_flow=done.is_flow)

    def enter(self, entries: dict[str, tuple[Scalar, Node]], key: Scalar, value: Node) -> None:
        same = unicodedata.normalize("NFC", key.text)
        if same in entries:
            first = entries[same][0].place
            text = f"this key was given before, in line {first.line}"
            self.problems.append(problem(key.place, text, "a key can stand only once; remove one", key.text))
        else:
            entries[same] = (key, value)

    def merge(self, entries: dict[str, tuple[Scalar, Node]], value: Node) -> None:
        """Take the keys of ``<<``; those that stand in the mapping itself win, then the earlier ones."""
        parts = value.items if isinstance(value, Sequence) else (value,)
        for part in parts:
            if not isinstance(part, Mapping):
                self.problems.append(problem(part.place, "<< takes an alias of keys with values, such as <<: *usual"))
                continue
            for key, inner in part.entries:
                entries.setdefault(unicodedata.normalize("NFC", key.text), (key, inner))
