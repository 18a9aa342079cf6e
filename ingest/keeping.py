"""Who keeps the ids when changed rules group catalogued files otherwise: images that become one, or several. Pure.

Each fileset offers its ids to the image that its first file (in natural order) goes to. Of several that are offered to
one image, those that people worked on come first, then the oldest. What is not kept goes into the one that is.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalog.captured import in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A catalogued fileset with what the rules make of its files: (key of the image, captured), in natural order.

    ``image_id`` is that of its oldest image. ``is_other``: its own files are grouped, or read, otherwise than they are.
    ``problem`` is why it has to stay as it is. ``is_of_set``: it describes itself, or is to be part of what does.
    """

    fileset_id: int
    image_id: int
    is_noted: bool
    files: tuple[tuple[bytes, str | None], ...]
    is_other: bool = False
    problem: str | None = None
    is_of_set: bool = False

    @property
    def keys(self) -> tuple[bytes, ...]:
        """Give the keys of the images that its files go to, each once; the first is what its ids are offered to."""
        return tuple(dict.fromkeys(key for key, _ in self.files))


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """Filesets that have files for the same images, and what becomes of them. With a ``problem`` all stay as they are.

    ``keepers`` are filesets by the key of the image that has their ids from now on; ``goes_to`` the keys that filesets
    are offered to. A key without keeper is a new image.
    """

    goes_to: Mapping[int, bytes]
    keepers: Mapping[bytes, int]
    divided: frozenset[int]
    problem: str | None = None
    #: A set that describes itself comes about, or is parted: its main file is no image's before, or after.
    is_of_set: bool = False

    def keeper_of(self, fileset_id: int) -> int:
        """Give the fileset that a fileset's notes belong to from now on: itself, or the one it goes into."""
        return self.keepers[self.goes_to[fileset_id]]


def who_keeps(standings: Iterable[Standing]) -> dict[bytes, int]:
    """Give, by key, the fileset whose ids an image keeps; keys that none is offered to are left out."""
    keepers: dict[bytes, int] = {}
    for one in sorted(standings, key=lambda one: (not one.is_noted, one.image_id, one.fileset_id)):
        keepers.setdefault(one.keys[0], one.fileset_id)
    return keepers


def joints_of(standings: Sequence[Standing], problems: Mapping[bytes, str]) -> list[Joint]:
    """Give what has to change, as parts that have nothing to do with each other; ``problems`` are those of keys."""
    found = []
    for some in _connected([one for one in standings if one.files]):
        if len(some) == 1 and len(some[0].keys) == 1 and not some[0].is_other:
            continue
        goes_to = {one.fileset_id: one.keys[0] for one in some}
        found.append(
            Joint(
                goes_to=goes_to,
                keepers=who_keeps(some),
                divided=frozenset(one.fileset_id for one in some if len(one.keys) > 1),
                problem=_problem(some, problems),
                is_of_set=any(one.is_of_set for one in some),
            )
        )
    return found


def _problem(some: Sequence[Standing], problems: Mapping[bytes, str]) -> str | None:
    own = next((one.problem for one in some if one.problem is not None), None)
    of_key = next((problems[key] for one in some for key in one.keys if key in problems), None)
    return own or of_key or _clash(file for one in some for file in one.files)


def _clash(files: Iterable[tuple[bytes, str | None]]) -> str | None:
    """Say that two files would have the same place in one image: nobody can tell which of them is meant."""
    seen: set[tuple[bytes, str]] = set()
    for key, captured in files:
        if captured is not None and (key, captured) in seen:
            return f"two of its files would be {in_words(captured)} of one image"
        if captured is not None:
            seen.add((key, captured))
    return None


def _connected(standings: Collection[Standing]) -> list[list[Standing]]:
    """Put together what shares a key, directly or through others."""
    above: dict[bytes, bytes] = {}

    def top(key: bytes) -> bytes:
        while above.setdefault(key, key) != key:
            above[key] = above[above[key]]
            key = above[key]
        return key

    for one in standings:
        for key in one.keys[1:]:
            above[top(key)] = top(one.keys[0])
    parts: dict[bytes, list[Standing]] = {}
    for one in standings:
        parts.setdefault(top(one.keys[0]), []).append(one)
    return list(parts.values())
