"""The commented example file, made from the schema: what can be set, with its default, and one rule to begin with."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from config.describing import Key, keys_of
from config.settings import (
    CatalogSettings,
    PeopleSettings,
    Settings,
    ThumbnailSettings,
    VerifySettings,
    WatchSettings,
)

WIDTH = 100
RULES_INDENT = "      "
FIRST_RULE = "{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}"
_HEAD = """\
# The configuration of Coverslip. Lines that begin with # say what could stand there: what is shown is the default,
# or an example. `coverslip check` says whether the file is right, `coverslip explain PATH` what it makes of a file.
# Durations are written 500ms 10s 15m 2h 1d, sizes 64MB 2GiB, templates in single quotes.
"""
_PEOPLE = """\
# Groups and people. What stands here is fixed by this file; what is left out is free for the command line.
groups:
#   smith-lab:
#     permissions: read-annotate
#     owners: [js2x]
#     members: [ab3c, cd4e]
#     aliases: [smith_lab, 'Smith Lab']
users:
#   ab3c: {name: Ada Byron, email: ada@example.org, default_group: smith-lab}
"""
_LOOKUPS = """\
# Tables for the | of templates: {person|folk} turns the folder name "Ada" into the login ab3c.
lookups:
#   folk: {Ada: ab3c, 'C. Darwin': cd4e}
#   wells: plate-map.csv
"""
_RULES = f"""\
    # Rules, tried in order; the first that matches a path below the root says what the file is and whose.
    rules:
      - match: '{FIRST_RULE}'
        examples:
          - path: smith-lab/ab3c/siRNA/day1/cells.ome.tif
            gives: {{group: smith-lab, owner: ab3c, project: siRNA, dataset: day1}}
      # - match: '**/*_thumb.{{ext}}'
      #   skip: true
"""


def example_file(
    roots: Sequence[Path | str] = (), *, state_dir: Path | None = None, rules: Mapping[str, str] | None = None
) -> str:
    """Write a configuration for these roots (one that does not exist, to be replaced, when there is none).

    ``rules`` are the items of a root's `rules:` as lines that are indented by `RULES_INDENT`, by the root; the others
    get one rule to begin with.
    """
    given = rules or {}
    parts = [_HEAD]
    parts.append("\n".join(_top(state_dir)))
    parts += [_section("catalog", CatalogSettings), _PEOPLE]
    parts += [_section("people", PeopleSettings), _LOOKUPS, _section("thumbnails", ThumbnailSettings)]
    parts.append(_section("verify", VerifySettings))
    watched = roots or ("/data/confocal",)
    entries = [_root(str(root), given.get(str(root)), is_first=number == 0) for number, root in enumerate(watched)]
    parts.append("watch:\n" + "\n".join(entries))
    return "\n".join(parts)


def quoted(text: str) -> str:
    """Write a text so that YAML reads the same text. Raises ValueError for what a file in UTF-8 can't hold."""
    text.encode("utf-8")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise ValueError("a configuration can't name a folder with control characters")
    return "'" + text.replace("'", "''") + "'"


def _top(state_dir: Path | None) -> Iterator[str]:
    keys = {key.name: key for key in keys_of(Settings)}
    yield from _comment(keys["state_dir"], "")
    yield f"state_dir: {quoted(str(state_dir))}" if state_dir else f"# state_dir: {keys['state_dir'].default}"
    yield from _comment(keys["workers"], "")
    yield "# workers: 2"
    yield "# Further files to be merged with this one, relative to it."
    yield "# include: [rules.d/*.yaml]"
    yield ""


def _section(name: str, model: type) -> str:
    lines = [f"{name}:"]
    for key in keys_of(model):
        lines += _comment(key, "  ")
        lines.append(f"  # {key.name}: {key.default or '[]'}")
    return "\n".join(lines) + "\n"


def _root(root: str, rules: str | None, *, is_first: bool) -> str:
    lines = [f"  - root: {quoted(root)}"]
    if is_first:
        samples = {"name": "confocal", "scan_every": "1h", "ignore": "['**/*.bak']"}
        samples |= {"seen_as": "{windows: 'Z:\\confocal'}", "default": "{owner: posix}"}
        for key in keys_of(WatchSettings):
            if key.name not in {"root", "rules"}:
                lines += _comment(key, "    ")
                lines.append(f"    # {key.name}: {samples.get(key.name, key.default)}")
    comment, _, first_rule = _RULES.partition("    rules:\n")
    said = f"{comment if is_first else ''}    rules:\n{rules or first_rule}"
    return "\n".join(lines) + "\n" + said


def _comment(key: Key, indent: str) -> list[str]:
    return textwrap.wrap(key.description, width=WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
