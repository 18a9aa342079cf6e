"""Finds the index that lies beside a picture: beneath the root, no links followed, bounded.

Which index to look for is told by the picture's name; none is looked for by listing a folder, which may hold a plate's
100,000 files. An index that is missing, broken or too large gives nothing and a sentence: it never stops an import.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from config.path_text import path_text, text_path
from ingest.indexes.reading import (
    MLF,
    IndexFile,
    Parsed,
    look_at,
    parse_harmony,
    parse_htd,
    parse_micromanager,
    parse_nd,
    parse_yokogawa,
)
from ingest.indexes.values import Index
from ingest.opening import opened_root

#: Parses an index for the picture of a name.
Parse = Callable[[IndexFile, str], Parsed]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundIndex:
    """The index beside a picture by its name; ``note`` says why it gives nothing."""

    name: str
    index: Index | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """Which pictures an index of some name may describe: in its folder, or also below it (``is_deep``).

    ``is_detail``: it tells nothing alone, but more of what another index tells.
    """

    pattern: re.Pattern[str]
    stem: str = ""
    is_deep: bool = False
    is_detail: bool = False

    def covers(self, name: bytes) -> bool:
        """Tell whether the picture of this name may be described by it."""
        picture = path_text(name)
        return picture.startswith(self.stem) and self.pattern.search(picture) is not None


def described_by(name: str) -> Described | None:
    """Tell what a file may describe by its name; None when it is no instrument's index."""
    stem, _, ending = name.rpartition(".")
    match ending.lower():
        case "xml" if name in ("Index.idx.xml", "Index.xml"):
            return Described(pattern=_HARMONY_PICTURE)
        case "mlf" if name == path_text(MLF):
            return Described(pattern=_YOKOGAWA_PICTURE)
        case "mrf" | "mes":
            return Described(pattern=_YOKOGAWA_PICTURE, is_detail=True)
        case "htd":
            return Described(pattern=_HTD_PICTURE, stem=f"{stem}_", is_deep=True)
        case "txt" if name == "metadata.txt":
            return Described(pattern=_MICROMANAGER_PICTURE)
        case "nd":
            return Described(pattern=_ND_PICTURE, stem=f"{stem}_")
        case _:
            return None


def find_index(root: bytes, path: bytes) -> FoundIndex | None:
    """Find the index of the picture at ``path``, relative to the root; None when no instrument's index is there."""
    folder, _, raw = path.rpartition(b"/")
    name = path_text(raw)
    kinds = [kind for kind in _KINDS if kind.pattern.search(name)]
    if not kinds:
        return None
    with opened_root(root) as root_fd:
        found = (
            _read(root, root_fd, candidate, name, kind.parse)
            for kind in kinds
            for candidate in kind.candidates(folder, name)
        )
        return next((one for one in found if one is not None), None)


def _read(root: bytes, root_fd: int, path: bytes, picture: str, parse: Parse) -> FoundIndex | None:
    name = path_text(path.rpartition(b"/")[2])
    try:
        look = look_at(root_fd, path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return FoundIndex(name=name, note=f"'{name}' told nothing: it can't be read ({error.strerror})")
    parsed = parse(IndexFile(root, path, look), picture)
    if isinstance(parsed, str):
        return FoundIndex(name=name, note=f"'{name}' told nothing: it {parsed}")
    return FoundIndex(name=name, index=parsed)


_HARMONY_PICTURE = re.compile(r"^r\d\dc\d\df\d+p\d+", re.IGNORECASE)
_YOKOGAWA_PICTURE = re.compile(r"_T\d+F\d+L\d+A\d+Z\d+C\d+\.", re.IGNORECASE)
_HTD_PICTURE = re.compile(r"_[A-Z]{1,2}\d\d(?=[_.0-9A-F])")
_MICROMANAGER_PICTURE = re.compile(r"^img_(channel\d+_position\d+_time\d+_z\d+|\d{9}_.+_\d{3})\.", re.IGNORECASE)
_ND_PICTURE = re.compile(r"_[wst]\d", re.IGNORECASE)


def _fixed(*names: bytes) -> Callable[[bytes, str], Iterator[bytes]]:
    """Give the candidates of an index that lies in the picture's own folder under a name of its own."""

    def candidates(folder: bytes, _: str) -> Iterator[bytes]:
        yield from (below(folder, name) for name in names)

    return candidates


def below(folder: bytes, name: bytes) -> bytes:
    """Give the path of a name in a folder."""
    return folder + b"/" + name if folder else name


def _stems(name: str) -> Iterator[str]:
    """Give what a name may have in common with its index: its beginnings up to an underscore, the longest first."""
    places = [number for number, character in enumerate(name) if character == "_" and number]
    yield from (name[:place] for place in reversed(places[:8]))


def _nd_files(folder: bytes, name: str) -> Iterator[bytes]:
    yield from (below(folder, text_path(stem + ending)) for stem in _stems(name) for ending in (".nd", ".ND"))


#: Folders of a plate below the one with its .HTD file.
_IN_PLATE = re.compile(rb"(TimePoint|ZStep)_\d+|\d+|\d{4}-\d\d-\d\d", re.IGNORECASE)


def _htd_files(folder: bytes, name: str) -> Iterator[bytes]:
    while True:
        yield from (below(folder, text_path(stem + ending)) for stem in _stems(name) for ending in (".HTD", ".htd"))
        above, _, last = folder.rpartition(b"/")
        if not folder or not _IN_PLATE.fullmatch(last):
            return
        folder = above


@dataclass(frozen=True, slots=True)
class _Kind:
    """An instrument's index: what its pictures' names look like, where it lies, and how it is parsed."""

    pattern: re.Pattern[str]
    candidates: Callable[[bytes, str], Iterator[bytes]]
    parse: Parse


_KINDS = (
    _Kind(_HARMONY_PICTURE, _fixed(b"Index.idx.xml", b"Index.xml"), parse_harmony),
    _Kind(_YOKOGAWA_PICTURE, _fixed(MLF), parse_yokogawa),
    _Kind(_MICROMANAGER_PICTURE, _fixed(b"metadata.txt"), parse_micromanager),
    _Kind(_HTD_PICTURE, _htd_files, parse_htd),
    _Kind(_ND_PICTURE, _nd_files, parse_nd),
)
