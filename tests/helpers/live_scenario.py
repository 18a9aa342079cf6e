"""A live daemon that is killed again and again while people go on writing beside it, at instants nobody chose.

A feeder tells stories of files: single, multi-series, growing, growing in an open file, replaced, moved, moved with
their folder, deleted and put back, held until their person becomes known; images of several files that get more and
move; copies in storage, which move there, go, or are all that is left. No name is used twice, so that a path that the
catalogue knew at any time leads to where its file is now.
"""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from catalog.engine import open_catalogue
from catalog.models.ingest import Job
from tests.helpers.invariants import Entry, Identity, identities, snapshot, violations
from tests.helpers.kill_scenario import Imports, Tally
from tests.helpers.kill_stages import ADA, ROOTS, archived, growing_bytes, series_bytes, write_configuration
from tests.helpers.pictures import png_bytes, put, tiff_bytes
from tests.helpers.program import PATIENCE_S

Story = Iterator[None]
HELD = "smith-lab/zz9z/p/d"


class Feeder(threading.Thread):
    """Goes on with a random story at a time, a few ms after the last, until all are told.

    ``lock`` is held for the length of a step: who holds it sees the disk stand still.
    """

    def __init__(self, data: Path, *, stories: int, seed: int) -> None:
        super().__init__(name="feeder")
        self.lock = threading.Lock()
        #: Images by path, as they must be once the last story is told.
        self.complete: dict[str, int] = {}
        #: Copies in storage that must then be known as places of an image.
        self.stored: set[str] = set()
        self.stop = threading.Event()
        self.failure: BaseException | None = None
        self._data = data
        self._chance = random.Random(seed)
        self._renamed: dict[str, str] = {}
        tellers: tuple[Callable[[int], Story], ...] = (
            self._single, self._series, self._growing, self._growing_open, self._moved, self._folder, self._deleted,
            self._held, self._reserved, self._stack, self._stored,
        )  # fmt: skip
        self._stories = [tellers[number % len(tellers)](number) for number in range(stories)]

    def run(self) -> None:
        """Tell all stories."""
        try:
            while self._stories and not self.stop.is_set():
                story = self._chance.choice(self._stories[:12])
                with self.lock:
                    try:
                        next(story)
                    except StopIteration:
                        self._stories.remove(story)
                self.stop.wait(self._chance.choice((0.0, 0.005, 0.02, 0.06)))
        except BaseException as error:  # noqa: BLE001 - told by the play
            self.failure = error
        finally:
            for story in self._stories:
                story.close()  # type: ignore[attr-defined]  # a generator with a file open

    def now(self, path: str) -> str:
        """Give where the file is now that once was at a path."""
        while path in self._renamed:
            path = self._renamed[path]
        return path

    def _put(self, path: str, data: bytes, images: int = 1) -> None:
        put(self._data / path, data)
        self.complete[path] = images

    def _rename(self, old: str, new: str) -> None:
        (self._data / new).parent.mkdir(parents=True, exist_ok=True)
        (self._data / old).rename(self._data / new)
        for path in [path for path in self.complete if path == old or path.startswith(old + "/")]:
            moved = new + path[len(old) :]
            self._renamed[path] = moved
            self.complete[moved] = self.complete.pop(path)

    def _single(self, number: int) -> Story:
        path = f"{ADA}/d{number % 5}/single{number}.tif"
        self._put(path, tiff_bytes(number))
        yield
        put(self._data.parent / f"aside{number}", tiff_bytes(number + 5000)).rename(self._data / path)
        yield

    def _series(self, number: int) -> Story:
        self._put(f"{ADA}/d{number % 5}/series{number}.ome.tif", series_bytes(), 2)
        self._put(f"{ADA}/d{number % 5}/picture{number}.png", png_bytes(number))
        yield

    def _growing(self, number: int) -> Story:
        path, data = self._data / f"{ADA}/g/growing{number}.tif", growing_bytes()
        for start in range(0, len(data), 5000):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(data[start : start + 5000])
            yield
        self.complete[f"{ADA}/g/growing{number}.tif"] = 1

    def _growing_open(self, number: int) -> Story:
        path, data = self._data / f"{ADA}/g/open{number}.tif", growing_bytes()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb", buffering=0) as file:
            for start in range(0, len(data), 5000):
                file.write(data[start : start + 5000])
                yield
        self.complete[f"{ADA}/g/open{number}.tif"] = 1

    def _moved(self, number: int) -> Story:
        path = f"{ADA}/m/moved{number}.tif"
        self._put(path, tiff_bytes(number))
        for step in range(3):
            yield
            self._rename(self.now(path), f"{ADA}/m{step}/moved{number}-{step}.tif")

    def _folder(self, number: int) -> Story:
        folder = f"{ADA}/folder{number}"
        for name in ("a.tif", "b.tif", "c.tif"):
            self._put(f"{folder}/in/{name}", tiff_bytes(number + ord(name[0])))
            yield
        self._rename(folder, f"{folder}-again")
        yield
        self._rename(f"{folder}-again", f"{ADA}/other/{number}")

    def _deleted(self, number: int) -> Story:
        path = f"{ADA}/d{number % 5}/deleted{number}.tif"
        self._put(path, tiff_bytes(number))
        yield
        yield
        (self._data / path).unlink()
        del self.complete[path]
        yield
        if number % 2:
            self._put(path, tiff_bytes(number))

    def _held(self, number: int) -> Story:
        self._put(f"{HELD}/held{number}.tif", tiff_bytes(number))
        yield

    def _stack(self, number: int) -> Story:
        folder = f"{ADA}/stack{number}"
        for z in range(1, 4):
            self._put(f"{folder}/cell_z{z}.tif", tiff_bytes(10_000 + 10 * number + z))
            yield
        self._rename(folder, f"{folder}-moved")

    def _stored(self, number: int) -> Story:
        """Archive a file; then let the copy move, or go, or be all that is left."""
        path, copy = f"{ADA}/d{number % 5}/archived{number}.tif", f"2026/{number}.tif"
        archive = self._data.parent / ROOTS["archive"]
        self._put(path, tiff_bytes(20_000 + number))
        yield
        archived(self._data.parent, path, copy)
        self.stored.add(copy)
        yield
        self.stored.remove(copy)
        if number % 3 == 0:
            (archive / copy).unlink()
        elif number % 3 == 1:
            (archive / "old").mkdir(exist_ok=True)
            (archive / copy).rename(archive / f"old/{number}.tif")
            self.stored.add(f"old/{number}.tif")
        else:  # whether the copy is known as a place hangs on which of the two was read first
            (self._data / path).unlink()
            del self.complete[path]

    def _reserved(self, number: int) -> Story:
        path, data = self._data / f"{ADA}/g/reserved{number}.tif", tiff_bytes(number, 128)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(len(data))
        for end in (9000, 20_000, len(data)):
            yield
            with path.open("r+b") as file:
                file.write(data[:end])
        self.complete[f"{ADA}/g/reserved{number}.tif"] = 1


