"""The watcher against the real kernel: what happens in a root becomes hints, and nothing is missed in silence."""

import errno
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from watchdog.observers.inotify_c import InotifyFD

from config.mount_table import read_mounts
from daemon import root_watch
from daemon.mounts import devices_that_count_folders
from daemon.root_watch import RootWatch, WatchState
from ingest.hints import Hint, Hints
from tests.helpers.program import PATIENCE_S, wait_until


class Inbox:
    """Takes hints as the ingest loop does, and keeps them."""

    def __init__(self) -> None:
        self.hints = Hints()
        self.taken: list[Hint] = []
        self.overflows = 0

    def take(self) -> list[Hint]:
        while True:
            hints, overflows = self.hints.take()
            self.taken += hints
            self.overflows += sum(overflows.values())
            if not hints:
                return self.taken

    def clear(self) -> None:
        self.take()
        self.taken = []

    def covers(self, path: bytes, *, closed: bool = False) -> bool:
        folder, _, name = path.rpartition(b"/")
        for hint in self.take():
            is_named = hint.names is None or name in (hint.closed if closed else hint.names)
            if hint.directory == folder and is_named:
                return True
            below = hint.directory == b"" or folder.startswith(hint.directory + b"/") or folder == hint.directory
            if hint.is_tree and below:
                return True
        return False


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    made.mkdir()
    return made


@pytest.fixture
def watch(root: Path, inbox: Inbox) -> Iterator[Callable[..., RootWatch]]:
    started: list[RootWatch] = []

    def start(**options: Any) -> RootWatch:
        options.setdefault("is_left_out", lambda _path: False)
        made = RootWatch(root="r", path=os.fsencode(root), hints=inbox.hints, **options)
        made.start()
        assert made.wait_armed(PATIENCE_S)
        started.append(made)
        return made

    yield start
    for one in started:
        one.stop()
    assert not [thread.name for thread in threading.enumerate() if thread.name in ("arm-r", "watch-r")]


def test_the_pinned_watchdog_is_the_one_that_was_measured() -> None:
    assert version("watchdog") == "7.1.0"
    for private in ("_closed", "_is_reading", "_inotify_fd"):
        reader = InotifyFD()
        assert hasattr(reader, private)
        reader._close_resources()


def test_a_closed_file_is_hinted_as_closed(watch: Callable[..., RootWatch], root: Path, inbox: Inbox) -> None:
    watch()
    (root / "a.tif").write_bytes(b"x")
    wait_until(lambda: inbox.covers(b"a.tif", closed=True))


def test_a_file_renamed_into_place_counts_as_closed(
    watch: Callable[..., RootWatch], root: Path, inbox: Inbox, tmp_path: Path
) -> None:
    watch()
    (tmp_path / "outside").write_bytes(b"x")
    (tmp_path / "outside").rename(root / "a.tif")
    wait_until(lambda: inbox.covers(b"a.tif", closed=True))


def test_hard_links_and_deletions_are_hinted(
    watch: Callable[..., RootWatch], root: Path, inbox: Inbox, tmp_path: Path
) -> None:
    (root / "old").write_bytes(b"x")
    watch()
    os.link(root / "old", root / "link")
    wait_until(lambda: inbox.covers(b"link"))
    (root / "old").unlink()
    wait_until(lambda: inbox.covers(b"old"))


def test_reading_makes_no_hint(watch: Callable[..., RootWatch], root: Path, inbox: Inbox) -> None:
    (root / "a.tif").write_bytes(b"x")
    made = watch()
    (root / "a.tif").read_bytes()
    os.listdir(root)
    (root / "last").touch()
    wait_until(lambda: inbox.covers(b"last"))
    assert not inbox.covers(b"a.tif")
    assert made.report().state is WatchState.WATCHING


