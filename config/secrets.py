"""Secrets: from the environment or a systemd credential, never from the configuration file, and never printed."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from config.problems import ConfigurationError, Problem
from config.settings import Settings

PASSWORD_VARIABLE = "COVERSLIP_CATALOG_PASSWORD"  # noqa: S105 - the name of a variable
CREDENTIAL = "catalog-password"
LARGEST_CREDENTIAL_BYTES = 4096
POSTGRESQL = ("postgresql", "postgresql+psycopg")
_PASSWORD_OPTION = re.compile(r"[?&;](password|passfile|sslpassword)=", re.IGNORECASE)


class SecretText(str):
    """A text that holds a secret: usable as a text, masked where it is represented."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Give no part of the secret."""
        return "'<secret>'"


def catalogue_url(settings: Settings, environ: Mapping[str, str]) -> str:
    """Give the URL to open the catalogue with: the SQLite path absolute, the PostgreSQL password put in.

    What is returned may hold the password: it is for the engine, not for people. Raises ConfigurationError when the
    credential can't be read.
    """
    file = catalogue_file(settings)
    if file is not None:
        return f"sqlite:///{file}"
    _, rest = settings.catalog.url.split("://", 1)
    password = catalogue_password(environ)
    if password is None:
        return f"postgresql+psycopg://{rest}"
    user, _, host = rest.rpartition("@")
    return SecretText(f"postgresql+psycopg://{user}:{quote(password, safe='')}@{host}")


def catalogue_file(settings: Settings) -> Path | None:
    """Give the file of an SQLite catalogue, None for one that a server keeps."""
    url = settings.catalog.url
    return settings.state_dir / url.removeprefix("sqlite:///") if url.startswith("sqlite:") else None


def catalogue_password(environ: Mapping[str, str]) -> str | None:
    """Give the password from the environment, else from systemd's credential; None: the server asks for none."""
    if environ.get(PASSWORD_VARIABLE):
        return SecretText(environ[PASSWORD_VARIABLE])
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return None
    path = Path(folder) / CREDENTIAL
    try:
        with path.open("rb") as opened:
            text = opened.read(LARGEST_CREDENTIAL_BYTES).decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it is not UTF-8"
        raise ConfigurationError([_credential_problem(path, reason)]) from None
    return SecretText(text.rstrip("\r\n")) or None


def _credential_problem(path: Path, reason: str) -> Problem:
    hint = f"set the systemd credential {CREDENTIAL}, or {PASSWORD_VARIABLE}"
    message = f"the password can't be read: {reason}"
    return Problem(file=str(path), line=1, column=1, key="catalog.url", message=message, hint=hint)


def url_fault(url: str) -> tuple[str, str] | None:
    """Say what is wrong with ``catalog.url`` and what to do; never repeats it, it may hold a password."""
    scheme, separator, rest = url.partition("://")
    if scheme == "sqlite" and separator:
        return _sqlite_fault(rest)
    if scheme not in POSTGRESQL or not separator:
        return "this is no catalogue that is known", "sqlite:///catalog.db or postgresql+psycopg://user@host/db"
    user = rest.split("/", 1)[0].rpartition("@")[0]
    if ":" in user or _PASSWORD_OPTION.search(rest) or "@" in rest.partition("/")[2]:
        return "a password must not stand in this file", f"set {PASSWORD_VARIABLE}, or the credential {CREDENTIAL}"
    try:
        parts = urlsplit(url)
        has_all = bool(user) and bool(parts.path.strip("/")) and (parts.port or 1) > 0
    except ValueError:
        has_all = False
    if not has_all:
        return "user, host or database are missing", "postgresql+psycopg://user@host/db"
    return None


def _sqlite_fault(rest: str) -> tuple[str, str] | None:
    if not rest.startswith("/") or not rest.removeprefix("/") or rest.endswith("/"):
        return "a file is expected after sqlite:///", "sqlite:///catalog.db"
    if "?" in rest or ":memory:" in rest:
        return "an SQLite catalogue is a plain file, without options", "sqlite:///catalog.db"
    return None
