"""The base of all tables, column types and mixins that every table shares."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from inspect import get_annotations
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar, get_args, get_origin

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    String,
    Table,
    text,
)
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeDecorator, TypeEngine

T = TypeVar("T")

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


#: Of a table in the order of its key, of which SQLite keeps no other order (`tell_dialects`).
WITHOUT_ROWID: dict[str, Any] = {"info": {"has_rowid": False}}


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Give an index over the rows for which a condition holds (`tell_dialects`)."""
    return Index(name, *columns, unique=unique, info={"where": where})


def tell_dialects(table: Table) -> None:
    """Tell of a table what only CREATE needs, in the words of each database.

    It is not told where the table is: SQLAlchemy loads the whole package of a dialect to take one word of it, and
    that of PostgreSQL loads every driver it knows of, which takes a tenth of the time of a command.
    """
    if not table.info.get("has_rowid", True):
        table.dialect_kwargs["sqlite_with_rowid"] = False
    if [column.name for column in table.primary_key] == ["id"]:
        # Never give an id twice: SQLite would use the highest one again after a delete, and history would lie.
        table.dialect_kwargs["sqlite_autoincrement"] = table.name != "catalogue_identity"
    for index in table.indexes:
        if "where" in index.info:
            for dialect in ("sqlite", "postgresql"):
                index.dialect_kwargs[f"{dialect}_where"] = text(index.info["where"])


#: What a column's annotation says, where nothing else does.
_TYPES: dict[Any, TypeEngine[Any]] = {
    int: Integer(), str: String(), float: Double(), bool: Boolean(), bytes: LargeBinary(), datetime: UtcDateTime(),
}  # fmt: skip


class Stored(Generic[T]):
    """A column as the class of its table tells of it: ``name: Stored[str | None]`` may hold a text, or NULL.

    What that doesn't tell is given as a value: the type, the column that it refers to, options of SQLAlchemy's Column.
    """

    def __init__(
        self,
        kind: TypeEngine[Any] | None = None,
        reference: str | None = None,
        *,
        on_delete: str | None = None,
        **options: Any,
    ) -> None:
        self._kind = kind
        self._reference = reference
        self._on_delete = on_delete
        self._options = options

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: None, owner: "type[Base]") -> Column[T]:
        """Give the column itself: asked of the class of a table, it is the table's."""
        column: Column[T] = owner.__table__.c[self._name]
        return column

    def column(self, name: str, held: Any) -> Column[T]:
        """Make the column of one table; ``held`` is the Python type of its values, with None where it may be NULL."""
        choices = get_args(held) or (held,)
        kind = self._kind or _TYPES[choices[0]]
        keys = () if self._reference is None else (ForeignKey(self._reference, ondelete=self._on_delete),)
        return Column(name, kind, *keys, nullable=type(None) in choices, **self._options)


class Base:
    """The base of all tables: its classes only give names and types to the columns of one table each.

    They are no mapped classes, and there are no objects of them: SQLAlchemy's ORM takes 0.3 s to import and to map
    them (docs/decisions/tables-without-orm.md). A class stands for its table in statements, an attribute of it is the
    table's column. Constraint names are fixed so that migrations can name them.
    """

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMING)
    __tablename__: ClassVar[str]
    __table_args__: ClassVar[tuple[SchemaItem | dict[str, Any], ...]] = ()
    __table__: ClassVar[Table]

    def __init_subclass__(cls) -> None:
        """Make the table and put its columns in the place of what was said of them."""
        options = {key: value for item in cls.__table_args__ if isinstance(item, dict) for key, value in item.items()}
        items = [item for item in cls.__table_args__ if not isinstance(item, dict)]
        cls.__table__ = Table(cls.__tablename__, cls.metadata, *_columns_of(cls), *items, **options)
        for column in cls.__table__.columns:
            setattr(cls, column.name, column)

    @classmethod
    def __clause_element__(cls) -> Table:
        """Give the table: SQLAlchemy asks for it where a class stands in a statement."""
        return cls.__table__


def _columns_of(model: type[Base]) -> Iterator[Column[Any]]:
    """Make the columns of a class, then those of its mixins, in the order in which they stand there."""
    for owner in model.__mro__:
        annotations: dict[str, Any] = get_annotations(owner)
        for name, annotation in annotations.items():
            if get_origin(annotation) is Stored:
                said: Stored[Any] = vars(owner).get(name) or Stored()
                yield said.column(name, get_args(annotation)[0])
