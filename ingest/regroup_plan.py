"""What changed rules make of catalogued files as parts of images: which filesets they join and which they divide.

Names join files, or one of them that describes the others. A walk over those that may be concerned; of the others,
files that are an image each and stay so, nothing is kept.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from catalog.captured import written
from catalog.engine import Catalogue
from catalog.filed import Filed, FilesetKeys, filed_by_ids, filed_page
from catalog.regrouping import has_joined, noted_among, removed_keys, sets_and_owners_of
from config.path_text import path_text
from ingest.comparing import Kept, Options, why_owner_stays, why_place_stays
from ingest.deciding import decide, keys_of
from ingest.described import DescribedSet, Sets, described_sets, own_set, put_aside, without_main
from ingest.grouping import order_of
from ingest.keeping import Joint, Standing, joints_of
from ingest.listing import Entry
from ingest.placement import NotPlaced, Ownership, Placement
from ingest.planning import PlannedRoot, absent, looks, main_looks, main_path

PAGE = 100
_KEYS_AT_ONCE = 500
OTHER_PEOPLE = "the rules say another owner or group for some of its files: an image is of one owner and group"
#: Goes on with why it does not change hands.
OTHER_HANDS = "the rules say another owner or group"
REMOVED = "a person removed the image that its files would be part of"


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedFile:
    """A file of a catalogued fileset with what the rules say of it; ``decided`` is why not, where it has no place.

    Of a set that describes itself they say it of ``main``, whose place is that of all.
    """

    path: bytes
    decided: tuple[Placement, Ownership] | NotPlaced
    filed_by: str
    keys: FilesetKeys | None = None
    captured: str | None = None
    main: bytes | None = None

    def keys_of(self, root: PlannedRoot, placement: Placement, ownership: Ownership) -> FilesetKeys:
        """Give by what its image is found under some ownership."""
        if self.main is None:
            return keys_of(root.deciding, self.path, placement, ownership)
        return keys_of(root.deciding, self.main, placement, ownership)._replace(grouping="index")


@dataclass(frozen=True, slots=True)
class Regroupings:
    """What is to be merged and divided under a root, by fileset which of it concerns it, and the sets it is about."""

    joints: Sequence[Joint] = ()
    by_fileset: Mapping[int, Joint] = field(default_factory=dict)
    sets: Sets = field(default_factory=dict)


def wanted_files(root: PlannedRoot, filed: Filed, main: Entry | None, sets: Sets) -> list[WantedFile]:
    """Ask the rules about each file of a fileset, in natural order, each by who wrote it.

    ``main`` is the look at the main file. One that is not there was written by whoever wrote that. A main file that
    holds no pixels, and whose set is one no more, is left out.
    """
    entries: Mapping[bytes, Entry | None] = looks(root.fd, filed.paths) if len(filed.paths) > 1 else {}
    look = main or absent(filed.paths[0])
    own = own_set(root, filed, main)
    if own is not None and sets.get(own.main, own).main != own.main:
        own = None  # another file describes the one that described these: all of them are that one's
    aside = None if own is not None or put_aside(root, filed, main) is None else main_path(filed)
    if own is not None:
        return [_part(own, path) for path in sorted(filed.paths, key=order_of)]
    paths = (path for path in sorted(filed.paths, key=order_of) if path != aside)
    files = [_wanted(root, filed, path, entries.get(path) or look, sets.get(path)) for path in paths]
    return files if aside is None else [_alone(file) for file in files]


def why_unplaced(files: Iterable[WantedFile]) -> str | None:
    """Name the first file that has no place, with the reason; None where all have one."""
    for file in files:
        if isinstance(file.decided, NotPlaced):
            return f"'{path_text(file.path.rpartition(b'/')[2])}' would have no place: {file.decided.reason}"
    return None


def _alone(file: WantedFile) -> WantedFile:
    """Give a file as the rules place it once the file that described it has left."""
    decided = without_main(file.path, file.decided)
    return file if decided is file.decided else WantedFile(path=file.path, decided=decided, filed_by=file.filed_by)


def _part(one: DescribedSet, path: bytes) -> WantedFile:
    """Give a file of a set: its place is the main file's."""
    return WantedFile(path=path, decided=one.decided, filed_by=one.filed_by, keys=one.keys, main=one.main)


def _wanted(root: PlannedRoot, filed: Filed, path: bytes, look: Entry, of_set: DescribedSet | None) -> WantedFile:
    decided, filed_by = decide(root.deciding, path, look._replace(name=path.rpartition(b"/")[2]))
    if of_set is not None:
        why_not = of_set.why_not(path, decided, (filed.owner_id, filed.group_id))
        if why_not is None:
            return _part(of_set, path)
        return WantedFile(path=path, decided=why_not, filed_by=filed_by)
    if isinstance(decided, NotPlaced):
        return WantedFile(path=path, decided=decided, filed_by=filed_by)
    keys, captured = keys_of(root.deciding, path, *decided), written(decided[0].dimensions)
    return WantedFile(path=path, decided=decided, filed_by=filed_by, keys=keys, captured=captured)


