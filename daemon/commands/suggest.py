"""``coverslip suggest``: rules for a folder that nobody explained, from the names in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from catalog.errors import CatalogueUnavailable
from catalog.known_people import KnownPeople
from catalog.people import known_people
from config.settings import Settings
from config.suggesting.proposal import Alternative, ProposedRule, share
from config.suggesting.written import comment, percent, written_rules
from daemon.context import Context, with_context
from daemon.errors import UnusableConfiguration
from daemon.options import command as coverslip_command
from daemon.output import Output
from daemon.suggesting import Suggestion, known_names, suggest
from daemon.values import ANY_PATH
from ingest.sampling import sample_of

#: Uncovered files that are named; the rest is counted.
_NAMED = 8
_NAMED_IN_JSON = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedExample:
    """A file of the tree and what its rule gives for it: targets by name, or `skipped`."""

    path: str
    gives: Mapping[str, str] | str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedRule:
    """A proposed rule: its keys as they would stand in the file, and what it covers (a share of the images, 0 to 1).

    ``assumed`` are sentences about what was not certain, ``alternatives`` other matches and when to take them.
    """

    title: str
    match: tuple[str, ...]
    skip: bool
    layout: str | None
    owner: str | None
    set: Mapping[str, str]
    key_values: Mapping[str, str]
    tags: tuple[str, ...]
    covers: float
    files: int
    examples: tuple[SuggestedExample, ...]
    assumed: tuple[str, ...]
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was looked at; ``is_whole``: it is all there is below the folder."""

    files: int
    folders: int
    folders_left: int
    is_whole: bool
    unreadable: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestDocument:
    """Rules for a folder, and what they leave over: ``uncovered`` are paths (a thousand at most), all are counted.

    ``others`` counts files that are no images by their ending; ``unknown_owners`` and ``unknown_groups`` are names
    that the rules find in folders and nobody is called.
    """

    root: Path
    looked: Looked
    images: int
    rules: tuple[SuggestedRule, ...]
    uncovered: tuple[str, ...]
    uncovered_files: int
    others: Mapping[str, int]
    unknown_owners: tuple[str, ...]
    unknown_groups: tuple[str, ...]
    #: The rules as they would stand in the file.
    yaml: str


def document_of(suggestion: Suggestion) -> SuggestDocument:
    """Give what leaves the program of a suggestion."""
    proposal, sample = suggestion.proposal, suggestion.sample
    return SuggestDocument(
        root=suggestion.root,
        looked=Looked(
            files=len(sample.files),
            folders=sample.folders,
            folders_left=sample.folders_left,
            is_whole=sample.is_whole,
            unreadable=sample.unreadable,
        ),
        images=proposal.images,
        rules=tuple(_rule(rule, proposal.images) for rule in proposal.rules),
        uncovered=proposal.uncovered[:_NAMED_IN_JSON],
        uncovered_files=len(proposal.uncovered),
        others=proposal.others,
        unknown_owners=suggestion.unknown_owners,
        unknown_groups=suggestion.unknown_groups,
        yaml=written_rules(proposal, ""),
    )


def _rule(rule: ProposedRule, images: int) -> SuggestedRule:
    draft = rule.draft
    return SuggestedRule(
        title=draft.title,
        match=draft.match,
        skip=draft.skip,
        layout=draft.layout,
        owner="posix" if draft.is_posix and not draft.skip else None,
        set=draft.sets,
        key_values=draft.key_values,
        tags=draft.tags,
        covers=round(share(rule.files, images), 4),
        files=rule.files,
        examples=tuple(SuggestedExample(path=example.path, gives=example.gives) for example in rule.examples),
        assumed=draft.assumed,
        alternatives=draft.alternatives,
    )


def show(document: SuggestDocument, output: Output) -> None:
    """Print the rules as they can be pasted; everything else as comments around them."""
    for line in _heading(document):
        output.line(line, fg="cyan")
    if document.rules:
        output.line("    rules:")
        for text in document.yaml.splitlines():
            output.line(f"      {text}", fg="cyan" if text.startswith("#") else None)
    for line in _left_over(document):
        output.line(line, fg="yellow")


def _heading(document: SuggestDocument) -> list[str]:
    looked = document.looked
    amount = "all of them" if looked.is_whole else f"a sample; {looked.folders_left} known folders were not looked into"
    lines = comment(f"{document.root}: {document.images} images in {looked.folders} folders ({amount}).")
    if not document.images:
        return [*lines, *comment("There are no names to propose rules from; try again when there are images.")]
    covered = document.images - document.uncovered_files
    return [
        *lines,
        *comment(f"These rules cover {percent(covered, document.images)} of them. They go below the root in `watch:`."),
    ]


def _left_over(document: SuggestDocument) -> list[str]:
    lines: list[str] = []
    if document.uncovered_files:
        rest = document.uncovered_files
        lines += comment(f"Not covered: {percent(rest, document.images)} of the images ({rest}):")
        lines += [line for path in document.uncovered[:_NAMED] for line in comment(path, indent="  ")]
        if rest > _NAMED:
            lines += comment(f"  and {rest - _NAMED} more (--json names them)")
    if document.others:
        most = sorted(document.others.items(), key=lambda item: (-item[1], item[0]))[:5]
        said = ", ".join(f"{count} '.{ending}'" if ending else f"{count} without ending" for ending, count in most)
        lines += comment(f"No images by their names: {said}.")
    for what, names, how in (
        ("Groups", document.unknown_groups, "coverslip group add NAME"),
        ("People", document.unknown_owners, "coverslip user add NAME --group GROUP"),
    ):
        if names:
            shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
            lines += comment(f"{what} in these folders that are not known yet: {shown}. Add them: `{how}`.")
    if document.looked.unreadable:
        lines += comment(f"{len(document.looked.unreadable)} folders could not be read.")
    return lines


def _people(context: Context) -> tuple[Settings | None, KnownPeople | None]:
    """Read who is known, where there is a configuration and a catalogue; then the command is for administrators."""
    try:
        has_configuration = context.configuration.exists()
    except UnusableConfiguration:
        has_configuration = False
    if not has_configuration:
        return None, None  # rules are proposed before there is one
    settings = context.settings
    try:
        context.administrator()
        with context.catalogue.reading() as connection:
            return settings, known_people(connection, now=context.now())
    except CatalogueUnavailable as problem:
        context.output.message(f"the people of the catalogue are not asked: {problem}")
        return settings, None


@coverslip_command(
    "suggest",
    examples=(
        "coverslip suggest /data/confocal",
        "coverslip suggest /data/screens --json",
        "coverslip suggest /data/confocal > proposed.yaml",
    ),
    answers=SuggestDocument,
)
@click.argument("directory", metavar="DIR", type=ANY_PATH)
@with_context
def command(context: Context, directory: Path) -> None:
    """Propose rules for a folder that nobody explained, from the names in it.

    Only names are read, no link is followed, nothing is written. Of a large tree a sample is looked at, every part in
    turn. What was assumed stands above each rule. For administrators, once there is a catalogue.
    """
    if not directory.is_dir():
        raise UnusableConfiguration(f"{directory} is no folder; name the folder that microscopes write to")
    root = directory.resolve()
    sample = sample_of(root)
    settings, people = _people(context)
    suggestion = suggest(root, sample, known_names(sample, settings, people))
    context.output.document(document_of(suggestion), show)
