"""``coverslip apply``: files what is catalogued as changed rules say, after showing the plan and asking."""

import sys

import click

from catalog.permissions import Acting
from daemon.applying import Outcome, apply_document, apply_to_undo, carry_out, undo
from daemon.commands.plan import LIMIT, settings_as_they_stand
from daemon.context import Context, with_context
from daemon.exits import Exit
from daemon.options import command as coverslip_command
from daemon.output import Output
from daemon.plan_document import ApplyDocument, UndoDocument
from daemon.plan_printing import show_apply_plan
from daemon.planning import Planned, Site, make_plan, site_of
from ingest.comparing import Options


def confirm(question: str, *, is_sure: bool) -> bool:
    """Ask on the terminal; raises UsageError where there is none and `--yes` was not given."""
    if is_sure:
        return True
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask on; say --yes if it shall be done unasked")
    return click.confirm(question, default=False, err=True)


def apply(
    context: Context, site: Site, acting: Acting, options: Options, *, root: str | None, limit: int, is_sure: bool
) -> ApplyDocument:
    """Show the plan of what is catalogued, ask, and do it."""
    planned = make_plan(site, root=root, limit=limit, options=options, is_of_files=False)
    if not context.output.as_json:
        show_apply_plan(planned.document, planned.builder.tallies, context.output)
    outcome = Outcome()
    count = planned.builder.to_do
    if count and confirm(f"file {count} catalogued files anew?", is_sure=is_sure):
        outcome = _done(context, site, acting, options, planned, root)
    return apply_document(planned.document, outcome)


def _done(
    context: Context, site: Site, acting: Acting, options: Options, planned: Planned, root: str | None
) -> Outcome:
    outcome = Outcome()
    with context.output.progress("filing anew", planned.builder.to_do) as advance:
        seen = 0
        for outcome in carry_out(site, acting, options, root=root):
            advance(outcome.done + outcome.failed - seen)
            seen = outcome.done + outcome.failed
    return outcome


def show_done(document: ApplyDocument, output: Output) -> None:
    """Print what was done; the plan stands above it."""
    for problem in (*document.problems, *document.summary.problems):
        output.line(problem, fg="yellow")
    if document.apply is None:
        output.line("nothing was changed")
        return
    output.line(f"filed anew: {document.done}; `coverslip apply --undo` takes it back", fg="green")


def show_undone(document: UndoDocument, output: Output) -> None:
    """Print what was taken back."""
    for reason in document.left:
        output.line(reason, fg="yellow")
    output.line(f"taken back: {document.done}")


def _undone(context: Context, acting: Acting, *, is_sure: bool) -> int:
    last = apply_to_undo(context.catalogue)
    if not confirm(f"take back the apply number {last.id}?", is_sure=is_sure):
        context.output.message("nothing was changed")
        return Exit.REFUSED
    *_, document = undo(context.catalogue, acting, last, context.now())
    context.output.document(document, show_undone)
    return Exit.REFUSED if document.left else Exit.DONE


@coverslip_command(
    "apply",
    examples=("coverslip apply", "coverslip apply --yes --change-owners", "coverslip apply --undo"),
    answers=ApplyDocument,
)
@click.option("--root", metavar="NAME", help="File only what lies under this root.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask; for scripts.")
@click.option("--change-owners", is_flag=True, help="Also give images to the owner and group that the rules say.")
@click.option("--force", is_flag=True, help="Also undo what people changed by hand: names, places, owners.")
@click.option("--undo", "is_undo", is_flag=True, help="Take the last apply back, except what was changed since.")
@click.option(
    "--limit", metavar="N", type=click.IntRange(0), default=LIMIT, show_default=True,
    help="So many examples in the lists of the JSON document.",
)  # fmt: skip
@with_context
def command(
    context: Context,
    /,
    root: str | None,
    is_sure: bool,
    change_owners: bool,
    force: bool,
    is_undo: bool,
    limit: int,
) -> int:
    """File what is catalogued as the configuration file says now; shows the plan and asks first.

    Ids, annotations and thumbnails stay; so does what people changed by hand, without --force, and whose the images
    are, without --change-owners. A run that is stopped is finished by the next. For administrators.
    """
    if is_undo and (change_owners or force or root is not None):
        raise click.UsageError("--undo takes back everything that the last apply did; it goes with --yes only")
    acting = context.administrator()
    if is_undo:
        return _undone(context, acting, is_sure=is_sure)
    site = site_of(settings_as_they_stand(context), context.catalogue, context.now())
    options = Options(change_owners=change_owners, force=force)
    document = apply(context, site, acting, options, root=root, limit=limit, is_sure=is_sure)
    context.output.document(document, show_done)
    is_well = not (document.failed or document.problems or document.summary.problems)
    return Exit.DONE if is_well else Exit.REFUSED
