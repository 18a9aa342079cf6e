"""Origin keys: how the rules find a container again, whatever it is called by now."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from ingest.placement import Target

KEY_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginKeys:
    """The keys of the containers that a target names; None where it names none."""

    project: bytes | None = None
    dataset: bytes | None = None
    screen: bytes | None = None
    plate: bytes | None = None


# The files of a folder have the same containers.
@lru_cache(maxsize=1024)
def origin_key(group_id: int, container_owner_id: int, kind: str, *names: str) -> bytes:
    """Compute the key of (group, container owner, kind, names of its parents and its own as the rule gave them)."""
    fields = (str(group_id), str(container_owner_id), kind, *names)
    # Each field goes in with its length, so that ("ab", "c") and ("a", "bc") differ.
    data = b"".join(len(raw).to_bytes(8, "big") + raw for raw in (field.encode("utf-8") for field in fields))
    return hashlib.blake2b(data, digest_size=KEY_BYTES).digest()


def origin_keys(target: Target, group_id: int, container_owner_id: int) -> OriginKeys:
    """Compute the keys of all containers of a target."""

    def key(kind: str, *names: str | None) -> bytes | None:
        if names[-1] is None:
            return None
        given = (name for name in names if name is not None)
        return origin_key(group_id, container_owner_id, kind, *given)

    return OriginKeys(
        project=key("project", target.project),
        dataset=key("dataset", target.project, target.dataset),
        screen=key("screen", target.screen),
        plate=key("plate", target.screen, target.plate),
    )
