"""Plays the fixed scenario of the kill tests: each of its stages is followed by an import that dies."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog.engine import open_catalogue
from tests.helpers.invariants import Identity, identities, snapshot, violations
from tests.helpers.kill_stages import BECOMES_ANOTHER, RELEASED_AT, ROOTS, STAGES, Stage, write_configuration
from tests.helpers.killable import REFUSED
from tests.helpers.program import PATIENCE_S, wait_until


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

    @property
    def roots(self) -> dict[str, Path]:
        """Give the watched folder and the storage by the names of their roots."""
        return {name: self.folder / folder for name, folder in ROOTS.items()}

    def run(
        self, *, is_compound: bool = False, killed: Callable[[int], bool] = lambda number: True, **how: Any
    ) -> None:
        """Play all stages, killing each import as ``how`` says; those for which ``killed`` is false are not touched.

        ``is_compound``: after every other kill the disk changes before the restart, and that one is killed, too. Not
        more often in a row: a file that was being read alone at three deaths of the process is quarantined.
        """
        self.prepare()
        for number, stage in enumerate(self.stages):
            self.act(number)
            if killed(number):
                self._kill(f"stage {number}", **how)
            if not (is_compound and killed(number)) or number % 2 or number == len(self.stages) - 1:
                self._restart(number, stage)
            self._know()
        self.tally.filesets += self.stages[-1].filesets

    def prepare(self) -> None:
        """Make what is there before the first stage."""
        for root in self.roots.values():
            root.mkdir(parents=True)
        write_configuration(self.folder, self.url, is_released=False)

    def act(self, number: int) -> None:
        """Do on the disk what people do in a stage."""
        self.stages[number].act(self.folder)
        if number == RELEASED_AT:
            write_configuration(self.folder, self.url, is_released=True)
        self.moved |= self.stages[number].moved

    def _kill(self, where: str, **how: Any) -> None:
        code = self.imports.run(self.folder, **how)
        if code == -9:
            self.tally.kills += 1
        elif code != 0:
            self.tally.violations.append(f"{self.name} {where}: the import ended with {code}: {self._log()}")

    def _restart(self, number: int, stage: Stage) -> None:
        before = {name: snapshot(root) for name, root in self.roots.items()}
        code = self.imports.run(self.folder)
        if code != 0:
            self.tally.violations.append(f"{self.name} stage {number}: the restart ended with {code}: {self._log()}")
            return
        complete = [("confocal", os.fsencode(path), images) for path, images in stage.complete.items()]
        complete += [("archive", os.fsencode(path), 1) for path in stage.stored]
        kept = {("confocal", os.fsencode(self.moved.get(path, path))): found for path, found in self.known.items()}
        with closing(open_catalogue(self.url)) as catalogue:
            found = violations(catalogue, self.roots, complete=complete, before=before, kept=kept)
        self.tally.violations += [f"{sentence} [{self.name} stage {number}]" for sentence in found]

    def _know(self) -> None:
        """Remember what each file is by now: it must stay that."""
        try:
            with closing(open_catalogue(self.url)) as catalogue:
                found = identities(catalogue)
        except Exception:  # noqa: BLE001 - killed before there was a catalogue
            return
        paths = {os.fsdecode(path): identity for (_, path), identity in found.items()}
        self.known = {path: identity for path, identity in paths.items() if path not in BECOMES_ANOTHER}

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
