"""Comparing a part of a listing at once gives what judging each of its files by its row gives."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from catalog.looks import KnownSighting, StoredLook
from ingest.deciding import is_unchanged
from ingest.differences import differences, of_directory
from ingest.listing import Entry, EntryKind, ListingPart

DIRECTORY = 7
SINCE = datetime(2026, 1, 1, tzinfo=UTC)

names = st.sampled_from([b"a.tif", b"b.tif", b"\xff.tif", b"A.tif", b"aa"])
numbers = st.integers(0, 1)
looks = st.tuples(numbers, numbers, numbers, numbers)
listed = st.dictionaries(names, looks)
rows_by_name = st.dictionaries(names, st.tuples(looks, st.none() | st.just(SINCE)))


@st.composite
def parts(draw: st.DrawFn) -> ListingPart:
    seen = draw(listed)
    entries = tuple(Entry(name, *seen[name], 0, 0, EntryKind.FILE) for name in sorted(seen))
    unknown = draw(st.frozensets(names, max_size=2)) - seen.keys()
    problem = draw(st.none() | st.just("the folder can't be listed")) if not unknown else "names can't be looked at"
    return ListingPart(directory=b"d", low=None, high=None, entries=entries, unknown=unknown, problem=problem)


def known_as(row: StoredLook) -> KnownSighting:
    directory_id, name, size, mtime, ctime, inode, missing_since = row
    look = (size, mtime, ctime, inode)
    return KnownSighting(directory_id, name, *look, "member", 1, missing_since is not None, True, 1, "file")


@given(parts(), rows_by_name)
def test_what_differs_is_what_each_file_by_its_own_row_would_be_judged_to_be(
    part: ListingPart, stored: dict[bytes, tuple[tuple[int, int, int, int], datetime | None]]
) -> None:
    rows: list[StoredLook] = [(DIRECTORY, name, *look, since) for name, (look, since) in sorted(stored.items())]
    known = {row[1]: known_as(row) for row in rows}
    seen = {entry.name for entry in part.entries}

    found = differences(DIRECTORY, part, rows)

    is_other = [e for e in part.entries if e.name not in known or not is_unchanged(e, known[e.name])]
    assert list(found.entries) == is_other
    assert list(found.known) == [entry.name for entry in is_other if entry.name in known]
    gone = [name for name, row in known.items() if not row.is_missing and name not in seen | part.unknown]
    assert list(found.gone) == ([] if part.problem is not None and not part.unknown else gone)


@given(st.lists(st.integers(1, 4), max_size=12).map(sorted))
def test_the_rows_of_a_directory_are_found_among_those_of_all(ids: list[int]) -> None:
    rows: list[StoredLook] = [(one, b"%d" % number, 0, 0, 0, 0, None) for number, one in enumerate(ids)]

    for one in range(6):
        assert list(of_directory(rows, one)) == [row for row in rows if row[0] == one]
