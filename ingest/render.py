"""Makes small pictures of images: reduction by area mean, percentile contrast, channels in their colours.

Everything works on float arrays with the axes (Y, X) or (Y, X, S); a picture is uint8 (Y, X) or (Y, X, 3).
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.records import Channel
from ingest.area_means import Floats, Grid, Reduced
from ingest.readers.protocol import Block, Level, OpenedImage, Pixels

#: Contrast is stretched between these percentiles of the pixels.
LOW_PERCENT, HIGH_PERCENT = 0.5, 99.8
#: About so many pixels tell how low the lowest and how high the highest are, with so many to spare.
THINNED_TO, THINNED_MORE = 1024, 12
#: The lowest or highest pixels are ordered where they are no more than one in so many.
FEW_OF = 16
#: Planes up to this many bytes are read whole; of larger ones a spread sample.
READ_WHOLE_BYTES = 1 << 30
#: Values up to this are told apart by float32 to a fraction of what a picture shows.
PLAIN_VALUES = 100_000.0
#: More channels than this are not mixed into one picture.
CHANNELS_AT_MOST = 7

#: Colours by order, where neither file, wavelength nor name tells one; OME's usual ones.
_BY_ORDER = ("#0000FF", "#00FF00", "#FF0000", "#00FFFF", "#FF00FF", "#FFFF00", "#FFFFFF")
_BY_NAME = (
    (("brightfield", "bright field", "bf", "phase", "transmitted", "transmission", "dic", "pmt t", "tl"), "#FFFFFF"),
    (("cy7", "750", "far red", "farred"), "#FF00FF"),
    (("cy5", "647", "640", "633", "alexa 680", "draq", "a647"), "#FF00FF"),
    (("texas", "txred", "594", "mcherry", "cherry", "rfp", "tomato", "dsred", "cy3", "tritc", "rhodamine", "568",
      "561", "555", "546", "mko", "red"), "#FF0000"),
    (("yfp", "venus", "citrine", "532"), "#FFFF00"),
    (("gfp", "fitc", "488", "alexa 488", "calcein", "fluo", "oregon", "green", "a488"), "#00FF00"),
    (("cfp", "cerulean", "turquoise", "430"), "#00FFFF"),
    (("dapi", "hoechst", "405", "358", "nuclei", "bfp", "blue"), "#0000FF"),
)  # fmt: skip


def level_for(levels: Sequence[Level], target_px: int) -> int:
    """Choose the smallest level that is at least as large as the picture, else the largest."""
    enough = [
        (level.size_x * level.size_y, i)
        for i, level in enumerate(levels)
        if max(level.size_x, level.size_y) >= target_px
    ]
    return min(enough)[1] if enough else 0


def reduce_plane(
    image: OpenedImage, *, c: int, z: int, t: int, target_px: int, picture: tuple[int, int] | None = None
) -> Reduced:
    """Read one plane at the level that suffices and reduce it by whole factors to 2-4 times the target or less.

    Where a whole factor gives just the (width, height) of the ``picture``, it is reduced by that at once.
    """
    index = level_for(image.levels, target_px)
    level = image.levels[index]
    longest = max(level.size_x, level.size_y)
    step = sampling_step(level, _pixel_bytes(image), target_px)
    factor = max(1, longest // (2 * target_px) if step == 1 else longest // target_px)
    if step == 1 and picture is not None:
        factor = _factor_to(level, picture) or factor
    grid = Grid(level, factor, is_sampled=step > 1)
    for block in image.blocks(c=c, z=z, t=t, level=index, step=step):
        grid.add(block)
    return grid.reduced()


def _factor_to(level: Level, picture: tuple[int, int]) -> int | None:
    """Give the whole factor between a level and a picture's (width, height), None when there is none."""
    factor = level.size_x // picture[0]
    return factor if (picture[0] * factor, picture[1] * factor) == (level.size_x, level.size_y) else None


