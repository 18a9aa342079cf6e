"""Dates in the names of folders: one format for all names of a level, and what stands before and after it. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from config.dates import DateFormat

#: The formats that are tried, with what their text looks like; an earlier one is preferred.
_FORMATS = (
    ("%Y-%m-%d", r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}"),
    ("%Y%m%d", r"[12][0-9]{7}"),
    ("%Y_%m_%d", r"[12][0-9]{3}_[0-9]{2}_[0-9]{2}"),
    ("%Y.%m.%d", r"[12][0-9]{3}\.[0-9]{2}\.[0-9]{2}"),
    ("%d.%m.%Y", r"[0-9]{2}\.[0-9]{2}\.[12][0-9]{3}"),
    ("%d-%m-%Y", r"[0-9]{2}-[0-9]{2}-[12][0-9]{3}"),
    ("%d_%m_%Y", r"[0-9]{2}_[0-9]{2}_[12][0-9]{3}"),
    ("%d%m%Y", r"[0-9]{4}[12][0-9]{3}"),
    ("%y%m%d", r"[0-9]{6}"),
    ("%d%m%y", r"[0-9]{6}"),
    ("%y-%m-%d", r"[0-9]{2}-[0-9]{2}-[0-9]{2}"),
    ("%d-%m-%y", r"[0-9]{2}-[0-9]{2}-[0-9]{2}"),
    ("%y.%m.%d", r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}"),
    ("%d.%m.%y", r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}"),
    ("%y_%m_%d", r"[0-9]{2}_[0-9]{2}_[0-9]{2}"),
    ("%d_%m_%y", r"[0-9]{2}_[0-9]{2}_[0-9]{2}"),
    ("%d%b%Y", r"[0-9]{2}[A-Za-z]{3}[12][0-9]{3}"),
    ("%Y-%m", r"[12][0-9]{3}-[0-9]{2}"),
    ("%Y", r"(?:19|20)[0-9]{2}"),
)
_READERS = tuple(
    (DateFormat.parse(source), re.compile(rf"(?<![0-9A-Za-z])(?:{text})(?![0-9A-Za-z]|[-_.][0-9]{{2}}(?![0-9]))"))
    for source, text in _FORMATS
)
#: A level may hold a few folders of other names: they are left to another rule.
_NEARLY_ALL = 0.8
#: Years that a microscope's files can come from; others are numbers of something else.
_YEARS = range(1990, 2100)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedName:
    """A name in three: the texts before and after its date, separators included, and the date as it stands."""

    before: str
    date: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedNames:
    """Names that all hold a date of one format; the other formats that would read them all, too."""

    format: str
    names: tuple[DatedName, ...]
    also: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Tell whether the names are nothing but dates."""
        return not any(name.before or name.after for name in self.names)


def dated(names: Sequence[str]) -> DatedNames | None:
    """Find the format in which these names hold a date, all but a few; None when there is none.

    Of several, the one whose years lie closest together: `310524` and `010624` are days of 2024.
    """
    fitting = []
    for date, expression in _READERS:
        split = tuple(read for name in names if (read := _read(name, date, expression)))
        if split and len(split) >= _NEARLY_ALL * len(names):
            years = [year for name in split if (year := _year(date, name.date))]
            fitting.append((date.source, split, max(years) - min(years)))
    fitting.sort(key=lambda found: (-len(found[1]), found[2]))
    if not fitting:
        return None
    source, found, span = fitting[0]
    same = tuple(other for other, split, years in fitting[1:] if split == found and years <= span + 1)
    return DatedNames(format=source, names=found, also=same)


def _year(date: DateFormat, text: str) -> int:
    value = date.read(text)
    return value.year if value else 0


def _read(name: str, date: DateFormat, expression: re.Pattern[str]) -> DatedName | None:
    for found in expression.finditer(name):
        value = date.read(found[0])
        if value is not None and value.year in _YEARS:
            return DatedName(before=name[: found.start()], date=found[0], after=name[found.end() :])
    return None
