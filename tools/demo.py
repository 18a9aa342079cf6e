"""Play a microscope for a minute and show what Coverslip makes of its files.

Everything happens in ``demo/`` of the checkout. With ``--dir DIR`` a folder of one's own is watched instead: it is only
read, and the catalogue and pictures go to ``demo/``.
"""

import argparse
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from demo_microscope import Microscope

from daemon.cli import run as run_command
from daemon.exits import Exit

CHECKOUT = Path(__file__).resolve().parent.parent
PROGRAM = Path(sys.executable).parent / "coverslip"
MARK = ".made-by-make-demo"
PATIENCE_S = 120.0
LOOK_EVERY_S = 0.8
UNDER_WAY = frozenset({"settling", "ready", "importing", "updating"})

PLAYED = """\
# What `make demo` uses; a configuration of your own is written by `coverslip init DIR`.
state_dir: {state}
groups:
  smith-lab: {{permissions: private, owners: [jane], members: [ada, ben]}}
  darwin-lab: {{permissions: read-annotate, members: [charles, emma]}}
users:
  ada: {{name: Ada Byron, default_group: smith-lab}}
  ben: {{name: Ben Newcomer}}
  jane: {{name: Jane Smith}}
  charles: {{name: Charles Darwin}}
  emma: {{name: Emma Wedgwood}}
watch:
  - root: {confocal}
    settle: 1s
    crosscheck: off
    rules:
      - match: '{{group}}/{{owner}}/{{project}}/[{{dataset}}/**/]{{image}}.{{ext}}'
        tags: [confocal]
  - root: {screens}
    settle: 1s
    crosscheck: off
    rules:
      - match: '{{group}}/{{owner}}/{{screen}}/{{plate}}/{{well}}.{{ext}}'
        key_values: {{Assay: '{{screen}}'}}
"""

OWN = """\
# What `make demo DIR=...` uses: everything belongs to one person, folders become projects and datasets.
state_dir: {state}
groups:
  my-lab: {{members: [me]}}
users:
  me: {{default_group: my-lab}}
watch:
  - root: {root}
    name: own
    settle: 1s
    default: {{owner: me, group: my-lab}}
    crosscheck: off
    rules:
      - match: '[{{project}}/[{{dataset}}/**/]]{{image}}.{{ext}}'
"""


def say(text: str) -> None:
    """Print a heading that tells what comes next."""
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


class Refused(Exception):  # noqa: N818 - reads as the answer it is
    """The demo can't be given here; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What `coverslip status` says of the files."""

    counts: dict[str, int]
    is_scanned: bool


