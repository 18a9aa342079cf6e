"""Experimenters, groups, memberships and other names for them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, text

from catalog.models.base import Base, BigId, Stored

SOURCES = "source IN ('file', 'hand', 'system')"


class Experimenter(Base):
    """A person. Names are never used again, so a closed experimenter keeps the row."""

    __tablename__ = "experimenter"
    __table_args__ = (CheckConstraint(SOURCES, name="source"),)

    id: Stored[int] = Stored(BigId, primary_key=True)
    name: Stored[str] = Stored(String(255), unique=True)
    full_name: Stored[str | None]
    email: Stored[str | None]
    is_administrator: Stored[bool] = Stored(default=False)
    #: Who says so, 'file' or 'hand'; what the file gave goes when it leaves the file.
    administrator_source: Stored[str | None] = Stored(String(8), default=None)
    #: False for someone made by ``people.unknown: create``: data may belong to them, they can't act.
    has_login: Stored[bool] = Stored(default=True)
    default_group_id: Stored[int | None] = Stored(BigId, "experimenter_group.id", default=None)
    source: Stored[str] = Stored(String(8), default="hand")
    created_at: Stored[datetime]
    closed_at: Stored[datetime | None] = Stored(default=None)


class ExperimenterAlias(Base):
    """Another spelling under which a person is found in paths; unique among people."""

    __tablename__ = "experimenter_alias"

    alias: Stored[str] = Stored(String(255), primary_key=True)
    experimenter_id: Stored[int] = Stored(BigId, "experimenter.id", on_delete="CASCADE")
    source: Stored[str] = Stored(String(8), default="hand")


class ExperimenterGroup(Base):
    """A group; its permission level decides what members may see and do with each other's data."""

    __tablename__ = "experimenter_group"
    __table_args__ = (
        CheckConstraint("permissions IN ('private', 'read-only', 'read-annotate', 'read-write')", name="permissions"),
        CheckConstraint(SOURCES, name="source"),
    )

    id: Stored[int] = Stored(BigId, primary_key=True)
    name: Stored[str] = Stored(String(255), unique=True)
    description: Stored[str | None]
    permissions: Stored[str] = Stored(String(16), default="read-annotate")
    source: Stored[str] = Stored(String(8), default="hand")
    created_at: Stored[datetime]


class GroupAlias(Base):
    """Another spelling under which a group is found in paths; unique among groups."""

    __tablename__ = "group_alias"

    alias: Stored[str] = Stored(String(255), primary_key=True)
    group_id: Stored[int] = Stored(BigId, "experimenter_group.id", on_delete="CASCADE")
    source: Stored[str] = Stored(String(8), default="hand")


class Membership(Base):
    """One source's word that a person is in a group; the person is a member while any source holds it."""

    __tablename__ = "membership"
    __table_args__ = (CheckConstraint(SOURCES, name="source"), Index("ix_membership_group_id", "group_id"))

    experimenter_id: Stored[int] = Stored(BigId, "experimenter.id", primary_key=True)
    group_id: Stored[int] = Stored(BigId, "experimenter_group.id", primary_key=True)
    source: Stored[str] = Stored(String(8), primary_key=True)
    is_owner: Stored[bool] = Stored(default=False)
    created_at: Stored[datetime]
    until_at: Stored[datetime | None] = Stored(default=None)


class Configuration(Base):
    """A version of the configuration that has been in force; rows and events point to it."""

    __tablename__ = "configuration"

    id: Stored[int] = Stored(BigId, primary_key=True)
    digest: Stored[bytes] = Stored(LargeBinary(32), unique=True)
    source_text: Stored[str]
    in_force_at: Stored[datetime]


class CatalogueIdentity(Base):
    """One row: the identity of this catalogue, so that a copy or a wrong database is noticed."""

    __tablename__ = "catalogue_identity"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Stored[int] = Stored(BigId, primary_key=True, server_default=text("1"))
    uuid: Stored[str] = Stored(String(36))
    created_at: Stored[datetime]
