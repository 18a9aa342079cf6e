"""``coverslip explain``: what the rules make of paths, existing or not, and where each rule stops."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from config.rules import RootRules, compile_all
from config.settings import Settings
from daemon.context import Context, with_context
from daemon.errors import UnusableConfiguration
from daemon.explaining import MATCHED, ExplainDocument, Explainer, uid_of
from daemon.options import command as coverslip_command
from daemon.output import Output
from daemon.paths import asked, below
from daemon.people_by_file import people_by_file
from daemon.values import ANY_PATH
from ingest.accounts import MachineAccounts
from ingest.placement import Placement, place
from ingest.surroundings import owner_named

Documents = tuple[ExplainDocument, ...]
_COLORS = {MATCHED: "green", "held": "yellow", "unmatched": "yellow"}


def places(settings: Settings, path: Path, root: str | None) -> Iterator[tuple[str, bytes]]:
    """Give root and relative path for what somebody wrote: a path below a root, else one relative to roots."""
    roots = [watch for watch in settings.watch if root in (None, watch.name)]
    if not roots:
        names = ", ".join(watch.name for watch in settings.watch) or "none"
        raise UnusableConfiguration(f"there is no root '{root}'; the configuration has {names}")
    raw = asked(path, (watch.root for watch in roots))
    inside = [(watch.name, relative) for watch in roots if (relative := below(raw, watch.root))]
    if inside:
        yield from inside
    elif path.is_absolute():
        raise UnusableConfiguration(f"{path} lies below no watched root; name a path below {roots[0].root}")
    else:
        for watch in roots:
            written = asked(watch.root / path, [watch.root])
            relative = below(written, watch.root)
            if not relative:
                raise UnusableConfiguration(f"{path} leaves the root {watch.root}")
            yield watch.name, relative


def _owners(rules: dict[str, RootRules], found: list[tuple[str, bytes]], accounts: MachineAccounts) -> set[str]:
    """Give the owners that paths and the uids of their files name."""
    placed = [(rules[root], relative, place(rules[root], relative)) for root, relative in found]
    named = {
        owner_named(placement, uid_of(os.fsencode(of.watch.root) + b"/" + relative), accounts)
        for of, relative, placement in placed
        if isinstance(placement, Placement)
    }
    return {name for name in named if name is not None}


def explain(explainer: Explainer, rules: dict[str, RootRules], found: list[tuple[str, bytes]]) -> Documents:
    """Explain paths, each by the rules of its root."""
    return tuple(explainer.explain(rules[root], relative) for root, relative in found)


def show(documents: Documents, output: Output) -> None:
    """Print each path with its placement and the rules that were tried."""
    for number, document in enumerate(documents):
        if number:
            output.line()
        output.line(document.path, bold=True)
        rule = f" by rule {document.rule}" if document.rule else ""
        output.line(f"  {document.outcome}{rule}: {document.reason}", fg=_COLORS.get(document.outcome))
        if document.image is not None:
            output.line(f"  image      {document.image}")
            output.line(f"  owner      {document.owner or 'not said'}, group {document.group or 'not said'}")
        for name, value in (document.placement or {}).items():
            output.line(f"  {name:10} {value}")
        several = {rule for rule, times in Counter(tried.rule for tried in document.tried).items() if times > 1}
        for tried in document.tried:
            which = f" ({tried.match})" if tried.rule in several else ""
            output.line(f"  rule {tried.rule}{which}: {tried.message}")


@coverslip_command(
    "explain",
    examples=(
        "coverslip explain /data/confocal/smith-lab/ab3c/mitosis/cell1.tif",
        "coverslip explain smith-lab/ab3c/not/there/yet.tif --root confocal",
    ),
    answers=Documents,
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=ANY_PATH)
@click.option("--root", metavar="NAME", help="The root that relative paths are below; else each root is tried.")
@with_context
def command(context: Context, paths: tuple[Path, ...], root: str | None) -> None:
    """Explain what the rules make of paths, existing or not.

    For each rule it says whether it matches, and if not at which part it stops. A relative path is taken from the
    current folder when that lies below a root, else from the root. For administrators.
    """
    context.administrator()
    settings = context.settings
    found = [place for path in paths for place in places(settings, path, root)]
    accounts = MachineAccounts(settings.people)
    rules = compile_all(settings)
    named = _owners(rules, found, accounts)
    people = people_by_file(context.catalogue, settings, accounts, context.now(), named=named)
    explainer = Explainer(people=people.people, accounts=accounts, policy=settings.people)
    context.output.document(explain(explainer, rules, found), show)
