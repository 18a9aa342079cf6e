"""Pictures for the demo: cells drawn with numpy that look enough like cells to be recognised on a contact sheet."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

#: A plane of light, axes YX, arbitrary units around 0..1.
Plane: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell: centre and half axes of its nucleus in px, its direction in radians, and whether it divides."""

    y: float
    x: float
    long_px: float
    short_px: float
    angle: float
    brightness: float
    is_dividing: bool


def cells(rng: np.random.Generator, size_px: int, count: int, *, radius_px: float, dividing: float) -> list[Cell]:
    """Scatter cells that do not lie upon each other; fewer than asked for where there is no room."""
    found: list[Cell] = []
    for _ in range(count * 30):
        y, x = rng.uniform(-0.02, 1.02, 2) * size_px
        if len(found) == count:
            break
        if all((y - c.y) ** 2 + (x - c.x) ** 2 > (2.7 * radius_px) ** 2 for c in found):
            found.append(
                Cell(
                    y=float(y),
                    x=float(x),
                    long_px=float(radius_px * rng.uniform(0.95, 1.25)),
                    short_px=float(radius_px * rng.uniform(0.72, 0.95)),
                    angle=float(rng.uniform(0, np.pi)),
                    brightness=float(rng.uniform(0.7, 1.1)),
                    is_dividing=bool(rng.random() < dividing),
                )
            )
    return found


def grid(size_px: int) -> tuple[Plane, Plane]:
    """Give the y and x of every pixel, in px."""
    y, x = np.mgrid[0:size_px, 0:size_px].astype(np.float32)
    return y, x


def blurred(plane: Plane, sigma_px: float) -> Plane:
    """Blur as a lens does, by a Gaussian in the Fourier domain (periodic at the edges)."""
    fy, fx = np.fft.fftfreq(plane.shape[0])[:, None], np.fft.rfftfreq(plane.shape[1])[None, :]
    kernel = np.exp(-2 * (np.pi * sigma_px) ** 2 * (fy**2 + fx**2))
    soft: Plane = np.fft.irfft2(np.fft.rfft2(plane) * kernel, s=plane.shape).astype(np.float32)
    return soft


def texture(rng: np.random.Generator, size_px: int, grain_px: float) -> Plane:
    """Give smooth noise around 1 with grains of this size."""
    rough = blurred(rng.standard_normal((size_px, size_px)).astype(np.float32), grain_px)
    grains: Plane = (1 + 0.35 * rough / rough.std()).clip(0.2, 2).astype(np.float32)
    return grains


def _around(cell: Cell, size_px: int, reach: float) -> tuple[slice, slice]:
    """Give the part of a plane that a cell reaches, so that what is drawn far from it costs nothing."""
    far = reach * cell.long_px
    rows, columns = ((max(0, int(at - far)), max(0, int(at + far) + 1)) for at in (cell.y, cell.x))
    return slice(rows[0], min(size_px, rows[1])), slice(columns[0], min(size_px, columns[1]))


def _ellipse(cell: Cell, y: Plane, x: Plane, long_px: float, short_px: float) -> Plane:
    """Give the squared elliptic distance from a cell's centre: 1 on the rim."""
    dy, dx = y - cell.y, x - cell.x
    along = dx * np.cos(cell.angle) + dy * np.sin(cell.angle)
    across = -dx * np.sin(cell.angle) + dy * np.cos(cell.angle)
    distance: Plane = (along / long_px) ** 2 + (across / short_px) ** 2
    return distance


def _inside(distance: Plane, steepness: float) -> Plane:
    """Give 1 inside an ellipse and 0 outside, with an edge of this steepness."""
    inside: Plane = 1 / (1 + np.exp(((distance - 1) * steepness).clip(-40, 40)))
    return inside


def nuclei(rng: np.random.Generator, found: list[Cell], size_px: int, *, defocus: float = 0.0) -> Plane:
    """Draw nuclei with chromatin texture and nucleoli; dividing ones as a bright metaphase plate."""
    y, x = grid(size_px)
    grains, coarse = texture(rng, size_px, 2.0), texture(rng, size_px, 4.5)
    light = np.zeros((size_px, size_px), np.float32)
    for cell in found:
        part = _around(cell, size_px, 1.8)
        if cell.is_dividing:
            distance = _ellipse(cell, y[part], x[part], cell.long_px * 1.05, cell.short_px * 0.3)
            light[part] += 1.9 * cell.brightness * _inside(distance, 6) * grains[part]
        else:
            shrink = max(0.35, 1 - 0.5 * defocus)
            distance = _ellipse(cell, y[part], x[part], cell.long_px * shrink, cell.short_px * shrink)
            nucleoli = np.where(coarse[part] > 1.45, 0.6, 1.0)
            light[part] += cell.brightness * nucleoli * grains[part] * _inside(distance, 9)
    return blurred(light, 0.9 + 2.2 * defocus)


def _fibre(rng: np.random.Generator, start: tuple[float, float], angle: float, length_px: float) -> NDArray[np.float64]:
    """Give the points of one bending filament, shape (2, n), rows y and x."""
    steps = max(4, int(length_px * 1.4))
    bend = np.cumsum(rng.normal(0, 0.035, steps)) + angle
    move = length_px / steps
    return np.array([start[0] + np.cumsum(np.sin(bend)) * move, start[1] + np.cumsum(np.cos(bend)) * move])


