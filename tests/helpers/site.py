"""Whole sites as plain values: users, groups, levels, memberships, leavers and objects; generated, and put into tables.

Ids are positions from 1, so a test can reason about a site without asking the database.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Connection, insert

from catalog.models.annotations import Annotation, AnnotationLink
from catalog.models.containers import Dataset, DatasetImageLink, Project, ProjectDatasetLink
from catalog.models.images import Image
from catalog.models.ingest import Fileset, Root
from catalog.models.people import Experimenter, ExperimenterGroup, Membership

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LEVELS = ("private", "read-only", "read-annotate", "read-write")
SOURCES = ("file", "hand", "system")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteUser:
    """A person; closed ones may still own data."""

    is_administrator: bool = False
    is_closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteMembership:
    """One source's word; it may have run out."""

    user: int
    group: int
    source: str = "hand"
    is_owner: bool = False
    is_over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """An object of an owner in a group: a project, dataset, image or annotation, by the list it stands in."""

    owner: int
    group: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLink:
    """A link between two objects of one group (positions from 1), with an owner of its own."""

    parent: int
    child: int
    owner: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedSite:
    """A site. ``in_datasets`` links datasets and images, ``on_images`` images (parents) and annotations."""

    users: tuple[SiteUser, ...]
    levels: tuple[str, ...]
    memberships: tuple[SiteMembership, ...] = ()
    projects: tuple[Owned, ...] = ()
    datasets: tuple[Owned, ...] = ()
    images: tuple[Owned, ...] = ()
    annotations: tuple[Owned, ...] = ()
    in_projects: tuple[SiteLink, ...] = ()
    in_datasets: tuple[SiteLink, ...] = ()
    on_images: tuple[SiteLink, ...] = ()


@st.composite
def sites(draw: st.DrawFn) -> GeneratedSite:
    """Generate sites; owners need not be members any more, and administrators may be members."""
    users = draw(st.lists(st.builds(SiteUser, is_administrator=_rarely(), is_closed=_rarely()), min_size=2, max_size=5))
    levels = draw(st.lists(st.sampled_from(LEVELS), min_size=1, max_size=3))
    user, group = st.integers(1, len(users)), st.integers(1, len(levels))
    owned = st.lists(st.builds(Owned, owner=user, group=group), max_size=4).map(tuple)
    membership = st.builds(
        SiteMembership,
        user=user,
        group=group,
        source=st.sampled_from(SOURCES),
        is_owner=_rarely(),
        is_over=_rarely(),
    )
    memberships = draw(st.lists(membership, max_size=10, unique_by=lambda m: (m.user, m.group, m.source)))
    projects, datasets, images, annotations = (draw(owned) for _ in range(4))
    return GeneratedSite(
        users=tuple(users),
        levels=tuple(levels),
        memberships=tuple(memberships),
        projects=projects,
        datasets=datasets,
        images=images,
        annotations=annotations,
        in_projects=_links(draw, projects, datasets, user),
        in_datasets=_links(draw, datasets, images, user),
        on_images=_links(draw, images, annotations, user),
    )


def _rarely() -> st.SearchStrategy[bool]:
    return st.sampled_from((False, False, False, True))


def _links(
    draw: st.DrawFn, parents: tuple[Owned, ...], children: tuple[Owned, ...], user: st.SearchStrategy[int]
) -> tuple[SiteLink, ...]:
    """Link some of the pairs that share a group."""
    pairs = [
        (p, c)
        for p, parent in enumerate(parents, 1)
        for c, child in enumerate(children, 1)
        if parent.group == child.group
    ]
    chosen = [pair for pair in pairs if draw(st.booleans())]
    return tuple(SiteLink(parent=p, child=c, owner=draw(user)) for p, c in chosen)


def fill(connection: Connection, site: GeneratedSite) -> None:
    """Put a site into empty tables; ids are the positions."""
    _fill_people(connection, site)
    _put(connection, Project, [_object(i, o) for i, o in enumerate(site.projects, 1)])
    _put(connection, Dataset, [_object(i, o) for i, o in enumerate(site.datasets, 1)])
    _fill_images(connection, site.images)
    _put(connection, Annotation, [_annotation(i, o) for i, o in enumerate(site.annotations, 1)])
    _put(connection, ProjectDatasetLink, _link_rows(site.in_projects, site.projects, "project_id", "dataset_id"))
    _put(connection, DatasetImageLink, _link_rows(site.in_datasets, site.datasets, "dataset_id", "image_id"))
    _put(connection, AnnotationLink, _link_rows(site.on_images, site.images, "image_id", "annotation_id"))


def _fill_people(connection: Connection, site: GeneratedSite) -> None:
    groups = [
        {"id": i, "name": f"group{i}", "permissions": level, "created_at": NOW}
        for i, level in enumerate(site.levels, 1)
    ]
    users = [
        {
            "id": i,
            "name": f"user{i}",
            "is_administrator": user.is_administrator,
            "created_at": NOW,
            "closed_at": NOW if user.is_closed else None,
        }
        for i, user in enumerate(site.users, 1)
    ]
    memberships = [
        {
            "experimenter_id": m.user,
            "group_id": m.group,
            "source": m.source,
            "is_owner": m.is_owner,
            "created_at": NOW,
            "until_at": NOW - timedelta(days=1) if m.is_over else None,
        }
        for m in site.memberships
    ]
    _put(connection, ExperimenterGroup, groups)
    _put(connection, Experimenter, users)
    _put(connection, Membership, memberships)


def _fill_images(connection: Connection, images: tuple[Owned, ...]) -> None:
    if images:
        _put(connection, Root, [{"id": 1, "name": "root", "path": b"/data"}])
    filesets = [
        {
            "id": i,
            "root_id": 1,
            "key": i.to_bytes(16, "big"),
            "placement": {},
            "seen_digest": bytes(16),
            "first_seen_at": NOW,
        }
        for i in range(1, len(images) + 1)
    ]
    sizes = {f"size_{axis}": 1 for axis in "xyzct"}
    rows = [
        {**_object(i, o), **sizes, "fileset_id": i, "series": 0, "pixels_type": "uint8", "format": "TIFF"}
        for i, o in enumerate(images, 1)
    ]
    _put(connection, Fileset, filesets)
    _put(connection, Image, rows)


def _object(number: int, owned: Owned) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"object{number}",
        "owner_id": owned.owner,
        "group_id": owned.group,
        "created_at": NOW,
        "updated_at": NOW,
    }


def _annotation(number: int, owned: Owned) -> dict[str, Any]:
    row = _object(number, owned)
    return {**{key: row[key] for key in row if key != "name"}, "kind": "tag", "value": f"tag{number}"}


def _link_rows(
    links: tuple[SiteLink, ...], parents: tuple[Owned, ...], parent: str, child: str
) -> list[dict[str, Any]]:
    return [
        {
            parent: link.parent,
            child: link.child,
            "owner_id": link.owner,
            "group_id": parents[link.parent - 1].group,
            "created_at": NOW,
        }
        for link in links
    ]


def _put(connection: Connection, model: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(model), rows)
