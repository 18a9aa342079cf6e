"""Holds new files that changed rules would join with what is catalogued otherwise: only `apply` merges and splits.

What the new rules would join a file with lies in its folder, or, where a folder holds a dimension, in those beside
it. The rules are asked once about each catalogued file there, as long as they are the same, and only where there ever
were other rules.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence

from catalog.connections import Connection
from catalog.looks import SeenFile
from catalog.name_neighbours import (
    NearFile,
    file_of_other_rules,
    files_of_other_rules,
    folders_beside,
    known_keys,
)
from config.path_text import path_text, text_path
from ingest.deciding import Deciding, placed_of
from ingest.filesets import image_key
from ingest.placement import NotPlaced, Ownership

#: More catalogued files than this are not asked about for one new file: those in its own folder come first.
ASKED_AT_MOST = 100_000
#: So many keys are remembered; the folders that were asked about longest ago are forgotten.
KEPT_AT_MOST = 200_000


class KeysNow:
    """The images to which catalogued files of a root belong by the rules of now, folder by folder, as far as asked."""

    def __init__(self) -> None:
        self._configuration_id: int | None = None
        self._folders: OrderedDict[bytes, Mapping[bytes, bytes]] = OrderedDict()

    def find(
        self, connection: Connection, deciding: Deciding, root_id: int, configuration_id: int | None, file: SeenFile
    ) -> NearFile | None:
        """Find a catalogued file that the rules of now put into the image of a new one."""
        if file.fileset is None:
            return None
        if configuration_id != self._configuration_id:
            self._folders.clear()
            self._configuration_id = configuration_id
        key, left = file.fileset.key, ASKED_AT_MOST
        for folder in _folders(connection, root_id, file):
            keys = self._folders.get(folder)
            if keys is None:
                keys = self._asked(connection, deciding, root_id, folder, left)
                left -= len(keys)
            found = _still(connection, deciding, root_id, configuration_id, keys.get(key), key)
            if found is not None:
                return found
            if left <= 0:
                return None
        return None

    def _asked(
        self, connection: Connection, deciding: Deciding, root_id: int, folder: bytes, most: int
    ) -> Mapping[bytes, bytes]:
        """Ask the rules about the files of a folder; gives one path for each image that they make of several."""
        found: dict[bytes, bytes] = {}
        for number, near in enumerate(files_of_other_rules(connection, root_id, folder, self._configuration_id)):
            if number >= most:
                return found  # not whole: it is not remembered
            key = _key_now(deciding, near)
            if key is not None:
                found.setdefault(key, near.path)
        self._folders[folder] = found
        while sum(map(len, self._folders.values())) > KEPT_AT_MOST and len(self._folders) > 1:
            self._folders.popitem(last=False)
        return found


def _folders(connection: Connection, root_id: int, file: SeenFile) -> Iterator[bytes]:
    """Give the folders where files of the same image may lie: the file's own, then those with another dimension."""
    yield file.directory
    kept = file.fileset.document.get("folder") if file.fileset is not None else None
    parts = path_text(file.directory).split("/")
    same = (kept or "").split("/") if kept else []
    if kept is None or len(same) == len(parts):
        return
    shared = next((n for n, (one, other) in enumerate(zip(parts, same, strict=False)) if one != other), len(same))
    above = b"/".join(text_path(part) for part in parts[:shared])
    for folder in folders_beside(connection, root_id, above, len(parts)):
        if folder != file.directory and _holds(path_text(folder).split("/"), same):
            yield folder


def _holds(parts: Sequence[str], same: Sequence[str]) -> bool:
    """Tell whether all of ``same`` stand among a folder's components, in their order."""
    left = iter(parts)
    return all(any(part == wanted for part in left) for wanted in same)


def _still(
    connection: Connection,
    deciding: Deciding,
    root_id: int,
    configuration_id: int | None,
    path: bytes | None,
    key: bytes,
) -> NearFile | None:
    """Give the file at a path if it is catalogued as it was; it may have gone, or been filed anew meanwhile."""
    near = None if path is None else file_of_other_rules(connection, root_id, path, configuration_id)
    return near if near is not None and _key_now(deciding, near) == key else None


def hold_joining(
    connection: Connection,
    deciding: Deciding,
    root_id: int,
    files: Sequence[SeenFile],
    configuration_id: int | None,
    keys_now: KeysNow,
) -> list[SeenFile]:
    """Hold those files of a batch that would join catalogued ones, naming both.

    It is asked only where there were other rules (`catalog.name_neighbours.had_other_rules`), or are going to be.
    """
    by_key: dict[bytes, SeenFile] = {}
    for file in files:
        if file.fileset is not None and file.captured is not None:
            by_key.setdefault(file.fileset.key, file)
    if not by_key:
        return list(files)
    new = set(by_key) - known_keys(connection, root_id, list(by_key))
    reasons: dict[bytes, str] = {}
    for key in new:
        other = keys_now.find(connection, deciding, root_id, configuration_id, by_key[key])
        if other is not None:
            reasons[key] = _reason(other)
    return [_held(file, reasons) for file in files]


def _key_now(deciding: Deciding, file: NearFile) -> bytes | None:
    """Give the key that a catalogued file would have by the rules of now, in the hands it is in."""
    placed = placed_of(deciding, file.path)
    if isinstance(placed, NotPlaced) or not placed.dimensions:
        return None
    return image_key(placed, Ownership(**file.document["ownership"]))


def _reason(other: NearFile) -> str:
    name = path_text(other.path.rpartition(b"/")[2])
    image = other.document["image"]
    return f"the rules now put it into one image with '{name}', catalogued as '{image}'; `coverslip apply` joins them"


def _held(file: SeenFile, reasons: dict[bytes, str]) -> SeenFile:
    if file.fileset is None or file.fileset.key not in reasons:
        return file
    reason, group_id = reasons[file.fileset.key], file.fileset.group_id
    return file._replace(disposition="held", reason=reason, fileset=None, captured=None, group_id=group_id)
