"""``coverslip verify``: originals are read again and compared with their hashes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

import click

from config.scalars import as_fraction, as_positive_duration
from daemon.context import Context, with_context
from daemon.exits import Exit
from daemon.options import command as coverslip_command
from daemon.output import Output
from daemon.tables import size_text
from daemon.values import Object, Scalar

if TYPE_CHECKING:
    from catalog.references import ObjectReference
    from catalog.verification import Coverage
    from ingest.verification import VerifyPlan, VerifySummary

NICENESS = 10
PATHS_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableDocument:
    """A file that could not be compared, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnavailableDocument:
    """A watched folder, or a disk inside one, that is not there, why, and how many files lie on it."""

    path: str
    reason: str
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyDocument:
    """What was found: ``checked`` files were compared (``bytes`` read), of those ``damaged`` have other bytes.

    ``missing`` files are not there; ``changed`` were written since they were seen, and the next scan takes them in.
    ``unavailable`` names roots, and disks inside them, that are not there: their files are not counted.
    Of ``files`` original files that can be reached, the share ``coverage`` (0 to 1) was compared since they were last
    written, none of them before ``oldest_at``. ``is_whole`` is false when it was stopped before its end.
    """

    checked: int
    bytes: int
    damaged: tuple[str, ...]
    missing: tuple[str, ...]
    unreadable: tuple[UnreadableDocument, ...]
    unavailable: tuple[UnavailableDocument, ...]
    changed: int
    files: int
    coverage: float
    oldest_at: datetime | None
    is_whole: bool

    @property
    def is_well(self) -> bool:
        """Tell whether nothing was found amiss."""
        return self.is_whole and not (self.damaged or self.missing or self.unreadable)


def show(document: VerifyDocument, output: Output) -> None:
    """Print what is amiss, then the counts and what is covered."""
    for title, paths, color in (("damaged", document.damaged, "red"), ("missing", document.missing, "yellow")):
        for path in paths[:PATHS_SHOWN]:
            output.line(f"{title:10} {path}", fg=color)
        if len(paths) > PATHS_SHOWN:
            output.line(f"{title:10} ... and {len(paths) - PATHS_SHOWN} more")
    for one in document.unreadable[:PATHS_SHOWN]:
        output.line(f"{'not read':10} {one.path}: {one.reason}")
    for place in document.unavailable:
        output.line(f"{'not there':10} {place.path}: {place.reason} ({place.files} files, not counted below)")
    output.line(
        f"{document.checked} files compared ({size_text(document.bytes)} read): {len(document.damaged)} damaged,"
        f" {len(document.missing)} missing, {document.changed} written since they were seen,"
        f" {len(document.unreadable)} could not be read"
    )
    since = f", none of them before {document.oldest_at:%Y-%m-%d %H:%M} UTC" if document.oldest_at else ""
    output.line(f"{document.coverage:.1%} of {document.files} original files are compared with their hashes{since}")
    if not document.is_whole:
        output.message("stopped before it was done; run it again to go on")


@coverslip_command(
    "verify",
    examples=("coverslip verify --fraction 1/30", "coverslip verify --budget 10m", "coverslip verify dataset:3"),
    answers=VerifyDocument,
)
@click.argument("targets", metavar="[OBJECT]...", nargs=-1, type=Object())
@click.option("--fraction", type=Scalar("share", as_fraction), metavar="1/30", help="This share of all files.")
@click.option("--budget", type=Scalar("duration", as_positive_duration), metavar="10m", help="For so long.")
@with_context
def command(
    context: Context, targets: "tuple[ObjectReference, ...]", fraction: Fraction | None, budget: timedelta | None
) -> int:
    """Read originals again and compare them with their hashes; find what a disk has lost.

    Everything, or a share, or for a time, or the files of some objects; those that were never compared come first,
    then those of the longest ago, so that one run goes on where the last one ended. A file that was written since it
    was imported is an update for the next scan; a file with other bytes that nobody wrote is damaged. Nothing is
    written in a watched folder. Ends with 1 when something is damaged, missing or can't be read; a root, or a disk
    inside one, that is not there is named, and nothing is said about its files.
    """
    if targets and fraction is not None:
        raise click.UsageError("name objects, or a share of all files with --fraction, not both")
    context.administrator()
    document = verify(context, _plan(context, targets, fraction, budget))
    context.output.document(document, show)
    return Exit.DONE if document.is_well else Exit.REFUSED


def _plan(
    context: Context, targets: "tuple[ObjectReference, ...]", fraction: Fraction | None, budget: timedelta | None
) -> "VerifyPlan":
    from catalog.queries.images import images_within
    from ingest.verification import VerifyPlan

    if not targets:
        return VerifyPlan(fraction=fraction, budget=budget)
    with context.catalogue.reading() as connection:
        found = {one for target in targets for one in images_within(connection, context.acting, target)}
    for target in targets:
        context.tell_of_look_at(target)
    return VerifyPlan(budget=budget, image_ids=tuple(sorted(found)))


def verify(context: Context, plan: "VerifyPlan") -> VerifyDocument:
    """Compare as much as the plan says, in this process, which gives way to all others."""
    from daemon.logs import LogFormat, configure_logs
    from daemon.service import restrict
    from daemon.shutdown import signals_caught
    from daemon.worker_process import be_meek
    from ingest.clock import SystemClock
    from ingest.rereading import checked_beneath
    from ingest.verification import VerifyRun

    configure_logs(LogFormat.AUTO, {}, level="WARNING")
    catalogue = context.catalogue
    restrict(context.settings, catalogue)
    be_meek(NICENESS)
    run = VerifyRun(catalogue, plan, clock=SystemClock(), via="cli", acting=context.acting)
    with signals_caught() as signals, context.output.progress("comparing", run.files_wanted) as advance:
        while not signals.stop.is_set() and (batch := run.next_batch()) is not None:
            run.take(batch, checked_beneath(batch.root_path, batch.identity, batch.members()))
            advance(len(batch.locations))
        covered = run.end(is_broken_off=signals.stop.is_set())
    return _document(run.summary, covered)


def _document(found: "VerifySummary", covered: "Coverage") -> VerifyDocument:
    return VerifyDocument(
        checked=found.checked,
        bytes=found.bytes,
        damaged=tuple(found.damaged),
        missing=tuple(found.missing),
        unreadable=tuple(UnreadableDocument(path=path, reason=reason) for path, reason in found.unreadable),
        unavailable=tuple(
            UnavailableDocument(path=path, reason=reason, files=files)
            for path, (reason, files) in sorted(found.unavailable.items())
        ),
        changed=found.changed,
        files=covered.files,
        coverage=covered.share,
        oldest_at=covered.oldest_at,
        is_whole=not found.is_broken_off,
    )
