"""Exact comparisons with long texts that an index serves: their beginnings are indexed, the whole text decides."""

from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal_column

from catalog.models.annotations import Annotation, MapPair

#: As many characters as the indexes on annotations and their pairs hold.
_INDEXED = 200


def is_value(text: str) -> ColumnElement[bool]:
    """Give the condition that an annotation's value is this text."""
    return and_(_begins(Annotation.value, text), Annotation.value == text)


def is_pair(key: str, value: str) -> ColumnElement[bool]:
    """Give the condition that a pair is this key and value."""
    begins = and_(_begins(MapPair.key, key), _begins(MapPair.value, value))
    return and_(begins, MapPair.key == key, MapPair.value == value)


def _begins(column: Any, text: str) -> ColumnElement[bool]:
    # Literal numbers: an index on an expression is used only for the very same expression.
    beginning = func.substr(column, literal_column("1"), literal_column(str(_INDEXED)))
    return beginning == text[:_INDEXED]