class Demo:
    """The folder of the demo, and the program that works in it."""

    def __init__(self, here: Path) -> None:
        self.here = here
        for key in [key for key in os.environ if key.startswith(("COVERSLIP_", "NOTIFY_"))]:
            del os.environ[key]
        os.environ["COVERSLIP_CONFIG"] = str(here / "coverslip.yaml")

    def prepare(self) -> None:
        """Make an empty folder; one that this demo did not make is left alone."""
        try:
            if self.here.exists():
                if not (self.here / MARK).exists():
                    raise Refused(f"{self.here} was not made by the demo; move it away first")
                shutil.rmtree(self.here)
            self.here.mkdir(parents=True)
            (self.here / MARK).touch()
            (self.here / "state").mkdir(mode=0o700)
            (self.here / "pictures").mkdir()
        except OSError as error:
            raise Refused(
                f"{error.filename}: {error.strerror}; the demo writes in {self.here}, which has to be yours"
                " (another account may have made it: remove it as that account)"
            ) from error

    def configure(self, text: str, **paths: Path) -> None:
        """Write the configuration with these paths in it, see that it is right, and make the catalogue."""
        named = {name: json.dumps(str(path)) for name, path in paths.items()}
        file = self.here / "coverslip.yaml"
        try:
            file.write_text(text.format(state=json.dumps(str(self.here / "state")), **named), encoding="utf-8")
        except UnicodeEncodeError:
            raise Refused("the folder's name is not UTF-8, and a configuration can't name it; rename it") from None
        file.chmod(0o644)
        if self.show("check") != Exit.DONE:
            raise Refused("so the demo ends here")

    def show(self, *arguments: str, lines: int = 40) -> int:
        """Run a command as a person would, and show what it prints."""
        print(f"$ coverslip {self._short(shlex.join(arguments))}", flush=True)
        code, printed, problems = call(*arguments)
        shown = self._short(printed + problems).splitlines()
        more = [f"  ... {len(shown) - lines} more lines"] if len(shown) > lines else []
        print("\n".join([*shown[:lines], *more]), flush=True)
        return code

    def _short(self, text: str) -> str:
        return text.replace(f"{self.here}/", "")

    @contextmanager
    def daemon(self) -> Iterator[None]:
        """Run the daemon for the length of a with block; it is a process of its own, and ends with the demo."""
        with (self.here / "daemon.log").open("wb") as log:
            command = [str(PROGRAM), "run"]
            process = subprocess.Popen(command, cwd=self.here, stdout=log, stderr=log, start_new_session=True)
            try:
                yield
            finally:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        if process.returncode:
            print(f"the daemon ended with {process.returncode}; see {self.here / 'daemon.log'}")

    def seen(self) -> Seen:
        """Look how many files are in each state."""
        status = document("status") or {"counts": {}, "roots": []}
        return Seen(
            counts={state: number for state, number in status["counts"].items() if number},
            is_scanned=bool(status["roots"]) and all(row["last_scan_at"] for row in status["roots"]),
        )

    def watch(self, is_more_to_come: Callable[[int], bool]) -> None:
        """Show the states changing until nothing is on its way, nor to come after so many files."""
        started, last = time.monotonic(), None
        pause = threading.Event()
        while time.monotonic() - started < PATIENCE_S:
            seen = self.seen()
            if seen.counts != last:
                text = "  ".join(f"{state} {number}" for state, number in sorted(seen.counts.items()))
                print(f"  {time.monotonic() - started:5.1f} s  {text or 'nothing seen yet'}", flush=True)
            elif (
                seen.is_scanned
                and not UNDER_WAY & seen.counts.keys()
                and not is_more_to_come(sum(seen.counts.values()))
            ):
                return
            last = seen.counts
            pause.wait(LOOK_EVERY_S)
        print("  (the demo's time is up; the rest would follow)")

    def pictures(self, *, at_most: int) -> None:
        """Draw a contact sheet of each dataset and plate that has images."""
        for index, row in enumerate(sheets()[:at_most]):
            name = "".join(c if c.isascii() and c.isalnum() else "-" for c in row["name"])[:60]
            target = str(self.here / f"pictures/{index + 1}-{name}.png")
            self.show("contact-sheet", f"{row['type']}:{row['id']}", "-o", target)


