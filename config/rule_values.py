"""What the rules of a root say about a path, as values: a match, a skip, or none; and how far each rule came."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from config.settings import RuleSettings

#: The placeholders with a meaning (targets); any other name is a rule's own variable.
TARGETS = (
    "owner", "group", "project", "dataset", "screen", "plate", "run", "well", "row", "column", "field", "image",
    "channel", "z", "t", "tile",
)  # fmt: skip
#: Names that join several files into one image.
DIMENSIONS = ("channel", "z", "t")
#: Names of what files are filed in, from the outside inwards.
CONTAINERS = ("project", "dataset", "screen", "plate", "run")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLookup:
    """What to look up in a table beside the plate: the file's ``name``, the line whose column ``by`` says ``value``."""

    name: str
    by: str
    value: str
    on: str


class RuleMatch(NamedTuple):
    """The first rule that matches, with all it says. Names of people and groups are texts still.

    A tuple, because there are millions.

    ``captures`` are the texts of the placeholders as they stand in the path; ``targets`` what captures and
    ``set`` together give, as text (``well`` as "B3", numbers without leading zeros): what an example's ``gives``
    is compared with. ``sources`` says for owner and group where the text came from: "folder 'ab3c'",
    "file name 'ab3c'", "set".
    """

    rule: str
    index: int  # type: ignore[assignment]  # a number here, not the search in a tuple
    template: str
    settings: RuleSettings
    captures: Mapping[str, str]
    targets: Mapping[str, str]
    sources: Mapping[str, str] = MappingProxyType({})
    #: Zero-based row and column.
    well: tuple[int, int] | None = None
    #: The number that the name gives: values are never shifted.
    field: int | None = None
    container_owner: str | None = None
    tags: tuple[str, ...] = ()
    key_values: tuple[tuple[str, str], ...] = ()
    table: TableLookup | None = None
    description: str | None = None
    #: Numbers, from 0, of the folders whose names hold a captured `channel`, `z` or `t`.
    spread: frozenset[int] = frozenset()
    #: How many folders lead to that of the deepest container, itself included; 0 where no folder names one.
    container_depth: int = 0
    #: The name of the file whose appearance says that all is written.
    marker: str | None = None
    #: What makes it the same rule wherever it stands (`config.rule_compile.rule_identity`).
    identity: str = ""
    #: Why the file is held although the rule matches: a lookup without an entry ...
    held: str | None = None
    #: The same for matches that differ in captures, and in what names of files give of image, channel, z and t, only.
    #: None: unknown.
    likeness: object = None

    def shared(self) -> "RuleMatch":
        """Give the match as one that others are made like."""
        return self._replace(likeness=object())

    def of_another(
        self, captures: Mapping[str, str], targets: Mapping[str, str], values: Mapping[str, object]
    ) -> "RuleMatch":
        """Give the match of a file that differs in these captures and targets; ``values`` are its well and field."""
        known = {**self.targets, **targets} if targets else self.targets
        made = _new(RuleMatch, (*self[:4], {**self.captures, **captures}, known, *self[6:]))
        return made._replace(**values, likeness=None) if values else made  # type: ignore[arg-type]  # of these two


#: Makes a tuple of its fields in order, without the call by name.
_new = tuple.__new__


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSkip:
    """A rule with ``skip: true`` matches: the file is skipped."""

    rule: str
    index: int
    template: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRuleMatch:
    """No rule of the root matches."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How far one rule came with a path.

    ``stopped_at`` is the part of the template where it stops (its source text), None where it matches, where it would
    have to end, where what `set` gives can't be, and for a `regex`; ``template_offset`` and ``path_offset`` are in
    characters.
    """

    rule: str
    template: str
    is_match: bool
    stopped_at: str | None
    template_offset: int | None
    path_offset: int | None
    message: str
