"""``coverslip import``: one scan, whatever is complete is imported, and an end."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.context import Context, with_context
from daemon.errors import AnotherInstance, Failed
from daemon.exits import Exit
from daemon.options import command as coverslip_command
from daemon.output import Output
from daemon.values import ANY_PATH

if TYPE_CHECKING:
    from config.settings import Settings
    from ingest.summary import ImportSummary, Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportDocument:
    """What an import did; counts are of files, ``problems`` are sentences.

    ``stalled`` files are not whole after the longest time that their rule allows: like ``held`` ones they are not
    imported yet, and nothing failed.
    """

    scanned: int
    imported: int
    updated: int
    unchanged: int
    held: int
    unmatched: int
    failed: int
    seconds: float
    bytes: int
    stalled: int = 0
    problems: tuple[str, ...] = ()

    @property
    def is_well(self) -> bool:
        """Tell whether nothing failed."""
        return self.failed == 0 and not self.problems

    @property
    def others(self) -> int:
        """Count files of which nothing else is said: what no rule wants or no reader knows, and what still waits."""
        not_imported = self.held + self.unmatched + self.failed + self.stalled
        return max(0, self.scanned - self.imported - self.updated - self.unchanged - not_imported)


def import_paths(context: Context, paths: tuple[Path, ...], *, wait: bool) -> ImportDocument:
    """Import what lies at the paths (all roots when there are none): by the running daemon, else here and now."""
    settings = context.settings
    wanted = tuple(absolute_below_a_root(path, settings) for path in paths)
    if context.as_user is not None:
        context.administrator()
    try:
        return _here(settings, wanted, wait=wait)
    except AnotherInstance as error:
        if not getattr(error.holder, "takes_requests", False):
            raise
    return _by_the_daemon(context, wanted, wait=wait)


def absolute_below_a_root(path: Path, settings: "Settings") -> Path:
    """Make a path absolute (links in it stay), or refuse it when it lies in no watched folder."""
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - links stay what they are called
    if not any(whole.is_relative_to(watch.root) for watch in settings.watch):
        roots = ", ".join(str(watch.root) for watch in settings.watch) or "none"
        raise click.UsageError(f"{path} lies in no watched folder (they are: {roots})")
    return whole


def _here(settings: "Settings", paths: tuple[Path, ...], *, wait: bool) -> ImportDocument:
    from daemon.commands.version import program_version
    from daemon.logs import LogFormat, configure_logs
    from daemon.service import opened_ingest
    from daemon.shutdown import signals_caught

    configure_logs(LogFormat.AUTO, os.environ, level="WARNING")
    with (
        signals_caught() as signals,
        opened_ingest(settings, environ=os.environ, purpose="import", version=program_version(), grace_s=5.0) as ingest,
        _bar(ingest.loop.progress),
    ):
        summary = ingest.loop.run_once(paths, wait=wait, stop=signals.stop)
    if signals.stop.is_set():
        raise Failed(f"stopped before it was done ({summary.imported} files imported); run it again to go on")
    return _document(summary)


def _by_the_daemon(context: Context, paths: tuple[Path, ...], *, wait: bool) -> ImportDocument:
    from daemon.requests import hand_over, import_arguments
    from daemon.service import holder_of
    from daemon.shutdown import signals_caught
    from ingest.clock import SystemClock

    acting = context.administrator()
    context.output.message("a daemon is running: it was asked to import, waiting for it")
    with signals_caught() as signals:
        given = hand_over(
            context.catalogue,
            "import",
            import_arguments(paths, wait=wait),
            actor_id=acting.experimenter_id,
            clock=SystemClock(),
            is_running=lambda: holder_of(context.settings, context.catalogue) is not None,
            stop=signals.stop,
        )
    if not given.is_done:
        raise Failed(f"import: {given.document.get('problem', 'the daemon gave no reason')}")
    known = {one.name for one in fields(ImportDocument)}
    values = {key: value for key, value in given.document.items() if key in known}
    return ImportDocument(**values | {"problems": tuple(values.get("problems", ()))})


def _document(summary: "ImportSummary") -> ImportDocument:
    return ImportDocument(**{one.name: getattr(summary, one.name) for one in fields(ImportDocument)})


@contextmanager
def _bar(progress: "Callable[[], Progress]") -> Iterator[None]:
    """Show on a terminal how far it is, in a thread that ends with the block."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    ending = threading.Event()
    columns = (TextColumn("importing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task("importing", total=None)

        def show() -> None:
            while not ending.wait(0.25):
                now = progress()
                done = now.imported + now.updated + now.failed
                bar.update(task, completed=done, total=done + now.due + now.ready + now.reading, refresh=True)

        thread = threading.Thread(target=show, name="progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join()


def show(document: ImportDocument, output: Output) -> None:
    """Print the counts in words, then the problems."""
    output.line(
        f"{document.scanned} files looked at: {document.imported} imported, {document.updated} updated,"
        f" {document.unchanged} unchanged, {document.held} held, {document.unmatched} unmatched,"
        f" {document.failed} failed"
        + (f", {document.stalled} stalled (not whole in the time allowed)" if document.stalled else "")
        + (
            f", {document.others} others (ignored, skipped or not whole yet: `coverslip status`)"
            if document.others
            else ""
        )
    )
    output.line(f"{document.bytes / 1_000_000:.1f} MB read in {document.seconds:.1f} s")
    for problem in document.problems:
        output.message(problem)
    if document.failed or document.stalled or document.held or document.unmatched:
        output.message("`coverslip queue` lists what was not imported, and why")


@coverslip_command(
    "import",
    examples=("coverslip import", "coverslip import --no-wait", "coverslip import /data/confocal/lab/ada"),
    answers=ImportDocument,
)
@click.argument("paths", nargs=-1, type=ANY_PATH, metavar="[PATH]...")
@click.option("--no-wait", is_flag=True, help="Do not wait for files that are settling.")
@with_context
def command(context: Context, paths: tuple[Path, ...], no_wait: bool) -> int:
    """Look at the watched folders once, import whatever is complete, and end.

    While a daemon runs it is asked to do it, and waited for.
    """
    document = import_paths(context, paths, wait=not no_wait)
    context.output.document(document, show)
    return Exit.DONE if document.is_well else Exit.REFUSED
