"""What each level of folders says: group, owner, date, or a name for people to read. Pure."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise

from config.suggesting.dates_in_names import DatedNames, dated
from config.suggesting.people_in_names import (
    MAYBE_PEOPLE,
    SURELY_PEOPLE,
    KnownNames,
    likeness,
    share_of_groups,
    share_of_users,
)
from config.suggesting.tails import literal
from config.suggesting.vocabulary import CONTAINER_WORDS, KIND_OF_WORK, MICROSCOPE

#: More folders of general words than this are a list nobody wants to read.
_MOST_WORDS = 6
_YEAR = "{day:%Y}"
_DAY_GIVEN = re.compile(r"\{day:[^}]*\} ?")
_MONTH = re.compile("0[1-9]|1[0-2]")
_DATE = re.compile("0[1-9]|[12][0-9]|3[01]")


class LevelRole(StrEnum):
    """What a level is."""

    GROUP = "group"
    OWNER = "owner"
    MICROSCOPE = "microscope"
    #: Folders called `raw` or `images`: they hold something and say nothing.
    WORDS = "words"
    #: The name holds a date, and perhaps an owner.
    DATED = "dated"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of folders. ``template`` is its part of a match with ``{name}`` where a TEXT's name is still open.

    ``gives`` are placeholders in it that a dataset's name is made of, ``assumed`` a sentence for people.
    """

    role: LevelRole
    template: str
    gives: tuple[str, ...] = ()
    has_owner: bool = False
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """Folders above images, each with its number of images, as far as they have the same beginnings."""

    counts: Mapping[tuple[str, ...], int]
    known: KnownNames = field(default_factory=KnownNames)

    @property
    def deepest(self) -> int:
        """Give the greatest number of folders."""
        return max(map(len, self.counts), default=0)

    def names(self, level: int) -> Counter[str]:
        """Give the names at a level with their images."""
        found: Counter[str] = Counter()
        for head, count in self.counts.items():
            if len(head) > level:
                found[head[level]] += count
        return found

    def recurring(self, level: int) -> tuple[str, ...]:
        """Find names of the level below that stand below several names of this level."""
        parents: dict[str, set[str]] = defaultdict(set)
        for head in self.counts:
            if len(head) > level + 1:
                parents[head[level + 1]].add(head[level])
        return tuple(sorted(name for name, above in parents.items() if len(above) > 1))


def levels_of(heads: Heads) -> list[Level]:
    """Say what each level of these folders is, from the top on."""
    found: list[Level] = []
    for level in range(heads.deepest):
        new = _calendar(tuple(heads.names(level)), found) or _level(heads, level, found)
        found = [*_with_one_day(found, new), new]
    return _with_owner_below_group(heads, found)


def _calendar(names: Sequence[str], above: Sequence[Level]) -> Level | None:
    """Read the months below years, and the days below months: `2024/03/17`."""
    if not above or not names:
        return None
    for template, part, expression in ((_YEAR, "month", _MONTH), ("{month:2d}", "date", _DATE)):
        if above[-1].template == template and all(expression.fullmatch(name) for name in names):
            return Level(role=LevelRole.DATED, template=f"{{{part}:2d}}", gives=(f"-{{{part}}}",))
    return None


def _with_one_day(above: list[Level], new: Level) -> list[Level]:
    """Let the dates above days (`2024/2024-03-17`, `20240317/20240317_actin`) give nothing: the lowest says it all."""
    if "{day:" not in new.template:
        return above
    return [replace(one, template=one.template.replace("{day:", "{:"), gives=_without_day(one.gives)) for one in above]


def _without_day(gives: tuple[str, ...]) -> tuple[str, ...]:
    left = (_DAY_GIVEN.sub("", text) for text in gives)
    return tuple(text for text in left if text)


