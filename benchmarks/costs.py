"""CPU time of one file in its two rooms, best of several: in a worker, and in the thread that ingests. A busy machine
spoils these figures least: `python -m benchmarks.costs`.
"""

import argparse
import gc
import hashlib
import io
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import tifffile

from benchmarks.pictures import plane_of, tiff_of
from benchmarks.reading import read_well
from catalog.engine import open_catalogue
from catalog.migrations.runner import migrate
from daemon.worker_process import keep_memory, look_for_garbage_rarely
from ingest.pool import InProcessPool
from ingest.work import ReadResult, ReadTask
from tests.helpers.ingest_site import Site, add_person

#: As many tasks at once as two workers have.
CAPACITY = 160


def best_ms(work: Callable[[], object], times: int) -> float:
    """Give the least CPU time of some calls, in all threads, after two that warm caches."""
    work()
    work()
    taken = []
    for _ in range(times):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return 1000 * min(taken)


def _hashed(path: Path) -> bytes:
    content = path.read_bytes()
    hashlib.sha256(content).hexdigest()
    return content


def _decoded(path: Path) -> object:
    return tifffile.imread(io.BytesIO(_hashed(path)))


def worker_costs(folder: Path) -> None:
    """Print what a file costs a worker, beside reading and hashing it, and decoding it too."""
    for name, size_px, compression, times in (
        ("131 kB", 256, None, 300),
        ("8.4 MB", 2048, None, 20),
        ("2 MB, deflate", 1024, "deflate", 30),
        ("2 MB, zstd", 1024, "zstd", 30),
        ("2 MB, LZW", 1024, "lzw", 20),
    ):
        path = folder / f"{size_px}{compression}.tif"
        if compression is None:
            path.write_bytes(tiff_of(1, size_px))
        else:
            tifffile.imwrite(path, plane_of(1, size_px), compression=compression, rowsperstrip=64)
        whole, hashed, decoded = (best_ms(partial(act, path), times) for act in (read_well, _hashed, _decoded))
        _say(f"worker, {name}: {whole:.2f} ms; read and hashed alone {hashed:.2f}, and decoded {decoded:.2f}")


class _Answers:
    """Answers each task with what was read of one file; ``spent_s`` is what that costs."""

    def __init__(self, template: ReadResult) -> None:
        self._template = template
        self.spent_s = 0.0

    def read(self, task: ReadTask) -> ReadResult:
        """Give the template as the result of a task."""
        begun = time.thread_time()
        (member,) = task.members
        file = replace(
            self._template.files[0],
            path=member.path,
            size_bytes=member.look.size_bytes,
            fingerprint=task.digest[:16],
        )
        result = replace(
            self._template, fileset_id=task.fileset_id, claim=task.claim, digest=task.digest, files=(file,)
        )
        self.spent_s += time.thread_time() - begun
        return result


def ingest_us(folder: Path, count: int) -> float:
    """Give the CPU time per file of the thread that ingests, from the first look to the commit, without the reading."""
    template = folder / "template.tif"
    template.write_bytes(tiff_of(1, 256))
    answers = _Answers(read_well(template))
    with closing(open_catalogue(f"sqlite:///{folder / 'catalog.db'}", create=True)) as catalogue:
        migrate(catalogue)
        site = Site(catalogue, folder)
        add_person(catalogue, "ab3c", "smith-lab")
        for number in range(count):
            path = site.root / f"smith-lab/ab3c/cells/day{number // 500}/{number}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(number.to_bytes(8, "little"))
        loop = site.loop(pool=InProcessPool(read=answers.read, capacity=CAPACITY))
        begun = time.thread_time()
        summary = loop.run_once()
        spent_s = time.thread_time() - begun - answers.spent_s
    if summary.imported != count:
        raise AssertionError(f"{summary.imported} images instead of {count}")
    return 1e6 * spent_s / count


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2000, help="files for the thread that ingests")
    parser.add_argument("--rounds", type=int, default=5, help="how often they are ingested")
    arguments = parser.parse_args()
    keep_memory()
    look_for_garbage_rarely()
    with tempfile.TemporaryDirectory(prefix="coverslip-costs-") as folder:
        worker_costs(Path(folder))
    taken = []
    for _ in range(arguments.rounds):
        gc.collect()
        with tempfile.TemporaryDirectory(prefix="coverslip-costs-") as folder:
            taken.append(ingest_us(Path(folder), arguments.files))
    _say(f"ingest thread: {min(taken):.0f} us a file, best of {len(taken)}; {arguments.files} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
