"""``coverslip plan``: what `import` and `apply` would do by the configuration file as it stands, changing nothing."""

import os

import click

from config.loader import load
from config.settings import Settings
from daemon.context import Context, with_context
from daemon.options import command as coverslip_command
from daemon.plan_document import PlanDocument
from daemon.plan_printing import show_plan
from daemon.planning import make_plan, site_of

LIMIT = 1000


def settings_as_they_stand(context: Context) -> Settings:
    """Read the configuration file itself: an edit that can't be used can't be planned. Raises ConfigurationError."""
    _ = context.settings  # root becomes the account of the state directory
    return load(context.configuration, environ=dict(os.environ))


@coverslip_command(
    "plan",
    examples=("coverslip plan", "coverslip plan --root confocal --json", "coverslip -c edited.yaml plan"),
    answers=PlanDocument,
)
@click.option("--root", metavar="NAME", help="Plan this root only.")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(0),
    default=LIMIT,
    show_default=True,
    help="So many examples in each list of the JSON document; counts are exact whatever it is.",
)
@with_context
def command(context: Context, root: str | None, limit: int) -> None:
    """Show what the configuration would do to files and to what is catalogued; nothing is changed.

    Files under the roots: new, changed, moved, gone, unmatched and held, with reasons. What is catalogued: filed or
    named otherwise, another owner, no longer matched; `apply` does that. People: who gains or loses sight of how many
    images. For administrators.
    """
    context.administrator()
    settings = settings_as_they_stand(context)
    planned = make_plan(site_of(settings, context.catalogue, context.now()), root=root, limit=limit)
    context.output.document(
        planned.document, lambda document, output: show_plan(document, planned.builder.tallies, output)
    )