def may_regroup(filed: Filed, files: Sequence[WantedFile], sets: Sets) -> bool:
    """Tell whether names join the files, or one of them does that describes the others, now or by the rules."""
    groupings = {file.keys.grouping for file in files if file.keys is not None} | {filed.keys.grouping}
    return groupings != {"file"} or any(path in sets for path in filed.paths)


def regroupings_of(catalogue: Catalogue, root: PlannedRoot, options: Options) -> Regroupings:
    """Walk over what is catalogued under a root, a page at a time; where nothing is or would be joined, not at all."""
    if root.id is None:
        return Regroupings()
    sets = described_sets(catalogue, root)
    standings: list[Standing] = []
    for page in _pages(catalogue, root.id, sets, is_all=root.deciding.has_sets or _has_sets(catalogue, root.id)):
        mains = main_looks(root, page)
        wanted = {one.fileset_id: wanted_files(root, one, mains.get(one.fileset_id), sets) for one in page if one.paths}
        some = [one for one in page if one.fileset_id in wanted and may_regroup(one, wanted[one.fileset_id], sets)]
        if some:
            with catalogue.reading() as connection:
                noted = noted_among(connection, some)
            standings += [
                _standing(one, wanted[one.fileset_id], options, is_noted=one.fileset_id in noted) for one in some
            ]
    joints = joints_of(standings, _removed(catalogue, root.id, standings))
    return Regroupings(joints, {fileset_id: joint for joint in joints for fileset_id in joint.goes_to}, sets)


def _pages(catalogue: Catalogue, root_id: int, sets: Sets, *, is_all: bool) -> Iterator[list[Filed]]:
    """Give what is catalogued: all where names may join files, else what is, or may be, of a set."""
    if is_all:
        after = 0
        while True:
            with catalogue.reading() as connection:
                page = filed_page(connection, root_id, after_id=after, limit=PAGE)
            if not page:
                return
            after = page[-1].fileset_id
            yield page
    with catalogue.reading() as connection:
        ids = sets_and_owners_of(connection, root_id, sorted(sets))
    for start in range(0, len(ids), PAGE):
        with catalogue.reading() as connection:
            yield list(filed_by_ids(connection, ids[start : start + PAGE]).values())


def _has_sets(catalogue: Catalogue, root_id: int) -> bool:
    with catalogue.reading() as connection:
        return has_joined(connection, root_id)


def _removed(catalogue: Catalogue, root_id: int, standings: Sequence[Standing]) -> dict[bytes, str]:
    keys = list({key for one in standings for key in one.keys})
    found: dict[bytes, str] = {}
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        with catalogue.reading() as connection:
            removed = removed_keys(connection, root_id, keys[start : start + _KEYS_AT_ONCE])
        found |= dict.fromkeys(removed, REMOVED)
    return found


def _standing(filed: Filed, files: Sequence[WantedFile], options: Options, *, is_noted: bool) -> Standing:
    placed = [file for file in files if file.keys is not None]
    captured = dict(zip(filed.paths, filed.captured, strict=True))
    groupings = {file.keys.grouping for file in placed if file.keys is not None}
    return Standing(
        fileset_id=filed.fileset_id,
        image_id=min((image.id for image in filed.images), default=0),
        is_noted=is_noted,
        files=tuple((file.keys.key, file.captured) for file in placed if file.keys is not None),
        is_other=len(placed) < len(files)
        or groupings != {filed.keys.grouping}
        or any(captured[file.path] != file.captured for file in placed),
        problem=_why_it_stays(filed, files, options),
        is_of_set=filed.keys.grouping == "index" or "index" in groupings,
    )


def _why_it_stays(filed: Filed, files: Sequence[WantedFile], options: Options) -> str | None:
    unplaced = why_unplaced(files)
    if unplaced is not None:
        return unplaced
    if filed.owner_differs:
        return Kept.ACCEPT
    for file in files:
        stays = why_place_stays(filed, file.filed_by, options)
        if stays is not None:
            return stays
    owners = {wanted_owner(file) for file in files}
    if owners <= {(filed.owner_id, filed.group_id)}:
        return None
    if len(owners) > 1 or 0 in next(iter(owners)):
        return OTHER_PEOPLE
    stays = why_owner_stays(filed, None, options, is_there=True)
    return None if stays is None else f"{OTHER_HANDS}: {stays}"


def wanted_owner(file: WantedFile) -> tuple[int, int]:
    """Give owner and group that the rules say for a file that has a place; 0 for a user who is still to be made."""
    assert not isinstance(file.decided, NotPlaced)  # noqa: S101 - asked only of files that have a place
    return file.decided[1].owner_id, file.decided[1].group_id
