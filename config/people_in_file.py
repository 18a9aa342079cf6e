"""Checks of ``groups`` and ``users``: names that clash, are reserved, or point to nothing in this file.

Members need not stand under ``users``: a member is known by that alone. A group may be made on the command line, so
an unknown one is an error only in a file that declares groups itself: there it is nearly always a slip of the pen.
"""

import difflib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from config.problems import Problem, Severity, problem_at
from config.settings import GroupSettings, Settings, SourceMark, UserSettings

#: Accounts that are never a person, and the name under which the program itself acts.
RESERVED_USERS = frozenset({"root", "nobody", "system", "posix"})
RESERVED_GROUPS = frozenset({"root", "nogroup", "system", "posix"})


def check_people(settings: Settings) -> tuple[Problem, ...]:
    """Find what is wrong with the people of a file."""
    return (
        *_reserved(settings),
        *_clashing_aliases("groups", settings.groups, settings),
        *_clashing_aliases("users", settings.users, settings),
        *_twice(settings),
        *_default_groups(settings),
        *_groups_in_rules(settings),
        *_shared(settings),
    )


def _at(settings: Settings, key: str, message: str, hint: str | None = None, *, is_warning: bool = False) -> Problem:
    mark = settings.marks.get(key, SourceMark(file=str(settings.file), line=1, column=1))
    severity = Severity.WARNING if is_warning else Severity.ERROR
    return problem_at(mark, key, message, hint, severity=severity)


def _people_named(settings: Settings) -> Iterator[tuple[str, str]]:
    """Give each place that names a person, as (dotted key, name)."""
    for name, user in settings.users.items():
        yield f"users.{name}", name
        yield from ((f"users.{name}.aliases.{i}", alias) for i, alias in enumerate(user.aliases))
    for name, group in settings.groups.items():
        for key, names in (("owners", group.owners), ("members", group.members)):
            yield from ((f"groups.{name}.{key}.{i}", person) for i, person in enumerate(names or ()))


def _reserved(settings: Settings) -> Iterator[Problem]:
    for key, name in _people_named(settings):
        if name.casefold() in RESERVED_USERS:
            yield _at(settings, key, f"{name!r} is never a person", "give the person's own login")
    for name, group in settings.groups.items():
        named = [(f"groups.{name}", name), *((f"groups.{name}.aliases.{i}", a) for i, a in enumerate(group.aliases))]
        for key, text in named:
            if text.casefold() in RESERVED_GROUPS:
                yield _at(settings, key, f"{text!r} is never a group", "choose another name")


def _clashing_aliases(
    section: str, named: dict[str, GroupSettings] | dict[str, UserSettings], settings: Settings
) -> Iterator[Problem]:
    """Find an alias that is another one's name or alias: the folder would be anybody's."""
    taken = {name: name for name in named}
    for name, one in named.items():
        for number, alias in enumerate(one.aliases):
            holder = taken.setdefault(alias, name)
            if holder != name:
                where = settings.marks.get(f"{section}.{holder}")
                text = f"{alias!r} means {holder!r} already" + (f", in line {where.line}" if where else "")
                yield _at(settings, f"{section}.{name}.aliases.{number}", text, "an alias can mean only one")


def _twice(settings: Settings) -> Iterator[Problem]:
    for name, group in settings.groups.items():
        for key, names in (("owners", group.owners), ("members", group.members)):
            for number, person in enumerate(names or ()):
                if person in (names or ())[:number]:
                    yield _at(settings, f"groups.{name}.{key}.{number}", f"{person!r} stands in this list already")


def _default_groups(settings: Settings) -> Iterator[Problem]:
    for name, user in settings.users.items():
        key = f"users.{name}.default_group"
        if user.default_group is None:
            continue
        group = settings.groups.get(user.default_group)
        if group is None:
            yield from _unknown_group(settings, key, user.default_group, is_warning=False)
        elif group.members is not None and name not in {*group.members, *(group.owners or ())}:
            text = f"{name!r} is not a member of {user.default_group!r}"
            yield _at(settings, key, text, f"add {name} to groups.{user.default_group}.members")


def _unknown_group(settings: Settings, key: str, name: str, *, is_warning: bool) -> Iterator[Problem]:
    known = {**{n: n for n in settings.groups}, **{a: n for n, g in settings.groups.items() for a in g.aliases}}
    is_from_machine = any(fnmatchcase(name, pattern) for pattern in settings.people.system_groups)
    if not settings.groups or is_from_machine or (is_warning and name in known):
        return
    near = known[name] if name in known else next(iter(_near(name, known)), None)
    hint = f"did you mean {near}?" if near else f"declare it under groups, `{name}:` alone will do"
    yield _at(settings, key, f"there is no group {name!r} in this file", hint, is_warning=is_warning)


def _near(name: str, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)


def _groups_in_rules(settings: Settings) -> Iterator[Problem]:
    """Find groups that roots and rules name outright: files would be held, so this is a warning."""
    for number, watch in enumerate(settings.watch, 1):
        here = f"watch.{number}"
        named = [(f"{here}.default.group", watch.default.group, watch.marks.get("default.group", watch.mark))]
        named += [
            (f"{here}.rules.{place}.set.group", rule.set.get("group"), rule.marks.get("set.group", rule.mark))
            for place, rule in enumerate(watch.rules, 1)
        ]
        for key, group, mark in named:
            if group is None or group == "posix" or set(group) & set("{}[]\\"):
                continue
            for problem in _unknown_group(settings, key, group, is_warning=True):
                yield problem_at(mark, key, problem.message, problem.hint, severity=Severity.WARNING)


def _shared(settings: Settings) -> Iterator[Problem]:
    for number, account in enumerate(settings.people.shared_accounts):
        if account in settings.users:
            where = settings.marks.get(f"users.{account}")
            text = f"{account!r} is a person" + (f", in line {where.line}" if where else "")
            key = f"people.shared_accounts.{number}"
            yield _at(settings, key, text, "a shared account is never a person; remove one of the two")
