"""Where the seconds of a drop go: what each thread of the daemon and its workers ran, waited for a core, and slept.

`python -m benchmarks.timeline --count 10000 --size 256`. Run time and the time that a thread was ready and had no core
are the kernel's own (`/proc/PID/task/TID/schedstat`); what is left of the wall time it slept. Beside it what the naive
script and reading and hashing alone take of the cores for the same files: on a machine with other work that is what can
be compared.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks import naive_script
from benchmarks.harness import BenchSite, bench_site
from benchmarks.small_files import WORKERS, make_files, read_and_hash

#: A thread with less than this, s of CPU, is not shown by itself.
SHOWN_FROM_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a thread used until now: seconds on a core, seconds ready without one, and how often it was switched."""

    name: str
    run_s: float
    ready_s: float
    switches: int

    def since(self, before: "Used | None") -> "Used":
        """Give what was used since."""
        if before is None:
            return self
        return Used(
            name=self.name, run_s=self.run_s - before.run_s, ready_s=self.ready_s - before.ready_s,
            switches=self.switches - before.switches,
        )  # fmt: skip


def used_by(pids: set[int]) -> dict[tuple[int, int], Used]:
    """Give what all threads of some processes used, by process and thread id."""
    found = {}
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").glob("*"):
            try:
                run, ready, _ = (task / "schedstat").read_text().split()
                status = (task / "status").read_text()
                name = (task / "comm").read_text().strip()
            except OSError:
                continue
            switches = sum(int(line.split()[1]) for line in status.splitlines() if "ctxt_switches" in line)
            found[pid, int(task.name)] = Used(
                name=name, run_s=int(run) / 1e9, ready_s=int(ready) / 1e9, switches=switches
            )
    return found


def family_of(pid: int) -> set[int]:
    """Give a process and all that descend from it."""
    family, waiting = set(), [pid]
    while waiting:
        one = waiting.pop()
        family.add(one)
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                waiting += [int(child) for child in task.read_text().split()]
            except OSError:
                continue
    return family


def _idle_s() -> float:
    """Give the seconds that all cores idled, or waited for a disk."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()
    return (int(fields[4]) + int(fields[5])) / 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One look at all of it."""

    at_s: float
    images: int
    idle_s: float
    used: Mapping[tuple[int, int], Used]


def _look(site: BenchSite, pid: int) -> Moment:
    return Moment(at_s=time.monotonic(), images=site.images(), idle_s=_idle_s(), used=used_by(family_of(pid)))


def moments_of(site: BenchSite, beside: Path, count: int, every_s: float) -> list[Moment]:
    """Drop the files into a running daemon and look until they are imported."""
    with site.daemon() as pid:
        time.sleep(2.0)  # workers that are still importing would be counted
        moments = [_look(site, pid)]
        beside.rename(site.inbox / "dropped")
        while moments[-1].images < count:
            time.sleep(every_s)
            moments.append(_look(site, pid))
    return moments


def _group(pid: int, name: str, daemon: int) -> str:
    return f"daemon {name}" if pid == daemon else "workers"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def tell(moments: list[Moment], count: int) -> None:
    """Print a line for each look, then the sums of each thread."""
    first = moments[0]
    daemon = min(pid for pid, _ in first.used)
    for before, now in pairwise(moments):
        wall = now.at_s - before.at_s
        sums: dict[str, list[float]] = {}
        for key, used in now.used.items():
            one = used.since(before.used.get(key))
            total = sums.setdefault(_group(key[0], one.name, daemon), [0.0, 0.0])
            total[0] += one.run_s
            total[1] += one.ready_s
        parts = ", ".join(
            f"{name} {100 * run / wall:.0f}%+{100 * ready / wall:.0f}%"
            for name, (run, ready) in sorted(sums.items()) if run + ready > 0.01 * wall
        )  # fmt: skip
        idle = 100 * (now.idle_s - before.idle_s) / wall
        rate = (now.images - before.images) / wall
        _say(f"{now.at_s - first.at_s:5.1f} s {now.images:6d} {rate:6.0f}/s idle {idle:3.0f}% | {parts}")
    last = moments[-1]
    wall = last.at_s - first.at_s
    _say(f"{count} images in {wall:.2f} s, {count / wall:.0f}/s; cores idle {last.idle_s - first.idle_s:.2f} s")
    ran = sum(used.since(first.used.get(key)).run_s for key, used in last.used.items())
    _say(f"CPU an image: {1000 * ran / count:.2f} ms in all threads of the daemon and its workers")
    for key, used in sorted(last.used.items()):
        one = used.since(first.used.get(key))
        if one.run_s + one.ready_s >= SHOWN_FROM_S:
            _say(
                f"{'daemon' if key[0] == daemon else 'worker'} {key[1]} {one.name:16} ran {one.run_s:6.2f} s "
                f"({1e6 * one.run_s / count:5.0f} us an image), ready {one.ready_s:6.2f} s, "
                f"asleep {wall - one.run_s - one.ready_s:6.2f} s, {one.switches} switches"
            )


def _cpu_ms_each(act: Callable[[], object], count: int) -> float:
    """Give the CPU time a file of something that this process and its children do, all of which have ended then."""
    before = os.times()
    act()
    used = zip(os.times()[:4], before[:4], strict=True)
    return 1000 * sum(now - then for now, then in used) / count


def tell_baselines(site: BenchSite, paths: list[str], hasher: str) -> None:
    """Print what others take for the same files."""
    script = _cpu_ms_each(lambda: naive_script.catalogue(paths, site.folder / "naive.db", WORKERS), len(paths))
    alone = _cpu_ms_each(lambda: read_and_hash(paths, hasher), len(paths))
    _say(f"CPU a file: naive script {script:.2f} ms, read and hashed alone {alone:.2f} ms")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=256, help="side of the pictures, px: 256 makes 131 kB, 2048 8.4 MB")
    parser.add_argument("--hasher", default="sha256")
    parser.add_argument("--every", type=float, default=0.5, help="seconds between looks")
    arguments = parser.parse_args()
    with bench_site(hasher=arguments.hasher) as site:
        beside = site.folder / "beside"
        tell_baselines(site, make_files(beside, arguments.count, arguments.size), arguments.hasher)
        tell(moments_of(site, beside, arguments.count, arguments.every), arguments.count)
    return 0


if __name__ == "__main__":
    sys.exit(main())
