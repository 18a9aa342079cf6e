"""``coverslip status``: how everything stands, for people and for monitoring."""

import os
import shutil
from pathlib import Path

from catalog.status import VerificationStatus, WorkStatus, status
from config.crosschecks import without_rules
from config.loader import load
from config.problems import ConfigurationError
from config.settings import Settings
from daemon.context import Context, with_context
from daemon.exits import Exit
from daemon.health import Health, read_health
from daemon.options import command as coverslip_command
from daemon.output import Output
from daemon.service import holder_of
from daemon.standing import OK, Observed, StatusDocument, standing
from daemon.tables import duration_text, size_text

REASONS_SHOWN = 15
PLATES_SHOWN = 10


def running(context: Context) -> Health | None:
    """Give what the running daemon told last, None when none runs: a file that a killed one left counts for nothing."""
    if holder_of(context.settings, context.catalogue) is None:
        return None
    return read_health(context.settings.state_dir)


def configuration_problem(path: Path) -> str | None:
    """Give the first problem of the file as it stands now."""
    try:
        load(path, environ=os.environ)
    except ConfigurationError as error:
        more = f" (and {len(error.problems) - 1} more)" if len(error.problems) > 1 else ""
        return f"{error.problems[0]}{more}"
    return None


def notes(settings: Settings) -> tuple[str, ...]:
    """Say from which roots nothing is imported for want of rules; no path is in it, everybody may read it."""
    return tuple(f"{problem.message} ({problem.hint})" for problem in without_rules(settings))


def progress_text(work: WorkStatus) -> str:
    """Give what is left to do, with an estimate."""
    left = work.due + work.ready + work.started
    parts = [f"{left} to be imported"] if left else ["nothing left to import"]
    if work.seconds_left is not None:
        parts.append(f"about {duration_text(work.seconds_left)} left")
    if left and work.per_second is not None:
        parts.append(f"{work.per_second:.1f} files a second lately")
    parts += [
        f"{count} {what}"
        for count, what in ((work.waiting, "tried again later"), (work.quarantined, "failed"))
        if count
    ]
    return ", ".join(parts)


def verification_text(verification: VerificationStatus) -> str:
    """Give how far originals were compared with their hashes."""
    covered = verification.coverage
    if not covered.verified:
        return f"none of {covered.files} original files compared with its hash yet"
    since = f" since {covered.oldest_at:%Y-%m-%d}" if covered.oldest_at else ""
    return f"{covered.verified} of {covered.files} original files compared with their hashes{since}"


def show(document: StatusDocument, output: Output) -> None:
    """Print the state, the problems, the roots, the files by state with reasons, and the progress."""
    output.line(document.state, fg="green" if document.state == OK else "red", bold=True)
    for problem in document.problems:
        output.line(f"  {problem}", fg="red")
    for note in document.notes:
        output.line(f"  {note}", fg="yellow")
    if document.roots:
        rows = [
            (r.name, r.path, r.availability, r.events, r.watched, r.last_scan_at, r.overflow_count or None)
            for r in document.roots
        ]
        columns = ("root", "path", "is", "events", "folders", "last scan", "overflows")
        output.table(columns, rows, right=("folders", "overflows"))
    counts = [(state, number) for state, number in document.counts.items() if number]
    output.table(("files", "number"), counts, right=("number",))
    for reason in document.reasons[:REASONS_SHOWN]:
        output.line(f"  {reason.files} {reason.state}: {reason.reason}")
    output.line(f"{document.images} image{'' if document.images == 1 else 's'} that you may see")
    for plate in document.plates[:PLATES_SHOWN]:
        output.line(f"  plate:{plate.id} {plate.name} is filling: {plate.wells.filled} of {plate.wells.of} wells")
    if document.progress is not None:
        output.line(progress_text(document.progress))
    if document.verification is not None:
        output.line(verification_text(document.verification))
    if document.free_bytes is not None:
        output.line(f"{size_text(document.free_bytes)} free for the catalogue")


@coverslip_command(
    "status", examples=("coverslip status", "coverslip status --json"), answers=StatusDocument, only_reads=True
)
@with_context
def command(context: Context) -> int:
    """Say how everything stands: roots, files by state with reasons, progress, problems.

    Ends with 0 when all is well and with 1 when something is degraded, so that a monitoring system can call it.
    """
    acting, now = context.acting, context.now()
    with context.catalogue.reading() as connection:
        found = status(connection, acting, now=now)
    seen = Observed(
        catalogue=found,
        health=running(context),
        configuration_problem=configuration_problem(context.configuration),
        state_dir=context.settings.state_dir,
        free_bytes=shutil.disk_usage(context.settings.state_dir).free,
        is_administrator=acting.is_administrator,
        now=now,
        notes=notes(context.settings),
    )
    document = standing(seen)
    context.output.document(document, show)
    return Exit.DONE if document.state == OK else Exit.REFUSED
