"""Who may do what: the pure table, its SQL and the written tables agree on every generated site."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import case, literal, select

from catalog.acting import resolve_acting
from catalog.engine import Catalogue
from catalog.models.annotations import Annotation, AnnotationLink
from catalog.models.containers import Dataset, DatasetImageLink, Project, ProjectDatasetLink
from catalog.models.images import Image
from catalog.models.people import Experimenter, ExperimenterGroup, Membership
from catalog.permissions import Action, may_in_group, may_on
from catalog.visibility import dormant, permitted, visible, visible_by_group
from tests.helpers.site import LEVELS, NOW, GeneratedSite, Owned, SiteLink, fill, sites

#: The table as people are told it, for other people's objects; the levels are private, read-only, read-annotate,
#: read-write. It is written here a second time on purpose.
WRITTEN = """
| view                           | Y Y Y Y | Y Y Y Y | N Y Y Y | N |
| see who is in the group        | Y Y Y Y | Y Y Y Y | N Y Y Y | N |
| annotate                       | N Y Y Y | N Y Y Y | N N Y Y | N |
| edit name and description      | Y Y Y Y | Y Y Y Y | N N N Y | N |
| delete                         | Y Y Y Y | Y Y Y Y | N N N Y | N |
| remove others' annotations     | Y Y Y Y | Y Y Y Y | N N N Y | N |
| put into containers            | N Y Y Y | N Y Y Y | N N N Y | N |
| move to another group          | Y Y Y Y | N N N N | N N N N | N |
| change the owner               | Y Y Y Y | Y Y Y Y | N N N N | N |
| manage members and level of the group | Y Y Y Y | Y Y Y Y | N N N N | N |
"""
TOLD = {
    cells[0].strip(): [cell.split() for cell in cells[1:4]]
    for cells in (line.strip("|").split("|") for line in WRITTEN.strip().splitlines())
}
ABOUT_GROUPS = {Action.SEE_MEMBERS, Action.MANAGE_GROUP}
OBJECTS = ((Project, "projects"), (Dataset, "datasets"), (Image, "images"), (Annotation, "annotations"))
COMPILED: dict[Any, Any] = {}
FEW = settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
MANY = settings(FEW, max_examples=10_000, database=None, suppress_health_check=list(HealthCheck))


class Oracle:
    """What the written tables say about a site, from its plain values alone."""

    def __init__(self, site: GeneratedSite, user: int) -> None:
        self.site, self.user = site, user
        self.is_administrator = site.users[user - 1].is_administrator
        mine = [m for m in site.memberships if m.user == user and not m.is_over]
        self.member_of = {m.group for m in mine}
        self.owner_of = {m.group for m in mine if m.is_owner}

    def others(self, action: Action, group: int) -> bool:
        column = LEVELS.index(self.site.levels[group - 1])
        administrator, owner, member = TOLD[action.value]
        says = [
            self.is_administrator and administrator[column] == "Y",
            group in self.owner_of and owner[column] == "Y",
            group in self.member_of and member[column] == "Y",
        ]
        return any(says)

    def allowed(self, action: Action, thing: Owned) -> bool:
        is_own = thing.owner == self.user and thing.group in self.member_of
        return self.others(action, thing.group) or (is_own and action is not Action.GIVE)

    def sees(self, thing: Owned) -> bool:
        return self.allowed(Action.VIEW, thing)

    def sees_link(self, link: SiteLink, parent: Owned, child: Owned) -> bool:
        in_charge = self.is_administrator or parent.group in self.owner_of
        return self.sees(parent) and self.sees(child) and (in_charge or not self.sleeps(link, parent, child))

    def sleeps(self, link: SiteLink, parent: Owned, child: Owned) -> bool:
        is_private = self.site.levels[parent.group - 1] == "private"
        return is_private and len({link.owner, parent.owner, child.owner}) > 1

    def sees_person(self, other: int) -> bool:
        active = not self.site.users[other - 1].is_closed
        groups = {m.group for m in self.site.memberships if m.user == other and not m.is_over and active}
        together = any(self.others(Action.SEE_MEMBERS, group) for group in groups)
        return other == self.user or self.is_administrator or together


def check_site(catalogue: Catalogue, site: GeneratedSite) -> None:
    """Compare the three for every active user of a site; the database is empty again afterwards."""
    # A cache without bounds: sites differ in the shape of their conditions, and compiling them is most of the time.
    connection = catalogue.engine.connect().execution_options(compiled_cache=COMPILED)
    with connection, connection.begin() as transaction:
        fill(connection, site)
        for number, user in enumerate(site.users, 1):
            if not user.is_closed:
                acting = resolve_acting(connection, f"user{number}", now=NOW, writes_database=False)
                check_acting(connection, site, acting, Oracle(site, number))
        transaction.rollback()


def check_acting(connection: Any, site: GeneratedSite, acting: Any, oracle: Oracle) -> None:
    def ids(model: Any, condition: Any) -> set[int]:
        return set(connection.execute(select(model.id).where(condition)).scalars())

    for model, attribute in OBJECTS:
        check_objects(connection, acting, oracle, model, getattr(site, attribute))
    for group in range(1, len(site.levels) + 1):
        for action in ABOUT_GROUPS:
            assert may_in_group(acting, action, group) == oracle.others(action, group)
    check_links(connection, site, acting, oracle)
    people = {i for i in range(1, len(site.users) + 1) if oracle.sees_person(i)}
    assert ids(Experimenter, visible(acting, Experimenter)) == people
    groups = {i for i in range(1, len(site.levels) + 1) if oracle.is_administrator or i in oracle.member_of}
    assert ids(ExperimenterGroup, visible(acting, ExperimenterGroup)) == groups
    told_members = {
        (m.user, m.group, m.source)
        for m in site.memberships
        if m.user == oracle.user or oracle.others(Action.SEE_MEMBERS, m.group)
    }
    table = Membership.__table__
    rows = connection.execute(
        select(table.c.experimenter_id, table.c.group_id, table.c.source).where(visible(acting, Membership))
    )
    assert {tuple(row) for row in rows} == told_members


def check_objects(connection: Any, acting: Any, oracle: Oracle, model: Any, things: tuple[Owned, ...]) -> None:
    """Compare all actions on the objects of one table, by one statement: a column for each action's condition."""
    actions = sorted(set(Action) - ABOUT_GROUPS)
    conditions = [permitted(acting, action, model) for action in actions]
    labelled = [condition.label(f"may{place}") for place, condition in enumerate(conditions)]
    columns = (model.id, visible(acting, model).label("seen"), times_by_group(acting, model).label("times"))
    rows = connection.execute(select(*columns, *labelled)).all()
    assert {row.id for row in rows if row.seen} == {i for i, t in enumerate(things, 1) if oracle.sees(t)}
    assert all(row.times == int(row.seen) for row in rows), model
    for place, action in enumerate(actions, len(columns)):
        told = {i for i, thing in enumerate(things, 1) if oracle.allowed(action, thing)}
        pure = {i for i, t in enumerate(things, 1) if may_on(acting, action, group_id=t.group, owner_id=t.owner)}
        assert pure == told, (action, model)
        assert {row.id for row in rows if row[place]} == told, (action, model)


