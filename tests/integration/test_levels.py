"""The four examples of the permission levels: a group leader with two students, at each level."""

from typing import Any

import pytest
from sqlalchemy import select

from catalog.acting import resolve_acting
from catalog.engine import Catalogue
from catalog.models.containers import DatasetImageLink
from catalog.models.images import Image
from catalog.models.people import Experimenter
from catalog.people import editing, level_effect, list_users, set_permissions
from catalog.permissions import SYSTEM, Acting, may_link, may_unlink_annotation, rights
from catalog.visibility import dormant, visible
from config.settings import PermissionLevel
from tests.helpers.site import NOW, GeneratedSite, Owned, SiteLink, SiteMembership, SiteUser, fill

LEADER, ADA, CHARLES, STRANGER = 1, 2, 3, 4
OF_LEADER, OF_ADA, OF_CHARLES = 1, 2, 3
EVERYTHING = {OF_LEADER, OF_ADA, OF_CHARLES}


def lab(level: str) -> GeneratedSite:
    """A lab with an image of each, Ada's dataset holding her own and Charles's image, and a stranger outside."""
    return GeneratedSite(
        users=(SiteUser(),) * 4,
        levels=(level,),
        memberships=(
            SiteMembership(user=LEADER, group=1, is_owner=True),
            SiteMembership(user=ADA, group=1),
            SiteMembership(user=CHARLES, group=1),
        ),
        datasets=(Owned(owner=ADA, group=1),),
        images=tuple(Owned(owner=owner, group=1) for owner in (LEADER, ADA, CHARLES)),
        in_datasets=(SiteLink(parent=1, child=OF_ADA, owner=ADA), SiteLink(parent=1, child=OF_CHARLES, owner=LEADER)),
    )


class Look:
    """What each person sees and may, asked of the catalogue."""

    def __init__(self, catalogue: Catalogue, level: str) -> None:
        self.catalogue = catalogue
        with catalogue.writing() as connection:
            fill(connection, lab(level))

    def acting(self, user: int) -> Acting:
        with self.catalogue.reading() as connection:
            return resolve_acting(connection, f"user{user}", now=NOW, writes_database=False)

    def images(self, user: int) -> set[int]:
        return self._ids(select(Image.id).where(visible(self.acting(user), Image)))

    def people(self, user: int) -> set[int]:
        return self._ids(select(Experimenter.id).where(visible(self.acting(user), Experimenter)))

    def in_dataset(self, user: int) -> set[int]:
        return self._ids(select(DatasetImageLink.image_id).where(visible(self.acting(user), DatasetImageLink)))

    def may(self, user: int, owner: int, right: str) -> bool:
        return bool(getattr(rights(self.acting(user), group_id=1, owner_id=owner), right))

    def _ids(self, query: Any) -> set[int]:
        with self.catalogue.reading() as connection:
            return set(connection.execute(query).scalars())


def test_private_the_leader_sees_all_and_annotates_nothing_of_others_students_see_only_their_own(
    catalogue: Catalogue,
) -> None:
    look = Look(catalogue, "private")
    assert look.images(LEADER) == EVERYTHING
    assert look.images(ADA) == {OF_ADA}
    assert look.images(STRANGER) == set()
    assert look.people(ADA) == {ADA}
    assert look.people(LEADER) == {LEADER, ADA, CHARLES}
    assert not look.may(LEADER, ADA, "can_annotate")
    assert look.may(LEADER, ADA, "can_edit")
    assert look.may(ADA, ADA, "can_annotate")
    assert look.in_dataset(ADA) == {OF_ADA}


def test_private_links_between_owners_sleep_marked_for_the_leader(catalogue: Catalogue) -> None:
    look = Look(catalogue, "private")
    assert look.in_dataset(LEADER) == {OF_ADA, OF_CHARLES}
    with catalogue.reading() as connection:
        asleep = select(DatasetImageLink.image_id).where(dormant(SYSTEM, DatasetImageLink))
        assert set(connection.execute(asleep).scalars()) == {OF_CHARLES}


