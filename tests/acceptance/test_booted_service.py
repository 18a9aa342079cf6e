"""The service as people install it, under a real systemd: readiness, reload, watchdog, kills, access, shutdown."""

import json
import os
import shutil
import site as python_site
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.service_files import install_commands
from tests.helpers.booted import LIBRARIES_SHOWN, Machine, booted, why_not
from tests.helpers.program import wait_until

REPOSITORY = Path(__file__).parents[2]
PROGRAM = Path("/opt/coverslip/bin/coverslip")
CONFIGURATION = """
state_dir: /var/lib/coverslip
groups:
  lab: {owners: [ada], members: [bob]}
users: {ada: {}, bob: {}}
watch:
  - root: /data/confocal
    settle: 200ms
    rules: [{match: '{owner}/{project}/{image}.{ext}', set: {group: lab}}]
"""
SECOND = """  - root: /data/late
    settle: 200ms
    rules: [{match: '{owner}/{project}/{image}.{ext}', set: {group: lab}}]
"""
#: Everything slow made quick; what is judged (watchdog, restart) is the unit's own.
QUICK = "[Service]\nWatchdogSec=8\nTimeoutAbortSec=2\nRestartSec=200ms\nEnvironment=PYTHONPATH=/srv/probe\n"
#: In the daemon itself, after it has shut itself in: a signal has it try to write.
PROBE = """
import signal, sys

def probe(*_):
    for path in ("/data/confocal/w", "/data/late/w", "/opt/w", "/tmp/w", "/var/lib/coverslip/w"):
        try:
            open(path, "w").close()
            said = "written"
        except OSError as error:
            said = error.strerror
        print("probe", path, said, file=sys.stderr, flush=True)

signal.signal(signal.SIGUSR1, probe)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the checkout."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def build_wheel(folder: Path) -> Path:
    source = folder / "source"
    source.mkdir()
    for name in ("config", "catalog", "ingest", "daemon", "systemd"):
        shutil.copytree(REPOSITORY / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    code = f"from setuptools import build_meta; print(build_meta.build_wheel({str(folder)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def machine(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Boot a machine and install the service in it."""
    reason = why_not()
    if reason is not None:
        warnings.warn(f"the service was NOT booted: {reason}", stacklevel=1)
        pytest.skip(f"the service can't be booted here: {reason}")
    libraries = Path(python_site.getsitepackages()[0])
    place = tmp_path_factory.mktemp("machine")
    with booted(place, readable=(Path(sys.base_prefix), wheel), libraries=libraries) as made:
        _install(made, wheel)
        yield made


def _install(machine: Machine, wheel: Path) -> None:
    """Do what the install page says, the libraries being those of this test run."""
    python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    machine.run(python, "-m", "venv", "--without-pip", "/opt/coverslip")
    machine.run(
        _with_pip(python), "-m", "pip", "--python", "/opt/coverslip/bin/python", "--disable-pip-version-check",
        "install", "-q", "--no-deps", "--no-index", "--no-compile", wheel,
    )  # fmt: skip
    machine.write(f"/opt/coverslip/lib/{python.name}/site-packages/libraries.pth", f"{LIBRARIES_SHOWN}\n")
    copy, accounts, start = install_commands(
        PROGRAM, Path("/etc/coverslip/coverslip.yaml"), Path("/opt/coverslip/share/coverslip/systemd")
    )
    machine.shell(copy)
    # Not `sysctl`: the kernel is the one of this machine.
    machine.shell(accounts.partition(" && sysctl ")[0])
    machine.shell(
        "useradd -u 3001 ada; useradd -u 3002 bob; mkdir -p /data/confocal/ada/p /data/confocal/bob/p /data/late"
        " && chown -R ada /data/confocal/ada && chown -R bob /data/confocal/bob"
    )
    machine.write("/etc/coverslip/coverslip.yaml", CONFIGURATION)
    machine.write("/srv/probe/sitecustomize.py", PROBE)
    _exposure_is_low(machine)
    machine.write("/etc/systemd/system/coverslip.service.d/quick.conf", QUICK)
    _image(machine, "/data/confocal/ada/p/first.tif", "ada")
    machine.shell(start.replace("enable --now", "enable"))


