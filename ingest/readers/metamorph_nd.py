"""MetaMorph's ``.nd`` files: they tell which of NAME_w1Wave_s1_t1.TIF belong together, and name nothing outright.

The parts are STK stacks where a wavelength has a z-series, else TIFFs. Each stage position is an image of its own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from catalog.records import Channel, ImageRecord
from ingest.indexes.quoted_lines import is_true, quoted_values
from ingest.indexes.values import IndexFormatError, whole_number
from ingest.readers.protocol import (
    DamagedError,
    DescribedImage,
    DescribedPlane,
    DescribesError,
    NamedPart,
    OpenedFileImages,
    OpenPart,
    Source,
)
from ingest.readers.values import length_um, moment, text

#: An index that claims more files than this is damaged.
FILES_AT_MOST = 500_000
BYTES_AT_MOST = 16 << 20
_ENDINGS = (".TIF", ".tif", ".stk", ".STK", ".tiff")


class MetaMorphNdReader:
    """The index of a MetaMorph acquisition, by its first line."""

    name = "MetaMorph ND index"
    endings = (b".nd",)

    def recognises(self, head: bytes) -> bool:
        """Say whether it begins as an .nd file does."""
        return head.lstrip().startswith(b'"NDInfoFile"')

    def open(self, source: Source) -> OpenedFileImages:
        """Say what it describes, by raising DescribesError."""
        source.stream.seek(0)
        try:
            values = quoted_values(source.stream.read(BYTES_AT_MOST), "NDInfoFile")
        except IndexFormatError as error:
            raise DamagedError(f"the MetaMorph index {error}") from error
        acquisition = _Acquisition.of(values, source)
        # Now: the folder can be asked only while the index is open.
        files = tuple(acquisition.files(source.has_sibling))

        def join(open_part: OpenPart) -> Sequence[DescribedImage]:
            return acquisition.join(files, open_part)

        raise DescribesError(
            "part of a set: it describes the files of a MetaMorph acquisition",
            format="MetaMorph",
            names=[NamedPart(name=name) for _, name in files],
            join=join,
            holds_pixels=False,
        )


@dataclass(frozen=True, slots=True)
class _Place:
    """Wavelength, stage position and time point of a file, counted from 0."""

    wave: int
    stage: int
    time: int


@dataclass(frozen=True, slots=True)
class _Acquisition:
    """What an index says, and how its files are called."""

    stem: str
    waves: tuple[str | None, ...]
    stages: tuple[str | None, ...]
    times: int
    has_waves: bool
    has_stages: bool
    has_times: bool
    is_wave_named: bool
    started: str | None
    z_step_um: float | None

    @classmethod
    def of(cls, values: Mapping[str, str], source: Source) -> "_Acquisition":
        stem = source.name.rpartition(b".")[0].decode("utf-8", "surrogateescape")
        waves = _listed(values, "DoWave", "NWavelengths", "WaveName")
        stages = _listed(values, "DoStage", "NStagePositions", "Stage")
        has_times = is_true(values.get("DoTimelapse"))
        times = (whole_number(values.get("NTimePoints"), FILES_AT_MOST) or 1) if has_times else 1
        if len(waves) * len(stages) * times > FILES_AT_MOST:
            raise DamagedError(f"the MetaMorph index claims {len(waves) * len(stages) * times} files")
        has_z = is_true(values.get("DoZSeries"))
        return cls(
            stem, waves, stages, times, is_true(values.get("DoWave")), is_true(values.get("DoStage")), has_times,
            is_true(values.get("WaveInFileName")), text((values.get("StartTime1") or "").strip('"'), 64),
            length_um((values.get("ZStepSize") or "").replace(",", "."), "um") if has_z else None,
        )  # fmt: skip

    def files(self, has_sibling: Callable[[bytes], bool]) -> Iterator[tuple[_Place, str]]:
        """Give the files' names by place; of the usual endings the one that is there."""
        ending = _ENDINGS[0]
        for stage in range(len(self.stages)):
            for time in range(self.times):
                for wave in range(len(self.waves)):
                    stem = self._stem_of(_Place(wave, stage, time))
                    ending = _ending(stem, ending, has_sibling)
                    yield _Place(wave, stage, time), stem + ending

    def _stem_of(self, place: _Place) -> str:
        wave = (self.waves[place.wave] or "") if self.is_wave_named else ""
        parts = (
            f"_w{place.wave + 1}{wave}" if self.has_waves else "",
            f"_s{place.stage + 1}" if self.has_stages else "",
            f"_t{place.time + 1}" if self.has_times else "",
        )
        return self.stem + "".join(parts)

    def join(self, files: Sequence[tuple[_Place, str]], open_part: OpenPart) -> Sequence[DescribedImage]:
        """Give an image for each stage position of which any file is there."""
        by_stage: dict[int, list[tuple[_Place, str]]] = {}
        for place, name in files:
            by_stage.setdefault(place.stage, []).append((place, name))
        found = (self._image(stage, files, open_part) for stage, files in by_stage.items())
        return [one for one in found if one is not None]

    def _image(self, stage: int, files: list[tuple[_Place, str]], open_part: OpenPart) -> DescribedImage | None:
        first: ImageRecord | None = None
        planes: list[DescribedPlane] = []
        for place, name in files:
            part = open_part(name)
            if part is None or not part.images:
                continue
            record = part.images[0].record
            first = first or record
            if (record.size_x, record.size_y, record.pixels_type) != (first.size_x, first.size_y, first.pixels_type):
                raise DamagedError(f"{name} has other pixels than the files before it")
            count = record.size_z * record.size_t * (1 if record.is_rgb else record.size_c)
            planes += [DescribedPlane(c=place.wave, z=z, t=place.time, name=name, plane=z) for z in range(count)]
        return None if first is None else self._described(stage, first, planes)

    def _described(self, stage: int, first: ImageRecord, planes: list[DescribedPlane]) -> DescribedImage:
        channels = tuple(Channel(name=name) for name in self.waves)
        record = replace(
            first,
            size_z=max(plane.z for plane in planes) + 1,
            size_t=max(plane.t for plane in planes) + 1,
            size_c=first.size_c if first.is_rgb and len(channels) == 1 else len(channels),
            is_rgb=first.is_rgb and len(channels) == 1,
            channels=() if first.is_rgb and len(channels) == 1 else channels,
            name=self.stages[stage] if self.has_stages else None,
            acquired_at=moment(self.started) or first.acquired_at,
            physical_size_z_um=self.z_step_um or first.physical_size_z_um,
        )
        return DescribedImage(record=record, planes=planes)


def _ending(stem: str, usual: str, has_sibling: Callable[[bytes], bool]) -> str:
    every = (usual, *(ending for ending in _ENDINGS if ending != usual))
    return next((e for e in every if has_sibling((stem + e).encode("utf-8", "surrogateescape"))), usual)


def _listed(values: Mapping[str, str], switch: str, count: str, name: str) -> tuple[str | None, ...]:
    """Give the names of waves or stages by their numbers; one without a name where there is no list."""
    number = (whole_number(values.get(count), FILES_AT_MOST) or 1) if is_true(values.get(switch)) else 1
    return tuple(text((values.get(f"{name}{n}") or "").strip('"'), 255) for n in range(1, number + 1))
