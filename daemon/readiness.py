"""Tells the service manager how it goes: datagrams to ``$NOTIFY_SOCKET``, and nothing at all without one.

Protocol: sd_notify(3) and sd_watchdog_enabled(3).
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

logger = logging.getLogger(__name__)

#: A start that takes long asks for this much more time, and again after each of these, s.
MORE_TIME_S = 60
MORE_TIME_EVERY_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifier:
    """Sends to one socket; ``address`` is None without a service manager. Sending never raises and never blocks."""

    address: str | bytes | None
    #: How often the manager wants a sign of life, s; None when it does not watch us.
    watchdog_s: float | None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], *, pid: int) -> "Notifier":
        """Read where to send, and whether the watchdog means this process."""
        return cls(address=_address(environ.get("NOTIFY_SOCKET", "")), watchdog_s=_watchdog_s(environ, pid))

    def ready(self, status: str) -> None:
        """Tell that everything is started, or that a reload has ended."""
        self._send(f"READY=1\nSTATUS={_one_line(status)}")

    def status(self, text: str) -> None:
        """Tell in a line what is going on."""
        self._send(f"STATUS={_one_line(text)}")

    def reloading(self) -> None:
        """Tell that a reload begins; `ready` ends it."""
        microseconds = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send(f"RELOADING=1\nMONOTONIC_USEC={microseconds}")

    def stopping(self) -> None:
        """Tell that the shutdown has begun."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Give the watchdog its sign of life."""
        self._send("WATCHDOG=1")

    @contextmanager
    def takes_long(self, text: str) -> Iterator[None]:
        """Ask for more time again and again until the block ends: the manager's limit is for a start that is stuck.

        A block that ends soon asks for nothing.
        """
        if self.address is None:
            yield
            return
        ended = threading.Event()
        asking = threading.Thread(target=self._ask_for_time, args=(text, ended), name="more-time")
        asking.start()
        try:
            yield
        finally:
            ended.set()
            asking.join()

    def _ask_for_time(self, text: str, ended: threading.Event) -> None:
        while not ended.wait(MORE_TIME_EVERY_S):
            self._send(f"EXTEND_TIMEOUT_USEC={MORE_TIME_S * 1_000_000}\nSTATUS={_one_line(text)}")

    def _send(self, message: str) -> None:
        if self.address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto(message.encode("utf-8", errors="backslashreplace"), self.address)
        except OSError as error:
            logger.debug("readiness.not_sent", extra={"problem": str(error)})


@dataclass(slots=True, kw_only=True)
class Heartbeat:
    """Signs of life at half the interval, and only while progress is made: a stuck daemon must look stuck."""

    notifier: Notifier
    monotonic: Callable[[], float]
    _sent_at: float = float("-inf")
    _progress: int = -1

    def beat(self, progress: int) -> bool:
        """Send a sign of life when it is time and ``progress`` has changed since the last one."""
        interval_s = self.notifier.watchdog_s
        now = self.monotonic()
        if interval_s is None or now - self._sent_at < interval_s / 2 or progress == self._progress:
            return False
        self._sent_at, self._progress = now, progress
        self.notifier.alive()
        return True


def _address(text: str) -> str | bytes | None:
    if text.startswith("@"):
        return b"\0" + os.fsencode(text[1:])
    return text if text.startswith("/") else None


def _watchdog_s(environ: Mapping[str, str], pid: int) -> float | None:
    try:
        microseconds = int(environ.get("WATCHDOG_USEC", ""))
        meant = int(environ.get("WATCHDOG_PID", pid))
    except ValueError:
        return None
    return microseconds / 1_000_000 if microseconds > 0 and meant == pid else None


def _one_line(text: str) -> str:
    return " ".join(text.split())
