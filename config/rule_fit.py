"""What a compiled rule says about a path: captures and ``set`` read as targets, tags and the rest written out."""

from collections.abc import Mapping
from dataclasses import replace

from config.rule_compile import CompiledRule
from config.rule_values import CONTAINERS, DIMENSIONS, TARGETS, RuleMatch, RuleSkip, TableLookup, Tried
from config.settings import KeyValueTable
from config.templates_compile import Captured, Fit, NoFit, PathView
from config.templates_explain import stop_of
from config.templates_output import OutputTemplate, as_text
from config.value_types import Value, read_number, read_position, read_well, well_name

_NUMBERS = ("field", "tile")
_MAYBE_NUMBERS = ("channel", "z", "t", *_NUMBERS)


class _NotRead(Exception):  # noqa: N818 - a way out, never seen outside
    """A target's text can't be read with the target's own type."""


class _Held(Exception):  # noqa: N818 - a way out, never seen outside
    """The rule matches, and the file is held for a reason."""


def fit_rule(rule: CompiledRule, view: PathView) -> RuleMatch | RuleSkip | NoFit | None:
    """Ask a rule about a path: its first match that fits; None where none does.

    A `NoFit` that is undecided must stop the search for a rule: nothing is known about this one.
    """
    for matcher in rule.matchers:
        outcome = matcher.fit(view)
        if isinstance(outcome, Fit):
            said = _say(rule, matcher.source, outcome.captures)
            if isinstance(said, RuleMatch | RuleSkip):
                return said
        elif outcome.is_undecided:
            return outcome
    return None


def try_rule(rule: CompiledRule, view: PathView) -> tuple[Tried, ...]:
    """Say how far each match of a rule comes with a path, up to the first that fits."""
    tried: list[Tried] = []
    for matcher in rule.matchers:
        outcome = matcher.fit(view)
        said = _say(rule, matcher.source, outcome.captures) if isinstance(outcome, Fit) else None
        if isinstance(said, RuleMatch | RuleSkip):
            message = "matches, to be skipped" if isinstance(said, RuleSkip) else said.held or "matches"
            tried.append(_tried(rule, matcher.source, message, is_match=True))
            break
        if said is not None:
            tried.append(_tried(rule, matcher.source, said))
            continue
        stop = stop_of(matcher, view)
        tried.append(
            replace(
                _tried(rule, matcher.source, stop.message),
                stopped_at=stop.part,
                template_offset=stop.template_offset,
                path_offset=stop.path_offset,
            )
        )
    return tuple(tried) if rule.settings.layout is None else _furthest(tried)


def _furthest(tried: list[Tried]) -> tuple[Tried, ...]:
    """Leave, of the many spellings of a layout's rule, the one that fits or came furthest."""
    best = max(tried, key=lambda one: (one.is_match, one.stopped_at is None, one.path_offset or 0))
    return (best,)


def _tried(rule: CompiledRule, template: str, message: str, *, is_match: bool = False) -> Tried:
    return Tried(
        rule=rule.name,
        template=template,
        is_match=is_match,
        stopped_at=None,
        template_offset=None,
        path_offset=None,
        message=message,
    )


def _say(rule: CompiledRule, template: str, captures: Mapping[str, Captured]) -> RuleMatch | RuleSkip | str:
    """Give the rule's word, or the sentence why a value that it gives can't be."""
    if rule.settings.skip:
        return RuleSkip(rule=rule.name, index=rule.index, template=template)
    plain = RuleMatch(
        rule=rule.name,
        index=rule.index,
        template=template,
        settings=rule.settings,
        captures={name: captured.text for name, captured in captures.items()},
        targets={},
        identity=rule.identity,
    )
    try:
        return _filled(plain, rule, captures)
    except _NotRead as problem:
        return str(problem)
    except _Held as reason:
        return plain._replace(held=str(reason))


