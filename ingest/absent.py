"""Known paths that a walk did not find, kept small: a million of them are some tens of megabytes."""

from collections.abc import Iterable

#: Separates names; no name has it.
_SLASH = b"/"
PAGE_NAMES = 1000


class Absent:
    """Keys (directory id, name) by directory, taken out in pages."""

    __slots__ = ("_names", "lasting")

    def __init__(self) -> None:
        self._names: dict[int, bytearray] = {}
        #: How many of the keys that were put in matter to the brake.
        self.lasting = 0

    def add(self, keys: Iterable[tuple[int, bytes]], *, lasting: int) -> None:
        """Put keys in, with how many of them matter to the brake."""
        self.lasting += lasting
        for directory_id, name in keys:
            names = self._names.setdefault(directory_id, bytearray())
            names += name + _SLASH

    def first(self) -> list[tuple[int, bytes]]:
        """Give the keys of a page: all of one directory, up to so many; they stay in."""
        for directory_id, names in self._names.items():
            return [(directory_id, name) for name in bytes(names).split(_SLASH, PAGE_NAMES)[:PAGE_NAMES] if name]
        return []

    def drop_first(self) -> None:
        """Take out what `first` gives."""
        for directory_id, name in self.first():
            names = self._names[directory_id]
            del names[: len(name) + 1]
            if not names:
                del self._names[directory_id]
