"""The computed state: total, in the order of precedence, and the same in SQL on both databases."""

import itertools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, insert

from catalog.engine import Catalogue
from catalog.models.images import OriginalFile
from catalog.models.ingest import Directory, Fileset, Job, Reason, Root, Sighting
from catalog.names import path_hash
from catalog.state_sql import counts, facts, facts_of, states
from catalog.states import FilesetFacts, JobFacts, Mark, RootFacts, SightingFacts, State, state_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DISPOSITIONS = ("ignored", "skipped", "unmatched", "held", "member")
AVAILABILITIES = ("available", "unavailable", "braked", "retired")
FILESETS = (
    None,
    *(
        {
            "removed_at": removed,
            "done_digest": done,
            "due_at": due,
            "stalled_reason": stalled,
            "owner_differs": differs,
            "waits_for": None if stalled else "it waits for 'P1.HTD'",
        }
        for removed in (None, NOW)
        for done in (None, b"s" * 16, b"o" * 16)
        for due in (None, NOW)
        for stalled in (None, "", "no marker within 2h")
        for differs in (None, {"owner_id": 1})
    ),
)
JOBS = (
    None,
    *(
        ("import", state, reason)
        for state in ("ready", "started", "waiting", "quarantined")
        for reason in (None, "EIO")
    ),
    ("hash", "started", None),
    ("verify", "quarantined", "damaged"),
)