def test_read_only_all_see_all_and_only_the_leader_annotates_others(catalogue: Catalogue) -> None:
    look = Look(catalogue, "read-only")
    assert look.images(ADA) == look.images(CHARLES) == look.images(LEADER) == EVERYTHING
    assert look.people(ADA) == {LEADER, ADA, CHARLES}
    assert look.images(STRANGER) == set()
    assert look.may(LEADER, ADA, "can_annotate")
    assert not look.may(ADA, CHARLES, "can_annotate")
    assert look.may(ADA, ADA, "can_annotate")
    assert not look.may(ADA, CHARLES, "can_edit")


def test_read_annotate_all_annotate_all_and_nobody_removes_anothers(catalogue: Catalogue) -> None:
    look = Look(catalogue, "read-annotate")
    assert look.images(ADA) == EVERYTHING
    assert look.may(ADA, CHARLES, "can_annotate")
    assert not look.may(ADA, CHARLES, "can_edit")
    assert not look.may(ADA, CHARLES, "can_delete")
    ada = look.acting(ADA)
    assert not may_unlink_annotation(ada, group_id=1, link_owner_id=CHARLES, object_owner_id=LEADER)
    assert may_unlink_annotation(ada, group_id=1, link_owner_id=CHARLES, object_owner_id=ADA)
    assert may_unlink_annotation(ada, group_id=1, link_owner_id=ADA, object_owner_id=CHARLES)
    assert not may_link(ada, group_id=1, parent_owner_id=ADA, child_owner_id=CHARLES)


def test_read_write_members_change_and_delete_each_others_data_but_give_none_away(catalogue: Catalogue) -> None:
    look = Look(catalogue, "read-write")
    assert all(look.may(ADA, CHARLES, right) for right in ("can_annotate", "can_edit", "can_delete", "can_link"))
    assert not look.may(ADA, CHARLES, "can_move")
    assert not look.may(ADA, ADA, "can_give")
    assert look.may(LEADER, CHARLES, "can_give")
    assert look.images(STRANGER) == set()


@pytest.mark.parametrize("level", ["read-only", "read-annotate", "read-write"])
def test_making_a_group_private_says_first_what_sleeps_and_deletes_nothing(catalogue: Catalogue, level: str) -> None:
    look = Look(catalogue, level)
    leader = look.acting(LEADER)
    with catalogue.reading() as connection:
        said = level_effect(connection, leader, "group1", PermissionLevel.PRIVATE)
    assert said.links_that_sleep == 1
    assert {(change.user, change.images) for change in said.sight} == {("user2", -2), ("user3", -2)}
    assert look.images(ADA) == EVERYTHING
    for wanted in (PermissionLevel.PRIVATE, PermissionLevel(level)):
        with editing(catalogue, leader, now=NOW, marks={}) as edit:
            effect = set_permissions(edit, "group1", wanted)
    assert effect.links_that_wake == 1
    assert look.in_dataset(ADA) == {OF_ADA, OF_CHARLES}


def test_who_has_left_sees_nothing_of_it_and_the_data_stays(catalogue: Catalogue) -> None:
    site = lab("read-write")
    gone = SiteMembership(user=ADA, group=1, is_over=True)
    kept = tuple(m for m in site.memberships if m.user != ADA)
    with catalogue.writing() as connection:
        fill(
            connection,
            GeneratedSite(users=site.users, levels=site.levels, memberships=(*kept, gone), images=site.images),
        )
    with catalogue.reading() as connection:
        ada = resolve_acting(connection, "user2", now=NOW, writes_database=False)
        charles = resolve_acting(connection, "user3", now=NOW, writes_database=False)
        assert connection.execute(select(Image.id).where(visible(ada, Image))).all() == []
        assert OF_ADA in set(connection.execute(select(Image.id).where(visible(charles, Image))).scalars())
        assert [user.name for user in list_users(connection, ada)] == ["user2"]
