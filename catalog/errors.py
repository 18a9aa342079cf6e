"""Errors of the catalogue: fields for the caller, one line for the person."""


class CatalogueError(Exception):
    """The base of all errors of the catalogue; the message says what, where and what to do."""


class NotFound(CatalogueError):  # noqa: N818 - reads as the answer it is
    """The object does not exist, or may not be seen: the two look alike (exit code 3)."""


class NotUnderstood(CatalogueError):  # noqa: N818 - reads as the answer it is
    """What was asked for is not written as it should be: `image:x`, a well `33B` ... (exit code 2)."""


class NoAccess(NotFound):
    """The account can't use the catalogue's database itself (exit code 3)."""


class NotAllowed(CatalogueError):  # noqa: N818 - reads as the answer it is
    """The object may be seen but not changed; the message says why and who may (exit code 1)."""


class FixedByFile(CatalogueError):  # noqa: N818 - reads as the answer it is
    """The configuration file fixes this; the message names file and line (exit code 1)."""


class Refused(CatalogueError):  # noqa: N818 - reads as the answer it is
    """The change can't be made as asked: a name in use, not a member ... (exit code 1)."""


class BackupFailed(CatalogueError):  # noqa: N818 - reads as the answer it is
    """The backup could not be made (exit code 1)."""


class CatalogueUnavailable(CatalogueError):  # noqa: N818 - reads as the answer it is
    """The catalogue is missing, newer or older than the program, or out of reach (exit code 5)."""


class CatalogueBusy(CatalogueUnavailable):
    """The database can't be used just now (locked, connection lost, disk full): the same call may work later."""


class LockLost(CatalogueUnavailable):
    """The ingest lock is not ours any more: nothing may be claimed or committed (exit code 5)."""
