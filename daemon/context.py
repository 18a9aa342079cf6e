"""What a command works with: settings, catalogue, acting user and output, each made when it is first used."""

import os
import pwd
from collections.abc import Callable
from functools import cached_property, update_wrapper
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from config.settings import Settings
from daemon.errors import UnusableConfiguration
from daemon.options import shared
from daemon.output import Output

P = ParamSpec("P")
R = TypeVar("R")

#: Where a configuration is looked for when none is named.
PLACES = (Path("coverslip.yaml"), Path("/etc/coverslip/coverslip.yaml"))
VARIABLE = "COVERSLIP_CONFIG"


class Context:
    """One call of one command. Nothing is read or opened before a command asks for it."""

    def __init__(self, click_context: click.Context) -> None:
        self._click = click_context

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
    def configuration(self) -> Path:
        """Give the configuration file that counts, or raise with the places that were looked at."""
        return find_configuration(self.named_configuration)

    @cached_property
    def settings(self) -> Settings:
        """Read and check the configuration."""
        from config.loader import load

        return load(self.configuration, environ=os.environ)


def find_configuration(named: Path | None) -> Path:
    """Give the configuration file: the named one, else the variable's, else the first place that has one."""
    if named is not None:
        return named
    from_environment = os.environ.get(VARIABLE)
    if from_environment:
        return Path(from_environment)
    for place in PLACES:
        if place.exists():
            return place
    looked_at = ", ".join(f"${VARIABLE}" if place is None else str(place) for place in (None, *PLACES))
    raise UnusableConfiguration(f"no configuration (looked at {looked_at}); write one with `coverslip init DIR`")


def account_name() -> str:
    """Give the name of the operating-system user, the number when the account has none."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def with_context(function: Callable[Concatenate[Context, P], R]) -> Callable[P, R]:
    """Give a command's function its `Context` as first argument."""

    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(Context(click.get_current_context()), *args, **kwargs)

    return update_wrapper(wrapper, function)
