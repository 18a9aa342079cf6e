"""What instruments' index files tell, whatever the instrument: frozen values in OME's terms, no files, no database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from catalog.records import Acquisition, Channel

#: Pictures that one index may describe: more than the largest plates have.
PLANES_AT_MOST = 2_000_000
NO_ACQUISITION = Acquisition()


class IndexFormatError(Exception):
    """An index that can't be understood; the message goes on from its name: "Index.idx.xml ...".

    It is said and logged, and never keeps a picture from its import.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateFacts:
    """The plate as its index knows it: the whole plate, not what was acquired of it."""

    name: str | None = None
    rows: int | None = None
    columns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneFacts:
    """What an index says of one picture file. Positions are the stage's, in um.

    ``z_step_um`` is told where the index gives the distance of planes and not each plane's position.
    """

    channel: Channel | None = None
    size_x: int | None = None
    size_y: int | None = None
    physical_size_x_um: float | None = None
    physical_size_y_um: float | None = None
    z_step_um: float | None = None
    #: The planes inside the file are z, whatever its tags call them.
    is_stack: bool = False
    position_x_um: float | None = None
    position_y_um: float | None = None
    position_z_um: float | None = None
    acquired_at: datetime | None = None
    acquisition: Acquisition = NO_ACQUISITION


class Index(Protocol):
    """A parsed index."""

    @property
    def plate(self) -> PlateFacts:
        """Tell what the index knows of the plate."""
        ...

    def plane(self, name: str, captured: Mapping[str, str]) -> PlaneFacts | None:
        """Give what is said of the file of this name, whose path gave these dimensions; None: nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPlanes:
    """An index that lists files by name."""

    plate: PlateFacts = field(default_factory=PlateFacts)
    planes: Mapping[str, PlaneFacts]

    def plane(self, name: str, captured: Mapping[str, str]) -> PlaneFacts | None:  # noqa: ARG002 - as Index says
        """Give what is said of the file of this name."""
        return self.planes.get(name)


def base_name(written: str | None) -> str | None:
    """Give a file's name as an index writes it; None for anything that is not a plain name in the index's folder."""
    name = (written or "").strip()
    if not name or name in (".", "..") or set(name) & set("/\\\0") or name[1:2] == ":":
        return None
    return name


def whole_number(text: str | None, most: int = 1 << 31) -> int | None:
    """Read a whole number from 1 to ``most``."""
    if text is None or not text.strip().isdecimal() or len(text.strip()) > 12:
        return None
    number = int(text)
    return number if 1 <= number <= most else None
