"""The program as a process: pipes, terminals, locales, full disks, and the account it runs as."""

import io
import os
import pty
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from daemon.access import become
from daemon.cli import run
from tests.helpers.program import PATIENCE_S
from tests.helpers.shell import Shell

PROGRAM = Path(sys.executable).parent / "coverslip"


def program(site: Shell, *arguments: str, **more: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([PROGRAM, *arguments], capture_output=True, timeout=PATIENCE_S, check=False, **more)  # type: ignore[call-overload,no-any-return]  # passed on


def test_a_reader_that_goes_away_ends_the_command_in_silence(site: Shell) -> None:
    process = subprocess.Popen([PROGRAM, "config", "reference"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(PATIENCE_S) == 0


def test_a_look_into_the_catalogue_loads_neither_an_orm_nor_another_databases_drivers(site: Shell) -> None:
    """Each costs a tenth of a second of every command, and comes back with one line that nobody notices."""
    code = (
        "import sys, daemon.cli; code = daemon.cli.run(['tree']);"
        " print(*sys.modules, sep=chr(10), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    modules = set(done.stderr.split())
    assert "sqlalchemy.dialects.sqlite" in modules, "it did not come so far"
    assert not modules & {"sqlalchemy.orm", "sqlalchemy.dialects.postgresql", "psycopg", "alembic", "numpy", "tifffile"}


def test_a_full_disk_behind_standard_output_is_one_sentence(site: Shell) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([PROGRAM, "tree"], stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1].endswith("No space left on device")
    assert b"Traceback" not in done.stderr


def test_a_name_that_the_locale_cannot_print_is_no_error(site: Shell) -> None:
    done = program(site, "images", "--name", "cell", env=os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, b"")


def _read_of(terminal: io.FileIO) -> bytes:
    """Read some; a terminal whose other end is closed ends with an error."""
    try:
        return terminal.read(65536)
    except OSError:
        return b""


def test_colour_is_on_a_terminal_only(site: Shell) -> None:
    assert b"\x1b" not in program(site, "images").stdout
    ours, theirs = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | {"TERM": "xterm"}
    subprocess.run(
        [PROGRAM, "images"], stdout=theirs, stderr=subprocess.DEVNULL, env=environment, timeout=PATIENCE_S, check=True
    )
    os.close(theirs)
    with open(ours, "rb", buffering=0) as terminal:
        shown = b"".join(iter(partial(_read_of, terminal), b""))
    assert b"\x1b[1m" in shown
    assert b"\x1b[31m" not in shown


def test_an_unexpected_error_is_one_line_and_debug_shows_the_traceback(
    site: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by \x1b zero")

    monkeypatch.setattr("daemon.commands.tree.tree", broken)
    code, out, err = site.run("tree")
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    report = Path(err.split(" is in ")[1].rstrip(")\n"))
    assert "ZeroDivisionError" in report.read_text()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    report.unlink()
    assert "Traceback" in site.run("--debug", "tree")[2]


def test_an_account_that_cannot_read_the_program_itself_gets_one_sentence(
    site: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot_load(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'logging'")

    monkeypatch.setattr("daemon.access.name_of", lambda uid: "lab-service")
    monkeypatch.setattr("daemon.commands.tree.tree", cannot_load)
    monkeypatch.setitem(sys.modules, "daemon.crash", None)  # what would write the traceback down can't be loaded either
    code, out, error = site.run("tree")
    assert (code, out) == (1, "")
    assert error.startswith("coverslip: the account lab-service can't read all of this program: ")
    assert len(error.splitlines()) == 1


@pytest.mark.needs_root
@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another account needs root")
def test_root_becomes_the_account_of_the_state_directory_and_leaves_no_file_of_its_own(site: Shell) -> None:
    for place in (site.folder, *site.folder.parents):
        place.chmod(place.stat().st_mode | 0o055) if str(place).startswith("/tmp/") else None
    state = site.folder / "state"
    for path in (state, *state.iterdir()):
        os.chown(path, 12345, 12345)
    done = program(site, "tag", "add", "image:1", "by root", "--as", "ab3c")
    assert done.returncode == 0, done.stderr
    assert {path.stat().st_uid for path in (state, *state.iterdir())} == {12345}


@pytest.mark.needs_root
@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another account needs root")
def test_an_account_that_cannot_write_the_catalogue_gets_one_sentence_and_3(site: Shell) -> None:
    for place in (site.folder, *site.folder.parents):
        place.chmod(place.stat().st_mode | 0o055) if str(place).startswith("/tmp/") else None
    assert site.run("tree")[0] == 0
    heard, said = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(said, 2)
        become(12345, 12345)
        sys.stderr = os.fdopen(2, "w", closefd=False)
        os._exit(run(["tree"]))
    os.close(said)
    with os.fdopen(heard) as pipe:
        told = pipe.read()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3, told
    assert len(told.splitlines()) == 1
