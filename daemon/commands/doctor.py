"""``coverslip doctor``: everything about the machine and the installation that can be wrong, with what to do."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import packages_distributions
from pathlib import Path

from catalog.errors import CatalogueError
from config.loader import Examination, examine
from config.mount_table import read_mounts
from config.problems import Severity
from config.settings import Settings
from daemon import doctor
from daemon.access import become_owner_of
from daemon.context import Context, with_context
from daemon.doctor import Finding, Verdict
from daemon.errors import DaemonError
from daemon.exits import Exit
from daemon.options import command as coverslip_command
from daemon.output import Output

_COLORS = {Verdict.GOOD: "green", Verdict.WARNING: "yellow", Verdict.PROBLEM: "red"}
_WORDS = {Verdict.GOOD: "ok", Verdict.WARNING: "warning", Verdict.PROBLEM: "PROBLEM"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorDocument:
    """All findings; ``ok`` is false when one of them is a problem."""

    ok: bool
    checks: tuple[Finding, ...]


def installation() -> Iterator[Finding]:
    """Check what does not depend on a configuration."""
    yield doctor.python_version(tuple(sys.version_info[:3]))
    yield doctor.package_names(packages_distributions())
    yield doctor.inotify_limits()
    yield doctor.landlock()


def configuration(path: Path, examined: Examination) -> Iterator[Finding]:
    """Check the configuration file: who may write it, and what is wrong in it."""
    yield doctor.configuration_mode(path)
    for found in examined.problems:
        make = doctor.problem if found.severity is Severity.ERROR else doctor.warning
        yield make(
            "configuration", f"{found.file}:{found.line}:{found.column}: {found.key}: {found.message}", found.hint or ""
        )
    if not examined.problems:
        yield doctor.good("configuration", f"{path} is right")


def site(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Check the state directory and the roots of a configuration."""
    yield doctor.state_directory(settings.state_dir)
    yield doctor.files_in_state(settings.state_dir)
    yield doctor.free_space(settings.state_dir)
    mounts = read_mounts()
    for watch in settings.watch:
        yield doctor.root(watch.name, watch.root, watch.events, mounts)
    yield doctor.clock(now, [datetime.fromtimestamp(settings.file.stat().st_mtime, UTC)])


def catalogue(context: Context) -> Iterator[Finding]:
    """Check that the catalogue can be used; refuse people whom it knows as no administrators."""
    try:
        place = context.catalogue.place
    except CatalogueError as error:
        yield doctor.problem("catalogue", str(error), "")
        return
    context.administrator()
    yield doctor.good("catalogue", f"{place} is of this program's version")


def findings(context: Context) -> Iterator[Finding]:
    """Make all checks, in the order in which a person would."""
    yield from installation()
    try:
        path = context.configuration
    except DaemonError as error:
        yield doctor.problem("configuration", str(error), "")
        return
    examined = examine(path, environ=os.environ)
    become_owner_of(examined.state_dir)
    yield from configuration(path, examined)
    if examined.settings is not None and not examined.errors:
        yield from site(examined.settings, context.now())
        yield from catalogue(context)


def show(document: DoctorDocument, output: Output) -> None:
    """Print the findings, each with what to do below it."""
    width = max(len(found.check) for found in document.checks)
    for found in document.checks:
        output.line(f"{_WORDS[found.verdict]:8} {found.check:{width}}  {found.message}", fg=_COLORS[found.verdict])
        if found.verdict is not Verdict.GOOD and found.hint:
            output.line(f"{'':8} {'':{width}}  -> {found.hint}")


@coverslip_command("doctor", examples=("coverslip doctor", "coverslip doctor --json"), answers=DoctorDocument)
@with_context
def command(context: Context) -> int:
    """Check the installation, the machine and the catalogue, and say what to do.

    Ends with 1 when there is a problem; warnings alone end with 0.
    """
    _ = context.account
    found = tuple(findings(context))
    document = DoctorDocument(ok=all(f.verdict is not Verdict.PROBLEM for f in found), checks=found)
    context.output.document(document, show)
    return Exit.DONE if document.ok else Exit.REFUSED