class Rows:
    """Every combination that the tables allow, as rows: one sighting for each."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.numbers = itertools.count(1)
        self.directories = {
            a: self._directory(a, reason) for a, reason in zip(AVAILABILITIES, self._reasons(), strict=True)
        }
        self.reason_id = self._id(insert(Reason).values(sentence="written by somebody else"))

    def _reasons(self) -> Iterator[str | None]:
        return iter((None, "not mounted", None, None))

    def _id(self, statement: object) -> int:
        key = self.connection.execute(statement).inserted_primary_key  # type: ignore[call-overload]  # an insert
        return int(key[0])

    def _directory(self, availability: str, reason: str | None) -> int:
        root = insert(Root).values(
            name=availability, path=availability.encode(), availability=availability, reason=reason
        )
        return self._id(insert(Directory).values(root_id=self._id(root), path=b"", path_hash=path_hash(b"")))

    def add(
        self,
        availability: str,
        disposition: str,
        fileset: Mapping[str, object] | None,
        job: tuple[str, str, str | None] | None,
    ) -> None:
        number = next(self.numbers)
        fileset_id = None if fileset is None else self._fileset(number, fileset)
        if job is not None and fileset_id is not None:
            kind, state, reason = job
            row = {
                "fileset_id": fileset_id,
                "kind": kind,
                "digest": b"",
                "priority": 1,
                "state": state,
                "reason": reason,
            }
            self.connection.execute(insert(Job).values(row))
        row = {
            "directory_id": self.directories[availability],
            "name": str(number).encode(),
            "size_bytes": 1,
            "mtime_ns": 1,
            "ctime_ns": 1,
            "inode": number,
            "disposition": disposition,
            "fileset_id": fileset_id,
            "reason_id": self.reason_id if number % 2 else None,
            "missing_since": NOW if number % 5 == 0 else None,
            "damaged_since": NOW if number % 11 == 0 else None,
            "original_file_id": None if fileset_id is None or number % 3 else self._original(fileset_id, number),
        }
        self.connection.execute(insert(Sighting).values(row))
        if row["original_file_id"] is not None and number % 4 == 0:
            other = {"name": f"{number} elsewhere".encode(), "directory_id": self.directories["available"]}
            other |= {"fileset_id": None, "disposition": "member", "damaged_since": None, "missing_since": None}
            self.connection.execute(insert(Sighting).values(row | other))

    def _fileset(self, number: int, values: Mapping[str, object]) -> int:
        row: dict[str, object] = {
            "root_id": 1,
            "key": number.to_bytes(16, "big"),
            "placement": {},
            "seen_digest": b"s" * 16,
        }
        return self._id(
            insert(Fileset).values(row | {"first_seen_at": NOW, "is_partial": number % 7 == 0} | dict(values))
        )

    def _original(self, fileset_id: int, number: int) -> int:
        content = None if number % 2 else f"content {number % 4}"
        row = {"ordinal": number % 2, "size_bytes": 1, "hash": content, "hasher": "sha256", "fingerprint": b"f" * 16}
        return self._id(insert(OriginalFile).values(row | {"fileset_id": fileset_id, "created_at": NOW}))


@pytest.fixture
def combinations(catalogue: Catalogue) -> Catalogue:
    with catalogue.writing() as connection:
        rows = Rows(connection)
        for availability, disposition in itertools.product(AVAILABILITIES, DISPOSITIONS):
            thorough = availability == "available" and disposition == "member"
            for fileset in FILESETS if thorough else FILESETS[:: 9 if disposition == "member" else 36]:
                for job in JOBS if thorough else JOBS[::3]:
                    rows.add(availability, disposition, fileset, job)
    return catalogue


def test_sql_says_what_the_pure_function_says(combinations: Catalogue) -> None:
    with combinations.reading() as connection:
        pure = {
            (r["directory_id"], bytes(r["name"])): state_of(*facts_of(r))
            for r in connection.execute(facts()).mappings()
        }
        in_sql = {(row[0], bytes(row[1])): (row[2], row[3]) for row in connection.execute(states())}
        counted = {(row[0], row[1]): row[2] for row in connection.execute(counts())}

    assert {key: (found.state.value, found.reason) for key, found in pure.items()} == in_sql
    assert sum(counted.values()) == len(in_sql) > 800
    assert set(counted) == set(in_sql.values())
    assert {state for state, _ in in_sql.values()} == {state.value for state in State}
    assert set().union(*(found.marks for found in pure.values())) == set(Mark)


def every_fact() -> Iterator[tuple[RootFacts, SightingFacts, FilesetFacts | None, JobFacts | None]]:
    roots = [RootFacts(availability=a) for a in AVAILABILITIES]
    sightings = [
        SightingFacts(disposition=d, is_missing=m, has_original=o, is_elsewhere=e)
        for d in DISPOSITIONS
        for m in (False, True)
        for o in (False, True)
        for e in (False, True)
    ]
    filesets: list[FilesetFacts | None] = [None]
    flags = itertools.product((False, True), repeat=4)
    filesets += [
        FilesetFacts(is_removed=r, is_done=d, is_current=d and c, is_due=u, stalled_reason=s)
        for r, d, c, u in flags
        for s in (None, "no marker")
    ]
    jobs = [None, *(JobFacts(state=s) for s in ("ready", "started", "waiting", "quarantined"))]
    return itertools.product(roots, sightings, filesets, jobs)


def test_every_file_is_in_one_state_with_a_reason() -> None:
    reached = set()
    for root, sighting, fileset, job in every_fact():
        found = state_of(root, sighting, fileset, job)
        assert found.reason
        reached.add(found.state)
    assert reached == set(State)


def test_the_first_line_that_is_true_counts() -> None:
    for root, sighting, fileset, job in every_fact():
        state = state_of(root, sighting, fileset, job).state
        lines = [
            (root.availability == "unavailable", State.UNAVAILABLE),
            (root.availability == "braked", State.BRAKED),
            (root.availability == "retired", State.RETIRED),
            (fileset is not None and fileset.is_removed, State.REMOVED),
            (sighting.is_missing and sighting.has_original and sighting.is_elsewhere, State.IMPORTED),
            (sighting.is_missing, State.MISSING),
            (sighting.disposition == "ignored", State.IGNORED),
            (sighting.disposition == "skipped", State.SKIPPED),
            (sighting.disposition == "unmatched", State.UNMATCHED),
            (sighting.disposition == "held", State.HELD),
        ]
        first = next((named for is_true, named in lines if is_true), None)
        if first is not None:
            assert state is first
        elif fileset is not None and job is not None:
            of_job = {"ready": State.READY, "waiting": State.WAITING, "quarantined": State.QUARANTINED}
            busy = State.UPDATING if fileset.is_done else State.IMPORTING
            assert state is of_job.get(job.state, busy)
        elif fileset is not None:
            settled = State.SETTLING if fileset.is_due or not fileset.is_current else State.IMPORTED
            assert state is (State.STALLED if fileset.stalled_reason is not None else settled)


def test_a_stored_reason_is_told_and_an_empty_one_is_none() -> None:
    held = SightingFacts(disposition="held", reason="ab3c is not a member of smith-lab")
    assert state_of(RootFacts(availability="available"), held, None, None).reason == "ab3c is not a member of smith-lab"
    empty = SightingFacts(disposition="held", reason="")
    assert "rules" in state_of(RootFacts(availability="available"), empty, None, None).reason
