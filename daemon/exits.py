"""Exit codes: what each kind of error means to a shell, decided in one place."""

from enum import IntEnum

import click

from catalog.errors import CatalogueError, CatalogueUnavailable, NotFound, NotUnderstood
from config.problems import ConfigurationError
from daemon.errors import AnotherInstance, DaemonError, NotForYou, UnusableConfiguration


class Exit(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    NOT_FOUND = 3
    ANOTHER_INSTANCE = 4
    NO_CATALOGUE = 5
    INTERRUPTED = 130


#: The first class that fits counts: special ones before their bases.
_CODES: tuple[tuple[type[BaseException], Exit], ...] = (
    (click.UsageError, Exit.USAGE),
    (ConfigurationError, Exit.USAGE),
    (UnusableConfiguration, Exit.USAGE),
    (NotForYou, Exit.NOT_FOUND),
    (NotFound, Exit.NOT_FOUND),
    (NotUnderstood, Exit.USAGE),
    (AnotherInstance, Exit.ANOTHER_INSTANCE),
    (CatalogueUnavailable, Exit.NO_CATALOGUE),
    (CatalogueError, Exit.REFUSED),
    (DaemonError, Exit.REFUSED),
    (click.ClickException, Exit.REFUSED),
    (OSError, Exit.REFUSED),
)


def exit_code(error: BaseException) -> Exit | None:
    """Give the exit code of an expected error, None for one that nobody expected."""
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    return None


def sentence(error: BaseException) -> str:
    """Give what a person reads about an expected error: one sentence (a configuration's problems: one line each)."""
    if isinstance(error, click.ClickException):
        return error.format_message().replace("\n\t", " ")  # click lists choices on lines of their own
    if isinstance(error, OSError):
        return _about_file(error)
    return str(error) or type(error).__name__


def _about_file(error: OSError) -> str:
    what = error.strerror or str(error) or type(error).__name__
    if error.filename is None:
        return what
    name = error.filename.decode("utf-8", "surrogateescape") if isinstance(error.filename, bytes) else error.filename
    return f"{name}: {what}"
