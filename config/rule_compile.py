"""One rule as written made ready: checked, compiled, and asked what it says about a path."""

import difflib
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from config.layout_use import Expansion
from config.problems import Problem
from config.rule_checks import target_problems, unknown_ending
from config.rule_values import DIMENSIONS, TARGETS
from config.settings import KeyValueTable, RuleSettings, SourceMark
from config.templates_compile import CompiledExpression, CompiledTemplate, compile_expression, compile_template
from config.templates_output import OutputContext, OutputTemplate, compile_output
from config.templates_parse import TemplateError
from config.text_places import place_in
from config.value_types import ValueType

#: What ``set`` may give beside the targets.
SETTABLE = (*TARGETS, "container_owner")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    """A checked rule. ``matchers`` are tried in order; ``sets`` and the others are outputs."""

    name: str
    #: What the rule as written is called: for one of a layout, the rule that uses the layout.
    written: str
    index: int
    settings: RuleSettings
    #: What makes it the same rule wherever it stands: files that it placed belong together (`rule_identity`).
    identity: str
    matchers: tuple[CompiledTemplate | CompiledExpression, ...]
    sets: Mapping[str, OutputTemplate]
    tags: tuple[OutputTemplate, ...]
    key_values: tuple[tuple[str, OutputTemplate], ...]
    description: OutputTemplate | None
    #: The name of a table beside the plate, for `key_values: {from: ...}`.
    table: OutputTemplate | None = None
    #: The name of the file that says that all is written, for `complete: {marker: ...}`.
    marker: OutputTemplate | None = None

    @property
    def gives_dimensions(self) -> bool:
        """Tell whether it may join several files into one image."""
        names = set(self.sets).union(*(matcher.names for matcher in self.matchers))
        return not names.isdisjoint(DIMENSIONS)

    @property
    def uses(self) -> frozenset[str]:
        """Give the names of all values of which it writes something: targets, tags, key-values and the rest."""
        others = (self.description, self.table, self.marker)
        written = (*self.sets.values(), *self.tags, *(output for _, output in self.key_values), *others)
        by = self.settings.key_values.by if isinstance(self.settings.key_values, KeyValueTable) else None
        names = (output.names for output in written if output is not None)
        return frozenset().union(*names, () if by is None else ("well", by))

    def may_be_its_marker(self, name: str) -> bool:
        """Tell whether a file of this name can be the rule's marker."""
        return self.marker is not None and name.endswith(self.marker.ending)

    def may_be_its_table(self, name: str) -> bool:
        """Tell whether a file of this name can be the rule's table."""
        return self.table is not None and name.endswith(self.table.ending)


