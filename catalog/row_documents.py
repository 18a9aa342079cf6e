"""Writes rows as documents that an event keeps, and reads them again: for what `apply --undo` puts back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary

from catalog.models.base import UtcDateTime


def row_document(model: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row of a table, bytes in hex and times as text."""
    return {column.name: _written(row[column.name]) for column in model.__table__.columns}


def _written(value: Any) -> Any:
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    return value.isoformat() if isinstance(value, datetime) else value


def row_of(model: Any, document: Mapping[str, Any]) -> dict[str, Any]:
    """Read what `row_document` gave; columns that came later keep their defaults."""
    columns = model.__table__.columns
    return {name: _read(columns[name].type, value) for name, value in document.items() if name in columns}


def _read(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, LargeBinary):
        return bytes.fromhex(value)
    return datetime.fromisoformat(value) if isinstance(kind, UtcDateTime) else value
