"""Which of many rules can take a path: each folder is asked about once, each name of all rules at a time.

Every template is cut at its last slash. One RE2 set of all parts for folders tells, once for each folder, which rules
can take a file in it; where these are more than a few, one set of all parts for names tells which of them can take a
name. The rules found are then asked in their order, as all would have been.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import re2

from config.pattern_split import cuts_of, without_slash
from config.patterns import to_re2
from config.rule_compile import CompiledRule
from config.templates_compile import CompiledTemplate, options

#: With so few rules it is as quick to ask them one by one.
FEW_RULES = 4
#: Folders that are remembered; beyond that all are forgotten, which costs time only.
_MOST_REMEMBERED = 4096
#: The memory that one set may use for its states, bytes.
_SET_BYTES = 32 << 20
_ANYTHING = "(?s:.*)"
Key = TypeVar("Key")


class ExpressionSet:
    """Expressions that are matched together. A set that runs out of memory says that all may match."""

    def __init__(self, expressions: Sequence[str], *, set_bytes: int = _SET_BYTES) -> None:
        self._all = tuple(range(len(expressions)))
        chosen = options()
        chosen.max_mem = set_bytes
        self._set: Any = re2.Set.FullMatchSet(chosen)
        try:
            for expression in (*expressions, _ANYTHING):
                self._set.Add(expression.encode("utf-8"))
            self._set.Compile()
        except re2.error:
            self._set = None

    def matching(self, text: bytes) -> Sequence[int]:
        """Give the numbers of the expressions that match the whole text, or may, in order."""
        found = None if self._set is None else self._set.Match(text)
        # RE2 tells nothing when its memory is used up; that the last one, which matches anything, is missing does.
        if not found or len(self._all) not in found:
            return self._all
        return sorted(number for number in found if number != len(self._all))


@dataclass(frozen=True, slots=True)
class _Cut:
    """A rule's part for names below folders that fit its part for folders (None: any folder)."""

    rule: int
    folder: str | None
    name: str


class _Folder:
    """The rules that can take a file of folders that fit the same parts: all of them, and by their names' parts."""

    def __init__(self, cuts: Sequence[_Cut], names: Mapping[str, int]) -> None:
        self.rules = tuple(sorted({cut.rule for cut in cuts}))
        self._by_name: dict[int, tuple[int, ...]] = {}
        for cut in sorted(cuts, key=lambda cut: cut.rule):
            known = self._by_name.get(names[cut.name], ())
            self._by_name[names[cut.name]] = known if cut.rule in known else (*known, cut.rule)

    def among(self, numbers: Sequence[int]) -> Sequence[int]:
        """Give the rules whose names' parts are among these, in order."""
        found = [rules for number in numbers if (rules := self._by_name.get(number))]
        return found[0] if len(found) == 1 else sorted({rule for rules in found for rule in rules})


class RuleIndex:
    """All rules of a root, made ready to be found. Its memory of folders is bounded and only saves time."""

    def __init__(self, rules: Sequence[CompiledRule]) -> None:
        cuts = [cut for number, rule in enumerate(rules) for cut in _cuts(number, rule)]
        top = [cut for number, rule in enumerate(rules) for cut in _top_cuts(number, rule)]
        below: dict[str, list[_Cut]] = {}
        for cut in cuts:
            if cut.folder is not None:
                below.setdefault(cut.folder, []).append(cut)
        self._anywhere = tuple(cut for cut in cuts if cut.folder is None)
        self._by_part = tuple(below.values())
        self._folders = ExpressionSet(tuple(below))
        self._names = {name: number for number, name in enumerate(dict.fromkeys(cut.name for cut in (*cuts, *top)))}
        self._name_set = ExpressionSet(tuple(self._names))
        self._top = _Folder(top, self._names)
        self._known: dict[bytes, _Folder] = {}
        self._alike: dict[tuple[int, ...], _Folder] = {}

    def rules_for(self, path: bytes) -> Sequence[int]:
        """Give the numbers of the rules that can take a path (its text, in UTF-8), in order."""
        folder, slash, name = path.rpartition(b"/")
        found = (self._known.get(folder) or self._remembered(folder)) if slash else self._top
        return found.rules if len(found.rules) <= FEW_RULES else found.among(self._name_set.matching(name))

    def _remembered(self, folder: bytes) -> _Folder:
        """Find the rules for a folder; folders that the same rules can take share them."""
        numbers = tuple(self._folders.matching(folder))
        found = self._alike.get(numbers)
        if found is None:
            cuts = [cut for number in numbers for cut in self._by_part[number]]
            found = _Folder([*cuts, *self._anywhere], self._names)
            _remember(self._alike, numbers, found)
        _remember(self._known, folder, found)
        return found


def _remember(memory: dict[Key, _Folder], key: Key, found: _Folder) -> None:
    if len(memory) >= _MOST_REMEMBERED:
        memory.clear()
    memory[key] = found


def _cuts(number: int, rule: CompiledRule) -> list[_Cut]:
    """Cut a rule's matches; what can't be cut may take any name in any folder."""
    found: list[_Cut] = []
    for matcher in rule.matchers:
        if not isinstance(matcher, CompiledTemplate):
            return [_Cut(number, None, _ANYTHING)]
        found += [_Cut(number, to_re2(folder, {}), to_re2(name, {})) for folder, name in cuts_of(matcher.pattern)]
    return found


def _top_cuts(number: int, rule: CompiledRule) -> list[_Cut]:
    """Give what a rule's matches take directly below the root."""
    found: list[_Cut] = []
    for matcher in rule.matchers:
        if not isinstance(matcher, CompiledTemplate):
            return [_Cut(number, None, _ANYTHING)]
        name = without_slash(matcher.pattern)
        found += [] if name is None else [_Cut(number, None, to_re2(name, {}))]
    return found
