"""Lets records cross between processes quickly: a frozen dataclass with slots is pickled by a search for its fields,
in Python, each time.
"""

from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

T = TypeVar("T")
_new = object.__new__


def crossing(kind: type[T]) -> type[T]:
    """Have records of a frozen dataclass with slots, of two fields or more, pickled as the plain tuple of their values.

    What is made of that again has these values, without being checked or having defaults filled in.
    """
    values = attrgetter(*_names(kind))
    kind.__reduce__ = lambda self: (_made, (kind, values(self)))  # type: ignore[method-assign]  # of any class
    return kind


def _names(kind: Any) -> Sequence[str]:
    return [field.name for field in fields(kind)]


@cache
def _setters(kind: Any) -> tuple[Any, ...]:
    return tuple(getattr(kind, name).__set__ for name in _names(kind))


def _made(kind: Any, values: Sequence[Any]) -> Any:
    made = _new(kind)
    for put, value in zip(_setters(kind), values, strict=True):
        put(made, value)
    return made
