"""Objects as people write them: `image:7`, `dataset:3`, `well:12`."""

import re
from dataclasses import dataclass

from catalog.errors import NotUnderstood

OBJECT_TYPES = ("project", "dataset", "screen", "plate", "well", "image")
_REFERENCE = re.compile(r"([a-z]+):([0-9]{1,18})")
_WELL_LETTERS = re.compile(r"([A-Za-z]{1,2})0*([1-9][0-9]{0,2})")
_WELL_NUMBERS = re.compile(r"[rR]([0-9]{1,3})[cC]([0-9]{1,3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectReference:
    """The type and id of an object; ``str`` writes it as `parse_reference` reads it."""

    type: str
    id: int

    def __str__(self) -> str:
        """Give TYPE:ID."""
        return f"{self.type}:{self.id}"


def parse_reference(text: str, *, types: tuple[str, ...] = OBJECT_TYPES) -> ObjectReference:
    """Read `TYPE:ID`; raises NotUnderstood naming the types that fit."""
    found = _REFERENCE.fullmatch(text.strip())
    if found is None or found[1] not in types:
        examples = ", ".join(f"{name}:7" for name in types)
        raise NotUnderstood(f"'{text}' is no object; write one as {examples}")
    return ObjectReference(type=found[1], id=int(found[2]))


def parse_well(text: str) -> tuple[int, int]:
    """Read a well's name ("B3", "b03", "r02c03") into zero-based row and column."""
    if letters := _WELL_LETTERS.fullmatch(text.strip()):
        row = 0
        for letter in letters[1].upper():
            row = row * 26 + ord(letter) - ord("A") + 1
        return row - 1, int(letters[2]) - 1
    numbers = _WELL_NUMBERS.fullmatch(text.strip())
    if numbers is None or int(numbers[1]) == 0 or int(numbers[2]) == 0:
        raise NotUnderstood(f"'{text}' is no well; write one as B3 or r02c03")
    return int(numbers[1]) - 1, int(numbers[2]) - 1
