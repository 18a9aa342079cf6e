"""A daemon that is told to stop while it starts: exit code 0, nothing said, nothing left, whatever the moment."""

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from daemon.start import command_named
from tests.helpers.program import PATIENCE_S, PROGRAM, Site, wait_until


def _catches_signals(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
    return bool(caught & (1 << (signal.SIGTERM - 1)))


def _group(leader: int) -> list[str]:
    """Give the live processes of a process group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z" and int(fields[2]) == leader:
            found.append(stat.parent.name)
    return found


def _stop_after(site: Site, delay_s: float, number: signal.Signals) -> tuple[int, str]:
    process = subprocess.Popen(
        [str(PROGRAM), "run"], env=site.environ, cwd=site.folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0,
    )  # fmt: skip
    # What comes before is the interpreter's own start, some 30 ms in which no program can catch anything.
    wait_until(lambda: process.poll() is not None or _catches_signals(process.pid), every_s=0.001)
    time.sleep(delay_s)
    process.send_signal(number)
    said, _ = process.communicate(timeout=PATIENCE_S)
    wait_until(lambda: not _group(process.pid))
    return process.returncode, said


def _try(site: Site, times: int, seed: int) -> None:
    moments = random.Random(seed)
    for _ in range(times):
        delay_s, number = moments.uniform(0, 1.6), moments.choice([signal.SIGTERM, signal.SIGINT])
        code, said = _stop_after(site, delay_s, number)
        assert (code, "Traceback" in said) == (0, False), (delay_s, number, said)
        assert not (site.state / "daemon.json").exists()
        assert not list(site.state.glob(".probe-*"))
    assert site.run("import").code == 0


def test_it_ends_well_at_any_moment_of_its_start(site: Site) -> None:
    _try(site, 8, seed=1)


@pytest.mark.faults_full
def test_it_ends_well_at_hundreds_of_moments_of_its_start(site: Site) -> None:
    _try(site, 300, seed=2)


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("run", "run"),
        ("-c lab.yaml run --log-format json", "run"),
        ("--config=lab.yaml --debug run", "run"),
        ("--config run status", "status"),
        ("tag add image:1 run", "tag"),
        ("--help", None),
        ("", None),
    ],
)
def test_the_command_is_found_among_the_arguments(words: str, command: str | None) -> None:
    assert command_named(words.split()) == command
