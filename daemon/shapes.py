"""The shape of a command's JSON, written from the document's type: ``{id, name, sizes{x, y}, tags[]}``."""

import dataclasses
import types
import typing
from collections.abc import Collection, Iterable, Mapping
from typing import Any


def shape(kind: Any, *, open_types: frozenset[Any] = frozenset()) -> str:
    """Give the shape of a type in JSON; a document inside itself is written as ``…``."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _fields(kind, open_types)
    origin = typing.get_origin(kind)
    arguments = [argument for argument in typing.get_args(kind) if argument not in (type(None), Ellipsis)]
    if origin in (typing.Union, types.UnionType):
        return _either(arguments, open_types)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        inside = shape(arguments[1], open_types=open_types) if len(arguments) > 1 else ""
        return f"{{key: {inside or 'value'}}}"
    if isinstance(origin, type) and issubclass(origin, Collection | Iterable):
        return f"[{shape(arguments[0], open_types=open_types)}]" if arguments else "[]"
    return ""


def _either(kinds: list[Any], open_types: frozenset[Any]) -> str:
    shapes = [text for text in (shape(kind, open_types=open_types) for kind in kinds) if text]
    return " or ".join(dict.fromkeys(shapes))


def _fields(kind: type, open_types: frozenset[Any]) -> str:
    if kind in open_types:
        return "{…}"
    hints = typing.get_type_hints(kind)
    inside = open_types | {kind}
    parts = [
        field.metadata.get("json", field.name) + shape(hints[field.name], open_types=inside)
        for field in dataclasses.fields(kind)
    ]
    return "{" + ", ".join(parts) + "}"


def documents_in(kind: Any, seen: dict[type, None] | None = None) -> dict[type, None]:
    """Give every document type inside a type, the outermost first."""
    seen = {} if seen is None else seen
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        if kind not in seen:
            seen[kind] = None
            for hint in typing.get_type_hints(kind).values():
                documents_in(hint, seen)
        return seen
    for argument in typing.get_args(kind):
        documents_in(argument, seen)
    return seen
