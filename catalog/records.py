"""What readers tell the catalogue about a file, in OME's terms: frozen values, no database, no pixels.

A missing value is None, never an invented default. Lengths are in um, wavelengths in nm, times in s.
"""

from dataclasses import dataclass, field
from datetime import datetime

from catalog.crossing import crossing


@crossing
@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One channel. ``color`` is "#RRGGBB"; ``window`` is the (start, end) contrast the file itself stores."""

    name: str | None = None
    color: str | None = None
    emission_wavelength_nm: float | None = None
    excitation_wavelength_nm: float | None = None
    exposure_time_s: float | None = None
    window: tuple[float, float] | None = None


@crossing
@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """The objective as the file tells it."""

    name: str | None = None
    nominal_magnification: float | None = None
    lens_na: float | None = None
    immersion: str | None = None


@crossing
@dataclass(frozen=True, slots=True, kw_only=True)
class StagePosition:
    """Where the stage stood, in um, as the instrument counts it."""

    x_um: float | None = None
    y_um: float | None = None
    z_um: float | None = None


@crossing
@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """Instrument facts that go into one structured column.

    ``index`` is the name of the instrument's index file that told something of the image.
    """

    objective: Objective | None = None
    stage_position: StagePosition | None = None
    index: str | None = None
    microscope: str | None = None
    detector: str | None = None
    software: str | None = None


@crossing
@dataclass(frozen=True, slots=True, kw_only=True)
class AssociatedRecord:
    """A label, macro, overview or thumbnail picture inside a file; ``picture`` is None where it is only known of."""

    kind: str
    picture: "ThumbnailRecord | None" = None


@crossing
@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """One image (series) of a fileset.

    ``pixels_type`` is OME's name. ``is_rgb``: size_c counts the samples of one RGB(A) plane and there are no
    channels to colour. ``name`` is the series' own name, None when the file gives none.
    """

    series: int
    size_x: int
    size_y: int
    size_z: int
    size_c: int
    size_t: int
    pixels_type: str
    is_rgb: bool = False
    significant_bits: int | None = None
    name: str | None = None
    description: str | None = None
    acquired_at: datetime | None = None
    physical_size_x_um: float | None = None
    physical_size_y_um: float | None = None
    physical_size_z_um: float | None = None
    time_increment_s: float | None = None
    channels: tuple[Channel, ...] = ()
    acquisition: Acquisition = field(default_factory=Acquisition)
    #: Of the first image of a file: the pictures in it that are no images.
    associated: tuple[AssociatedRecord, ...] = ()
    #: Nothing says what the file's pages count; they are taken for time points.
    is_time_assumed: bool = False


@crossing
@dataclass(frozen=True, slots=True, kw_only=True)
class ThumbnailRecord:
    """An encoded picture (JPEG or PNG), or the sentence why there is none (``data`` is None then)."""

    media_type: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    data: bytes | None = None
    failure: str | None = None


@crossing
@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSeries:
    """What a series inside a file of several holds: sizes, OME's name of the pixels' type, the channels' names."""

    size_x: int
    size_y: int
    size_z: int
    size_c: int
    size_t: int
    pixels_type: str
    is_rgb: bool = False
    channels: tuple[str | None, ...] = ()
    #: Nothing in the file says that its time points are some.
    is_time_assumed: bool = False


@crossing
@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneRecord:
    """Where a plane of an image of many files lies: in the file at ``path``, in its ``series``, as plane ``plane``.

    ``plane`` counts the planes inside that series: channels first (RGB is one), then z, then t.
    """

    image_series: int
    the_c: int
    the_z: int
    the_t: int
    path: bytes
    series: int
    plane: int


@crossing
@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One original file, as it was read. ``hash`` is None when it is to be computed later.

    ``read_as`` and ``holds`` are set for files of filesets of several: the digest of the look at which it was read
    (`catalog.member_digests`), and what lies in it.
    """

    path: bytes
    size_bytes: int
    hash: str | None
    hasher: str | None
    fingerprint: bytes
    read_as: bytes | None = None
    holds: tuple[HeldSeries, ...] = ()
    #: Whether this result read it; else it is as it was known.
    is_read: bool = True
