"""What every command has in common: the options accepted before and after its name, examples, lazy loading."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from daemon.start import collect_from_here
from daemon.values import ANY_PATH, WORDS

META = "coverslip."

#: The names of the options that every command has.
SHARED_NAMES = frozenset({"configuration", "as_json", "as_user", "debug"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Where a command lives, and its line in ``coverslip --help``, known without importing it."""

    target: str
    summary: str


def shared(context: click.Context, name: str, default: Any = None) -> Any:
    """Give the value of an option that is accepted before and after the command's name."""
    return context.meta.get(META + name, default)


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    # The option after the command's name is read later, and wins; one that is not given changes nothing.
    if value is not None and value is not False and parameter.name is not None:
        context.meta[META + parameter.name] = value


def _shared_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["-c", "--config", "configuration"],
            type=ANY_PATH,
            metavar="FILE",
            expose_value=False,
            callback=_keep,
            help="The configuration file; else $COVERSLIP_CONFIG, ./coverslip.yaml or /etc/coverslip/coverslip.yaml.",
        ),
        click.Option(
            ["--json", "as_json"],
            is_flag=True,
            expose_value=False,
            callback=_keep,
            help="Print one JSON document on standard output and nothing else there.",
        ),
        click.Option(
            ["--as", "as_user"],
            metavar="USER",
            expose_value=False,
            callback=_keep,
            help="Act as this user (administrators only).",
        ),
        click.Option(
            ["--debug"],
            is_flag=True,
            expose_value=False,
            callback=_keep,
            help="Show the traceback of an unexpected error.",
        ),
    ]


def _in_words(parameters: list[click.Parameter]) -> list[click.Parameter]:
    for parameter in parameters:
        if parameter.type is click.STRING:
            parameter.type = WORDS
    return parameters


class OutputClosed(Exception):  # noqa: N818 - reads as what happened
    """Whoever read standard output has gone (``| head``): the command ends in silence."""


class CoverslipCommand(click.Command):
    """A command with the shared options and examples.

    ``answers`` is the type of its JSON document (of each line, when ``is_stream``); None: it has no JSON. One that
    ``only_reads`` the catalogue, and nothing else of the configuration, works while that is wrong.
    """

    def __init__(
        self,
        *args: Any,
        examples: Sequence[str] = (),
        answers: object = None,
        is_stream: bool = False,
        only_reads: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)
        self.answers = answers
        self.is_stream = is_stream
        self.only_reads = only_reads
        self.params = _in_words(self.params + _shared_options())

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command: what it needs is imported."""
        collect_from_here()
        return super().invoke(ctx)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click names it
        """Write the examples below the options."""
        write_examples(self.examples, formatter)


class CoverslipGroup(click.Group):
    """A command that has commands of its own, such as ``user add``."""

    command_class = CoverslipCommand

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)
        self.params = _in_words(self.params + _shared_options())

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click names it
        """Write the examples below the commands."""
        write_examples(self.examples, formatter)


class LazyProgram(CoverslipGroup):
    """The program: its commands are imported when one is called, so that help and completion stay quick."""

    def __init__(self, *args: Any, registry: Mapping[str, Entry], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.registry = registry

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a closed pipe is told apart before click turns it into an error of its own."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise OutputClosed from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; of a mistyped name the nearest one is proposed."""
        near = [] if args[0] in self.registry else get_close_matches(args[0], self.registry, n=1)
        if near:
            ctx.fail(f"there is no command '{args[0]}'; did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click names it
        """Give the names of all commands, in the registry's order."""
        return list(self.registry)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click names it
        """Import and give a command, None when there is none of this name."""
        entry = self.registry.get(cmd_name)
        return None if entry is None else load(entry)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click names it
        """Write the list of commands from the registry, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self.registry.items()])


def load(entry: Entry) -> click.Command:
    """Import a command from its "module:attribute"."""
    module, _, attribute = entry.target.partition(":")
    command: click.Command = getattr(import_module(module), attribute)
    return command


def write_examples(examples: Sequence[str], formatter: click.HelpFormatter) -> None:
    """Write an Examples section, one line each, never re-wrapped."""
    if not examples:
        return
    with formatter.section("Examples" if len(examples) > 1 else "Example"):
        for example in examples:
            formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


def command(
    name: str, *, examples: Sequence[str], answers: object = None, is_stream: bool = False, only_reads: bool = False
) -> Callable[[Callable[..., Any]], CoverslipCommand]:
    """Make a function a command; its docstring's first sentence is the summary."""
    return click.command(
        name, cls=CoverslipCommand, examples=examples, answers=answers, is_stream=is_stream, only_reads=only_reads
    )


def group(name: str, *, examples: Sequence[str]) -> Callable[[Callable[..., Any]], CoverslipGroup]:
    """Make a function a group of commands."""
    return click.group(name, cls=CoverslipGroup, examples=examples)


def subcommand(
    parent: CoverslipGroup, name: str, *, examples: Sequence[str], answers: object = None, is_stream: bool = False
) -> Callable[[Callable[..., Any]], CoverslipCommand]:
    """Make a function a command of a group."""

    def add(function: Callable[..., Any]) -> CoverslipCommand:
        made = command(name, examples=examples, answers=answers, is_stream=is_stream)(function)
        parent.add_command(made)
        return made

    return add
