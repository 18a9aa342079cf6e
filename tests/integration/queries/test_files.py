"""why, queue, status and the decisions about files: who may know, who may decide, and what the ingest finds then."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from catalog.accepting import accept
from catalog.decisions import Targets, accept_root, assign, retry, revoke
from catalog.errors import NotAllowed, NotFound, NotUnderstood, Refused
from catalog.looks import due_at_once
from catalog.models.images import Image
from catalog.models.ingest import Assignment, Event, Fileset, Job, Request, Root, Sighting
from catalog.permissions import SYSTEM, Acting
from catalog.queries.show import show
from catalog.queue import queue
from catalog.references import ObjectReference
from catalog.status import status
from catalog.why import why
from tests.helpers.lab import NOW, Lab

LATER = NOW + timedelta(minutes=5)


class Bench:
    """Group smith of ada, led by pia; group other of otto, who leads it; root is an administrator."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.smith, self.other = lab.group("smith"), lab.group("other")
        self.ada = lab.person("ada", self.smith)
        self.pia = lab.person("pia", self.smith, owns=(self.smith,))
        self.otto = lab.person("otto", self.other, owns=(self.other,))
        self.admin = lab.person("root", is_administrator=True)
        self.scope = lab.root()
        lab.sighting(self.scope, b"smith/ada/held.tif", "held", reason="ada or eve?", group_id=self.smith)
        lab.sighting(self.scope, b"nobody/x.tif", "unmatched")
        lab.sighting(self.scope, b"notes.txt", "ignored", reason="no reader for .txt")
        self.broken = self.work(b"smith/ada/broken.tif", "quarantined", reason="truncated")
        self.waiting = self.work(b"smith/ada/later.tif", "waiting", reason="EIO", next_try_at=LATER, attempts=2)
        self.stalled = lab.fileset(
            self.scope, owner=self.ada, group=self.smith, done_digest=None, stalled_reason="no marker within 2h"
        )
        lab.sighting(self.scope, b"smith/ada/stalled.tif", fileset_id=self.stalled)
        self.image = lab.image(self.ada, self.smith, "cells", root=self.scope, path=b"smith/ada/cells.tif")

    def work(self, path: bytes, state: str, **values: Any) -> int:
        fileset = self.lab.fileset(self.scope, owner=self.ada, group=self.smith, done_digest=None)
        self.lab.sighting(self.scope, path, fileset_id=fileset)
        self.lab.job(fileset, state, **values)
        return fileset

    def queued(self, name: str, state: str | None = None) -> list[tuple[str, str]]:
        with self.lab.catalogue.reading() as connection:
            page = queue(connection, self.lab.acting(name), state)
        return sorted((row.path.removeprefix("/data/scope/"), row.state) for row in page.rows)


@pytest.fixture
def bench(lab: Lab) -> Bench:
    return Bench(lab)


OF_SMITH = [
    ("smith/ada/broken.tif", "quarantined"),
    ("smith/ada/held.tif", "held"),
    ("smith/ada/later.tif", "waiting"),
    ("smith/ada/stalled.tif", "stalled"),
]


def test_the_queue_is_for_administrators_and_inside_their_group_for_its_owners(bench: Bench) -> None:
    assert bench.queued("root") == [("nobody/x.tif", "unmatched"), *OF_SMITH]
    assert bench.queued("pia") == OF_SMITH
    assert bench.queued("otto") == bench.queued("ada") == []
    assert bench.queued("pia", "held") == [("smith/ada/held.tif", "held")]
    assert bench.queued("root", "ignored") == [("notes.txt", "ignored")]


def test_the_queue_goes_on_where_a_page_ended(bench: Bench) -> None:
    found, after = [], None
    with bench.lab.catalogue.reading() as connection:
        for _ in range(5):
            page = queue(connection, SYSTEM, limit=1, after=after)
            found += [row.path for row in page.rows]
            after = page.next_after
        with pytest.raises(NotUnderstood):
            queue(connection, SYSTEM, after="x")
        with pytest.raises(NotUnderstood):
            queue(connection, SYSTEM, "helt")
    assert len(set(found)) == 5
    assert after is None


