"""The program itself: starting a command, and an idle daemon (targets 11, 12)."""

import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import PROGRAM, BenchSite, Figure, bench_site, cost_of, cpu_s_of, note_as_imported
from benchmarks.pictures import tiff_of


def measure_start(*, rounds: int) -> Iterator[Figure]:
    """Target 11, in CPU time: each beside Python doing nothing."""
    with bench_site() as site:
        (site.inbox / "p").mkdir()
        for number in range(10):
            (site.inbox / "p" / f"{number}.tif").write_bytes(tiff_of(number))
        site.run("import")
        program: list[str | Path] = [PROGRAM, "-c", site.folder / "coverslip.yaml"]
        commands: dict[str, list[str | Path]] = {
            "nothing": [sys.executable, "-c", "pass"],
            "--help": [*program, "--help"],
            "tree": [*program, "tree"],
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                taken[name].append(1000 * cost_of(command).cpu_s)
    base = statistics.median(taken["nothing"])
    for name, more_ms in (("--help", 150), ("tree", 600)):
        value = statistics.median(taken[name])
        yield Figure(
            number=11,
            name=f"`coverslip {name}`, CPU",
            value=f"{value:.0f} ms",
            baseline=f"python -c pass {base:.0f} ms",
            ratio=value / base,
            target=f"+{more_ms} ms",
            holds=value - base <= more_ms,
            spread=f"{min(taken[name]):.0f} .. {max(taken[name]):.0f} ms",
        )


def _memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmRSS"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Idling:
    """What a daemon costs where nothing happens: share of a core, memory in MB, seconds until watches were armed."""

    share: float
    memory_mb: float
    armed_s: float


def idle_cost(folders: int, files: int, seconds: float) -> Idling:
    """Let a daemon know files in so many folders, and watch it for some seconds after its first pass."""
    with bench_site(settle="1d") as site:
        _fill_folders(site.inbox / "p", folders, files)
        site.run("import", "--no-wait")
        note_as_imported(site)
        with site.daemon() as pid:
            # What the first pass left to do, and the day's first look at what is to be verified, a minute later.
            time.sleep(75.0 if seconds >= 60 else 5.0)
            before, begun = cpu_s_of(pid), time.monotonic()
            time.sleep(seconds)
            share = (cpu_s_of(pid) - before) / (time.monotonic() - begun)
            return Idling(share=share, memory_mb=_memory_mb(pid), armed_s=_armed_s(site))


def measure_idle(*, folders: int, files: int, seconds: float) -> Iterator[Figure]:
    """Target 12: a daemon that watches many folders of known files where nothing happens."""
    cost = idle_cost(folders, files, seconds)
    yield Figure(
        number=12,
        name=f"idle daemon over {folders:,} folders, {files:,} files known, {seconds:.0f} s",
        value=f"{100 * cost.share:.2f} % of a core, {cost.memory_mb:.0f} MB, watches armed in {cost.armed_s:.1f} s",
        baseline="",
        ratio=None,
        target="<= 0.5 %, <= 150 MB, <= 2 s",
        holds=cost.share <= 0.005 and cost.memory_mb <= 150 and cost.armed_s <= 2,
    )


def _fill_folders(top: Path, folders: int, files: int) -> None:
    """Make folders, a hundred in each of the upper ones, with as many empty files in each."""
    for number in range(folders):
        folder = top / f"d{number // 100}" / f"e{number}"
        folder.mkdir(parents=True)
        for one in range(files // folders):
            (folder / f"image_{one:07}.tif").touch()


def _armed_s(site: BenchSite) -> float:
    """Read from the log how long arming took, in seconds of wall time, beside the daemon's first pass."""
    line = next(line for line in site.log().splitlines() if "watcher.armed" in line)
    return next(float(part.removeprefix("seconds=")) for part in line.split() if part.startswith("seconds="))
