"""What the schema can't see: settings that contradict each other or the disk."""

from collections.abc import Iterator

from config.folders import check_folders
from config.people_in_file import check_people
from config.problems import Problem, Severity, problem_at
from config.secrets import url_fault
from config.settings import Settings, SourceMark

#: The filters of templates (a test compares them with those that there are; importing them would bring RE2 along).
BUILT_IN_FILTERS = frozenset({"lower", "upper", "title", "spaces", "strip"})


def cross_check(settings: Settings, *, has_to_have_roots: bool) -> tuple[Problem, ...]:
    """Find all contradictions."""
    return (
        *_check_url(settings),
        *_check_lookups(settings),
        *_check_roles(settings),
        *check_people(settings),
        *check_folders(settings, has_to_have_roots=has_to_have_roots),
    )


def _mark(settings: Settings, key: str) -> SourceMark:
    return settings.marks.get(key, SourceMark(file=str(settings.file), line=1, column=1))


def _check_url(settings: Settings) -> Iterator[Problem]:
    fault = url_fault(settings.catalog.url)
    if fault is not None:
        message, hint = fault
        yield problem_at(_mark(settings, "catalog.url"), "catalog.url", message, hint)


def _check_lookups(settings: Settings) -> Iterator[Problem]:
    """Find lookups that no template can name, because the name is a filter's or can't stand after a ``|``."""
    for name in settings.lookups:
        key = f"lookups.{name}"
        if name in BUILT_IN_FILTERS:
            yield problem_at(_mark(settings, key), key, f"{name!r} is the name of a filter", "choose another name")
        elif name != name.strip() or not name or set(name) & set("|{}"):
            yield problem_at(_mark(settings, key), key, f"{name!r} can't stand in a template", "choose another name")


def _check_roles(settings: Settings) -> Iterator[Problem]:
    """Say of a storage root that rules have no say below it."""
    text = "a storage root holds copies of known files, found by their content: its rules do nothing"
    for watch in settings.watch:
        if watch.role == "storage" and watch.rules:
            yield problem_at(watch.marks.get("rules", watch.mark), "rules", text, severity=Severity.WARNING)


def without_rules(settings: Settings) -> Iterator[Problem]:
    """Say of a root from which nothing can be imported that it has no rules; those of storage need none."""
    hint = "write rules; `coverslip suggest DIR` proposes some"
    for watch in settings.watch:
        if not watch.rules and watch.role != "storage":
            text = f"the root {watch.name} has no rules: its images stay unmatched, and nothing is imported"
            yield problem_at(watch.marks.get("rules", watch.mark), "rules", text, hint, severity=Severity.WARNING)
