"""Record which configuration is in force; rows and events point to its version."""

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from catalog.models.people import Configuration
from config.settings import Settings


def record_version(connection: Connection, settings: Settings, *, now: datetime) -> int:
    """Note that these settings are in force and give the id of their version; the same text has one id for ever."""
    found = connection.execute(select(Configuration.id).where(Configuration.digest == settings.digest)).scalar()
    if found is not None:
        connection.execute(update(Configuration).where(Configuration.id == found).values(in_force_at=now))
        return int(found)
    values = {"digest": settings.digest, "source_text": settings.source_text, "in_force_at": now}
    return int(connection.execute(insert(Configuration).returning(Configuration.id), values).scalar_one())


def version_id(connection: Connection, settings: Settings) -> int | None:
    """Give the id of these settings' version, or None when they were never in force."""
    return connection.execute(select(Configuration.id).where(Configuration.digest == settings.digest)).scalar()


def version_in_force(connection: Connection) -> int | None:
    """Give the id of the version that came into force last, or None when there was none."""
    query = select(Configuration.id).order_by(Configuration.in_force_at.desc(), Configuration.id.desc()).limit(1)
    return connection.execute(query).scalar()
