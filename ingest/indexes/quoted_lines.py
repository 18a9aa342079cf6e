"""The text files of Molecular Devices: a quoted key and its values on each line. HTD of MetaXpress, ND of MetaMorph.

They are written in the machine's 8-bit code page; keys and numbers are ASCII.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from catalog.records import Channel
from ingest.indexes.values import IndexFormatError, PlaneFacts, PlateFacts, whole_number
from ingest.readers.values import length_um, text

_LINE = re.compile(r'"([^"]{1,100})"\s*,\s*(.*)')
_LINES_AT_MOST = 200_000


def quoted_values(data: bytes, first: str) -> dict[str, str]:
    """Give what stands after each key, the first time it stands there; raises IndexFormatError."""
    lines = data.decode("cp1252", "replace").splitlines()
    if not lines or not lines[0].lstrip('"').startswith(first):
        raise IndexFormatError(f"does not begin with {first}")
    found: dict[str, str] = {}
    for line in lines[:_LINES_AT_MOST]:
        match = _LINE.match(line.strip())
        if match:
            found.setdefault(match[1], match[2].strip())
    return found


def is_true(value: str | None) -> bool:
    """Read the files' TRUE and FALSE."""
    return (value or "").strip('" ').upper() == "TRUE"


def _wave_names(values: Mapping[str, str]) -> dict[str, str | None]:
    """Give the wavelengths' names by their numbers, as far as the index says there are any."""
    count = whole_number(values.get("NWavelengths"), 1000) or 0
    named = {str(n): values.get(f"WaveName{n}") for n in range(1, count + 1)}
    return {number: text((name or "").strip('"'), 255) for number, name in named.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wavelengths:
    """An index that tells pictures apart by the number of their wavelength only.

    ``z_steps_um`` are by wavelength, for those of which stacks were taken (``stacks``). ``stages`` are the names of
    stage positions, in order.
    """

    plate: PlateFacts
    names: Mapping[str, str | None]
    z_steps_um: Mapping[str, float] = field(default_factory=dict)
    stacks: frozenset[str] = frozenset()
    stages: tuple[str, ...] = ()

    def plane(self, name: str, captured: Mapping[str, str]) -> PlaneFacts | None:  # noqa: ARG002 - as Index says
        """Give what is said of the wavelength that the name gives; with one alone the name need not give it."""
        written = captured.get("channel")
        number = (written.lstrip("0") or "0") if written else next(iter(self.names), "")
        if number not in self.names or (written is None and len(self.names) > 1):
            return None
        channel = Channel(name=self.names[number])
        return PlaneFacts(channel=channel, z_step_um=self.z_steps_um.get(number), is_stack=number in self.stacks)


def parse_htd(data: bytes) -> Wavelengths:
    """Parse the .HTD file of a plate; raises IndexFormatError."""
    values = quoted_values(data, "HTSInfoFile")
    plate = PlateFacts(rows=whole_number(values.get("YWells"), 702), columns=whole_number(values.get("XWells"), 999))
    return Wavelengths(plate=plate, names=_wave_names(values))


def parse_nd(data: bytes) -> Wavelengths:
    """Parse the .nd file of an acquisition; raises IndexFormatError."""
    values = quoted_values(data, "NDInfoFile")
    names = _wave_names(values) if is_true(values.get("DoWave")) else {}
    # Written as the machine's country writes numbers.
    step_um = length_um(values.get("ZStepSize", "").replace(",", "."), "um")
    is_series = is_true(values.get("DoZSeries"))
    stacks = [number for number in names if is_series and is_true(values.get(f"WaveDoZ{number}", "TRUE"))]
    count = whole_number(values.get("NStagePositions"), 100_000) or 0
    stages = (text(values.get(f"Stage{n}", "").strip('"'), 255) or str(n) for n in range(1, count + 1))
    return Wavelengths(
        plate=PlateFacts(),
        names=names,
        z_steps_um=dict.fromkeys(stacks, step_um) if step_um is not None else {},
        stacks=frozenset(stacks),
        stages=tuple(stages),
    )
