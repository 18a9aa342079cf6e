"""Annotations: who may put, change and take away what; refused with the reason; told once; rules give way to people."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from catalog.annotations import (
    add_comment,
    add_key_values,
    add_tag,
    annotations,
    edit_comment,
    remove_comment,
    remove_key_values,
    remove_tag,
)
from catalog.errors import NotAllowed, NotFound, Refused
from catalog.models.annotations import Annotation, AnnotationLink
from catalog.models.people import ExperimenterGroup, Membership
from catalog.queries.history import history
from catalog.references import ObjectReference
from catalog.rule_annotations import annotate_by_rule
from tests.helpers.lab import NOW, Lab

LEVELS = ("private", "read-only", "read-annotate", "read-write")


class Group:
    """One group with ada's image; bob is a member, pia leads, root administers, otto is outside."""

    def __init__(self, lab: Lab, level: str = "read-annotate") -> None:
        self.lab = lab
        self.group = lab.group("lab", level)
        self.ada, self.bob = lab.person("ada", self.group), lab.person("bob", self.group)
        self.pia = lab.person("pia", self.group, owns=(self.group,))
        lab.person("otto", lab.group("elsewhere"))
        lab.person("root", is_administrator=True)
        self.image_id = lab.image(self.ada, self.group, "cells", root=lab.root())
        self.image = ObjectReference(type="image", id=self.image_id)

    def do(
        self, name: str, function: Callable[..., Any], *arguments: Any, target: ObjectReference | None = None
    ) -> Any:
        acting = self.lab.acting(name)
        with self.lab.catalogue.writing() as connection:
            return function(connection, acting, target or self.image, *arguments, now=NOW, via="cli")

    def tags(self, name: str, target: ObjectReference | None = None) -> list[str | None]:
        with self.lab.catalogue.reading() as connection:
            found = annotations(connection, self.lab.acting(name), target or self.image, kind="tag")
        return [one.value for one in found]

    def told(self, name: str) -> list[str]:
        with self.lab.catalogue.reading() as connection:
            return [row.what for row in history(connection, self.lab.acting(name), self.image)]

    def by_rule(self, target: ObjectReference, tags: tuple[str, ...], pairs: tuple[tuple[str, str], ...] = ()) -> None:
        with self.lab.catalogue.writing() as connection:
            annotate_by_rule(
                connection, target, owner_id=self.ada, group_id=self.group, tags=tags, key_values=pairs, now=NOW
            )


@pytest.fixture
def site(lab: Lab) -> Group:
    return Group(lab)


@pytest.mark.parametrize("level", LEVELS)
def test_who_may_tag_at_each_level(lab: Lab, level: str) -> None:
    site = Group(lab, level)
    may = {"private": {"ada"}, "read-only": {"ada", "pia", "root"}}.get(level, {"ada", "bob", "pia", "root"})
    for name in ("ada", "bob", "pia", "root", "otto"):
        if name in may:
            site.do(name, add_tag, f"by {name}")
        elif name == "otto" or (name == "bob" and level == "private"):
            with pytest.raises(NotFound):
                site.do(name, add_tag, f"by {name}")
        else:
            with pytest.raises(
                NotAllowed, match=rf"{name} may not annotate image:\d+: the group lab is {level}; .*owner"
            ):
                site.do(name, add_tag, f"by {name}")
    assert set(site.tags("ada")) == {f"by {name}" for name in may}


@pytest.mark.parametrize("kind", ["project", "dataset", "screen", "plate", "well", "image"])
def test_every_kind_of_object_takes_all_annotations(site: Group, kind: str) -> None:
    lab, owner, group = site.lab, site.ada, site.group
    plate = lab.plate(owner, group, "P")
    ids = {
        "project": lab.project(owner, group, "P"),
        "dataset": lab.dataset(owner, group, "D"),
        "screen": lab.screen(owner, group, "S"),
        "plate": plate,
        "well": lab.well(plate, 1, 2),
        "image": site.image_id,
    }
    target = ObjectReference(type=kind, id=ids[kind])
    tag = site.do("bob", add_tag, "good", target=target)
    site.do("bob", add_key_values, [("Dose", "5"), ("Dose", "7")], target=target)
    comment = site.do("bob", add_comment, "look at this", target=target)
    with lab.catalogue.reading() as connection:
        found = annotations(connection, lab.acting("ada"), target)
    assert [(one.kind, one.value, one.pairs, one.owner) for one in found] == [
        ("tag", "good", (), "bob"),
        ("map", None, (("Dose", "5"), ("Dose", "7")), "bob"),
        ("comment", "look at this", (), "bob"),
    ]
    assert found[0] == tag.__class__(**{name: getattr(found[0], name) for name in tag.__slots__})
    site.do("bob", remove_tag, "good", target=target)
    site.do("bob", remove_key_values, "Dose", target=target)
    site.do("bob", remove_comment, comment.id, target=target)
    with lab.catalogue.reading() as connection:
        assert annotations(connection, lab.acting("ada"), target) == ()
        assert connection.scalar(select(func.count()).select_from(Annotation)) == 0


