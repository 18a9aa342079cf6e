"""What `queue` says beside a file: why a person is asked about it."""

from typing import Any

import pytest

from catalog.queue import QueueRow
from daemon.commands.queue import why_here


def row(state: str, owner_differs: dict[str, Any] | None) -> QueueRow:
    return QueueRow(
        path="/data/x.tif", root="r", state=state, reason="its state's reason", rule=None, group=None, size_bytes=1,
        attempts=0, next_try_at=None, missing_since=None, owner_differs=owner_differs,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "differs", "said"),
    [
        ("held", None, "its state's reason"),
        ("missing", {"owner": "bob", "group": "lab"}, "its state's reason"),
        ("imported", {"owner": "bob", "group": None}, "moved; the folder says owner bob, group of others: "),
        ("imported", {"reason": "'x' is not a user here"}, "does not tell whose it is: 'x' is not a user here"),
    ],
)
def test_a_moved_file_that_is_imported_stands_in_the_queue_with_what_its_folder_says(
    state: str, differs: dict[str, Any] | None, said: str
) -> None:
    assert said in why_here(row(state, differs))
