"""What the schema says about itself: sections, keys, types and defaults in words, for the reference and the example."""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from config.scalars import as_list, duration_text, size_text
from config.settings import INTERNAL, Setting, Settings
from config.validation import sections_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a section. ``default`` is as the file would say it; None: it has to be given, or nothing is set."""

    name: str
    kind: str
    default: str | None
    is_needed: bool
    description: str


def sections() -> Iterator[tuple[str, type[BaseModel]]]:
    """Give each section that a file can hold with where it stands (``watch[].rules[]``), outer ones first."""
    yield "", Settings
    yield from _below("", Settings)


def _below(path: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    for name, info in _fields(model):
        for inner in sections_of(info.annotation):
            where = f"{path}.{name}".strip(".") + _brackets(info.annotation)
            yield where, inner
            yield from _below(where, inner)


def _brackets(annotation: Any) -> str:
    origin = get_origin(annotation)
    return {tuple: "[]", dict: ".NAME"}.get(origin, "") if origin else ""


def keys_of(model: type[BaseModel]) -> tuple[Key, ...]:
    """Describe the keys of a section in the order of the schema."""
    return tuple(_key(name, info) for name, info in _fields(model))


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, info in model.model_fields.items():
        shown = info.alias or name
        if not shown.startswith(INTERNAL):
            yield shown, info


def _key(name: str, info: FieldInfo) -> Key:
    kind = kind_of(info.annotation, name)
    if any(isinstance(part, BeforeValidator) and part.func is as_list for part in info.metadata):
        kind = f"one, or a {kind}"
    default = None if info.is_required() else default_text(info.default, name)
    is_needed = info.is_required() and name != "name"
    return Key(name=name, kind=kind, default=default, is_needed=is_needed, description=info.description or "")


def default_text(value: Any, name: str = "") -> str | None:
    """Write a default as the file would have it; None where it stands for "nothing"."""
    match value:
        case None | () | {} | Setting():
            return None
        case bool():
            return "true" if value else "false"
        case timedelta():
            return duration_text(value)
        case Enum():
            return str(value.value)
        case int() if name == "hash_now":
            return size_text(value)
        case tuple():
            return f"[{', '.join(map(str, value))}]"
        case _:
            return str(value)


_PLAIN: dict[object, str] = {
    str: "text",
    bool: "true or false",
    int: "whole number",
    Path: "path",
    timedelta: "duration",
    Fraction: "share, as `1/30`",
}


def kind_of(annotation: Any, name: str = "") -> str:
    """Say in words what a key takes."""
    if name == "hash_now":
        return "size"
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, inner = get_origin(annotation), [part for part in get_args(annotation) if part is not type(None)]
    if origin is Literal:
        return " or ".join(f"`{option}`" for option in inner)
    if isinstance(annotation, type):
        return " or ".join(f"`{m.value}`" for m in annotation) if issubclass(annotation, Enum) else "section"
    if origin is Annotated:
        return kind_of(inner[0], name)
    if origin is tuple:
        return "list" if sections_of(inner[0]) else f"list of: {kind_of(inner[0])}"
    if origin is dict:
        return f"keys with: {kind_of(inner[1])}"
    if origin in {Union, types.UnionType}:
        return " or ".join(dict.fromkeys(kind_of(part, name) for part in inner))
    raise TypeError(f"the schema uses a type that has no words yet: {annotation!r}")
