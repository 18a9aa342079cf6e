"""Log lines: for a terminal, the journal and programs; safe to print, and never a flood."""

import io
import json
import logging
import os
import socket
from collections.abc import Iterator

import pytest

from daemon.logs import LINES_A_WINDOW, JournalFormatter, LogFormat, RateLimit, configure_logs, goes_to_journal


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, raises = list(root.handlers), root.level, logging.raiseExceptions
    yield
    root.handlers[:], logging.raiseExceptions = handlers, raises
    root.setLevel(level)


def _lines(wanted: LogFormat) -> tuple[logging.Logger, io.StringIO]:
    stream = io.StringIO()
    configure_logs(wanted, {}, stream)
    return logging.getLogger("test"), stream


def test_text_has_time_level_event_and_fields() -> None:
    logger, stream = _lines(LogFormat.TEXT)
    logger.info("watch.armed", extra={"root": "con focal", "folders": 3, "reason": None})
    line = stream.getvalue()
    assert line[10] == "T"
    assert line[19:] == 'Z INFO    watch.armed root="con focal" folders=3 reason=-\n'


def test_the_journal_gets_priorities_on_every_line() -> None:
    logger, stream = _lines(LogFormat.JOURNAL)
    logger.warning("a.b", extra={"x": 1})
    try:
        raise ValueError("boom")
    except ValueError:
        logger.exception("c.d")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "<4>a.b x=1"
    assert all(line.startswith("<3>") for line in lines[1:])
    assert lines[-1] == "<3>ValueError: boom"


def test_json_is_one_object_a_line() -> None:
    logger, stream = _lines(LogFormat.JSON)
    logger.error("a.b", extra={"name_of": b"\xff\n", "list": ("x", 1)})
    document = json.loads(stream.getvalue())
    assert (document["event"], document["level"], document["list"]) == ("a.b", "error", ["x", 1])
    assert document["name_of"] == "\\xff\\n"


@pytest.mark.parametrize("wanted", [LogFormat.TEXT, LogFormat.JOURNAL, LogFormat.JSON])
def test_names_from_outside_can_not_act_on_a_terminal_or_forge_a_line(wanted: LogFormat) -> None:
    logger, stream = _lines(wanted)
    logger.info("a.b", extra={"path": "x\n<0>forged\x1b[2J\u202e"})
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize("wanted", [LogFormat.TEXT, LogFormat.JOURNAL, LogFormat.JSON])
def test_passwords_in_urls_are_masked(wanted: LogFormat) -> None:
    logger, stream = _lines(wanted)
    logger.info("a.b", extra={"url": "postgresql+psycopg://me:s3cret@host/db"})
    try:
        raise ValueError("postgresql://me:s3cret@host/db is gone")
    except ValueError:
        logger.exception("c.d")
    assert "s3cret" not in stream.getvalue()
    assert "://me:***@host/db" in stream.getvalue()


def test_a_flood_is_cut_and_counted() -> None:
    now = [0.0]
    limit = RateLimit(lambda: now[0])
    record = logging.makeLogRecord({"name": "x", "msg": "a.b"})
    passed = [limit.filter(record) for _ in range(100)]
    assert passed == [True] * LINES_A_WINDOW + [False] * (100 - LINES_A_WINDOW)
    assert limit.filter(logging.makeLogRecord({"name": "x", "msg": "other"}))
    now[0] = 61.0
    fresh = logging.makeLogRecord({"name": "x", "msg": "a.b"})
    assert limit.filter(fresh)
    assert "suppressed=70" in JournalFormatter().format(fresh)


def test_the_journal_is_known_by_its_stream() -> None:
    one, other = socket.socketpair()
    with one, other, one.makefile("w") as stream:
        status = os.fstat(one.fileno())
        assert goes_to_journal({"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}, stream)
        assert not goes_to_journal({"JOURNAL_STREAM": f"{status.st_dev}:1"}, stream)
        assert not goes_to_journal({}, stream)
    assert not goes_to_journal({"JOURNAL_STREAM": "1:2"}, io.StringIO())