def _with_pip(python: Path) -> Path:
    for one in (Path(sys.executable), python):
        if subprocess.run([one, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
            return one
    pytest.fail("there is no pip to install the wheel with")


def _exposure_is_low(machine: Machine) -> None:
    judged = machine.run(
        "systemd-analyze", "security", "--offline=yes", "--threshold=15", "/etc/systemd/system/coverslip.service",
        check=False,
    )  # fmt: skip
    assert judged.returncode == 0, judged.stdout


def _image(machine: Machine, path: str, owner: str, size: int = 64) -> None:
    code = (
        f"import numpy, tifffile; tifffile.imwrite({path!r}, numpy.random.randint(0, 999, ({size}, {size}), 'uint16'))"
    )
    machine.run("/opt/coverslip/bin/python", "-c", code)
    machine.shell(f"chmod 600 {path} && chown {owner} {path}")


def _names(machine: Machine) -> set[str]:
    done = machine.run(PROGRAM, "images", "--json", environ={"COVERSLIP_CONFIG": "/etc/coverslip/coverslip.yaml"})
    return {json.loads(line)["name"] for line in done.stdout.splitlines()}


def _count_images(machine: Machine) -> int:
    """Look without the program, whose start takes so long that the work may be done."""
    code = (
        "import sqlite3; catalogue = sqlite3.connect('file:/var/lib/coverslip/catalog.db?mode=ro', uri=True);"
        " print(catalogue.execute('SELECT count(*) FROM image').fetchone()[0])"
    )
    return int(machine.run("/opt/coverslip/bin/python", "-I", "-S", "-c", code).stdout)


def _status(machine: Machine) -> dict[str, object]:
    environ = {"COVERSLIP_CONFIG": "/etc/coverslip/coverslip.yaml"}
    return dict(json.loads(machine.run(PROGRAM, "status", "--json", environ=environ, check=False).stdout))


def _processes(machine: Machine) -> list[str]:
    return machine.shell("cat /sys/fs/cgroup/system.slice/coverslip.service/cgroup.procs 2>/dev/null || true").split()


def _is_active(machine: Machine) -> bool:
    return machine.show("coverslip", "ActiveState") == "active"


@pytest.mark.needs_root
def test_the_booted_service(machine: Machine) -> None:
    _is_active_only_when_ready(machine)
    _reads_the_files_of_several_people_without_being_root(machine)
    _waits_for_a_writer_of_another_account(machine)
    _can_write_nothing_but_its_state(machine)
    _takes_a_good_configuration_and_refuses_a_bad_one(machine)
    _is_restarted_when_it_is_stuck(machine)
    _is_restarted_after_a_kill_and_leaves_no_process(machine)
    _stops_within_seconds_with_work_in_flight(machine)


def _is_active_only_when_ready(machine: Machine) -> None:
    machine.run("systemctl", "start", "coverslip")  # returns when it is active, or failed
    assert _is_active(machine), machine.journal()
    assert machine.show("coverslip", "NRestarts") == "0", machine.journal()
    # A service that counts as active when its process is made, and not when it says so, activates in no time.
    began, ended = (
        int(machine.show("coverslip", f"{moment}TimestampMonotonic")) for moment in ("InactiveExit", "ActiveEnter")
    )
    assert ended - began > 100_000, "microseconds of a start"
    wait_until(lambda: "daemon.ready" in machine.journal())
    code = "import daemon.cli; print(daemon.cli.__file__)"
    assert machine.run("/opt/coverslip/bin/python", "-c", code).stdout.startswith("/opt/coverslip/lib/")


def _reads_the_files_of_several_people_without_being_root(machine: Machine) -> None:
    _image(machine, "/data/confocal/bob/p/second.tif", "bob")
    wait_until(lambda: _names(machine) == {"first", "second"}, every_s=0.3)
    pid = machine.show("coverslip", "MainPID")
    status = machine.shell(f"cat /proc/{pid}/status")
    uid = machine.shell("id -u coverslip").strip()
    assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}" in status
    assert uid != "0"
    assert "CapEff:\t0000000010000004" in status  # CAP_DAC_READ_SEARCH and CAP_LEASE alone


def _waits_for_a_writer_of_another_account(machine: Machine) -> None:
    """Somebody keeps a file of their own open: the kernel tells the daemon, which is neither owner nor root."""
    aside, path = "/data/open.tif", "/data/confocal/bob/p/open.tif"
    _image(machine, aside, "bob")
    kept_open = f"exec 3<>{aside}; echo open; exec sleep 999"
    machine.run("systemd-run", "--quiet", "--unit=writer", "--uid=bob", "sh", "-c", kept_open)
    wait_until(lambda: "open" in machine.run("journalctl", "-o", "cat", "--no-pager", "-u", "writer").stdout.split())
    machine.shell(f"mv {aside} {path}")
    wait_until(lambda: _why(machine, path) == ("waiting", "somebody has the file open for writing"))
    assert "open" not in _names(machine)
    machine.run("systemctl", "stop", "writer")
    wait_until(lambda: "open" in _names(machine), every_s=0.3)
    assert _why(machine, path)[0] == "imported"


def _why(machine: Machine, path: str) -> tuple[str, str]:
    environ = {"COVERSLIP_CONFIG": "/etc/coverslip/coverslip.yaml"}
    done = machine.run(PROGRAM, "why", path, "--json", environ=environ, check=False)
    found = json.loads(done.stdout) if done.stdout.strip() else {}
    return found.get("state", ""), found.get("reason", "")


def _can_write_nothing_but_its_state(machine: Machine) -> None:
    # Open to all, so that only the kernel's fences are in the way; the share is mounted after the service started.
    machine.shell("chmod 777 /data/confocal && mount -t tmpfs -o mode=777 tmpfs /data/late")
    machine.run("systemctl", "kill", "--kill-whom=main", "-s", "USR1", "coverslip")
    wait_until(lambda: "probe /var/lib/coverslip/w" in machine.journal())
    tried = dict(line.split(" ", 2)[1:] for line in machine.journal().splitlines() if line.startswith("probe "))
    assert tried.pop("/var/lib/coverslip/w") == "written"
    assert set(tried.values()) <= {"Read-only file system", "Permission denied"}, tried
    assert tried["/data/late/w"] == "Permission denied"
    assert machine.shell("ls /data/late; find /data/confocal -name w").strip() == ""


def _takes_a_good_configuration_and_refuses_a_bad_one(machine: Machine) -> None:
    machine.write("/etc/coverslip/coverslip.yaml", CONFIGURATION.replace("settle:", "setle:"))
    machine.run("systemctl", "reload", "coverslip")
    wait_until(lambda: "coverslip.yaml:8:5" in machine.journal())
    assert _is_active(machine)
    wait_until(lambda: _status(machine)["state"] == "degraded")
    machine.write("/etc/coverslip/coverslip.yaml", CONFIGURATION + SECOND)
    machine.shell("mkdir -p /data/late/bob/q")
    _image(machine, "/data/late/bob/q/third.tif", "bob")
    machine.run("systemctl", "reload", "coverslip")
    wait_until(lambda: _names(machine) == {"first", "second", "open", "third"}, every_s=0.3)
    assert _is_active(machine)


def _is_restarted_when_it_is_stuck(machine: Machine) -> None:
    before = machine.show("coverslip", "MainPID")
    machine.run("kill", "-STOP", before)
    wait_until(lambda: machine.show("coverslip", "MainPID") not in {before, "0"} and _is_active(machine))
    assert "atchdog timeout" in machine.run("journalctl", "--no-pager", "-o", "cat", "_PID=1").stdout


def _is_restarted_after_a_kill_and_leaves_no_process(machine: Machine) -> None:
    all_before = wait_until(lambda: found if len(found := _processes(machine)) > 2 else [])
    before = machine.show("coverslip", "MainPID")
    machine.run("kill", "-KILL", before)
    wait_until(lambda: machine.show("coverslip", "MainPID") not in {before, "0"} and _is_active(machine))
    assert not set(all_before) & set(_processes(machine))
    assert _names(machine) == {"first", "second", "open", "third"}


def _stops_within_seconds_with_work_in_flight(machine: Machine) -> None:
    _image(machine, "/data/large.tif", "ada", size=2000)
    machine.shell("mkdir /data/aside; for n in $(seq 150); do cp -p /data/large.tif /data/aside/large$n.tif; done")
    machine.shell("mv /data/aside/*.tif /data/confocal/ada/p/")
    wait_until(lambda: _count_images(machine) > 4, every_s=0.01)
    machine.run("systemctl", "stop", "coverslip")  # within the unit's own time, or the result is another
    assert (machine.show("coverslip", "Result"), _processes(machine)) == ("success", [])
    assert 4 < len(_names(machine)) < 154, "the work was done before the stop: make it more"
    assert "shutdown.done" in machine.journal()


def test_it_says_loudly_when_no_machine_can_be_booted() -> None:
    reason = why_not()
    assert (reason is None) or os.geteuid() != 0 or "installed" in reason or "unshare" in reason
