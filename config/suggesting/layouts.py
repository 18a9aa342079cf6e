"""Which folders a built-in instrument layout takes, and which folder above them is the plate. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from config.layouts import built_in_names, built_in_title
from config.path_text import text_path
from config.rule_values import RuleMatch, RuleSkip
from config.rules import RootRules, layout_alone
from config.settings import Settings
from config.suggesting.proposal import first_of_each_kind
from config.suggesting.reading import elements_of
from config.suggesting.vocabulary import CONTAINER_WORDS, Role
from config.value_types import read_well

#: So many names of a folder are tried.
_TRIED = 24
#: A layout takes a folder when it takes this share of them.
_NEARLY_ALL = 0.9
#: Names that another program could have written, too: these layouts are taken at their word only by the surer rule.
_SURE_RULES = {"metamorph": "metamorph/wavelengths"}
#: Names that end with nothing but a well.
_BARE_WELLS = "imagexpress/images of one site"
_ROW_C = 2
_GUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
_DIGITS = re.compile("[0-9]")
_WORDS = re.compile("[A-Za-z0-9]+")
#: Folders of a well, of a kind of picture, of a place in a well: they are not called like plates.
_INSIDE = re.compile(
    r"well[ _-]?[0-9]{1,4}|phase|green|red|orange|nir|(?:slide|chamber|field)--.*|timepoint[ _-]?[0-9]+|"
    r"experiment(?:_.*)?",
    re.IGNORECASE,
)
_ROW = re.compile(r"(?<![A-Za-z])[A-P](?=0)")
#: Folders in front of a name that a layout takes at any depth.
_ANY_FOLDERS = "any folder/any folder/any folder/any folder/any folder/"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidOut:
    """Files that one layout takes. ``heads`` are the folders that its names begin below, each with its files; () is the
    folder itself that was looked at.

    ``is_deep``: the layout takes its names at any depth below the plate. ``has_wells``: its images lie on plates.
    """

    layout: str
    title: str
    heads: dict[tuple[str, ...], tuple[str, ...]]
    is_deep: bool
    has_wells: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """A layout to be tried: its rules as if they stood alone."""

    name: str
    rules: RootRules

    def takes(self, name: str) -> RuleMatch | RuleSkip | None:
        """Give the layout's word about a name below its plate; None when it has none."""
        said = self.rules.match(text_path(name))
        return said if isinstance(said, RuleMatch | RuleSkip) else None


def laid_out(paths: Iterable[str]) -> list[LaidOut]:
    """Find what built-in layouts take among images, folder by folder."""
    trials = _trials()
    by_folder: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path in paths:
        *folders, name = path.split("/")
        by_folder[tuple(folders)].append(name)
    found: dict[tuple[str, bool, bool], dict[tuple[str, ...], list[str]]] = {}
    known: dict[tuple[str, ...], _Said | None] = {}
    for folder, names in by_folder.items():
        tried = first_of_each_kind(names, _TRIED)
        alike = _alike(folder, tried)
        if alike not in known:
            known[alike] = _best(trials, folder, tried)
        said = known[alike]
        if said is None:
            continue
        head = said.head_of(folder, names[0])
        heads = found.setdefault((said.layout, said.is_deep, said.has_wells), defaultdict(list))
        heads[head] += ["/".join((*folder, name)) for name in names]
    return [
        LaidOut(
            layout=name,
            title=built_in_title(name).partition(":")[0],
            heads={head: tuple(files) for head, files in heads.items()},
            is_deep=is_deep,
            has_wells=has_wells,
        )
        for (name, is_deep, has_wells), heads in sorted(found.items())
    ]


@cache
def _trials() -> tuple[_Trial, ...]:
    settings = Settings(file=Path("suggestion"), source_text="", digest=b"\0" * 32)
    return tuple(_Trial(name=name, rules=layout_alone(name, settings)) for name in built_in_names())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """A layout that takes a folder's names; ``inside`` folders of it lie below the plate when it is not deep."""

    trial: _Trial
    inside: int
    is_deep: bool
    has_wells: bool

    @property
    def layout(self) -> str:
        """Give the layout's name."""
        return self.trial.name

    def head_of(self, folder: tuple[str, ...], name: str) -> tuple[str, ...]:
        """Give the plate's folder; ``name`` is that of a file in it."""
        if not self.is_deep:
            return folder[: len(folder) - self.inside]
        return _plate(folder[:-1] if folder and self._names_its_well(folder[-1], name) else folder)

    def _names_its_well(self, folder: str, name: str) -> bool:
        """Tell whether a folder is that of one well, which its files name again: `B2/B2_1_DAPI_1_001_.tif`."""
        said = self.trial.takes(f"{folder}/{name}")
        well = said.well if isinstance(said, RuleMatch) else None
        return well is not None and well in {read_well(word) for word in _WORDS.findall(folder)}


def _alike(folder: tuple[str, ...], names: Sequence[str]) -> tuple[str, ...]:
    """Give what is the same for folders that layouts take alike: numbers, row letters and plain words blotted out."""
    outer = tuple("x" if one.isalpha() and one.casefold() != "data" else _blotted(one) for one in folder)
    return (*outer, "/", *sorted({_blotted(name) for name in names}))


def _blotted(name: str) -> str:
    return _ROW.sub("A", _DIGITS.sub("0", _GUID.sub("G", name)))


def _best(trials: Sequence[_Trial], folder: tuple[str, ...], names: Sequence[str]) -> _Said | None:
    """Find the layout that takes a folder's names, from the outermost folder from which it does."""
    for trial in trials:
        for depth in range(len(folder) + 1):
            below = "".join(f"{one}/" for one in folder[depth:])
            said = [trial.takes(below + name) for name in names]
            if not _is_taken(trial, said):
                continue
            taken = next(name for name, one in zip(names, said, strict=True) if isinstance(one, RuleMatch))
            is_deep = trial.takes(_ANY_FOLDERS + below + taken) is not None
            has_wells = any(isinstance(one, RuleMatch) and one.well is not None for one in said)
            inside = len(folder) - depth
            return _Said(trial=trial, inside=inside, is_deep=is_deep, has_wells=has_wells)
    return None


def _is_taken(trial: _Trial, said: Sequence[RuleMatch | RuleSkip | None]) -> bool:
    matches = [one for one in said if isinstance(one, RuleMatch)]
    if all(_may_be_a_channel(one) for one in matches):
        return False
    sure = _SURE_RULES.get(trial.name)
    if sure is not None and not any(one.rule == sure for one in matches):
        return False
    return bool(matches) and sum(one is not None for one in said) >= _NEARLY_ALL * len(said)


def _may_be_a_channel(found: RuleMatch) -> bool:
    """Tell whether a well that ends a name is in row C: in no other row it would look like a channel, `embryo1_C01`."""
    is_bare = found.rule == _BARE_WELLS and "channel" not in found.targets
    return is_bare and found.well is not None and found.well[0] == _ROW_C


def _plate(folder: tuple[str, ...]) -> tuple[str, ...]:
    """Find the plate above a folder of its files: no folder called `Images`, none that names a well."""
    depth = len(folder)
    while depth > 0 and _is_inside(folder[depth - 1]):
        depth -= 1
    return folder[:depth]


def _is_inside(name: str) -> bool:
    """Tell whether a folder lies inside a plate: a general word, or a well, alone or among other things."""
    says_well = any(element.role in (Role.WELL, Role.WELL_NUMBER) for element in elements_of(name))
    is_known = name.casefold() in CONTAINER_WORDS or _INSIDE.fullmatch(name) is not None
    return is_known or (says_well and "--" in name)
