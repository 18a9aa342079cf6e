"""What OME-XML tells of an image: sizes, channels, physical sizes, instrument, in the catalogue's terms."""

from dataclasses import dataclass
from itertools import product

from catalog.records import Acquisition, Channel, Objective
from ingest.readers.ome_xml import OmeDocument, OmeImage
from ingest.readers.protocol import DamagedError
from ingest.readers.tiff_series import Facts
from ingest.readers.values import color_hex, length_um, moment, number, positive, text, time_s

PLANES_AT_MOST = 50_000_000


@dataclass(frozen=True, slots=True)
class PixelsSizes:
    """The sizes of a Pixels element; ``planes_c`` counts planes, of which each has ``samples`` samples."""

    x: int
    y: int
    z: int
    c: int
    t: int
    planes_c: int
    samples: int
    order: str

    @property
    def planes(self) -> int:
        """Give how many planes there are."""
        return self.z * self.planes_c * self.t

    def plane_number(self, z: int, c: int, t: int) -> int:
        """Give the running number of a plane in the order of the element."""
        index, size = {"Z": z, "C": c, "T": t}, {"Z": self.z, "C": self.planes_c, "T": self.t}
        first, second, third = tuple(self.order[2:])
        return index[first] + size[first] * (index[second] + size[second] * index[third])

    def place_of(self, plane_number: int) -> tuple[int, int, int]:
        """Give (z, c, t) of a running number."""
        index, size = {}, {"Z": self.z, "C": self.planes_c, "T": self.t}
        for axis in self.order[2:]:
            plane_number, index[axis] = divmod(plane_number, size[axis])
        return index["Z"], index["C"], index["T"]


def sizes_of(element: OmeImage) -> PixelsSizes:
    """Read the sizes; raises DamagedError for impossible ones."""
    attributes = element.pixels or {}
    try:
        x, y, z, c, t = (int(attributes["Size" + axis]) for axis in ("X", "Y", "Z", "C", "T"))
    except (KeyError, ValueError) as error:
        raise DamagedError("the OME-XML does not say the image's sizes") from error
    order = attributes.get("DimensionOrder", "XYZCT")
    if min(x, y, z, c, t) < 1 or x * y > 1 << 60 or z * c * t > PLANES_AT_MOST:
        raise DamagedError(f"the OME-XML claims sizes of {x} x {y} x {z} x {c} x {t}")
    if sorted(order) != sorted("XYZCT") or order[:2] != "XY":
        raise DamagedError("the OME-XML has an unknown order of dimensions")
    samples = [int(number(ch.attributes.get("SamplesPerPixel", "1")) or 1) for ch in element.channels] or [1]
    each = samples[0] if len(set(samples)) == 1 and samples[0] > 0 and c % samples[0] == 0 else 1
    return PixelsSizes(x, y, z, c, t, c // each, each, order)


def facts_of(document: OmeDocument, element: OmeImage, sizes: PixelsSizes, *, software: str | None) -> Facts:
    """Read what a document tells of an image beside its sizes; ``software`` where the document names no creator."""
    pixels = element.pixels or {}
    microns = {
        axis: length_um(pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "um"))
        for axis in "XYZ"
    }
    bits = number(pixels.get("SignificantBits"))
    return Facts(
        name=text(element.attributes.get("Name"), 255),
        description=text(element.description),
        acquired_at=moment(element.date),
        physical_size_x_um=microns["X"], physical_size_y_um=microns["Y"], physical_size_z_um=microns["Z"],
        time_increment_s=time_s(pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s")),
        significant_bits=int(bits) if bits and 0 < bits < 64 else None,
        channels=_channels(element, sizes),
        acquisition=_acquisition(document, element, software),
    )  # fmt: skip


def _channels(element: OmeImage, sizes: PixelsSizes) -> tuple[Channel, ...]:
    """Give the channels; one with several samples stands for each of them."""
    repeated = [(i, ch) for (i, ch), _ in product(enumerate(element.channels), range(sizes.samples))]
    return tuple(_channel(ch.attributes, element.exposures.get(str(i))) for i, ch in repeated)


def _channel(attributes: dict[str, str], exposure: tuple[str, str] | None) -> Channel:
    def wavelength_nm(kind: str) -> float | None:
        micron = length_um(attributes.get(kind + "Wavelength"), attributes.get(kind + "WavelengthUnit", "nm"))
        return None if micron is None else round(micron * 1000, 6)

    return Channel(
        name=text(attributes.get("Name"), 255),
        color=_color(attributes.get("Color")),
        emission_wavelength_nm=wavelength_nm("Emission"),
        excitation_wavelength_nm=wavelength_nm("Excitation"),
        exposure_time_s=time_s(*exposure) if exposure else None,
    )


def _color(written: str | None) -> str | None:
    """Turn OME's signed 32-bit RGBA (some write it unsigned) into "#RRGGBB"; None for any other number."""
    try:
        value = int(written or "")
    except ValueError:
        return None
    if not -(1 << 31) <= value < 1 << 32:
        return None
    return color_hex(value >> 24, value >> 16, value >> 8)


def _acquisition(document: OmeDocument, element: OmeImage, software: str | None) -> Acquisition:
    found = document.parts.get(element.objective or "")
    objective = None
    if found is not None:
        objective = Objective(
            name=_made_by(found), nominal_magnification=positive(found.get("NominalMagnification")),
            lens_na=positive(found.get("LensNA")), immersion=text(found.get("Immersion"), 64),
        )  # fmt: skip
    detectors = [document.parts[ch.detector] for ch in element.channels if ch.detector in document.parts]
    return Acquisition(
        objective=objective,
        microscope=_made_by(document.microscopes.get(element.instrument or "", {})),
        detector=_made_by(detectors[0]) if detectors else None,
        software=text(document.attributes.get("Creator"), 255) or software,
    )


def _made_by(part: dict[str, str]) -> str | None:
    return text(" ".join(part[key] for key in ("Manufacturer", "Model") if part.get(key)), 255)
