"""Plans and applies for a site of `tests.helpers.ingest_site`, by a machine that knows nobody."""

from collections.abc import Callable
from datetime import datetime, timedelta

from catalog.acting import resolve_acting
from catalog.permissions import Acting
from config.settings import PeopleSettings, RuleSettings, Settings
from daemon.applying import Outcome, apply_to_undo, carry_out, undo
from daemon.plan_document import UndoDocument
from daemon.planning import Planned, make_plan, site_of
from daemon.planning import Site as PlanSite
from ingest.accounts import MachineAccounts
from ingest.comparing import Options
from tests.helpers.ingest_site import MARK, START, Site

LATER = START + timedelta(days=1)
#: A machine that is asked for nobody.
ALONE = PeopleSettings(**{"from": ("catalog",)})


def ruled(site: Site, *matches: str, **fields: object) -> Settings:
    """Give the site's settings with other rules; ``fields`` go to the first."""
    rules = tuple(
        RuleSettings(match=(match,), mark=MARK, **(fields if number == 0 else {}))
        for number, match in enumerate(matches)
    )
    return site.settings(people=ALONE, rules=rules)


def planning_site(site: Site, settings: Settings, now: datetime = LATER) -> PlanSite:
    return site_of(settings, site.catalogue, now, accounts=MachineAccounts(settings.people))


def planned(site: Site, settings: Settings, *, limit: int = 1000) -> Planned:
    return make_plan(planning_site(site, settings), root=None, limit=limit)


def nothing() -> None:
    return None


def administrator(site: Site) -> Acting:
    with site.catalogue.reading() as connection:
        return resolve_acting(connection, "root", now=LATER)


def applied(
    site: Site,
    settings: Settings,
    *,
    change_owners: bool = False,
    force: bool = False,
    between: Callable[[], None] = nothing,
) -> Outcome:
    """Apply to the end, or until ``between`` raises."""
    options = Options(change_owners=change_owners, force=force)
    *_, outcome = carry_out(planning_site(site, settings), administrator(site), options, root=None, between=between)
    return outcome


def undone(site: Site, *, between: Callable[[], None] = nothing) -> UndoDocument:
    """Take the last apply back."""
    last = apply_to_undo(site.catalogue)
    *_, document = undo(site.catalogue, administrator(site), last, LATER, between=between)
    return document
