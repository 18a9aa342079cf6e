"""Builds the plan file by file: counts, examples for the document, and tallies for the tree."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog.filings import filing_of
from catalog.known_people import KnownPeople
from catalog.names import display, well_name
from catalog.sight_changes import Pair, PersonSight
from daemon.alike import AlikeNames
from daemon.explaining import target_document
from daemon.plan_document import (
    AlikeRow,
    ChangeRow,
    FiledAs,
    FileRow,
    PersonRow,
    PlanDocument,
    PlanSummary,
)
from daemon.tally import Tally
from ingest.comparing import Kept, Kind
from ingest.placement import Ownership
from ingest.plan_changes import Compared
from ingest.planning import FileFate, PlannedFile

#: The lists of the document, with what goes into them.
LISTED = (FileFate.ADD, FileFate.UPDATE, FileFate.MOVE, FileFate.MISSING, FileFate.UNMATCHED, FileFate.HELD)
NOBODY_KNOWN = "?"


@dataclass(slots=True)
class PlanBuilder:
    """Takes what is planned, one by one. ``limit`` bounds each list of the document."""

    people: KnownPeople
    limit: int
    counts: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    files: dict[FileFate, list[FileRow]] = field(default_factory=lambda: {fate: [] for fate in LISTED})
    changes: list[ChangeRow] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)
    alike: AlikeNames = field(default_factory=AlikeNames)
    problems: list[str] = field(default_factory=list)
    #: Images that change hands, by old and new owner and group: where `--change-owners` is given.
    moved: Counter[tuple[Pair, Pair]] = field(default_factory=Counter)
    #: That new files make, as far as their names tell.
    new_images: int = 0
    compared: int = 0
    #: Filesets of which something would be done.
    to_do: int = 0
    is_complete: bool = True
    _owners: dict[int, str] = field(default_factory=dict)
    _groups: dict[int, str] = field(default_factory=dict)

    def know(self, people: KnownPeople) -> None:
        """Take over people that became known meanwhile."""
        self.people = people
        self._owners = {person.id: person.name for person in people.people}
        self._groups = {group.id: group.name for group in people.groups}

    def add_file(self, root: str, root_path: bytes, planned: PlannedFile) -> None:
        """Take in one file under a root."""
        self.counts[planned.fate.value] += 1
        if planned.fate not in self.files:
            return
        self.new_images += planned.fate is FileFate.ADD and not planned.is_further
        row = self._file_row(root, root_path, planned)
        if len(self.files[planned.fate]) < self.limit:
            self.files[planned.fate].append(row)
        else:
            self.is_complete = False
        self._tally(planned.fate.value).add(self._heading(planned, row), _name(row.path))
        if planned.placement is not None and planned.ownership is not None:
            self.alike.see_target(planned.placement.target, planned.ownership.group_id, self._containers_of(planned))

    def _containers_of(self, planned: PlannedFile) -> int:
        return planned.ownership.container_owner_id if planned.ownership is not None else 0

    def _file_row(self, root: str, root_path: bytes, planned: PlannedFile) -> FileRow:
        placement, owner, group = planned.placement, None, None
        if planned.ownership is not None:
            owner, group = self._whose(planned.ownership)
        return FileRow(
            path=display(root_path.rstrip(b"/") + b"/" + planned.path),
            root=root,
            owner=owner,
            group=group,
            image=None if placement is None else placement.image,
            target=None if placement is None else target_document(placement.target),
            reason=planned.reason,
            came_from=None if planned.came_from is None else display(planned.came_from),
        )

    def _whose(self, ownership: Ownership) -> tuple[str, str]:
        owner = ownership.create_name or self._owners.get(ownership.owner_id, NOBODY_KNOWN)
        return owner, self._groups.get(ownership.group_id, NOBODY_KNOWN)

    def _heading(self, planned: PlannedFile, row: FileRow) -> tuple[str, ...]:
        folder = display(planned.path.rpartition(b"/")[0].partition(b"/")[0]) or "."
        match planned.fate:
            case FileFate.ADD:
                return (f"{row.group} / {row.owner}", place_text(row.target or {}))
            case FileFate.UNMATCHED | FileFate.HELD:
                return (row.reason or "", f"{row.root}: {folder}")
            case FileFate.MOVE:
                return (row.reason or "keeps its ids, filed by the rules", f"{row.root}: {folder}")
            case _:
                return (f"{row.root}: {folder}",)

    def _tally(self, name: str) -> Tally:
        return self.tallies.setdefault(name, Tally())

    def add_change(self, root: str, root_path: bytes, compared: Compared) -> None:
        """Take in one catalogued fileset and what becomes of it; what stays as it is only counts."""
        self.compared += 1
        change, filed = compared.change, compared.filed
        if change.owner is not None and self._would_change_hands(compared):
            self.moved[(filed.owner_id, filed.group_id), change.owner] += len(filed.images)
        if compared.placement is not None:
            document = change.document or filed.document
            self.alike.see(document)
        if not change.kinds and not change.kept:
            return
        self.to_do += bool(change.kinds)
        self.kinds.update(kind.value for kind in change.kinds)
        self.kept.update(reason for kind, reason in change.kept.items() if isinstance(reason, Kept))
        self.kinds.update(kind.value for kind in change.kept if kind in (Kind.UNMATCHED, Kind.HELD, Kind.REGROUPED))
        row = self._change_row(root, root_path, compared)
        if len(self.changes) < self.limit:
            self.changes.append(row)
        else:
            self.is_complete = False
        for kind in row.kinds:
            self._tally("change").add(*_heading_of(kind, row, None))
        for kind, reason in row.kept.items():
            self._tally("stay").add(*_heading_of(kind, row, reason))

    def _would_change_hands(self, compared: Compared) -> bool:
        kept = compared.change.kept.get(Kind.REOWNED)
        return Kind.REOWNED in compared.change.kinds or kept == Kept.NOT_ASKED

    def _change_row(self, root: str, root_path: bytes, compared: Compared) -> ChangeRow:
        filed, change = compared.filed, compared.change
        before = self._filed_as(filed.document, (filed.owner_id, filed.group_id))
        after = None
        if compared.placement is not None:
            document = change.document or filed.document
            owner = change.owner if change.owner is not None else (filed.owner_id, filed.group_id)
            after = self._filed_as(document, owner, change.create_name)
        return ChangeRow(
            path=display(root_path.rstrip(b"/") + b"/" + filed.paths[0]),
            root=root,
            image_ids=tuple(image.id for image in filed.images),
            kinds=tuple(sorted(kind.value for kind in change.kinds)),
            kept={kind.value: str(reason) for kind, reason in sorted(change.kept.items())},
            before=before,
            after=after,
        )

    def _filed_as(self, document: Mapping[str, Any], owner: Pair, create_name: str | None = None) -> FiledAs:
        return FiledAs(
            image=document.get("image"),
            target=stored_target(document),
            owner=create_name or self._owners.get(owner[0], NOBODY_KNOWN),
            group=self._groups.get(owner[1], NOBODY_KNOWN),
        )

    def document(
        self,
        *,
        sight: Mapping[str, PersonSight],
        sight_with_owners: Mapping[str, PersonSight],
        configuration: int | None,
        in_force: int | None,
    ) -> PlanDocument:
        """Give the whole plan."""
        fates = {fate.value: self.counts[fate.value] for fate in FileFate}
        scanned = sum(count for fate, count in fates.items() if fate != FileFate.MISSING)
        summary = PlanSummary(
            scanned=scanned,
            **fates,
            add_images=self.new_images,
            compared=self.compared,
            to_do=self.to_do,
            catalogued=dict(sorted(self.kinds.items())),
            kept=dict(sorted(self.kept.items())),
            problems=tuple(self.problems),
            is_complete=self.is_complete,
            configuration=configuration,
            in_force=in_force,
        )
        lists = {fate.value: tuple(self.files[fate]) for fate in LISTED}
        return PlanDocument(
            summary=summary,
            **lists,
            change=tuple(self.changes),
            people=people_rows(sight, sight_with_owners),
            alike=tuple(self._alike_rows()),
        )

    def _alike_rows(self) -> Sequence[AlikeRow]:
        return [
            AlikeRow(kind=kind, names=names, group=self._groups.get(group_id))
            for kind, group_id, names in self.alike.found()
        ]


def people_rows(sight: Mapping[str, PersonSight], with_owners: Mapping[str, PersonSight]) -> tuple[PersonRow, ...]:
    """Give who gains or loses, by the file alone and in all after `apply --change-owners`."""
    none = PersonSight(gains=0, loses=0)
    rows = []
    for name in sorted(sight.keys() | with_owners.keys()):
        alone, in_all = sight.get(name, none), with_owners.get(name, none)
        rows.append(
            PersonRow(
                user=name,
                gains=alone.gains,
                loses=alone.loses,
                gains_with_change_owners=in_all.gains,
                loses_with_change_owners=in_all.loses,
            )
        )
    return tuple(rows)


def stored_target(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give where a stored placement files, in the form of `explain`."""
    filing = filing_of(document)
    named: dict[str, Any] = {container.kind: container.name for container in filing.containers}
    more = {
        "run": filing.run,
        "well": None if filing.well is None else well_name(*filing.well),
        "field": filing.field,
    }
    return named | {key: value for key, value in more.items() if value is not None}


