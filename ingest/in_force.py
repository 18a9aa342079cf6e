"""Puts a configuration in force: registers it and its roots, starts and stops scanners, has things placed again."""

import os
import sys
import threading

from catalog import roots, sightings
from catalog.configurations import record_version
from catalog.roots import KnownRoot
from config.rules import RootRules
from config.settings import Settings, WatchSettings
from ingest.brake import Brake
from ingest.core import Core
from ingest.ownership import Accounts
from ingest.scanner import RootScanner
from ingest.surroundings import Surroundings
from ingest.watched import WatchedRoot

#: How long a scanner that leaves may take to end before it is left to itself, s.
SCANNER_ENDS_WITHIN_S = 1.0


def put_in_force(
    core: Core, settings: Settings, rules: dict[str, RootRules], accounts: Accounts, wake: threading.Event
) -> list[WatchedRoot]:
    """Swap in a checked configuration; gives the roots that are new or whose path is another. Can be done again."""
    now = core.clock.now()
    wanted = [(watch.name, os.fsencode(watch.root), watch.role) for watch in settings.watch]
    with core.catalogue.writing() as connection:
        before = {root.name: root.role for root in roots.known_roots(connection)}
        configuration_id = record_version(connection, settings, now=now)
        known = roots.register_roots(connection, wanted, now=now, via=core.via)
    around = Surroundings(settings, accounts, configuration_id)
    around.sync_machine(core.catalogue, now)
    around.refresh(core.catalogue, now)
    is_other = configuration_id != core.around.configuration_id
    core.around = around
    made = _renew_roots(core, settings, rules, known, wake)
    if is_other:
        place_all_again(core)
    for root in core.roots.values():
        if before.get(root.name, root.watch.role) != root.watch.role:
            root.is_placing_again, root.again_after, root.is_placing_all = True, None, True
    return made


def place_all_again(core: Core) -> None:
    """Have placed again what is not catalogued: rules or people changed. They have no say below storage roots."""
    for root in (root for root in core.roots.values() if not root.is_storage):
        root.is_placing_again, root.again_after, root.again_up_to = True, None, sys.maxsize
        root.is_placing_all = core.around.has_new_assignments
    # What is looked at from now on is placed by what is in force now. Where this can't be asked, all is placed again.
    with core.catalogue.reading() as connection:
        newest = sightings.newest_fileset(connection)
    for root in core.roots.values():
        root.again_up_to = newest


def _renew_roots(
    core: Core, settings: Settings, rules: dict[str, RootRules], known: dict[str, KnownRoot], wake: threading.Event
) -> list[WatchedRoot]:
    old = {root.name: root for root in core.roots.values()}
    made = []
    core.roots = {}
    for watch in settings.watch:
        root = old.get(watch.name)
        if root is not None and root.path == os.fsencode(watch.root):
            old.pop(watch.name)
            root.watch, root.rules = watch, rules[watch.name]
        else:
            root = _new_root(known[watch.name], watch, rules[watch.name], wake)
            made.append(root)
        core.roots[root.id] = root
        _give_brake(core, known[watch.name])
    for gone in old.values():
        gone.scanner.stop(within_s=SCANNER_ENDS_WITHIN_S)
        core.judging = {one for one in core.judging if one.root_id != gone.id}
    return made


def _give_brake(core: Core, row: KnownRoot) -> None:
    if row.id not in core.brakes:
        core.brakes[row.id] = Brake(core.clock)
        # `root accept` takes the kept identity away: the next pass takes the root as it finds it.
        core.brakes[row.id].is_released = row.is_accepted


def _new_root(row: KnownRoot, watch: WatchSettings, rules: RootRules, wake: threading.Event) -> WatchedRoot:
    root: WatchedRoot | None = None

    def is_ignored(path: bytes) -> bool:
        return root is not None and root.is_ignored_folder(path)

    scanner = RootScanner(watch.name, os.fsencode(watch.root), is_ignored=is_ignored, wake=wake, identity=row.identity)
    root = WatchedRoot(row, watch, rules, scanner)
    scanner.start()
    return root
