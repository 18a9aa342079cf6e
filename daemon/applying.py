"""`apply`: files what is catalogued as the configuration file says now, and takes the last one back."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from catalog.applies import ENDED, UNDONE, LastApply, begin_apply, last_apply, note_apply
from catalog.configurations import note_version
from catalog.engine import Catalogue
from catalog.errors import Refused
from catalog.filed import filed_by_ids
from catalog.names import display
from catalog.permissions import Acting
from catalog.refiling import ApplyRun
from daemon.people_by_file import OwnersByFile
from daemon.plan_document import ApplyDocument, PlanDocument, UndoDocument
from daemon.planning import Site, opened, wanted_roots
from ingest.applying import Applied, Applying, Between, undo_all
from ingest.comparing import Options

#: So many problems are told one by one.
PROBLEMS_AT_MOST = 100
VIA = "cli"


def _nothing() -> None:
    return None


@dataclass(slots=True)
class Outcome:
    """What came of an `apply`, counted while it goes on."""

    apply: int | None = None
    done: int = 0
    failed: int = 0
    problems: list[str] = field(default_factory=list)

    def see(self, applied: Applied) -> None:
        """Count one fileset."""
        if applied.problem is None:
            self.done += 1
            return
        self.failed += 1
        self.tell(f"{display(applied.path)}: {applied.problem}")

    def tell(self, problem: str) -> None:
        """Keep a problem, up to a bound."""
        if len(self.problems) < PROBLEMS_AT_MOST:
            self.problems.append(problem)


def carry_out(
    site: Site, acting: Acting, options: Options, *, root: str | None, between: Between = _nothing
) -> Iterator[Outcome]:
    """File anew what differs from the rules; gives how far it is after each fileset. Can run again after a kill."""
    outcome = Outcome()
    owners = OwnersByFile(site.catalogue, site.settings, site.accounts, site.now, is_to_stay=True)
    number, run = _begin(site, acting, options)
    outcome.apply = number
    applying = Applying(
        catalogue=site.catalogue, run=run, options=options, made_people=owners.look_again, between=between
    )
    for name in wanted_roots(site.settings, root):
        with opened(site, name, owners.own) as planned:
            if isinstance(planned, str):
                outcome.tell(planned)
                continue
            for applied in applying.root(planned):
                outcome.see(applied)
                yield outcome
    with site.catalogue.writing() as connection:
        told = {"done": outcome.done, "failed": outcome.failed}
        note_apply(connection, ENDED, number, acting, told, site.now, VIA)
    yield outcome


def _begin(site: Site, acting: Acting, options: Options) -> tuple[int, ApplyRun]:
    told: dict[str, Any] = {one.name: getattr(options, one.name) for one in fields(options)}
    with site.catalogue.writing() as connection:
        version = note_version(connection, site.settings, now=site.now)
        number = begin_apply(connection, acting, told, configuration_id=version, now=site.now, via=VIA)
    return number, ApplyRun(id=number, acting=acting, configuration_id=version, now=site.now, via=VIA)


def apply_document(plan: PlanDocument, outcome: Outcome) -> ApplyDocument:
    """Give the plan together with what was done of it."""
    planned = {one.name: getattr(plan, one.name) for one in fields(PlanDocument)}
    return ApplyDocument(
        **planned, apply=outcome.apply, done=outcome.done, failed=outcome.failed, problems=tuple(outcome.problems)
    )


def apply_to_undo(catalogue: Catalogue) -> LastApply:
    """Give the `apply` that would be taken back; raises Refused when there is none."""
    with catalogue.reading() as connection:
        last = last_apply(connection)
    if last is None:
        raise Refused("there is no `apply` to take back")
    return last


def _shown(catalogue: Catalogue, fileset_id: int) -> str:
    """Name a fileset for people: by its first file, or by its number when it was removed."""
    with catalogue.reading() as connection:
        filed = filed_by_ids(connection, [fileset_id]).get(fileset_id)
    return display(filed.paths[0]) if filed is not None and filed.paths else f"fileset {fileset_id}"


def undo(
    catalogue: Catalogue, acting: Acting, last: LastApply, now: Any, *, between: Between = _nothing
) -> Iterator[UndoDocument]:
    """Take an `apply` back; gives how far it is after each fileset. Can run again after a kill."""
    run = ApplyRun(id=last.id, acting=acting, configuration_id=last.configuration_id, now=now, via=VIA)
    done = 0
    left: list[str] = []
    for fileset_id, problem in undo_all(catalogue, run, last.id, between=between):
        if problem is None:
            done += 1
        elif len(left) < PROBLEMS_AT_MOST and (told := f"{_shown(catalogue, fileset_id)}: {problem}") not in left:
            left.append(told)
        yield UndoDocument(apply=last.id, done=done, left=tuple(left))
    with catalogue.writing() as connection:
        note_apply(connection, UNDONE, last.id, acting, {"done": done, "left": len(left)}, now, VIA)
    yield UndoDocument(apply=last.id, done=done, left=tuple(left))
