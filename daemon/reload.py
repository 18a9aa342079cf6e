"""Which configuration is in force: the file's while it is good, else the last good one; and if the file changed."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config.crosschecks import without_rules
from config.loader import last_good, load, remember_good
from config.problems import ConfigurationError
from config.settings import Settings

logger = logging.getLogger(__name__)

Fingerprint = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A configuration to work by; ``problem`` is what is wrong with the file, None when it is what is in force."""

    settings: Settings
    problem: str | None


def first_configuration(path: Path, environ: Mapping[str, str]) -> InForce:
    """Read the file, or fall back on the last good one. Raises ConfigurationError when there is neither."""
    try:
        return InForce(settings=load(path, environ=dict(environ)), problem=None)
    except ConfigurationError as error:
        kept = last_good(error.state_dir) if error.state_dir is not None else None
        if kept is None:
            raise
        return InForce(settings=kept, problem=_tell(error))


@dataclass(slots=True, kw_only=True)
class ConfigurationKeeper:
    """Follows the file of a running daemon."""

    path: Path
    environ: Mapping[str, str]
    in_force: InForce
    _seen: Fingerprint = field(default=())
    _without_rules: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._seen = self._look()

    def has_changed(self) -> bool:
        """Tell whether the file, one that it includes, or a folder of those was touched since the last call."""
        now = self._look()
        changed, self._seen = now != self._seen, now
        return changed

    def candidate(self) -> Settings | None:
        """Read the file again: settings that differ from those in force, or None (a problem is told and kept)."""
        try:
            settings = load(self.path, environ=dict(self.environ))
        except ConfigurationError as error:
            self.refuse(_tell(error))
            return None
        problem = _needs_restart(self.in_force.settings, settings)
        if problem is not None:
            logger.error("config.refused", extra={"problem": problem})
            self.refuse(problem)
            return None
        if settings.digest == self.in_force.settings.digest:
            self.in_force = InForce(settings=self.in_force.settings, problem=None)
            return None
        return settings

    def refuse(self, problem: str) -> None:
        """Stay with what is in force, and remember why."""
        self.in_force = InForce(settings=self.in_force.settings, problem=problem)

    def accept(self, settings: Settings) -> None:
        """Put new settings in force, and keep them for when the file is broken."""
        self.in_force = InForce(settings=settings, problem=None)
        self._seen = self._look()
        self.remember()
        self.tell_roots_without_rules()

    def remember(self) -> None:
        """Keep what is in force as the last good configuration, if it is the file's."""
        if self.in_force.problem is not None:
            return
        try:
            remember_good(self.in_force.settings)
        except OSError as error:
            logger.warning("config.not_kept", extra={"problem": str(error)})

    def tell_roots_without_rules(self) -> None:
        """Log each root from which nothing is imported for want of rules; once, as long as that stays so."""
        found = {problem.message: problem for problem in without_rules(self.in_force.settings)}
        for message in found.keys() - self._without_rules:
            logger.warning("config.root_without_rules", extra={"problem": str(found[message])})
        self._without_rules = frozenset(found)

    def _look(self) -> Fingerprint:
        settings = self.in_force.settings
        files = {self.path, *map(Path, settings.read_texts)}
        folders = {Path(folder) for folder, _, _ in settings.read_patterns}
        return tuple(_fingerprint(path) for path in sorted(files | folders))


def _fingerprint(path: Path) -> tuple[str, int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return (str(path), -1, -1, -1)
    return (str(path), status.st_mtime_ns, status.st_size, status.st_ino)


def _tell(error: ConfigurationError) -> str:
    for problem in error.problems[:20]:
        logger.error("config.refused", extra={"problem": str(problem)})
    return str(error.problems[0]) if error.problems else str(error)


def _needs_restart(before: Settings, after: Settings) -> str | None:
    if before.state_dir != after.state_dir:
        return f"{after.file}: state_dir can't be changed while the daemon runs; restart it"
    if before.catalog.url != after.catalog.url:
        return f"{after.file}: catalog.url can't be changed while the daemon runs; restart it"
    return None
