"""Logs: one line a record, a constant event name with fields, for a terminal, the journal, or as JSON.

A record is written as ``logger.info("watcher.armed", extra={"root": name})``: the message is the event's name.
"""

import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TextIO

from catalog.names import display
from daemon.terminal import escape_line, wants_color

#: Lines of one event in one window; the rest is counted, and the count is told with the next line.
LINES_A_WINDOW = 30
WINDOW_S = 60.0
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_PASSWORD = re.compile(r"(://[^:/@\s]*):[^@\s]*@")
#: syslog's priorities, as the journal takes them at the start of a line.
_PRIORITIES = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}
_COLORS = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[1;31m", "DEBUG": "\x1b[2m"}
_RESET = "\x1b[0m"


class LogFormat(StrEnum):
    """How lines look; ``auto`` is the journal's when that is where they go, else text."""

    AUTO = "auto"
    TEXT = "text"
    JOURNAL = "journal"
    JSON = "json"


def configure_logs(
    wanted: LogFormat, environ: Mapping[str, str], stream: TextIO | None = None, *, level: str = "INFO"
) -> logging.Handler:
    """Send all records to ``stream`` (standard error) in the wanted format; replaces what was configured before."""
    stream = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(wanted, environ, stream))
    handler.addFilter(RateLimit(time.monotonic))
    root = logging.getLogger()
    for former in list(root.handlers):
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(level)
    for noisy in ("apscheduler", "watchdog", "alembic", "PIL", "tifffile"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.raiseExceptions = False  # a closed or full log must not disturb the work
    return handler


def _formatter(wanted: LogFormat, environ: Mapping[str, str], stream: TextIO) -> logging.Formatter:
    if wanted is LogFormat.AUTO:
        wanted = LogFormat.JOURNAL if goes_to_journal(environ, stream) else LogFormat.TEXT
    match wanted:
        case LogFormat.JSON:
            return JsonFormatter()
        case LogFormat.JOURNAL:
            return JournalFormatter()
        case _:
            return TextFormatter(is_colored=wants_color(stream))


def goes_to_journal(environ: Mapping[str, str], stream: TextIO) -> bool:
    """Tell whether a stream is connected to systemd's journal (systemd.exec(5), $JOURNAL_STREAM)."""
    device, _, inode = environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return (device, inode) == (str(status.st_dev), str(status.st_ino))


class TextFormatter(logging.Formatter):
    """``2026-03-01T09:00:00Z INFO    watcher.armed root=confocal folders=12``."""

    def __init__(self, *, is_colored: bool = False) -> None:
        super().__init__()
        self._is_colored = is_colored

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, and below it the traceback of an unexpected error."""
        line = f"{_at(record)} {record.levelname:7} {_words(record)}"
        if self._is_colored and record.levelname in _COLORS:
            line = f"{_COLORS[record.levelname]}{line}{_RESET}"
        return "\n".join([line, *_traceback(self, record)])


class JournalFormatter(logging.Formatter):
    """``<6>watcher.armed root=confocal``: the journal has the time, and takes the priority from the line."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line; each line of a traceback carries the priority, too."""
        priority = _PRIORITIES.get(record.levelname, 6)
        return "\n".join(f"<{priority}>{line}" for line in [_words(record), *_traceback(self, record)])


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the object; a traceback is a field."""
        document: dict[str, Any] = {"at": _at(record), "level": record.levelname.lower(), "event": _event(record)}
        document |= {key: _plain(value) for key, value in _fields(record).items()}
        lines = _traceback(self, record)
        if lines:
            document["traceback"] = "\n".join(lines)
        return json.dumps(document, default=str)


class RateLimit(logging.Filter):
    """Lets so many lines of an event (and of a root) through in a window, and counts the rest."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._windows: dict[tuple[str, str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether to write a record; the first of a new window says how many were left out."""
        key = (record.name, str(record.msg), str(getattr(record, "root", "")))
        now = self._monotonic()
        began, count = self._windows.get(key, (now, 0))
        if now - began >= WINDOW_S:
            if count > LINES_A_WINDOW:
                record.suppressed = count - LINES_A_WINDOW
            began, count = now, 0
        if len(self._windows) > 10_000:
            self._windows.clear()
        self._windows[key] = (began, count + 1)
        return count < LINES_A_WINDOW


def _at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _event(record: logging.LogRecord) -> str:
    return _without_secrets(escape_line(record.getMessage()))


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in record.__dict__.items() if key not in _STANDARD}


def _words(record: logging.LogRecord) -> str:
    fields = _fields(record)
    return " ".join([_event(record), *(f"{key}={_quoted(_plain(value))}" for key, value in fields.items())])


def _plain(value: Any) -> Any:
    """Make a value safe to print: bytes and texts escaped, passwords in URLs masked."""
    match value:
        case None | bool() | int() | float():
            return value
        case bytes():
            return _without_secrets(escape_line(display(value)))
        case list() | tuple() | set() | frozenset():
            return [_plain(item) for item in value]
        case _:
            return _without_secrets(escape_line(str(value)))


def _quoted(value: Any) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list) else "-" if value is None else str(value)
    return json.dumps(text, ensure_ascii=False) if not text or re.search(r'[\s="]', text) else text


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> list[str]:
    if not record.exc_info:
        return []
    text = formatter.formatException(record.exc_info)
    return [_without_secrets(escape_line(line)) for line in text.splitlines()]


def _without_secrets(text: str) -> str:
    return _PASSWORD.sub(r"\1:***@", text)
