"""Files what is catalogued already as a person just decided with `assign`, or as the rules say after `--revoke`."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from catalog.configurations import note_version
from catalog.decisions import DecisionRow
from catalog.filed import Filed, filed_below
from catalog.people import known_people
from catalog.permissions import Acting
from catalog.places import Place, place_of
from catalog.refiling import ApplyRun
from daemon.applying import VIA
from daemon.planning import Site, opened
from ingest.applying import Applying
from ingest.comparing import Kind, Options
from ingest.deciding import Own
from ingest.ownership import decide
from ingest.plan_changes import PAGE, Compared, compare_page

#: What was decided about one file: its place, its owner.
_DECIDED = Options(is_decided=True)


def filed_as_decided(
    site: Site, acting: Acting, paths: Sequence[bytes], rows: Sequence[DecisionRow]
) -> tuple[DecisionRow, ...]:
    """File anew what is catalogued at these paths or below; a row says where that could not be done, and why."""
    return tuple(_filed(site, acting, path, row) if row.done else row for path, row in zip(paths, rows, strict=True))


def _filed(site: Site, acting: Acting, path: bytes, row: DecisionRow) -> DecisionRow:
    with site.catalogue.reading() as connection:
        place = place_of(connection, path)
        is_there = bool(filed_below(connection, place, after_id=0, limit=1))
    if not is_there or place.root not in site.rules:
        return row
    problem = _file_all(site, acting, place)
    return row if problem is None else replace(row, done=False, reason=f"decided, but not filed so yet: {problem}")


def _file_all(site: Site, acting: Acting, place: Place) -> str | None:
    """File anew a page at a time; gives the first problem."""
    with site.catalogue.writing() as connection:
        version = note_version(connection, site.settings, now=site.now)
    run = ApplyRun(id=None, acting=acting, configuration_id=version, now=site.now, via=VIA)
    problem: str | None = None
    with opened(site, place.root, _own(site)) as root:
        if isinstance(root, str):
            return root
        applying = Applying(catalogue=site.catalogue, run=run, options=_DECIDED)
        for page in _pages(site, place):
            compared = compare_page(root, page, _DECIDED)
            applied = [*applying.some(root, compared)]
            told = [one.problem for one in applied if one.problem] + list(_why_not(compared))
            problem = problem or next(iter(told), None)
    return problem


def _pages(site: Site, place: Place) -> Iterator[list[Filed]]:
    after = 0
    while True:
        with site.catalogue.reading() as connection:
            page = filed_below(connection, place, after_id=after, limit=PAGE)
        if not page:
            return
        after = page[-1].fileset_id
        yield page


def _why_not(compared: Sequence[Compared]) -> Iterator[str]:
    for one in compared:
        for kind, reason in one.change.kept.items():
            if kind is not Kind.RENAMED:
                yield str(reason)


def _own(site: Site) -> Own:
    """Decide by the people of the catalogue: `assign` changes no people."""
    with site.catalogue.reading() as connection:
        people = known_people(connection, now=site.now)
    return lambda placement, uid, gid: decide(placement, uid, gid, people, site.accounts, site.settings.people)
