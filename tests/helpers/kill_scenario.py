"""The fixed scenario of the kill tests: what people do to their files, in stages, each followed by an import that dies.

single, multi-series, growing, moved, deleted, put back, copied, held and then released files.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import tifffile

from catalog.engine import open_catalogue
from tests.helpers.invariants import Identity, identities, snapshot, violations
from tests.helpers.killable import DURABLE, REFUSED, TALKING
from tests.helpers.pictures import plane, png_bytes, put, tiff_bytes
from tests.helpers.program import PATIENCE_S, wait_until

__all__ = ["DURABLE", "REFUSED", "STAGES", "TALKING", "Imports", "Play", "Tally", "imports"]

CONFIGURATION = """
catalog: {{url: '{url}'}}
state_dir: {folder}/state
groups:
  smith-lab: {{owners: [js2x], members: [{members}]}}
users: {{js2x: {{}}, {users}}}
watch:
  - root: {folder}/data
    name: confocal
    settle: 20ms
    rules:
      - match: '{{group}}/{{owner}}/{{project}}/[{{dataset}}/**/]{{image}}.{{ext}}'
"""
ADA = "smith-lab/ab3c/p"


@cache
def series_bytes() -> bytes:
    """Encode two series as one OME-TIFF."""
    out = BytesIO()
    with tifffile.TiffWriter(out, ome=True) as writer:
        writer.write(plane(21), photometric="minisblack")
        writer.write(plane(22, 48), photometric="minisblack")
    return out.getvalue()


@cache
def growing_bytes() -> bytes:
    """Encode the file that is written in two halves."""
    return tiff_bytes(31, 96)


def _arrive(data: Path) -> None:
    for number, name in enumerate(("d/one.tif", "d/two.tif", "d/gone.tif", "e/a.tif", "e/b.tif"), 1):
        put(data / ADA / name, tiff_bytes(number))
    put(data / ADA / "d/series.ome.tif", series_bytes())
    put(data / ADA / "d/grow.tif", growing_bytes()[:-2000])
    put(data / ADA / "d/notes.txt", b"hello")
    put(data / "smith-lab/zz9z/p/d/held.tif", tiff_bytes(41))


def _grow(data: Path) -> None:
    put(data / ADA / "d/grow.tif", growing_bytes())
    put(data.parent / "replacement", tiff_bytes(11)).rename(data / ADA / "d/one.tif")
    put(data / ADA / "d/three.png", png_bytes(3))


def _move(data: Path) -> None:
    (data / ADA / "d2").mkdir()
    (data / ADA / "d/two.tif").rename(data / ADA / "d2/other.tif")
    (data / ADA / "e").rename(data / ADA / "f")
    (data / ADA / "d/gone.tif").unlink()


def _release(data: Path) -> None:
    del data  # what happens is an edit of the configuration


def _come_back(data: Path) -> None:
    put(data / ADA / "d/gone.tif", tiff_bytes(3))
    shutil.copy2(data / ADA / "d/one.tif", data / ADA / "d/copy.tif")
    shutil.copy2(data / ADA / "d/three.png", data / ADA / "d2/three.png")
    (data / ADA / "d/three.png").unlink()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What happens on the disk, which paths moved by it, and what must be imported after it."""

    act: Any
    moved: Mapping[str, str] = field(default_factory=dict)
    complete: Mapping[str, int] = field(default_factory=dict)


