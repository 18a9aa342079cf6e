"""The inbox of hints: where to look, never what is there. Thread-safe; losing one costs latency only."""

import threading
from collections.abc import Collection
from dataclasses import dataclass

#: More names than this in one directory, and the whole directory is looked at instead.
NAMES_AT_MOST = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A directory of a root worth a look; ``names`` is None for all of it, ``is_tree`` for all below it too.

    ``closed`` are the names whose writer has just closed them: with ``settle: 0s`` that is their first look.
    """

    root: str
    directory: bytes
    names: frozenset[bytes] | None
    closed: frozenset[bytes] = frozenset()
    is_tree: bool = False


class Hints:
    """Collects hints from watchers, merged by directory, until the ingest loop takes them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[tuple[str, bytes], set[bytes] | None] = {}
        self._closed: dict[tuple[str, bytes], set[bytes]] = {}
        self._trees: set[tuple[str, bytes]] = set()
        self._overflows: dict[str, int] = {}
        self.arrived = threading.Event()

    def name(self, root: str, directory: bytes, name: bytes, *, closed: bool = False) -> None:
        """Note one name in one directory.

        Only a close wakes the loop at once: what was just created is still being written, and is best looked at when
        it is closed; what is deleted can wait for the loop's next turn.
        """
        key = (root, directory)
        with self._lock:
            known = self._names.setdefault(key, set())
            if known is not None:
                known.add(name)
                if len(known) > NAMES_AT_MOST:
                    self._names[key] = None
            if closed and self._names[key] is not None:
                self._closed.setdefault(key, set()).add(name)
        if closed:
            self.arrived.set()

    def directory(self, root: str, directory: bytes, *, tree: bool = False) -> None:
        """Note a whole directory, with all below it when ``tree``."""
        with self._lock:
            self._names[(root, directory)] = None
            if tree:
                self._trees.add((root, directory))
        self.arrived.set()

    def overflow(self, root: str) -> None:
        """Note that the kernel dropped events of a root: all of it must be scanned."""
        with self._lock:
            self._overflows[root] = self._overflows.get(root, 0) + 1
        self.arrived.set()

    def take(self, limit: int = 1000, *, leave: Collection[str] = ()) -> tuple[list[Hint], dict[str, int]]:
        """Take up to ``limit`` hints and all overflow counts by root; they are gone from the inbox.

        Those of roots in ``leave`` stay, and names that come meanwhile join them; the next turn asks again.
        """
        with self._lock:
            keys = [key for key in self._names if key[0] not in leave] if leave else list(self._names)
            hints = [self._pop(key) for key in keys[:limit]]
            overflows, self._overflows = self._overflows, {}
            if len(keys) <= limit:
                self.arrived.clear()
        return hints, overflows

    def _pop(self, key: tuple[str, bytes]) -> Hint:
        names = self._names.pop(key)
        closed = self._closed.pop(key, set()) if names is not None else set()
        self._closed.pop(key, None)
        is_tree = key in self._trees
        self._trees.discard(key)
        return Hint(
            root=key[0],
            directory=key[1],
            names=None if names is None else frozenset(names),
            closed=frozenset(closed),
            is_tree=is_tree,
        )
