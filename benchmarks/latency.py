"""From the close of a file to its row and thumbnail, with ``settle: 0s``, against the close to an inotify callback."""

import sqlite3
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from watchdog.events import FileClosedEvent, FileSystemEventHandler
from watchdog.observers import Observer

from benchmarks.harness import BenchSite, Figure, bench_site, wait_for
from benchmarks.pictures import tiff_of


class _Closes(FileSystemEventHandler):
    """Notes when the close of a file was called back."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def on_closed(self, event: FileClosedEvent) -> None:
        """Note the moment."""
        self.at.setdefault(Path(str(event.src_path)).stem, time.monotonic())


class _Visible:
    """Polls the catalogue every 2 ms and notes when each image is there with its thumbnail."""

    def __init__(self, site: BenchSite) -> None:
        self.at: dict[str, float] = {}
        self._site = site
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="visible")

    def __enter__(self) -> "_Visible":
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _poll(self) -> None:
        sql = "SELECT image.id, name FROM image JOIN thumbnail ON image_id = image.id WHERE image.id > ?"
        last = 0
        with closing(sqlite3.connect(f"file:{self._site.database}?mode=ro", uri=True, timeout=30)) as connection:
            while not self._stop.wait(0.002):
                found = connection.execute(sql, (last,)).fetchall()
                self.at.update(dict.fromkeys((name for _, name in found), time.monotonic()))
                last = max([last, *(key for key, _ in found)])


def _drop(folder: Path, count: int, per_s: float) -> dict[str, float]:
    """Write ``count`` files at a steady rate and note when each was closed."""
    content = tiff_of(1)
    closed = {}
    folder.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, begin + number / per_s - time.monotonic()))
        path = folder / f"{folder.name}-{number:05}.tif"
        path.write_bytes(content)
        closed[path.stem] = time.monotonic()
    return closed


def _delays_ms(begun: dict[str, float], ended: dict[str, float]) -> list[float]:
    return [1000 * (ended[name] - at) for name, at in begun.items()]


def measure(*, count: int) -> Iterator[Figure]:
    """Measure the delay at 20 files a second; the first second is left out (warm-up)."""
    with bench_site() as site, site.daemon():
        baseline = _baseline(site.folder / "beside", count=count // 4)
        with _Visible(site) as visible:
            _drop(site.inbox / "p" / "warm", 20, 20)
            closed = _drop(site.inbox / "p" / "d", count, 20)
            wait_for(lambda: len(visible.at) == count + 20, within_s=120)
        delays = _delays_ms(closed, visible.at)
    median, p99 = statistics.median(delays), statistics.quantiles(delays, n=100)[98]
    base = statistics.median(baseline)
    yield Figure(
        number=3,
        name=f"close of a file to row and thumbnail ({count} files, 20/s, settle 0s)",
        value=f"median {median:.0f} ms, p99 {p99:.0f} ms",
        baseline=f"inotify callback {base:.2f} ms",
        ratio=median / base,
        target="median <= 60 ms, p99 <= 250 ms",
        holds=median <= 60 and p99 <= 250,
        spread=f"{min(delays):.0f} .. {max(delays):.0f} ms",
    )


def _baseline(folder: Path, *, count: int) -> list[float]:
    folder.mkdir()
    handler = _Closes()
    observer = Observer()
    observer.schedule(handler, str(folder))
    observer.start()
    try:
        closed = _drop(folder, count, 20)
        wait_for(lambda: len(handler.at) == count, within_s=30)
    finally:
        observer.stop()
        observer.join()
    return _delays_ms(closed, handler.at)
