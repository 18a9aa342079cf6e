"""What `history` and `why` print of an event, on one line."""

from datetime import UTC, datetime
from typing import Any

from catalog.documents import HistoryRow
from daemon.commands.history import change_of


def row(after: dict[str, Any]) -> HistoryRow:
    return HistoryRow(
        at=datetime(2026, 5, 4, tzinfo=UTC), actor=None, acting_as=None, via="daemon", what="imported", object=None,
        before=None, after=after, configuration_id=None,
    )  # fmt: skip


def test_what_a_long_event_says_in_sentences_comes_before_the_cut() -> None:
    note = "'platemap.csv' has no line for well B3"
    shown = change_of(row({"images": list(range(60)), "rule": "r#1", "table": note}))
    assert note in shown
    assert shown.endswith("...")
    assert len(shown) == 100


def test_a_short_event_is_shown_whole() -> None:
    assert change_of(row({"images": [1]})) == '{"images": [1]}'