def test_tagging_twice_changes_and_tells_nothing_the_second_time(site: Group) -> None:
    first = site.do("bob", add_tag, "good")
    assert site.do("bob", add_tag, " good ").link_id == first.link_id
    assert site.do("ada", add_tag, "good").link_id == first.link_id
    assert site.told("ada") == ["annotated"]


def test_a_tag_of_the_group_is_used_again_for_other_objects(site: Group) -> None:
    other = site.lab.image(site.ada, site.group, "other", root=site.lab.root("second"))
    first = site.do("bob", add_tag, "good")
    second = site.do("pia", add_tag, "good", target=ObjectReference(type="image", id=other))
    assert second.id == first.id
    assert second.linked_by == "pia"


def test_own_links_go_by_oneself_and_others_by_the_owner_of_the_data_only(site: Group) -> None:
    site.do("pia", add_tag, "by pia")
    site.do("bob", add_tag, "by bob")
    with pytest.raises(NotAllowed, match=r"bob may not remove what pia put on image:\d+"):
        site.do("bob", remove_tag, "by pia")
    site.do("bob", remove_tag, "by bob")
    site.do("ada", remove_tag, "by pia")
    with pytest.raises(NotFound):
        site.do("ada", remove_tag, "by pia")
    assert site.tags("ada") == []
    assert site.told("ada") == ["annotated", "annotated", "annotation_removed", "annotation_removed"]


def test_editing_is_judged_by_who_owns_the_annotation(site: Group) -> None:
    comment = site.do("bob", add_comment, "blurred")
    with pytest.raises(NotAllowed, match="owner of the note"):
        site.do("ada", edit_comment, comment.id, "sharp")
    assert site.do("bob", edit_comment, comment.id, "very blurred").value == "very blurred"
    site.do("bob", add_key_values, [("A", "1"), ("B", "2")])
    with pytest.raises(NotAllowed):
        site.do("ada", remove_key_values, "A")
    site.do("pia", remove_key_values, "A")
    with site.lab.catalogue.reading() as connection:
        (left,) = annotations(connection, site.lab.acting("ada"), site.image, kind="map")
    assert left.pairs == (("B", "2"),)


@pytest.mark.parametrize("text", ["", "  ", "a\x00b"])
def test_texts_that_say_nothing_or_can_not_be_stored_are_refused(site: Group, text: str) -> None:
    for function in (add_tag, add_comment):
        with pytest.raises(Refused):
            site.do("ada", function, text)


def test_long_and_odd_texts_are_kept_whole(site: Group) -> None:
    text = "x\u202e'; DROP TABLE image; --\n" * 400
    assert site.do("ada", add_comment, text).value == text.strip()
    site.do("ada", add_tag, "t" * 5000)
    assert site.tags("bob") == ["t" * 5000]


def test_roles_are_read_again_when_it_is_written(site: Group) -> None:
    acting = site.lab.acting("bob")
    with site.lab.catalogue.writing() as connection:
        connection.execute(Membership.__table__.delete().where(Membership.experimenter_id == site.bob))
    with site.lab.catalogue.writing() as connection, pytest.raises(NotFound):
        add_tag(connection, acting, site.image, "late", now=NOW, via="cli")


def test_in_a_private_group_others_notes_sleep_also_in_the_history(lab: Lab) -> None:
    site = Group(lab, "read-annotate")
    site.do("pia", add_tag, "bad")
    with lab.catalogue.writing() as connection:
        connection.execute(ExperimenterGroup.__table__.update().values(permissions="private"))
    assert site.tags("ada") == []
    assert site.told("ada") == []
    assert site.tags("pia") == ["bad"]
    assert site.told("pia") == ["annotated"]


def test_rules_annotate_once_and_what_a_person_removed_stays_removed(site: Group) -> None:
    for _ in range(2):
        site.by_rule(site.image, ("confocal", "live"), (("Stain", "DAPI"), ("Dose", "5")))
    assert site.tags("bob") == ["confocal", "live"]
    site.do("ada", remove_tag, "live")
    site.do("ada", remove_key_values, "Dose")
    site.by_rule(site.image, ("confocal", "live"), (("Stain", "DAPI"), ("Dose", "5"), ("Day", "2")))
    with site.lab.catalogue.reading() as connection:
        found = annotations(connection, site.lab.acting("bob"), site.image)
    assert [(one.kind, one.value, one.pairs, one.owner, one.made_by) for one in found] == [
        ("tag", "confocal", (), "ada", "rule"),
        ("map", None, (("Stain", "DAPI"), ("Day", "2")), "ada", "rule"),
    ]


def test_rules_annotate_wells_and_share_the_owners_tag(site: Group) -> None:
    plate = site.lab.plate(site.ada, site.group, "P")
    for row in range(3):
        well = ObjectReference(type="well", id=site.lab.well(plate, row, 0))
        site.by_rule(well, ("siRNA",))
        assert site.tags("bob", well) == ["siRNA"]
    with site.lab.catalogue.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(Annotation)) == 1
        assert connection.scalar(select(func.count()).select_from(AnnotationLink)) == 3
