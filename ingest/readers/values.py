"""Turns texts and numbers of vendors' metadata into OME's units; whatever is not understood becomes None."""

import math
from datetime import UTC, datetime
from typing import Any

#: Units of length in um, as OME-XML, ImageJ and vendors write them.
_LENGTHS_UM = {
    "ym": 1e-18, "zm": 1e-15, "am": 1e-12, "fm": 1e-9, "pm": 1e-6, "å": 1e-4, "\u212b": 1e-4, "a": 1e-4,
    "angstrom": 1e-4, "nm": 1e-3, "nanometer": 1e-3, "nanometers": 1e-3,
    "um": 1.0, "\u00b5m": 1.0, "\u03bcm": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0,
    "micrometers": 1.0, "micrometre": 1.0, "\\u00b5m": 1.0, "mm": 1e3, "millimeter": 1e3, "cm": 1e4, "centimeter": 1e4,
    "dm": 1e5, "m": 1e6, "meter": 1e6, "km": 1e9, "in": 25400.0, "inch": 25400.0, "inches": 25400.0, "thou": 25.4,
    "li": 25400.0 / 12, "ft": 304800.0, "yd": 914400.0, "mi": 1.609344e9, "pt": 25400.0 / 72,
}  # fmt: skip
_TIMES_S = {
    "ns": 1e-9, "\u00b5s": 1e-6, "\u03bcs": 1e-6, "us": 1e-6, "ms": 1e-3, "msec": 1e-3, "s": 1.0, "sec": 1.0,
    "seconds": 1.0, "min": 60.0, "h": 3600.0, "hr": 3600.0, "d": 86400.0,
}  # fmt: skip
_FORMS = (
    "%Y:%m:%d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y%m%d %H:%M:%S", "%Y%m%d %H:%M:%S.%f", "%Y/%m/%d %H:%M:%S",
    "%m/%d/%y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S %z",
    "%Y-%m-%d %H:%M:%S.%f %z", "%m/%d/%Y %I:%M:%S %p", "%Y:%m:%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S",
)  # fmt: skip


def number(value: Any) -> float | None:
    """Give a finite float, or None."""
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def positive(value: Any) -> float | None:
    """Give a finite float above zero, or None: no size, wavelength or interval is zero."""
    result = number(value)
    return result if result is not None and result > 0 else None


def length_um(value: Any, unit: str | None) -> float | None:
    """Give a length in um; an unknown unit (pixel, reference frame) gives None."""
    factor = _factor(_LENGTHS_UM, unit)
    amount = positive(value)
    return None if factor is None or amount is None else _rounded(amount * factor)


def _rounded(value: float) -> float:
    """Drop what the multiplication made of the last digits: 0.4, not 0.39999999999999997."""
    return float(f"{value:.14g}")


def time_s(value: Any, unit: str | None) -> float | None:
    """Give a time in s, None for an unknown unit."""
    factor = _factor(_TIMES_S, unit)
    amount = positive(value)
    return None if factor is None or amount is None else amount * factor


def _factor(table: dict[str, float], unit: str | None) -> float | None:
    if unit is None:
        return None
    text = unit.strip()
    exact = table.get(text)
    return exact if exact is not None else table.get(text.lower())


def text(value: Any, limit: int = 4000) -> str | None:
    """Give a stripped text without control characters and lone surrogates, None when nothing is left."""
    if value is None:
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    cleaned = str(value)
    if not cleaned.isprintable():
        cleaned = "".join(c for c in cleaned if c in "\n\t" or (c.isprintable() or ord(c) > 0x9F))
    cleaned = cleaned.encode("utf-8", "replace").decode().strip()
    return cleaned[:limit] or None


def moment(value: Any) -> datetime | None:
    """Give an aware UTC time; a time without zone is one of the machine that reads, as instruments write local time.

    Takes datetimes and texts in ISO 8601 and in the forms of TIFF, MetaMorph, Aperio and Micro-Manager.
    """
    parsed = value if isinstance(value, datetime) else _parsed(text(value, 64))
    if parsed is None or not 1900 < parsed.year < 2200:
        return None
    try:
        return parsed.astimezone(UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _parsed(written: str | None) -> datetime | None:
    if not written:
        return None
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        pass
    for form in _FORMS:
        try:
            return datetime.strptime(written, form)  # noqa: DTZ007  # local on purpose, see moment
        except ValueError:
            continue
    return None


def color_hex(red: int, green: int, blue: int) -> str:
    """Give "#RRGGBB" of three bytes."""
    return f"#{red & 255:02X}{green & 255:02X}{blue & 255:02X}"