def rule_identity(settings: RuleSettings) -> str:
    """Give what a rule is known by when others are put before it: what it takes, and what it makes of that.

    Not its number, nor the name that people gave it: two rules may have the same.
    """
    where, given = sorted(settings.where.items()), sorted(settings.set.items())
    content = repr((settings.match, settings.regex, where, given, settings.by))
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class RuleCompiler:
    """Compiles one rule; ``problems`` collects everything that is wrong with it."""

    def __init__(
        self,
        settings: RuleSettings,
        *,
        name: str,
        index: int,
        key: str,
        lookups: Mapping[str, Mapping[str, str]],
        expansion: Expansion | None = None,
    ) -> None:
        self._settings = settings if expansion is None else expansion.settings
        self._expansion = expansion
        self._written = settings.name or name
        self._name = self._written + (f"/{expansion.name}" if expansion else "")
        self._index = index
        self._key = key
        self._lookups = lookups
        self.problems: list[Problem] = []

    def has_sound_match(self) -> bool:
        """Tell whether the rule's match alone can be compiled, before a layout is put below it."""
        return bool(self._matchers()) and not self.problems

    def compile(self) -> CompiledRule | None:
        """Compile the rule; None when a problem keeps its matches from being used."""
        matchers = self._matchers()
        if not matchers:
            return None
        context = self._context(matchers)
        self._check_where(context.types)
        sets = self._sets(context)
        if not (self._expansion and self._settings.skip):
            self._check_targets(matchers)
        return CompiledRule(
            name=self._name,
            written=self._written,
            index=self._index,
            settings=self._settings,
            identity=rule_identity(self._settings),
            matchers=matchers,
            sets=sets,
            tags=self._outputs("tags", dict(enumerate(self._settings.tags)), context),
            key_values=self._key_values(context),
            description=self._description(context),
            table=self._table(context),
            marker=self._marker(context),
        )

    def _matchers(self) -> tuple[CompiledTemplate | CompiledExpression, ...]:
        rule = self._settings
        if rule.match and rule.regex is not None:
            self._problem("regex", "a rule has either match or regex, not both")
        elif rule.regex is not None:
            return self._expressions(rule.regex)
        elif not rule.match:
            self._problem("match", "a rule needs a match", "such as match: '{group}/{owner}/{image}.{ext}'")
        where = self._good_where()
        found = [self._template(source, number, where) for number, source in enumerate(rule.match)]
        return tuple(template for template in found if template is not None)

    def _match_key(self, number: int) -> str:
        own = self._expansion.origins[number][0] if self._expansion else number
        key = f"match.{own}"
        if key in self._settings.marks:
            return key
        return "layout" if self._expansion and "match" not in self._settings.marks else "match"

    def _template(self, source: str, number: int, where: Mapping[str, str]) -> CompiledTemplate | None:
        try:
            return compile_template(source, where)
        except TemplateError as error:
            own = self._expansion.origins[number][1] if self._expansion else len(source) + 1
            for problem in error.problems:
                if problem.offset < own:
                    self._problem(self._match_key(number), problem.message, problem.hint, offset=problem.offset)
                else:
                    self._problem("layout", f"with '{source}': {problem.message}", problem.hint)
            return None

    def _expressions(self, regex: str) -> tuple[CompiledExpression, ...]:
        for name in self._settings.where:
            self._problem(f"where.{name}", "a rule with a regex has no where", "write it into the regular expression")
        try:
            return (CompiledExpression(regex),)
        except ValueError as error:
            self._problem("regex", f"not a regular expression in RE2's syntax: {error}")
            return ()

    def _good_where(self) -> dict[str, str]:
        good = {}
        for name, expression in self._settings.where.items():
            try:
                compile_expression(f"(?:{expression})")
            except ValueError as error:
                self._problem(f"where.{name}", f"not an expression in RE2's syntax: {error}")
            else:
                good[name] = expression
        return good

    def _context(self, matchers: tuple[CompiledTemplate | CompiledExpression, ...]) -> OutputContext:
        types: dict[str, ValueType] = dict(self._expansion.known) if self._expansion else {}
        for matcher in reversed(matchers):
            types.update(matcher.names)
        always = frozenset.intersection(*(matcher.always for matcher in matchers))
        return OutputContext(types=types, always=always, lookups=self._lookups)

    def _check_where(self, types: Mapping[str, ValueType]) -> None:
        if self._settings.regex is not None:
            return
        for name, expression in self._good_where().items() if not self.problems else ():
            if name not in types:
                known = ", ".join(sorted(types)) or "nothing"
                self._problem(f"where.{name}", f"'{name}' is captured by no part of the match", f"it captures {known}")
                continue
            regex = compile_expression(f"(?i:{expression})")
            texts = types[name].texts
            if texts and not any(regex.fullmatch(text.encode("utf-8")) for text in texts):
                self._problem(f"where.{name}", f"this can never match: {', '.join(texts)} are all that '{name}' can be")

    def _sets(self, context: OutputContext) -> dict[str, OutputTemplate]:
        made: dict[str, OutputTemplate] = {}
        for name, source in self._settings.set.items():
            if name not in SETTABLE:
                near = difflib.get_close_matches(name, SETTABLE, 1)
                hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(SETTABLE)}"
                self._problem(f"set.{name}", f"'{name}' is not a target", hint)
                continue
            output = self._output(f"set.{name}", source, context)
            if output:
                made[name] = output
        return made

    def _check_targets(self, matchers: tuple[CompiledTemplate | CompiledExpression, ...]) -> None:
        sets = frozenset(self._settings.set)
        given = sets.union(*(matcher.names for matcher in matchers))
        self._check_on("on", self._settings.on, given)
        self._check_complete(given)
        if isinstance(self._settings.key_values, KeyValueTable):
            self._check_on("key_values.on", self._settings.key_values.goes_to(self._settings.said_on), given)
        for number, matcher in enumerate(matchers):
            key = "regex" if isinstance(matcher, CompiledExpression) else self._match_key(number)
            key = "layout" if self._expansion else key
            for message in target_problems(frozenset(matcher.names) | sets, matcher.always | sets):
                self._problem(key, f"with layout {self._settings.layout} it {message}" if self._expansion else message)
            ending = unknown_ending(matcher.template) if isinstance(matcher, CompiledTemplate) else None
            if ending and not self._settings.skip:
                self._problem(key, f"this can match no image: no reader knows '{ending}' files", offset=None)

    def _outputs(self, key: str, sources: Mapping[int, str], context: OutputContext) -> tuple[OutputTemplate, ...]:
        made = (self._output(f"{key}.{number}", source, context) for number, source in sources.items())
        return tuple(output for output in made if output)

    def _key_values(self, context: OutputContext) -> tuple[tuple[str, OutputTemplate], ...]:
        written = self._settings.key_values
        if isinstance(written, KeyValueTable):
            return ()
        made = ((key, self._output(f"key_values.{key}", source, context)) for key, source in (written or {}).items())
        return tuple((key, output) for key, output in made if output)

    def _table(self, context: OutputContext) -> OutputTemplate | None:
        written = self._settings.key_values
        if not isinstance(written, KeyValueTable):
            return None
        if "/" in written.table or not written.table.strip():
            hint = "it is looked for in the file's folder and in the folders above it"
            self._problem("key_values.from", f"'{written.table}' is not a file name", hint)
        known = {*context.types, *self._settings.set}
        by = ("row", "column") if written.by == "well" and "well" not in known else (written.by,)
        if not known.issuperset(by):
            hint = f"it gives {', '.join(sorted(known)) or 'nothing'}"
            self._problem("key_values.by", f"the rule gives no {written.by}, by which a line would be found", hint)
        return self._output("key_values.from", written.table, context)

    def _marker(self, context: OutputContext) -> OutputTemplate | None:
        written = self._settings.complete.marker if self._settings.complete else None
        if written is None:
            return None
        if "/" in written or not written.strip():
            hint = "it is looked for in the file's folder and upwards to that of its plate or dataset"
            self._problem("complete.marker", f"'{written}' is not a file name", hint)
            return None
        return self._output("complete.marker", written, context)

    def _check_complete(self, given: frozenset[str]) -> None:
        """Refuse what can never become whole: values of dimensions that no name tells, plates that are none."""
        complete = self._settings.complete
        if complete is None:
            return
        expect = complete.expect
        wanted = {} if expect is None else {name: getattr(expect, name) for name in DIMENSIONS}
        for name in (name for name, count in wanted.items() if count is not None and name not in given):
            self._problem("complete.expect", f"the rule gives no {name}, so it can never be whole by it")
        if expect is not None and expect.files is not None and any(wanted.values()):
            self._problem("complete.expect", "expects either a number of files or values of dimensions, not both")
        if complete.per == "plate" and "plate" not in given:
            self._problem("complete.per", "the rule gives no plate", "say per: image")
        if expect is None and complete.marker is None:
            for name in ("per", "on_stall"):
                if name in complete.model_fields_set and getattr(complete, name) in ("plate", "import"):
                    hint = "give a marker or what to expect"
                    self._problem(f"complete.{name}", "nothing says when it is whole, so this has no effect", hint)

    def _check_on(self, key: str, on: str, given: frozenset[str]) -> None:
        """Refuse annotations of what the rule never makes: they would silently go nowhere."""
        needs = {"dataset": {"project", "dataset"}, "plate": {"plate"}, "well": {"plate"}}.get(on)
        if needs is not None and not needs & given:
            self._problem(key, f"the rule files into no {on}, so nothing can go to it", "say on: image")

    def _description(self, context: OutputContext) -> OutputTemplate | None:
        source = self._settings.description
        return None if source is None else self._output("description", source, context)

    def _output(self, key: str, source: str, context: OutputContext) -> OutputTemplate | None:
        made: list[OutputTemplate] = []
        self._attempt(key, lambda: made.append(compile_output(source, context)))
        return made[0] if made else None

    def _attempt(self, key: str, make: Callable[[], None]) -> None:
        try:
            make()
        except TemplateError as error:
            for problem in error.problems:
                self._problem(key, problem.message, problem.hint, offset=problem.offset)

    def _problem(self, key: str, message: str, hint: str | None = None, *, offset: int | None = None) -> None:
        mark = self._mark(key)
        line, column = mark.line, mark.column
        if offset is not None:
            line, column = place_in(mark.written, offset, line, column)
        # People count lists from 1.
        shown = re.sub(r"^(match|tags)\.(\d+)$", lambda found: f"{found[1]}.{int(found[2]) + 1}", key)
        self.problems.append(
            Problem(file=mark.file, line=line, column=column, key=f"{self._key}.{shown}", message=message, hint=hint)
        )

    def _mark(self, key: str) -> SourceMark:
        marks = self._settings.marks
        while key not in marks and "." in key:
            key = key.rpartition(".")[0]
        return marks.get(key, self._settings.mark)
