"""Plans and applies for a site of `tests.helpers.ingest_site`, by a machine that knows nobody."""

from datetime import datetime, timedelta

from config.settings import PeopleSettings, RuleSettings, Settings
from daemon.planning import Planned, make_plan, site_of
from daemon.planning import Site as PlanSite
from ingest.accounts import MachineAccounts
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
