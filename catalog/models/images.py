"""Image, Channel, OriginalFile, planes and thumbnails."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models.base import Base, BigId, Document
from catalog.models.containers import OwnedMixin

PIXELS_TYPES = (
    "uint8", "int8", "uint16", "int16", "uint32", "int32", "float", "double", "complex", "double-complex", "bit",
)  # fmt: skip


class OriginalFile(Base):
    """A file that images are read from; its locations are the sightings that point to it."""

    __tablename__ = "original_file"
    __table_args__ = (
        UniqueConstraint("fileset_id", "ordinal"),
        Index("ix_original_file_fingerprint", "size_bytes", "fingerprint"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    fileset_id: Mapped[int] = mapped_column(BigId, ForeignKey("fileset.id"))
    ordinal: Mapped[int]
    size_bytes: Mapped[int] = mapped_column(BigId)
    #: Hex digest of the whole content; NULL while it is pending (``hash_now``).
    hash: Mapped[str | None] = mapped_column(String(128))
    hasher: Mapped[str | None] = mapped_column(String(16))
    #: 16 bytes over size and samples of the content: cheap, finds candidates, never decides alone.
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(16))
    created_at: Mapped[datetime]
    #: Of a file of several: the digest of the look at which it was read (`catalog.member_digests`), and what it holds
    #: (`catalog.records.HeldSeries`), so that a plane more does not have all others read again.
    read_as: Mapped[bytes | None] = mapped_column(LargeBinary(16), default=None)
    holds: Mapped[list[Any] | None] = mapped_column(Document, default=None)


class Image(OwnedMixin, Base):
    """An image of up to five dimensions; one series of a fileset."""

    __tablename__ = "image"
    __table_args__ = (
        UniqueConstraint("id", "group_id"),
        UniqueConstraint("fileset_id", "series"),
        Index("ix_image_page", "group_id", "created_at", "id"),
        Index("ix_image_newest", "created_at", "id"),
        Index("ix_image_own_page", "owner_id", "group_id", "created_at", "id"),
        CheckConstraint(f"pixels_type IN {PIXELS_TYPES}", name="pixels_type"),
        CheckConstraint("size_x > 0 AND size_y > 0 AND size_z > 0 AND size_c > 0 AND size_t > 0", name="sizes"),
        CheckConstraint("named_by IN ('rule', 'hand')", name="named_by"),
    )

    fileset_id: Mapped[int] = mapped_column(BigId, ForeignKey("fileset.id"))
    series: Mapped[int] = mapped_column(default=0)
    acquired_at: Mapped[datetime | None]
    size_x: Mapped[int] = mapped_column(BigId)
    size_y: Mapped[int] = mapped_column(BigId)
    size_z: Mapped[int]
    size_c: Mapped[int]
    size_t: Mapped[int]
    pixels_type: Mapped[str] = mapped_column(String(16))
    significant_bits: Mapped[int | None]
    #: True where size_c counts the samples of one RGB(A) plane.
    is_rgb: Mapped[bool] = mapped_column(default=False, server_default=false())
    physical_size_x_um: Mapped[float | None]
    physical_size_y_um: Mapped[float | None]
    physical_size_z_um: Mapped[float | None]
    time_increment_s: Mapped[float | None]
    #: Objective and instrument as the file tells them (catalog.records.Acquisition as a document).
    acquisition: Mapped[dict[str, Any] | None] = mapped_column(Document)
    format: Mapped[str] = mapped_column(String(64))
    rule: Mapped[str | None]
    is_partial: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: When the pixels were last replaced by an overwritten file; earlier annotations were made on earlier pixels.
    pixels_replaced_at: Mapped[datetime | None] = mapped_column(default=None)
    #: 'rule' or 'hand': a name given by a person is never taken back by a rescan.
    named_by: Mapped[str] = mapped_column(String(8), default="rule")


class Channel(Base):
    """One channel of an image, in order."""

    __tablename__ = "channel"

    image_id: Mapped[int] = mapped_column(BigId, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    #: "#RRGGBB", or NULL where the file says none.
    color: Mapped[str | None] = mapped_column(String(7))
    emission_wavelength_nm: Mapped[float | None]
    excitation_wavelength_nm: Mapped[float | None]
    exposure_time_s: Mapped[float | None]
    window_start: Mapped[float | None]
    window_end: Mapped[float | None]


class PlaneLocation(Base):
    """Where a plane of a multi-file image lies; no rows for an image in one file, none for a plane that is a hole.

    ``plane`` counts the planes inside the series of the file: channels first, then z, then t.
    """

    __tablename__ = "plane_location"
    __table_args__ = ({"sqlite_with_rowid": False},)

    image_id: Mapped[int] = mapped_column(BigId, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    the_c: Mapped[int] = mapped_column(primary_key=True)
    the_z: Mapped[int] = mapped_column(primary_key=True)
    the_t: Mapped[int] = mapped_column(primary_key=True)
    original_file_id: Mapped[int] = mapped_column(BigId, ForeignKey("original_file.id"))
    series: Mapped[int] = mapped_column(default=0)
    plane: Mapped[int] = mapped_column(default=0)


class AssociatedImage(Base):
    """A label, macro, overview or thumbnail picture inside the file of an image, which may name a patient.

    Without ``data`` it is only known to be there. It is shown only while the image's placement says `keep`.
    """

    __tablename__ = "associated_image"
    __table_args__ = ({"sqlite_with_rowid": False},)

    image_id: Mapped[int] = mapped_column(BigId, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    media_type: Mapped[str | None] = mapped_column(String(32))
    width_px: Mapped[int | None]
    height_px: Mapped[int | None]
    data: Mapped[bytes | None]
    failure: Mapped[str | None]


class Thumbnail(Base):
    """A derived, re-creatable picture, or the reason why there is none."""

    __tablename__ = "thumbnail"
    __table_args__ = (CheckConstraint("(data IS NULL) <> (failure IS NULL)", name="data_or_failure"),)

    image_id: Mapped[int] = mapped_column(BigId, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    media_type: Mapped[str | None] = mapped_column(String(32))
    width_px: Mapped[int | None]
    height_px: Mapped[int | None]
    data: Mapped[bytes | None]
    failure: Mapped[str | None]
    made_at: Mapped[datetime]
