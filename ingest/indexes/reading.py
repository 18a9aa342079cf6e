"""Reads and parses index files: once for all pictures of a plate, and again when they have changed."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from config.path_text import text_path
from ingest.hardened_xml import XML_BYTES_AT_MOST
from ingest.indexes import harmony, micromanager, quoted_lines, yokogawa
from ingest.indexes.values import Index, IndexFormatError, NamedPlanes
from ingest.opening import opened_beneath, opened_root
from ingest.work import Look

QUOTED_BYTES_AT_MOST = 16 << 20
#: Indexes that a worker keeps parsed: the pictures of a plate are mostly read one after the other.
KEPT_AT_MOST = 2
#: A list of pictures grows while a plate is acquired; for so long an earlier reading serves those that it names.
RECENT_S = 20.0


@dataclass(frozen=True, slots=True)
class IndexFile:
    """An index file as it lies there now: what a parsed one is known again by."""

    root: bytes
    path: bytes
    look: Look


#: The index, or the sentence why there is none, going on from its name.
Parsed = Index | str


class _UnusableError(Exception):
    """A file that is there and can't be read as an index; the message goes on from its name."""


@dataclass(frozen=True, slots=True)
class _Kept:
    files: tuple[IndexFile, ...]
    parsed: Parsed
    parsed_at: float


class Shelf:
    """The indexes that were parsed last, each with the files it was made of."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[bytes, bytes], _Kept] = OrderedDict()

    def get(self, files: tuple[IndexFile, ...], picture: str, parse: Callable[[], Parsed]) -> Parsed:
        """Give what the files say, parsed anew where they changed and the picture is not among what is known."""
        key = (files[0].root, files[0].path)
        kept = self._kept.pop(key, None)
        if kept is None or not self._serves(kept, files, picture):
            kept = _Kept(files, parse(), self._clock())
        self._kept[key] = kept
        while len(self._kept) > KEPT_AT_MOST:
            self._kept.popitem(last=False)
        return kept.parsed

    def _serves(self, kept: _Kept, files: tuple[IndexFile, ...], picture: str) -> bool:
        if kept.files == files:
            return True
        is_recent = self._clock() - kept.parsed_at < RECENT_S
        names_it = isinstance(kept.parsed, NamedPlanes) and picture in kept.parsed.planes
        return is_recent and names_it and kept.files[1:] == files[1:]


@lru_cache(maxsize=1)
def own_shelf() -> Shelf:
    """Give the shelf of this worker process."""
    return Shelf()


def look_at(root_fd: int, path: bytes) -> Look:
    """Stat an index file; raises OSError where there is none or no plain file."""
    with opened_beneath(root_fd, path) as opened:
        return opened.look()


def parse_harmony(file: IndexFile, picture: str) -> Parsed:
    """Give what an Index.idx.xml says."""
    return own_shelf().get((file,), picture, lambda: _said(lambda: harmony.parse(_content(file, XML_BYTES_AT_MOST))))


def parse_htd(file: IndexFile, picture: str) -> Parsed:
    """Give what an .HTD file says."""
    read = quoted_lines.parse_htd
    return own_shelf().get((file,), picture, lambda: _said(lambda: read(_content(file, QUOTED_BYTES_AT_MOST))))


def parse_nd(file: IndexFile, picture: str) -> Parsed:
    """Give what an .nd file says."""
    read = quoted_lines.parse_nd
    return own_shelf().get((file,), picture, lambda: _said(lambda: read(_content(file, QUOTED_BYTES_AT_MOST))))


def parse_micromanager(file: IndexFile, picture: str) -> Parsed:
    """Give what the summary in front of a metadata.txt says."""
    return own_shelf().get((file,), picture, lambda: _said(lambda: micromanager.parse_summary(_head(file))))


def parse_yokogawa(file: IndexFile, picture: str) -> Parsed:
    """Give what a .mlf file says with what lies beside it; the two others may be missing or broken."""
    folder = file.path[: -len(MLF)]
    detail_file = _beside(file.root, folder + MRF)
    detail = _detail(detail_file)
    settings = _beside(file.root, folder + text_path(detail.settings_name)) if detail.settings_name else None
    files = tuple(one for one in (file, detail_file, settings) if one is not None)

    def parse() -> Index:
        content = _content(file, XML_BYTES_AT_MOST)
        return yokogawa.parse_records(content, detail, _channels(settings))

    return own_shelf().get(files, picture, lambda: _said(parse))


MLF, MRF = b"MeasurementData.mlf", b"MeasurementDetail.mrf"


def _detail(file: IndexFile | None) -> yokogawa.Detail:
    try:
        return yokogawa.parse_detail(_content(file, XML_BYTES_AT_MOST)) if file else yokogawa.NO_DETAIL
    except (IndexFormatError, _UnusableError):
        return yokogawa.NO_DETAIL


def _channels(file: IndexFile | None) -> yokogawa.Channels:
    try:
        return yokogawa.parse_settings(_content(file, XML_BYTES_AT_MOST)) if file else {}
    except (IndexFormatError, _UnusableError):
        return {}


def _beside(root: bytes, path: bytes) -> IndexFile | None:
    try:
        with opened_root(root) as root_fd:
            return IndexFile(root, path, look_at(root_fd, path))
    except OSError:
        return None


def _content(file: IndexFile, most_bytes: int) -> bytes:
    try:
        with opened_root(file.root) as root_fd, opened_beneath(root_fd, file.path) as opened:
            content = opened.raw.content(most_bytes + 1)
    except OSError as error:
        raise _UnusableError(f"can't be read ({error.strerror})") from error
    if len(content) > most_bytes:
        raise _UnusableError(f"is larger than {most_bytes >> 20} MiB")
    return content


def _head(file: IndexFile) -> bytes:
    try:
        with opened_root(file.root) as root_fd, opened_beneath(root_fd, file.path) as opened:
            return opened.raw.content(micromanager.HEAD_BYTES)
    except OSError as error:
        raise _UnusableError(f"can't be read ({error.strerror})") from error


def _said(read: Callable[[], Index]) -> Parsed:
    try:
        return read()
    except (IndexFormatError, _UnusableError) as error:
        return str(error)
    except MemoryError:
        return "takes more memory than a worker may have"
