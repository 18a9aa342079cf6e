"""The annotations of an object as documents, those in sight only."""

from sqlalchemy import Connection, RowMapping, select

from catalog.documents import AnnotationDocument
from catalog.models.annotations import Annotation, AnnotationLink
from catalog.models.people import Experimenter
from catalog.permissions import Acting, Action, may_on, may_unlink_annotation
from catalog.queries.image_documents import pairs_of
from catalog.queries.objects import LINK_COLUMNS, FoundObject
from catalog.visibility import dormant, visible


def annotations_of(
    connection: Connection, acting: Acting, found: FoundObject, *, kind: str | None = None
) -> tuple[AnnotationDocument, ...]:
    """Give the annotations on an object that the viewer sees (``found`` is), oldest link first."""
    linker = Experimenter.__table__.alias("linker")
    query = (
        select(
            Annotation.__table__,
            AnnotationLink.id.label("link_id"),
            AnnotationLink.owner_id.label("link_owner_id"),
            AnnotationLink.created_at.label("linked_at"),
            Experimenter.name.label("owner_name"),
            linker.c.name.label("linker_name"),
            dormant(acting, AnnotationLink).label("is_dormant"),
        )
        .select_from(AnnotationLink)
        .join(Annotation, Annotation.id == AnnotationLink.annotation_id)
        .join(Experimenter, Experimenter.id == Annotation.owner_id)
        .join(linker, linker.c.id == AnnotationLink.owner_id)
        .where(LINK_COLUMNS[found.reference.type] == found.reference.id)
        .where(visible(acting, AnnotationLink), visible(acting, Annotation))
        .order_by(AnnotationLink.id)
    )
    rows = connection.execute(query if kind is None else query.where(Annotation.kind == kind)).mappings().all()
    pairs = pairs_of(connection, acting, {row["id"] for row in rows if row["kind"] == "map"})
    return tuple(_document(acting, found, row, tuple(pairs.get(row["id"], ()))) for row in rows)


def _document(
    acting: Acting, found: FoundObject, row: RowMapping, pairs: tuple[tuple[str, str], ...]
) -> AnnotationDocument:
    group_id = found.group_id
    return AnnotationDocument(
        id=row["id"],
        link_id=row["link_id"],
        kind=row["kind"],
        value=row["value"],
        pairs=pairs,
        namespace=row["namespace"],
        owner=row["owner_name"],
        linked_by=row["linker_name"],
        made_by=row["made_by"],
        created_at=row["created_at"],
        linked_at=row["linked_at"],
        is_dormant=bool(row["is_dormant"]),
        can_edit=may_on(acting, Action.EDIT, group_id=group_id, owner_id=row["owner_id"]),
        can_unlink=may_unlink_annotation(
            acting, group_id=group_id, link_owner_id=row["link_owner_id"], object_owner_id=found.owner_id
        ),
    )
