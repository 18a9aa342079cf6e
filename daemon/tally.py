"""Counts files by headings with the first few of each, in memory that does not grow with the number of files."""

from dataclasses import dataclass, field

#: So many different places are told apart in one tally; what comes later is counted together.
PLACES_AT_MOST = 5000
_EXAMPLES = 3


@dataclass(slots=True)
class Group:
    """How many files share a heading, with the first few."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """Files counted by headings; memory does not grow with the number of files."""

    groups: dict[tuple[str, ...], Group] = field(default_factory=dict)
    others: int = 0

    def add(self, heading: tuple[str, ...], example: str) -> None:
        """Count a file under a heading (outermost first)."""
        group = self.groups.get(heading)
        if group is None:
            if len(self.groups) >= PLACES_AT_MOST:
                self.others += 1
                return
            group = self.groups[heading] = Group()
        group.count += 1
        if len(group.examples) < _EXAMPLES:
            group.examples.append(example)

    @property
    def count(self) -> int:
        """Give the number of all files counted."""
        return self.others + sum(group.count for group in self.groups.values())