def _filled(plain: RuleMatch, rule: CompiledRule, captures: Mapping[str, Captured]) -> RuleMatch:
    given = {name: text for name, output in rule.sets.items() if (text := _write(output, captures))}
    container_owner = given.pop("container_owner", None)
    values = dict(captures) | {name: _read_set(name, text) for name, text in given.items()}
    well = _well(values)
    numbers = {name: _number(name, values[name]) for name in _NUMBERS if name in values}
    if well is not None and "plate" not in values:
        raise _Held("the rule gives a well but no plate for this path")
    return plain._replace(
        targets=_targets(values, well),
        sources={name: _source(name, values[name], given) for name in ("owner", "group") if name in values},
        well=well,
        field=numbers.get("field"),
        container_owner=container_owner,
        tags=tuple(dict.fromkeys(text.strip() for output in rule.tags if (text := _write(output, values)).strip())),
        key_values=tuple((key, text) for key, output in rule.key_values if (text := _write(output, values))),
        table=_table(rule, values, well),
        description=_write(rule.description, values) or None if rule.description else None,
        spread=_spread(rule, captures),
        container_depth=_container_depth(rule, captures),
        marker=_write(rule.marker, values) or None if rule.marker else None,
    )


def _spread(rule: CompiledRule, captures: Mapping[str, Captured]) -> frozenset[int]:
    """Give the folders that hold what a dimension is made of: a capture, or what ``set`` writes it from."""
    found = (_holders(rule, name, captures) for name in DIMENSIONS)
    return frozenset(number for holders in found for held in holders if held.is_folder for number in held.components)


def _container_depth(rule: CompiledRule, captures: Mapping[str, Captured]) -> int:
    """Count the folders down to the deepest that names a container."""
    holders = (held for name in CONTAINERS for held in _holders(rule, name, captures))
    return max((held.components[-1] + 1 for held in holders if held.is_folder), default=0)


def _holders(rule: CompiledRule, name: str, captures: Mapping[str, Captured]) -> list[Captured]:
    names = rule.sets[name].names if name in rule.sets else (name,)
    return [captures[one] for one in names if one in captures]


def _table(rule: CompiledRule, values: Mapping[str, Captured], well: tuple[int, int] | None) -> TableLookup | None:
    """Give what to look up in the table; None where the path has no value to find a line by."""
    written = rule.settings.key_values
    if rule.table is None or not isinstance(written, KeyValueTable):
        return None
    found = values.get(written.by)
    value = well_name(well) if written.by == "well" and well is not None else as_text(found) if found else None
    name = _write(rule.table, values)
    on = written.goes_to(rule.settings.said_on)
    return None if value is None or not name else TableLookup(name=name, by=written.by, value=value, on=on)


def _write(output: OutputTemplate, values: Mapping[str, Captured]) -> str:
    rendered = output.render(values)
    if rendered.held:
        raise _Held(rendered.held)
    return rendered.text or ""


def _read_set(name: str, text: str) -> Captured:
    """Read what ``set`` gives with the target's own type."""
    readers = {"well": read_well, "row": read_position, "column": read_position}
    value: Value | None = readers[name](text) if name in readers else text
    if value is None:
        raise _NotRead(f"'{text}', given by set, can't be a {name}")
    return Captured(text=text, value=value, is_folder=False)


def _well(values: Mapping[str, Captured]) -> tuple[int, int] | None:
    if "well" in values:
        return _well_of(values["well"])
    if "row" in values and "column" in values:
        return _position("row", values["row"]), _position("column", values["column"])
    if "row" in values or "column" in values:
        raise _Held("the rule gives only one of row and column for this path")
    return None


def _well_of(captured: Captured) -> tuple[int, int]:
    well = captured.value if isinstance(captured.value, tuple) else read_well(captured.text)
    if well is None:
        raise _NotRead(f"'{captured.text}' can't be a well")
    return well


def _position(name: str, captured: Captured) -> int:
    position = captured.value if isinstance(captured.value, int) else read_position(captured.text)
    if position is None:
        raise _NotRead(f"'{captured.text}' can't be a {name}")
    return position


def _number(name: str, captured: Captured) -> int:
    number = read_number(captured.text)
    if number is None:
        raise _NotRead(f"'{captured.text}' can't be a {name}: it is a number")
    return number


def _targets(values: Mapping[str, Captured], well: tuple[int, int] | None) -> dict[str, str]:
    targets = {name: _target_text(name, values[name]) for name in TARGETS if name in values}
    targets = {name: text for name, text in targets.items() if text.strip()}
    return targets | ({"well": well_name(well)} if well is not None else {})


def _target_text(name: str, captured: Captured) -> str:
    number = read_number(captured.text) if name in _MAYBE_NUMBERS else None
    return as_text(captured) if number is None else str(number)


def _source(name: str, captured: Captured, given: Mapping[str, str]) -> str:
    if name in given:
        return "set"
    return f"folder '{captured.text}'" if captured.is_folder else f"file name '{captured.text}'"
