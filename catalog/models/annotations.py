"""Tag, map, comment and file annotations, and their links to objects."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint, text

from catalog.models.base import Base, BigId, Stored, partial_index

#: What an annotation can be linked to, in the order of the columns of AnnotationLink.
ANNOTATED = ("project", "dataset", "image", "screen", "plate")


class Annotation(Base):
    """A tag, a set of key-value pairs, a comment or an attachment, owned by a person in a group."""

    __tablename__ = "annotation"
    __table_args__ = (
        CheckConstraint("kind IN ('tag', 'map', 'comment', 'file')", name="kind"),
        CheckConstraint("kind = 'map' OR value IS NOT NULL", name="has_value"),
        CheckConstraint("made_by IN ('hand', 'rule')", name="made_by"),
        UniqueConstraint("id", "group_id"),
        # The beginning only: PostgreSQL refuses index rows of long comments. Search by both, substr(value, 1, 200)
        # for the index and value itself for the truth.
        Index("ix_annotation_value", "group_id", "kind", text("substr(value, 1, 200)")),
    )

    id: Stored[int] = Stored(BigId, primary_key=True)
    kind: Stored[str] = Stored(String(8))
    namespace: Stored[str | None]
    #: The tag's or comment's text, an attachment's file name, NULL for a map.
    value: Stored[str | None]
    owner_id: Stored[int] = Stored(BigId, "experimenter.id")
    group_id: Stored[int] = Stored(BigId, "experimenter_group.id")
    #: 'hand', or 'rule' for what tags: and key_values: gave (owned by the data's owner).
    made_by: Stored[str] = Stored(String(8), default="hand")
    created_at: Stored[datetime]
    updated_at: Stored[datetime]


class MapPair(Base):
    """One pair of a map annotation; ordered, keys may repeat."""

    __tablename__ = "map_pair"
    __table_args__ = (
        # The beginnings only, for the same reason as ix_annotation_value.
        Index("ix_map_pair_key", text("substr(key, 1, 200)"), text("substr(value, 1, 200)")),
    )

    annotation_id: Stored[int] = Stored(BigId, "annotation.id", on_delete="CASCADE", primary_key=True)
    ordinal: Stored[int] = Stored(primary_key=True)
    key: Stored[str]
    value: Stored[str]


def _end(name: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        [f"{name}_id", "group_id"],
        [f"{name}.id", f"{name}.group_id"],
        deferrable=True,
        initially="DEFERRED",
        ondelete="CASCADE",
    )


def _once(name: str) -> Index:
    """One link of one owner between an annotation and an object; also the way from the object to its links."""
    columns = (f"{name}_id", "annotation_id", "owner_id")
    return partial_index(f"uq_annotation_link_{name}", *columns, where=f"{name}_id IS NOT NULL", unique=True)


class AnnotationLink(Base):
    """An annotation on exactly one object; has an owner and a date of its own.

    A link to a well fills ``well_id`` and ``well_plate_id`` (the well's plate), which ties it to the plate's group.
    """

    __tablename__ = "annotation_link"
    __table_args__ = (
        *(_end(name) for name in ANNOTATED),
        CheckConstraint(
            "(project_id IS NOT NULL) + (dataset_id IS NOT NULL) + (image_id IS NOT NULL) + (screen_id IS NOT NULL)"
            " + (plate_id IS NOT NULL) + (well_id IS NOT NULL) = 1",
            name="one_object",
        ).ddl_if(dialect="sqlite"),
        CheckConstraint(
            "num_nonnulls(project_id, dataset_id, image_id, screen_id, plate_id, well_id) = 1", name="one_object"
        ).ddl_if(dialect="postgresql"),
        CheckConstraint("(well_id IS NULL) = (well_plate_id IS NULL)", name="well_and_plate"),
        _end("annotation"),
        ForeignKeyConstraint(["well_id", "well_plate_id"], ["well.id", "well.plate_id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["well_plate_id", "group_id"], ["plate.id", "plate.group_id"], deferrable=True, initially="DEFERRED"
        ),
        *(_once(name) for name in (*ANNOTATED, "well")),
        Index("ix_annotation_link_annotation_id", "annotation_id"),
        Index("ix_annotation_link_well_plate_id", "well_plate_id"),
    )

    id: Stored[int] = Stored(BigId, primary_key=True)
    annotation_id: Stored[int] = Stored(BigId)
    project_id: Stored[int | None] = Stored(BigId, default=None)
    dataset_id: Stored[int | None] = Stored(BigId, default=None)
    image_id: Stored[int | None] = Stored(BigId, default=None)
    screen_id: Stored[int | None] = Stored(BigId, default=None)
    plate_id: Stored[int | None] = Stored(BigId, default=None)
    well_id: Stored[int | None] = Stored(BigId, default=None)
    well_plate_id: Stored[int | None] = Stored(BigId, default=None)
    group_id: Stored[int] = Stored(BigId)
    owner_id: Stored[int] = Stored(BigId, "experimenter.id")
    created_at: Stored[datetime]