def _level(heads: Heads, level: int, above: Sequence[Level]) -> Level:
    names = tuple(heads.names(level))
    has_group = any(one.role is LevelRole.GROUP for one in above)
    has_owner = any(one.has_owner for one in above)
    is_above_free = all(one.role is not LevelRole.TEXT for one in above)
    words = _words(names, is_top=all(one.role is LevelRole.WORDS for one in above))
    if words is not None:
        return words
    if not has_owner and share_of_users(names, heads.known) >= 0.5:
        return _owner("", names)
    if not has_group and not has_owner and share_of_groups(names, heads.known) >= 0.5:
        return Level(role=LevelRole.GROUP, template="{group}")
    with_date = _dated(names, heads.known, has_owner=has_owner)
    if with_date is not None:
        return with_date
    if not has_owner and is_above_free:
        evidence = _people_evidence(heads, level, names)
        if evidence:
            return _owner(evidence, names)
    return Level(role=LevelRole.TEXT, template="{name}")


def _owner(evidence: str, names: Sequence[str]) -> Level:
    shown = ", ".join(f"'{name}'" for name in sorted(names)[:3])
    assumed = (f"{shown}{' ...' if len(names) > 3 else ''}: {evidence}, so these are people",) if evidence else ()
    return Level(role=LevelRole.OWNER, template="{owner}", has_owner=True, assumed=assumed)


def _people_evidence(heads: Heads, level: int, names: Sequence[str]) -> str | None:
    """Say why a level's names are people's; None when they are not."""
    alike = likeness(names, heads.known)
    if alike >= SURELY_PEOPLE:
        return "they look like people's names or logins"
    if len(names) < 2 or alike < MAYBE_PEOPLE or heads.deepest < level + 2:
        return None
    recurring = heads.recurring(level)
    if recurring:
        return f"'{recurring[0]}' recurs below several of them"
    return "there are several at the top, with folders below each"


def _words(names: Sequence[str], *, is_top: bool) -> Level | None:
    """Read a level of microscopes at the top, or of words that say nothing."""
    kinds = [name for name in names if KIND_OF_WORK.fullmatch(name)]
    if is_top and len(kinds) < len(names) and all(name in kinds or MICROSCOPE.fullmatch(name) for name in names):
        return Level(role=LevelRole.MICROSCOPE, template="{microscope}")
    is_kinds = is_top and len(kinds) == len(names)
    is_words = is_kinds or all(name.casefold() in CONTAINER_WORDS for name in names)
    if not is_words or len(names) > _MOST_WORDS:
        return None
    texts = sorted({name.casefold(): name for name in sorted(names, reverse=True)}.values())
    template = literal(texts[0]) if len(texts) == 1 else f"{{kind:{'|'.join(map(literal, texts))}}}"
    return Level(role=LevelRole.WORDS, template=template)


def _dated(names: Sequence[str], known: KnownNames, *, has_owner: bool) -> Level | None:
    """Read names that all hold a date, with an owner beside it where the pieces look like people."""
    found = dated(names)
    if found is None or (len(found.format) == 2 and not found.is_whole):
        return None
    assumed: tuple[str, ...] = ()
    if found.also:
        assumed = (f"'{found.names[0].date}' is a date as {found.format}; {' or '.join(found.also)} would fit, too",)
    if found.is_whole:
        template = f"{{day:{found.format}}}"
        return Level(role=LevelRole.DATED, template=template, gives=(_day(found),), assumed=assumed)
    return _compound(found, known, has_owner=has_owner, assumed=assumed)


def _day(found: DatedNames) -> str:
    fields = found.format
    written = "%Y-%m-%d" if "d" in fields else "%Y-%m" if "m" in fields else "%Y"
    return f"{{day:{written}}}"


