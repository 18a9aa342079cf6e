"""Tells which contents are known of a file that is gone: an equal file that turns up may be the one that moved."""

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, select

from catalog.models.images import OriginalFile
from catalog.models.ingest import Sighting

#: Up to so many files that are gone are asked what they hold, whatever else holds the same. Were the files asked that
#: hold it, a hundred thousand alike (dark frames, empty wells) would be read at each commit.
FEW_GONE = 1000

_GONE = (
    select(Sighting.original_file_id)
    .where(Sighting.missing_since.is_not(None), Sighting.original_file_id.is_not(None))
    .limit(FEW_GONE + 1)
)
_CONTENTS = select(OriginalFile.size_bytes, OriginalFile.fingerprint).where(
    OriginalFile.id.in_(bindparam("ids", expanding=True))
)
_GONE_OF_THESE = (
    select(OriginalFile.size_bytes, OriginalFile.fingerprint)
    .join(Sighting, Sighting.original_file_id == OriginalFile.id)
    .where(
        # Pairs in one IN would be looked for in the whole index; those that match crosswise are left out below.
        OriginalFile.size_bytes.in_(bindparam("sizes", expanding=True)),
        OriginalFile.fingerprint.in_(bindparam("fingerprints", expanding=True)),
        Sighting.missing_since.is_not(None),
    )
    .distinct()
)

#: Size in bytes and fingerprint.
Content = tuple[int, bytes]


def gone_among(connection: Connection, contents: Collection[Content]) -> set[Content]:
    """Give those of some contents that a known file holds, or held, that is gone from a path."""
    if not contents:
        return set()
    gone = connection.scalars(_GONE).all()
    if not gone:
        return set()
    if len(gone) <= FEW_GONE:
        rows = connection.execute(_CONTENTS, {"ids": gone})
    else:
        sizes, fingerprints = ({one[part] for one in contents} for part in (0, 1))
        asked = {"sizes": sorted(sizes), "fingerprints": sorted(fingerprints)}
        rows = connection.execute(_GONE_OF_THESE, asked)
    return {(row.size_bytes, bytes(row.fingerprint)) for row in rows} & set(contents)
