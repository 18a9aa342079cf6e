"""A snapshot of people and groups for the ingest's decisions: plain values, read in one go."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPerson:
    """An experimenter whose data may be imported; closed ones are in the snapshot, not active."""

    id: int
    name: str
    is_administrator: bool
    is_active: bool
    default_group_id: int | None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownGroup:
    """A group with its permission level."""

    id: int
    name: str
    permissions: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPeople:
    """All people, groups and memberships in force (pairs of experimenter id and group id) at one moment."""

    people: tuple[KnownPerson, ...] = ()
    groups: tuple[KnownGroup, ...] = ()
    members: frozenset[tuple[int, int]] = frozenset()
    group_owners: frozenset[tuple[int, int]] = frozenset()
