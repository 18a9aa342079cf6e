"""Reads filesets of several files in a worker: each file that is new or changed once, then one image of them all.

What was read before and did not change is not read again: a plane more costs one file, not five thousand.
"""

import posixpath
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from catalog.captured import read as read_captured
from catalog.records import Channel, FileRecord, ImageRecord, PlaneRecord
from config.path_text import path_text
from ingest.composing import Composed, Part, compose
from ingest.grouping import order_of
from ingest.image_facts import as_planes, as_stacks, with_facts, with_names
from ingest.one_file import InFileError, OpenStream, as_read, digest_of, file_record, held_by, open_stream, read_once
from ingest.readers.protocol import DamagedError, DescribesError, NamedPart, OpenedFileImages, ReadingError
from ingest.set_images import OpenFiles, SetImage, pictured, planes_by_place
from ingest.thumbnails import make_thumbnail
from ingest.work import Member, NamedPath, Outcome, ReadResult, ReadTask

#: Names that lead out of the folder: absolute, with a drive or URL, upwards.
_OUTSIDE = re.compile(r"^[/\\]|^[A-Za-z]:|^[A-Za-z][A-Za-z0-9+.\-]*:/|(^|[/\\])\.\.([/\\]|$)|\0")
#: What is said of names that lead elsewhere.
OUTSIDE = "names a file outside its folder"
#: More channels than this are described by the first file alone.
CHANNELS_DESCRIBED = 64
_Given = TypeVar("_Given")


def read_named(task: ReadTask, root: int) -> ReadResult:
    """Read an image whose files are told by their names. Raises InFileError for what is wrong with one of them."""
    members = sorted(task.members, key=lambda member: order_of(member.path))
    files, formats, bytes_read = _read_files(task, root, members)
    parts = [_part(task, member, file) for member, file in zip(members, files, strict=True)]
    composed = compose(parts, channels=[channel.value for channel in task.channels])
    if not composed:
        raise DamagedError("its files hold no image")
    with OpenFiles(root, members) as opened:
        records = [_record(task, opened, one, parts[0].path) for one in composed]
        planes = tuple(plane for one in composed for plane in one.planes)
        return _result(task, opened, records, planes, files, formats or _format(opened, members), bytes_read)


def _part(task: ReadTask, member: Member, file: FileRecord) -> Part:
    values = read_captured(member.captured)
    holds = as_stacks(file.holds, task.facts, values.get("channel", ""))
    return Part(path=member.path, values=values, holds=as_planes(holds, values))


def _read_files(task: ReadTask, root: int, members: Sequence[Member]) -> tuple[tuple[FileRecord, ...], str | None, int]:
    """Read what is new or changed; gives the records of all, the format of the first that was read, and bytes."""
    files: list[FileRecord] = []
    first_format, bytes_read = None, 0
    for member in members:
        known = member.known
        if known is not None and known.read_as == digest_of(member.path, member.look) and _is_hashed(task, known):
            files.append(known)
            continue
        file, format_name = in_file(member, lambda one: _read_file(task, root, one))
        files.append(file)
        first_format = first_format or format_name
        bytes_read += member.look.size_bytes
    return tuple(files), first_format, bytes_read


def _is_hashed(task: ReadTask, file: FileRecord) -> bool:
    return file.hash is not None or file.size_bytes > task.hash_now_bytes


def in_file(member: Member, act: Callable[[Member], _Given]) -> _Given:
    """Do something with one file of several; what goes wrong names the file."""
    try:
        return act(member)
    except (ReadingError, OSError) as problem:
        raise InFileError(member.path, problem) from problem


def _read_file(task: ReadTask, root: int, member: Member) -> tuple[FileRecord, str]:
    def act(opened: OpenStream) -> tuple[FileRecord, str]:
        images = opened.images()
        try:
            images.check_last_plane()
            holds = tuple(held_by(image.record) for image in images.images)
            file = as_read(file_record(task, member.path, opened), member.look, holds)
            return file, images.format
        finally:
            images.close()

    return read_once(task, root, member, act, is_alone=True)


def _format(opened: OpenFiles, members: Sequence[Member]) -> str:
    return opened.images(members[0].path).format


def _record(task: ReadTask, opened: OpenFiles, composed: Composed, first: bytes) -> ImageRecord:
    """Describe an image: sizes as composed, the rest by its first file; channels each by their own first file."""
    plain = opened.image(first, composed.series).record
    channels = () if composed.is_rgb else _channels(opened, composed)
    record = replace(
        plain,
        series=composed.series,
        size_x=composed.size_x,
        size_y=composed.size_y,
        size_z=composed.size_z,
        size_c=composed.size_c,
        size_t=composed.size_t,
        is_rgb=composed.is_rgb,
        channels=channels,
    )
    told = with_facts(record, task.facts, composed.channel_values)
    # What the rule says of channels comes before all else.
    named = with_names(told.channels, composed.channel_values, task.channels) if channels else ()
    return replace(told, channels=named)