def call(*arguments: str) -> tuple[int, str, str]:
    """Run a command of the program in this process, which spares its start; gives code, output and messages."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run_command(arguments)
    if code == Exit.INTERRUPTED:
        raise KeyboardInterrupt
    return code, out.getvalue(), err.getvalue()


def document(*arguments: str) -> Any:
    """Run a command with --json and give its document, None when it had none to give."""
    printed = call(*arguments, "--json")[1]
    try:
        return json.loads(printed)
    except json.JSONDecodeError:
        return None


def sheets() -> list[Any]:
    """Find the datasets and plates that have images, those with the most first."""
    found: list[Any] = []
    left = list(document("tree") or [])
    while left:
        row = left.pop()
        left += row["children"]
        if row["type"] in {"dataset", "plate"} and row["images"] and row["id"] is not None:
            found.append(row)
    return sorted(found, key=lambda row: -row["images"])


def seen_by(user: str) -> str:
    """Say what a user sees: how many images, and in which projects and screens."""
    images = [json.loads(line) for line in call("images", "--json", "--as", user)[1].splitlines()]
    places = sorted({row["project"] or row["screen"] or "no project" for row in images})
    return f"{len(images):4} images" + (f"   in {', '.join(places)}" if places else "")


def files_below(*folders: Path) -> int:
    """Count files: a daemon that is slow to see the last of them has not done them all yet."""
    return sum(path.is_file() for folder in folders for path in folder.rglob("*"))


def play(demo: Demo, *, is_quick: bool) -> None:
    """Play the microscope and tell the story."""
    confocal, screens = demo.here / "microscope/confocal", demo.here / "microscope/screens"
    for folder in (confocal, screens):
        folder.mkdir(parents=True)
    say("Two microscopes, two labs: smith-lab is private, darwin-lab is read-annotate")
    demo.configure(PLAYED, confocal=confocal, screens=screens)
    stop = threading.Event()
    size = {"shots": 2, "columns": 2} if is_quick else {}
    microscope = Microscope(confocal=confocal, screens=screens, stop=stop, **size)
    acquisition = threading.Thread(target=microscope.acquire, name="microscope")
    with demo.daemon():
        acquisition.start()
        try:
            say("The microscopes write, the daemon watches: how many files are in which state")
            demo.watch(lambda known: acquisition.is_alive() or known < files_below(confocal, screens))
            tell(demo, confocal)
        finally:
            stop.set()
            acquisition.join()


def tell(demo: Demo, confocal: Path) -> None:
    """Show what has become of the files."""
    say("What is in the catalogue now")
    demo.show("tree")
    say("Who sees what (smith-lab is private: Ben does not see Ada's data, Jane leads the lab and does)")
    for user in ("ada", "ben", "jane", "charles", "emma"):
        print(f"  {user:8} {seen_by(user)}", flush=True)
    say("What the rules make of a path, and why")
    demo.show("explain", str(confocal / "smith-lab/ada/mitosis/control/cell_01.ome.tif"))
    say("A file whose owner nobody knows is held, never shown to everybody")
    demo.show("why", str(confocal / "smith-lab/grace/mitosis/borrowed time.ome.tif"))
    say("And one that broke off on its way is not imported until it is whole")
    demo.show("why", str(confocal / "darwin-lab/charles/finches/beak sections/cable pulled.tif"))
    say("Contact sheets")
    demo.pictures(at_most=4)


def look(demo: Demo, folder: Path) -> None:
    """Watch a folder of one's own, only reading it."""
    say(f"Watching {folder}, without writing into it")
    demo.configure(OWN, root=folder)
    with demo.daemon():
        say("How many files are in which state")
        demo.watch(lambda _: False)
        say("What is in the catalogue now")
        demo.show("tree")
        demo.show("images", "--limit", "10")
        say("What was not imported, and why")
        for state in sorted(demo.seen().counts.keys() - UNDER_WAY - {"imported"}):
            demo.show("queue", state, lines=8)
        say("Contact sheets")
        demo.pictures(at_most=6)


def own_folder(named: Path, here: Path) -> Path:
    """Give the folder to look at. Raises Refused when it is none, can't be read, or is the demo's own."""
    try:
        folder = named.expanduser().resolve(strict=True)
        with os.scandir(folder) as listed:
            is_empty = next(listed, None) is None
    except (OSError, RuntimeError) as error:
        raise Refused(f"{named}: {getattr(error, 'strerror', None) or error}; name a folder of yours") from error
    if folder.is_relative_to(here) or here.is_relative_to(folder):
        raise Refused(f"{named} and the demo's own folder {here} lie in each other; name another with DIR=")
    if is_empty:
        raise Refused(f"{named} is empty; name a folder that has images")
    return folder


def stop_by_signal(number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does, so that the daemon is ended, too."""
    raise KeyboardInterrupt(signal.Signals(number).name)


def main() -> None:
    """Run the demo in the checkout's ``demo/``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, help="a folder of your own, which is only read")
    parser.add_argument("--here", type=Path, default=CHECKOUT / "demo", help="where the demo's files go")
    parser.add_argument("--quick", action="store_true", help="a smaller acquisition")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_by_signal)
    # A shell that starts it in the background has it ignore Ctrl-C; told to stop, it stops all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    demo = Demo(arguments.here.resolve())
    try:
        folder = None if arguments.dir is None else own_folder(arguments.dir, demo.here)
        demo.prepare()
        if folder is None:
            play(demo, is_quick=arguments.quick)
        else:
            look(demo, folder)
    except Refused as refused:
        sys.exit(f"demo: {refused}")
    except KeyboardInterrupt:
        sys.exit(f"\ndemo: stopped; what it made is in {demo.here}")
    say(f"Pictures: {demo.here / 'pictures'}    log: {demo.here / 'daemon.log'}")
    print(
        f"Look further with: export COVERSLIP_CONFIG={shlex.quote(str(demo.here / 'coverslip.yaml'))}; {PROGRAM} tree"
    )


if __name__ == "__main__":
    main()
