"""``coverslip init``: a commented configuration for some directories, and the catalogue."""

import os
from dataclasses import dataclass
from pathlib import Path

import click

from catalog.names import display
from config.loader import load
from config.settings import Settings
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
from daemon.values import ANY_PATH


@dataclass(frozen=True, slots=True, kw_only=True)
class InitDocument:
    """Where things are now: the configuration file, the catalogue (without a password), the watched folders."""

    config: str
    catalog: str
    roots: tuple[str, ...]


def prepared(target: Path, directories: tuple[Path, ...], state_dir: Path | None) -> Settings:
    """Write the configuration for these directories; without any, use the one that is there already."""
    if target.exists() or target.is_symlink():
        if directories or state_dir is not None:
            raise Failed(f"there is a configuration at {target} already; edit that, or name a new one with --config")
        return load(target, environ=os.environ)
    if not directories:
        raise UnusableConfiguration("no folder to watch; name one: coverslip init /data/confocal")
    for directory in directories:
        if not directory.is_dir():
            raise UnusableConfiguration(f"{directory} is no folder; name the folders that microscopes write to")
    roots = [directory.resolve() for directory in directories]
    for root in roots:
        refuse_odd_name(root)
    state = (state_dir or default_state(target)).resolve()
    return write_configuration(target, configuration_text(roots, state))


def refuse_odd_name(root: Path) -> None:
    """Refuse a folder that a configuration, which is a text of UTF-8, can't name."""
    name = str(root)
    if display(os.fsencode(root)) != name or not name.isprintable():
        raise UnusableConfiguration(
            f"{display(os.fsencode(root))}: a configuration can't name a folder with control characters or bytes that"
            " are not UTF-8; rename it, or watch the folder above it"
        )


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
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the catalogue goes; else /var/lib/coverslip for the system's configuration, or a folder beside yours.",
)
@with_context
def command(context: Context, directories: tuple[Path, ...], state_dir: Path | None) -> None:
    """Write a configuration for these folders and make the catalogue.

    Nothing is overwritten. Without a folder, the catalogue of the configuration that is there is made or brought up
    to date.
    """
    named = context.named_configuration or os.environ.get(VARIABLE)
    target = Path(named) if named else default_configuration()
    settings = prepared(target, directories, state_dir)
    make_catalogue(settings, now=context.now())
    document = InitDocument(
        config=str(target.absolute()),
        catalog=str(settings.state_dir / settings.catalog.url.removeprefix("sqlite:///"))
        if settings.catalog.url.startswith("sqlite:")
        else settings.catalog.url,
        roots=tuple(str(watch.root) for watch in settings.watch),
    )
    context.output.document(document, show)
    tell_next_steps(context.output, target.absolute(), settings.state_dir)
