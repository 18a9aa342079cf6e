"""Who acts: accounts, administrators, `--as`, and what is written down about it."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, insert, select

from catalog.engine import Catalogue
from catalog.errors import NotAllowed, NotFound
from catalog.models.ingest import Event
from catalog.models.people import Experimenter, ExperimenterGroup, Membership
from catalog.people import acting_again, begin_request, known_people, resolve_acting
from catalog.permissions import SYSTEM

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ADA, CHARLES, GONE = 1, 2, 3


@pytest.fixture
def lab(catalogue: Catalogue) -> Catalogue:
    with catalogue.writing() as connection:
        connection.execute(
            insert(ExperimenterGroup), [{"id": 1, "name": "lab", "permissions": "read-only", "created_at": NOW}]
        )
        people = [("ada", None), ("charles", None), ("gone", NOW)]
        rows = [{"name": name, "created_at": NOW, "closed_at": closed} for name, closed in people]
        connection.execute(insert(Experimenter), rows)
        memberships = [(ADA, "file", False), (ADA, "hand", True), (CHARLES, "hand", False), (GONE, "hand", False)]
        connection.execute(
            insert(Membership),
            [
                {"experimenter_id": person, "group_id": 1, "source": source, "is_owner": is_owner, "created_at": NOW}
                for person, source, is_owner in memberships
            ],
        )
    return catalogue


def test_a_person_is_owner_of_a_group_while_any_source_says_so(lab: Catalogue) -> None:
    with lab.reading() as connection:
        acting = resolve_acting(connection, "ada", now=NOW, writes_database=False)
    assert acting.owner_of == acting.member_of == {1}
    assert not acting.is_administrator


def test_whoever_holds_the_database_is_an_administrator_and_need_not_be_an_experimenter(lab: Catalogue) -> None:
    with lab.reading() as connection:
        acting = resolve_acting(connection, "root", now=NOW)
    assert acting.is_administrator
    assert acting.experimenter_id is None
    assert set(acting.levels) == {1}


def test_an_account_that_is_no_experimenter_is_not_found(lab: Catalogue) -> None:
    with lab.reading() as connection, pytest.raises(NotFound):
        resolve_acting(connection, "mallory", now=NOW, writes_database=False)


@pytest.mark.parametrize("name", ["gone", "nobody"])
def test_nobody_acts_as_a_closed_or_unknown_person(lab: Catalogue, name: str) -> None:
    with pytest.raises(NotFound):
        begin_request(lab, "root", now=NOW, via="cli", as_name=name)


def test_acting_as_needs_an_administrator(lab: Catalogue) -> None:
    with lab.reading() as connection, pytest.raises(NotAllowed):
        resolve_acting(connection, "charles", now=NOW, as_name="ada", writes_database=False)


def test_acting_as_gives_that_persons_rights_only_and_is_recorded(lab: Catalogue) -> None:
    acting = begin_request(lab, "charles", now=NOW, via="cli", as_name="ada")
    assert (acting.experimenter_id, acting.is_administrator) == (ADA, False)
    with lab.reading() as connection:
        row = connection.execute(select(Event.__table__)).one()
    assert (row.what, row.actor_id, row.acting_as_id, row.account) == ("acting_as", CHARLES, ADA, "charles")


def test_roles_are_read_again_in_the_writing_transaction(lab: Catalogue) -> None:
    acting = begin_request(lab, "root", now=NOW, via="cli", as_name="ada")
    with lab.writing() as connection:
        connection.execute(delete(Membership).where(Membership.experimenter_id == ADA))
        again = acting_again(connection, acting, now=NOW)
    assert again.member_of == frozenset()
    assert again.account == "root"
    assert acting_again(connection, SYSTEM, now=NOW) is SYSTEM


def test_the_snapshot_marks_closed_people_and_leaves_out_their_memberships(lab: Catalogue) -> None:
    with lab.reading() as connection:
        known = known_people(connection, now=NOW)
    assert [(p.name, p.is_active) for p in known.people] == [("ada", True), ("charles", True), ("gone", False)]
    assert known.members == {(ADA, 1), (CHARLES, 1)}
    assert known.group_owners == {(ADA, 1)}
