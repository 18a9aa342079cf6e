"""The right to ingest, as the loop sees it: asked every second, and taken again when it was lost."""

from typing import Protocol

from catalog.errors import LockLost


class HeldLock(Protocol):
    """The lock of the one ingest of a catalogue."""

    def is_held(self) -> bool:
        """Tell whether the lock is still ours."""
        ...

    def take_again(self) -> bool:
        """Take it again if it was lost, and tell whether it is ours now."""
        ...


class NoLock:
    """For a loop whose caller knows that there is no other: always held."""

    def is_held(self) -> bool:
        """Say yes."""
        return True

    def take_again(self) -> bool:
        """Say yes."""
        return True


def require_held(lock: HeldLock) -> None:
    """Raise LockLost unless the lock is ours."""
    if not lock.is_held():
        raise LockLost("the ingest lock was lost with the connection to the catalogue")
