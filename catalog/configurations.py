"""Record which configuration is in force; rows and events point to its version."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from catalog.models.people import Configuration
from config.settings import Settings


def record_version(connection: Connection, settings: Settings, *, now: datetime) -> int:
    """Note that these settings are in force and give the id of their version; the same text has one id for ever."""
    found = version_id(connection, settings)
    if found is None:
        return _insert(connection, settings, now)
    if found != version_in_force(connection):
        connection.execute(update(Configuration).where(Configuration.id == found).values(in_force_at=now))
    return found


def note_version(connection: Connection, settings: Settings, *, now: datetime) -> int:
    """Give the id of the settings' version, without putting it in force: a running daemon may work by another one."""
    found = version_id(connection, settings)
    if found is not None:
        return found
    newest = connection.scalar(select(Configuration.in_force_at).order_by(Configuration.in_force_at.desc()).limit(1))
    return _insert(connection, settings, now if newest is None else newest - timedelta(microseconds=1))


def _insert(connection: Connection, settings: Settings, in_force_at: datetime) -> int:
    values = {"digest": settings.digest, "source_text": settings.source_text, "in_force_at": in_force_at}
    return int(connection.execute(insert(Configuration).returning(Configuration.id), values).scalar_one())


def version_id(connection: Connection, settings: Settings) -> int | None:
    """Give the id of these settings' version, or None when they were never in force."""
    return connection.execute(select(Configuration.id).where(Configuration.digest == settings.digest)).scalar()


def version_in_force(connection: Connection) -> int | None:
    """Give the id of the version that came into force last, or None when there was none."""
    query = select(Configuration.id).order_by(Configuration.in_force_at.desc(), Configuration.id.desc()).limit(1)
    return connection.execute(query).scalar()
