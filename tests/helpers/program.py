"""The installed program as a user drives it: commands, and a daemon that is started and stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

from daemon.cli import run as run_command

T = TypeVar("T")
PROGRAM = Path(sys.executable).parent / "coverslip"
#: What is waited for comes at once on a machine at rest; one that is very busy may take this long.
PATIENCE_S = 120.0
#: Commands that shut their process in, run for long, ask or write a file where they are called.
ALONE = frozenset({"apply", "backup", "contact-sheet", "import", "init", "run", "thumbnail", "verify"})


def wait_until(condition: Callable[[], T], *, within_s: float = PATIENCE_S, every_s: float = 0.05) -> T:
    """Wait until the condition gives something true, and give it; fail when it doesn't in time."""
    ends_at = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > ends_at:
            raise AssertionError(f"not true within {within_s} s; last: {value!r}")
        time.sleep(every_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Give the one document on stdout."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Give the JSON lines on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A facility in a temporary folder: a configuration file, watched folders, a state directory.

    ``under`` is a command that runs the program, in its own place.
    """

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    under: tuple[str, ...] = ()

    @property
    def configuration(self) -> Path:
        """Give the configuration file."""
        return self.folder / "coverslip.yaml"

    @property
    def state(self) -> Path:
        """Give the state directory."""
        return self.folder / "state"

    @property
    def environ(self) -> dict[str, str]:
        """Give the environment of the program: without what the test run has."""
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("COVERSLIP_", "NOTIFY_", "PYTHONDONT"))
        }
        return kept | {"COVERSLIP_CONFIG": str(self.configuration), "NO_COLOR": "1"} | dict(self.environment)

    def configure(self, text: str) -> None:
        """Write the configuration in one step; ``{folder}`` stays as it is, ``@`` before a path means this folder."""
        fresh = self.configuration.with_suffix(".new")
        fresh.write_text(text.replace("@/", f"{self.folder}/"), encoding="utf-8")
        fresh.chmod(0o644)
        fresh.rename(self.configuration)

    def run(self, *arguments: str | Path, within_s: float = PATIENCE_S, stdin: str | None = None) -> Done:
        """Run one command to its end."""
        ended = subprocess.run(
            [*self.under, str(PROGRAM), *map(str, arguments)],
            env=self.environ,
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=within_s,
            check=False,
        )
        assert "Traceback (most recent call last)" not in ended.stderr + ended.stdout, ended.stderr
        return Done(code=ended.returncode, out=ended.stdout, err=ended.stderr)

    def ask(self, *arguments: str | Path) -> Done:
        """Run a command in this process, which takes a twentieth of what its start would.

        Where the program has to run in a place of its own it is started.
        """
        assert arguments[0] not in ALONE, arguments
        if self.under or self.environment:
            return self.run(*arguments)
        out, err = StringIO(), StringIO()
        with mock.patch.dict(os.environ, self.environ, clear=True), redirect_stdout(out), redirect_stderr(err):
            code = run_command([str(argument) for argument in arguments])
        assert "Traceback (most recent call last)" not in err.getvalue() + out.getvalue(), err.getvalue()
        return Done(code=code, out=out.getvalue(), err=err.getvalue())

    def json(self, *arguments: str | Path) -> Any:
        """Run a command with --json that must end well, and give its document."""
        run = self.run if arguments[0] in ALONE else self.ask
        done = run(*arguments, "--json")
        assert done.code == 0, (arguments, done)
        return done.json

    def images(self, *filters: str, acting: str | None = None) -> list[Any]:
        """List images as JSON, as this or another user."""
        as_user = ("--as", acting) if acting else ()
        done = self.ask("images", *filters, "--json", *as_user)
        assert done.code == 0, done
        return done.lines

    def names(self) -> list[str]:
        """Give the names of all images, sorted."""
        return sorted(image["name"] for image in self.images())

    def ready(self) -> None:
        """Wait until the daemon watches and the catalogue can be asked."""
        wait_until(lambda: self.ask("status").code == 0)

    def state_of(self, path: Path) -> tuple[str, str]:
        """Give state and reason of one file, ('', '') while it is not known yet."""
        done = self.ask("why", str(path), "--json")
        if done.code != 0:
            return "", done.err
        return done.json["state"], done.json["reason"] or ""

    @contextmanager
    def daemon(
        self, *options: str, without_privilege_to_read: bool = False, under: Sequence[str | Path] = ()
    ) -> Iterator["Daemon"]:
        """Run the daemon for the length of a with block; it must end well on SIGTERM.

        ``without_privilege_to_read``: even where the tests run as root, a file's mode counts. ``under``: a command
        that runs it, in its own place.
        """
        log = (self.folder / "daemon.log").open("ab")
        command = [*self.under, *map(str, under), str(PROGRAM), "run", *options]
        if without_privilege_to_read and os.geteuid() == 0:
            command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *command]
        process = subprocess.Popen(command, env=self.environ, cwd=self.folder, stdout=log, stderr=log)
        daemon = Daemon(process=process, log=self.folder / "daemon.log")
        try:
            yield daemon
        finally:
            log.close()
            daemon.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A running daemon."""

    process: subprocess.Popen[bytes]
    log: Path

    def ready(self) -> None:
        """Wait until it watches; fail with what it said when it ended before."""
        wait_until(lambda: "daemon.ready" in self.logged() or self.process.poll() is not None)
        assert self.process.poll() is None, self.logged()

    def logged(self) -> str:
        """Give its log so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def stop(self, within_s: float = PATIENCE_S) -> None:
        """Ask it to stop and check that it did, without a traceback."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the daemon did not stop within {within_s} s:\n{self.logged()}") from None
        assert code in (0, -signal.SIGKILL), (code, self.logged())
        assert "Traceback" not in self.logged(), self.logged()

    def kill(self) -> None:
        """Kill it as power loss would."""
        self.process.kill()
        self.process.wait()


def copy_slowly(data: bytes, to: Path, *, pieces: int = 5, pause_s: float = 0.05) -> None:
    """Write a file as a microscope does: piece by piece."""
    to.parent.mkdir(parents=True, exist_ok=True)
    step = max(1, -(-len(data) // pieces))
    with to.open("wb") as file:
        for start in range(0, len(data), step):
            file.write(data[start : start + step])
            file.flush()
            time.sleep(pause_s)


def rows(found: Sequence[Any], *names: str) -> list[tuple[Any, ...]]:
    """Give named fields of JSON rows, sorted."""
    return sorted(tuple(row[name] for name in names) for row in found)
