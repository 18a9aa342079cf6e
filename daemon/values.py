"""Kinds of arguments: objects such as ``image:7``, moments, pairs; what is wrong with one is told by name."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from catalog.references import ObjectReference

_SPAN = re.compile(r"(\d{1,6})([dhm])")
_SPAN_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


class Object(click.ParamType["ObjectReference"]):
    """An object of the catalogue as ``type:id``, of the types that the command takes (all when none are named)."""

    name = "object"

    def __init__(self, *types: str) -> None:
        self.types = types

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> "ObjectReference":
        """Give the reference; a bare number is understood where only one type is taken."""
        from catalog.errors import CatalogueError
        from catalog.references import OBJECT_TYPES, ObjectReference, parse_reference

        if isinstance(value, ObjectReference):
            return value
        text = str(value)
        if len(self.types) == 1 and text.isdecimal():
            text = f"{self.types[0]}:{text}"
        try:
            return parse_reference(text, types=self.types or OBJECT_TYPES)
        except CatalogueError as error:
            self.fail(str(error), param, ctx)


class Moment(click.ParamType[datetime]):
    """A date or time in the local time zone, or a span back from now (``7d``, ``12h``, ``30m``)."""

    name = "when"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Give an aware UTC datetime."""
        if isinstance(value, datetime):
            return value
        span = _SPAN.fullmatch(str(value))
        try:
            if span:
                return datetime.now(UTC) - timedelta(**{_SPAN_UNITS[span[2]]: int(span[1])})
            return datetime.fromisoformat(str(value)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"'{value}' is no time; write 2026-05-04, '2026-05-04 12:30' or 7d", param, ctx)


class Words(click.types.StringParamType):
    """Words of a person, such as a name; bytes that are no text, as a terminal of another encoding sends, are none."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Give the text."""
        text = super().convert(value, param, ctx)
        if not text.isprintable() and any("\ud800" <= character <= "\udfff" for character in text):
            self.fail(f"'{text}' has bytes that are not UTF-8; write them as they are shown here", param, ctx)
        return text


class Pair(click.ParamType[tuple[str, str]]):
    """A key and a value as ``KEY=VALUE``; the value may hold further equals signs."""

    name = "key=value"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Give key and value."""
        if isinstance(value, tuple):
            return value
        key, separator, text = WORDS.convert(value, param, ctx).partition("=")
        if not separator or not key:
            self.fail(f"'{value}' is no pair; write KEY=VALUE", param, ctx)
        return key, text


class Scalar(click.ParamType[Any]):
    """A value as the configuration file writes it: a duration, a share ..."""

    def __init__(self, name: str, convert: Callable[[object], object]) -> None:
        self.name = name
        self._convert = convert

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Give the value, or say what is wrong as `check` does."""
        try:
            return self._convert(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


#: What every command takes where it says nothing of a type.
WORDS = Words()

#: A path as the shell gave it; surrogates for bytes that are not UTF-8 are kept, links are not followed. Whether the
#: account may read it is for the command to say: `why` is asked about files because they can't be read.
ANY_PATH = click.Path(path_type=Path, readable=False)
