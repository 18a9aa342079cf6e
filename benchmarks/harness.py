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
from collections.abc import Callable, Iterator, Sequence
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
    scan_every: {scan_every}
    hash: {hasher}
    rules:
      - match: '{{group}}/{{owner}}/{{project}}/[{{dataset}}/**/]{{image}}.{{ext}}'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure beside its baseline, both medians of the same run; ``holds`` is None without a target.

    ``number`` is the target's in docs/performance.md.
    """

    number: int
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

    def images(self) -> int:
        """Count the images."""
        return int(str(self.query("SELECT count(*) FROM image")[0][0]))

    def imported(self) -> int:
        """Count the images that have their row and their thumbnail."""
        count = self.query("SELECT count(*) FROM image JOIN thumbnail ON image_id = image.id")[0][0]
        return int(str(count))

    def configure(self, *, settle: str = "0s", hasher: str = "sha256", scan_every: str = "1h") -> None:
        """Write the configuration; a daemon that runs takes it up when it is told."""
        text = CONFIGURATION.format(folder=self.folder, settle=settle, hasher=hasher, scan_every=scan_every)
        (self.folder / "coverslip.yaml").write_text(text, encoding="utf-8")

    def run(self, *arguments: str) -> None:
        """Run a command of the program to its end; it must end well."""
        subprocess.run([PROGRAM, "-c", self.folder / "coverslip.yaml", *arguments], check=True, capture_output=True)

    def log(self) -> str:
        """Give what the last daemon has said so far."""
        return (self.folder / "daemon.log").read_text(encoding="utf-8", errors="replace")

    @contextmanager
    def daemon(self) -> Iterator[int]:
        """Run the daemon for the length of a with block, from the end of its first pass; gives its process id."""
        before = self._passes()
        log = (self.folder / "daemon.log").open("wb")
        process = subprocess.Popen(
            [PROGRAM, "-c", self.folder / "coverslip.yaml", "run"], stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_for(lambda: self._passes() > before, within_s=600)
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            log.close()

    def _passes(self) -> str:
        """Tell when the last pass ended, as text that grows; empty before there was one."""
        if not self.database.exists():
            return ""
        try:
            return str(self.query("SELECT max(last_pass_ended_at) FROM root")[0][0] or "")
        except sqlite3.OperationalError:
            return ""


@contextmanager
def bench_site(*, settle: str = "0s", hasher: str = "sha256", scan_every: str = "1h") -> Iterator[BenchSite]:
    """Make a facility in a temporary folder, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="coverslip-bench-"))
    try:
        site = BenchSite(folder=folder)
        site.inbox.mkdir(parents=True)
        site.configure(settle=settle, hasher=hasher, scan_every=scan_every)
        yield site
    finally:
        shutil.rmtree(folder)


def note_as_imported(site: BenchSite) -> None:
    """Note all files as read: a scan of what is catalogued is measured without reading a million files before."""
    with closing(sqlite3.connect(site.database)) as connection, connection:
        connection.execute("UPDATE fileset SET done_digest = seen_digest, due_at = NULL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a program cost: CPU time of it and its children, wall time, and the largest process's memory."""

    cpu_s: float
    wall_s: float
    peak_mib: float


def cost_of(command: Sequence[str | Path]) -> Ended:
    """Run a program to its end, which must be a good one; what it prints is dropped."""
    begun, peak = time.monotonic(), 0
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        while True:
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            peak = max(peak, _peak_kib(process.pid))
            time.sleep(0.01)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        if process.returncode != 0:
            raise RuntimeError(f"{command}: {process.returncode}: {said.read().decode(errors='replace')[-500:]}")
    cpu_s = used.ru_utime + used.ru_stime
    return Ended(cpu_s=cpu_s, wall_s=time.monotonic() - begun, peak_mib=peak / 1024)


def cpu_s_of(pid: int) -> float:
    """Give the CPU time of all threads of a running process, to the microsecond."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def peak_mib_of(pid: int) -> float:
    """Give the most memory that a running process had."""
    return _peak_kib(pid) / 1024


def _peak_kib(pid: int) -> int:
    """Give the most memory that a process had; what `wait4` tells includes that of whoever started it."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def cpu_ms(work: Callable[[], object], times: int = 7) -> float:
    """Give the median CPU time of some calls, in all threads, after one that warms caches."""
    work()
    taken = []
    for _ in range(times):
        begun = time.process_time()
        work()
        taken.append((time.process_time() - begun) * 1000)
    return statistics.median(taken)


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
    """Describe the machine in one line; with a load over the number of cores, seconds say little."""
    system = f"{platform.machine()}, Linux {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {system}"
