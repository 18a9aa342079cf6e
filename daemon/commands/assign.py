"""``coverslip assign``: a person's decision where files belong."""

from pathlib import Path

import click

from catalog.decisions import Targets, assign, revoke
from daemon.assigning import filed_as_decided
from daemon.context import Context, with_context
from daemon.decision_rows import Rows, finish, wanted
from daemon.options import command as coverslip_command
from daemon.planning import site_of
from daemon.values import ANY_PATH


@coverslip_command(
    "assign",
    examples=(
        "coverslip assign /data/confocal/unsorted --owner ab3c --group smith-lab --project mitosis",
        "coverslip assign /data/confocal/unsorted --revoke",
    ),
    answers=Rows,
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=ANY_PATH)
@click.option("--owner", metavar="USER", help="Whose it is.")
@click.option("--group", metavar="GROUP", help="The group that it belongs to.")
@click.option("--project", metavar="NAME", help="The project.")
@click.option("--dataset", metavar="NAME", help="The dataset.")
@click.option("--screen", metavar="NAME", help="The screen.")
@click.option("--plate", metavar="NAME", help="The plate.")
@click.option("--run", metavar="NAME", help="The run of the plate.")
@click.option("--image", metavar="NAME", help="The image's name.")
@click.option("--revoke", "is_revoked", is_flag=True, help="Take an earlier decision back: the rules decide again.")
@with_context
def command(
    context: Context,
    /,
    paths: tuple[Path, ...],
    is_revoked: bool,
    owner: str | None,
    group: str | None,
    project: str | None,
    dataset: str | None,
    screen: str | None,
    plate: str | None,
    run: str | None,
    image: str | None,
) -> int:
    """Decide where files belong that are held, unmatched or wrongly filed.

    What is left out is left to the rules. A folder means all below it, also what comes later. What is catalogued
    already is filed anew at once and keeps its ids; names that people gave stay. `why` shows the decision, --revoke
    takes it back. Administrators decide about everything, group owners inside their group.
    """
    targets = Targets(
        owner=owner, group=group, project=project, dataset=dataset, screen=screen, plate=plate, run=run, image=image
    )
    if bool(targets.document()) == is_revoked:
        raise click.UsageError("say where it belongs (--owner, --project ...), or --revoke")
    which = wanted(context, paths)
    acting, now = context.acting, context.now()
    with context.catalogue.writing() as connection:
        if is_revoked:
            rows = revoke(connection, acting, which, now=now, via="cli")
        else:
            rows = assign(connection, acting, which, targets, now=now, via="cli")
    filed = filed_as_decided(site_of(context.settings, context.catalogue, now), acting, which, rows)
    return finish(context, filed)
