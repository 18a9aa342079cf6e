"""Names images apart that captured different dimensions: a projection beside its stack. Outside plates."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from catalog.models.images import Image
from catalog.models.ingest import Fileset


def missing_dimensions(own: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    """Give the dimensions that another has and an image does not, where it has fewer in all; else none."""
    if not set(own) < set(other):
        return ()
    return tuple(one for one in ("channel", "z", "t") if one in other and one not in own)


def without(name: str, missing: Sequence[str]) -> str:
    """Give "NAME without z"."""
    return f"{name} without {' and '.join(missing)}"


def name_beside_neighbours(connection: Connection, fileset_id: int, *, now: datetime) -> None:
    """Rename what captured fewer dimensions than its neighbour: the fileset's own images, or the neighbours'.

    A name that a person gave stays.
    """
    own = connection.execute(_FILESET.where(Fileset.id == fileset_id)).one()
    if own.neighbour is None:
        return
    query = _FILESET.where(
        Fileset.neighbour == own.neighbour, Fileset.id != fileset_id, Fileset.done_digest.is_not(None)
    )
    together = [own, *connection.execute(query).all()]
    for one in together:
        missing = max((missing_dimensions(_dimensions(one), _dimensions(other)) for other in together), key=len)
        if missing:
            _rename(connection, one, missing, now)


_FILESET = select(Fileset.id, Fileset.neighbour, Fileset.placement)


def _dimensions(row: Any) -> Sequence[str]:
    return tuple(row.placement.get("dimensions", ()))


def _rename(connection: Connection, row: Any, missing: Sequence[str], now: datetime) -> None:
    base = row.placement["image"]
    images = connection.execute(
        select(Image.id, Image.name).where(Image.fileset_id == row.id, Image.named_by == "rule")
    ).all()
    for image in images:
        # "NAME [series]" keeps its series; what is named so already stays.
        series = image.name.removeprefix(base).removeprefix(without("", missing))
        wanted = without(base, missing) + series
        if image.name.startswith(base) and image.name != wanted:
            connection.execute(update(Image).where(Image.id == image.id).values(name=wanted, updated_at=now))