@dataclass(slots=True, kw_only=True)
class LivePlay:
    """A daemon on the catalogue at ``url``, killed ``kills`` times beside a feeder, then let be and checked."""

    imports: Imports
    folder: Path
    url: str
    tally: Tally
    kills: int
    seed: int
    known: dict[str, Identity] = field(default_factory=dict)

    @property
    def roots(self) -> dict[str, Path]:
        """Give the watched folder and the storage by the names of their roots."""
        return {name: self.folder / folder for name, folder in ROOTS.items()}

    def run(self) -> None:
        """Play it."""
        data, chance = self.folder / "data", random.Random(self.seed)
        for root in self.roots.values():
            root.mkdir()
        write_configuration(self.folder, self.url, is_released=False)
        feeder = Feeder(data, stories=max(18, 3 * self.kills), seed=self.seed)
        feeder.start()
        try:
            for number in range(self.kills):
                self._run_and_kill(feeder, chance.uniform(0.05, 1.2))
                if number == self.kills // 2:
                    write_configuration(self.folder, self.url, is_released=True)
            feeder.join(PATIENCE_S)
        finally:
            feeder.stop.set()
            feeder.join()
        assert feeder.failure is None, feeder.failure
        self._let_be(feeder)
        self.tally.filesets += len(feeder.complete)

    def _run_and_kill(self, feeder: Feeder, after_s: float) -> None:
        pid = self.imports.start_daemon(self.folder)
        time.sleep(after_s)
        self._hold_without_suspects(pid)
        with feeder.lock:
            os.kill(pid, signal.SIGKILL)
            code = self.imports.wait(pid)
            if code == -signal.SIGKILL:
                self.tally.kills += 1
            else:
                self.tally.violations.append(f"the daemon ended with {code}: {self._log()}")
            self._know(feeder)

    def _hold_without_suspects(self, pid: int) -> None:
        """Have it stand still when nothing was being read at two deaths: the third would quarantine it, as intended."""
        ends_at = time.monotonic() + PATIENCE_S
        self.imports.hold(pid)
        while self._has_suspects() and time.monotonic() < ends_at:
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.05)
            self.imports.hold(pid)

    def _has_suspects(self) -> bool:
        try:
            with closing(open_catalogue(self.url)) as catalogue, catalogue.reading() as connection:
                return bool(connection.scalar(select(func.count()).select_from(Job).where(Job.deaths >= 2)))
        except Exception:  # noqa: BLE001 - there is no catalogue yet
            return False

    def _know(self, feeder: Feeder) -> None:
        """Remember what every file is by now, by where it is on the disk."""
        self._not_kept(feeder)
        try:
            with closing(open_catalogue(self.url)) as catalogue:
                found = identities(catalogue)
        except Exception:  # noqa: BLE001 - killed before there was a catalogue
            return
        self.known |= {os.fsdecode(path): identity for (_, path), identity in found.items()}

    def _not_kept(self, feeder: Feeder) -> None:
        self.known = {feeder.now(path): identity for path, identity in self.known.items()}

    def _let_be(self, feeder: Feeder) -> None:
        """Start it once more: without help it must come to where everything is right, and stop when asked."""
        before = {name: snapshot(root) for name, root in self.roots.items()}
        pid = self.imports.start_daemon(self.folder)
        ends_at = time.monotonic() + PATIENCE_S
        while (found := self._violations(feeder, before)) and time.monotonic() < ends_at:
            time.sleep(0.3)
        os.kill(pid, signal.SIGTERM)
        code = self.imports.wait(pid)
        if code != 0:
            found.append(f"the daemon stopped with {code}: {self._log()}")
        found += self._violations(feeder, before) if not found else []
        self.tally.violations += [f"{sentence} [seed {self.seed}, {self.url.partition(':')[0]}]" for sentence in found]

    def _violations(self, feeder: Feeder, before: dict[str, dict[bytes, Entry]]) -> list[str]:
        complete = [("confocal", os.fsencode(path), images) for path, images in feeder.complete.items()]
        complete += [("archive", os.fsencode(path), 1) for path in feeder.stored]
        kept = {("confocal", os.fsencode(feeder.now(path))): found for path, found in self.known.items()}
        with closing(open_catalogue(self.url)) as catalogue:
            return violations(
                catalogue,
                self.roots,
                complete=complete,
                before=before,
                kept=kept,
            )

    def _log(self) -> str:
        file = self.folder / "import.log"
        return file.read_text(errors="replace")[-1500:] if file.exists() else ""