def place_text(target: Mapping[str, Any]) -> str:
    """Name a place for people: the containers, outermost first."""
    names = [str(target[kind]) for kind in ("project", "dataset", "screen", "plate", "run") if kind in target]
    return " / ".join(names) or "no container"


#: What says too little in the document's few words.
_IN_WORDS = {
    Kind.KEYED.value: "files of these images that come later can join them (until `coverslip apply` those are held)"
}


def _heading_of(kind: str, row: ChangeRow, kept: str | None) -> tuple[tuple[str, ...], str]:
    """Give the heading under which one difference is counted, and an example."""
    before, after, name = row.before, row.after, _name(row.path)
    said = _IN_WORDS.get(kind, kind)
    title = said if kept is None else f"{said}: {kept}"
    if after is None:
        return (title, f"in {place_text(before.target)}"), name
    match kind:
        case Kind.REFILED:
            return (title, f"{_where(before)} -> {_where(after)}"), name
        case Kind.REOWNED:
            return (title, f"{before.group} / {before.owner} -> {after.group} / {after.owner}"), name
        case Kind.KEYED | Kind.REGROUPED | Kind.MERGED | Kind.DIVIDED | Kind.CHANNELS | Kind.ASSOCIATED | Kind.READ:
            return (title, f"images in {place_text(after.target)}"), name
        case Kind.RENAMED:
            return (title, f"images in {place_text(after.target)}"), f"'{before.image}' -> '{after.image}'"
        case _:
            return (title, "tags, key-values or description"), name


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _where(filed: FiledAs) -> str:
    return place_text(filed.target)
