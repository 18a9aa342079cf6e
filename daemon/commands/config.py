"""``coverslip config``: the settings in force, and the reference of all keys."""

from dataclasses import dataclass

import click

from config.layouts import built_in_names, unknown_layout
from config.reference import page
from config.show import effective, layout
from daemon.context import Context, with_context
from daemon.options import group, subcommand
from daemon.output import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigDocument:
    """The settings in force as YAML that can be loaded again, and the file they come from; no secret is in it."""

    file: str
    version: str
    yaml: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceDocument:
    """The reference of all keys and of the rule language, in Markdown."""

    markdown: str


@group("config", examples=("coverslip config show", "coverslip config reference"))
def command() -> None:
    """Show the settings in force, or the reference of all keys."""


def show_settings(document: ConfigDocument, output: Output) -> None:
    """Print the settings, line by line."""
    for line in document.yaml.splitlines():
        output.line(line)


def show_reference(document: ReferenceDocument, output: Output) -> None:
    """Print the page, line by line."""
    for line in document.markdown.splitlines():
        output.line(line)


@subcommand(
    command,
    "show",
    examples=("coverslip config show", "coverslip config show --layout imagexpress", "coverslip config show --json"),
    answers=ConfigDocument,
)
@click.option("--layout", "name", metavar="NAME", help="Show the rules of this layout, built in or the file's own.")
@with_context
def show(context: Context, name: str | None) -> None:
    """Show all settings in force, defaults filled in, without secrets; or the rules of one layout.

    For administrators; built-in layouts are shown to everybody.
    """
    if name is not None and name in built_in_names() and name not in context.settings.layouts:
        text = layout(context.settings, name)
    else:
        context.refuse_unless_administrator()
        text = effective(context.settings) if name is None else _layout_text(context, name)
    settings = context.settings
    document = ConfigDocument(file=str(settings.file), version=settings.digest.hex()[:12], yaml=text)
    context.output.document(document, show_settings)


def _layout_text(context: Context, name: str) -> str:
    try:
        return layout(context.settings, name)
    except KeyError:
        message, hint = unknown_layout(name, context.settings)
        raise click.UsageError(f"{message} ({hint})") from None


@subcommand(command, "reference", examples=("coverslip config reference",), answers=ReferenceDocument)
@with_context
def reference(context: Context) -> None:
    """Print the reference of every key and of the rule language."""
    context.output.document(ReferenceDocument(markdown=page()), show_reference)
