"""Decides about files that another file names: they belong to its fileset if the rules give them to the same people.

A name leads to a file only if that was seen below the root, is a plain file, lies in the main file's folder, and is the
same people's by the rules, or nobody's. Anything else keeps the fileset from being read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from catalog import named_files
from catalog.adopting import NamedSighting, adopt, main_of, named_sightings
from catalog.connections import Connection
from config.path_text import path_text
from ingest.deciding import Deciding, placed_of
from ingest.grouping import order_of
from ingest.placement import NotPlaced, Placement

OUTSIDE = "names a file outside its folder"
PART_OF = "part of"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of a main file: it takes ``files`` in; or it is held, or quarantined, for a reason.

    ``is_for_apply``: it is held until somebody says `apply`, which needs to know what it names.
    """

    files: tuple[NamedSighting, ...] = ()
    held: str | None = None
    is_for_apply: bool = False
    quarantined: str | None = None


def adopt_late(connection: Connection, deciding: Deciding, root_id: int, paths: Sequence[bytes]) -> None:
    """Take in files that came after the main file that names them was read."""
    for fileset_id, some in named_files.namers_of(connection, root_id, paths).items():
        fileset = main_of(connection, fileset_id)
        found = named_sightings(connection, root_id, some)
        for file in found.values():
            verdict = judge_named(deciding, fileset, None, [file], is_mutual=False)
            if verdict.files and file.fileset_id != fileset_id:
                adopt(connection, fileset_id, verdict.files, due_at=deciding.now + deciding.root_settle)


def judge_named(
    deciding: Deciding, fileset: Any, main: bytes | None, files: Iterable[NamedSighting], *, is_mutual: bool
) -> Verdict:
    """Decide what becomes of a main file that names files; of several that name each other the first is the main."""
    placement, adopted = fileset.placement, []
    for file in sorted(files, key=lambda one: order_of(one.path)):
        name = path_text(file.path.rpartition(b"/")[2])
        if file.fileset_id == fileset.id:
            adopted.append(file)
            continue
        if file.disposition == "ignored":
            return Verdict(quarantined=f"{OUTSIDE}: {name} is ignored ({file.reason})")
        placed = placed_of(deciding, file.path)
        if _is_others(file, placed, fileset):
            return Verdict(quarantined=f"{OUTSIDE}: {name} is somebody else's by the rules")
        if file.is_done:
            why = f"it describes '{name}', which is catalogued as an image of its own; `coverslip apply` joins them"
            return Verdict(held=why, is_for_apply=True)
        if is_mutual and main is not None and _goes_first(file, placed, main) and fileset.done_digest is None:
            return Verdict(held=f"{PART_OF} the image that '{name}' describes")
        if file.disposition == "held" and not (file.reason or "").startswith(PART_OF):
            continue  # it has a reason of its own, and is waited for
        if placement.get("by") != "names":
            adopted.append(file)
    return Verdict(files=tuple(adopted))


def _is_others(file: NamedSighting, placed: Placement | NotPlaced, fileset: Any) -> bool:
    """Tell whether a file is other people's: as it waits, or by the rules; what is catalogued waits for `apply`."""
    is_by_rule = file.is_done and isinstance(placed, Placement)
    if (
        not is_by_rule
        and file.owner_id is not None
        and (file.owner_id, file.group_id) != (fileset.owner_id, fileset.group_id)
    ):
        return True
    if isinstance(placed, NotPlaced):
        return False
    by_text = (placed.owner, placed.group, placed.is_posix, placed.is_posix_group)
    main = fileset.placement
    return by_text != (main["owner"], main["group"], main["is_posix"], main["is_posix_group"])


def _goes_first(file: NamedSighting, placed: Placement | NotPlaced, main: bytes) -> bool:
    return isinstance(placed, Placement) and order_of(file.path) < order_of(main)