def _channels(opened: OpenFiles, composed: Composed) -> tuple[Channel, ...]:
    found = []
    for number, part in enumerate(composed.channel_parts):
        own: tuple[Channel, ...] = ()
        if part is not None and number < CHANNELS_DESCRIBED:
            own = opened.image(part[0], composed.series).record.channels
        found.append(own[part[1]] if part is not None and part[1] < len(own) else Channel())
    return tuple(found)


def _result(
    task: ReadTask,
    opened: OpenFiles,
    records: Sequence[ImageRecord],
    planes: Sequence[PlaneRecord],
    files: tuple[FileRecord, ...],
    format_name: str,
    bytes_read: int,
) -> ReadResult:
    images = [SetImage(record, opened, planes_by_place(planes, record.series)) for record in records]
    return ReadResult(
        fileset_id=task.fileset_id,
        claim=task.claim,
        digest=task.digest,
        outcome=Outcome.READ,
        format=format_name,
        files=files,
        images=tuple(records),
        thumbnails=tuple(
            make_thumbnail(pictured(image), size_px=task.thumbnail_px, projection=task.projection) for image in images
        ),
        planes=tuple(planes),
        bytes_read=bytes_read,
    )


def names_of(main: bytes, parts: Iterable[NamedPart]) -> tuple[NamedPath, ...]:
    """Give what a file names as paths relative to the root; raises DamagedError for a name outside its folder."""
    folder = main.rpartition(b"/")[0]
    found: dict[bytes, bool] = {}
    for named in parts:
        path = inside(folder, named.name)
        if path != main:
            found[path] = found.get(path, False) or named.is_needed
    return tuple(NamedPath(path=path, is_needed=needed) for path, needed in found.items())


def inside(folder: bytes, name: str) -> bytes:
    """Give the path of a name that stands inside a file of this folder; raises DamagedError for one outside."""
    if _OUTSIDE.search(name) or not name.strip():
        raise DamagedError(f"{OUTSIDE}: {path_text(name.encode('utf-8', 'surrogateescape'))[:200]}")
    path = posixpath.normpath(name.replace("\\", "/")).encode("utf-8", "surrogateescape")
    return folder + b"/" + path if folder else path


def read_described(task: ReadTask, root: int, main: Member, described: DescribesError) -> ReadResult:
    """Read an image of several files that its main file describes; ask for what it names and the task does not have."""
    names = names_of(main.path, described.names)
    members = {member.path: member for member in task.members}
    if any(named.path not in task.named and named.path not in members for named in names):
        return ReadResult(
            fileset_id=task.fileset_id,
            claim=task.claim,
            digest=task.digest,
            outcome=Outcome.DESCRIBES,
            reason=described.reason,
            names=names,
            is_mutual=described.is_mutual,
        )
    _check_people(task, root, [member for member in task.members if member.path != main.path], main)
    wanted = [main, *(members[named.path] for named in names if named.path in members)]
    others = [member for member in wanted if member.path != main.path or described.holds_pixels]
    files, _, bytes_read = _read_files(task, root, others)
    if not described.holds_pixels:
        files = (as_read(_main_record(task, root, main), main.look, ()), *files)
    folder = main.path.rpartition(b"/")[0]
    with OpenFiles(root, wanted) as opened:
        joined = described.join(_opener(opened, folder))
        if not joined:
            raise DamagedError("it describes no image")
        records = [replace(one.record, series=number) for number, one in enumerate(joined)]
        planes = [
            PlaneRecord(
                image_series=number, the_c=plane.c, the_z=plane.z, the_t=plane.t,
                path=inside(folder, plane.name), series=plane.series, plane=plane.plane,
            )
            for number, one in enumerate(joined)
            for plane in one.planes
        ]  # fmt: skip
        there = [plane for plane in planes if opened.has(plane.path)]
        result = _result(task, opened, records, there, files, described.format, bytes_read)
    return replace(result, names=names)


def _check_people(task: ReadTask, root: int, others: Sequence[Member], main: Member) -> None:
    """Refuse a file that no rule places and that another account wrote: a hard link may show anybody's file."""
    strangers = [member for member in others if member.path in task.strangers]
    if not strangers:
        return
    with open_stream(root, main) as opened:
        uid = opened.opened.raw.status().st_uid
    for member in strangers:
        with open_stream(root, member) as opened:
            if opened.opened.raw.status().st_uid != uid:
                name = path_text(member.path.rpartition(b"/")[2])
                raise DamagedError(f"{OUTSIDE}: {name} was written by another account")


def _main_record(task: ReadTask, root: int, main: Member) -> FileRecord:
    return read_once(task, root, main, lambda opened: file_record(task, main.path, opened))


def _opener(opened: OpenFiles, folder: bytes) -> Callable[[str], OpenedFileImages | None]:
    def open_part(name: str) -> OpenedFileImages | None:
        path = inside(folder, name)
        return opened.images(path) if opened.has(path) else None

    return open_part
