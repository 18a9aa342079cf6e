"""Makes the plan of a configuration file: walks its roots and compares what is catalogued, writing nothing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from catalog import roots, sightings
from catalog.acting import everybody
from catalog.configurations import version_id, version_in_force
from catalog.engine import Catalogue
from catalog.permissions import Acting
from catalog.roots import HandAssignment, KnownRoot
from catalog.sight_changes import PersonSight, owned_counts, sight_changes
from config.rules import RootRules, compile_all
from config.settings import Settings
from daemon.errors import UnusableConfiguration
from daemon.people_by_file import OwnersByFile
from daemon.plan_building import PlanBuilder
from daemon.plan_document import PlanDocument
from ingest.accounts import MachineAccounts
from ingest.brake import Brake
from ingest.clock import SystemClock
from ingest.comparing import Options
from ingest.deciding import Deciding, Own
from ingest.folders import open_root
from ingest.inner_mounts import InnerMounts, mounts_in
from ingest.listing import RootLost
from ingest.placement import Placing
from ingest.plan_changes import compare_all
from ingest.planning import FileFate, PlannedRoot, plan_files


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a plan is made from: the settings of a file, its rules, and how the catalogue stands."""

    settings: Settings
    catalogue: Catalogue
    rules: dict[str, RootRules]
    known: dict[str, KnownRoot]
    assigned: tuple[HandAssignment, ...]
    accounts: MachineAccounts
    now: datetime
    #: Of these settings; None where they were never in force.
    configuration_id: int | None = None


def site_of(
    settings: Settings, catalogue: Catalogue, now: datetime, *, accounts: MachineAccounts | None = None
) -> Site:
    """Read what a plan needs of the catalogue; ``accounts`` are the machine's unless given."""
    with catalogue.reading() as connection:
        known = {root.name: root for root in roots.known_roots(connection)}
        assigned, configuration = roots.assignments(connection), version_id(connection, settings)
    return Site(
        configuration_id=configuration,
        settings=settings,
        catalogue=catalogue,
        rules=compile_all(settings),
        known=known,
        assigned=assigned,
        accounts=accounts or MachineAccounts(settings.people),
        now=now,
    )


def wanted_roots(settings: Settings, name: str | None) -> list[str]:
    """Give the names of the roots that are meant; raises UnusableConfiguration for an unknown one."""
    names = [watch.name for watch in settings.watch]
    if name is not None and name not in names:
        raise UnusableConfiguration(f"there is no root '{name}'; the configuration has {', '.join(names) or 'none'}")
    return names if name is None else [name]


@contextmanager
def opened(site: Site, name: str, own: Own) -> Iterator[PlannedRoot | str]:
    """Open a root for a plan; gives why it can't be used instead."""
    watch, row = site.rules[name].watch, site.known.get(name)
    with open_root(os.fsencode(watch.root), None if row is None else row.identity) as (root, other):
        if isinstance(root, RootLost):
            yield f"root {name}: {root.reason}"
        elif other is not None:
            yield f"root {name}: {other}"
        else:
            yield PlannedRoot(
                id=None if row is None else row.id,
                fd=root,
                rules=site.rules[name],
                deciding=_deciding(site, name, own),
                mounts=InnerMounts(os.fsencode(watch.root), None if row is None else mounts_in(row.identity)),
                configuration_id=site.configuration_id,
            )


def _deciding(site: Site, name: str, own: Own) -> Deciding:
    watch, row = site.rules[name].watch, site.known.get(name)
    return Deciding(
        place=Placing(site.rules[name]).place,
        own=own,
        root_settle=watch.settle,
        now=site.now,
        is_storage=watch.role == "storage",
        has_sets=site.rules[name].has_sets,
        assigned=() if row is None else tuple(one for one in site.assigned if one.root_id == row.id),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan: the document, and what its tree is printed from."""

    document: PlanDocument
    builder: PlanBuilder


def make_plan(
    site: Site, *, root: str | None, limit: int, options: Options | None = None, is_of_files: bool = True
) -> Planned:
    """Plan everything that `import` and `apply` would do by the file now; without files only what `apply` would."""
    owners = OwnersByFile(site.catalogue, site.settings, site.accounts, site.now)
    builder = PlanBuilder(people=owners.found.people, limit=limit)
    builder.know(owners.found.people)
    for name in wanted_roots(site.settings, root):
        with opened(site, name, owners.own) as planned:
            if isinstance(planned, str):
                builder.problems.append(planned)
            else:
                _plan_root(site, planned, builder, owners, options or Options(), is_of_files=is_of_files)
    return Planned(document=_document(site, builder, owners.found.everybody), builder=builder)


def _plan_root(
    site: Site,
    root: PlannedRoot,
    builder: PlanBuilder,
    owners: OwnersByFile,
    options: Options,
    *,
    is_of_files: bool,
) -> None:
    if is_of_files:
        _plan_files(site, root, builder, owners)
    for page in compare_all(site.catalogue, root, options):
        builder.know(owners.found.people)
        for compared in page:
            builder.add_change(root.rules.name, os.fsencode(root.rules.watch.root), compared)


def _plan_files(site: Site, root: PlannedRoot, builder: PlanBuilder, owners: OwnersByFile) -> None:
    name, path = root.rules.name, os.fsencode(root.rules.watch.root)
    missing = builder.counts[FileFate.MISSING]
    for file in plan_files(site.catalogue, root):
        if owners.found.people is not builder.people:
            builder.know(owners.found.people)
        builder.add_file(name, path, file)
    if braked := _why_braked(site, name, builder.counts[FileFate.MISSING] - missing):
        builder.problems.append(f"root {name}: {braked}")


def _why_braked(site: Site, name: str, missing: int) -> str | None:
    """Say why what is gone would not be marked as missing."""
    row = site.known.get(name)
    if row is None:
        return None
    brake = Brake(SystemClock())
    brake.is_released = row.is_accepted
    with site.catalogue.reading() as connection:
        return brake.why_not(
            missing,
            lambda since: (
                sightings.countable(connection, row.id),
                sightings.countable(connection, row.id, missing_after=since),
            ),
        )


def _document(site: Site, builder: PlanBuilder, after: tuple[Acting, ...]) -> PlanDocument:
    with site.catalogue.reading() as connection:
        before, owned = everybody(connection, now=site.now), owned_counts(connection)
        configuration, in_force = version_id(connection, site.settings), version_in_force(connection)
    sight: dict[str, PersonSight] = sight_changes(before, after, owned, {})
    with_owners = sight_changes(before, after, owned, builder.moved)
    return builder.document(sight=sight, sight_with_owners=with_owners, configuration=configuration, in_force=in_force)
