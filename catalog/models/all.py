"""Every table, imported so that the metadata is whole."""

from catalog.models import annotations, containers, images, ingest, people
from catalog.models.base import Base

__all__ = ["annotations", "containers", "images", "ingest", "metadata", "people"]

#: The metadata of the whole catalogue.
metadata = Base.metadata