def test_files_are_not_listed_where_the_number_of_links_says_that_no_folder_is_among_them(
    watch: Callable[..., RootWatch], root: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Listing a million files took half of the time that it takes to watch their folders."""
    for leaf in ("upper/leaf", "upper/other"):
        (root / leaf).mkdir(parents=True)
        (root / leaf / "file").write_bytes(b"x")
    listed: list[int] = []
    scandir = os.scandir

    def noted(place: Any) -> Any:
        listed.append(os.stat(place).st_ino)
        return scandir(place)

    monkeypatch.setattr(os, "scandir", noted)
    made = watch()
    counts = root.stat().st_dev in devices_that_count_folders(read_mounts())
    folders = ("", "upper") if counts else ("", "upper", "upper/leaf", "upper/other")
    assert sorted(listed) == sorted((root / folder).stat().st_ino for folder in folders)
    assert made.report().watched_count == 4
    (root / "upper/leaf/late").mkdir()
    (root / "upper/leaf/late/file").write_bytes(b"x")
    wait_until(lambda: inbox.covers(b"upper/leaf/late/file"))
    wait_until(lambda: made.report().watched_count == 5)


def test_new_trees_leave_no_gap(watch: Callable[..., RootWatch], root: Path, inbox: Inbox) -> None:
    made = watch()
    paths = [Path(f"d{a}/e{b}/f{c}/file-{n}") for a in range(3) for b in range(3) for c in range(3) for n in range(5)]
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")
    for path in paths:
        wait_until(partial(inbox.covers, os.fsencode(path)), every_s=0.02)
    wait_until(lambda: made.report().watched_count == 1 + 3 + 9 + 27)
    inbox.clear()
    (root / "d1/e1/f1/late").write_bytes(b"x")
    wait_until(lambda: inbox.covers(b"d1/e1/f1/late", closed=True))


def test_folders_moved_in_within_and_out_keep_their_names_right(
    watch: Callable[..., RootWatch], root: Path, inbox: Inbox, tmp_path: Path
) -> None:
    made = watch()
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "old").write_bytes(b"x")
    outside.rename(root / "in")
    wait_until(lambda: inbox.covers(b"in/deep/old"))
    wait_until(lambda: made.report().watched_count == 3)
    (root / "in").rename(root / "in again")
    wait_until(lambda: inbox.covers(b"in again/deep/old"))
    wait_until(lambda: made.report().watched_count == 3)
    inbox.clear()
    (root / "in again" / "deep" / "new").write_bytes(b"x")
    wait_until(lambda: inbox.covers(b"in again/deep/new", closed=True))
    (root / "in again").rename(outside)
    wait_until(lambda: made.report().watched_count == 1)
    inbox.clear()
    (outside / "deep" / "unseen").write_bytes(b"x")
    (root / "seen").write_bytes(b"x")
    wait_until(lambda: inbox.covers(b"seen"))
    assert {hint.directory for hint in inbox.take()} == {b""}


def test_zarr_and_ignored_folders_are_not_watched(watch: Callable[..., RootWatch], root: Path, inbox: Inbox) -> None:
    (root / "old.zarr" / "0").mkdir(parents=True)
    (root / "kept").mkdir()
    made = watch(is_left_out=lambda path: path.endswith(b"trash"))
    assert made.report().watched_count == 2
    (root / "new.ZARR" / "0").mkdir(parents=True)
    (root / "kept" / "trash" / "sub").mkdir(parents=True)
    (root / "kept" / "last").mkdir()
    wait_until(lambda: made.report().watched_count == 3)
    assert inbox.covers(b"new.ZARR")
    assert not made.report().unwatched


def test_names_of_any_bytes_and_links_are_taken_as_they_are(
    watch: Callable[..., RootWatch], root: Path, inbox: Inbox, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    made = watch()
    odd = os.fsencode(root) + b"/\xff\n\x1b[31m"
    os.mkdir(odd)
    (root / "link").symlink_to(tmp_path / "elsewhere")
    wait_until(lambda: made.report().watched_count == 2)
    with open(odd + b"/\xfe.tif", "wb"):
        pass
    wait_until(lambda: inbox.covers(b"\xff\n\x1b[31m/\xfe.tif"))
    (tmp_path / "elsewhere" / "x").touch()
    assert made.report().watched_count == 2


def test_the_watch_limit_is_degraded_and_named_until_it_is_raised(
    watch: Callable[..., RootWatch], root: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        (root / name).mkdir()
    add, limit = InotifyFD.add_callback, [2]

    def limited(self: InotifyFD, path: bytes, mask: Any, callback: Any, id_: Any) -> Any:
        if len(self._watch_for_wd) >= limit[0]:
            raise OSError(errno.ENOSPC, "inotify watch limit reached")
        return add(self, path, mask, callback, id_)

    monkeypatch.setattr(InotifyFD, "add_callback", limited)
    monkeypatch.setattr(root_watch, "RETRY_EVERY_S", 0.1)
    made = watch()
    report = made.report()
    assert (report.state, report.watched_count, report.unwatched_count) == (WatchState.DEGRADED, 2, 2)
    assert report.reason == "the limit of watches is reached (raise fs.inotify.max_user_watches)"
    assert {name for name, _ in report.unwatched} < {b"a", b"b", b"c"}
    inbox.clear()
    limit[0] = 100
    wait_until(lambda: made.report().state is WatchState.WATCHING)
    # What came meanwhile is looked at.
    wait_until(lambda: all(inbox.covers(name + b"/file") for name, _ in report.unwatched))


@pytest.mark.needs_root
def test_a_folder_that_may_not_be_read_is_named(
    watch: Callable[..., RootWatch], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "closed").mkdir()
    opened = os.open

    def refusing(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == b"closed":
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)
    report = watch().report()
    assert (report.state, report.unwatched) == (WatchState.DEGRADED, ((b"closed", "it may not be read"),))


def test_an_overflow_is_counted_and_the_tree_armed_again(
    watch: Callable[..., RootWatch], root: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(root_watch, "STUCK_AFTER_S", float("inf"))
    made = watch()
    session = made._session
    assert session is not None
    with session._lock:  # the reader stands still while the kernel's queue fills
        for number in range(8000):
            (root / f"{number}").touch()
            (root / f"{number}").unlink()
        (root / "unseen" / "deep").mkdir(parents=True)
    wait_until(lambda: inbox.take() is not None and inbox.overflows >= 1)
    wait_until(lambda: made.report().watched_count == 3)
    assert made.report().overflow_count >= 1
    inbox.clear()
    (root / "unseen" / "deep" / "x").touch()
    wait_until(lambda: inbox.covers(b"unseen/deep/x"))


def test_a_root_that_is_removed_and_made_again_is_watched_again(
    watch: Callable[..., RootWatch], root: Path, inbox: Inbox
) -> None:
    (root / "sub").mkdir()
    made = watch()
    shutil.rmtree(root)
    wait_until(lambda: made.report().state is WatchState.UNAVAILABLE)
    assert "out of reach" in (made.report().reason or "")
    inbox.clear()
    root.mkdir()
    (root / "while away").touch()
    wait_until(lambda: made.report().state is WatchState.WATCHING)
    wait_until(lambda: inbox.covers(b"while away"))
    (root / "after").touch()
    wait_until(lambda: inbox.covers(b"after", closed=True))


def test_a_root_swapped_for_another_folder_is_noticed(
    watch: Callable[..., RootWatch], root: Path, inbox: Inbox
) -> None:
    made = watch()
    root.rename(root.with_name("former"))
    root.mkdir()
    wait_until(lambda: made.report().restart_count >= 1 and made.report().state is WatchState.WATCHING)
    inbox.clear()
    (root / "new").touch()
    wait_until(lambda: inbox.covers(b"new", closed=True))
    (root.with_name("former") / "old").touch()
    assert not inbox.covers(b"old")


def test_a_root_that_is_missing_at_the_start_is_no_failure(
    watch: Callable[..., RootWatch], root: Path, inbox: Inbox
) -> None:
    root.rmdir()
    made = watch()
    assert made.report().state is WatchState.UNAVAILABLE
    root.mkdir()
    wait_until(lambda: made.report().state is WatchState.WATCHING)


def test_a_dead_reader_is_replaced_and_everything_looked_at(
    watch: Callable[..., RootWatch], root: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = watch()
    session = made._session
    assert session is not None
    read = InotifyFD.read_events

    def failing(self: InotifyFD, **options: Any) -> Any:
        if self is session._reader:
            self._stopped_event.set()  # ends the thread as an error would, without the noise
            return []
        return read(self, **options)

    monkeypatch.setattr(InotifyFD, "read_events", failing)
    (root / "kick").touch()
    wait_until(lambda: made.report().restart_count == 1 and made.report().state is WatchState.WATCHING)
    wait_until(lambda: inbox.covers(b"anything"))
    inbox.clear()
    (root / "after").touch()
    wait_until(lambda: inbox.covers(b"after", closed=True))


def test_a_stuck_reader_is_replaced(
    watch: Callable[..., RootWatch], root: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(root_watch, "STUCK_AFTER_S", 0.3)
    monkeypatch.setattr(root_watch, "LOOK_EVERY_S", 0.05)
    made = watch()
    session = made._session
    assert session is not None
    release = threading.Event()
    session._note = lambda *_: release.wait(PATIENCE_S)  # type: ignore[method-assign, assignment]  # the fault
    (root / "first").touch()
    wait_until(lambda: session.events_seen > 0)
    (root / "second").touch()  # it stays in the kernel
    wait_until(lambda: made.report().restart_count >= 1 and made.report().state is WatchState.WATCHING)
    release.set()
    session._reader.join(5)
    (root / "after").touch()
    wait_until(lambda: inbox.covers(b"after", closed=True))


def test_a_pause_of_the_whole_process_does_not_make_the_reader_stuck(
    watch: Callable[..., RootWatch], root: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would cost the events in the queue, and nobody would know of an overflow among them."""
    monkeypatch.setattr(root_watch, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(root_watch, "RETRY_EVERY_S", float("inf"))
    ahead_s, looks = [0.0], [0]

    def monotonic() -> float:
        looks[0] += 1
        return time.monotonic() + ahead_s[0]

    made = watch(monotonic=monotonic)
    session = made._session
    assert session is not None
    with session._lock:
        (root / "first").touch()
        wait_until(lambda: session.events_seen > 0)
        (root / "4").touch()  # it stays in the kernel
        assert session.pending_bytes() > 0
        for ahead_s[0] in (0.0, 100.0):
            before = looks[0]
            wait_until(lambda: looks[0] > before + 5)  # noqa: B023 - waited for here
    wait_until(lambda: inbox.covers(b"4", closed=True))
    assert made.report().restart_count == 0


def test_a_callback_that_fails_costs_a_scan_and_no_thread(
    watch: Callable[..., RootWatch], root: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = watch(is_left_out=lambda path: 1 // 0 > 0)  # the fault
    (root / "sub").mkdir()
    wait_until(lambda: inbox.take() is not None and inbox.overflows >= 1)
    (root / "file").touch()
    wait_until(lambda: inbox.covers(b"file"))
    assert made.report().restart_count == 0


def test_twenty_thousand_files_in_a_burst_are_all_hinted(
    watch: Callable[..., RootWatch], root: Path, inbox: Inbox
) -> None:
    session = watch()._session
    assert session is not None
    for folder in range(20):
        (root / f"{folder}").mkdir()
        for number in range(1000):
            (root / f"{folder}" / f"{number}").touch()
        # The kernel's queue is not to overflow because this machine lets one thread wait: it takes twice as much.
        wait_until(lambda: session.pending_bytes() < 200_000, every_s=0.001)
    wait_until(lambda: all(inbox.covers(b"%d/999" % folder) for folder in range(20)))
    assert inbox.overflows == 0
