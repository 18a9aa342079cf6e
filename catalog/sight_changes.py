"""Who gains or loses sight of images when people, levels or owners change: by the one truth table, before and after."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from catalog.models.images import Image
from catalog.permissions import Acting, Action, may_on

#: Whose images are, by (owner id, group id).
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSight:
    """How many images, catalogued already, a person will see and does not now, and the other way round."""

    gains: int
    loses: int


def owned_counts(connection: Connection) -> Counter[Pair]:
    """Count all images by owner and group."""
    query = select(Image.owner_id, Image.group_id, func.count()).group_by(Image.owner_id, Image.group_id)
    return Counter({(owner_id, group_id): count for owner_id, group_id, count in connection.execute(query)})


def sight_changes(
    before: Iterable[Acting], after: Iterable[Acting], owned: Counter[Pair], moved: Mapping[tuple[Pair, Pair], int]
) -> dict[str, PersonSight]:
    """Say by name who gains or loses; ``moved`` counts images by old and new pair, out of all those in ``owned``."""
    old, new = _by_name(before), _by_name(after)
    ways = _all_ways(owned, moved)
    found = {}
    for name in sorted(old.keys() | new.keys()):
        sight = _of_person(old.get(name), new.get(name), ways)
        if sight.gains or sight.loses:
            found[name] = sight
    return found


def _by_name(people: Iterable[Acting]) -> dict[str, Acting]:
    return {person.name: person for person in people}


def _all_ways(owned: Counter[Pair], moved: Mapping[tuple[Pair, Pair], int]) -> list[tuple[Pair, Pair, int]]:
    left = Counter(owned)
    for (pair, _), count in moved.items():
        left[pair] -= count
    return [(pair, pair, count) for pair, count in left.items() if count > 0] + [
        (pair, other, count) for (pair, other), count in moved.items()
    ]


def _of_person(old: Acting | None, new: Acting | None, ways: list[tuple[Pair, Pair, int]]) -> PersonSight:
    gains = loses = 0
    for pair, other, count in ways:
        saw, sees = _sees(old, pair), _sees(new, other)
        gains += count if sees and not saw else 0
        loses += count if saw and not sees else 0
    return PersonSight(gains=gains, loses=loses)


def _sees(person: Acting | None, pair: Pair) -> bool:
    return person is not None and may_on(person, Action.VIEW, group_id=pair[1], owner_id=pair[0])
