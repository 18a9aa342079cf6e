"""Finds containers whose names differ in upper and lower case only: most likely one was meant."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.placement import Target

#: So many different containers are compared.
CONTAINERS_AT_MOST = 100_000
_CHAINS = (("project",), ("project", "dataset"), ("screen",), ("screen", "plate"))


@dataclass(slots=True)
class AlikeNames:
    """Names of containers, by what they are without regard to case."""

    _names: dict[tuple[Any, ...], set[str]] = field(default_factory=dict)

    def see_target(self, target: Target, group_id: int, container_owner_id: int) -> None:
        """Take in the containers that a placement names."""
        names = {"project": target.project, "dataset": target.dataset, "screen": target.screen, "plate": target.plate}
        self._see(names, group_id, container_owner_id)

    def see(self, document: Mapping[str, Any]) -> None:
        """Take in the containers that a stored placement names."""
        names = {one["kind"]: one["name"] for one in document["containers"]}
        self._see(names, document["ownership"]["group_id"], document["ownership"]["container_owner_id"])

    def _see(self, names: Mapping[str, str | None], group_id: int, container_owner_id: int) -> None:
        for chain in _CHAINS:
            own = names.get(chain[-1])
            if own is None:
                continue
            folded = tuple((names.get(kind) or "").casefold() for kind in chain)
            key = (group_id, container_owner_id, chain[-1], *folded)
            known = self._names.get(key)
            if known is not None:
                known.add(own)
            elif len(self._names) < CONTAINERS_AT_MOST:
                self._names[key] = {own}

    def found(self) -> Iterator[tuple[str, int, tuple[str, ...]]]:
        """Give kind, group id and names of those that differ in case only."""
        for key, names in self._names.items():
            if len(names) > 1:
                yield key[2], key[0], tuple(sorted(names))
