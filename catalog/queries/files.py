"""Where the files of images lie, and the state that they give an image."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, RowMapping, select

from catalog.models.images import OriginalFile
from catalog.models.ingest import Sighting
from catalog.names import display
from catalog.permissions import Acting
from catalog.state_sql import facts, facts_of
from catalog.states import REASONS, FileState, Mark, State, state_of
from catalog.visibility import visible

_ORDER = {state: place for place, state in enumerate(State)}
_NOWHERE = FileState(state=State.MISSING, reason=REASONS[State.MISSING])


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """One place of an original file; root and path are None when no place of it is known.

    ``is_there`` is False for the last places of a file that is missing.
    """

    root: str | None
    path: str | None
    size_bytes: int
    hash: str | None
    is_there: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesetFiles:
    """The places of all files of a fileset, in order, and the fileset's state."""

    locations: tuple[Location, ...] = ()
    state: FileState = field(default=_NOWHERE)


def files_of(connection: Connection, acting: Acting, fileset_ids: Iterable[int]) -> Mapping[int, FilesetFiles]:
    """Give places and state of these filesets; one that the viewer may not see has neither.

    A file's state is that of its best place (a copy in storage keeps an image from being missing); a fileset's is
    the worst of its files', and it is marked as damaged where one place of one of them is. Places where a file is no
    longer are told only when it has no other.
    """
    originals = _originals(connection, acting, fileset_ids)
    sightings = _sightings(connection, list(originals))
    found: dict[int, FilesetFiles] = defaultdict(FilesetFiles)
    for fileset_id, rows in originals.items():
        best = [_best(sightings[row["id"]]) for row in rows]
        locations = [place for row in rows for place in _locations(row, sightings[row["id"]])]
        worst = min(best, key=lambda state: _ORDER[state.state])
        states = [state for row in rows for _, state in sightings[row["id"]]]
        found[fileset_id] = FilesetFiles(locations=tuple(locations), state=_with_damage(worst, states))
    return found


def _with_damage(worst: FileState, states: Iterable[FileState]) -> FileState:
    damaged = next((state for state in states if Mark.DAMAGED in state.marks and state.state is State.IMPORTED), None)
    if damaged is None or Mark.DAMAGED in worst.marks:
        return worst
    reason = damaged.reason if worst.state is State.IMPORTED else worst.reason
    return replace(worst, reason=reason, marks=worst.marks | {Mark.DAMAGED})


def path_of(row: RowMapping) -> bytes:
    """Join directory and name of a row, relative to the root."""
    directory: bytes = row["directory_path"]
    name: bytes = row["name"]
    return directory + b"/" + name if directory else name


def _originals(connection: Connection, acting: Acting, fileset_ids: Iterable[int]) -> dict[int, list[RowMapping]]:
    query = (
        select(OriginalFile.id, OriginalFile.fileset_id, OriginalFile.size_bytes, OriginalFile.hash)
        .where(OriginalFile.fileset_id.in_(list(fileset_ids)), visible(acting, OriginalFile))
        .order_by(OriginalFile.fileset_id, OriginalFile.ordinal)
    )
    found: dict[int, list[RowMapping]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        found[row["fileset_id"]].append(row)
    return found


def _sightings(connection: Connection, fileset_ids: list[int]) -> dict[int, list[tuple[RowMapping, FileState]]]:
    """Give the places of the filesets' files; by fileset, for a page of images may have a million files."""
    found: dict[int, list[tuple[RowMapping, FileState]]] = defaultdict(list)
    originals = select(OriginalFile.id).where(OriginalFile.fileset_id.in_(fileset_ids))
    query = facts().where(Sighting.original_file_id.in_(originals)).order_by(Sighting.original_file_id)
    for row in connection.execute(query).mappings():
        found[row["original_file_id"]].append((row, state_of(*facts_of(row))))
    for rows in found.values():
        rows.sort(key=_place_order)
    return found


def _place_order(item: tuple[RowMapping, FileState]) -> tuple[bool, int, int, bytes]:
    row, state = item
    return row["missing_since"] is not None, -_ORDER[state.state], row["root_id"], path_of(row)


def _best(sightings: list[tuple[RowMapping, FileState]]) -> FileState:
    return sightings[0][1] if sightings else _NOWHERE


def _locations(original: RowMapping, sightings: list[tuple[RowMapping, FileState]]) -> list[Location]:
    present = [row for row, _ in sightings if row["missing_since"] is None] or [row for row, _ in sightings]
    size_bytes, digest = original["size_bytes"], original["hash"]
    if not present:
        return [Location(root=None, path=None, size_bytes=size_bytes, hash=digest)]
    return [
        Location(
            root=row["root_name"],
            path=display(path_of(row)),
            size_bytes=size_bytes,
            hash=digest,
            is_there=row["missing_since"] is None,
        )
        for row in present
    ]
