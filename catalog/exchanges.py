"""Files that exchange their names: none can be re-keyed to a name that another still holds, so all are parked first."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, select, update

from catalog.models.containers import WellSample
from catalog.models.images import Image
from catalog.models.ingest import Sighting
from catalog.moves import MoveCandidate

#: No name of a file begins so.
_PARKED = b"\0"


def placed_in_plates(connection: Connection, filesets: Sequence[int]) -> set[int]:
    """Give those filesets that have an image in a well: of two in one place, one would stay outside."""
    if not filesets:
        return set()
    query = select(Image.fileset_id).join(WellSample, WellSample.image_id == Image.id)
    return set(connection.scalars(query.where(Image.fileset_id.in_(filesets))))


def parked(connection: Connection, candidate: MoveCandidate) -> MoveCandidate:
    """Free the name of a file that is to be moved in the same transaction; gives it as it is found then."""
    name = _PARKED + candidate.name
    there = (Sighting.directory_id == candidate.directory_id, Sighting.name == candidate.name)
    connection.execute(update(Sighting).where(*there).values(name=name))
    return replace(candidate, name=name)
