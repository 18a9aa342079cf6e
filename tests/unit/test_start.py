"""What the program does before a command runs: it imports undisturbed, and collects garbage from there on."""

import gc
from collections.abc import Iterator

import pytest

from daemon.start import collect_from_here, start_quickly


@pytest.fixture(autouse=True)
def own_collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PYDANTIC_DISABLE_PLUGINS", "")
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_a_command_is_imported_undisturbed_and_looked_after_from_there_on() -> None:
    start_quickly()
    assert gc.get_threshold()[0] > 200_000

    collect_from_here()

    assert gc.get_threshold()[0] == 50_000
    assert gc.get_freeze_count() > 0


def test_the_collector_of_another_program_stays_as_it_is() -> None:
    before = gc.get_threshold(), gc.get_freeze_count()

    collect_from_here()

    assert (gc.get_threshold(), gc.get_freeze_count()) == before