_FIRST = {f"{ADA}/{name}": 1 for name in ("d/one.tif", "d/two.tif", "d/gone.tif", "e/a.tif", "e/b.tif")}
_FIRST |= {f"{ADA}/d/series.ome.tif": 2}
_SECOND = _FIRST | {f"{ADA}/d/grow.tif": 1, f"{ADA}/d/three.png": 1}
_MOVED = {
    f"{ADA}/d/two.tif": f"{ADA}/d2/other.tif",
    f"{ADA}/e/a.tif": f"{ADA}/f/a.tif",
    f"{ADA}/e/b.tif": f"{ADA}/f/b.tif",
}
_GONE = f"{ADA}/d/gone.tif"
_THIRD = {_MOVED.get(path, path): images for path, images in _SECOND.items() if path != _GONE}
_FOURTH = _THIRD | {"smith-lab/zz9z/p/d/held.tif": 1}
_FIFTH = {path: images for path, images in _FOURTH.items() if path != f"{ADA}/d/three.png"}
_FIFTH |= {_GONE: 1, f"{ADA}/d/copy.tif": 1, f"{ADA}/d2/three.png": 1}
STAGES = (
    Stage(act=_arrive, complete=_FIRST),
    Stage(act=_grow, complete=_SECOND),
    Stage(act=_move, moved=_MOVED, complete=_THIRD),
    Stage(act=_release, complete=_FOURTH),
    Stage(act=_come_back, complete=_FIFTH),
)
RELEASED_AT = 3
#: Files that the whole scenario feeds, and that end as filesets of their own.
FILESETS = len(_FIFTH)


def write_configuration(folder: Path, url: str, *, is_released: bool) -> None:
    """Write the configuration in one step, before or after the held person became known."""
    members, users = ("ab3c, zz9z", "ab3c: {}, zz9z: {}") if is_released else ("ab3c", "ab3c: {}")
    fresh = folder / "coverslip.yaml.new"
    fresh.write_text(CONFIGURATION.format(url=url, folder=folder, members=members, users=users), encoding="utf-8")
    fresh.chmod(0o644)
    fresh.rename(folder / "coverslip.yaml")


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a run of kills came to."""

    kills: int = 0
    filesets: int = 0
    violations: list[str] = field(default_factory=list)

    def count(self, kind: str) -> int:
        """Count violations of a kind: lost, twice, torn."""
        return sum(kind in sentence[:30] for sentence in self.violations)

    def line(self, name: str) -> str:
        """Give the line of the report."""
        return (
            f"{name}: kills survived {self.kills}, filesets fed {self.filesets}, losses {self.count('lost')},"
            f" duplicates {self.count('twice')}, torn rows {self.count('torn')}, other"
            f" {sum(1 for one in self.violations if not re.search('lost|twice|torn', one[:30]))}"
        )


def _files_of(folder: Path) -> dict[str, Any]:
    return {"configuration": str(folder / "coverslip.yaml"), "log": str(folder / "import.log")}


class Imports:
    """The process that forks imports."""

    def __init__(self) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("COVERSLIP_")}
        environment |= {"OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": ""}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.helpers.killable"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            env=environment, cwd=Path(__file__).parents[2],
        )  # fmt: skip

    def run(self, folder: Path, **how: Any) -> int:
        """Run one import; gives its exit code, negative for a signal. Waits while a killed one's lock lives on."""
        ends_at = time.monotonic() + PATIENCE_S
        while True:
            code = self.run_once(folder, **how)
            if code != REFUSED or time.monotonic() > ends_at:
                return code

    def run_once(self, folder: Path, **how: Any) -> int:
        """Run one import, which gives REFUSED while another process ingests."""
        return self._ask(_files_of(folder) | how)["code"]

    def start_daemon(self, folder: Path) -> int:
        """Start a daemon and give its process id; `wait` for it when it ended."""
        return self._ask(_files_of(folder) | {"is_daemon": True})["pid"]

    def wait(self, pid: int) -> int:
        """Wait for the end of a daemon; gives its exit code, negative for a signal."""
        return self._ask({"wait": pid})["code"]

    def hold(self, pid: int) -> None:
        """Have a daemon stand still, and wait until every thread of it does; one that has ended is held for ever."""
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: _states_of_threads(pid) <= {"T", "Z"}, every_s=0.002)

    def _ask(self, request: dict[str, Any]) -> dict[str, int]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        answer = self._process.stdout.readline()
        assert answer, "the process that forks imports has died"
        document: dict[str, int] = json.loads(answer)
        return document

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(PATIENCE_S)


