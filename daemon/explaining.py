"""What the rules make of a path: the placement, whose it is, and for every rule how far it comes. Reads one stat."""

import os
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from catalog.known_people import KnownPeople
from catalog.names import display, well_name
from config.rules import RootRules
from config.settings import PeopleSettings
from ingest.accounts import NOBODY
from ingest.ownership import Accounts, decide
from ingest.placement import NotPlaced, NotPlacedAs, Ownership, Placement, Target, place

MATCHED = "matched"


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedDocument:
    """How far one rule comes with one of its matches.

    ``match`` is the template (or regular expression), ``stopped_at`` the part of it where it stops: null when it
    matches, when the path goes on behind its end, and for a regular expression.
    """

    rule: str
    match: str
    matches: bool
    stopped_at: str | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainDocument:
    """What the rules make of one path, existing or not.

    ``outcome`` is matched, held, unmatched, skipped or ignored; ``placement`` what the deciding rule says (target,
    names, tags ...), ``owner`` and ``group`` who it would belong to, ``reason`` why, in a sentence.
    """

    path: str
    root: str
    outcome: str
    rule: str | None
    placement: Mapping[str, Any] | None
    owner: str | None
    group: str | None
    image: str | None
    reason: str
    tried: tuple[TriedDocument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explainer:
    """Explains paths by one configuration and the people that are known now."""

    people: KnownPeople
    accounts: Accounts
    policy: PeopleSettings

    def explain(self, rules: RootRules, relative: bytes) -> ExplainDocument:
        """Explain one path, raw bytes relative to the root of the rules."""
        shown = os.fsencode(rules.watch.root).rstrip(b"/") + b"/" + relative
        found = _look(shown)
        said = _odd_entry(found, relative) or place(rules, relative)
        placement = None if isinstance(said, NotPlaced) else said
        whose = said if isinstance(said, NotPlaced) else self._whose(said, found)
        owner, group = self._names(whose, placement)
        return ExplainDocument(
            path=display(shown),
            root=rules.name,
            outcome=whose.disposition.value if isinstance(whose, NotPlaced) else MATCHED,
            rule=said.rule,
            placement=None if placement is None else placement_document(placement),
            owner=owner,
            group=group,
            image=None if placement is None else placement.image,
            reason=_reason(whose),
            tried=tuple(
                TriedDocument(
                    rule=t.rule, match=t.template, matches=t.is_match, stopped_at=t.stopped_at, message=t.message
                )
                for t in rules.tried(relative)
            ),
        )

    def _whose(self, placement: Placement, found: os.stat_result | None) -> Ownership | NotPlaced:
        # A file that is not there yet has no owner: the uid that is nobody's then asks for none.
        uid, gid = (found.st_uid, found.st_gid) if found is not None else (NOBODY, NOBODY)
        return decide(placement, uid, gid, self.people, self.accounts, self.policy)

    def _names(self, whose: Ownership | NotPlaced, placement: Placement | None) -> tuple[str | None, str | None]:
        """Give owner and group: as decided, else as the rule says them."""
        if isinstance(whose, NotPlaced):
            return (None, None) if placement is None else (placement.owner, placement.group)
        owners = {person.id: person.name for person in self.people.people}
        groups = {group.id: group.name for group in self.people.groups}
        return whose.create_name or owners[whose.owner_id], groups[whose.group_id]


def _reason(whose: Ownership | NotPlaced) -> str:
    if isinstance(whose, NotPlaced):
        return whose.reason
    return whose.owner_by + (f"; {whose.warning}" if whose.warning else "")


def placement_document(placement: Placement) -> dict[str, Any]:
    """Give what a rule says about a path, without what it leaves out."""
    target = target_document(placement.target)
    more = {
        "container_owner": placement.container_owner,
        "tags": list(placement.tags) or None,
        "key_values": [list(pair) for pair in placement.key_values] or None,
        "table": None if placement.table is None else asdict(placement.table),
        "description": placement.description,
    }
    return target | {key: value for key, value in more.items() if value is not None}


def target_document(target: Target) -> dict[str, Any]:
    """Give where an image is filed; ``well`` as "B3"."""
    named = {
        "project": target.project,
        "dataset": target.dataset,
        "screen": target.screen,
        "plate": target.plate,
        "run": target.run,
        "well": None if target.well is None else well_name(*target.well),
        "field": target.field,
    }
    return {key: value for key, value in named.items() if value is not None}


def _look(path: bytes) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except (OSError, ValueError):
        return None


def uid_of(path: bytes) -> int:
    """Give the uid of what lies at a path; that of nobody where there is nothing."""
    found = _look(path)
    return NOBODY if found is None else found.st_uid


def _odd_entry(found: os.stat_result | None, relative: bytes) -> NotPlaced | None:
    """Say what is no plain file, whatever its name; folders that are one image keep their name's answer."""
    if found is None or stat.S_ISREG(found.st_mode):
        return None
    if stat.S_ISLNK(found.st_mode):
        return NotPlaced(disposition=NotPlacedAs.IGNORED, reason="symbolic link")
    if stat.S_ISDIR(found.st_mode):
        if relative.rpartition(b"/")[2].lower().endswith(b".zarr"):
            return None
        return NotPlaced(disposition=NotPlacedAs.IGNORED, reason="a folder; the files in it are explained one by one")
    return NotPlaced(disposition=NotPlacedAs.IGNORED, reason="no plain file")
