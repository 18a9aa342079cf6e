"""The declarative base, column types and mixins that every table shares."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, MetaData, Select, Table
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

#: A select of whatever columns.
AnySelect: TypeAlias = Select[*tuple[Any, ...]]

#: A 64-bit key. SQLite only auto-increments a column whose type is exactly INTEGER.
BigId = BigInteger().with_variant(Integer, "sqlite")

#: A structured column; None is NULL, not JSON's null, so that IS NULL says what it seems to say.
Document = JSON(none_as_null=True)


class WrittenDocument(dict[str, Any]):
    """A document whose JSON, ``text``, is written already. Once the text is set it is not to be changed."""

    __slots__ = ("text",)
    text: str


def document_text(value: object) -> str:
    """Write a document as JSON: what engines do with the values of `Document` columns."""
    return value.text if isinstance(value, WrittenDocument) else json.dumps(value)


#: As many times are remembered as parameters, for each type and dialect.
TIMES_KEPT = 64


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime: refuses naive values on the way in, gives aware ones on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any] | None:
        """Turn each time into a parameter once: all rows of a batch have the same few."""
        plain = super().bind_processor(dialect)
        return None if plain is None else lru_cache(maxsize=TIMES_KEPT)(plain)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store the instant in UTC (SQLite has no time zones: naive UTC there)."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a time zone can't be stored")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy names it
        """Give an aware UTC datetime whatever the database returned."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of all tables; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: dict[Any, Any] = {datetime: UtcDateTime()}  # noqa: RUF012 - SQLAlchemy's declared API

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Never give an id twice: SQLite would use the highest one again after a delete, and history would lie."""
        super().__init_subclass__(**kwargs)
        table = cls.__table__
        if isinstance(table, Table) and [column.name for column in table.primary_key] == ["id"]:
            table.dialect_options["sqlite"]["autoincrement"] = table.name != "catalogue_identity"
