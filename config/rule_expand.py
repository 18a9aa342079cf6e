"""From one rule as written to the compiled rules that it stands for: itself, or those of its layout."""

from config.layout_use import captured_types, expand
from config.layouts import layout_rules, unknown_layout
from config.problems import Problem, problem_at
from config.rule_compile import CompiledRule, RuleCompiler
from config.settings import RuleSettings, Settings, SourceMark

_ON_PLATES = frozenset({"screen", "run", "well", "row", "column"})


def compile_rule(
    rule: RuleSettings, settings: Settings, *, name: str, index: int, key: str
) -> tuple[list[CompiledRule], list[Problem]]:
    """Compile a rule; with a layout, each rule of the layout below its match."""
    plain = RuleCompiler(rule, name=name, index=index, key=key, lookups=settings.lookups)
    if rule.layout is None:
        made = plain.compile()
        return ([made] if made else []), plain.problems
    mark = rule.marks.get("layout", rule.mark)
    if rule.regex is not None:
        text = "a rule with a layout has a match, not a regex"
        return [], [problem_at(mark, f"{key}.layout", text, "write the regex as a match")]
    inner = layout_rules(rule.layout, settings.layouts)
    if inner is None:
        return [], [problem_at(mark, f"{key}.layout", *unknown_layout(rule.layout, settings))]
    if rule.match and not plain.has_sound_match():
        return [], plain.problems
    # Built-in layouts are known to be right.
    problems = compile_layout(rule.layout, settings)[1] if rule.layout in settings.layouts else []
    return ([], problems) if problems else _compile_expanded(rule, inner, settings, name=name, index=index, key=key)


def _compile_expanded(
    rule: RuleSettings, inner: tuple[RuleSettings, ...], settings: Settings, *, name: str, index: int, key: str
) -> tuple[list[CompiledRule], list[Problem]]:
    compiled: list[CompiledRule] = []
    for expansion in expand(rule, inner):
        compiler = RuleCompiler(rule, name=name, index=index, key=key, lookups=settings.lookups, expansion=expansion)
        made = compiler.compile()
        if compiler.problems:
            return [], compiler.problems  # what is wrong here is as a rule wrong in all of them
        compiled += [made] if made else []
    return compiled, []


def compile_layout(name: str, settings: Settings) -> tuple[list[CompiledRule], list[Problem]]:
    """Compile a layout's rules as they stand, their paths beginning where the match of a rule that uses it ends.

    Rules that give a well and leave the plate to the match above get a plate called ``plate``.
    """
    compiled: list[CompiledRule] = []
    problems: list[Problem] = []
    inner = layout_rules(name, settings.layouts) or ()
    if not inner:
        mark = settings.marks.get(f"layouts.{name}", SourceMark(file=str(settings.file), line=1, column=1))
        problems.append(problem_at(mark, f"layouts.{name}", "this layout has no rules", "give it at least one match"))
    for index, rule in enumerate(inner):
        made, found = _compile_alone(rule, settings, name=f"{name}/{rule.name or index + 1}", index=index, key=name)
        compiled += made
        problems += found
    return compiled, problems


def _compile_alone(
    rule: RuleSettings, settings: Settings, *, name: str, index: int, key: str
) -> tuple[list[CompiledRule], list[Problem]]:
    # A name of its own would stand alone: here the layout's comes before it.
    nameless = rule.model_copy(update={"name": None})
    where = f"layouts.{key}.{index + 1}"
    given = captured_types(rule.match).keys() | rule.set
    if "plate" not in given and given & _ON_PLATES:
        nameless = nameless.model_copy(update={"set": {"plate": "plate"} | rule.set})
    compiler = RuleCompiler(nameless, name=name, index=index, key=where, lookups=settings.lookups)
    made = compiler.compile()
    return ([made] if made else []), compiler.problems