def reduce_array(pixels: Pixels, target_px: int) -> Reduced:
    """Reduce a plane that is in memory, (Y, X) or (Y, X, S)."""
    height, width = pixels.shape[:2]
    grid = Grid(Level(size_x=width, size_y=height), max(1, max(height, width) // (2 * target_px)))
    grid.add(Block(top=0, left=0, pixels=pixels))
    return grid.reduced()


def sampling_step(level: Level, pixel_bytes: int, target_px: int) -> int:
    """Give 1, or how sparsely a plane that is too large to be read whole is sampled; never sparser than the picture."""
    size = level.size_x * level.size_y * pixel_bytes
    if size <= READ_WHOLE_BYTES:
        return 1
    return max(
        2, min(round(math.sqrt(size / READ_WHOLE_BYTES)) + 1, max(level.size_y, level.size_x) // (4 * target_px))
    )


def _pixel_bytes(image: OpenedImage) -> int:
    record = image.record
    size = {"uint8": 1, "int8": 1, "bit": 1, "uint16": 2, "int16": 2, "double": 8, "complex": 8, "double-complex": 16}
    samples: int = record.size_c if record.is_rgb else 1
    return size.get(record.pixels_type, 4) * samples


def contrast_limits(sample: Pixels) -> tuple[float, float]:
    """Give the values shown as black and as full: percentiles, or the extremes where those coincide."""
    finite = sample[np.isfinite(sample)] if sample.dtype.kind == "f" else sample.ravel()
    if not finite.size:
        return 0.0, 0.0
    low, high = _percentiles(finite)
    if low < high:
        return low, high
    return float(finite.min()), float(finite.max())


def limits_for(sample: Pixels, window: tuple[float, float] | None) -> tuple[float, float]:
    """Give the file's own contrast where it shows something of these pixels, else percentiles.

    A stored range of which the pixels fill less than a fifth (the camera's whole range, say) would give a black
    picture, one that they leave nothing of a white one.
    """
    low, high = contrast_limits(sample)
    if window is None or not low < high:
        return low, high
    start, end = window
    shown = min(high, end) - max(low, start)
    return window if shown >= 0.2 * (end - start) and shown >= 0.2 * (high - low) else (low, high)


def _percentiles(values: Pixels) -> tuple[float, float]:
    """Give the two percentiles as `numpy.percentile` does, for small unsigned integers in a fraction of its time."""
    if values.dtype not in (np.uint8, np.uint16):
        low, high = np.percentile(values, (LOW_PERCENT, HIGH_PERCENT))
        return float(low), float(high)
    last = values.size - 1
    low_at, high_at = LOW_PERCENT / 100 * last, HIGH_PERCENT / 100 * last
    outermost = _outermost(values, min(int(low_at) + 2, values.size), last + 1 - int(high_at))
    if outermost is None:
        return _counted(values)
    lowest, highest = outermost
    first = last + 1 - len(highest)
    return _between(lowest, low_at), _between(highest, high_at - first)


def _between(ordered: Pixels, position: float) -> float:
    """Give the value at a position among ordered ones, which may lie between two of them."""
    before = int(position)
    low, high = int(ordered[before]), int(ordered[min(before + 1, len(ordered) - 1)])
    return low + (high - low) * (position - before)


def _outermost(values: Pixels, low_count: int, high_count: int) -> tuple[Pixels, Pixels] | None:
    """Give the ``low_count`` lowest and ``high_count`` highest values or some more of each, in order.

    None where either would be a large part of them.
    """
    thin = np.sort(values[:: max(1, values.size // THINNED_TO)], kind="stable")
    low = int(thin[min(low_count * len(thin) // values.size + THINNED_MORE, len(thin) - 1)])
    high = int(thin[max(len(thin) - 1 - high_count * len(thin) // values.size - THINNED_MORE, 0)])
    if not low < high:
        return None
    few = values.size // FEW_OF
    low_most, high_most = max(low_count, few), max(high_count, few)
    # What is not above ``low`` goes round to the largest numbers: both ends are found in one pass.
    is_outside = (values - values.dtype.type(low + 1)) >= values.dtype.type(high - low - 1)
    outside = values.compress(is_outside)
    if len(outside) > low_most + high_most:
        return None
    outside.sort(kind="stable")
    split = int(outside.searchsorted(low, side="right"))
    lowest, highest = outside[:split], outside[split:]
    if low_count <= len(lowest) <= low_most and high_count <= len(highest) <= high_most:
        return lowest, highest
    return None


def _counted(values: Pixels) -> tuple[float, float]:
    """Give the two percentiles by counting each value: where many pixels are alike, dark ones or saturated ones."""
    up_to = np.bincount(values).cumsum()

    def at(percent: float) -> float:
        position = percent / 100 * (values.size - 1)
        before = int(position)
        low, high = np.searchsorted(up_to, (before, min(before + 1, values.size - 1)), side="right")
        return float(low + (high - low) * (position - before))

    return at(LOW_PERCENT), at(HIGH_PERCENT)


def stretched(means: Floats, limits: tuple[float, float]) -> Floats:
    """Map black..full to 0..1; a constant plane is black when it is zero, else grey."""
    low, high = limits
    if not low < high:
        return np.full(means.shape, 0.0 if low == 0 else 0.5, np.float32)
    # What 16 bits hold, float32 tells apart a hundred times finer than a picture does, in a third of the time.
    wide: Any = np.float32 if low > -PLAIN_VALUES and high < PLAIN_VALUES and high - low >= 1 else np.float64
    with np.errstate(over="ignore", invalid="ignore"):
        scaled: Pixels = np.subtract(means, wide(low), dtype=wide)
        scaled *= wide(1 / (high - low))
        np.clip(scaled, 0, 1, out=scaled)
    narrow: Floats = scaled.astype(np.float32, copy=False)
    return narrow if np.isfinite(narrow).all() else np.nan_to_num(narrow, copy=False)


def color_of(channel: Channel | None, ordinal: int, count: int) -> str:
    """Choose a channel's colour: the file's; else by emission wavelength, by name, by order. A single one is grey."""
    if channel is not None and channel.color:
        return channel.color
    if count == 1:
        return "#FFFFFF"
    if channel is not None and channel.emission_wavelength_nm:
        return _by_wavelength(channel.emission_wavelength_nm)
    name = (channel.name or "").lower() if channel is not None else ""
    for words, color in _BY_NAME:
        if any(word == name or (len(word) > 2 and word in name) for word in words):
            return color
    return _BY_ORDER[ordinal % len(_BY_ORDER)]


def _by_wavelength(emission_nm: float) -> str:
    """Give a pure colour for an emission: violet and blue are shown as blue, far red as magenta (documented)."""
    for limit, color in ((480, "#0000FF"), (500, "#00FFFF"), (550, "#00FF00"), (580, "#FFFF00"), (650, "#FF0000")):
        if emission_nm < limit:
            return color
    return "#FF00FF"


def colors_of(channels: Sequence[Channel], count: int) -> list[str]:
    """Choose the colours of all channels; where the file gave none, no two are alike."""
    chosen = [color_of(channels[i] if i < len(channels) else None, i, count) for i in range(count)]
    if any(channel.color for channel in channels):
        return chosen
    for i, color in enumerate(chosen):
        if color in chosen[:i]:
            chosen[i] = next((c for c in _BY_ORDER if c not in chosen), color)
    return chosen


def rgb_of(color: str) -> Floats:
    """Turn "#RRGGBB" into three floats 0..1; black, which would hide a channel, becomes white."""
    values = (np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255).astype(np.float32)
    return values if values.any() else np.ones(3, np.float32)


def mixed(planes: Sequence[Floats], colors: Sequence[str]) -> NDArray[np.uint8]:
    """Add up channels 0..1 in their colours; all grey gives (Y, X), else (Y, X, 3)."""
    if len(planes) == 1 and colors[0].upper() == "#FFFFFF":
        return as_bytes(planes[0])
    total = np.zeros((*planes[0].shape, 3), np.float32)
    for plane, color in zip(planes, colors, strict=True):
        total += plane[..., None] * rgb_of(color)
    return as_bytes(np.clip(total, 0, 1))


def as_bytes(values: Floats) -> NDArray[np.uint8]:
    """Turn 0..1 into 0..255."""
    scaled = values * 255
    scaled += 0.5
    return scaled.astype(np.uint8)


def rgb_picture(reduced: Reduced, pixels_type: str, significant_bits: int | None) -> NDArray[np.uint8]:
    """Give an RGB(A) plane as it is: full scale of its type where it uses it, alpha over white."""
    means = reduced.means
    low, high = _rgb_limits(reduced.sample[..., :3], pixels_type, significant_bits)
    picture = np.clip((means[..., :3] - low) / max(high - low, 1e-12), 0, 1).astype(np.float32)
    if means.shape[-1] == 4:
        full = {"uint8": 255.0, "uint16": 65535.0}.get(pixels_type, 1.0)
        alpha = np.clip(means[..., 3:4] / full, 0, 1)
        picture = picture * alpha + (1 - alpha)
    return as_bytes(picture.astype(np.float32))


def _rgb_limits(sample: Pixels, pixels_type: str, significant_bits: int | None) -> tuple[float, float]:
    if pixels_type == "uint8":
        return 0.0, float((1 << (significant_bits or 8)) - 1)
    highest = float(np.nanmax(sample)) if sample.size else 0.0
    lowest = float(np.nanmin(sample)) if sample.size else 0.0
    if pixels_type == "uint16" and (significant_bits or highest > 16383):
        return 0.0, float((1 << (significant_bits or 16)) - 1)
    if pixels_type in ("float", "double") and lowest >= 0 and 0.05 < highest <= 1:
        return 0.0, 1.0
    return contrast_limits(sample)
