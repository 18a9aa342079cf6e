"""Every table, imported so that the metadata is whole, and with what only CREATE needs."""

from catalog.models import annotations, containers, held_sets, images, ingest, people
from catalog.models.base import Base, tell_dialects

__all__ = ["annotations", "containers", "held_sets", "images", "ingest", "metadata", "people"]

#: The metadata of the whole catalogue.
metadata = Base.metadata

for _table in metadata.tables.values():
    tell_dialects(_table)