def test_why_tells_the_whole_story_to_those_who_may_know(bench: Bench) -> None:
    path = b"/data/scope/smith/ada/later.tif"
    with bench.lab.catalogue.reading() as connection:
        for name in ("root", "pia", "ada"):
            found = why(connection, bench.lab.acting(name), path)
            assert (found.state, found.reason, found.owner, found.group) == ("waiting", "EIO", "ada", "smith")
            assert (found.next_try_at, found.attempts, found.image_ids) == (LATER, 2, ())
        with pytest.raises(NotFound) as hidden:
            why(connection, bench.lab.acting("otto"), path)
        with pytest.raises(NotFound) as absent:
            why(connection, bench.lab.acting("otto"), path + b"f")
    assert str(hidden.value).replace("later.tif", "later.tiff") == str(absent.value)


def test_why_names_the_images_of_a_file(bench: Bench) -> None:
    with bench.lab.catalogue.reading() as connection:
        found = why(connection, bench.lab.acting("ada"), b"/data/scope/smith/ada/cells.tif")
    assert (found.state, found.image_ids, found.rule) == ("imported", (bench.image,), None)


@pytest.mark.parametrize("path", [b"/elsewhere/x.tif", b"/data/scopes/x", b"/data/scope", b"/data/scope/smith/ada"])
def test_why_of_what_is_no_known_file_is_not_found(bench: Bench, path: bytes) -> None:
    with bench.lab.catalogue.reading() as connection, pytest.raises(NotFound):
        why(connection, bench.lab.acting("root"), path)


def test_status_counts_what_its_viewer_may_know(bench: Bench) -> None:
    with bench.lab.catalogue.reading() as connection:
        of_all, of_pia, of_otto = (
            status(connection, bench.lab.acting(name), now=NOW) for name in ("root", "pia", "otto")
        )
    assert {state: count for state, count in of_all.counts.items() if count} == {
        "held": 1, "unmatched": 1, "ignored": 1, "quarantined": 1, "waiting": 1, "stalled": 1, "imported": 1,
    }  # fmt: skip
    assert sum(of_pia.counts.values()) == 5
    assert sum(of_otto.counts.values()) == of_otto.images == 0
    assert ("held", "ada or eve?", 1) in [(r.state, r.reason, r.files) for r in of_pia.reasons]
    assert of_otto.reasons == ()
    assert of_otto.roots[0].path is None
    assert of_otto.work is None
    assert of_all.work is not None
    assert (of_all.work.waiting, of_all.work.quarantined) == (1, 1)
    assert of_all.roots[0].path == "/data/scope"
    assert (of_all.wal_bytes is not None) == (bench.lab.catalogue.engine.dialect.name == "sqlite")


