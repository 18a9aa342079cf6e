"""Orders looks at all files of a fileset of several, and at its marker, and keeps the answers together."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from catalog.looks import DueFileset
from config.path_text import text_path
from ingest.folders import below
from ingest.listing import Entry, LookOrder, NamesLook
from ingest.watched import WatchedRoot


@dataclass(slots=True, kw_only=True)
class SetCheck:
    """A fileset of several files is due, or one that waits for a marker; one answer comes for each of ``folders``."""

    due: DueFileset
    #: Names of the marker, by folder.
    markers: Mapping[bytes, frozenset[bytes]]
    folders: int
    by_folder: dict[bytes, NamesLook] = field(default_factory=dict)

    def take(self, look: NamesLook) -> bool:
        """Keep an answer, also when it comes twice; tells whether all are there."""
        self.by_folder[look.directory] = look
        return self.is_answered

    @property
    def is_answered(self) -> bool:
        """Tell whether all answers came."""
        return len(self.by_folder) >= self.folders

    @property
    def answers(self) -> tuple[NamesLook, ...]:
        """Give what came."""
        return tuple(self.by_folder.values())

    def entries(self) -> Iterator[tuple[bytes, Entry]]:
        """Give what there is, with its path, members and markers alike."""
        for look in self.answers:
            for entry in look.entries:
                yield below(look.directory, entry.name), entry

    @property
    def has_marker(self) -> bool:
        """Tell whether the marker is there."""
        return any(
            entry.name in self.markers.get(look.directory, ()) for look in self.answers for entry in look.entries
        )

    @property
    def is_unknown(self) -> bool:
        """Tell whether something could not be looked at."""
        return any(look.unknown for look in self.answers)


def needs_own_look(due: DueFileset) -> bool:
    """Tell whether more than one file has to be looked at, or counted."""
    return due.grouping != "file" or len(due.members) > 1 or "complete" in due.document


def order_look(root: WatchedRoot, due: DueFileset) -> None:
    """Order the looks, one for each folder."""
    names: dict[bytes, set[bytes]] = {}
    for member in due.members:
        folder, _, name = member.path.rpartition(b"/")
        names.setdefault(folder, set()).add(name)
    markers = _markers(due)
    for folder, some in markers.items():
        names.setdefault(folder, set()).update(some)
    check = SetCheck(due=due, markers=markers, folders=len(names))
    root.looking.add(due.id)
    for folder, wanted in names.items():
        root.look(LookOrder(directory=folder, names=frozenset(wanted), tag=check))


def _markers(due: DueFileset) -> dict[bytes, frozenset[bytes]]:
    """Give the marker's possible names in each folder from the files' upwards to the deepest container's."""
    complete = due.document.get("complete") or {}
    if not complete.get("marker"):
        return {}
    written = (complete["marker"], unicodedata.normalize("NFD", complete["marker"]))
    names = frozenset(text_path(name) for name in written)
    folders: dict[bytes, frozenset[bytes]] = {}
    for folder in {member.path.rpartition(b"/")[0] for member in due.members}:
        parts = folder.split(b"/") if folder else []
        for depth in range(min(complete["marker_depth"], len(parts)), len(parts) + 1):
            folders[b"/".join(parts[:depth])] = names
    return folders
