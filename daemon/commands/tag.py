"""``coverslip tag``: short words on objects, by which they are found again."""

import click

from catalog.annotations import add_tag, remove_tag
from catalog.references import ObjectReference
from daemon.annotation_rows import Rows, listed, show
from daemon.context import Context, with_context
from daemon.options import group, subcommand
from daemon.values import Object


@group("tag", examples=("coverslip tag add image:7 mitosis 'good focus'", "coverslip tag ls dataset:3"))
def command() -> None:
    """Add, remove and list tags."""


@subcommand(command, "add", examples=("coverslip tag add image:7 mitosis 'good focus'",), answers=Rows)
@click.argument("target", metavar="OBJECT", type=Object())
@click.argument("tags", metavar="TAG...", nargs=-1, required=True)
@with_context
def add(context: Context, target: ObjectReference, tags: tuple[str, ...]) -> None:
    """Tag an object; a tag that is there already stays once."""
    acting, now = context.acting, context.now()
    with context.catalogue.writing() as connection:
        rows = tuple(add_tag(connection, acting, target, tag, now=now, via="cli") for tag in tags)
    context.output.document(rows, show)


@subcommand(command, "rm", examples=("coverslip tag rm image:7 mitosis",), answers=Rows)
@click.argument("target", metavar="OBJECT", type=Object())
@click.argument("tags", metavar="TAG...", nargs=-1, required=True)
@with_context
def remove(context: Context, target: ObjectReference, tags: tuple[str, ...]) -> None:
    """Take tags off an object."""
    acting, now = context.acting, context.now()
    with context.catalogue.writing() as connection:
        removed = [remove_tag(connection, acting, target, tag, now=now, via="cli") for tag in tags]
    context.output.document(tuple(row for rows in removed for row in rows), show)


@subcommand(command, "ls", examples=("coverslip tag ls image:7",), answers=Rows)
@click.argument("target", metavar="OBJECT", type=Object())
@with_context
def list_tags(context: Context, target: ObjectReference) -> None:
    """List the tags of an object."""
    context.output.document(listed(context, target, "tag"), show)
