"""What the schema can't see: settings that contradict each other or the disk."""

from config.folders import check_folders
from config.people_in_file import check_people
from config.problems import Problem
from config.secrets import url_fault
from config.settings import Settings, SourceMark


def cross_check(settings: Settings, *, has_to_have_roots: bool) -> tuple[Problem, ...]:
    """Find all contradictions."""
    return (
        *_check_url(settings),
        *check_people(settings),
        *check_folders(settings, has_to_have_roots=has_to_have_roots),
    )


def _check_url(settings: Settings) -> tuple[Problem, ...]:
    fault = url_fault(settings.catalog.url)
    if fault is None:
        return ()
    mark = settings.marks.get("catalog.url", SourceMark(file=str(settings.file), line=1, column=1))
    message, hint = fault
    return (Problem(file=mark.file, line=mark.line, column=mark.column, key="catalog.url", message=message, hint=hint),)
