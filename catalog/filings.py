"""The document of a placement as a fileset keeps it, and the filing that it stands for."""

from collections.abc import Mapping
from typing import Any

from catalog.looks import ContainerName, Filing
from catalog.read_documents import AlikeDocument


def filing_of(
    document: Mapping[str, Any],
    table_pairs: tuple[tuple[str, str], ...] = (),
    plate_size: tuple[int, int] | None = None,
) -> Filing:
    """Read a fileset's placement document (written by `ingest.documents`).

    ``table_pairs`` were read in a table beside it, ``plate_size`` in an instrument's index.
    """
    if not isinstance(document, AlikeDocument):
        return _filing(document)._replace(table_pairs=table_pairs, plate_size=plate_size)
    alike = document.alike
    if alike.known is None:
        alike.known = _filing(document)
    filing: Filing = alike.known
    return filing._replace(image=document["image"], table_pairs=table_pairs, plate_size=plate_size)


def _filing(document: Mapping[str, Any]) -> Filing:
    ownership = document["ownership"]
    target = document["target"]
    well = target["well"]
    return Filing(
        rule=document["rule"],
        image=document["image"],
        owner_id=ownership["owner_id"],
        group_id=ownership["group_id"],
        container_owner_id=ownership["container_owner_id"],
        owner_by=ownership["owner_by"],
        containers=tuple(
            ContainerName(kind=one["kind"], name=one["name"], origin_key=bytes.fromhex(one["origin_key"]))
            for one in document["containers"]
        ),
        run=target["run"],
        well=None if well is None else (well[0], well[1]),
        field=target["field"],
        tile=target.get("tile", 0),
        dimensions=tuple(document.get("dimensions", ())),
        description=document["description"],
        tags=tuple(document["tags"]),
        key_values=tuple((key, value) for key, value in document["key_values"]),
        annotate=document["annotate"],
        table_on=(document.get("table") or {}).get("on", "image"),
    )
