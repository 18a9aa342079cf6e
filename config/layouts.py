"""Instrument layouts: the rules that `layout: NAME` stands for, built in or from the file's own `layouts`.

A built-in layout is data in the rule language: a file in `config/layout_files`, which can be pasted into a
configuration as it is.
"""

import difflib
from collections.abc import Mapping
from importlib.resources import files

from pydantic import TypeAdapter

from config.settings import RuleSettings, Settings
from config.source import parse
from config.validation import as_data

_RULES = TypeAdapter(tuple[RuleSettings, ...])
_SUFFIX = ".yaml"


def built_in_names() -> tuple[str, ...]:
    """Give the names of all built-in layouts, sorted."""
    found = (entry.name for entry in files("config").joinpath("layout_files").iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)))


def built_in_text(name: str) -> str:
    """Give a built-in layout as a configuration would say it.

    Raises:
        KeyError: there is no built-in layout of this name.

    """
    if name not in built_in_names():
        raise KeyError(name)
    return files("config").joinpath("layout_files", name + _SUFFIX).read_text(encoding="utf-8")


def built_in_title(name: str) -> str:
    """Give the sentence that says which instrument a built-in layout is for: the comment that it begins with."""
    lines = built_in_text(name).split("\nlayouts:")[0].splitlines()
    return " ".join(line.removeprefix("#").strip() for line in lines if line.startswith("#"))


def built_in(name: str) -> tuple[RuleSettings, ...]:
    """Give the rules of a built-in layout, with their places in its file.

    Raises:
        KeyError: there is no built-in layout of this name.

    """
    root, _ = parse(built_in_text(name).encode("utf-8"), f"layout {name}")
    written = as_data(root)["layouts"][name]
    return _RULES.validate_python(written, by_alias=True, by_name=False)


def layout_rules(name: str, own: Mapping[str, tuple[RuleSettings, ...]]) -> tuple[RuleSettings, ...] | None:
    """Find the rules of a layout: the file's own come before built-in ones of the same name."""
    if name in own:
        return own[name]
    return built_in(name) if name in built_in_names() else None


def unknown_layout(name: str, settings: Settings) -> tuple[str, str]:
    """Say that there is no such layout, and which there are."""
    known = sorted({*settings.layouts, *built_in_names()})
    near = difflib.get_close_matches(name.casefold(), known, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return f"there is no layout {name!r}", hint
