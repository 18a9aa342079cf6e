"""``coverslip comment``: remarks on objects, each its writer's."""

import click

from catalog.annotations import add_comment, edit_comment, remove_comment
from catalog.references import ObjectReference
from daemon.annotation_rows import Rows, listed, show
from daemon.context import Context, with_context
from daemon.options import group, subcommand
from daemon.values import Object


@group("comment", examples=("coverslip comment add image:7 'the lower left is out of focus'",))
def command() -> None:
    """Add, change, remove and list comments."""


@subcommand(command, "add", examples=("coverslip comment add image:7 'the lower left is out of focus'",), answers=Rows)
@click.argument("target", metavar="OBJECT", type=Object())
@click.argument("text")
@with_context
def add(context: Context, target: ObjectReference, text: str) -> None:
    """Comment on an object."""
    acting, now = context.acting, context.now()
    with context.catalogue.writing() as connection:
        row = add_comment(connection, acting, target, text, now=now, via="cli")
    context.output.document((row,), show)


@subcommand(command, "edit", examples=("coverslip comment edit image:7 12 'all of it is out of focus'",), answers=Rows)
@click.argument("target", metavar="OBJECT", type=Object())
@click.argument("comment_id", metavar="ID", type=int)
@click.argument("text")
@with_context
def edit(context: Context, target: ObjectReference, comment_id: int, text: str) -> None:
    """Change the words of a comment."""
    acting, now = context.acting, context.now()
    with context.catalogue.writing() as connection:
        row = edit_comment(connection, acting, target, comment_id, text, now=now, via="cli")
    context.output.document((row,), show)


@subcommand(command, "rm", examples=("coverslip comment rm image:7 12",), answers=Rows)
@click.argument("target", metavar="OBJECT", type=Object())
@click.argument("comment_id", metavar="ID", type=int)
@with_context
def remove(context: Context, target: ObjectReference, comment_id: int) -> None:
    """Take a comment off an object; `comment ls` shows the ids."""
    acting, now = context.acting, context.now()
    with context.catalogue.writing() as connection:
        row = remove_comment(connection, acting, target, comment_id, now=now, via="cli")
    context.output.document((row,), show)


@subcommand(command, "ls", examples=("coverslip comment ls image:7",), answers=Rows)
@click.argument("target", metavar="OBJECT", type=Object())
@with_context
def list_comments(context: Context, target: ObjectReference) -> None:
    """List the comments on an object."""
    context.output.document(listed(context, target, "comment"), show)