def _spindle(cell: Cell, rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Give the filaments between the poles of a dividing cell, which lie across its metaphase plate."""
    axis = cell.angle + np.pi / 2
    pole = np.array([np.sin(axis), np.cos(axis)]) * cell.long_px * 1.25
    side = np.array([np.cos(axis), -np.sin(axis)])
    along = np.linspace(-1, 1, 90)
    centre = np.array([[cell.y], [cell.x]])
    arcs = rng.normal(0, 0.42, 46) * cell.long_px
    return [centre + pole[:, None] * along + side[:, None] * arc * (1 - along**2) for arc in arcs]


def microtubules(rng: np.random.Generator, found: list[Cell], size_px: int, *, intact: float = 1.0) -> Plane:
    """Draw filaments from each centrosome and spindles in dividing cells; ``intact`` 0 leaves a haze, as nocodazole."""
    light = np.zeros((size_px, size_px), np.float32)
    for cell in found:
        centre = (cell.y + cell.short_px * 0.8 * np.sin(cell.angle + 1.1), cell.x + cell.long_px * 0.8)
        count = int((0 if cell.is_dividing else 70) * intact)
        fibres = [
            _fibre(rng, centre, rng.uniform(0, 2 * np.pi), cell.long_px * rng.uniform(1.2, 2.7)) for _ in range(count)
        ]
        for fibre in [*fibres, *(_spindle(cell, rng) if cell.is_dividing else [])]:
            iy, ix = fibre.astype(np.int64)
            inside = (iy >= 0) & (iy < size_px) & (ix >= 0) & (ix < size_px)
            np.add.at(light, (iy[inside], ix[inside]), 0.5 * cell.brightness)
    haze = cytoplasm(rng, found, size_px) * (0.25 + 0.6 * (1 - intact))
    return blurred(light, 0.8) + haze


def cytoplasm(rng: np.random.Generator, found: list[Cell], size_px: int, *, in_nucleus: float = 0.0) -> Plane:
    """Draw a protein that fills each cell; ``in_nucleus`` 1 moves it into the nucleus, as a translocation assay."""
    y, x = grid(size_px)
    light = np.zeros((size_px, size_px), np.float32)
    for cell in found:
        part = _around(cell, size_px, 4.5)
        nucleus = _ellipse(cell, y[part], x[part], cell.long_px, cell.short_px)
        body = np.exp(-nucleus / 3.4)
        inside = _inside(nucleus, 8)
        light[part] += cell.brightness * (
            body * (1 - inside * 0.85) * (1 - in_nucleus * 0.8) + inside * in_nucleus * 1.3
        )
    return blurred(light * texture(rng, size_px, 1.6), 0.8)


def cortex(rng: np.random.Generator, found: list[Cell], size_px: int) -> Plane:
    """Draw actin where cells meet, and stress fibres along each cell."""
    if len(found) < 2:
        return np.zeros((size_px, size_px), np.float32)
    y, x = grid(size_px)
    distances = np.sqrt(np.stack([_ellipse(c, y, x, c.long_px, c.short_px) for c in found]))
    nearest = np.partition(distances, 1, axis=0)
    edge = np.exp(-(((nearest[1] - nearest[0]) / 0.16) ** 2)) * np.exp(-nearest[0] / 4)
    owner = np.array([c.angle for c in found], np.float32)[distances.argmin(axis=0)]
    stripes = 0.5 + 0.5 * np.sin((y * np.cos(owner) - x * np.sin(owner)) * 1.3)
    fibres = 0.35 * stripes**3 * np.exp(-((nearest[0] / 2.2) ** 2))
    return blurred(((edge + fibres) * texture(rng, size_px, 1.2)).astype(np.float32), 0.7)


def detected(rng: np.random.Generator, light: Plane, *, gain: float = 2600, offset: float = 110) -> NDArray[np.uint16]:
    """Turn light into camera counts: background, shot noise, read noise; axes YX, uint16."""
    photons = np.clip(light, 0, None) * gain * 0.25 + 6
    counts = rng.poisson(photons) * 4.0 + offset + rng.normal(0, 5, light.shape)
    return np.clip(counts, 0, 65535).astype(np.uint16)


def section(rng: np.random.Generator, size_px: int) -> NDArray[np.uint8]:
    """Draw a stained tissue section as a bright-field microscope shows it; axes YXS, RGB."""
    folds = blurred(rng.standard_normal((size_px, size_px)).astype(np.float32), 14)
    tissue = 1 / (1 + np.exp(-(folds / folds.std() + 0.9) * 7))
    eosin = (tissue * texture(rng, size_px, 3.5) * 0.55)[..., None]
    found = cells(rng, size_px, size_px * size_px // 420, radius_px=4.2, dividing=0.0)
    haematoxylin = (nuclei(rng, found, size_px) * tissue * 1.1)[..., None]
    absorbed = eosin * np.array([0.12, 0.85, 0.45]) + haematoxylin * np.array([1.25, 1.15, 0.45])
    light = 246 * np.exp(-absorbed) + rng.normal(0, 1.5, (size_px, size_px, 3))
    picture: NDArray[np.uint8] = np.clip(light, 0, 255).astype(np.uint8)
    return picture
