"""Tag, map, comment and file annotations, and their links to objects."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models.base import Base, BigId

#: What an annotation can be linked to, in the order of the columns of AnnotationLink.
ANNOTATED = ("project", "dataset", "image", "screen", "plate")


class Annotation(Base):
    """A tag, a set of key-value pairs, a comment or an attachment, owned by a person in a group."""

    __tablename__ = "annotation"
    __table_args__ = (
        CheckConstraint("kind IN ('tag', 'map', 'comment', 'file')", name="kind"),
        Index("ix_annotation_value", "group_id", "kind", "value"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    namespace: Mapped[str | None]
    #: The tag's or comment's text, an attachment's file name, NULL for a map.
    value: Mapped[str | None]
    owner_id: Mapped[int] = mapped_column(BigId, ForeignKey("experimenter.id"))
    group_id: Mapped[int] = mapped_column(BigId, ForeignKey("experimenter_group.id"))
    #: 'hand', or 'rule' for what tags: and key_values: gave (owned by the data's owner).
    made_by: Mapped[str] = mapped_column(String(8), default="hand")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class MapPair(Base):
    """One pair of a map annotation; ordered, keys may repeat."""

    __tablename__ = "map_pair"
    __table_args__ = (Index("ix_map_pair_key", "key", "value"),)

    annotation_id: Mapped[int] = mapped_column(BigId, ForeignKey("annotation.id", ondelete="CASCADE"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    value: Mapped[str]


def _end(name: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        [f"{name}_id", "group_id"],
        [f"{name}.id", f"{name}.group_id"],
        deferrable=True,
        initially="DEFERRED",
        ondelete="CASCADE",
    )


class AnnotationLink(Base):
    """An annotation on exactly one object; has an owner and a date of its own. A well's goes to its well_id."""

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
        *(Index(f"ix_annotation_link_{name}", f"{name}_id") for name in (*ANNOTATED, "well")),
        Index("ix_annotation_link_annotation_id", "annotation_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    annotation_id: Mapped[int] = mapped_column(BigId, ForeignKey("annotation.id", ondelete="CASCADE"))
    project_id: Mapped[int | None] = mapped_column(BigId, default=None)
    dataset_id: Mapped[int | None] = mapped_column(BigId, default=None)
    image_id: Mapped[int | None] = mapped_column(BigId, default=None)
    screen_id: Mapped[int | None] = mapped_column(BigId, default=None)
    plate_id: Mapped[int | None] = mapped_column(BigId, default=None)
    well_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("well.id", ondelete="CASCADE"), default=None)
    group_id: Mapped[int] = mapped_column(BigId)
    owner_id: Mapped[int] = mapped_column(BigId, ForeignKey("experimenter.id"))
    created_at: Mapped[datetime]
