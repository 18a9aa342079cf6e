"""``coverslip init``: a commented configuration for some directories, and the catalogue."""

import os
from dataclasses import dataclass
from pathlib import Path

import click

from catalog.names import display
from config.example import RULES_INDENT
from config.loader import load
from config.settings import Settings
from config.suggesting.written import comment, percent, written_rules
from daemon.context import VARIABLE, Context, with_context
from daemon.errors import Failed, UnusableConfiguration
from daemon.options import command as coverslip_command
from daemon.output import Output
from daemon.service_files import closed_folder, install_commands, installed_program, systemd_folder
from daemon.setup import (
    SYSTEM_STATE,
    configuration_text,
    default_configuration,
    default_state,
    make_catalogue,
    write_configuration,
)
from daemon.suggesting import Suggestion, suggest_shortly
from daemon.values import ANY_PATH

#: So many unknown names are told.
_NAMED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class InitDocument:
    """Where things are now: the configuration file, the catalogue (without a password), the watched folders."""

    config: str
    catalog: str
    roots: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The settings of a new configuration, or of the one that was there, and what was proposed for new folders."""

    settings: Settings
    suggestions: tuple[Suggestion, ...] = ()


def prepared(target: Path, directories: tuple[Path, ...], state_dir: Path | None) -> Prepared:
    """Write the configuration for these directories; without any, use the one that is there already."""
    if target.exists() or target.is_symlink():
        if directories or state_dir is not None:
            raise Failed(f"there is a configuration at {target} already; edit that, or name a new one with --config")
        return Prepared(settings=load(target, environ=os.environ))
    if not directories:
        raise UnusableConfiguration("no folder to watch; name one: coverslip init /data/confocal")
    for directory in directories:
        if not directory.is_dir():
            raise UnusableConfiguration(f"{directory} is no folder; name the folders that microscopes write to")
    roots = [directory.resolve() for directory in directories]
    for root in roots:
        refuse_odd_name(root)
    state = (state_dir or default_state(target)).resolve()
    suggestions = tuple(suggest_shortly(root) for root in roots)
    rules = {str(found.root): rules_text(found) for found in suggestions if found.proposal.rules}
    settings = write_configuration(target, configuration_text(roots, state, rules))
    return Prepared(settings=settings, suggestions=suggestions)


def refuse_odd_name(root: Path) -> None:
    """Refuse a folder that a configuration, which is a text of UTF-8, can't name."""
    name = str(root)
    if display(os.fsencode(root)) != name or not name.isprintable():
        raise UnusableConfiguration(
            f"{display(os.fsencode(root))}: a configuration can't name a folder with control characters or bytes that"
            " are not UTF-8; rename it, or watch the folder above it"
        )


def rules_text(found: Suggestion) -> str:
    """Write proposed rules as they stand in a new configuration, with what they were made from above them."""
    proposal = found.proposal
    looked = "all there are" if found.sample.is_whole else "a sample"
    said = (
        f"Proposed from the names of {proposal.images} images in {found.sample.folders} folders ({looked}); they cover"
        f" {percent(proposal.covered, proposal.images)} of them. `coverslip suggest DIR` looks longer."
    )
    heading = "".join(f"{RULES_INDENT}{line}\n" for line in comment(said))
    return heading + written_rules(proposal, RULES_INDENT)


def tell_of_suggestions(output: Output, suggestions: tuple[Suggestion, ...]) -> None:
    """Say what the proposed rules cover, and who is named in folders and not known yet."""
    for found in suggestions:
        images, covered = found.proposal.images, found.proposal.covered
        if not images:
            output.message(f"{found.root}: no images yet, so its rule is only an example.")
            continue
        rules = len(found.proposal.rules)
        output.message(
            f"{found.root}: {rules} {'rule' if rules == 1 else 'rules'} proposed from {images} images, covering"
            f" {percent(covered, images)} of them."
        )
    for what, names in (
        ("groups", [name for found in suggestions for name in found.unknown_groups]),
        ("people", [name for found in suggestions for name in found.unknown_owners]),
    ):
        if names:
            shown = ", ".join(dict.fromkeys(names[:_NAMED])) + (" ..." if len(names) > _NAMED else "")
            output.message(f"Their folders name {what} that are not known yet: {shown}.")


def show(document: InitDocument, output: Output) -> None:
    """Print what was made, and the next steps."""
    output.line(f"configuration  {document.config}")
    output.line(f"catalogue      {document.catalog}")
    for root in document.roots:
        output.line(f"watched        {root}")


def tell_next_steps(output: Output, configuration: Path, state_dir: Path) -> None:
    """Say how to go on: look at the rules, try them, install the service."""
    output.message(f"Say in {configuration} how your folders are arranged, then try it:")
    output.message("  coverslip check && coverslip import")
    program, folder = installed_program(), systemd_folder()
    closed = closed_folder(program) or closed_folder(configuration)
    if closed is not None:
        output.message(
            f"As a service it runs under an account of its own, which can't pass {closed}:"
            " install it below /opt, with its configuration in /etc/coverslip, before you go on with these."
        )
    if folder is None:
        output.message("This installation lacks systemd's files; install the wheel to have them.")
        return
    if state_dir != SYSTEM_STATE:
        output.message(
            f"As a service it keeps its state in {SYSTEM_STATE}; set state_dir to that before you install it."
        )
    output.message("These three commands, as root, install the service:")
    for line in install_commands(program, configuration, folder):
        output.message(f"  {line}")


@coverslip_command(
    "init",
    examples=("coverslip init /data/confocal /data/screens", "coverslip -c lab.yaml init /data/confocal"),
    answers=InitDocument,
)
@click.argument("directories", nargs=-1, metavar="[DIR...]", type=ANY_PATH)
@click.option(
    "--state-dir",
    type=ANY_PATH,
    metavar="DIR",
    help="Where the catalogue goes; else /var/lib/coverslip for the system's configuration, or a folder beside yours.",
)
@with_context
def command(context: Context, directories: tuple[Path, ...], state_dir: Path | None) -> None:
    """Write a configuration for these folders and make the catalogue.

    Its rules are proposed from a short look at the names in the folders, as `suggest` does. Nothing is overwritten.
    Without a folder, the catalogue of the configuration that is there is made or brought up to date.
    """
    named = context.named_configuration or os.environ.get(VARIABLE)
    target = Path(named) if named else default_configuration()
    made = prepared(target, directories, state_dir)
    settings = made.settings
    make_catalogue(settings, now=context.now())
    document = InitDocument(
        config=str(target.absolute()),
        catalog=str(settings.state_dir / settings.catalog.url.removeprefix("sqlite:///"))
        if settings.catalog.url.startswith("sqlite:")
        else settings.catalog.url,
        roots=tuple(str(watch.root) for watch in settings.watch),
    )
    context.output.document(document, show)
    tell_of_suggestions(context.output, made.suggestions)
    tell_next_steps(context.output, target.absolute(), settings.state_dir)
