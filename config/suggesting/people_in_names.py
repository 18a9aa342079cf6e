"""Whether names of folders are people's or groups': by who is known, by their form, by usual words. Pure."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from config.suggesting.vocabulary import FAMILY_NAMES, GIVEN_NAMES, GROUP_NAME, WORK_WORDS

#: From this mean on a level's names are taken for people's, wherever the level is.
SURELY_PEOPLE = 0.6
#: From this mean on they may be people's, where people usually stand.
MAYBE_PEOPLE = 0.35

_WORDS = re.compile(r"[^\W\d_]+")
#: The words of `CovidScreen` and `TSeries`.
_CAPITALIZED = re.compile(r"[A-ZÀ-ÖØ-Þ]?[a-zß-öø-ÿ]+")
_PART = re.compile(r"[^\W_]+")
_LOGIN = re.compile(r"[a-z]{2,4}[0-9][a-z0-9]{0,5}")
_INITIALS = re.compile(r"[A-ZÄÖÜ]{2,3}")
#: A family name of two kanji with a given name, in kanji or kana: `佐藤花子`.
_KANJI_NAME = re.compile(
    rf"(?:{'|'.join(name for name in sorted(FAMILY_NAMES) if len(name) > 1 and ord(name[0]) > 0x3000)})"
    r"[ 　]?[\u3041-\u30ff\u4e00-\u9fff々]{1,4}"
)
_CAPITAL = r"[A-ZÀ-ÖØ-Þ]"
_SMALL = r"[a-zß-öø-ÿ'\-]"
_FULL_NAME = re.compile(
    rf"{_CAPITAL}{_SMALL}+[ _,.]+{_CAPITAL}(?:{_SMALL}+|\.?)|{_CAPITAL}\.?[ _]?{_CAPITAL}{_SMALL}{{2,}}|"
    rf"{_CAPITAL}{_SMALL}+{_CAPITAL}{_SMALL}{{2,}}|[a-z]+\.[a-z]{{2,}}"
)
_ONE_WORD = re.compile(rf"(?:{_CAPITAL}|[a-z]){_SMALL}{{2,10}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNames:
    """Names under which people and groups are known, logins and aliases, compared without case."""

    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    @classmethod
    def of(cls, users: Iterable[str], groups: Iterable[str]) -> "KnownNames":
        """Fold the names."""
        return cls(users=frozenset(map(str.casefold, users)), groups=frozenset(map(str.casefold, groups)))


def share_of_users(names: Collection[str], known: KnownNames) -> float:
    """Give the share of names that are known people's."""
    return sum(name.casefold() in known.users for name in names) / max(len(names), 1)


def share_of_groups(names: Collection[str], known: KnownNames) -> float:
    """Give the share of names that are known groups' or are called like groups."""
    return sum(name.casefold() in known.groups or bool(GROUP_NAME.search(name)) for name in names) / max(len(names), 1)


def likeness(names: Collection[str], known: KnownNames) -> float:
    """Say how much a level's names look like people's, 0 to 1."""
    return sum(_person(name, known) for name in names) / max(len(names), 1)


def _person(name: str, known: KnownNames) -> float:
    if name.casefold() in known.users:
        return 1.0
    words = [word.casefold() for word in _WORDS.findall(name)]
    parts = [word.casefold() for word in _CAPITALIZED.findall(name)]
    if not words or len(_PART.findall(name)) > 3 or any(word in WORK_WORDS for word in (*words, *parts)):
        return 0.0
    if any(word in GIVEN_NAMES for word in words):
        return 1.0
    if any(word in FAMILY_NAMES or word[1:] in FAMILY_NAMES for word in words) or _KANJI_NAME.fullmatch(name):
        return 0.9
    for form, worth in ((_LOGIN, 0.9), (_FULL_NAME, 0.8), (_INITIALS, 0.5), (_ONE_WORD, 0.4)):
        if form.fullmatch(name):
            return worth
    return 0.0
