"""Experimenters, groups, memberships and other names for them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models.base import Base, BigId

SOURCES = "source IN ('file', 'hand', 'system')"


class Experimenter(Base):
    """A person. Names are never used again, so a closed experimenter keeps the row."""

    __tablename__ = "experimenter"
    __table_args__ = (CheckConstraint(SOURCES, name="source"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(255), unique=True)
    full_name: Mapped[str | None]
    email: Mapped[str | None]
    is_administrator: Mapped[bool] = mapped_column(default=False)
    #: Who says so, 'file' or 'hand'; what the file gave goes when it leaves the file.
    administrator_source: Mapped[str | None] = mapped_column(String(8), default=None)
    #: False for someone made by ``people.unknown: create``: data may belong to them, they can't act.
    has_login: Mapped[bool] = mapped_column(default=True)
    default_group_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("experimenter_group.id"), default=None)
    source: Mapped[str] = mapped_column(String(8), default="hand")
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None] = mapped_column(default=None)


class ExperimenterAlias(Base):
    """Another spelling under which a person is found in paths; unique among people."""

    __tablename__ = "experimenter_alias"

    alias: Mapped[str] = mapped_column(String(255), primary_key=True)
    experimenter_id: Mapped[int] = mapped_column(BigId, ForeignKey("experimenter.id", ondelete="CASCADE"))
    source: Mapped[str] = mapped_column(String(8), default="hand")


class ExperimenterGroup(Base):
    """A group; its permission level decides what members may see and do with each other's data."""

    __tablename__ = "experimenter_group"
    __table_args__ = (
        CheckConstraint("permissions IN ('private', 'read-only', 'read-annotate', 'read-write')", name="permissions"),
        CheckConstraint(SOURCES, name="source"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(255), unique=True)
    description: Mapped[str | None]
    permissions: Mapped[str] = mapped_column(String(16), default="read-annotate")
    source: Mapped[str] = mapped_column(String(8), default="hand")
    created_at: Mapped[datetime]


class GroupAlias(Base):
    """Another spelling under which a group is found in paths; unique among groups."""

    __tablename__ = "group_alias"

    alias: Mapped[str] = mapped_column(String(255), primary_key=True)
    group_id: Mapped[int] = mapped_column(BigId, ForeignKey("experimenter_group.id", ondelete="CASCADE"))
    source: Mapped[str] = mapped_column(String(8), default="hand")


class Membership(Base):
    """One source's word that a person is in a group; the person is a member while any source holds it."""

    __tablename__ = "membership"
    __table_args__ = (CheckConstraint(SOURCES, name="source"), Index("ix_membership_group_id", "group_id"))

    experimenter_id: Mapped[int] = mapped_column(BigId, ForeignKey("experimenter.id"), primary_key=True)
    group_id: Mapped[int] = mapped_column(BigId, ForeignKey("experimenter_group.id"), primary_key=True)
    source: Mapped[str] = mapped_column(String(8), primary_key=True)
    is_owner: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    until_at: Mapped[datetime | None] = mapped_column(default=None)


class Configuration(Base):
    """A version of the configuration that has been in force; rows and events point to it."""

    __tablename__ = "configuration"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    source_text: Mapped[str]
    in_force_at: Mapped[datetime]


class CatalogueIdentity(Base):
    """One row: the identity of this catalogue, so that a copy or a wrong database is noticed."""

    __tablename__ = "catalogue_identity"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, server_default=text("1"))
    uuid: Mapped[str] = mapped_column(String(36))
    created_at: Mapped[datetime]
