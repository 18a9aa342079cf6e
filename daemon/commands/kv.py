"""``coverslip kv``: key-value pairs on objects; ordered, keys may repeat."""

import click

from catalog.annotations import add_key_values, remove_key_values
from catalog.references import ObjectReference
from daemon.annotation_rows import Rows, listed, show
from daemon.context import Context, with_context
from daemon.options import group, subcommand
from daemon.values import Object, Pair


@group("kv", examples=("coverslip kv add image:7 Stain=DAPI Dose='5 nM'", "coverslip kv ls plate:2"))
def command() -> None:
    """Add, remove and list key-value pairs."""


@subcommand(command, "add", examples=("coverslip kv add image:7 Stain=DAPI Dose='5 nM'",), answers=Rows)
@click.argument("target", metavar="OBJECT", type=Object())
@click.argument("pairs", metavar="KEY=VALUE...", nargs=-1, required=True, type=Pair())
@with_context
def add(context: Context, target: ObjectReference, pairs: tuple[tuple[str, str], ...]) -> None:
    """Add pairs to an object, after those that are there."""
    acting, now = context.acting, context.now()
    with context.catalogue.writing() as connection:
        row = add_key_values(connection, acting, target, pairs, now=now, via="cli")
    context.output.document((row,), show)


@subcommand(
    command, "rm", examples=("coverslip kv rm image:7 Stain", "coverslip kv rm image:7 Stain=DAPI"), answers=Rows
)
@click.argument("target", metavar="OBJECT", type=Object())
@click.argument("keys", metavar="KEY[=VALUE]...", nargs=-1, required=True)
@with_context
def remove(context: Context, target: ObjectReference, keys: tuple[str, ...]) -> None:
    """Take pairs off an object: all with the key, or those with the key and the value."""
    acting, now = context.acting, context.now()
    removed: list[Rows] = []
    with context.catalogue.writing() as connection:
        for text in keys:
            key, separator, value = text.partition("=")
            wanted = value if separator else None
            removed.append(remove_key_values(connection, acting, target, key, wanted, now=now, via="cli"))
    context.output.document(tuple(row for rows in removed for row in rows), show)


@subcommand(command, "ls", examples=("coverslip kv ls image:7 --json",), answers=Rows)
@click.argument("target", metavar="OBJECT", type=Object())
@with_context
def list_pairs(context: Context, target: ObjectReference) -> None:
    """List the pairs of an object."""
    context.output.document(listed(context, target, "map"), show)
