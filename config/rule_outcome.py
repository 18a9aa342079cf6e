"""What a configuration makes of a path, before people are asked: ignored, skipped, unmatched, held or matched."""

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from config.endings import EndingKind, ending_of, is_folder_image, why_not_read, without_ending
from config.path_text import nfc, path_text
from config.rule_values import NoRuleMatch, RuleMatch, RuleSkip
from config.rules import RootRules
from config.settings import ExampleSettings
from config.value_types import read_well


class OutcomeKind(StrEnum):
    """The possible outcomes; the first four are what an example's ``gives`` may say."""

    IGNORED = "ignored"
    SKIPPED = "skipped"
    UNMATCHED = "unmatched"
    HELD = "held"
    MATCHED = "matched"


class RuleOutcome(NamedTuple):
    """An outcome with its sentence; ``match`` where a rule matches (and the file may still be held)."""

    kind: OutcomeKind
    reason: str = ""
    rule: str | None = None
    match: RuleMatch | None = None


def outcome_of(rules: RootRules, path: bytes) -> RuleOutcome:
    """Decide what becomes of a path relative to the root, by the rules and its name alone."""
    pattern = rules.ignored(path)
    if pattern is not None:
        return RuleOutcome(kind=OutcomeKind.IGNORED, reason=f"ignored by the pattern '{pattern}'")
    folder, _, name = path.rpartition(b"/")
    inside = _folder_image_in(folder)
    if inside is not None:
        return RuleOutcome(kind=OutcomeKind.IGNORED, reason=f"part of '{path_text(inside)}', which is one image")
    unread = _why_unread(name)
    said = rules.match(path) if unread is None or rules.has_skips else None
    if isinstance(said, RuleSkip):
        reason = f"rule {said.rule} says skip"
        return RuleOutcome(kind=OutcomeKind.SKIPPED, reason=reason, rule=said.rule)
    if unread is not None:
        return RuleOutcome(kind=OutcomeKind.IGNORED, reason=unread)
    if isinstance(said, RuleMatch):
        if said.held:
            return RuleOutcome(kind=OutcomeKind.HELD, reason=said.held, rule=said.rule, match=said)
        return RuleOutcome(kind=OutcomeKind.MATCHED, rule=said.rule, match=said)
    reason = said.reason if isinstance(said, NoRuleMatch) else "no rule matches"
    return RuleOutcome(kind=OutcomeKind.UNMATCHED, reason=reason)


# Asked for every file of a folder.
@lru_cache(maxsize=256)
def _folder_image_in(path: bytes) -> bytes | None:
    """Find the folder on a path that is one image with all that lies in it."""
    return next((folder for folder in path.split(b"/") if is_folder_image(folder)), None)


def _why_unread(name: bytes) -> str | None:
    ending = ending_of(name)
    if ending is not None:
        return why_not_read(ending) if ending.kind is EndingKind.NOT_READ else None
    text = path_text(name)
    _, dot, tail = text.rpartition(".")
    return f"no reader knows '.{tail}' files" if dot and tail else "no reader knows files without an ending"


def example_problem(rules: RootRules, example: ExampleSettings, path: bytes) -> str | None:
    """Compare one path of an example with what the rules give; a sentence where they differ."""
    outcome = outcome_of(rules, path)
    shown = path_text(path)
    if isinstance(example.gives, str):
        return None if outcome.kind == example.gives else f"'{shown}' is {_said(outcome)}, not {example.gives}"
    if outcome.match is None:
        return f"'{shown}' is {_said(outcome)}"
    found = _all_values(outcome.match, rules, shown)
    wrong = [
        f"{name} is '{found[name]}', not '{wanted}'" if name in found else f"{name} is missing, not '{wanted}'"
        for name, wanted in example.gives.items()
        if name not in found or not _is_same(found[name], wanted)
    ]
    return f"'{shown}': {'; '.join(wrong)}" if wrong else None


def _said(outcome: RuleOutcome) -> str:
    return f"{outcome.kind.value} ({outcome.reason})" if outcome.reason else outcome.kind.value


def _is_same(found: str, wanted: str) -> bool:
    """Compare as people mean it: ``07`` is 7, ``B03`` is the well B3."""
    if found == nfc(wanted):
        return True
    if found.isdecimal() and wanted.isdecimal():
        return int(found) == int(wanted)
    return read_well(found) is not None and read_well(found) == read_well(wanted)


def _all_values(match: RuleMatch, rules: RootRules, path: str) -> dict[str, str]:
    """Give everything that ``gives`` may name: placeholders, targets, and what follows from them."""
    default = rules.watch.default
    values = {name: text for name, text in (("owner", default.owner), ("group", default.group)) if text}
    values |= dict(match.captures) | dict(match.targets)
    if "project" in match.targets:
        values.setdefault("dataset", match.targets["project"])
    if match.well is None:
        values.setdefault("image", without_ending(path.rpartition("/")[2]))
    return values