def _states_of_threads(pid: int) -> set[str]:
    found = set()
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):  # the thread ended meanwhile
            found.add(stat.read_text().rpartition(")")[2].split()[0])
    return found


@contextmanager
def imports() -> Iterator[Imports]:
    """Give the process that forks imports for the length of a with block."""
    made = Imports()
    try:
        yield made
    finally:
        made.close()


@dataclass(slots=True, kw_only=True)
class Play:
    """One play of the scenario in a folder of its own, on the catalogue at ``url``."""

    imports: Imports
    folder: Path
    url: str
    tally: Tally
    name: str = ""
    stages: Sequence[Stage] = STAGES
    known: dict[str, Identity] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """Give the watched folder."""
        return self.folder / "data"

    def configure(self, *, is_released: bool) -> None:
        """Write the configuration, before or after the held person became known."""
        write_configuration(self.folder, self.url, is_released=is_released)

    def run(self, *, is_compound: bool = False, **how: Any) -> None:
        """Play all stages, killing each import as ``how`` says.

        ``is_compound``: after every other kill the disk changes before the restart, and that one is killed, too. Not
        more often in a row: a file that was being read alone at three deaths of the process is quarantined.
        """
        self.data.mkdir(parents=True)
        (self.folder / "state").mkdir(mode=0o700, exist_ok=True)
        self.configure(is_released=False)
        for number, stage in enumerate(self.stages):
            stage.act(self.data)
            if number == RELEASED_AT:
                self.configure(is_released=True)
            self.moved |= stage.moved
            self._kill(f"stage {number}", **how)
            if not is_compound or number % 2 or number == len(self.stages) - 1:
                self._restart(number, stage)
            self._know()
        self.tally.filesets += FILESETS

    def _kill(self, where: str, **how: Any) -> None:
        code = self.imports.run(self.folder, **how)
        if code == -9:
            self.tally.kills += 1
        elif code != 0:
            self.tally.violations.append(f"{self.name} {where}: the import ended with {code}: {self._log()}")

    def _restart(self, number: int, stage: Stage) -> None:
        before = {"confocal": snapshot(self.data)}
        code = self.imports.run(self.folder)
        if code != 0:
            self.tally.violations.append(f"{self.name} stage {number}: the restart ended with {code}: {self._log()}")
            return
        complete = [("confocal", os.fsencode(path), images) for path, images in stage.complete.items()]
        kept = {("confocal", os.fsencode(self.moved.get(path, path))): found for path, found in self.known.items()}
        with closing(open_catalogue(self.url)) as catalogue:
            found = violations(catalogue, {"confocal": self.data}, complete=complete, before=before, kept=kept)
        self.tally.violations += [f"{sentence} [{self.name} stage {number}]" for sentence in found]

    def _know(self) -> None:
        """Remember what each file is by now: it must stay that."""
        try:
            with closing(open_catalogue(self.url)) as catalogue:
                found = identities(catalogue)
        except Exception:  # noqa: BLE001 - killed before there was a catalogue
            return
        self.known = {
            os.fsdecode(path): identity
            for (_, path), identity in found.items()
            if os.fsdecode(path) != f"{ADA}/d/three.png"
        }

    def _log(self) -> str:
        file = self.folder / "import.log"
        return file.read_text(errors="replace")[-1500:] if file.exists() else ""


def calls_in(trace: Path) -> int:
    """Count the calls of the thread that made most: the one whose calls are counted for a kill."""
    counts: dict[str, int] = {}
    for line in trace.read_text(errors="replace").splitlines():
        pid, _, rest = line.partition(" ")
        if "(" in rest and "resumed" not in rest:
            counts[pid] = counts.get(pid, 0) + 1
    return max(counts.values(), default=0)
