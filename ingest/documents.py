"""Writes a placement with its ownership as the document that a fileset keeps (read by `catalog.filings`). Pure."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from catalog.models.base import WrittenDocument
from catalog.read_documents import LAST_KEY
from ingest.origin import origin_keys
from ingest.placement import MOST_LIKENESSES, Ownership, Placement
from ingest.plain import as_dict, plain


def placement_document(placement: Placement, ownership: Ownership) -> dict[str, Any]:
    """Give the document; as JSON gives it back: lists for tuples, so that two can be compared.

    Of dimensions it keeps which were captured: their values are each file's own.
    """
    document: dict[str, Any] = {name: plain(value) for name, value in placement._asdict().items()}
    target = placement.target
    document["target"]["well"] = list(target.well) if target.well is not None else None
    document["tags"] = list(placement.tags)
    document["key_values"] = [list(pair) for pair in placement.key_values]
    # What most files don't have is left out: there are millions of these documents.
    document["dimensions"] = sorted(placement.dimensions)
    document["channels"] = [as_dict(channel) for channel in placement.channels]
    for name in ("dimensions", "channels", "complete", "folder"):
        if not document[name]:
            del document[name]
    del document["rule_identity"], document["likeness"]
    if target.tile is None:
        del document["target"]["tile"]
    document["ownership"] = as_dict(ownership)
    document["containers"] = _containers(placement, ownership)
    return document


class Documents:
    """The documents of one batch: of files that were placed alike they differ in the image's name only."""

    def __init__(self) -> None:
        self._known: dict[object, tuple[Ownership, dict[str, Any], str]] = {}

    def of(self, placement: Placement, ownership: Ownership) -> Mapping[str, Any]:
        """Give the document of a placement, its JSON written already where it is like another's."""
        if placement.likeness is None:
            return placement_document(placement, ownership)
        known = self._known.get(placement.likeness)
        if known is None or known[0] is not ownership:
            document = placement_document(placement, ownership)
            del document[LAST_KEY]
            if len(self._known) >= MOST_LIKENESSES:
                self._known.clear()
            known = ownership, document, json.dumps(document)[:-1] + f', "{LAST_KEY}": '
            self._known[placement.likeness] = known
        _, document, text = known
        made = WrittenDocument(document, image=placement.image)
        made.text = text + json.dumps(placement.image) + "}"
        return made


def copy_document(settle: timedelta) -> dict[str, Any]:
    """Give the document of a file below a storage root: there is nothing to place, only something to look up."""
    return {"is_copy": True, "settle_s": settle.total_seconds()}


def is_copy(document: Mapping[str, Any]) -> bool:
    """Tell whether a fileset is a file below a storage root."""
    return bool(document.get("is_copy"))


def _containers(placement: Placement, ownership: Ownership) -> list[dict[str, str]]:
    target = placement.target
    keys = origin_keys(target, ownership.group_id, ownership.container_owner_id)
    chain: tuple[tuple[str, str | None, bytes | None], ...] = (
        ("project", target.project, keys.project),
        ("dataset", target.dataset, keys.dataset),
        ("screen", target.screen, keys.screen),
        ("plate", target.plate, keys.plate),
    )
    return [
        {"kind": kind, "name": name, "origin_key": key.hex()}
        for kind, name, key in chain
        if name is not None and key is not None
    ]
