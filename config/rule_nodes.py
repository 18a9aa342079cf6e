"""Checks of rules as they are written, before the schema: what YAML bent, keys that become equal, what comes later."""

from collections.abc import Iterator

from config.problems import Problem
from config.source import BACKSLASH_HINT, Mapping, Node, Scalar, Sequence, problem

#: Keys of a rule whose texts are templates or expressions.
_TEMPLATES = ("match", "regex", "where", "set", "tags", "key_values", "description")


def check_rule_nodes(root: Mapping) -> tuple[Problem, ...]:
    """Find all that is wrong with rules and can be seen in their nodes only."""
    found: list[Problem] = []
    for number, watch in enumerate(_mappings(root.get("watch")), 1):
        found += _of_rules(watch.get("rules"), f"watch.{number}.rules")
    layouts = root.get("layouts")
    for name, rules in layouts.entries if isinstance(layouts, Mapping) else ():
        found += _of_rules(rules, f"layouts.{name.text}")
        found += _not_in_layouts(rules, f"layouts.{name.text}")
    return tuple(found)


def _of_rules(rules: Node | None, path: str) -> Iterator[Problem]:
    for number, rule in enumerate(_mappings(rules), 1):
        where = f"{path}.{number}"
        yield from (*_bent(rule, where), *_same_channels(rule, where))


def _not_in_layouts(rules: Node, path: str) -> Iterator[Problem]:
    """Find what a layout's rule can't say, since it is put below another rule's match."""
    for number, rule in enumerate(_mappings(rules), 1):
        for name in ("layout", "regex"):
            key = rule.key(name)
            if key is not None:
                text = f"a layout's rule has no {name}: it is put below another rule's match"
                yield problem(key.place, text, "write it as a match", f"{path}.{number}.{name}")


def _bent(rule: Mapping, path: str) -> Iterator[Problem]:
    """Find templates in double quotes with a backslash: YAML reads the backslash before the rules do."""
    for name in _TEMPLATES:
        for scalar in _scalars(rule.get(name)):
            if scalar.is_bent:
                text = "in double quotes YAML changes the backslashes of this text"
                yield problem(scalar.place, text, BACKSLASH_HINT, f"{path}.{name}")


def _same_channels(rule: Mapping, path: str) -> Iterator[Problem]:
    """Find channels that are one number written in two ways: ``01`` and ``1``."""
    channels = rule.get("channels")
    if not isinstance(channels, Mapping):
        return
    first: dict[str, Scalar] = {}
    for key, _ in channels.entries:
        value = key.text.lstrip("0") or "0" if key.text.isdecimal() else key.text
        if value in first:
            there = first[value]
            text = f"this is the same channel as {there.text!r} in line {there.place.line}"
            yield problem(key.place, text, "a channel can stand only once; remove one", f"{path}.channels.{key.text}")
        first.setdefault(value, key)


def _mappings(node: Node | None) -> tuple[Mapping, ...]:
    items = node.items if isinstance(node, Sequence) else ()
    return tuple(item for item in items if isinstance(item, Mapping))


def _scalars(node: Node | None) -> list[Scalar]:
    match node:
        case Scalar():
            return [node]
        case Sequence():
            return [scalar for item in node.items for scalar in _scalars(item)]
        case Mapping():
            return [scalar for _, value in node.entries for scalar in _scalars(value)]
        case None:
            return []
