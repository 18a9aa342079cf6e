"""Write ``docs/reference/cli.md`` from the commands themselves, or check that it is what they say.

Run as ``python -m daemon.reference [--check]`` in the checkout.
"""

import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click

from daemon.cli import program
from daemon.exits import Exit
from daemon.options import SHARED_NAMES, CoverslipCommand, CoverslipGroup, load
from daemon.shapes import documents_in, shape

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "cli.md"

_HEAD = """\
# The command line

This page is written by `make docs` from the commands themselves; edit those.

One program, `coverslip`. People get aligned tables, with colour on a terminal; with `--json` there is one JSON
document on standard output and nothing else there. Messages go to standard error. What comes from outside (names,
metadata) is escaped.

"""

_EXITS = {
    Exit.DONE: "done",
    Exit.REFUSED: "done, but something was refused or failed: the message says what",
    Exit.USAGE: "wrong usage, or an error in the configuration",
    Exit.NOT_FOUND: "not allowed or not found: the two look alike",
    Exit.ANOTHER_INSTANCE: "another instance is running",
    Exit.NO_CATALOGUE: "the catalogue is missing, newer or older than the program, or out of reach",
    Exit.INTERRUPTED: "stopped by Ctrl-C",
}

_TAIL = """\
## Times, sizes and names in JSON

Times are ISO 8601 in UTC (`2026-05-04T12:30:00Z`), sizes in bytes, lengths in um, wavelengths in nm, durations in s:
the field's name ends in the unit. Absent is `null`, never missing. A byte of a file name that is not UTF-8 is shown as
`\\xNN`, and commands take it back in that form. `[x]` is a list of x, `{…}` the document that stands around it.
"""


def page() -> str:
    """Give the whole page."""
    context = click.Context(program, info_name="coverslip")
    parts = [_HEAD, "## Options of every command\n\n", *_options(program, context, shared=True), "\n"]
    parts += ["## Exit codes\n\n| code | meaning |\n|---|---|\n"]
    parts += [f"| {code.value} | {meaning} |\n" for code, meaning in _EXITS.items()]
    parts += ["\n## Commands\n\n| command | does |\n|---|---|\n"]
    parts += [f"| [{name}](#coverslip-{name}) | {entry.summary} |\n" for name, entry in program.registry.items()]
    parts.append("\n")
    for name, entry in program.registry.items():
        parts += _command(name, load(entry), context)
    return "".join([*parts, _TAIL])


def _command(name: str, command: click.Command, parent: click.Context, level: int = 3) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    yield f"{'#' * level} {context.command_path}\n\n"
    yield cleandoc(command.help or "") + "\n\n"
    yield f"```\n{' '.join([context.command_path, *command.collect_usage_pieces(context)])}\n```\n\n"
    options = list(_options(command, context, shared=False))
    yield from [*options, "\n"] if options else []
    if isinstance(command, CoverslipCommand | CoverslipGroup):
        yield "```sh\n" + "".join(f"{example}\n" for example in command.examples) + "```\n\n"
    if isinstance(command, CoverslipCommand) and command.answers is not None:
        yield from _json(command)
    if isinstance(command, click.Group):
        for child, its_command in sorted(command.commands.items()):
            yield from _command(child, its_command, context, level + 1)


def _json(command: CoverslipCommand) -> Iterator[str]:
    kind = "JSON lines" if command.is_stream else "JSON"
    yield f"{kind}: `{shape(command.answers)}`\n\n"
    for document in documents_in(command.answers):
        yield f"- {' '.join((document.__doc__ or '').split())}\n"
    yield "\n"


def _options(command: click.Command, context: click.Context, *, shared: bool) -> Iterator[str]:
    rows = []
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option) and (parameter.name in SHARED_NAMES) == shared:
            record = parameter.get_help_record(context)
            if record is not None and "--help" not in parameter.opts:
                rows.append(f"| `{record[0].replace('|', chr(92) + '|')}` | {record[1]} |\n")
    if rows:
        yield "| option | does |\n|---|---|\n"
        yield from rows


def main(arguments: list[str]) -> int:
    """Write the page, or with --check say whether it is up to date; gives the exit code."""
    text = page()
    if "--check" not in arguments:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{PAGE} is not what the commands say; run `make docs`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
