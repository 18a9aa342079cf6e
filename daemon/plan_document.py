"""What `plan` and `apply` say: exact counts, and examples of each kind up to a limit, in bounded memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A file under a root, and what a scan makes of it: where it goes and whose it will be, or the reason why not.

    ``target`` names project, dataset, screen, plate, run, well and field, as far as there are; ``came_from`` is where
    a moved file lay.
    """

    path: str
    root: str
    owner: str | None = None
    group: str | None = None
    image: str | None = None
    target: Mapping[str, Any] | None = None
    reason: str | None = None
    came_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledAs:
    """How a catalogued file is filed: the rule's names, the owner and the group."""

    image: str | None
    target: Mapping[str, Any]
    owner: str | None
    group: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """A catalogued file that the rules would file otherwise. ``kinds`` is what `apply` does; ``kept`` differs and
    stays, each with the reason; ``after`` is null where the rules file it nowhere.
    """

    path: str
    root: str
    image_ids: tuple[int, ...]
    kinds: tuple[str, ...]
    kept: Mapping[str, str]
    before: FiledAs
    after: FiledAs | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSummary:
    """Exact counts of files; ``add_images`` is how many images the new ones make, as far as names tell. ``compared``
    are catalogued, `apply` would file ``to_do`` of them anew; ``catalogued`` counts what differs by kind, ``kept``
    what stays by reason. ``looked_up`` are new files below storage roots.

    ``problems`` are roots that could not be looked at, with the reason; ``is_complete`` is false where a list holds
    examples only. ``configuration`` is the version of the file, null when it was never in force; ``in_force`` that
    of the daemon or of the last import.
    """

    scanned: int
    add: int
    add_images: int
    update: int
    move: int
    missing: int
    unmatched: int
    held: int
    unchanged: int
    ignored: int
    skipped: int
    looked_up: int
    compared: int
    to_do: int
    catalogued: Mapping[str, int]
    kept: Mapping[str, int]
    problems: tuple[str, ...]
    is_complete: bool
    configuration: int | None
    in_force: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """How many images, catalogued already, somebody will see and does not now, and the other way round.

    ``gains`` and ``loses`` come with the file itself (members, levels); the other two are what it is in all after
    `apply --change-owners`.
    """

    user: str
    gains: int
    loses: int
    gains_with_change_owners: int
    loses_with_change_owners: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlikeRow:
    """Containers whose names differ in upper and lower case only; most likely one is meant."""

    kind: str
    names: tuple[str, ...]
    group: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDocument:
    """What `import` and `apply` would do now; the lists hold examples up to a limit, the summary's counts are exact."""

    summary: PlanSummary
    add: tuple[FileRow, ...]
    update: tuple[FileRow, ...]
    move: tuple[FileRow, ...]
    change: tuple[ChangeRow, ...]
    missing: tuple[FileRow, ...]
    unmatched: tuple[FileRow, ...]
    held: tuple[FileRow, ...]
    people: tuple[PersonRow, ...]
    alike: tuple[AlikeRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyDocument(PlanDocument):
    """The plan of what is catalogued, and what was done of it: ``done`` counts filesets, ``failed`` those that could
    not be filed as planned, ``problems`` tells them. ``apply`` is the number by which `history` knows it, null when
    there was nothing to do.
    """

    apply: int | None
    done: int
    failed: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoDocument:
    """What was taken back of an `apply`; ``left`` are files that stay as they are, each with the reason."""

    apply: int
    done: int
    left: tuple[str, ...]
