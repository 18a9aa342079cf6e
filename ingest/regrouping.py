"""Holds new files that changed rules would join with what is catalogued otherwise: only `apply` merges and splits.

The planes of an image have names that differ in a few digits: what the new rules would join a file with lies next to it
in the order of names. That is what is asked, and only where there ever were other rules.
"""

from collections.abc import Sequence
from dataclasses import replace

from catalog.connections import Connection
from catalog.looks import SeenFile
from catalog.name_neighbours import NearFile, had_other_rules, known_keys, near_files
from config.path_text import path_text
from ingest.deciding import Deciding, placed_of
from ingest.filesets import image_key
from ingest.placement import NotPlaced, Ownership


def hold_regrouped(
    connection: Connection, deciding: Deciding, root_id: int, files: Sequence[SeenFile], configuration_id: int | None
) -> list[SeenFile]:
    """Hold those files of a batch that would join catalogued ones, naming both."""
    return (
        hold_joining(connection, deciding, root_id, files, configuration_id)
        if had_other_rules(connection)
        else [*files]
    )


def hold_joining(
    connection: Connection, deciding: Deciding, root_id: int, files: Sequence[SeenFile], configuration_id: int | None
) -> list[SeenFile]:
    """As `hold_regrouped`, where there were other rules, or may have been."""
    by_key: dict[bytes, SeenFile] = {}
    for file in files:
        if file.fileset is not None and file.captured is not None:
            by_key.setdefault(file.fileset.key, file)
    if not by_key:
        return list(files)
    new = set(by_key) - known_keys(connection, root_id, list(by_key))
    reasons: dict[bytes, str] = {}
    for key in new:
        file = by_key[key]
        near = near_files(connection, root_id, file.directory, file.name, configuration_id)
        other = next((one for one in near if _key_now(deciding, one) == key), None)
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
    return replace(file, disposition="held", reason=reason, fileset=None, captured=None, group_id=group_id)
