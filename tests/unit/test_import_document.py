"""What `import` says of the files that it looked at: each is told of."""

from dataclasses import replace

import pytest

from daemon.commands.import_ import ImportDocument, show
from daemon.output import Output

NOTHING = ImportDocument(
    scanned=0, imported=0, updated=0, unchanged=0, held=0, unmatched=0, failed=0, seconds=0.1, bytes=0
)


def test_files_that_are_ignored_or_not_whole_yet_are_told_of_too() -> None:
    assert replace(NOTHING, scanned=9, imported=2, updated=1, unchanged=1, held=1, unmatched=1, failed=1).others == 2
    assert replace(NOTHING, scanned=9, imported=2, stalled=3, failed=1).others == 3
    assert replace(NOTHING, scanned=3, imported=3).others == 0
    assert replace(NOTHING, scanned=3, imported=3, failed=1).others == 0, "a file is counted twice, none is left"


def test_what_stalled_is_said_for_itself_and_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    stalled = replace(NOTHING, scanned=5, imported=3, stalled=2)
    show(stalled, Output(as_json=False))
    told = capsys.readouterr()
    assert stalled.is_well
    assert "0 failed, 2 stalled (not whole in the time allowed)\n" in told.out
    assert "`coverslip queue` lists" in told.err
    assert not replace(stalled, failed=1).is_well
