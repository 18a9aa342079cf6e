"""Interns sentences that say why files are held, ignored or skipped: a million files with one reason keep it once."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from catalog.models.ingest import Reason, reason_hash
from catalog.upserts import insert_unless_there


def reason_ids(connection: Connection, sentences: Iterable[str]) -> dict[str, int]:
    """Give the ids of sentences, stored where they are new."""
    wanted = sorted(set(sentences))
    if not wanted:
        return {}
    known = _known_reasons(connection, wanted)
    new = [{"sentence": sentence} for sentence in wanted if sentence not in known]
    if new:
        connection.execute(insert_unless_there(connection, Reason), new)
        known = _known_reasons(connection, wanted)
    return known


def _known_reasons(connection: Connection, wanted: Sequence[str]) -> dict[str, int]:
    by_hash = {reason_hash(sentence): sentence for sentence in wanted}
    rows = connection.execute(select(Reason.sentence_hash, Reason.id).where(Reason.sentence_hash.in_(list(by_hash))))
    return {by_hash[bytes(row.sentence_hash)]: row.id for row in rows}
