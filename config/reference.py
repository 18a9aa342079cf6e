"""Write ``docs/reference/configuration.md`` from the schema, or check that it is what the schema says.

Run as ``python -m config.reference [--check]`` in the checkout.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from config.describing import Key, keys_of, sections
from config.endings import ENDINGS, EndingKind
from config.ignoring import DEFAULT_PATTERNS
from config.layouts import built_in, built_in_names, built_in_title
from config.settings import KeyValueTable

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "configuration.md"

_HEAD = """\
# The configuration file

This page is written by `make docs` from the schema in the program; edit that. The rule language has a page of its
own: [rules](rules.md). `coverslip init DIR` writes a commented file to begin with, `coverslip check` says everything
that is wrong with one, `coverslip config show` prints what is in force with all defaults filled in.

## How it is read

- The file is YAML in UTF-8. Every problem is reported as `FILE:LINE:COLUMN: key: message (hint)`, all at once.
- Texts are taken as they are written: `0012` keeps its zeros, `no` is the text "no" where a text is expected, `12:30`
  is no number. There is no `null`: what shall not be set is left out. `NAME:` with nothing behind it declares a group
  or a user and leaves all else free.
- Durations are written `500ms 10s 15m 2h 1d`, sizes `500kB 64MB 2GiB` (`kB MB GB TB` are powers of 1000, `KiB MiB GiB
  TiB` of 1024), yes or no as `true false`, `yes no` or `on off`.
- **Templates belong in single quotes.** Without quotes YAML takes `{` and `[` for itself; in double quotes it
  takes `\\`, which is refused.
- A key can stand only once. Small anchors, aliases and merge keys (`<<`) work; tags (`!!str`) are refused, and so are
  files above 2 MB, more than 40 levels and more than 200,000 values, aliases counted as often as they are used.
- Relative paths begin at the folder of the file in which they stand.
- **What stands in the file is fixed by it**: the command line refuses to change that key and names file and line.
  What the file leaves out is free.
- The file decides whose data is whose. So it is refused when everybody may write it, a file it includes, a table
  or the folder of one; when a group may, `coverslip doctor` says so.
- Passwords never stand in it. The catalogue's comes from the environment variable `COVERSLIP_CATALOG_PASSWORD` or
  the systemd credential `catalog-password`.

## Several files

`include:` takes a file or a list of them; `*`, `?` and `[...]` name several (hidden files are never meant, the order
is that of the names). `groups`, `users` and `lookups` of all files are joined by their names. `watch` is joined by
roots: a file may add `rules` to a root of another file, which then come after that one's, and keys that the other
leaves out. Whatever two files say is an error that names both places, as is a file that includes itself.

## The last good configuration

A running daemon takes up a changed file only if it is right. The last one that was is kept in `state_dir`, with
everything it includes, so that the daemon also starts again while the file is broken. A root that does not exist
is an error of `coverslip check`; the daemon starts nevertheless and shows the root as unavailable.

Commands go by the last good one, too, and warn with file, line and column of what is wrong. Where none was kept
(no daemon ever ran), those that only read the catalogue (`tree`, `images`, `show`, `history`, `queue`, `status`) need
no more than its place: `state_dir`, and `catalog` if it is another one, written in the file itself and right.

"""


def page() -> str:
    """Give the whole page."""
    parts = [_HEAD]
    for where, model in sections():
        if model is not KeyValueTable and not where.startswith("layouts"):
            parts.append(_section(where, model.__doc__ or "", keys_of(model), is_top=not where))
    parts.append("\n".join(_layouts()))
    parts.append("\n".join(_endings()))
    parts.append("\n".join(_ignored()))
    return "\n".join(parts).rstrip() + "\n"


def _section(where: str, about: str, keys: tuple[Key, ...], *, is_top: bool) -> str:
    first = about.strip().splitlines()[0]
    lines = ["## Keys of the file" if is_top else f"## `{where}`", ""]
    lines += [] if is_top else [first, ""]
    lines += ["| key | takes | default | meaning |", "|---|---|---|---|"]
    lines += [_row(key) for key in keys]
    if is_top:
        lines.append("| `include` | list of: text | | Further files to be joined with this one. |")
    return "\n".join(lines) + "\n"


def _row(key: Key) -> str:
    default = "has to be given" if key.is_needed else f"`{key.default}`" if key.default else ""
    return f"| `{key.name}` | {_cell(key.kind)} | {default} | {_cell(key.description)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _layouts() -> Iterator[str]:
    yield "## Built-in layouts\n"
    yield "What `layout` can name. `coverslip config show --layout NAME` prints one, to be read or copied.\n"
    yield "| layout | instrument and names | rules |\n|---|---|---|"
    for name in built_in_names():
        rules = " ".join(f"`{rule.name}`" + (" (skipped)" if rule.skip else "") for rule in built_in(name))
        yield f"| `{name}` | {_cell(built_in_title(name))} | {rules} |"
    yield ""


def _endings() -> Iterator[str]:
    yield "## Endings\n"
    yield f"`{{ext}}` matches the endings that a reader knows: {_ending_list(EndingKind.READABLE)}.\n"
    yield (
        "Files of these endings describe an image of several files and are held: "
        + _ending_list(EndingKind.SET)
        + ".\n"
    )
    yield "Known, and `ignored` with the format's name, since this version has no reader for them:\n"
    formats: dict[str, list[str]] = {}
    for ending in ENDINGS.values():
        if ending.kind is EndingKind.NOT_READ:
            formats.setdefault(ending.format, []).append(f"`{ending.text}`")
    yield "| format | endings |\n|---|---|"
    yield from (f"| {name} | {' '.join(sorted(texts))} |" for name, texts in sorted(formats.items()))
    yield ""


def _ending_list(kind: EndingKind) -> str:
    return " ".join(f"`{ending.text}`" for ending in ENDINGS.values() if ending.kind is kind) or "none"


def _ignored() -> Iterator[str]:
    yield "## What is never looked at\n"
    yield "`ignore` adds to these patterns: " + " ".join(f"`{pattern}`" for pattern in DEFAULT_PATTERNS) + ".\n"


def main(arguments: list[str]) -> int:
    """Write the page, or with ``--check`` say whether it is up to date."""
    text = page()
    if "--check" in arguments:
        if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
            return 0
        sys.stderr.write(f"{PAGE} is not what the schema says: run `make docs`\n")
        return 1
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