def times_by_group(acting: Any, model: Any) -> Any:
    """Count the branches, one for each group, in which a row is seen: one if it is seen at all."""
    if acting.is_administrator or model in (Annotation, AnnotationLink):  # who sees all needs no branches
        return case((visible(acting, model), 1), else_=0)
    return sum((case((branch, 1), else_=0) for branch in visible_by_group(acting, model)), literal(0))


def check_links(connection: Any, site: GeneratedSite, acting: Any, oracle: Oracle) -> None:
    kinds: tuple[tuple[Any, str, str, tuple[SiteLink, ...], tuple[Owned, ...], tuple[Owned, ...]], ...] = (
        (ProjectDatasetLink, "project_id", "dataset_id", site.in_projects, site.projects, site.datasets),
        (DatasetImageLink, "dataset_id", "image_id", site.in_datasets, site.datasets, site.images),
        (AnnotationLink, "image_id", "annotation_id", site.on_images, site.images, site.annotations),
    )
    for model, parent, child, links, parents, children in kinds:
        ends = {(link.parent, link.child): (link, parents[link.parent - 1], children[link.child - 1]) for link in links}
        columns = select(getattr(model, parent), getattr(model, child))
        marks = columns.add_columns(dormant(acting, model)).where(visible(acting, model))
        sleeps = {(row[0], row[1]): bool(row[2]) for row in connection.execute(marks)}
        times = {
            (row[0], row[1]): row[2] for row in connection.execute(columns.add_columns(times_by_group(acting, model)))
        }
        assert times == {pair: int(pair in sleeps) for pair in times}, model
        assert set(sleeps) == {pair for pair, args in ends.items() if oracle.sees_link(*args)}, model
        assert all(oracle.sleeps(*ends[pair]) == is_marked for pair, is_marked in sleeps.items()), model


@given(site=sites())
@FEW
def test_the_table_its_sql_and_the_written_tables_agree(catalogue: Catalogue, site: GeneratedSite) -> None:
    check_site(catalogue, site)


@pytest.mark.faults_full
@given(site=sites())
@MANY
def test_they_agree_on_ten_thousand_sites(catalogue: Catalogue, site: GeneratedSite) -> None:
    check_site(catalogue, site)


def test_every_line_of_the_written_table_is_an_action() -> None:
    assert set(TOLD) == {action.value for action in Action}
