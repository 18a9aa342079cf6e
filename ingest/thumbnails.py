"""Makes the thumbnail of an open image; what goes wrong becomes a sentence, never an error."""

import io
from typing import Literal

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalog.records import ImageRecord, ThumbnailRecord
from ingest import render
from ingest.area_means import Floats, Reduced
from ingest.readers.as_seen import as_seen, oriented
from ingest.readers.protocol import OpenedImage, ReadingError, region

Projection = Literal["middle", "max", "mean"]

JPEG_QUALITY = 88
#: A projection uses at most this many planes, spread evenly.
PROJECTED_PLANES_AT_MOST = 64
#: Planes up to this many pixels are projected before they are reduced, larger ones after.
PROJECT_FULL_PIXELS = 4096 * 4096
#: Pictures with both sides up to this are kept lossless.
LOSSLESS_PX = 64
#: Pixels are shown square unless the file says that one side is longer by more than this.
ASPECT_TOLERANCE = 0.01
ASPECT_AT_MOST = 8.0


def make_thumbnail(image: OpenedImage, *, size_px: int, projection: Projection) -> ThumbnailRecord:
    """Render, scale and encode; a failure is recorded as its sentence."""
    try:
        return encoded(picture_of(image, size_px=size_px, projection=projection), image.record)
    except ReadingError as problem:
        return ThumbnailRecord(failure=f"no picture: {problem.reason}")
    except MemoryError:
        return ThumbnailRecord(failure="no picture: it would take more memory than there is")
    except Exception as error:  # noqa: BLE001  # codecs raise whatever they like; a picture never blocks an import
        line = (str(error).splitlines() or [""])[0][:200]
        return ThumbnailRecord(failure=f"no picture: {type(error).__name__}: {line}")


def picture_of(image: OpenedImage, *, size_px: int, projection: Projection) -> NDArray[np.uint8]:
    """Render the image's picture, uint8 (Y, X) or (Y, X, 3), its longer side ``size_px`` or the image's own size."""
    seen = as_seen(image)
    picture = _as_stored(seen, size_px=size_px, projection=projection)
    upright: NDArray[np.uint8] = np.ascontiguousarray(oriented(picture, seen.display.orientation))
    return upright


def _as_stored(image: OpenedImage, *, size_px: int, projection: Projection) -> NDArray[np.uint8]:
    record = image.record
    width, height = picture_size(record, size_px)
    if record.is_rgb:
        reduced = _projected(image, 0, size_px, projection, (width, height))
        fitted = Reduced(_fit(reduced.means, width, height), reduced.sample)
        return render.rgb_picture(fitted, record.pixels_type, record.significant_bits)
    count = min(record.size_c, render.CHANNELS_AT_MOST)
    planes: list[Floats] = []
    for c in range(count):
        reduced = _projected(image, c, size_px, projection, (width, height))
        window = record.channels[c].window if c < len(record.channels) else None
        limits = render.limits_for(reduced.sample, window)
        planes.append(render.stretched(_fit(reduced.means, width, height), limits))
    return render.mixed(planes, render.colors_of(record.channels, record.size_c)[:count])


def picture_size(record: ImageRecord, size_px: int) -> tuple[int, int]:
    """Give (width, height): never enlarged along a side, in the proportions of the specimen where they are known."""
    width, height = float(record.size_x), float(record.size_y)
    x_um, y_um = record.physical_size_x_um, record.physical_size_y_um
    if x_um and y_um and abs(y_um / x_um - 1) > ASPECT_TOLERANCE:
        aspect = min(max(y_um / x_um, 1 / ASPECT_AT_MOST), ASPECT_AT_MOST)
        width, height = (width, height * aspect) if aspect < 1 else (width / aspect, height)
    scale = min(1.0, size_px / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _projected(image: OpenedImage, c: int, size_px: int, projection: Projection, picture: tuple[int, int]) -> Reduced:
    depth = image.record.size_z
    if projection == "middle" or depth == 1:
        z = depth // 2 if depth > 1 else 0
        return render.reduce_plane(image, c=c, z=z, t=0, target_px=size_px, picture=picture)
    count = min(depth, PROJECTED_PLANES_AT_MOST)
    chosen = sorted({round(i * (depth - 1) / max(1, count - 1)) for i in range(count)})
    level = image.levels[render.level_for(image.levels, size_px)]
    if projection == "max" and level.size_x * level.size_y <= PROJECT_FULL_PIXELS:
        return _max_of_pixels(image, c, chosen, size_px)
    planes = [render.reduce_plane(image, c=c, z=z, t=0, target_px=size_px) for z in chosen]
    join = np.max if projection == "max" else np.mean
    means = join(np.stack([plane.means for plane in planes]), axis=0)
    return Reduced(means.astype(np.float32), means.reshape((-1, *means.shape[2:])))


def _max_of_pixels(image: OpenedImage, c: int, chosen: list[int], size_px: int) -> Reduced:
    """Project the pixels themselves, one plane in memory at a time."""
    index = render.level_for(image.levels, size_px)
    highest = region(image, c=c, z=chosen[0], level=index)
    for z in chosen[1:]:
        plane = region(image, c=c, z=z, level=index)
        highest = np.fmax(highest, plane) if plane.dtype.kind != "c" else np.maximum(np.abs(highest), np.abs(plane))
    return render.reduce_array(highest, size_px)


def _fit(means: Floats, width: int, height: int) -> Floats:
    """Scale (Y, X[, S]) means to the picture's size: by area when it gets smaller, by nearest pixel otherwise."""
    if means.shape[:2] == (height, width):
        return means
    is_smaller = width <= means.shape[1] and height <= means.shape[0]
    method = Image.Resampling.BOX if is_smaller else Image.Resampling.NEAREST
    layers = [means] if means.ndim == 2 else [means[..., s] for s in range(means.shape[2])]
    scaled = [np.asarray(Image.fromarray(np.ascontiguousarray(a)).resize((width, height), method)) for a in layers]
    return scaled[0] if means.ndim == 2 else np.stack(scaled, axis=-1)


def encoded(picture: NDArray[np.uint8], record: ImageRecord) -> ThumbnailRecord:
    """Encode as JPEG; as PNG where edges are the content: bit masks and very small pictures."""
    height, width = picture.shape[:2]
    is_lossless = record.pixels_type == "bit" or max(height, width) <= LOSSLESS_PX
    if not is_lossless:
        # The same bytes as Pillow's, which spends a third of the time on being asked.
        data = bytes(imagecodecs.jpeg8_encode(picture, level=JPEG_QUALITY, subsampling="444"))
        return ThumbnailRecord(media_type="image/jpeg", width_px=width, height_px=height, data=data)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", optimize=True)
    return ThumbnailRecord(media_type="image/png", width_px=width, height_px=height, data=buffer.getvalue())


def converted(data: bytes, *, media_type: str, size_px: int | None) -> ThumbnailRecord:
    """Turn an encoded thumbnail into another kind (JPEG or PNG), not larger than ``size_px`` on its longer side."""
    with Image.open(io.BytesIO(data)) as opened:
        picture = opened.convert("L" if opened.mode in {"1", "L"} else "RGB")
    if size_px is not None:
        picture.thumbnail((size_px, size_px), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    if media_type == "image/png":
        picture.save(buffer, "PNG", optimize=True)
    else:
        picture.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return ThumbnailRecord(
        media_type=media_type, width_px=picture.width, height_px=picture.height, data=buffer.getvalue()
    )
