"""The set of watched folders of one root: which watch stands for which folder, both ways."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A watch as the kernel numbers it, and the number under which its callback is registered."""

    watch: int
    callback: int


@dataclass(slots=True)
class WatchedFolders:
    """Folders by path (relative to the root, raw bytes, '' for the root) and by watch number.

    The kernel gives a folder that was moved the watch it already has: the newest path is the true one.
    Not thread-safe: its owner holds a lock.
    """

    _by_path: dict[bytes, Registration] = field(default_factory=dict)
    _by_watch: dict[int, bytes] = field(default_factory=dict)
    _below: dict[bytes, set[bytes]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._by_path)

    def path_of(self, watch: int) -> bytes | None:
        """Give the folder of a watch; None when it is not, or no longer, one of ours."""
        return self._by_watch.get(watch)

    def watch_of(self, path: bytes) -> int | None:
        """Give the watch of a folder; None when it is not watched."""
        registration = self._by_path.get(path)
        return None if registration is None else registration.watch

    def put(self, path: bytes, registration: Registration) -> tuple[Registration, ...]:
        """Note that a folder is watched, and give the registrations that this one replaces."""
        replaced = []
        former_path = self._by_watch.get(registration.watch)
        if former_path is not None:
            replaced.append(self._remove(former_path))
        if path in self._by_path:
            replaced.append(self._remove(path))
        self._by_path[path] = registration
        self._by_watch[registration.watch] = path
        if path:
            self._below.setdefault(parent_of(path), set()).add(path)
        return tuple(replaced)

    def forget(self, watch: int) -> None:
        """Drop a watch that the kernel has removed."""
        path = self._by_watch.get(watch)
        if path is not None:
            self._remove(path)

    def take_tree(self, path: bytes) -> tuple[Registration, ...]:
        """Drop a folder and everything below it, and give what was registered for them."""
        waiting, taken = [path], []
        while waiting:
            current = waiting.pop()
            waiting.extend(self._below.get(current, ()))
            if current in self._by_path:
                taken.append(self._remove(current))
            self._below.pop(current, None)
        return tuple(taken)

    def paths(self) -> frozenset[bytes]:
        """Give all watched folders."""
        return frozenset(self._by_path)

    def _remove(self, path: bytes) -> Registration:
        registration = self._by_path.pop(path)
        del self._by_watch[registration.watch]
        siblings = self._below.get(parent_of(path)) if path else None
        if siblings is not None:
            siblings.discard(path)
            if not siblings:
                del self._below[parent_of(path)]
        return registration


def parent_of(path: bytes) -> bytes:
    """Give the folder that holds a path; '' for what lies directly in the root."""
    return path.rpartition(b"/")[0]


def join(folder: bytes, name: bytes) -> bytes:
    """Put a name below a folder; the root is ''."""
    return folder + b"/" + name if folder else name
