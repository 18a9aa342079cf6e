"""Conversion of the file's texts: durations, sizes, booleans, numbers, names and paths.

Each converter leaves what is no text alone, so that settings can be made from Python values as well.
"""

import re
import unicodedata
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer
from pydantic_core import PydanticCustomError

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,6}))? ?([KMGT]?i?B)", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_FRACTION = re.compile(r"([0-9]{1,9})(?: ?/ ?([1-9][0-9]{0,8}))?|0\.[0-9]{1,9}")
_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})
LONGEST_DURATION = timedelta(days=3650)
LONGEST_NAME = 255
#: What means a folder in any path, and so names nothing else.
FOLDER_WORDS = frozenset({".", ".."})


def refused(message: str, hint: str | None = None) -> PydanticCustomError:
    """Give the exception that pydantic collects; ``hint`` is what to do."""
    # The text goes in as a field: pydantic would read braces in it as places to fill.
    return PydanticCustomError("coverslip", "{text}", {"text": message, "hint": hint or ""})


def as_duration(value: object) -> object:
    """Read ``500ms 10s 15m 2h 1d``."""
    if not isinstance(value, str):
        return value
    found = _DURATION.fullmatch(value.strip())
    if found is None:
        raise refused(f"{value!r} is not a duration", "write a number and a unit: 500ms 10s 15m 2h 1d")
    duration = timedelta(seconds=float(found[1]) * _SECONDS[found[2]]) if len(found[1]) < 12 else timedelta.max
    if duration > LONGEST_DURATION:
        raise refused(f"{value!r} is longer than ten years")
    return duration


def as_positive_duration(value: object) -> object:
    """Read a duration that is not 0."""
    duration = as_duration(value)
    if duration == timedelta(0):
        raise refused("this has to be more than 0s")
    return duration


def as_size_bytes(value: object) -> object:
    """Read ``64MB 2GiB`` as bytes: kB MB GB TB are powers of 1000, KiB MiB GiB TiB of 1024."""
    if not isinstance(value, str):
        return value
    found = _SIZE.fullmatch(value.strip())
    if found is None:
        raise refused(f"{value!r} is not a size", "write a number and a unit: 500kB 64MB 2GiB")
    unit = found[3].lower().removesuffix("b")
    base = 1024 if unit.endswith("i") else 1000
    size_bytes = int(float(f"{found[1]}.{found[2] or 0}") * base ** _POWERS[unit.removesuffix("i")])
    if size_bytes >= 1 << 63:
        raise refused(f"{value!r} is larger than any file can be")
    return size_bytes


def as_fraction(value: object) -> object:
    """Read ``1/30``, ``0.05``, ``1``: a share of a whole."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if _FRACTION.fullmatch(text) is None or Fraction(text.replace(" ", "")) > 1:
        raise refused(f"{value!r} is not a share of a whole", "write 1/30 or 0.05")
    return Fraction(text.replace(" ", ""))


def as_boolean(value: object) -> object:
    """Read ``true yes on`` and ``false no off``."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise refused(f"{value!r} is neither true nor false", "write true or false")


def as_whole_number(value: object) -> object:
    """Read decimal digits; leading zeros do not matter."""
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"[0-9]{1,15}", value.strip()) is None:
        raise refused(f"{value!r} is not a whole number")
    return int(value)


def as_name(value: object) -> object:
    """Read the name of a person, a group or a root: one line, in Unicode NFC."""
    if not isinstance(value, str):
        return value
    name = unicodedata.normalize("NFC", value)
    if not name or name != name.strip():
        raise refused(f"{value!r} is not a name", "a name is not empty and neither begins nor ends with a space")
    if name in FOLDER_WORDS:
        raise refused(f"{value!r} is not a name", "`.` and `..` mean folders")
    if "/" in name or any(unicodedata.category(letter) in {"Cc", "Cs", "Cf", "Zl", "Zp"} for letter in name):
        raise refused(f"{value!r} is not a name", "a name holds no slash and no control characters")
    if len(name) > LONGEST_NAME:
        raise refused(f"a name has at most {LONGEST_NAME} characters, this one has {len(name)}")
    return name


def as_list(value: object) -> object:
    """Read one text as a list of one."""
    return (value,) if isinstance(value, str) else value


def as_path(value: object) -> object:
    """Read a path; home folders are not resolved, because the service has another home than the person who writes."""
    if not isinstance(value, str):
        return value
    if not value or "\0" in value:
        raise refused("a path is expected here")
    if value.startswith("~"):
        raise refused(f"{value!r}: a home folder can't be meant by ~ here", "write the whole path")
    return Path(value)


def duration_text(value: timedelta) -> str:
    """Write a duration as the file has it, in the largest unit that fits."""
    milliseconds = value // timedelta(milliseconds=1)
    for unit, factor in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds and milliseconds % factor == 0:
            return f"{milliseconds // factor}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"


def size_text(value: int) -> str:
    """Write a size as the file has it, in the largest unit that fits."""
    for unit, factor in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value and value % factor == 0:
            return f"{value // factor}{unit}"
    return f"{value}B"


Duration = Annotated[
    timedelta, BeforeValidator(as_duration), PlainSerializer(duration_text, return_type=str, when_used="json")
]
PositiveDuration = Annotated[
    timedelta, BeforeValidator(as_positive_duration), PlainSerializer(duration_text, return_type=str, when_used="json")
]
SizeBytes = Annotated[
    int, BeforeValidator(as_size_bytes), PlainSerializer(size_text, return_type=str, when_used="json")
]
Share = Annotated[Fraction, BeforeValidator(as_fraction), PlainSerializer(str, return_type=str, when_used="json")]
Boolean = Annotated[bool, BeforeValidator(as_boolean)]
WholeNumber = Annotated[int, BeforeValidator(as_whole_number)]
Name = Annotated[str, BeforeValidator(as_name)]
FilePath = Annotated[Path, BeforeValidator(as_path)]
Names = tuple[Name, ...]
Texts = Annotated[tuple[str, ...], BeforeValidator(as_list)]
