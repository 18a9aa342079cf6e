"""Project, Dataset, Screen, Plate, Well and the links between them; linked objects share one group."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint

from catalog.models.base import Base, BigId, Stored


class OwnedMixin:
    """Owner, group and how they were decided; every object has exactly one of each."""

    id: Stored[int] = Stored(BigId, primary_key=True)
    name: Stored[str]
    description: Stored[str | None] = Stored(default=None)
    owner_id: Stored[int] = Stored(BigId, "experimenter.id")
    group_id: Stored[int] = Stored(BigId, "experimenter_group.id")
    #: How owner and group were decided, for people: "folder 'ab3c' (rule confocal#1)", "posix", "hand", "assign".
    owner_by: Stored[str] = Stored(default="hand")
    configuration_id: Stored[int | None] = Stored(BigId, "configuration.id", default=None)
    created_at: Stored[datetime]
    updated_at: Stored[datetime]


class OriginMixin:
    """What makes a container found again by the rules; NULL once deleted, chgrp'd or made by hand.

    ``origin_key`` is the 16-byte blake2b of (group, container owner, kind, names the rule gave for it and its
    parents); renaming and moving by hand do not touch it.
    """

    origin_key: Stored[bytes | None] = Stored(LargeBinary(16), unique=True, default=None)


class Project(OwnedMixin, OriginMixin, Base):
    """A project holds datasets."""

    __tablename__ = "project"
    __table_args__ = (UniqueConstraint("id", "group_id"), Index("ix_project_page", "group_id", "id"))


class Dataset(OwnedMixin, OriginMixin, Base):
    """A dataset holds images."""

    __tablename__ = "dataset"
    __table_args__ = (UniqueConstraint("id", "group_id"), Index("ix_dataset_page", "group_id", "id"))


class Screen(OwnedMixin, OriginMixin, Base):
    """A screen holds plates."""

    __tablename__ = "screen"
    __table_args__ = (UniqueConstraint("id", "group_id"), Index("ix_screen_page", "group_id", "id"))


class Plate(OwnedMixin, OriginMixin, Base):
    """A plate holds wells and plate acquisitions; ``rows`` x ``columns`` when known."""

    __tablename__ = "plate"
    __table_args__ = (UniqueConstraint("id", "group_id"), Index("ix_plate_page", "group_id", "id"))

    rows: Stored[int | None] = Stored(default=None)
    columns: Stored[int | None] = Stored(default=None)


class PlateAcquisition(Base):
    """One run of a plate; group and owner are the plate's."""

    __tablename__ = "plate_acquisition"
    __table_args__ = (UniqueConstraint("plate_id", "name"), UniqueConstraint("id", "plate_id"))

    id: Stored[int] = Stored(BigId, primary_key=True)
    plate_id: Stored[int] = Stored(BigId, "plate.id", on_delete="CASCADE")
    name: Stored[str]
    created_at: Stored[datetime]


class Well(Base):
    """A well of a plate at zero-based ``row`` and ``column``; group and owner are the plate's."""

    __tablename__ = "well"
    __table_args__ = (
        UniqueConstraint("plate_id", "row", "column"),
        UniqueConstraint("id", "plate_id"),
        CheckConstraint('"row" >= 0 AND "column" >= 0', name="zero_based"),
    )

    id: Stored[int] = Stored(BigId, primary_key=True)
    plate_id: Stored[int] = Stored(BigId, "plate.id", on_delete="CASCADE")
    row: Stored[int]
    column: Stored[int]


def _linked(parent: str, child: str) -> tuple[ForeignKeyConstraint, ForeignKeyConstraint]:
    """Tie both ends of a link to one group, checked at commit so that chgrp can run."""

    def tie(end: str) -> ForeignKeyConstraint:
        return ForeignKeyConstraint(
            [f"{end}_id", "group_id"],
            [f"{end}.id", f"{end}.group_id"],
            deferrable=True,
            initially="DEFERRED",
            ondelete="CASCADE",
        )

    return tie(parent), tie(child)


class LinkMixin:
    """Owner, group and date of a link; it is in force as CATALOGUE says for private groups."""

    group_id: Stored[int] = Stored(BigId)
    owner_id: Stored[int] = Stored(BigId, "experimenter.id")
    created_at: Stored[datetime]


class ProjectDatasetLink(LinkMixin, Base):
    """A dataset in a project."""

    __tablename__ = "project_dataset_link"
    __table_args__ = (*_linked("project", "dataset"), Index("ix_project_dataset_link_dataset_id", "dataset_id"))

    project_id: Stored[int] = Stored(BigId, primary_key=True)
    dataset_id: Stored[int] = Stored(BigId, primary_key=True)


class DatasetImageLink(LinkMixin, Base):
    """An image in a dataset."""

    __tablename__ = "dataset_image_link"
    __table_args__ = (
        *_linked("dataset", "image"),
        Index("ix_dataset_image_link_image_id", "image_id"),
        Index("ix_dataset_image_link_count", "group_id", "dataset_id", "owner_id"),
    )

    dataset_id: Stored[int] = Stored(BigId, primary_key=True)
    image_id: Stored[int] = Stored(BigId, primary_key=True)


class ScreenPlateLink(LinkMixin, Base):
    """A plate in a screen."""

    __tablename__ = "screen_plate_link"
    __table_args__ = (*_linked("screen", "plate"), Index("ix_screen_plate_link_plate_id", "plate_id"))

    screen_id: Stored[int] = Stored(BigId, primary_key=True)
    plate_id: Stored[int] = Stored(BigId, primary_key=True)


class WellSample(Base):
    """One field of view: ``field`` (zero-based) of a well in a plate acquisition, shown by one image.

    ``tile`` tells the pictures apart of which one field is made; 0 where there is but one.

    ``group_id`` is that of plate and image alike.
    """

    __tablename__ = "well_sample"
    __table_args__ = (
        ForeignKeyConstraint(["well_id", "plate_id"], ["well.id", "well.plate_id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["plate_acquisition_id", "plate_id"],
            ["plate_acquisition.id", "plate_acquisition.plate_id"],
            ondelete="CASCADE",
        ),
        *_linked("plate", "image"),
        UniqueConstraint("plate_acquisition_id", "well_id", "field", "tile"),
        Index("ix_well_sample_plate_id", "plate_id", "well_id"),
        Index("ix_well_sample_count", "group_id", "plate_id"),
        CheckConstraint("field >= 0", name="zero_based"),
    )

    image_id: Stored[int] = Stored(BigId, primary_key=True)
    plate_id: Stored[int] = Stored(BigId)
    well_id: Stored[int] = Stored(BigId)
    plate_acquisition_id: Stored[int] = Stored(BigId)
    field: Stored[int]
    tile: Stored[int] = Stored(default=0, server_default="0")
    group_id: Stored[int] = Stored(BigId)
    owner_id: Stored[int] = Stored(BigId, "experimenter.id")
    created_at: Stored[datetime]