def _compound(found: DatedNames, known: KnownNames, *, has_owner: bool, assumed: tuple[str, ...]) -> Level | None:
    """Read `owner_date_experiment` and its like; None when no owner is in it: the whole name is then a good name."""
    if has_owner:
        return None
    before = _Side.of([name.before for name in found.names], is_before=True)
    after = _Side.of([name.after for name in found.names], is_before=False)
    if before is None or after is None:
        return None
    day = f"{{day:{found.format}}}"
    if before.texts and _look_like_people(before.texts, known, is_alone=True):
        template = f"{{owner}}{literal(before.separator)}{day}{after.optional('experiment')}"
        return _compound_level(template, found, after.gives("experiment"), before.texts, assumed)
    first = after.first_pieces()
    if first is not None and not before.texts and _look_like_people(first.texts, known, is_alone=False):
        rest = first.rest
        template = f"{day}{literal(after.separator)}{{owner:word}}{rest.optional('experiment')}"
        return _compound_level(template, found, rest.gives("experiment"), first.texts, assumed)
    return None


def _look_like_people(texts: Sequence[str], known: KnownNames, *, is_alone: bool) -> bool:
    distinct = set(texts)
    if share_of_users(distinct, known) >= 0.5:
        return True
    recurs = len(distinct) < len(texts)
    alike = likeness(distinct, known)
    return alike >= SURELY_PEOPLE or (alike >= MAYBE_PEOPLE and (recurs or is_alone) and len(distinct) > 1)


def _compound_level(
    template: str, found: DatedNames, experiment: str, owners: Sequence[str], assumed: tuple[str, ...]
) -> Level:
    shown = ", ".join(f"'{name}'" for name in sorted(set(owners))[:3])
    return Level(
        role=LevelRole.DATED,
        template=template,
        has_owner=True,
        gives=(f"{_day(found)}{experiment}",),
        assumed=(*assumed, f"beside the date stands who it was: {shown}"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """The texts on one side of the dates, without the separator; empty texts: some names end at the date."""

    separator: str
    texts: tuple[str, ...]

    @classmethod
    def of(cls, pieces: Sequence[str], *, is_before: bool) -> "_Side | None":
        """Split the separator off; None when it is not the same everywhere."""
        given = [piece for piece in pieces if piece]
        if not given:
            return cls(separator="", texts=())
        separators = {piece[-1] if is_before else piece[0] for piece in given}
        if len(separators) != 1 or not separators <= set("_- .") or (is_before and len(given) < len(pieces)):
            return None
        texts = tuple((piece[:-1] if is_before else piece[1:]) if piece else "" for piece in pieces)
        return cls(separator=separators.pop(), texts=texts)

    def optional(self, name: str) -> str:
        """Write the side as a part of a template, in brackets where some names lack it."""
        if not any(self.texts):
            return ""
        part = f"{literal(self.separator)}{{{name}}}"
        return part if all(self.texts) else f"[{part}]"

    def gives(self, name: str) -> str:
        """Write the side for a dataset's name."""
        if not any(self.texts):
            return ""
        return f" {{{name}}}" if all(self.texts) else f"[ {{{name}}}]"

    def first_pieces(self) -> "_First | None":
        """Split the first word off each text; None where a text has none or it is no plain word."""
        if not self.texts or not all(self.texts):
            return None
        split = [text.partition(self.separator) for text in self.texts]
        if not all(first.isalnum() for first, _, _ in split):
            return None
        return _First(
            texts=tuple(first for first, _, _ in split),
            rest=_Side(separator=self.separator, texts=tuple(rest for _, _, rest in split)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _First:
    texts: tuple[str, ...]
    rest: _Side


def _with_owner_below_group(heads: Heads, levels: list[Level]) -> list[Level]:
    """Take what stands below a group's folder for the owner, where no other level is."""
    if any(level.has_owner for level in levels):
        return levels
    for number, (above, level) in enumerate(pairwise(levels), 1):
        names = tuple(heads.names(number))
        if above.role is LevelRole.GROUP and level.role is LevelRole.TEXT and likeness(names, heads.known) > 0:
            return [*levels[:number], _owner("they stand below a group's folder", names), *levels[number + 1 :]]
    return levels
