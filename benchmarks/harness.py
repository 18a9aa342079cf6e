"""What every benchmark shares: a facility in a temporary folder, a daemon, a baseline in the same run, one table."""

import os
import platform
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(sys.executable).parent / "coverslip"

CONFIGURATION = """
state_dir: {folder}/state
groups: {{bench: {{members: [ada]}}}}
users: {{ada: {{}}}}
watch:
  - root: {folder}/data
    settle: {settle}
    hash: {hasher}
    rules:
      - match: '{{group}}/{{owner}}/{{project}}/[{{dataset}}/**/]{{image}}.{{ext}}'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure beside its baseline, both medians of the same run; ``holds`` is None without a target."""

    name: str
    value: str
    baseline: str
    ratio: float | None
    target: str
    holds: bool | None
    spread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchSite:
    """A facility of one group and one person."""

    folder: Path

    @property
    def inbox(self) -> Path:
        """Give the folder of the one person, where acquisitions go."""
        return self.folder / "data" / "bench" / "ada"

    @property
    def database(self) -> Path:
        """Give the file of the catalogue."""
        return self.folder / "state" / "catalog.db"

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Ask the catalogue from outside, read-only."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(sql).fetchall()

    def imported(self) -> int:
        """Count the images that have their row and their thumbnail."""
        count = self.query("SELECT count(*) FROM image JOIN thumbnail ON image_id = image.id")[0][0]
        return int(str(count))

    def run(self, *arguments: str) -> None:
        """Run a command of the program to its end; it must end well."""
        subprocess.run(
            [PROGRAM, "-c", self.folder / "coverslip.yaml", *arguments], check=True, stdout=subprocess.DEVNULL
        )

    @contextmanager
    def daemon(self) -> Iterator[int]:
        """Run the daemon for the length of a with block, from when it is ready; gives its process id."""
        log = (self.folder / "daemon.log").open("wb")
        process = subprocess.Popen(
            [PROGRAM, "-c", self.folder / "coverslip.yaml", "run"], stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_for(lambda: self.database.exists() and bool(self._first_pass_done()), within_s=60)
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            log.close()

    def _first_pass_done(self) -> bool:
        try:
            return bool(self.query("SELECT 1 FROM root WHERE last_pass_ended_at IS NOT NULL"))
        except sqlite3.OperationalError:
            return False


@contextmanager
def bench_site(*, settle: str = "0s", hasher: str = "sha256") -> Iterator[BenchSite]:
    """Make a facility in a temporary folder, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="coverslip-bench-"))
    try:
        site = BenchSite(folder=folder)
        site.inbox.mkdir(parents=True)
        text = CONFIGURATION.format(folder=folder, settle=settle, hasher=hasher)
        (folder / "coverslip.yaml").write_text(text, encoding="utf-8")
        yield site
    finally:
        shutil.rmtree(folder)


def wait_for(condition: Callable[[], bool], *, within_s: float, every_s: float = 0.02) -> None:
    """Wait until a condition holds."""
    ends_at = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > ends_at:
            raise TimeoutError(f"not reached within {within_s} s")
        time.sleep(every_s)


def spread(values: list[float], unit: str) -> str:
    """Give minimum, median and maximum as text."""
    return f"{min(values):.3g} / {statistics.median(values):.3g} / {max(values):.3g} {unit}"


def machine() -> str:
    """Describe the machine in one line."""
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}, Python {platform.python_version()}"
    )
