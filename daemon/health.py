"""How the daemon is, for `status`: a small file in the state directory, since a command is another process."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from catalog.names import display
from daemon.root_watch import WatchReport

FILE_NAME = "daemon.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RootHealth:
    """The watch of one root. ``unwatched`` names the first folders that no event comes from, ``reason`` says why.

    ``events``: starting, watching, degraded, unavailable or polling.
    """

    name: str
    events: str
    reason: str | None
    watched: int
    unwatched_count: int
    unwatched: tuple[str, ...]
    overflow_count: int
    restart_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a running daemon tells. Times are ISO 8601 in UTC; ``problems`` are sentences, none when all is well."""

    pid: int
    version: str
    started_at: str
    updated_at: str
    roots: tuple[RootHealth, ...]
    config_version: str
    config_problem: str | None
    progress: dict[str, Any]
    problems: tuple[str, ...]


def root_health(report: WatchReport) -> RootHealth:
    """Put a watch's report into words that JSON can carry."""
    return RootHealth(
        name=report.root,
        events=report.state.value,
        reason=report.reason,
        watched=report.watched_count,
        unwatched_count=report.unwatched_count,
        unwatched=tuple(display(folder) or "." for folder, _ in report.unwatched),
        overflow_count=report.overflow_count,
        restart_count=report.restart_count,
    )


def write_health(state_dir: Path, health: Health) -> None:
    """Replace the file in one step. Raises OSError."""
    target = state_dir / FILE_NAME
    fresh = target.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(health), default=str), encoding="utf-8")
    fresh.replace(target)


def read_health(state_dir: Path) -> Health | None:
    """Give what the daemon told last; None when there is nothing (no daemon yet, or a broken file)."""
    try:
        document = json.loads((state_dir / FILE_NAME).read_text(encoding="utf-8"))
        roots = tuple(RootHealth(**root | {"unwatched": tuple(root["unwatched"])}) for root in document["roots"])
        return Health(**document | {"roots": roots, "problems": tuple(document["problems"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def forget_health(state_dir: Path) -> None:
    """Remove the file: no daemon runs any more."""
    (state_dir / FILE_NAME).unlink(missing_ok=True)
