"""Errors of the running thing and its command line: the message says what, where and what to do."""


class DaemonError(Exception):
    """The base of all errors of this package (exit code 1)."""


class UnusableConfiguration(DaemonError):  # noqa: N818 - reads as the answer it is
    """There is no configuration, or it lacks what the command needs (exit code 2)."""


class NotForYou(DaemonError):  # noqa: N818 - reads as the answer it is
    """The whole command is not for this person (exit code 3)."""


class AnotherInstance(DaemonError):  # noqa: N818 - reads as the answer it is
    """Another process holds the ingest of this catalogue (exit code 4); ``holder`` says which, for people."""

    def __init__(self, holder: object) -> None:
        self.holder = holder
        super().__init__(f"another instance is running: {holder}; stop it first, or let it do the work")


class Failed(DaemonError):  # noqa: N818 - reads as the answer it is
    """The command could not do what was asked, for a reason outside the catalogue (exit code 1)."""
