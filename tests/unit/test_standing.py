"""When the whole thing counts as degraded, with which sentence, and what is told to whom."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalog.status import CatalogueStatus, RootStatus, WorkStatus
from daemon.health import Health, RootHealth
from daemon.standing import DEGRADED, OK, Observed, standing

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
ROOT = RootStatus(
    name="confocal",
    path="/data/confocal",
    role="acquisition",
    available=True,
    availability="available",
    reason=None,
    last_scan_at=NOW,
    is_scanning=False,
    overflow_count=1,
    unlisted=0,
)
WATCH = RootHealth(
    name="confocal",
    events="watching",
    reason=None,
    watched=7,
    unwatched_count=0,
    unwatched=(),
    overflow_count=3,
    restart_count=0,
)
HEALTH = Health(
    pid=1,
    version="0.1.0",
    started_at=NOW.isoformat(),
    updated_at=NOW.isoformat(),
    roots=(WATCH,),
    config_version="0123456789abcdef" * 4,
    config_problem=None,
    progress={},
    problems=(),
)
SEEN = Observed(
    catalogue=CatalogueStatus(
        roots=(ROOT,), counts={}, reasons=(), images=0, plates=(), config=None, work=None, instance=None, wal_bytes=None
    ),
    health=HEALTH,
    configuration_problem=None,
    state_dir=Path("/var/lib/coverslip"),
    free_bytes=10**12,
    is_administrator=True,
    now=NOW,
)


def _with_root(**changes: object) -> Observed:
    return replace(SEEN, catalogue=replace(SEEN.catalogue, roots=(replace(ROOT, **changes),)))  # type: ignore[arg-type] # any field


def test_all_is_well() -> None:
    document = standing(SEEN)
    assert (document.state, document.problems) == (OK, ())
    (root,) = document.roots
    assert (root.events, root.watched, root.unwatched, root.overflow_count) == ("watching", 7, 0, 3)
    assert document.config.version == "0123456789ab", "as `config show` shows it, with a daemon and without"


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (replace(SEEN, health=None), "no daemon is running"),
        (replace(SEEN, now=NOW + timedelta(seconds=61)), "it may be stuck"),
        (_with_root(availability="braked", reason="half of it is gone"), "root confocal is braked: half of it is gone"),
        (_with_root(unlisted=2), "2 folders could not be listed"),
        (
            replace(SEEN, health=replace(HEALTH, roots=(replace(WATCH, unwatched_count=1, unwatched=("a",)),))),
            "1 folders are not watched, only scanned: a",
        ),
        (replace(SEEN, configuration_problem="x.yaml:3:1: wrong"), "configuration: x.yaml:3:1: wrong"),
        (replace(SEEN, free_bytes=1), "less than 200 MB"),
    ],
)
def test_each_trouble_degrades_with_one_sentence(seen: Observed, words: str) -> None:
    document = standing(seen)
    assert document.state == DEGRADED
    (problem,) = document.problems
    assert words in problem


def test_what_names_paths_is_for_administrators() -> None:
    watch = replace(WATCH, unwatched_count=1, unwatched=("secret-folder",), reason="secret-reason")
    seen = replace(
        SEEN,
        health=replace(HEALTH, roots=(watch,), problems=("secret-problem",)),
        configuration_problem="secret.yaml:3:1: wrong",
        is_administrator=False,
    )
    document = standing(seen)
    assert document.state == DEGRADED
    assert "secret" not in repr(document)
    assert (document.daemon, document.free_bytes) == (None, None)


@pytest.mark.parametrize("is_administrator", [True, False])
def test_a_full_disk_is_said_once_and_where_only_to_administrators(is_administrator: bool) -> None:
    told = "less than 200 MB are free in /var/lib/coverslip: nothing is imported until there is more"
    seen = replace(SEEN, free_bytes=199_000_000, is_administrator=is_administrator)
    (problem,) = standing(replace(seen, health=replace(HEALTH, problems=(told,)))).problems
    assert (problem == told) == is_administrator
    assert "less than 200 MB are free" in problem


@pytest.mark.parametrize(("free_bytes", "expected_s"), [(10**12, 20.0), (None, 20.0), (199_000_000, None)])
def test_how_long_it_will_take_is_told_only_while_there_is_space_to_go_on(
    free_bytes: int | None, expected_s: float | None
) -> None:
    work = WorkStatus(
        due=1, ready=2, started=1, waiting=0, quarantined=0, hashes_pending=0, per_second=0.2, seconds_left=20.0
    )
    seen = replace(SEEN, catalogue=replace(SEEN.catalogue, work=work), free_bytes=free_bytes)
    progress = standing(seen).progress
    assert progress is not None
    assert progress == replace(work, seconds_left=expected_s)


def test_what_is_to_be_wished_for_is_told_to_everybody_and_is_no_degradation() -> None:
    document = standing(replace(SEEN, notes=("the root confocal has no rules",), is_administrator=False))
    assert (document.state, document.problems, document.notes) == (OK, (), ("the root confocal has no rules",))
