"""`layout:` expanded: a rule's match and everything else it says, put together with each rule of the layout. Pure."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from config.rule_values import DIMENSIONS
from config.settings import CompleteSettings, RuleSettings
from config.templates_parse import TemplateError, parse
from config.value_types import TEXT, ValueType

#: What a layout's rule may say and the rule that uses the layout may say otherwise.
_RULE_WINS = (
    "key_values", "on", "description", "owner", "by", "channels", "complete", "associated_images", "projection",
    "crosscheck",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """One rule of a layout below a rule's match, as if it had been written out.

    ``origins`` says of each match which of the rule's own matches it begins with, and the length of that in
    characters. ``known`` are the types of all that the layout's rules capture: a text that says ``[{z}]`` is right also
    for the one that captures no z.
    """

    name: str
    settings: RuleSettings
    origins: tuple[tuple[int, int], ...]
    known: Mapping[str, ValueType]


def expand(rule: RuleSettings, inner: tuple[RuleSettings, ...]) -> tuple[Expansion, ...]:
    """Write a rule with a layout out, in the order of the layout's rules."""
    templates = [_combined(rule, one) for one in inner]
    types = [captured_types(tuple(template for template, _ in combined)) for combined in templates]
    known = {name: value_type for captured in types for name, value_type in captured.items()}
    return tuple(
        Expansion(
            name=f"{rule.layout}/{one.name or number}",
            settings=_merged(rule, one, tuple(template for template, _ in combined), frozenset(captured), known),
            origins=tuple(origin for _, origin in combined),
            known=known,
        )
        for number, (one, combined, captured) in enumerate(zip(inner, templates, types, strict=True), 1)
    )


def _combined(rule: RuleSettings, inner: RuleSettings) -> list[tuple[str, tuple[int, int]]]:
    """Put the layout's matches below the rule's own; without any they begin at the root, which is then the plate."""
    if not rule.match:
        return [(below, (0, 0)) for below in inner.match]
    return [
        (f"{own}/{below}", (number, len(own) + 1)) for number, own in enumerate(rule.match) for below in inner.match
    ]


def captured_types(templates: tuple[str, ...]) -> dict[str, ValueType]:
    """Give what these templates capture; what is wrong with one is said when it is compiled."""
    found: dict[str, ValueType] = {}
    for template in templates:
        try:
            found |= {part.name: part.type or TEXT for part in parse(template).placeholders() if part.name}
        except TemplateError:
            continue
    return found


def _default(key: str) -> object:
    return RuleSettings.model_fields[key].default


def _merged(
    rule: RuleSettings,
    inner: RuleSettings,
    match: tuple[str, ...],
    captured: frozenset[str],
    known: Mapping[str, ValueType],
) -> RuleSettings:
    """Let the rule's own words win over the layout's; what only another rule of the layout captures is left out."""
    where = {name: text for name, text in rule.where.items() if name in captured or name not in known}
    update: dict[str, object] = {"match": match, "where": inner.where | where}
    if rule.skip or inner.skip:
        nothing: dict[str, str] = {}
        return rule.model_copy(
            update=update
            | {"skip": True, "set": nothing, "tags": (), "key_values": None, "description": None, "complete": None}
        )
    update |= {"set": inner.set | rule.set, "tags": (*inner.tags, *rule.tags)}
    update |= {key: getattr(inner, key) for key in _RULE_WINS if getattr(rule, key) == _default(key)}
    merged = rule.model_copy(update=update)
    return merged.model_copy(update={"complete": _expecting(merged.complete, captured | merged.set.keys(), known)})


def _expecting(
    complete: CompleteSettings | None, given: Set[str], known: Mapping[str, ValueType]
) -> CompleteSettings | None:
    """Expect of each rule of the layout those dimensions that it gives: a projection has no z to wait for."""
    if complete is None or complete.expect is None:
        return complete
    not_here = {name: None for name in DIMENSIONS if name in known and name not in given}
    expect = complete.expect.model_copy(update=not_here)
    if any(value is not None for value in expect.model_dump().values()):
        return complete.model_copy(update={"expect": expect})
    if complete.marker is not None:
        return complete.model_copy(update={"expect": None})
    return CompleteSettings(settle=complete.settle)
