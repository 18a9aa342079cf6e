"""Writes a placement with its ownership as the document that a fileset keeps (read by `catalog.filings`). Pure."""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ingest.placement import Ownership, Placement

_IDS = struct.Struct("<qq")


def placement_document(placement: Placement, ownership: Ownership) -> dict[str, Any]:
    """Give the document; as JSON gives it back: lists for tuples, so that two can be compared."""
    document: dict[str, Any] = asdict(placement)
    target = placement.target
    document["target"]["well"] = list(target.well) if target.well is not None else None
    document["tags"] = list(placement.tags)
    document["key_values"] = [list(pair) for pair in placement.key_values]
    document["dimensions"] = dict(placement.dimensions)
    document["ownership"] = asdict(ownership)
    document["containers"] = _containers(placement, ownership)
    return document


def _containers(placement: Placement, ownership: Ownership) -> list[dict[str, str]]:
    target = placement.target
    chain = (("project", target.project), ("dataset", target.dataset))
    if target.screen is not None or target.plate is not None:
        chain = (("screen", target.screen), ("plate", target.plate))
    named = [(kind, name) for kind, name in chain if name is not None]
    return [
        {"kind": kind, "name": name, "origin_key": origin_key(ownership, named[: depth + 1]).hex()}
        for depth, (kind, name) in enumerate(named)
    ]


def origin_key(ownership: Ownership, path: Sequence[tuple[str, str]]) -> bytes:
    """Give the key under which a container is found again: group, container owner, kinds and names down to it."""
    hasher = hashlib.blake2b(_IDS.pack(ownership.group_id, ownership.container_owner_id), digest_size=16)
    for kind, name in path:
        text = name.encode("utf-8", "surrogatepass")
        hasher.update(f"{kind}:{len(text)}:".encode())
        hasher.update(text)
    return hasher.digest()
