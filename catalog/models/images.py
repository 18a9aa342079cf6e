"""Image, Channel, OriginalFile, planes and thumbnails."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, UniqueConstraint, false

from catalog.models.base import WITHOUT_ROWID, Base, BigId, Document, Stored
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

    id: Stored[int] = Stored(BigId, primary_key=True)
    fileset_id: Stored[int] = Stored(BigId, "fileset.id")
    ordinal: Stored[int]
    size_bytes: Stored[int] = Stored(BigId)
    #: Hex digest of the whole content; NULL while it is pending (``hash_now``).
    hash: Stored[str | None] = Stored(String(128))
    hasher: Stored[str | None] = Stored(String(16))
    #: 16 bytes over size and samples of the content: cheap, finds candidates, never decides alone.
    fingerprint: Stored[bytes] = Stored(LargeBinary(16))
    created_at: Stored[datetime]
    #: Of a file of several: the digest of the look at which it was read (`catalog.member_digests`), and what it holds
    #: (`catalog.records.HeldSeries`), so that a plane more does not have all others read again.
    read_as: Stored[bytes | None] = Stored(LargeBinary(16), default=None)
    holds: Stored[list[Any] | None] = Stored(Document, default=None)


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

    fileset_id: Stored[int] = Stored(BigId, "fileset.id")
    series: Stored[int] = Stored(default=0)
    acquired_at: Stored[datetime | None]
    size_x: Stored[int] = Stored(BigId)
    size_y: Stored[int] = Stored(BigId)
    size_z: Stored[int]
    size_c: Stored[int]
    size_t: Stored[int]
    pixels_type: Stored[str] = Stored(String(16))
    significant_bits: Stored[int | None]
    #: True where size_c counts the samples of one RGB(A) plane.
    is_rgb: Stored[bool] = Stored(default=False, server_default=false())
    physical_size_x_um: Stored[float | None]
    physical_size_y_um: Stored[float | None]
    physical_size_z_um: Stored[float | None]
    time_increment_s: Stored[float | None]
    #: Objective and instrument as the file tells them (catalog.records.Acquisition as a document).
    acquisition: Stored[dict[str, Any] | None] = Stored(Document)
    format: Stored[str] = Stored(String(64))
    rule: Stored[str | None]
    is_partial: Stored[bool] = Stored(default=False, server_default=false())
    #: When the pixels were last replaced by an overwritten file; earlier annotations were made on earlier pixels.
    pixels_replaced_at: Stored[datetime | None] = Stored(default=None)
    #: 'rule' or 'hand': a name given by a person is never taken back by a rescan.
    named_by: Stored[str] = Stored(String(8), default="rule")


class Channel(Base):
    """One channel of an image, in order."""

    __tablename__ = "channel"

    image_id: Stored[int] = Stored(BigId, "image.id", on_delete="CASCADE", primary_key=True)
    ordinal: Stored[int] = Stored(primary_key=True)
    name: Stored[str | None]
    #: "#RRGGBB", or NULL where the file says none.
    color: Stored[str | None] = Stored(String(7))
    emission_wavelength_nm: Stored[float | None]
    excitation_wavelength_nm: Stored[float | None]
    exposure_time_s: Stored[float | None]
    window_start: Stored[float | None]
    window_end: Stored[float | None]


class PlaneLocation(Base):
    """Where a plane of a multi-file image lies; no rows for an image in one file, none for a plane that is a hole.

    ``plane`` counts the planes inside the series of the file: channels first, then z, then t.
    """

    __tablename__ = "plane_location"
    # Each file that is forgotten, or leaves its image, is looked for here.
    __table_args__ = (Index("ix_plane_location_original_file_id", "original_file_id"), WITHOUT_ROWID)

    image_id: Stored[int] = Stored(BigId, "image.id", on_delete="CASCADE", primary_key=True)
    the_c: Stored[int] = Stored(primary_key=True)
    the_z: Stored[int] = Stored(primary_key=True)
    the_t: Stored[int] = Stored(primary_key=True)
    original_file_id: Stored[int] = Stored(BigId, "original_file.id")
    series: Stored[int] = Stored(default=0)
    plane: Stored[int] = Stored(default=0)


class AssociatedImage(Base):
    """A label, macro, overview or thumbnail picture inside the file of an image, which may name a patient.

    Without ``data`` it is only known to be there. It is shown only while the image's placement says `keep`.
    """

    __tablename__ = "associated_image"
    __table_args__ = (WITHOUT_ROWID,)

    image_id: Stored[int] = Stored(BigId, "image.id", on_delete="CASCADE", primary_key=True)
    ordinal: Stored[int] = Stored(primary_key=True)
    kind: Stored[str] = Stored(String(32))
    media_type: Stored[str | None] = Stored(String(32))
    width_px: Stored[int | None]
    height_px: Stored[int | None]
    data: Stored[bytes | None]
    failure: Stored[str | None]


class Thumbnail(Base):
    """A derived, re-creatable picture, or the reason why there is none."""

    __tablename__ = "thumbnail"
    __table_args__ = (CheckConstraint("(data IS NULL) <> (failure IS NULL)", name="data_or_failure"),)

    image_id: Stored[int] = Stored(BigId, "image.id", on_delete="CASCADE", primary_key=True)
    media_type: Stored[str | None] = Stored(String(32))
    width_px: Stored[int | None]
    height_px: Stored[int | None]
    data: Stored[bytes | None]
    failure: Stored[str | None]
    made_at: Stored[datetime]
