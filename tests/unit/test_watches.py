"""The watches of roots go on through a changed configuration, and their timers follow it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from config.settings import Settings, WatchSettings
from daemon.root_watch import PolledRoot, Watch
from daemon.running import scan_interval
from daemon.service import Watches
from ingest.hints import Hints
from tests.helpers.ingest_site import MARK


def settings_of(tmp_path: Path, *watch: WatchSettings) -> Settings:
    return Settings(
        file=tmp_path / "c.yaml", state_dir=tmp_path / "state", watch=watch, source_text="", digest=b"d" * 32
    )


def root_of(name: str, path: Path, **how: Any) -> WatchSettings:
    return WatchSettings(root=path, name=name, mark=MARK, rules=(), **how)


def polled(watch: WatchSettings, _settings: Settings, _hints: Hints) -> Watch:
    return PolledRoot(root=watch.name, reason="a test")


def test_another_time_between_scans_counts_and_the_watch_goes_on(tmp_path: Path) -> None:
    watches = Watches(hints=Hints(), build=polled)
    root = root_of("a", tmp_path, scan_every=timedelta(hours=1))
    watches.apply(settings_of(tmp_path, root))
    ((_, before),) = watches.all()

    watches.apply(settings_of(tmp_path, root.model_copy(update={"scan_every": timedelta(minutes=5)})))

    ((now, watch),) = watches.all()
    assert watch is before
    assert scan_interval(now, watch.report()) == timedelta(minutes=5)


def test_a_root_that_lies_elsewhere_is_watched_anew_and_one_that_left_no_more(tmp_path: Path) -> None:
    watches = Watches(hints=Hints(), build=polled)
    root, other = root_of("a", tmp_path / "a"), root_of("b", tmp_path / "b")
    watches.apply(settings_of(tmp_path, root, other))
    before = {settings.name: watch for settings, watch in watches.all()}

    watches.apply(settings_of(tmp_path, root.model_copy(update={"root": tmp_path / "c"})))

    ((now, watch),) = watches.all()
    assert (now.name, now.root, watch is before["a"]) == ("a", tmp_path / "c", False)
