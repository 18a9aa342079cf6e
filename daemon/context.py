"""What a command works with: settings, catalogue, acting user and output, each made when it is first used."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property, update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import click

from config.problems import ConfigurationError
from daemon.access import account_name, become_owner_of, name_of
from daemon.errors import NotForYou, UnusableConfiguration
from daemon.options import shared
from daemon.output import Output

if TYPE_CHECKING:
    # Loaded when they are used: SQLAlchemy and pydantic take half a second that `version` and `--help` do not need.
    from catalog.engine import Catalogue
    from catalog.permissions import Acting
    from catalog.references import ObjectReference
    from config.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

#: Where a configuration is looked for when none is named.
PLACES = (Path("coverslip.yaml"), Path("/etc/coverslip/coverslip.yaml"))
VARIABLE = "COVERSLIP_CONFIG"


class Context:
    """One call of one command. Nothing is read or opened before a command asks for it."""

    def __init__(self, click_context: click.Context) -> None:
        self._click = click_context
        self._looked_into: frozenset[str] = frozenset()
        #: Of a wrong configuration no more is known than where the catalogue is; said once `settings` were asked for.
        self.is_place_only = False

    @cached_property
    def output(self) -> Output:
        """Give where the command prints."""
        return Output(as_json=bool(shared(self._click, "as_json", default=False)))

    @property
    def named_configuration(self) -> Path | None:
        """Give the file of ``--config``, None when it was not given."""
        path: Path | None = shared(self._click, "configuration")
        return path

    @property
    def as_user(self) -> str | None:
        """Give the user of ``--as``, None when it was not given."""
        name: str | None = shared(self._click, "as_user")
        return name

    @cached_property
    def account(self) -> str:
        """Give the operating-system user who called, also after root has become another account."""
        return account_name()

    @cached_property
    def configuration(self) -> Path:
        """Give the configuration file that counts, or raise with the places that were looked at."""
        return find_configuration(self.named_configuration)

    @cached_property
    def settings(self) -> "Settings":
        """Read the configuration; of a wrong one the last good version is used, and the problems are told.

        Where none was kept, a command that only reads needs no more than the catalogue's place. Root has become the
        state directory's own account afterwards.
        """
        from config.loader import load

        self._remember_account()
        try:
            settings = load(self.configuration, environ=os.environ)
        except ConfigurationError as error:
            settings = self._instead_of_wrong(error)
        become_owner_of(settings.state_dir)
        return settings

    def _instead_of_wrong(self, error: ConfigurationError) -> "Settings":
        from config.loader import last_good
        from config.place import place_only
        from config.secrets import catalogue_file

        if error.state_dir is None:
            raise error
        only_reads = getattr(self._click.command, "only_reads", False)
        place = place_only(self.configuration) if only_reads else None
        become_owner_of(error.state_dir)
        kept = last_good(error.state_dir)
        if kept is not None:
            self._tell_about(error, "its last good version counts")
            return kept
        if place is None or ((file := catalogue_file(place)) is not None and not file.exists()):
            raise error
        self._tell_about(error, "and no good version of it was kept; this is what the catalogue has")
        self.is_place_only = True
        return place

    def whole_settings(self, deed: str) -> "Settings":
        """Give the settings, or refuse where no more of them is known than the catalogue's place.

        ``deed`` is what they are needed for.
        """
        settings = self.settings
        if self.is_place_only:
            raise UnusableConfiguration(f"{deed} needs a right configuration; `coverslip check` says what is wrong")
        return settings

    @cached_property
    def watched_folders(self) -> tuple[Path, ...]:
        """Give the watched folders; those of the last ingest where the configuration does not say."""
        settings = self.settings
        if not self.is_place_only:
            return tuple(watch.root for watch in settings.watch)
        from catalog.roots import known_roots

        with self.catalogue.reading() as connection:
            known = known_roots(connection)
        return tuple(Path(os.fsdecode(root.path)) for root in known if root.availability != "retired")

    @cached_property
    def catalogue(self) -> "Catalogue":
        """Open the catalogue, which has to be of this program's version; it is closed when the command ends."""
        catalogue = self.any_catalogue
        from catalog.migrations.runner import require_current

        require_current(catalogue)
        return catalogue

    @cached_property
    def any_catalogue(self) -> "Catalogue":
        """Open the catalogue whatever its version is, for ``doctor`` and ``admin migrate``."""
        from catalog.engine import open_catalogue
        from config.secrets import catalogue_url

        catalogue = open_catalogue(catalogue_url(self.settings, os.environ))
        self._click.find_root().call_on_close(catalogue.close)
        return catalogue

    @cached_property
    def acting(self) -> "Acting":
        """Resolve who acts: the user of ``--as``, which is recorded, else the operating-system user."""
        from catalog.people import begin_request

        self._remember_account()
        return begin_request(self.catalogue, self.account, now=self.now(), via="cli", as_name=self.as_user)

    def administrator(self) -> "Acting":
        """Give who acts, or refuse the whole command to somebody who is no administrator."""
        acting = self.acting
        if not acting.is_administrator:
            raise NotForYou(f"`{self._click.command_path}` is for administrators, and {acting.name} is none")
        return acting

    def tell_of_look(self, *groups: str) -> None:
        """Record a look into these groups where it is an administrator's into a private one; once for each group."""
        fresh = frozenset(groups) - self._looked_into
        if not fresh:
            return
        from catalog.private_looks import record_looks

        command = self._click.command_path.removeprefix("coverslip ")
        record_looks(self.catalogue, self.acting, fresh, command=command, now=self.now(), via="cli")
        self._looked_into |= fresh

    def tell_of_look_at(self, target: "ObjectReference") -> None:
        """Record a look at an object, as `tell_of_look` does; raises NotFound for one out of sight."""
        from catalog.private_looks import group_of, may_be_recorded

        if not may_be_recorded(self.acting):
            return
        with self.catalogue.reading() as connection:
            group = group_of(connection, self.acting, target)
        self.tell_of_look(group)

    def refuse_as(self) -> None:
        """Refuse ``--as`` for a command that acts as the service itself."""
        if self.as_user is not None:
            raise click.UsageError(f"`{self._click.command_path}` acts as the service itself, not as a user")

    def refuse_unless_administrator(self) -> None:
        """Refuse a command that needs no catalogue to people that a catalogue knows as no administrators."""
        if self.as_user is not None:
            self.administrator()

    def now(self) -> datetime:
        """Give the time, UTC."""
        return datetime.now(UTC)

    def _remember_account(self) -> None:
        # Read before root becomes another account: the event names who called.
        _ = self.account

    def _tell_about(self, error: ConfigurationError, what_counts: str) -> None:
        first, *others = error.problems
        more = f" (and {len(others)} more)" if others else ""
        self.output.message(f"warning: the configuration is wrong, {what_counts}: {first}{more}")


def find_configuration(named: Path | None) -> Path:
    """Give the configuration file: the named one, else the variable's, else the first place that has one."""
    if named is not None:
        return named
    from_environment = os.environ.get(VARIABLE)
    if from_environment:
        return Path(from_environment)
    for place in PLACES:
        if place.exists():
            return _own(place)
    places = ", ".join(map(str, PLACES))
    raise UnusableConfiguration(
        f"no configuration: none was named, ${VARIABLE} is not set, and there is none at {places};"
        " name one with --config, or write one with `coverslip init DIR`"
    )


def _own(place: Path) -> Path:
    """Give a configuration that was found, not named, only when it is root's or one's own: who made it rules here."""
    owner = place.stat().st_uid
    if owner not in {0, os.geteuid()}:
        raise UnusableConfiguration(
            f"{place} was made by {name_of(owner)}, so it is not used unasked; if you trust it, say --config {place}"
        )
    return place


def with_context(function: Callable[Concatenate[Context, P], R]) -> Callable[P, R]:
    """Give a command's function its `Context` as first argument."""

    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(Context(click.get_current_context()), *args, **kwargs)

    return update_wrapper(wrapper, function)
