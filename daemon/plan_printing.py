"""Prints a plan as a tree: counts first, then places with a few examples; never more than a page or two."""

from collections.abc import Iterable, Mapping

from daemon.output import Output
from daemon.plan_document import PersonRow, PlanDocument, PlanSummary
from daemon.tally import Group, Tally

HEADINGS_AT_MOST = 12
PEOPLE_AT_MOST = 20
#: The sections about files, with what a scan does.
_SECTIONS = (
    ("add", "new"),
    ("update", "changed: read again in place"),
    ("move", "moved"),
    ("missing", "gone"),
    ("held", "held"),
    ("unmatched", "unmatched"),
)
_COLORS = {"add": "green", "missing": "red", "held": "yellow", "unmatched": "yellow", "change": "cyan"}


def show_plan(document: PlanDocument, tallies: Mapping[str, Tally], output: Output) -> None:
    """Print what `import` and `apply` would do."""
    summary = document.summary
    output.line(_versions(summary))
    output.line(
        f"{summary.scanned} files under the roots: {summary.unchanged} catalogued and unchanged,"
        f" {summary.ignored} ignored, {summary.skipped} skipped"
    )
    if summary.looked_up:
        output.line(f"{summary.looked_up} new files in storage: looked up by their content, never new images")
    for name, title in _SECTIONS:
        is_of_several = name == "add" and summary.add_images != summary.add
        counted = f"{title}: {summary.add} files, {counted_images(summary.add_images)}" if is_of_several else title
        show_tally(tallies.get(name), counted, output, color=_COLORS.get(name), is_counted=is_of_several)
    show_changes(document, tallies, output)
    show_alike(document, output)
    show_people(document.people, output)
    for problem in summary.problems:
        output.line(f"could not be planned: {problem}", fg="red")


def show_apply_plan(document: PlanDocument, tallies: Mapping[str, Tally], output: Output) -> None:
    """Print what `apply` is about to do."""
    show_changes(document, tallies, output)
    show_people(document.people, output)


def counted_images(count: int) -> str:
    """Write a number of images."""
    return f"{count} image" if count == 1 else f"{count} images"


def _versions(summary: PlanSummary) -> str:
    if summary.configuration is not None and summary.configuration == summary.in_force:
        return "the configuration is the one in force"
    in_force = "none was in force yet" if summary.in_force is None else f"version {summary.in_force} is in force"
    return f"the configuration is not in force yet ({in_force})"


def show_tally(
    tally: Tally | None, title: str, output: Output, *, color: str | None = None, is_counted: bool = False
) -> None:
    """Print a section: its count (unless the title has it), then its largest headings, as deep as they are."""
    if tally is None or tally.count == 0:
        return
    output.line()
    output.line(title if is_counted else f"{title}: {tally.count}", bold=True, **({"fg": color} if color else {}))
    groups = sorted(tally.groups.items(), key=lambda item: (-item[1].count, item[0]))
    shown = sorted(groups[:HEADINGS_AT_MOST])
    above: tuple[str, ...] = ()
    for heading, group in shown:
        for depth, text in enumerate(heading[:-1]):
            if heading[: depth + 1] != above[: depth + 1]:
                output.line("  " * (depth + 1) + text)
        above = heading
        output.line("  " * len(heading) + f"{heading[-1]}: {group.count} {_examples(group)}")
    rest = len(groups) - len(shown)
    left = tally.count - sum(group.count for _, group in shown)
    if left:
        output.line(f"  ... and {left} more in {rest if not tally.others else f'over {rest}'} places")


def _examples(group: Group) -> str:
    return f"({', '.join(group.examples)}{', ...' if group.count > len(group.examples) else ''})"


def show_changes(document: PlanDocument, tallies: Mapping[str, Tally], output: Output) -> None:
    """Print what becomes of what is catalogued, and what stays though the rules say otherwise."""
    summary = document.summary
    if not summary.to_do and "stay" not in tallies:
        output.line()
        output.line(f"{summary.compared} catalogued files are filed as the rules say")
    title = f"`coverslip apply` files {summary.to_do} of {summary.compared} catalogued files anew"
    show_tally(tallies.get("change"), title, output, color=_COLORS["change"], is_counted=True)
    show_tally(tallies.get("stay"), "catalogued, and stays though the rules say otherwise", output)


def show_alike(document: PlanDocument, output: Output) -> None:
    """Print containers that differ in case only."""
    if document.alike:
        output.line()
        output.line(f"names that differ in upper and lower case only: {len(document.alike)}", bold=True, fg="yellow")
    for row in document.alike[:HEADINGS_AT_MOST]:
        output.line(f"  {row.kind} {' and '.join(row.names)} in {row.group}")


def show_people(people: Iterable[PersonRow], output: Output) -> None:
    """Print who gains or loses sight."""
    rows = list(people)
    if not rows:
        return
    output.line()
    output.line(f"people who gain or lose sight of catalogued images: {len(rows)}", bold=True)
    table = [
        (
            row.user,
            f"+{row.gains}",
            f"-{row.loses}",
            f"+{row.gains_with_change_owners}",
            f"-{row.loses_with_change_owners}",
        )
        for row in rows[:PEOPLE_AT_MOST]
    ]
    columns = ("user", "gains", "loses", "with --change-owners: gains", "loses ")
    output.table(columns, table, right=columns[1:])
    if len(rows) > PEOPLE_AT_MOST:
        output.line(f"  ... and {len(rows) - PEOPLE_AT_MOST} more people")
