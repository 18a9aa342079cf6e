"""The demo's microscope: writes an acquisition slowly, plane by plane, as an instrument's computer does."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import demo_pictures as draw
import numpy as np
import tifffile
from numpy.typing import NDArray

BLUE, GREEN, RED = 0x3060FFFF, 0x00FF00FF, 0xFF2020FF
STACK_PX, WELL_PX, SECTION_PX = 320, 144, 320
ROWS = "ABCDEFGH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Microscope:
    """Writes below two folders until it is done or ``stop`` is set: ``shots`` of each kind, and the plate's columns."""

    confocal: Path
    screens: Path
    stop: threading.Event
    shots: int = 6
    columns: int = 12

    def acquire(self) -> None:
        """Write everything, a little of each in turn, so that something is always growing."""
        under_way = [self._mitosis(), self._histology(), self._plate()]
        while under_way and not self.stop.is_set():
            under_way = [shots for shots in under_way if next(shots, "done") != "done"]

    def _mitosis(self) -> Iterator[None]:
        for name, intact in (("control", 1.0), ("nocodazole", 0.06)):
            folder = self.confocal / "smith-lab" / "ada" / "mitosis" / name
            for number in range(1, self.shots + 1):
                self._stack(folder / f"cell_{number:02}.ome.tif", seed=number + round(100 * intact), intact=intact)
                yield
        visitor = self.confocal / "smith-lab" / "grace" / "mitosis" / "borrowed time.ome.tif"
        self._stack(visitor, seed=77, intact=0.6)
        yield

    def _stack(self, path: Path, *, seed: int, intact: float) -> None:
        """Write a z-stack of three channels; axes ZCYX."""
        rng = np.random.default_rng(seed)
        found = draw.cells(rng, STACK_PX, 13, radius_px=25, dividing=0.2 if intact > 0.5 else 0.5)
        tubulin, actin = draw.microtubules(rng, found, STACK_PX, intact=intact), draw.cortex(rng, found, STACK_PX)
        planes = []
        for z in range(5):
            defocus = abs(z - 2) / 2
            light = (draw.nuclei(rng, found, STACK_PX, defocus=defocus), tubulin, actin)
            for channel in light:
                soft = channel if defocus == 0 else draw.blurred(channel, 1.6 * defocus) * (1 - 0.3 * defocus)
                planes.append(draw.detected(rng, soft))
        channels = (("DAPI", BLUE, 461), ("GFP-tubulin", GREEN, 509), ("phalloidin", RED, 590))
        self._write(path, planes, axes="ZCYX", shape=(5, 3), um=0.13, channels=channels, pause_s=0.02)

    def _histology(self) -> Iterator[None]:
        for number in range(1, self.shots + 1):
            path = self.confocal / "darwin-lab" / "charles" / "finches" / "beak sections" / f"section {number}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture = draw.section(np.random.default_rng(300 + number), SECTION_PX)
            partial = path.with_suffix(".tif.part")
            tifffile.imwrite(partial, picture, photometric="rgb", metadata=None)
            partial.rename(path)
            yield
        broken = self.confocal / "darwin-lab" / "charles" / "finches" / "beak sections" / "cable pulled.tif"
        whole = path.read_bytes()
        broken.write_bytes(whole[: len(whole) // 3])
        yield

    def _plate(self) -> Iterator[None]:
        """Write a plate whose columns are rising doses of two drugs: rows A-D and E-H."""
        folder = self.screens / "darwin-lab" / "charles" / "translocation" / "plate 1"
        for column in range(self.columns):
            for row, letter in enumerate(ROWS):
                rng = np.random.default_rng(1000 * row + column)
                dose = column / (self.columns - 1)
                response = 1 / (1 + np.exp(-12 * (dose - (0.35 if row < 4 else 0.7))))
                count = max(2, round((11 if row < 4 else 13) * (1 - 0.6 * dose * (row >= 4))))
                found = draw.cells(rng, WELL_PX, count, radius_px=11, dividing=0.06 * (1 - dose))
                light = (draw.nuclei(rng, found, WELL_PX), draw.cytoplasm(rng, found, WELL_PX, in_nucleus=response))
                planes = [draw.detected(rng, channel) for channel in light]
                channels = (("Hoechst", BLUE, 461), ("GFP-FOXO3", GREEN, 509))
                path = folder / f"{letter}{column + 1:02}.ome.tif"
                self._write(path, planes, axes="CYX", shape=(2,), um=0.65, channels=channels, pause_s=0.0)
                if row % 4 == 3:
                    yield

    def _write(
        self,
        path: Path,
        planes: list[NDArray[np.uint16]],
        *,
        axes: str,
        shape: tuple[int, ...],
        um: float,
        channels: tuple[tuple[str, int, int], ...],
        pause_s: float,
    ) -> None:
        """Write an OME-TIFF plane by plane, with a pause after each."""
        path.parent.mkdir(parents=True, exist_ok=True)
        metadata = {
            "axes": axes,
            "PhysicalSizeX": um,
            "PhysicalSizeY": um,
            "Channel": {
                "Name": [name for name, _, _ in channels],
                "Color": [color - (1 << 32) if color >= 1 << 31 else color for _, color, _ in channels],
                "EmissionWavelength": [nm for _, _, nm in channels],
            },
        } | ({"PhysicalSizeZ": 0.5} if axes.startswith("Z") else {})

        def slowly() -> Iterator[NDArray[np.uint16]]:
            for plane in planes:
                yield plane
                self.stop.wait(pause_s)

        tifffile.imwrite(
            path,
            slowly(),
            shape=(*shape, *planes[0].shape),
            dtype="uint16",
            ome=True,
            photometric="minisblack",
            metadata=metadata,
        )
