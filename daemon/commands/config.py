"""``coverslip config``: the settings in force, and the reference of all keys."""

from dataclasses import dataclass

from config.reference import page
from config.show import effective
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


@subcommand(command, "show", examples=("coverslip config show", "coverslip config show --json"), answers=ConfigDocument)
@with_context
def show(context: Context) -> None:
    """Show all settings in force, defaults filled in, without secrets.

    For administrators.
    """
    context.refuse_unless_administrator()
    settings = context.settings
    document = ConfigDocument(file=str(settings.file), version=settings.digest.hex()[:12], yaml=effective(settings))
    context.output.document(document, show_settings)


@subcommand(command, "reference", examples=("coverslip config reference",), answers=ReferenceDocument)
@with_context
def reference(context: Context) -> None:
    """Print the reference of every key and of the rule language."""
    context.output.document(ReferenceDocument(markdown=page()), show_reference)
