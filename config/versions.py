"""What the rule language has and this version does not do yet: said in a sentence, never accepted and ignored."""

from config.problems import Problem
from config.source import Mapping, Node, Sequence, problem

_RULE_KEYS = {
    "layout": "instrument layouts",
    "channels": "images of several files",
    "by": "images of several files",
}
_COMPLETE_KEYS = ("marker", "expect", "max_wait", "on_stall", "per")
_HINT = "remove the key; a later version of coverslip will do it"


def not_yet(root: Mapping) -> tuple[Problem, ...]:
    """Find the keys of RULES that belong to a later version, wherever they stand."""
    found: list[Problem] = []
    layouts = root.key("layouts")
    if layouts is not None:
        found.append(problem(layouts.place, "layouts are not done by this version of coverslip yet", _HINT, "layouts"))
    for number, watch in enumerate(_mappings(root.get("watch")), 1):
        for rule_number, rule in enumerate(_mappings(watch.get("rules")), 1):
            found += _in_rule(rule, f"watch.{number}.rules.{rule_number}")
    return tuple(found)


def _in_rule(rule: Mapping, path: str) -> list[Problem]:
    found = []
    for name, what in _RULE_KEYS.items():
        key = rule.key(name)
        if key is not None:
            text = f"{what} are not done by this version of coverslip yet"
            found.append(problem(key.place, text, _HINT, f"{path}.{name}"))
    complete = rule.get("complete")
    for name in _COMPLETE_KEYS if isinstance(complete, Mapping) else ():
        key = complete.key(name) if isinstance(complete, Mapping) else None
        if key is not None:
            text = "this version of coverslip waits only for complete.settle, not for this yet"
            found.append(problem(key.place, text, _HINT, f"{path}.complete.{name}"))
    return found


def _mappings(node: Node | None) -> tuple[Mapping, ...]:
    items = node.items if isinstance(node, Sequence) else ()
    return tuple(item for item in items if isinstance(item, Mapping))