def test_reasons_are_added_up_over_folders(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are counted some folders at a time, so that a million files that wait need no memory of their own."""
    for number in range(3):
        bench.lab.sighting(bench.scope, b"nobody/day%d/x.tif" % number, "unmatched")
    monkeypatch.setattr("catalog.status.FOLDERS_AT_ONCE", 2)
    with bench.lab.catalogue.reading() as connection:
        of_all = status(connection, bench.lab.acting("root"), now=NOW)
    assert [(r.state, r.files) for r in of_all.reasons] == [
        ("unmatched", 4), ("held", 1), ("ignored", 1), ("quarantined", 1), ("stalled", 1), ("waiting", 1),
    ]  # fmt: skip
    assert sum(r.files for r in of_all.reasons) == sum(of_all.counts.values()) - of_all.counts["imported"]


def decide_retry(bench: Bench, name: str, paths: list[bytes] | None) -> dict[str, bool]:
    with bench.lab.catalogue.writing() as connection:
        rows = retry(connection, bench.lab.acting(name), paths, now=LATER, via="cli")
    return {row.path.removeprefix("/data/scope/"): row.done for row in rows}


def test_retry_makes_jobs_ready_stalled_sets_due_and_held_files_looked_at_again(bench: Bench) -> None:
    assert decide_retry(bench, "pia", None) == {path: True for path, _ in OF_SMITH}
    with bench.lab.catalogue.reading() as connection:
        jobs = connection.execute(select(Job.state, Job.attempts, Job.next_try_at)).all()
        stalled = connection.execute(
            select(Fileset.due_at, Fileset.stalled_reason).where(Fileset.id == bench.stalled)
        ).one()
        held = connection.scalar(select(Sighting.ctime_ns).where(Sighting.name == b"held.tif"))
        asked = connection.execute(select(Request.kind, Request.arguments)).one()
        told = connection.scalars(select(Event.what)).all()
        found = why(connection, bench.lab.acting("pia"), b"/data/scope/smith/ada/stalled.tif")
    assert [tuple(job) for job in jobs] == [("ready", 0, None)] * 2
    assert tuple(stalled) == (due_at_once(LATER), None)
    assert found.due_at == LATER, "at once, since it was asked for"
    assert held == -1
    assert asked.kind == "import"
    assert len(asked.arguments["paths"]) == 4
    assert told == ["retried"] * 4


def test_retry_of_a_folder_and_of_what_needs_none(bench: Bench) -> None:
    done = decide_retry(bench, "root", [b"/data/scope/smith"])
    assert done.pop("smith/ada/cells.tif") is False
    assert set(done.values()) == {True}
    assert len(done) == 4


def test_retry_is_not_for_members_nor_for_other_groups(bench: Bench) -> None:
    assert decide_retry(bench, "otto", None) == {}
    for path in (b"/data/scope/smith/ada/broken.tif", b"/data/scope/smith/ada", b"/data/scope"):
        with pytest.raises(NotAllowed, match=r"ada may not .*; an owner of the group smith or an administrator may"):
            decide_retry(bench, "ada", [path])
        with pytest.raises(NotFound):
            decide_retry(bench, "otto", [path])


def decide_assign(bench: Bench, name: str, path: bytes, **targets: str) -> bool:
    with bench.lab.catalogue.writing() as connection:
        rows = assign(connection, bench.lab.acting(name), [path], Targets(**targets), now=LATER, via="cli")
    return rows[0].done


def assignments(bench: Bench) -> list[tuple[bytes, dict[str, str]]]:
    with bench.lab.catalogue.reading() as connection:
        query = select(Assignment.path, Assignment.targets).where(Assignment.revoked_at.is_(None))
        return [(bytes(row.path), dict(row.targets)) for row in connection.execute(query)]


def test_an_assignment_is_kept_once_told_once_and_can_be_revoked(bench: Bench) -> None:
    path = b"/data/scope/smith/ada/held.tif"
    assert decide_assign(bench, "pia", path, owner="ada", dataset="Day 1")
    assert decide_assign(bench, "pia", path, owner="ada", dataset="Day 1")
    assert assignments(bench) == [(b"smith/ada/held.tif", {"owner": "ada", "dataset": "Day 1", "group": "smith"})]
    with bench.lab.catalogue.reading() as connection:
        found = why(connection, bench.lab.acting("pia"), path)
    assert found.assigned is not None
    assert (found.assigned.made_by, [row.what for row in found.history]) == ("pia", ["assigned"])

    with bench.lab.catalogue.writing() as connection:
        (row,) = revoke(connection, bench.lab.acting("pia"), [path], now=LATER, via="cli")
        (again,) = revoke(connection, bench.lab.acting("pia"), [path], now=LATER, via="cli")
    assert (row.done, again.done) == (True, False)
    assert assignments(bench) == []


def test_group_owners_assign_files_inside_their_own_group_only(bench: Bench) -> None:
    held = b"/data/scope/smith/ada/held.tif"
    with pytest.raises(NotAllowed, match="inside the group smith"):
        decide_assign(bench, "pia", held, group="other")
    with pytest.raises(NotAllowed, match="folder"):
        decide_assign(bench, "pia", b"/data/scope/smith", dataset="x")
    for name, path in (("otto", held), ("ada", held), ("pia", b"/data/scope/nobody/x.tif")):
        with pytest.raises(NotFound):
            decide_assign(bench, name, path, dataset="x")
    with pytest.raises(NotAllowed, match="an owner of the group smith"):
        decide_assign(bench, "ada", b"/data/scope/smith/ada/broken.tif", dataset="x")
    assert assignments(bench) == []


def test_administrators_assign_anywhere_also_folders(bench: Bench) -> None:
    assert decide_assign(bench, "root", b"/data/scope/nobody", owner="ada", group="smith")
    assert assignments(bench) == [(b"nobody", {"owner": "ada", "group": "smith"})]


def test_what_is_catalogued_may_be_assigned_by_who_may_file_it(bench: Bench) -> None:
    path = b"/data/scope/smith/ada/cells.tif"
    with pytest.raises(NotFound):
        decide_assign(bench, "otto", path, dataset="x")
    assert assignments(bench) == []
    assert decide_assign(bench, "root", path, dataset="x")
    assert assignments(bench) == [(b"smith/ada/cells.tif", {"dataset": "x"})]


def test_targets_that_do_not_fit_are_refused(bench: Bench) -> None:
    path = b"/data/scope/nobody/x.tif"
    wrong: list[tuple[dict[str, str], type[Exception]]] = [
        ({}, Refused),
        ({"dataset": "d", "plate": "p"}, Refused),
        ({"owner": "otto", "group": "smith"}, Refused),
        ({"owner": "nobody"}, NotFound),
        ({"group": "nothing"}, NotFound),
    ]
    for targets, error in wrong:
        with pytest.raises(error):
            decide_assign(bench, "root", path, **targets)


def decide_root(bench: Bench, acting: Acting) -> bool:
    with bench.lab.catalogue.writing() as connection:
        return accept_root(connection, acting, "scope", now=LATER, via="cli").done


def test_a_braked_root_is_released_by_an_administrator(bench: Bench) -> None:
    with bench.lab.catalogue.writing() as connection:
        connection.execute(update(Root).values(availability="braked", reason="60 of 70"))
    with pytest.raises(NotAllowed, match="pia may not accept the root scope: only an administrator may"):
        decide_root(bench, bench.lab.acting("pia"))
    assert decide_root(bench, bench.lab.acting("root"))
    assert decide_root(bench, bench.lab.acting("root"))
    with bench.lab.catalogue.reading() as connection:
        assert connection.scalar(select(Root.availability)) == "available"
        assert connection.scalars(select(Event.what)).all() == ["root_accepted"]


def moved(bench: Bench, owner: int, group: int) -> None:
    with bench.lab.catalogue.writing() as connection:
        fileset = select(Image.fileset_id).where(Image.id == bench.image).scalar_subquery()
        values = {"owner_differs": {"owner_id": owner, "group_id": group}}
        connection.execute(update(Fileset).where(Fileset.id == fileset).values(values))


def decide_accept(bench: Bench, name: str) -> bool:
    with bench.lab.catalogue.writing() as connection:
        (row,) = accept(connection, bench.lab.acting(name), [b"/data/scope/smith/ada/cells.tif"], now=LATER, via="cli")
    return row.done


def whose(bench: Bench) -> tuple[int, int]:
    with bench.lab.catalogue.reading() as connection:
        return tuple(connection.execute(select(Image.owner_id, Image.group_id).where(Image.id == bench.image)).one())  # type: ignore[return-value]  # two ints


@pytest.mark.parametrize("name", ["ada", "pia", "root"])
def test_a_moved_file_changes_hands_by_accept_inside_its_group(bench: Bench, name: str) -> None:
    moved(bench, bench.pia, bench.smith)
    assert bench.queued("pia", "owner-differs") == [("smith/ada/cells.tif", "imported")]
    assert decide_accept(bench, name)
    assert whose(bench) == (bench.pia, bench.smith)
    assert bench.queued("pia", "owner-differs") == []
    assert decide_accept(bench, "root")


def test_into_another_group_it_goes_only_by_whoever_may_move_it(bench: Bench) -> None:
    lab = bench.lab
    dataset = lab.dataset(bench.ada, bench.smith, "Day 1")
    lab.put(bench.image, dataset)
    tag = lab.annotate(bench.ada, bench.smith, "tag", "good", image_id=bench.image)
    moved(bench, bench.otto, bench.other)
    assert not decide_accept(bench, "pia")
    assert not decide_accept(bench, "ada")
    assert decide_accept(bench, "root")
    assert whose(bench) == (bench.otto, bench.other)
    with lab.catalogue.reading() as connection:
        found = show(connection, lab.acting("otto"), ObjectReference(type="image", id=bench.image))
    assert [(one.id, one.value) for one in found.annotations] == [(tag, "good")]
    assert found.parents == ()
