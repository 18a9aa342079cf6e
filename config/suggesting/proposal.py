"""What is proposed for a tree: rules with what they were made from, what each covers, and what stays over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another way to read the same files: ``match`` to put instead, ``when`` in which case."""

    when: str
    match: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A rule as it would stand in a file. ``title`` says what its files are, ``assumed`` what was not certain."""

    title: str
    match: tuple[str, ...]
    skip: bool = False
    layout: str | None = None
    is_posix: bool = False
    sets: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    key_values: Mapping[str, str] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownExample:
    """A path of the tree (its text) with what the rule gives for it, or `skipped`.

    ``is_checkable``: it can stand in a file as an example. Formats that no reader reads yet can't.
    """

    path: str
    gives: Mapping[str, str] | str
    is_checkable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedRule:
    """A draft that compiles, with the number of files it is the first to match and some of them."""

    draft: Draft
    files: int
    examples: tuple[ShownExample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Rules for a tree. ``images`` are all files with the ending of an image; ``uncovered`` those no rule matches.

    ``others`` counts files that are no images, by their ending; ``people`` and ``groups`` are the names that the rules
    find in the folders.
    """

    rules: tuple[ProposedRule, ...]
    images: int
    uncovered: tuple[str, ...]
    others: Mapping[str, int]
    owners: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def covered(self) -> int:
        """Count the images that a rule matches."""
        return self.images - len(self.uncovered)


def share(count: int, total: int) -> float:
    """Give a share, 0 of nothing."""
    return count / total if total else 0.0


def first_of_each_kind(paths: Sequence[str], count: int) -> tuple[str, ...]:
    """Choose a few paths that differ as much as they can: from the beginning, the middle and the end."""
    ordered = sorted(paths)
    if len(ordered) <= count:
        return tuple(ordered)
    return tuple(ordered[number * (len(ordered) - 1) // (count - 1)] for number in range(count))
