"""What the machine's accounts say about people and groups: plain values that the catalogue is kept in step with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinePerson:
    """An account that may be a person."""

    name: str
    full_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinePeople:
    """All people, groups that `system_groups` names, and memberships (person's name, group's name) by the machine.

    Groups made from this start private. ``is_known`` is False when the directory service has been out of reach for too
    long: nobody is a member by it then, and nobody new is known.
    """

    people: tuple[MachinePerson, ...] = ()
    groups: tuple[str, ...] = ()
    memberships: frozenset[tuple[str, str]] = frozenset()
    is_known: bool = True
